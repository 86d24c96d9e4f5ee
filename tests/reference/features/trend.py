"""Twins of the trend family's averages, lines and channels: SMA, EMA, MACD, least squares, Bollinger, Keltner, Donchian, SuperTrend.

Prices are taken as they are, in ticks; the core counts them from the segment's first close. Knows nothing of oscillators.
"""

import numpy as np
from reference.features.base import Segment, Values, back, in_atr, over, rolling, true_range, twin, wilder
from reference.features.base import ema as running


@twin(tolerance=1e-6)
def sma(s: Segment, bars: int) -> Values:
    return rolling(s.close, bars, np.mean)


@twin(tolerance=1e-6, settles=True)
def ema(s: Segment, bars: int) -> Values:
    return running(s.close, bars)


@twin(tolerance=1e-6)
def sma_distance(s: Segment, bars: int) -> Values:
    return in_atr(s, s.close - sma(s, bars))


@twin(tolerance=1e-6, settles=True)
def ema_distance(s: Segment, bars: int) -> Values:
    return in_atr(s, s.close - running(s.close, bars))


@twin(tolerance=1e-6)
def sma_slope(s: Segment, bars: int) -> Values:
    return in_atr(s, back(sma(s, bars), 5))


def macd_line(s: Segment, fast: int, slow: int) -> Values:
    return running(s.close, fast) - running(s.close, slow)


@twin(tolerance=1e-6, settles=True)
def macd(s: Segment, fast: int, slow: int) -> Values:
    return in_atr(s, macd_line(s, fast, slow))


@twin(tolerance=1e-6, settles=True)
def macd_signal(s: Segment, fast: int, slow: int, signal: int) -> Values:
    return in_atr(s, running(macd_line(s, fast, slow), signal))


@twin(tolerance=1e-6, settles=True)
def macd_histogram(s: Segment, fast: int, slow: int, signal: int) -> Values:
    line = macd_line(s, fast, slow)
    return in_atr(s, line - running(line, signal))


def line_through(y: Values) -> tuple[float, float]:
    """Slope per bar and R squared of the least-squares line through y; R squared is 0 where y does not vary."""
    x = np.arange(len(y)) - (len(y) - 1) / 2.0
    away = y - y.mean()
    slope = (x * away).sum() / (x * x).sum()
    left = away - slope * x
    return slope, 1.0 - (left * left).sum() / (away * away).sum() if away.any() else 0.0


@twin(tolerance=1e-6)
def linear_slope(s: Segment, bars: int) -> Values:
    return in_atr(s, rolling(s.close, bars, lambda y: line_through(y)[0]))


@twin(tolerance=1e-6)
def linear_fit(s: Segment, bars: int) -> Values:
    return rolling(s.close, bars, lambda y: line_through(y)[1])


@twin(tolerance=1e-6)
def bollinger_width(s: Segment, bars: int, deviations: float) -> Values:
    return in_atr(s, 2.0 * deviations * rolling(s.close, bars, np.std))


@twin(tolerance=1e-6)
def bollinger_position(s: Segment, bars: int, deviations: float) -> Values:
    middle, reach = sma(s, bars), deviations * rolling(s.close, bars, np.std)
    lower, upper = middle - reach, middle + reach
    return over(s.close - lower, np.where(reach == 0.0, 0.0, upper - lower), 0.5)


@twin(tolerance=1e-6, settles=True)
def keltner_position(s: Segment, bars: int, multiple: float) -> Values:
    atr = np.maximum(wilder(true_range(s), bars), 1.0)
    return (s.close - running(s.close, bars)) / (multiple * atr)


def channel(s: Segment, bars: int) -> tuple[Values, Values]:
    """Highest high and lowest low of the last bars, this one included."""
    return rolling(s.high, bars, np.max), rolling(s.low, bars, np.min)


@twin()
def donchian_position(s: Segment, bars: int) -> Values:
    high, low = channel(s, bars)
    return over(s.close - low, high - low, 0.5)


@twin()
def donchian_width(s: Segment, bars: int) -> Values:
    high, low = channel(s, bars)
    return in_atr(s, high - low)


def supertrend(s: Segment, bars: int, multiple: float) -> tuple[Values, Values]:
    """The line and the side, bar by bar.

    A band is loosened only after a close beyond it. On side 1 the line is the lower band, until a close below it; on side -1 it is the
    upper one, until a close above it. The start is on side -1; where that is wrong it lasts until the first break.
    """
    atr, middle = wilder(true_range(s), bars), (s.high + s.low) / 2.0
    line, side = np.full(len(s), np.nan), np.full(len(s), np.nan)
    upper = lower = np.nan
    now = -1.0
    for i in range(bars - 1, len(s)):
        wide_upper, wide_lower = middle[i] + multiple * atr[i], middle[i] - multiple * atr[i]
        first = i == bars - 1
        if first or wide_upper < upper or s.close[i - 1] > upper:
            upper = wide_upper
        if first or wide_lower > lower or s.close[i - 1] < lower:
            lower = wide_lower
        broken = s.close[i] < lower if now > 0.0 else s.close[i] > upper
        now = -now if broken else now
        line[i], side[i] = (lower if now > 0.0 else upper), now
    return line, side


@twin(tolerance=1e-6, settles=True)
def supertrend_distance(s: Segment, bars: int, multiple: float) -> Values:
    return in_atr(s, s.close - supertrend(s, bars, multiple)[0])


@twin(settles=True)
def supertrend_side(s: Segment, bars: int, multiple: float) -> Values:
    return supertrend(s, bars, multiple)[1]
