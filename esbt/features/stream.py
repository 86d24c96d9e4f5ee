"""Features bar by bar, as they close: `FeatureStream(names)`, with the bits of the batch. Knows no Polars expressions and no joins: both
work on frames.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from esbt import _core
from esbt.data.calendar import session_of
from esbt.data.instruments import Instrument
from esbt.data.instruments import instrument as find_instrument
from esbt.data.times import utc
from esbt.data.validate import GRID_TOLERANCE
from esbt.errors import EsbtError, unknown
from esbt.features.matrix import Names, chosen, core_of
from esbt.features.registry import Column
from esbt.features.user import UserFeature, Whole, Window

if TYPE_CHECKING:
    from esbt.data.bars import Bars


class Bar(NamedTuple):
    """One closed bar, as a row of Bars: ts ns UTC of its open; prices in whole ticks; volume in contracts; session: trade date as days
    since 1970-01-01; segment: number of the contract, a new one starts everything anew; buys: contracts bought at the ask, -1 not known.
    """

    ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    session: int
    segment: int = 0
    buys: int = -1

    @classmethod
    def in_points(
        cls, instrument: str | Instrument, ts: int, prices: Sequence[float], volume: int, *, segment: int = 0, buys: int = -1
    ) -> "Bar":
        """A bar of prices (open, high, low, close) in points; its trade date is looked up in the instrument's calendar.

        Raises EsbtError for an unknown instrument, other than four prices, and a price off the instrument's grid.
        """
        which = find_instrument(instrument)
        if len(prices) != 4:
            raise EsbtError(f"Bar.in_points(prices): {len(prices)} prices: give open, high, low and close")
        ticks = []
        for price in prices:
            exact = price / which.tick
            if not abs(exact - round(exact) if np.isfinite(exact) else np.inf) <= GRID_TOLERANCE:
                raise EsbtError(f"Bar.in_points(prices): {price!r} is not a whole tick of {which.symbol} ({which.tick} points)")
            ticks.append(round(exact))
        session = int(session_of(np.array([ts], dtype=np.int64), which.calendar)[0])
        open_, high, low, close = ticks
        return cls(int(ts), open_, high, low, close, volume, session, segment, buys)


def bars_one_by_one(bars: "Bars") -> Iterator[Bar]:
    """Each bar of a run, in order: what a stream that is tried on the past is given."""
    arrays = [getattr(bars, name).tolist() for name in Bar._fields[:8]]
    arrays.append([-1] * len(bars) if bars.buys is None else bars.buys.tolist())
    return (Bar(*row) for row in zip(*arrays, strict=True))


class FeatureStream:
    """Features of bars that come one by one: `push(bar)` gives the values at its close, the very values of `esbt.features` there.

    names: as `esbt.features` takes them (None: the default set), user features that are functions among them; these are not tried for
    causality here, for they are given what was pushed and cannot see more. `.names`: the columns' canonical names. After a
    push: `.values` float32[F] (NaN while a feature warms up), `stream["rsi(14)"]`, `.bars` pushed so far. A stream to start warm is given
    the past first: `replay(bars)`.
    Raises EsbtError for names as `esbt.features`, and for a user feature that is a Polars expression.
    """

    def __init__(self, names: Names = None) -> None:
        wanted = chosen(names)
        self.names = tuple(c.name for c in wanted)
        self.bars = 0
        self._row = {name: k for k, name in enumerate(self.names)}
        self._core = _core.FeatureStream([c.request for c in wanted if isinstance(c, Column)])
        self._ours = np.array([row for row, c in enumerate(wanted) if isinstance(c, Column)], dtype=np.int64)
        self._mine = [(row, c) for row, c in enumerate(wanted) if isinstance(c, UserFeature)]
        for _, c in self._mine:
            if c.window is None:
                raise EsbtError(f"FeatureStream: user feature {c.name!r} is a Polars expression, which works on frames: give a function")
        self._recent: deque[Bar] = deque(maxlen=max((c.window or 0 for _, c in self._mine), default=0))
        self._last: int | None = None
        self._values: NDArray[np.float32] = np.full(len(wanted), np.nan, dtype=np.float32)
        self._values.flags.writeable = False

    def push(self, bar: Bar) -> NDArray[np.float32]:
        """float32[F], read-only: the values at the close of this bar, the next in time.

        Raises EsbtError for a bar that is not later than the one before, not whole numbers, or impossible (a low above its high, ...), and
        for a user feature that fails; the stream is then as it was.
        """
        self._check(bar)
        self._values = self._with_mine(bar) if self._mine else self._core.push(*bar)
        self._values.flags.writeable = False
        self._last = bar.ts
        self.bars += 1
        return self._values

    def replay(self, bars: "Bars") -> NDArray[np.float32]:
        """Push every bar of a run: float32[N, F], a row a bar. Raises EsbtError for bars that do not come after those pushed so far."""
        core = core_of(bars, "FeatureStream.replay")
        if not len(bars):
            return np.empty((0, len(self.names)), dtype=np.float32)
        self._check_time(int(bars.ts[0]))
        if self._mine:
            return np.array([self.push(bar) for bar in bars_one_by_one(bars)])
        found: NDArray[np.float32] = self._core.replay(core)
        found.flags.writeable = False
        self._values, self._last = found[-1], int(bars.ts[-1])
        self.bars += len(bars)
        return found

    @property
    def values(self) -> NDArray[np.float32]:
        """float32[F], read-only: the values at the last bar; NaN before the first."""
        return self._values

    def __getitem__(self, name: str) -> float:
        """The value of one column at the last bar. Raises EsbtError for a name that is not computed."""
        if name not in self._row:
            raise unknown("feature", name, self.names)
        return float(self._values[self._row[name]])

    def as_dict(self) -> dict[str, float]:
        """The values at the last bar by name."""
        return dict(zip(self.names, self._values.tolist(), strict=True))

    def _with_mine(self, bar: Bar) -> NDArray[np.float32]:
        """The values of all columns at a bar; user features first, so that one that fails leaves the core where it was."""
        if self._recent and self._recent[-1].segment != bar.segment:
            past: list[Bar] = []
        else:
            past = list(self._recent)
        seen = [*past, bar]
        values = np.full(len(self.names), np.nan, dtype=np.float32)
        for row, feature in self._mine:
            width = feature.window or 1
            if len(seen) >= width:
                values[row] = feature.of(_window(seen[-width:]), self.bars)
        values[self._ours] = self._core.push(*bar)
        if not past:
            self._recent.clear()
        self._recent.append(bar)
        return values

    def _check(self, bar: Bar) -> None:
        if not isinstance(bar, Bar):
            raise EsbtError(
                f"FeatureStream.push: {type(bar).__name__} is no bar: give esbt.Bar(ts, open, high, low, close, volume, session)"
            )
        try:
            whole = all(x == int(x) for x in bar)
        except (TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            raise EsbtError(f"FeatureStream.push: {bar} is not whole numbers: Bar.in_points makes a bar of prices in points")
        self._check_time(bar.ts)
        if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high or bar.volume < 0 or bar.buys > bar.volume:
            raise EsbtError(
                f"FeatureStream.push: {bar} is no possible bar: low <= open, close <= high, volume 0 or more, buys at most that"
            )

    def _check_time(self, ts: int) -> None:
        if self._last is not None and ts <= self._last:
            raise EsbtError(f"FeatureStream: the bar of {utc(ts)} does not come after the last one, {utc(self._last)}: push bars in order")


def _window(bars: Sequence[Bar]) -> Window:
    """Bars as the window a function sees, of the types that the batch gives it."""
    ts, open_, high, low, close, volume, session, _, buys = zip(*bars, strict=True)
    long, short = (ts, volume, buys), (open_, high, low, close, session)
    wide = [_frozen(np.array(column, dtype=np.int64)) for column in long]
    narrow = [_frozen(np.array(column, dtype=np.int32)) for column in short]
    return Window(wide[0], narrow[0], narrow[1], narrow[2], narrow[3], wide[1], narrow[4], wide[2])


def _frozen(column: NDArray[Whole]) -> NDArray[Whole]:
    column.flags.writeable = False
    return column
