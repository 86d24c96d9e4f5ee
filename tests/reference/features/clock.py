"""Twins of the clock family: minutes of the session, New York's time of day by zoneinfo, trade dates by a plain calendar.

Times are the bars' OPEN. Knows no prices.
"""

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from reference.features.base import Segment, Values, session_so_far, twin

NEW_YORK = ZoneInfo("America/New_York")
MINUTE_NS = 60_000_000_000


def new_york(ts: int) -> datetime:
    """New York's wall clock at ts, ns UTC, whole seconds (rounded down, before 1970 too)."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(ts) // 1_000_000_000)).astimezone(NEW_YORK)


def trade_date(session: int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(session))


@twin()
def minutes_since_open(s: Segment) -> Values:
    return np.array([(s.ts[i] - s.ts[session_so_far(s, i)][0]) / MINUTE_NS for i in range(len(s))])


def to_next_close(ts: int) -> float:
    """Minutes on New York's clock from ts to the next 17:00. (In the night the clock is changed an hour more or less passes.)"""
    now = new_york(ts)
    minutes = 17 * 60 - now.hour * 60 - now.minute
    seconds = (int(ts) - int(ts) // MINUTE_NS * MINUTE_NS) / MINUTE_NS
    return minutes - seconds if minutes - seconds > 0.0 else minutes + 1440 - seconds


@twin()
def minutes_to_close(s: Segment) -> Values:
    return np.array([to_next_close(ts) for ts in s.ts])


def angle(ts: int) -> float:
    """Of the hand of a clock that goes round once a day."""
    now = new_york(ts)
    return 2.0 * math.pi * (now.hour * 60 + now.minute) / 1440.0


@twin(tolerance=1e-6)
def time_sine(s: Segment) -> Values:
    return np.array([math.sin(angle(ts)) for ts in s.ts])


@twin(tolerance=1e-6)
def time_cosine(s: Segment) -> Values:
    return np.array([math.cos(angle(ts)) for ts in s.ts])


@twin()
def regular_hours(s: Segment) -> Values:
    times = [new_york(ts) for ts in s.ts]
    return np.array([float((9, 30) <= (t.hour, t.minute) < (16, 0)) for t in times])


@twin()
def day_of_week(s: Segment) -> Values:
    return np.array([float(trade_date(day).weekday()) for day in s.session])


def is_expiry(day: date) -> bool:
    """The third Friday of March, June, September or December."""
    return day.month % 3 == 0 and day.weekday() == 4 and 15 <= day.day <= 21


@twin()
def days_to_roll(s: Segment) -> Values:
    out = []
    for session in s.session:
        day = trade_date(session)
        out.append(next(float(n) for n in range(120) if is_expiry(day + timedelta(days=n))))
    return np.array(out)
