"""Features of a user's own: a Python function over windows of the past, or a Polars expression over the bars' frame. Knows no registry
entry, joins no matrix (matrix.py does), and trusts nothing: `check` recomputes on other futures before values are used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from esbt import causal
from esbt.data.times import utc
from esbt.errors import EsbtError
from esbt.features.registry import feature_groups, kinds

if TYPE_CHECKING:
    from esbt.data.bars import Bars

Whole = TypeVar("Whole", np.int32, np.int64)

MOST_BARS = 1_000_000
CHECKED_CUTS = 6


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """What a function sees: the last bars up to and with the newest, oldest first; read-only copies, so nothing leads from here to later
    bars.

    ts int64[W] ns UTC of the bars' open; open high low close int32[W] whole ticks; volume int64[W] contracts; session int32[W] trade date
    as days since 1970-01-01; buys int64[W] contracts bought at the ask, -1 where not known.
    """

    ts: NDArray[np.int64]
    open: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    close: NDArray[np.int32]
    volume: NDArray[np.int64]
    session: NDArray[np.int32]
    buys: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.ts.size)


@dataclass(frozen=True, eq=False, slots=True)
class UserFeature:
    """A feature of your own for `esbt.features(bars, ["rsi(14)", mine])`.

    name: its column, an identifier that no feature or group of the registry has. rule: a function Window -> number, or a Polars expression
    over `bars.frame` (prices in points there). window: bars the function is given, 1 to 1,000,000; an expression takes none.
    Each contract segment is computed on its own. A function's first window - 1 bars there are NaN; so is what an expression leaves null.
    Both are checked by `esbt.causal` on the bars at hand before they are used. A function can be given no future bar, but it can be written
    to hold one (in a closure, a file): that no check can find.
    Raises EsbtError for a name, rule or window that is none of these.
    """

    name: str
    rule: "Callable[[Window], float] | pl.Expr"
    window: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise EsbtError(f"UserFeature.name is {self.name!r}: give a word of letters, digits and underscores, such as 'wick_share'")
        if self.name in kinds() or self.name in feature_groups():
            raise EsbtError(f"UserFeature.name {self.name!r} is a feature or group of esbt's own: give another name")
        whole = isinstance(self.window, int) and not isinstance(self.window, bool)
        if isinstance(self.rule, pl.Expr):
            if self.window is not None:
                raise EsbtError(
                    f"user feature {self.name!r}: window is {self.window!r}, but a Polars expression says itself how far it looks"
                )
        elif not callable(self.rule):
            raise EsbtError(f"user feature {self.name!r}: rule is {self.rule!r}: give a function of a Window, or a Polars expression")
        elif not whole or not 1 <= (self.window or 0) <= MOST_BARS:
            raise EsbtError(f"user feature {self.name!r}: window is {self.window!r}: say how many bars it sees, from 1 to {MOST_BARS:,}")

    def values(self, bars: "Bars") -> NDArray[np.float32]:
        """float32[N], unchecked. Raises EsbtError, with bar and time, where the rule fails or gives no number."""
        out = np.full(len(bars), np.nan, dtype=np.float32)
        for start, stop in segments(bars):
            if isinstance(self.rule, pl.Expr):
                out[start:stop] = self._of_frame(bars[start:stop].frame, self.rule)
            else:
                self._of_windows(bars, start, stop, out)
        return out

    def check(self, bars: "Bars") -> None:
        """Raises EsbtError, naming the bar, where values change with the bars that follow, or from one call to the next.

        An expression is tried on all bars; a function, which is given no later bar anyway, on some hundred.
        """
        most = len(bars) if isinstance(self.rule, pl.Expr) else 200 + 2 * (self.window or 0)
        causal.check(self, bars[:most], cuts=CHECKED_CUTS)

    def _of_frame(self, frame: pl.DataFrame, rule: pl.Expr) -> NDArray[np.float32]:
        try:
            found = frame.with_columns(rule.alias(self.name))
            values = found[self.name].cast(pl.Float64).cast(pl.Float32).fill_null(np.nan)
        except pl.exceptions.PolarsError as error:
            columns = ", ".join(frame.columns)
            reason = str(error).splitlines()[0]
            raise EsbtError(f"user feature {self.name!r}: the expression gives no numbers ({reason}); the frame has {columns}") from error
        return values.to_numpy()

    def _of_windows(self, bars: "Bars", start: int, stop: int, out: NDArray[np.float32]) -> None:
        width = self.window or 1
        for last in range(start + width - 1, stop):
            out[last] = self.of(window_at(bars, last - width + 1, last + 1), last)

    def of(self, window: Window, bar: int) -> np.float32:
        """The function's value of a window, the last of which is bar number `bar`. Raises EsbtError where it fails or gives no number."""
        if isinstance(self.rule, pl.Expr):
            raise EsbtError(f"user feature {self.name!r} is a Polars expression: it works on frames, not on windows")
        try:
            with np.errstate(over="ignore"):
                return np.float32(float(self.rule(window)))
        except Exception as error:
            where = f"user feature {self.name!r} at bar {bar} ({utc(int(window.ts[-1]))})"
            raise EsbtError(f"{where}: {type(error).__name__}: {error}; it must give one number for every window") from error


def window_at(bars: "Bars", start: int, stop: int) -> Window:
    """Copies of bars [start, stop)."""
    return Window(
        _copied(bars.ts, start, stop),
        _copied(bars.open, start, stop),
        _copied(bars.high, start, stop),
        _copied(bars.low, start, stop),
        _copied(bars.close, start, stop),
        _copied(bars.volume, start, stop),
        _copied(bars.session, start, stop),
        _copied(bars.buys, start, stop) if bars.buys is not None else _copied(np.full(stop - start, -1, dtype=np.int64), 0, stop - start),
    )


def _copied(column: NDArray[Whole], start: int, stop: int) -> NDArray[Whole]:
    part = column[start:stop].copy()
    part.flags.writeable = False
    return part


def segments(bars: "Bars") -> Iterator[tuple[int, int]]:
    """First bar and end of each contract segment."""
    edges = [0, *(np.flatnonzero(np.diff(bars.segment)) + 1).tolist(), len(bars)]
    return ((a, b) for a, b in pairwise(edges) if b > a)
