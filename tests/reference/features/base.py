"""What the twins of the features have in common: the segment they get, their registration, and the helpers more than one family needs.

A twin gets one contract segment as a `Segment` (so nothing can cross a seam) and the values of its feature's parameters, in the registry's
order (whole ones as int). It gives float64[n], NaN where it has no value. Nothing is kept from bar to bar except where the formula itself
says so (Wilder's mean, EMA): a window is computed from scratch at every bar. Imports nothing of esbt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Values = np.ndarray
Twin = Callable[..., Values]
TWINS: dict[str, Twin] = {}
EXACT = 0.0
TOLERANCE: dict[str, float] = {}  # of |core - twin| / max(1, |twin|), beyond ROUNDING; EXACT is equality of float32 values
ROUNDING = 2.0**-23  # of |twin|: what float32 itself costs, so that a tolerance can be small where values are
SETTLES: set[str] = set()  # have values from bar 0 on, but the core waits longer, until the start is forgotten: compare from its warm-up


@dataclass
class Segment:
    """Bars of one contract: ts int64 ns, prices float64 ticks, volume and buys float64 contracts (buys NaN if unknown), session int32."""

    ts: Values
    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    session: Values
    buys: Values

    def __len__(self) -> int:
        return len(self.close)


def twin(tolerance: float = EXACT, settles: bool = False, name: str = "") -> Callable[[Twin], Twin]:
    """`twin()` where the arithmetic is the same to the last bit; a tolerance where the twin rounds differently on purpose.

    settles: it is one of SETTLES. name: of the feature, where the function cannot be called so.
    """

    def register(f: Twin) -> Twin:
        feature = name or f.__name__
        assert feature not in TWINS
        TWINS[feature] = f
        TOLERANCE[feature] = tolerance
        if settles:
            SETTLES.add(feature)
        return f

    return register


def per_segment(name: str, values: Sequence[float], bars: Any) -> Values:
    """float64[N]: the twin of feature `name` with its parameters' values over `bars` (anything with the columns of Bars)."""
    out = np.full(len(bars.ts), np.nan)
    known = getattr(bars, "buys", None)
    buys = np.full(len(out), np.nan) if known is None else np.where(known < 0, np.nan, known.astype(float))
    numbers = [int(v) if float(v).is_integer() else float(v) for v in values]
    edges = [0, *[i for i in range(1, len(out)) if bars.segment[i] != bars.segment[i - 1]], len(out)]
    for a, b in pairwise(edges):
        floats = [getattr(bars, column)[a:b].astype(float) for column in ("open", "high", "low", "close", "volume")]
        out[a:b] = TWINS[name](Segment(bars.ts[a:b], *floats, bars.session[a:b], buys[a:b]), *numbers)
    return out


def disagrees(name: str, core: Values, twin_values: Values) -> Values:
    """bool[n]: bars where the core's float32 values are not the twin's, by the tolerance of feature `name`; NaN agrees with NaN alone."""
    error = np.abs(core.astype(float) - twin_values) - ROUNDING * np.abs(twin_values)
    apart = error > TOLERANCE[name] * np.maximum(1.0, np.abs(twin_values))
    if TOLERANCE[name] == EXACT:
        apart = core != twin_values.astype(np.float32)
    return np.where(np.isnan(twin_values) | np.isnan(core), np.isnan(twin_values) != np.isnan(core), apart)


def true_range(s: Segment) -> Values:
    """The first bar's is its range."""
    out = s.high - s.low
    for i in range(1, len(s)):
        before = s.close[i - 1]
        out[i] = max(s.high[i] - s.low[i], abs(s.high[i] - before), abs(s.low[i] - before))
    return out


def wilder(x: Values, n: int) -> Values:
    """Wilder's mean: the plain mean of the first n, then (mean * (n - 1) + x) / n. NaNs at the start of x are left out."""
    out = np.full(len(x), np.nan)
    start = int(np.isnan(x).sum())
    for i in range(start + n - 1, len(x)):
        out[i] = x[start : start + n].sum() / n if i == start + n - 1 else (out[i - 1] * (n - 1) + x[i]) / n
    return out


def in_atr(s: Segment, ticks: Values) -> Values:
    """A distance in ATR units; an ATR below one tick counts as one tick."""
    return ticks / np.maximum(wilder(true_range(s), 14), 1.0)


def over(num: Values, den: Values, neutral: float) -> Values:
    """num / den, neutral where den is zero, NaN where either is NaN."""
    return np.where((den == 0.0) & ~np.isnan(num), neutral, num / np.where(den == 0.0, 1.0, den))


def before(x: Values, n: int) -> Values:
    """x_(t-n), NaN for the first n."""
    out = np.full(len(x), np.nan)
    for i in range(n, len(x)):
        out[i] = x[i - n]
    return out


def back(x: Values, n: int) -> Values:
    """x_t - x_(t-n), NaN for the first n."""
    return x - before(x, n)


def rolling(x: Values, n: int, f: Callable[[Values], float]) -> Values:
    """f of the last n values, NaN before there are n and where one of them is NaN."""
    out = np.full(len(x), np.nan)
    for i in range(n - 1, len(x)):
        window = x[i - n + 1 : i + 1]
        if not np.isnan(window).any():
            out[i] = f(window)
    return out


def ema(x: Values, n: int) -> Values:
    """a * x_t + (1 - a) * EMA_(t-1), a = 2 / (n + 1), seeded with the first x that is not NaN."""
    a = 2.0 / (n + 1)
    out = x.copy()
    for i in range(1, len(x)):
        if not np.isnan(out[i - 1]):
            out[i] = a * x[i] + (1.0 - a) * out[i - 1]
    return out


def log_price(price: Values) -> Values:
    """ln of a price; below one tick it counts as one tick."""
    return np.log(np.maximum(price, 1.0))


def typical(s: Segment) -> Values:
    return (s.high + s.low + s.close) / 3.0


def session_so_far(s: Segment, i: int) -> slice:
    """The bars of bar i's session up to and with bar i."""
    start = i
    while start > 0 and s.session[start - 1] == s.session[i]:
        start -= 1
    return slice(start, i + 1)
