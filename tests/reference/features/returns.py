"""Twins of the returns family: how far price moved, and how far it is from the extremes of a window.

Moves are in ticks over ATR, or ratios of prices of at least one tick. Knows no volume and no session.
"""

import numpy as np
from reference.features.base import Segment, Values, back, before, in_atr, log_price, rolling, twin


@twin()
def move(s: Segment, bars: int) -> Values:
    return in_atr(s, back(s.close, bars))


@twin()
def simple_return(s: Segment, bars: int) -> Values:
    price = np.maximum(s.close, 1.0)
    return price / before(price, bars) - 1.0


@twin(tolerance=1e-9)
def log_return(s: Segment, bars: int) -> Values:
    return back(log_price(s.close), bars)


@twin(tolerance=1e-9)
def momentum(s: Segment, bars: int) -> Values:
    return in_atr(s, back(s.close, bars)) / np.sqrt(bars)


@twin()
def acceleration(s: Segment, bars: int) -> Values:
    newest = back(s.close, bars)
    return in_atr(s, newest - before(newest, bars))


@twin()
def resistance_distance(s: Segment, bars: int) -> Values:
    return in_atr(s, rolling(s.high, bars, np.max) - s.close)


@twin()
def support_distance(s: Segment, bars: int) -> Values:
    return in_atr(s, s.close - rolling(s.low, bars, np.min))


@twin()
def pullback_depth(s: Segment, bars: int) -> Values:
    rise = back(s.close, bars)
    from_high, from_low = resistance_distance(s, bars), -support_distance(s, bars)
    depth = np.where(rise > 0.0, from_high, np.where(rise < 0.0, from_low, 0.0))
    return np.where(np.isnan(rise) | np.isnan(from_high), np.nan, depth)


def bars_since(window: Values, extreme: float) -> int:
    """Bars since the latest value that is `extreme`."""
    return len(window) - 1 - int(np.flatnonzero(window == extreme)[-1])


@twin()
def pullback_speed(s: Segment, bars: int) -> Values:
    rise = back(s.close, bars)
    since_high = rolling(s.high, bars, lambda x: bars_since(x, x.max()))
    since_low = rolling(s.low, bars, lambda x: bars_since(x, x.min()))
    return pullback_depth(s, bars) / (np.where(rise > 0.0, since_high, since_low) + 1.0)
