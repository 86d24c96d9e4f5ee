"""Twins of the trend family's oscillators: RSI, stochastic, Williams %R, CCI, Aroon and Wilder's directional movement.

Windows are taken anew at every bar; Wilder's means run on, as their formula says. Knows nothing of averages of price.
"""

import numpy as np

from reference.features.base import Segment, Values, back, over, rolling, true_range, twin, wilder


@twin()
def rsi(s: Segment, bars: float) -> Values:
    change = back(s.close, 1)[1:]
    gain, loss = wilder(np.maximum(change, 0.0), int(bars)), wilder(np.maximum(-change, 0.0), int(bars))
    return np.concatenate(([np.nan], 100.0 * over(gain, gain + loss, 0.5)))


@twin()
def stochastic_k(s: Segment, bars: float) -> Values:
    high, low = rolling(s.high, int(bars), np.max), rolling(s.low, int(bars), np.min)
    return over(100.0 * (s.close - low), high - low, 50.0)


@twin(tolerance=1e-6)  # a fresh mean, the core a sum that runs on
def stochastic_d(s: Segment, bars: float, smoothing: float) -> Values:
    return rolling(stochastic_k(s, bars), int(smoothing), np.mean)


@twin()
def williams_r(s: Segment, bars: float) -> Values:
    high, low = rolling(s.high, int(bars), np.max), rolling(s.low, int(bars), np.min)
    return over(-100.0 * (high - s.close), high - low, -50.0)


def lambert(typical: Values) -> float:
    """(newest - mean) / (0.015 * mean absolute deviation), `typical` three times the typical price, so whole ticks."""
    mean = typical.mean()
    deviation = np.abs(typical - mean).mean()
    return (typical[-1] - mean) / (0.015 * deviation) if (typical != typical[0]).any() else 0.0


@twin(tolerance=1e-6)
def cci(s: Segment, bars: float) -> Values:
    return rolling(s.high + s.low + s.close, int(bars), lambert)


def bars_since_highest(x: Values) -> int:
    """Bars since the highest value of x, the latest of equal ones."""
    return max(range(len(x)), key=lambda ago: (x[len(x) - 1 - ago], -ago))


@twin()
def aroon_up(s: Segment, bars: float) -> Values:
    return 100.0 * (bars - rolling(s.high, int(bars) + 1, bars_since_highest)) / bars


@twin()
def aroon_down(s: Segment, bars: float) -> Values:
    return 100.0 * (bars - rolling(-s.low, int(bars) + 1, bars_since_highest)) / bars


@twin()
def aroon_oscillator(s: Segment, bars: float) -> Values:
    return aroon_up(s, bars) - aroon_down(s, bars)


def directional(s: Segment, bars: float) -> tuple[Values, Values]:
    """+DI and -DI. Directional movement needs a bar before it, so all means begin with a segment's second bar, that of true range too.

    Both are 0 while the mean true range is zero: nothing moves.
    """
    up, down = back(s.high, 1)[1:], -back(s.low, 1)[1:]
    plus = np.where((up > down) & (up > 0.0), up, 0.0)
    minus = np.where((down > up) & (down > 0.0), down, 0.0)
    ranges = wilder(true_range(s)[1:], int(bars))
    both = [over(100.0 * wilder(x, int(bars)), ranges, 0.0) for x in (plus, minus)]
    return np.concatenate(([np.nan], both[0])), np.concatenate(([np.nan], both[1]))


@twin(tolerance=1e-6)
def plus_di(s: Segment, bars: float) -> Values:
    return directional(s, bars)[0]


@twin(tolerance=1e-6)
def minus_di(s: Segment, bars: float) -> Values:
    return directional(s, bars)[1]


@twin(tolerance=1e-6)
def adx(s: Segment, bars: float) -> Values:
    plus, minus = directional(s, bars)
    moving = over(100.0 * np.abs(plus - minus), plus + minus, 0.0)
    out = np.full(len(s), np.nan)
    out[int(bars) :] = wilder(moving[int(bars) :], int(bars))
    return out
