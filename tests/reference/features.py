"""The features' slow, obvious twins: the specification that csrc/esbt/features.hpp is held to. One function a feature, of the same name.

A twin gets one contract segment as a `Segment` (so nothing can cross a seam) and gives float64[n], NaN where it has no value. Nothing is
kept from bar to bar except where the formula itself says so (Wilder's mean, EMA). Imports nothing of esbt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Values = np.ndarray
TWINS: dict[str, Callable[["Segment"], Values]] = {}
EXACT = 0.0
TOLERANCE: dict[str, float] = {}  # of |core - twin| / max(1, |twin|); EXACT is equality of float32 values


@dataclass
class Segment:
    """Bars of one contract: ts int64 ns, prices float64 ticks, volume float64 contracts, session int32."""

    ts: Values
    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    session: Values

    def __len__(self) -> int:
        return len(self.close)


def twin(tolerance: float = EXACT) -> Callable[[Callable[[Segment], Values]], Callable[[Segment], Values]]:
    """`twin()` where the arithmetic is the same to the last bit; a tolerance where the twin rounds differently on purpose."""

    def register(f: Callable[[Segment], Values]) -> Callable[[Segment], Values]:
        TWINS[f.__name__] = f
        TOLERANCE[f.__name__] = tolerance
        return f

    return register


def per_segment(name: str, bars: Any) -> Values:
    """float64[N]: the twin of feature `name` over `bars` (anything with the columns of Bars), segment by segment."""
    out = np.full(len(bars.ts), np.nan)
    edges = [0, *[i for i in range(1, len(out)) if bars.segment[i] != bars.segment[i - 1]], len(out)]
    for a, b in pairwise(edges):
        floats = [getattr(bars, column)[a:b].astype(float) for column in ("open", "high", "low", "close", "volume")]
        out[a:b] = TWINS[name](Segment(bars.ts[a:b], *floats, bars.session[a:b]))
    return out


def true_range(s: Segment) -> Values:
    out = s.high - s.low
    for i in range(1, len(s)):
        before = s.close[i - 1]
        out[i] = max(s.high[i] - s.low[i], abs(s.high[i] - before), abs(s.low[i] - before))
    return out


def wilder(x: Values, n: int) -> Values:
    """Wilder's mean: the plain mean of the first n, then (mean * (n - 1) + x) / n."""
    out = np.full(len(x), np.nan)
    for i in range(n - 1, len(x)):
        out[i] = x[:n].sum() / n if i == n - 1 else (out[i - 1] * (n - 1) + x[i]) / n
    return out


def in_atr(s: Segment, ticks: Values) -> Values:
    """A distance in ATR units; an ATR below one tick counts as one tick."""
    return ticks / np.maximum(wilder(true_range(s), 14), 1.0)


def over(num: Values, den: Values, neutral: float) -> Values:
    """num / den, neutral where den is zero, NaN where either is NaN."""
    return np.where((den == 0.0) & ~np.isnan(num), neutral, num / np.where(den == 0.0, 1.0, den))


def back(x: Values, n: int) -> Values:
    """x_t - x_(t-n), NaN for the first n."""
    out = np.full(len(x), np.nan)
    for i in range(n, len(x)):
        out[i] = x[i] - x[i - n]
    return out


def rolling(x: Values, n: int, f: Callable[[Values], float]) -> Values:
    """f of the last n values, NaN before there are n."""
    out = np.full(len(x), np.nan)
    for i in range(n - 1, len(x)):
        out[i] = f(x[i - n + 1 : i + 1])
    return out


def session_so_far(s: Segment, i: int) -> slice:
    """The bars of bar i's session up to and with bar i."""
    start = i
    while start > 0 and s.session[start - 1] == s.session[i]:
        start -= 1
    return slice(start, i + 1)


def ema(x: Values, n: int) -> Values:
    a = 2.0 / (n + 1)
    out = x.copy()
    for i in range(1, len(x)):
        out[i] = a * x[i] + (1.0 - a) * out[i - 1]
    return out


@twin()
def return_1(s: Segment) -> Values:
    return in_atr(s, back(s.close, 1))


@twin()
def return_5(s: Segment) -> Values:
    return in_atr(s, back(s.close, 5))


@twin()
def return_30(s: Segment) -> Values:
    return in_atr(s, back(s.close, 30))


@twin(tolerance=1e-6)  # on closes as they are, the core on closes relative to the first
def ema_gap(s: Segment) -> Values:
    out = in_atr(s, ema(s.close, 12) - ema(s.close, 26))
    out[: 3 * 26] = np.nan
    return out


@twin()
def relative_volatility(s: Segment) -> Values:
    return over(wilder(true_range(s), 14), np.abs(s.close), 0.0)


@twin()
def volatility_ratio(s: Segment) -> Values:
    return over(wilder(true_range(s), 14), wilder(true_range(s), 100), 1.0)


@twin()
def bar_range(s: Segment) -> Values:
    return in_atr(s, s.high - s.low)


@twin()
def close_in_bar(s: Segment) -> Values:
    return over(s.close - s.low, s.high - s.low, 0.5)


@twin(tolerance=1e-6)  # volume over the mean, the core 60 volumes over the sum
def volume_ratio(s: Segment) -> Values:
    return over(s.volume, rolling(s.volume, 60, np.mean), 1.0)


@twin()
def volume_balance(s: Segment) -> Values:
    signed = np.sign(back(s.close, 1)) * s.volume
    return over(rolling(signed, 30, np.sum), rolling(s.volume, 30, np.sum), 0.0)


@twin()
def efficiency_ratio(s: Segment) -> Values:
    return over(np.abs(back(s.close, 30)), rolling(np.abs(back(s.close, 1)), 30, np.sum), 0.0)


@twin()
def rsi_14(s: Segment) -> Values:
    change = back(s.close, 1)[1:]
    gain, loss = wilder(np.maximum(change, 0.0), 14), wilder(np.maximum(-change, 0.0), 14)
    return np.concatenate(([np.nan], 100.0 * over(gain, gain + loss, 0.5)))


@twin()
def high_60_distance(s: Segment) -> Values:
    return in_atr(s, rolling(s.high, 60, np.max) - s.close)


@twin()
def low_60_distance(s: Segment) -> Values:
    return in_atr(s, s.close - rolling(s.low, 60, np.min))


@twin(tolerance=1e-6)  # on prices as they are, the core on prices relative to the segment's first close
def vwap_distance(s: Segment) -> Values:
    distance = np.zeros(len(s))
    for i in range(len(s)):
        k = session_so_far(s, i)
        typical, volume = (s.high[k] + s.low[k] + s.close[k]) / 3.0, s.volume[k]
        if volume.sum() > 0.0:
            distance[i] = s.close[i] - (typical * volume).sum() / volume.sum()
    return in_atr(s, distance)


@twin()
def session_open_distance(s: Segment) -> Values:
    return in_atr(s, np.array([s.close[i] - s.open[session_so_far(s, i)][0] for i in range(len(s))]))


@twin()
def session_range_position(s: Segment) -> Values:
    high = np.array([s.high[session_so_far(s, i)].max() for i in range(len(s))])
    low = np.array([s.low[session_so_far(s, i)].min() for i in range(len(s))])
    return over(s.close - low, high - low, 0.5)


@twin()
def minutes_since_open(s: Segment) -> Values:
    return np.array([(s.ts[i] - s.ts[session_so_far(s, i)][0]) / 60e9 for i in range(len(s))])
