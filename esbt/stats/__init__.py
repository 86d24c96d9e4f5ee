"""The statistics of luck: is a Sharpe ratio, or the best lane of a sweep, more than chance would have brought? See docs/luck.md.

Matrices have ONE ROW A LANE (trial), one column a session. Sharpe ratios are per period unless a name says annual. Knows returns, P&L and
bars; knows no sweep.
"""

from esbt.stats.bootstrap import Interval, confidence_interval, optimal_block_length, stationary_indices
from esbt.stats.cscv import Cscv, cscv, pbo
from esbt.stats.multiple import benjamini_hochberg, holm, mean_p_values, sharpe_p_values
from esbt.stats.permutation import PermutationTest, permutation_test, permuted_bars
from esbt.stats.sharpe import (
    deflated_sharpe,
    expected_max_sharpe,
    minimum_backtest_length,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_probability,
    sharpe_ratios,
    track_record_length,
)
from esbt.stats.snooping import SuperiorAbility, reality_check, spa, stepm
from esbt.stats.trials import effective_trials
from esbt.stats.verdict import Overfitting, overfitting

__all__ = [
    "Cscv",
    "Interval",
    "Overfitting",
    "PermutationTest",
    "SuperiorAbility",
    "benjamini_hochberg",
    "confidence_interval",
    "cscv",
    "deflated_sharpe",
    "effective_trials",
    "expected_max_sharpe",
    "holm",
    "mean_p_values",
    "minimum_backtest_length",
    "minimum_track_record",
    "optimal_block_length",
    "overfitting",
    "pbo",
    "permutation_test",
    "permuted_bars",
    "probabilistic_sharpe",
    "reality_check",
    "sharpe_p_values",
    "sharpe_probability",
    "sharpe_ratios",
    "spa",
    "stationary_indices",
    "stepm",
    "track_record_length",
]
