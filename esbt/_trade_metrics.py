"""Metrics of closed trades: win rate, payoff, streaks, exposure. Knows the money of each trade, nothing of the equity between trades.

`pnl` is float64[T] in USD, net of costs, in order of exit. A trade with pnl == 0 (a scratch) is neither a win nor a loss: it counts as
a trade, and it ends a streak. A position that leaves in parts is as many trades as parts, as in backtesting.py and in vectorbt's exit
trades: all metrics here are of parts then, but for exposure, where parts do not add up. quantstats has functions of the same names on
daily RETURNS, where one long trade is many "wins"; these are on trades.
"""

import numpy as np
import numpy.typing as npt

from esbt._series import Floats, vector
from esbt.errors import EsbtError

_NAN = float("nan")


def _pnl(values: npt.ArrayLike) -> Floats:
    return vector(values, "pnl")


def trades(pnl: npt.ArrayLike) -> int:
    """Number of closed trades, scratch trades included."""
    return len(_pnl(pnl))


def win_rate(pnl: npt.ArrayLike) -> float:
    """Share of all trades that won, a fraction: `count(pnl > 0) / count(pnl)`. NaN without trades.

    Scratch trades stay in the denominator, so they lower it; quantstats leaves zeros out.
    """
    values = _pnl(pnl)
    return float(np.mean(values > 0)) if len(values) else _NAN


def profit_factor(pnl: npt.ArrayLike) -> float:
    """Money won over money lost, a ratio: `sum(pnl > 0) / abs(sum(pnl < 0))`. inf with wins and no losses, NaN with neither."""
    values = _pnl(pnl)
    won, lost = float(values[values > 0].sum()), float(-values[values < 0].sum())
    if lost == 0.0:
        return float("inf") if won > 0 else _NAN
    return won / lost


def avg_win(pnl: npt.ArrayLike) -> float:
    """Mean pnl of winning trades, USD. NaN without a win."""
    values = _pnl(pnl)
    wins = values[values > 0]
    return float(wins.mean()) if len(wins) else _NAN


def avg_loss(pnl: npt.ArrayLike) -> float:
    """Mean pnl of losing trades, USD: a NEGATIVE number, as in quantstats. NaN without a loss."""
    values = _pnl(pnl)
    losses = values[values < 0]
    return float(losses.mean()) if len(losses) else _NAN


def win_loss_ratio(pnl: npt.ArrayLike) -> float:
    """Average win over average loss, a ratio: `avg_win / abs(avg_loss)`; quantstats calls it payoff ratio. NaN without a win or a loss."""
    return avg_win(pnl) / -avg_loss(pnl)


def expectancy(pnl: npt.ArrayLike) -> float:
    """Mean pnl of a trade, USD, scratch trades included: `mean(pnl)`. NaN without trades.

    Equal to `win_rate * avg_win + loss_rate * avg_loss` (Van Tharp's dollar expectancy, not his R-multiple).
    """
    values = _pnl(pnl)
    return float(values.mean()) if len(values) else _NAN


def max_consecutive_wins(pnl: npt.ArrayLike) -> int:
    """Longest run of winning trades in a row; 0 without one. A scratch trade ends the run."""
    return _longest_run(_pnl(pnl) > 0)


def max_consecutive_losses(pnl: npt.ArrayLike) -> int:
    """Longest run of losing trades in a row; 0 without one. A scratch trade ends the run."""
    return _longest_run(_pnl(pnl) < 0)


def exposure(entry_bar: npt.ArrayLike, exit_bar: npt.ArrayLike, bars: int) -> float:
    """Share of bars with a position, a fraction: bars inside any `[entry_bar, exit_bar]` over all `bars`. NaN without bars.

    Both ends count, as in `bars_held`; a bar of several trades (a reversal, parts of one position) counts once. quantstats counts days with
    a return other than zero and rounds up to a whole percent. Raises EsbtError for unequal lengths or a trade outside 0 .. bars - 1.
    """
    first, last = np.asarray(entry_bar), np.asarray(exit_bar)
    if first.ndim != 1 or first.shape != last.shape:
        raise EsbtError(f"entry_bar and exit_bar must be two series of one length, got {list(first.shape)} and {list(last.shape)}")
    if bars <= 0:
        return _NAN
    if len(first) == 0:
        return 0.0
    first, last = first.astype(np.int64), last.astype(np.int64)
    bad = np.flatnonzero((first < 0) | (last < first) | (last >= bars))
    if len(bad):
        row = int(bad[0])
        raise EsbtError(f"trade {row} lies on bars {first[row]}..{last[row]}, outside 0..{bars - 1}: pass the trades of these bars")
    steps = np.bincount(first, minlength=bars + 1) - np.bincount(last + 1, minlength=bars + 1)
    return float(np.count_nonzero(np.cumsum(steps[:bars])) / bars)


def _longest_run(hit: npt.NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], hit, [False]))))  # rise, fall, rise, fall, ...
    return int((edges[1::2] - edges[::2]).max(initial=0))
