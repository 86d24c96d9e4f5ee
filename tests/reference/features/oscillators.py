"""Twins of the trend family's oscillators: RSI, stochastic, Williams %R, CCI, Aroon and Wilder's directional movement; and of the regime
family, whose few states are cut from the unrounded RSI, ADX and percentile of volatility.

Windows are taken anew at every bar; Wilder's means run on, as their formula says. Knows nothing of averages of price.
"""

import numpy as np
from reference.features.base import Segment, Values, back, over, rolling, true_range, twin, wilder
from reference.features.volatility import volatility_percentile


@twin()
def rsi(s: Segment, bars: int) -> Values:
    change = back(s.close, 1)
    gain, loss = wilder(np.maximum(change, 0.0), bars), wilder(np.maximum(-change, 0.0), bars)
    return 100.0 * over(gain, gain + loss, 0.5)


@twin()
def stochastic_k(s: Segment, bars: int) -> Values:
    high, low = rolling(s.high, bars, np.max), rolling(s.low, bars, np.min)
    return over(100.0 * (s.close - low), high - low, 50.0)


@twin(tolerance=1e-6)  # a fresh mean, the core a sum that runs on
def stochastic_d(s: Segment, bars: int, smoothing: int) -> Values:
    return rolling(stochastic_k(s, bars), smoothing, np.mean)


@twin()
def williams_r(s: Segment, bars: int) -> Values:
    high, low = rolling(s.high, bars, np.max), rolling(s.low, bars, np.min)
    return over(-100.0 * (high - s.close), high - low, -50.0)


def lambert(typical: Values) -> float:
    """(newest - mean) / (0.015 * mean absolute deviation), `typical` three times the typical price, so whole ticks."""
    mean = typical.mean()
    deviation = np.abs(typical - mean).mean()
    return (typical[-1] - mean) / (0.015 * deviation) if (typical != typical[0]).any() else 0.0


@twin(tolerance=1e-6)
def cci(s: Segment, bars: int) -> Values:
    return rolling(s.high + s.low + s.close, bars, lambert)


def bars_since_highest(x: Values) -> int:
    """Bars since the highest value of x, the latest of equal ones."""
    return max(range(len(x)), key=lambda ago: (x[len(x) - 1 - ago], -ago))


@twin()
def aroon_up(s: Segment, bars: int) -> Values:
    return 100.0 * (bars - rolling(s.high, bars + 1, bars_since_highest)) / bars


@twin()
def aroon_down(s: Segment, bars: int) -> Values:
    return 100.0 * (bars - rolling(-s.low, bars + 1, bars_since_highest)) / bars


@twin()
def aroon_oscillator(s: Segment, bars: int) -> Values:
    return aroon_up(s, bars) - aroon_down(s, bars)


def directional(s: Segment, bars: int) -> tuple[Values, Values]:
    """+DI and -DI. Directional movement needs a bar before it, so all means begin with a segment's second bar, that of true range too.

    Both are 0 while the mean true range is zero: nothing moves.
    """
    up, down, ranges = back(s.high, 1), -back(s.low, 1), true_range(s)
    plus, minus = np.where((up > down) & (up > 0.0), up, 0.0), np.where((down > up) & (down > 0.0), down, 0.0)
    plus[0] = minus[0] = ranges[0] = np.nan
    plus_mean, minus_mean, range_mean = (wilder(x, bars) for x in (plus, minus, ranges))
    return over(100.0 * plus_mean, range_mean, 0.0), over(100.0 * minus_mean, range_mean, 0.0)


@twin(tolerance=1e-6)
def plus_di(s: Segment, bars: int) -> Values:
    return directional(s, bars)[0]


@twin(tolerance=1e-6)
def minus_di(s: Segment, bars: int) -> Values:
    return directional(s, bars)[1]


@twin(tolerance=1e-6)
def adx(s: Segment, bars: int) -> Values:
    plus, minus = directional(s, bars)
    return wilder(over(100.0 * np.abs(plus - minus), plus + minus, 0.0), bars)


def where_known(known: Values, state: Values) -> Values:
    """`state`, NaN where `known` is."""
    return np.where(np.isnan(known), np.nan, state)


@twin()
def trend_regime(s: Segment, bars: int, level: float) -> Values:
    strength, (plus, minus) = adx(s, bars), directional(s, bars)
    return where_known(strength, np.where(strength > level, np.sign(plus - minus), 0.0))


@twin()
def momentum_regime(s: Segment, bars: int, band: float) -> Values:
    strength = rsi(s, bars)
    return where_known(strength, np.where(strength > 50.0 + band, 1.0, np.where(strength < 50.0 - band, -1.0, 0.0)))


@twin()
def volatility_regime(s: Segment, bars: int) -> Values:
    rank = volatility_percentile(s, bars)
    return where_known(rank, np.where(rank < 1.0 / 3.0, 0.0, np.where(rank < 2.0 / 3.0, 1.0, 2.0)))
