"""Trade dates of bars: Chicago's clock, daylight saving, holidays, early closes and the hours of other years."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from esbt.data import session_of, sessions_between
from esbt.errors import EsbtError

EQUITY = "CME Globex Equity"
CHICAGO = ZoneInfo("America/Chicago")


def trade_date(chicago: str, calendar: str = EQUITY) -> str:
    ns = int(datetime.fromisoformat(chicago).replace(tzinfo=CHICAGO).timestamp()) * 1_000_000_000
    (day,) = session_of(np.array([ns]), calendar)
    return str(np.datetime64(int(day), "D"))


KNOWN = {
    "Sunday's open is Monday's": ("2024-01-07 17:00", "2024-01-08"),
    "the last bar of a day": ("2024-01-08 15:59", "2024-01-08"),
    "the open of the next": ("2024-01-08 17:00", "2024-01-09"),
    "Friday's last bar": ("2024-01-12 15:59", "2024-01-12"),
    "before the clocks go forward": ("2024-03-08 15:59", "2024-03-08"),
    "the evening they went forward": ("2024-03-10 17:00", "2024-03-11"),
    "a minute too early for it": ("2024-03-10 16:59", "2024-03-08"),
    "the Monday after": ("2024-03-11 15:59", "2024-03-11"),
    "and its evening": ("2024-03-11 17:00", "2024-03-12"),
    "before the clocks go back": ("2024-11-01 15:59", "2024-11-01"),
    "the evening they went back": ("2024-11-03 17:00", "2024-11-04"),
    "a minute too early for that": ("2024-11-03 16:59", "2024-11-01"),
    "the Monday after that": ("2024-11-04 15:59", "2024-11-04"),
    "and that one's evening": ("2024-11-04 17:00", "2024-11-05"),
    "2013, when the day ended at 16:15": ("2013-10-07 16:00", "2013-10-07"),
    "2013, the last minute of it": ("2013-10-07 16:14", "2013-10-07"),
    "2013, the halt's end": ("2013-10-07 15:30", "2013-10-07"),
    "2013, the next day": ("2013-10-07 17:00", "2013-10-08"),
    "2011, when 15:30 began the next day": ("2011-03-15 15:30", "2011-03-16"),
    "2011, the last minute of a day": ("2011-03-15 15:14", "2011-03-15"),
    "2011, Sunday": ("2011-03-13 17:00", "2011-03-14"),
    "an early close, 12:00": ("2024-07-04 11:59", "2024-07-04"),
    "its evening": ("2024-07-04 17:00", "2024-07-05"),
    "the evening before it": ("2024-07-03 17:00", "2024-07-04"),
    "an early close, 12:15": ("2023-11-24 12:14", "2023-11-24"),
    "the evening of Christmas": ("2023-12-25 17:00", "2023-12-26"),
    "the evening of New Year's Day": ("2024-01-01 17:00", "2024-01-02"),
    "a day of mourning, open until 8:30": ("2018-12-05 08:25", "2018-12-05"),
    "winter in UTC is another day": ("2024-01-08 18:30", "2024-01-09"),
}


@pytest.mark.parametrize("case", KNOWN)
def test_trade_date(case):
    chicago, expected = KNOWN[case]
    assert trade_date(chicago) == expected


def test_metals_and_energy_have_their_own_holidays():
    assert trade_date("2024-03-28 15:59", "CMEGlobex_Gold") == "2024-03-28"
    assert date(2024, 3, 29) not in [date.fromisoformat(str(np.datetime64(int(d), "D"))) for d in _days("CMEGlobex_Gold", 2024)]
    assert trade_date("2024-03-10 17:00", "CMEGlobex_Crude") == "2024-03-11"


def _days(calendar, year):
    return sessions_between(calendar, date(year, 1, 1), date(year, 12, 31)).day


def test_sessions_have_no_weekends_no_overlap_and_follow_the_clock():
    found = sessions_between(EQUITY, date(2005, 1, 1), date(2025, 12, 31))
    weekday = (found.day + 3) % 7  # 1970-01-01 was a Thursday
    assert weekday.max() == 4
    assert (np.diff(found.day) > 0).all()
    assert (found.open_ns < found.close_ns).all()
    assert (found.open_ns[1:] >= found.close_ns[:-1]).all()
    hours = {datetime.fromtimestamp(ns / 1e9, CHICAGO).strftime("%H:%M") for ns in found.open_ns.tolist()}
    assert hours == {"17:00", "15:30"}
    utc_hours = {datetime.fromtimestamp(ns / 1e9, ZoneInfo("UTC")).hour for ns in found.open_ns[-500:].tolist()}
    assert utc_hours == {22, 23}


def test_many_bars_are_stamped_as_one_by_one():
    ts = np.arange(1_710_000_000, 1_710_900_000, 1800) * 1_000_000_000
    together = session_of(ts, EQUITY)
    assert together.dtype == np.int32
    assert together.tolist() == [int(session_of(ts[i : i + 1], EQUITY)[0]) for i in range(ts.size)]


def test_a_market_that_never_closes():
    assert trade_date("2022-01-01 17:59", "24/7") == "2022-01-01"
    assert trade_date("2022-01-01 18:00", "24/7") == "2022-01-02"


def test_no_bars_and_unknown_calendar():
    assert session_of(np.empty(0, np.int64), EQUITY).size == 0
    with pytest.raises(EsbtError, match="unknown session calendar 'CME Globex Equities'; did you mean 'CME Globex Equity'"):
        session_of(np.array([0]), "CME Globex Equities")
