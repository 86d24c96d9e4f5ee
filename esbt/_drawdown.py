"""Metrics of an equity path: total return, drawdown depth, drawdown length, ulcer index. Knows money over time, no trades and no ratios.

`equity` is float64[K] in USD; its first value is the start capital. A drawdown is a POSITIVE fraction of the highest equity so far:
0.12 is 12 % below the peak. It may pass 1 where an account falls below zero; it is never clipped.
"""

import numpy as np
import numpy.typing as npt

from esbt._series import Floats, equity_vector
from esbt.errors import EsbtError


def drawdowns(equity: npt.ArrayLike) -> Floats:
    """Depth below the running peak at each point, float64[K], fractions >= 0.

    Formula: `1 - equity_t / max(equity_0 .. equity_t)`. Raises EsbtError for NaN, an empty series or a start capital <= 0.
    """
    path = equity_vector(equity)
    return 1.0 - path / np.maximum.accumulate(path)


def total_return(equity: npt.ArrayLike) -> float:
    """Change over the whole path, a fraction of the start capital: `equity_last / equity_first - 1`.

    Below -1 when more than everything was lost. Same as quantstats `comp` of the path's returns (for a path that stays above zero).
    """
    path = equity_vector(equity)
    return float(path[-1] / path[0] - 1.0)


def max_drawdown(equity: npt.ArrayLike) -> float:
    """Deepest fall below a previous peak, a POSITIVE fraction: 0.12 is 12 %. `max(1 - equity / running peak)`; 0 without a fall.

    Source: Magdon-Ismail and Atiya 2004, "Maximum drawdown", Risk 17(10). empyrical and quantstats give the same number with a minus
    sign (-0.12). The start capital counts as the first peak, as in empyrical.
    """
    return float(drawdowns(equity).max())


def max_drawdown_days(equity: npt.ArrayLike, days: npt.ArrayLike) -> float:
    """Longest time under water, in calendar days: from a peak to the point that regains it, or to the end of the path if none does.

    `days` is int[K], the trade date of each point as a day number (any epoch), never falling. A fall regained on the same trade date
    is 0 days. The longest spell need not hold the deepest fall. backtesting.py calls it "Max. Drawdown Duration"; quantstats counts
    calendar days between its daily rows from the first row under water, so it is shorter by the step from the peak to that row.
    """
    path, dates = _dated(equity, days)
    peak = np.maximum.accumulate(path)
    at_peak = path == peak
    last_peak = np.maximum.accumulate(np.where(at_peak, np.arange(len(path)), 0))
    since = np.empty(len(path), dtype=np.int64)  # the peak that this point falls from or regains
    since[0] = 0
    since[1:] = last_peak[:-1]
    return float((dates - dates[since])[_under_water_or_regained(at_peak)].max(initial=0))


def recovery_days(equity: npt.ArrayLike, days: npt.ArrayLike) -> float:
    """Calendar days from the bottom of the deepest fall to the first point at or above the peak before it.

    NaN when it was never regained, 0 when there was no fall. `days` as in `max_drawdown_days`. Not the "recovery factor" of quantstats
    (profit over drawdown), which is a ratio.
    """
    path, dates = _dated(equity, days)
    fall = drawdowns(path)
    bottom = int(fall.argmax())
    if fall[bottom] == 0.0:
        return 0.0
    regained = np.flatnonzero(path[bottom:] >= path[: bottom + 1].max())
    return float(dates[bottom + int(regained[0])] - dates[bottom]) if len(regained) else float("nan")


def ulcer_index(equity: npt.ArrayLike) -> float:
    """Root mean square of the drawdowns over all K points, a fraction: `sqrt(mean(drawdown^2))`.

    Source: Martin and McCann 1989, "The Investor's Guide to Fidelity Funds"; StockCharts prints it in percent (1.7609 there is 0.017609
    here). quantstats divides the sum by n - 1 instead of n.
    """
    return float(np.sqrt(np.mean(np.square(drawdowns(equity)))))


def _dated(equity: npt.ArrayLike, days: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.int64]]:
    path = equity_vector(equity)
    dates = np.asarray(days)
    if dates.shape != path.shape or not np.issubdtype(dates.dtype, np.integer):
        raise EsbtError(f"days must be int[{len(path)}], one day number per equity value, got {dates.dtype}{list(dates.shape)}")
    dates = dates.astype(np.int64)
    back = np.flatnonzero(np.diff(dates) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise EsbtError(f"days goes back at row {row} ({dates[row - 1]} -> {dates[row]}): sort the path by time")
    return path, dates


def _under_water_or_regained(at_peak: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Points below the peak, and the first point back at it: a flat stretch at the peak is no drawdown, however long."""
    mask = ~at_peak
    mask[1:] |= ~at_peak[:-1]
    return mask
