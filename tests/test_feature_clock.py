"""Features of the clock against the calendar: New York's time through every change of it, whole sessions, trade dates, days to the roll."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from feature_markets import Market

import esbt
from esbt.features import features

NEW_YORK = ZoneInfo("America/New_York")
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
EPOCH = date(1970, 1, 1)


def market_at(ts: np.ndarray, session: np.ndarray | None = None) -> Market:
    """Bars of nothing at these times."""
    n = len(ts)
    prices = (np.full(n, 7, np.int32) for _ in range(4))
    days = np.zeros(n, np.int32) if session is None else session.astype(np.int32)
    return Market(ts.astype(np.int64), *prices, np.zeros(n, np.int64), days, np.zeros(n, np.int32), np.full(n, -1, np.int64))


def values(m: Market | esbt.Bars, name: str) -> np.ndarray:
    return features(m, [name]).matrix[0]


def new_york(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // SECOND, UTC).astimezone(NEW_YORK)


def changes() -> list[int]:
    """Seconds since 1970 of the changes of New York's clock from 1987 to 2060."""
    found = []
    for year in range(1987, 2061):
        for month in (3, 4, 10, 11):
            days = [datetime(year, month, 1, tzinfo=UTC) + timedelta(days=k) for k in range(32)]
            found += [day for day, after in pairwise(days) if offset(day) != offset(after)]
    exact = set()
    for day in found:
        hours = [day + timedelta(hours=k) for k in range(25)]
        exact |= {int(b.timestamp()) for a, b in pairwise(hours) if offset(a) != offset(b)}
    return sorted(exact)


def offset(at: datetime) -> timedelta | None:
    return at.astimezone(NEW_YORK).utcoffset()


def test_the_clock_is_new_yorks_around_every_change_of_it():
    around = changes()
    assert len(around) == 2 * (2061 - 1987)
    near = [-90 * 86_400, -86_400, -3_601, -3_600, -60, -1, 0, 1, 60, 3_599, 3_600, 7_200, 86_400, 90 * 86_400]
    require_the_clock(np.array(sorted({t + k for t in around for k in near})) * SECOND)


def test_the_clock_is_new_yorks_at_any_time():
    rng = np.random.default_rng(1)
    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1987, 2100))
    require_the_clock(np.sort(rng.integers(first, last, 5_000)) * SECOND)
    require_the_clock(rng.integers(first, last, 2_000) * SECOND)  # in any order: what was looked up before does not matter


def test_new_years_eve():
    years = [int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in range(1988, 2060)]
    require_the_clock(np.array([t + k for t in years for k in (-86_400, -1, 0, 1, 18_000, 86_400)]) * SECOND)


def require_the_clock(ts: np.ndarray) -> None:
    m = market_at(ts)
    local = [new_york(int(t)) for t in ts]
    minute = np.array([t.hour * 60 + t.minute for t in local])
    hand = np.arctan2(values(m, "time_sine").astype(float), values(m, "time_cosine").astype(float))
    np.testing.assert_array_equal(np.rint(hand * 1_440 / (2 * np.pi)).astype(int) % 1_440, minute)
    np.testing.assert_array_equal(values(m, "regular_hours"), (minute >= 570) & (minute < 960))
    exact = np.array([t.hour * 60 + t.minute + t.second / 60 for t in local])
    np.testing.assert_allclose(values(m, "minutes_to_close"), np.where(exact < 1_020, 1_020 - exact, 2_460 - exact), rtol=1e-6)


def test_regular_hours_begin_and_end_to_the_nanosecond():
    day = int(datetime(2024, 7, 1, 4, tzinfo=UTC).timestamp()) * SECOND  # midnight in New York
    edges = np.array([570 * MINUTE - 1, 570 * MINUTE, 960 * MINUTE - 1, 960 * MINUTE, 1_020 * MINUTE - 1, 1_020 * MINUTE]) + day
    assert values(market_at(edges), "regular_hours").tolist() == [0, 1, 1, 0, 0, 0]
    to_close = values(market_at(edges), "minutes_to_close")
    assert to_close[[1, 3, 5]].tolist() == [450, 60, 1_440]
    assert 0 < to_close[4] < 1e-9


