"""Times of day: when entries may be signalled, and when a position must be out. Both depend on the bars' clock alone, so they are columns.

The clock is the exchange's (time zone of the instrument's calendar; Chicago for CME), daylight saving included; a bar's time is its open.
"""

from datetime import time
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas_market_calendars as mcal
import polars as pl

from esbt.data import Bars

Mask = npt.NDArray[np.bool_]
DAY = 24 * 3600
_CLOCKS: WeakKeyDictionary[Bars, npt.NDArray[np.int32]] = WeakKeyDictionary()


def seconds_of(clock: str) -> int:
    """Seconds after midnight of "HH:MM" or "HH:MM:SS". Raises ValueError for another text."""
    at = time.fromisoformat(clock)
    return at.hour * 3600 + at.minute * 60 + at.second


def time_of_day(bars: Bars) -> npt.NDArray[np.int32]:
    """Seconds after midnight of each bar's open on the exchange's clock, int32[N], read-only; made once for each Bars."""
    if bars not in _CLOCKS:
        zone, _ = _calendar(bars.instrument.calendar)
        local = pl.Series(bars.ts).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone).dt
        clock = (local.hour().cast(pl.Int32) * 3600 + local.minute().cast(pl.Int32) * 60 + local.second().cast(pl.Int32)).to_numpy()
        clock.flags.writeable = False
        _CLOCKS[bars] = clock
    return _CLOCKS[bars]


def entry_window(bars: Bars, start: str, stop: str) -> Mask:
    """Bars that open at or after `start` and before `stop`, bool[N]; a window may run over midnight."""
    clock, first, last = time_of_day(bars), seconds_of(start), seconds_of(stop)
    return (clock - first) % DAY < (last - first) % DAY


def after_flat(bars: Bars, flat_at: str) -> Mask:
    """Bars of a session that open at or after its flat time, bool[N]; the session starts at the calendar's opening hour."""
    _, opens = _calendar(bars.instrument.calendar)
    return (time_of_day(bars) - opens) % DAY >= (seconds_of(flat_at) - opens) % DAY


@lru_cache(maxsize=16)
def _calendar(name: str) -> tuple[str, int]:
    """Time zone, and the opening hour in seconds after midnight, of a calendar of pandas_market_calendars."""
    calendar = mcal.get_calendar(name)
    opens = calendar.get_time("market_open")
    return str(calendar.tz), opens.hour * 3600 + opens.minute * 60 + opens.second
