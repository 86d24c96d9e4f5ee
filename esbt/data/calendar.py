"""Trade dates of bars and the sessions of a market, in UTC, from pandas_market_calendars. Knows no prices.

The session of a bar is the trade date of the latest session open at or before it. Closes are not used for stamping, so the bars of an
old, later close (16:00 to 16:15 Chicago until 2015) and of the daily halt stay in the session they belong to. Opens are computed by
the library in exchange time and turned into UTC day by day, so daylight saving moves them as it should.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandas_market_calendars as mcal

from esbt.data.times import DAY_NS, utc
from esbt.errors import EsbtError, unknown

_MARGIN_DAYS = 12  # longer than any closure, so that the first bar always has a session open before it

# The library's "CME Globex Equity" knows the days best but has today's hours for all years; its "CME_Equity" lacks some days but knows
# that a trade date ran from 15:30 to 15:15 Chicago then: trade dates of these years take its hours.
_OLDER_HOURS = {"CME Globex Equity": (date(2005, 9, 12), date(2012, 11, 16), "CME_Equity")}


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions in time order: day int32[S] (trade date, days since 1970-01-01), open_ns and close_ns int64[S] (ns UTC)."""

    day: npt.NDArray[np.int32]
    open_ns: npt.NDArray[np.int64]
    close_ns: npt.NDArray[np.int64]


def _ns(column: "pd.Series[pd.Timestamp]") -> npt.NDArray[np.int64]:
    return column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[ns]").astype(np.int64)


def _schedule(calendar: str, first: date, last: date) -> Sessions:
    table = mcal.get_calendar(calendar).schedule(start_date=first.isoformat(), end_date=last.isoformat())
    if table.empty:
        none = np.empty(0, np.int64)
        return Sessions(none.astype(np.int32), none, none)
    day = table.index.to_numpy().astype("datetime64[D]").astype(np.int32)
    return Sessions(day, _ns(table["market_open"]), _ns(table["market_close"]))


@lru_cache(maxsize=64)
def _years(calendar: str, first: int, last: int) -> Sessions:
    """All sessions of these years. Kept, because one call of the library takes a tenth of a second whatever the span."""
    known = mcal.get_calendar_names()
    if calendar not in known:
        raise unknown("session calendar", calendar, known)
    found = _schedule(calendar, date(first, 1, 1), date(last, 12, 31))
    if calendar in _OLDER_HOURS:
        since, until, older = _OLDER_HOURS[calendar]
        since, until = max(date(first, 1, 1), since), min(date(last, 12, 31), until)
        if since <= until:
            then = _schedule(older, since, until)
            _, here, there = np.intersect1d(found.day, then.day, return_indices=True)
            found.open_ns[here], found.close_ns[here] = then.open_ns[there], then.close_ns[there]
            np.minimum(found.close_ns[:-1], found.open_ns[1:], out=found.close_ns[:-1])  # a day only one of the two knows
    return found


def sessions_between(calendar: str, first: date, last: date) -> Sessions:
    """The sessions with trade dates `first` to `last`, both included. Raises EsbtError for a calendar the library does not know."""
    found = _years(calendar, first.year, last.year)
    low, high = ((day - date(1970, 1, 1)).days for day in (first, last))
    keep = (found.day >= low) & (found.day <= high)
    return Sessions(found.day[keep], found.open_ns[keep], found.close_ns[keep])


def session_of(ts: npt.NDArray[np.int64], calendar: str) -> npt.NDArray[np.int32]:
    """int32[N] trade dates (days since 1970-01-01) of ascending bar opens `ts`, int64[N] ns UTC.

    Raises EsbtError when the calendar is unknown or has no session before the first bar.
    """
    if ts.size == 0:
        return np.empty(0, np.int32)
    margin = timedelta(days=_MARGIN_DAYS)
    first, last = (date(1970, 1, 1) + timedelta(days=int(t // DAY_NS)) for t in (ts[0], ts[-1]))
    found = sessions_between(calendar, first - margin, last + margin)
    # How many bars precede each open: between two of these counts lie the bars of one session.
    start = np.searchsorted(ts, found.open_ns, side="left")
    if start.size == 0 or start[0] > 0:
        raise EsbtError(f"calendar {calendar!r} has no session at or before the first bar ({utc(int(ts[0]))}): use another calendar")
    counts = np.diff(np.append(start, ts.size))
    return np.repeat(found.day, counts).astype(np.int32)
