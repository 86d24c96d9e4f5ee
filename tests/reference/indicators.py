"""The slow twin of the indicators: Wilder's ATR and the crossings of two EMAs, each written from its definition, segment by segment.

Every segment (contract) is taken alone, so nothing can leak over a seam. Knows neither the core nor positions.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from reference.records import Bar


def segments(bars: Sequence[Bar]) -> list[list[Bar]]:
    """The bars cut at every change of the segment number."""
    runs: list[list[Bar]] = []
    for i, bar in enumerate(bars):
        if i == 0 or bar.segment != bars[i - 1].segment:
            runs.append([])
        runs[-1].append(bar)
    return runs


def wilder_atr(bars: Sequence[Bar], period: int) -> list[float]:
    """ATR in ticks per bar: the mean of a segment's first `period` true ranges, then (ATR * (period - 1) + TR) / period; NaN before."""
    out: list[float] = []
    for run in segments(bars):
        ranges = [run[0].high - run[0].low]
        for before, bar in pairwise(run):
            ranges.append(max(bar.high, before.close) - min(bar.low, before.close))
        atr = math.nan
        for i, tr in enumerate(ranges):
            if i + 1 == period:
                atr = sum(ranges[:period]) / period
            elif i + 1 > period:
                atr = (atr * (period - 1) + tr) / period
            out.append(atr)
    return out


def ema(values: Sequence[float], period: int) -> list[float]:
    """a * x + (1 - a) * EMA before, a = 2 / (period + 1), seeded with the first value."""
    a = 2.0 / (period + 1)
    out = [values[0]]
    for x in values[1:]:
        out.append(a * x + (1.0 - a) * out[-1])
    return out


def ema_crossings(bars: Sequence[Bar], fast: int, slow: int, warm_bars: int) -> list[int]:
    """+1 where EMA(fast) crosses above EMA(slow), -1 on the mirror, else 0; none before bar number `warm_bars` of a segment (from 0)."""
    out: list[int] = []
    for run in segments(bars):
        relative = [float(bar.close - run[0].close) for bar in run]
        quick, calm = ema(relative, fast), ema(relative, slow)
        for i in range(len(run)):
            up = i > 0 and quick[i] > calm[i] and quick[i - 1] <= calm[i - 1]
            down = i > 0 and quick[i] < calm[i] and quick[i - 1] >= calm[i - 1]
            out.append(0 if i < warm_bars else int(up) - int(down))
    return out
