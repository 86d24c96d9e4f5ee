"""Columns from outside (VIX, macro figures, a second instrument) joined to bars: each value from the moment it was published, no earlier.

`join(bars, frame, time="DATE", columns=["CLOSE"], delay="16:15 same day", timezone="America/New_York")` gives Features, for
`esbt.features(bars, names, extra=joined)` or `Features.with_columns(joined)`. `Join` is the same as a recipe that `esbt.causal.check` can
try. There is no default delay: whoever joins must know when the value was known. Knows no files.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.bars import Bars
from esbt.data.frames import polars_frame
from esbt.data.times import DAY_NS, to_utc_ns, utc
from esbt.errors import EsbtError, unknown
from esbt.features.matrix import Features, first_full, repeated

_CLOCK = re.compile(r"(\d{1,2}):(\d{2}) (?:(same|next) day|(\d{1,3}) days later)")
MINUTE_NS = 60_000_000_000

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Join:
    """How a frame joins bars: `Join(frame, ...)(bars)` -> Features, one column each of `columns`, NaN before its first published value.

    frame: a Polars frame, or anything with the Arrow C stream. time: its column of times (datetimes, dates, text or numbers since 1970),
    each row's own. columns: those to join, or old names -> new names. A value that is null or NaN is no publication: the one before holds.
    delay: from the row's time to its publication: a timedelta of 0 or more, or a wall-clock time, "16:15 same day", "08:30 next day",
    "08:30 3 days later", on the row's date in `timezone`. timezone: of times without a zone and of wall-clock delays; an IANA name, which
    must be given where either is there. stale_after: from its publication on, when a value becomes NaN; None never.
    interval: from a bar's open to its close; None takes `bars.interval_ns`. A value counts from the first bar whose close is later than
    its publication. Contract segments are not looked at: the outside knows none.
    Raises EsbtError for delays and columns that are none of these, two rows of one time, and a publication before the row's own time.
    """

    frame: Any
    time: str
    columns: Sequence[str] | Mapping[str, str]
    delay: str | timedelta
    timezone: str | None = None
    stale_after: timedelta | None = None
    interval: timedelta | None = None
    until: int | None = None  # ns UTC: only what was published before is there

    def __post_init__(self) -> None:
        if isinstance(self.columns, str) or not self.columns:
            raise EsbtError(f"external.join(columns): {self.columns!r} is no list of names: give columns=[{self.columns or 'name'!r}]")
        repeated(self.names.values())
        for word in ("stale_after", "interval"):
            span = getattr(self, word)
            if span is not None and (not isinstance(span, timedelta) or span < timedelta(0)):
                raise EsbtError(f"external.join({word}): {span!r}: give a timedelta of 0 or more, or None")
        if isinstance(self.delay, timedelta) and self.delay < timedelta(0):
            raise EsbtError(f"external.join(delay): {self.delay} is negative: a value is not known before its own time")
        if not isinstance(self.delay, timedelta) and not (isinstance(self.delay, str) and _clock(self.delay)):
            raise EsbtError(
                f"external.join(delay): {self.delay!r}: say when a row is published: a timedelta after its time, or '16:15 same day', "
                "'08:30 next day', '08:30 3 days later'"
            )
        if isinstance(self.delay, str) and self.timezone is None:
            raise EsbtError(f"external.join(delay={self.delay!r}): on whose clock? Give timezone, such as 'America/New_York'")

    @property
    def names(self) -> dict[str, str]:
        """Columns of the frame -> columns of the result."""
        return dict(self.columns) if isinstance(self.columns, Mapping) else {name: name for name in self.columns}

    def known_at(self, ns: int) -> "Join":
        """The same join of a frame that ends at a moment, ns UTC: what is published then or later is not in it."""
        return replace(self, until=ns)

    def __call__(self, bars: Bars) -> Features:
        """Raises EsbtError for bars whose interval is not known, and for a frame that does not hold what is joined."""
        frame, _ = polars_frame(self.frame, "external.join: the frame")
        for name in (self.time, *self.names):
            if name not in frame.columns:
                raise unknown("column of the external frame", name, frame.columns)
        own = self._own_times(frame[self.time])
        published = own + _ns(self.delay) if isinstance(self.delay, timedelta) else self._on_the_clock(own)
        _check(published, own)
        order = np.argsort(published, kind="stable")
        if self.until is not None:
            order = order[published[order] < self.until]
        closes = bars.ts + self._interval_ns(bars)
        rows = [self._at(_numbers(frame[name])[order], published[order], closes) for name in self.names]
        matrix = np.ascontiguousarray(rows, dtype=np.float32).reshape(len(rows), len(bars))
        matrix.flags.writeable = False
        return Features(matrix, tuple(self.names.values()), first_full(matrix), bars.ts)

    def _own_times(self, column: pl.Series) -> Times:
        """ns UTC of each row; of a date, its midnight in `timezone`. Raises EsbtError for two rows of one time."""
        naive = column.dtype in (pl.Date, pl.String) or (isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is None)
        if naive and self.timezone is None:
            raise EsbtError(f"external.join: column {column.name!r} has times without a zone: give timezone, such as 'America/New_York'")
        own = to_utc_ns(column, self.timezone or "UTC", "external.join")
        values, counts = np.unique(own, return_counts=True)
        if (counts > 1).any():
            raise EsbtError(f"external.join: {counts.max()} rows have the time {utc(values[counts.argmax()])}: keep one row a time")
        return own

    def _on_the_clock(self, own: Times) -> Times:
        """The publication on the wall clock of `timezone`, which daylight saving moves."""
        days, minute = _clock(str(self.delay)) or (0, 0)
        local = pl.Series("ns", own).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(str(self.timezone)).dt.replace_time_zone(None)
        wall = local.dt.truncate("1d").to_physical() + (days * DAY_NS + minute * MINUTE_NS)
        placed = wall.cast(pl.Datetime("ns")).dt.replace_time_zone(str(self.timezone), ambiguous="latest", non_existent="null")
        if placed.null_count():
            raise EsbtError(f"external.join(delay={self.delay!r}): that time is skipped on a day of {self.timezone}: give a timedelta")
        return placed.dt.convert_time_zone("UTC").to_physical().to_numpy()

    def _interval_ns(self, bars: Bars) -> int:
        if self.interval is not None:
            return _ns(self.interval)
        found = bars.interval_ns
        if len(bars) > 1 and int(np.diff(bars.ts).min()) < found:
            raise EsbtError(
                f"external.join: bars of {bars.source} are of uneven length: give interval, the shortest from open to close, "
                "timedelta(0) if need be"
            )
        return found

    def _at(self, values: npt.NDArray[np.float64], published: Times, closes: Times) -> npt.NDArray[np.float64]:
        """The last of the values published before each close."""
        told = ~np.isnan(values)
        values, published = values[told], published[told]
        last = np.searchsorted(published, closes, side="left") - 1
        found = np.full(closes.size, np.nan)
        known = last >= 0
        if self.stale_after is not None:
            known[known] &= closes[known] - published[last[known]] <= _ns(self.stale_after)
        found[known] = values[last[known]]
        return found


def join(
    bars: Bars,
    frame: Any,
    *,
    time: str,
    columns: Sequence[str] | Mapping[str, str],
    delay: str | timedelta,
    timezone: str | None = None,
    stale_after: timedelta | None = None,
    interval: timedelta | None = None,
) -> Features:
    """Columns of a frame at each bar's close, as Features float32[K, N]: `Join` says what each word means, and which errors it raises."""
    return Join(frame, time, columns, delay, timezone, stale_after, interval)(bars)


def _clock(delay: str) -> tuple[int, int] | None:
    """Days after the row's date, and minutes after midnight; None for what is no such delay."""
    match = _CLOCK.fullmatch(delay.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    days = int(match[4]) if match[4] else int(match[3] == "next")
    return days, 60 * int(match[1]) + int(match[2])


def _ns(span: timedelta) -> int:
    return (span // timedelta(microseconds=1)) * 1_000


def _check(published: Times, own: Times) -> None:
    early = np.flatnonzero(published < own)
    if early.size:
        i = int(early[0])
        when = f"row {i} of {utc(own[i])} would be published before its own time, {utc(published[i])}"
        raise EsbtError(f"external.join(delay): {when}: give a later delay")


def _numbers(column: pl.Series) -> npt.NDArray[np.float64]:
    if not column.dtype.is_numeric() and column.dtype not in (pl.Boolean, pl.Null):
        raise EsbtError(f"external.join: column {column.name!r} has dtype {column.dtype}: give numbers")
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
