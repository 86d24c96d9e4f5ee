"""On markets without an edge and without costs a walk-forward finds none: the chance that its Sharpe ratio is above 0 is spread about a
half. The same test sees a choice that peeks at the test window."""

import numpy as np

import esbt
from esbt.walkforward.fold import FoldWork

SEEDS = 24
GRID = {"fast": [2, 3, 5], "stop_atr": [0.5, 1.0, 2.0], "target_r": [1.0, 2.0, None]}


def chances():
    """Probability that the true Sharpe ratio is above 0, as each of the markets has it; float64[SEEDS]."""
    found = []
    for seed in range(SEEDS):
        bars = esbt.synthetic_bars(days=70, interval="15min", edge=0.0, seed=seed)
        words = {"train": 25, "test": 15, "minimum_trades": 5, "fee_usd": 0.0, "slippage_ticks": 0, "progress": False}
        wf = esbt.walk_forward(bars, esbt.AtrStrategy(fast=3, slow=9, atr_period=5), GRID, **words)
        assert len(wf.trades) > 100
        found.append(esbt.stats.probabilistic_sharpe(wf.result.daily["return"]))
    return np.array(found)


def test_none_is_found_where_none_is():
    """Two-sided at 0.3 %: the mean of uniform chances lies within 3 standard errors of a half; few are above 95 % (binomial, 0.6 %)."""
    found = chances()
    assert abs(found.mean() - 0.5) < 3.0 / np.sqrt(12.0 * SEEDS)
    assert (found > 0.95).sum() <= 4


def test_a_choice_that_peeks_is_seen(monkeypatch):
    monkeypatch.setattr(FoldWork, "_best", lambda self, lanes: int(np.argmax(lanes.test_sum)))
    assert chances().mean() > 0.5 + 3.0 / np.sqrt(12.0 * SEEDS)
