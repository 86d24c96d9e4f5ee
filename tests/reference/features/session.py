"""Twins of the session family: where the close stands against its session so far, the session before, and the opening range.

A session is a run of bars of one trade date; the bars of a session are looked up anew at every bar. Knows no clock but bar times.
"""

from collections.abc import Callable

import numpy as np
from reference.features.base import Segment, Values, in_atr, over, session_so_far, twin


def each(s: Segment, f: Callable[[slice, slice | None], float]) -> Values:
    """f(bars of bar i's session up to and with i, bars of the whole session before it or None) for each bar i."""
    out = np.full(len(s), np.nan)
    for i in range(len(s)):
        now = session_so_far(s, i)
        before = session_so_far(s, now.start - 1) if now.start > 0 else None
        out[i] = f(now, before)
    return out


@twin()
def session_open_distance(s: Segment) -> Values:
    return in_atr(s, s.close - each(s, lambda now, before: s.open[now][0]))


def session_high(s: Segment) -> Values:
    return each(s, lambda now, before: s.high[now].max())


def session_low(s: Segment) -> Values:
    return each(s, lambda now, before: s.low[now].min())


@twin()
def session_high_distance(s: Segment) -> Values:
    return in_atr(s, s.close - session_high(s))


@twin()
def session_low_distance(s: Segment) -> Values:
    return in_atr(s, s.close - session_low(s))


@twin()
def session_range_position(s: Segment) -> Values:
    return over(s.close - session_low(s), session_high(s) - session_low(s), 0.5)


def from_prior(s: Segment, level: Callable[[slice], float]) -> Values:
    """(close - level(bars of the session before)) / ATR, 0 where there is none."""
    return in_atr(s, each(s, lambda now, before: 0.0 if before is None else s.close[now][-1] - level(before)))


@twin()
def prior_high_distance(s: Segment) -> Values:
    return from_prior(s, lambda before: s.high[before].max())


@twin()
def prior_low_distance(s: Segment) -> Values:
    return from_prior(s, lambda before: s.low[before].min())


@twin()
def prior_close_distance(s: Segment) -> Values:
    return from_prior(s, lambda before: s.close[before][-1])


@twin(tolerance=1e-6)
def pivot_distance(s: Segment) -> Values:
    return from_prior(s, lambda before: (s.high[before].max() + s.low[before].min() + s.close[before][-1]) / 3.0)


@twin()
def overnight_gap(s: Segment) -> Values:
    return in_atr(s, each(s, lambda now, before: 0.0 if before is None else s.open[now][0] - s.close[before][-1]))


@twin()
def session_range_ratio(s: Segment) -> Values:
    before = each(s, lambda now, before: 0.0 if before is None else s.high[before].max() - s.low[before].min())
    return over(session_high(s) - session_low(s), before, 1.0)


def opening_range(s: Segment, minutes: int) -> tuple[Values, Values]:
    """High and low of the bars that open in the session's first minutes, of those seen so far."""

    def early(now: slice) -> Values:
        ts = s.ts[now]
        return ts - ts[0] < minutes * 60_000_000_000

    return each(s, lambda now, before: s.high[now][early(now)].max()), each(s, lambda now, before: s.low[now][early(now)].min())


@twin()
def opening_range_position(s: Segment, minutes: int) -> Values:
    high, low = opening_range(s, minutes)
    return over(s.close - low, high - low, 0.5)


@twin()
def opening_range_width(s: Segment, minutes: int) -> Values:
    high, low = opening_range(s, minutes)
    return in_atr(s, high - low)