@pytest.mark.parametrize(("start", "opens"), [("2024-03-04", (23, 22)), ("2024-10-28", (22, 23)), ("2021-11-01", (22, 23))])
def test_sessions_through_a_change_of_the_clock(start: str, opens: tuple[int, int]):
    """A week before and a week after: the same minutes of New York's day, an hour apart in UTC."""
    bars = esbt.synthetic_bars(days=10, start=start)
    since, to_close, regular = (values(bars, name) for name in ("minutes_since_open", "minutes_to_close", "regular_hours"))
    seen = set()
    for day in np.unique(bars.session):
        rows = np.flatnonzero(bars.session == day)
        local = [new_york(int(t)) for t in bars.ts[rows]]
        seen.add(datetime.fromtimestamp(int(bars.ts[rows[0]]) // SECOND, UTC).hour)
        assert (local[0].hour, local[0].minute) == (18, 0)
        assert since[rows[0]] == 0.0
        assert to_close[rows[0]] == 1_380.0
        assert to_close[rows[-1]] == 1.0
        np.testing.assert_array_equal(since[rows] + to_close[rows], 1_380.0)
        inside = [t for t, r in zip(local, regular[rows], strict=True) if r]
        assert len(inside) == 390
        assert (inside[0].hour, inside[0].minute) == (9, 30)
        assert (inside[-1].hour, inside[-1].minute) == (15, 59)
    assert seen == set(opens)
    first_regular = {datetime.fromtimestamp(int(t) // SECOND, UTC).hour for t in bars.ts[(regular == 1) & (np.roll(regular, 1) == 0)]}
    assert first_regular == {13, 14}


def test_an_early_close_is_not_looked_up():
    bars = esbt.synthetic_bars(days=3, start="2024-11-27")  # Thanksgiving and the day after close early
    last = np.flatnonzero(np.append(np.diff(bars.session) != 0, True))
    early = values(bars, "minutes_to_close")[last] > 1.0
    assert early.any()
    assert not early[0]


def test_the_day_of_the_week_is_the_trade_dates():
    days = np.arange(0, 30_000)
    found = values(market_at(days * 86_400 * SECOND, days), "day_of_week")
    assert found.tolist() == [(EPOCH + timedelta(days=int(d))).weekday() for d in days]
    sunday_evening = esbt.synthetic_bars(days=1, start="2024-07-01")
    assert new_york(int(sunday_evening.ts[0])).weekday() == 6
    assert values(sunday_evening, "day_of_week")[0] == 0  # it trades for Monday


def third_friday(year: int, month: int) -> date:
    fridays = [date(year, month, k) for k in range(1, 32 if month in {3, 12} else 31) if date(year, month, k).weekday() == 4]
    return fridays[2]


def test_days_to_the_roll():
    rolls = sorted(third_friday(year, month) for year in range(1970, 2062) for month in (3, 6, 9, 12))
    days = np.arange((date(1970, 1, 2) - EPOCH).days, (date(2061, 1, 1) - EPOCH).days)
    found = values(market_at(days * 86_400 * SECOND, days), "days_to_roll")
    numbers = np.array([(roll - EPOCH).days for roll in rolls])
    np.testing.assert_array_equal(found, numbers[np.searchsorted(numbers, days)] - days)
    assert found.min() == 0.0
    assert found.max() <= 97.0


def test_minutes_since_open_begins_anew_with_session_and_contract():
    ts = np.arange(12) * MINUTE + np.arange(12) ** 2 * SECOND
    session = np.array([1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3])
    m = market_at(ts, session)
    m.segment[6:] = 1
    first = np.array([0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9])
    np.testing.assert_array_equal(values(m, "minutes_since_open"), ((ts - ts[first]) / MINUTE).astype(np.float32))


def test_a_bar_of_a_session_seen_again_after_another_contract_is_its_first():
    """Two contracts that trade on the same date: the second one's session begins with its own first bar."""
    m = market_at(np.arange(6) * MINUTE, np.full(6, 9))
    m.segment[3:] = 1
    assert values(m, "minutes_since_open").tolist() == [0, 1, 2, 0, 1, 2]
