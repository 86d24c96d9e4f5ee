"""Twins of the volatility family: ATR, deviations of returns, the estimators from ranges, and a bar's range and gap.

Ratios of prices take prices of at least one tick. Knows no volume and no session.
"""

import math

import numpy as np
from reference.features.base import Segment, Values, back, before, in_atr, log_price, over, rolling, true_range, twin, wilder


@twin()
def atr(s: Segment, bars: int) -> Values:
    return wilder(true_range(s), bars)


@twin()
def relative_volatility(s: Segment, bars: int) -> Values:
    return over(atr(s, bars), np.abs(s.close), 0.0)


@twin()
def volatility_ratio(s: Segment, fast: int, slow: int) -> Values:
    return over(atr(s, fast), atr(s, slow), 1.0)


@twin(tolerance=2e-8)  # the core sums logs on a grid
def historical_volatility(s: Segment, bars: int) -> Values:
    return rolling(back(log_price(s.close), 1), bars, lambda x: np.std(x, ddof=1))


def logs(s: Segment) -> tuple[Values, Values, Values, Values]:
    """ln of open, high, low, close."""
    return log_price(s.open), log_price(s.high), log_price(s.low), log_price(s.close)


@twin(tolerance=1e-9)
def parkinson_volatility(s: Segment, bars: int) -> Values:
    _, h, low, _ = logs(s)
    return np.sqrt(rolling((h - low) ** 2 / (4.0 * math.log(2.0)), bars, np.mean))


@twin(tolerance=1e-9)
def garman_klass_volatility(s: Segment, bars: int) -> Values:
    o, h, low, c = logs(s)
    variance = (h - low) ** 2 / 2.0 - (2.0 * math.log(2.0) - 1.0) * (c - o) ** 2
    return np.sqrt(rolling(variance, bars, np.mean))


def rogers_satchell(s: Segment) -> Values:
    o, h, low, c = logs(s)
    return (h - c) * (h - o) + (low - c) * (low - o)


@twin(tolerance=1e-9)
def rogers_satchell_volatility(s: Segment, bars: int) -> Values:
    return np.sqrt(rolling(rogers_satchell(s), bars, np.mean))


@twin(tolerance=2e-8)  # the core sums logs on a grid
def yang_zhang_volatility(s: Segment, bars: int) -> Values:
    o, _, _, c = logs(s)
    overnight = rolling(o - before(c, 1), bars, lambda x: np.var(x, ddof=1))
    inside = rolling(c - o, bars, lambda x: np.var(x, ddof=1))
    k = 0.34 / (1.34 + (bars + 1) / (bars - 1))
    return np.sqrt(overnight + k * inside + (1.0 - k) * rolling(rogers_satchell(s), bars, np.mean))


# Squares of logarithms are summed in steps of 2^-52: a deviation below 2e-8 is not told from none.
@twin(5e-4)
def historical_volatility_ratio(s: Segment, fast: int, slow: int) -> Values:
    quick, slow_one = historical_volatility(s, fast), historical_volatility(s, slow)
    return np.where(slow_one < 1e-7, np.where(np.isnan(quick), np.nan, 1.0), over(quick, slow_one, 1.0))


def grid_cell(ticks: float) -> float:
    """Cell of the grid: an octave, from 2^k to below 2^(k + 1), has 16 equal steps; what is beyond the grid is in its end cell."""
    if math.isnan(ticks):
        return math.nan
    kept = min(max(ticks, 2.0**-16), 2.0**23 * (1.0 - 2.0**-6))
    octave = math.floor(math.log2(kept))
    return 16 * octave + math.floor(16.0 * (kept / 2.0**octave - 1.0))


@twin()
def volatility_percentile(s: Segment, bars: int) -> Values:
    cells = np.array([grid_cell(x) for x in atr(s, 14)])
    return rolling(cells, bars, lambda x: ((x < x[-1]).sum() + 0.5 * (x == x[-1]).sum()) / bars)


@twin()
def bar_range(s: Segment) -> Values:
    return in_atr(s, s.high - s.low)


@twin(tolerance=1e-9)
def range_ratio(s: Segment, bars: int) -> Values:
    return over(s.high - s.low, rolling(s.high - s.low, bars, np.mean), 1.0)


@twin()
def bar_gap(s: Segment) -> Values:
    return in_atr(s, s.open - before(s.close, 1))


@twin()
def downside_share(s: Segment, bars: int) -> Values:
    change = back(s.close, 1)
    return over(rolling(np.minimum(change, 0.0) ** 2, bars, np.sum), rolling(change**2, bars, np.sum), 0.5)
