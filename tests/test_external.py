"""External columns: no value before it was published, on any clock, and none of it by default."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from data_helpers import shared_data, utc

import esbt
from esbt.causal import check
from esbt.errors import EsbtError
from esbt.external import Join, join

NEW_YORK = "America/New_York"
BARS = esbt.synthetic_bars(days=12, seed=2)
DAYS = pl.DataFrame({"day": [date(2022, 1, d) for d in (3, 4, 5, 6, 7, 10, 11, 12)], "x": [1.0, 2.0, None, 4.0, 5.0, 6.0, 7.0, 8.0]})


def at(bars: esbt.Bars, column: np.ndarray, close: str) -> float:
    """The value of the bar that closes at a time, UTC."""
    ns = int(utc(close).timestamp()) * 1_000_000_000
    return float(column[np.flatnonzero(bars.ts + bars.interval_ns == ns)[0]])


def test_a_value_counts_from_the_first_close_after_its_publication() -> None:
    """16:15 New York is 21:15 UTC in January: the bar that closes then does not know it, the next one does."""
    joined = join(BARS, DAYS, time="day", columns=["x"], delay="16:15 same day", timezone=NEW_YORK)
    x = joined.column("x")
    assert joined.matrix.shape == (1, len(BARS))
    assert joined.matrix.dtype == np.float32
    assert np.isnan(x[: joined.first_valid]).all()
    assert np.isnan(at(BARS, x, "2022-01-03T21:15"))
    assert at(BARS, x, "2022-01-03T21:16") == 1.0
    assert at(BARS, x, "2022-01-04T21:15") == 1.0
    assert at(BARS, x, "2022-01-04T21:16") == 2.0
    assert at(BARS, x, "2022-01-06T21:15") == 2.0  # the 5th has no value
    assert at(BARS, x, "2022-01-06T21:16") == 4.0
    assert at(BARS, x, "2022-01-10T15:00") == 5.0  # over the weekend


def test_every_delay_means_what_it_says() -> None:
    ways = {
        "a timedelta after midnight in the zone": timedelta(hours=16, minutes=15),
        "on the clock": "16:15 same day",
    }
    found = [join(BARS, DAYS, time="day", columns=["x"], delay=delay, timezone=NEW_YORK).matrix for delay in ways.values()]
    assert np.array_equal(*found, equal_nan=True)
    later = join(BARS, DAYS, time="day", columns=["x"], delay="08:30 next day", timezone=NEW_YORK).column("x")
    assert np.isnan(at(BARS, later, "2022-01-04T13:30"))
    assert at(BARS, later, "2022-01-04T13:31") == 1.0
    later = join(BARS, DAYS, time="day", columns=["x"], delay="08:30 3 days later", timezone=NEW_YORK).column("x")
    assert np.isnan(at(BARS, later, "2022-01-06T13:30"))
    assert at(BARS, later, "2022-01-06T13:31") == 1.0


def test_daylight_saving_moves_a_time_on_the_clock() -> None:
    """22 July 2024: 16:15 in New York is 20:15 UTC; in January it is 21:15."""
    for day, known in ((datetime(2024, 7, 22, tzinfo=UTC), "20:15"), (datetime(2024, 1, 22, tzinfo=UTC), "21:15")):
        minutes = pl.datetime_range(day + timedelta(hours=19), day + timedelta(hours=22), "1m", eager=True)
        bars = esbt.load_bars(pl.DataFrame({"ts": minutes}).with_columns(open=5e3, high=5e3, low=5e3, close=5e3, volume=1))
        frame = pl.DataFrame({"day": [day.date()], "x": [3]})
        x = join(bars, frame, time="day", columns=["x"], delay="16:15 same day", timezone=NEW_YORK).column("x")
        closes = bars.frame["ts"].dt.offset_by("1m").dt.strftime("%H:%M").to_list()
        assert closes[int(np.flatnonzero(np.isnan(x))[-1])] == known


def test_stale_values_become_nan() -> None:
    words = {"time": "day", "columns": ["x"], "delay": "16:15 same day", "timezone": NEW_YORK}
    fresh = join(BARS, DAYS, **words, stale_after=timedelta(hours=24)).column("x")
    held = join(BARS, DAYS, **words).column("x")
    assert at(BARS, fresh, "2022-01-04T21:15") == 1.0
    assert at(BARS, fresh, "2022-01-05T21:15") == 2.0
    assert np.isnan(at(BARS, fresh, "2022-01-05T21:16"))
    assert np.isnan(at(BARS, fresh, "2022-01-10T15:00"))
    kept = ~np.isnan(fresh)
    assert 0 < kept.sum() < (~np.isnan(held)).sum()
    assert np.array_equal(fresh[kept], held[kept])


def test_a_second_instrument_is_known_at_its_own_close() -> None:
    other = esbt.synthetic_bars(days=12, seed=9)
    joined = join(BARS, other.frame, time="ts", columns={"close": "other_close"}, delay=timedelta(minutes=1))
    assert joined.names == ("other_close",)
    assert np.isnan(joined.matrix[0, 0])
    last_known = joined.column("other_close")[1:]  # strictly before this close: the bar before
    assert np.array_equal(last_known, other.instrument.points(other.close[:-1]).astype(np.float32))


def test_it_is_what_a_slow_reading_gives() -> None:
    rng = np.random.default_rng(5)
    times = np.sort(rng.choice(BARS.ts[-1] - BARS.ts[0], 300, replace=False)) + BARS.ts[0]
    frame = pl.DataFrame({"t": times, "x": np.where(rng.random(300) < 0.2, np.nan, rng.normal(size=300))}).sample(
        fraction=1.0, shuffle=True, seed=1
    )
    delay, stale = timedelta(minutes=7), timedelta(minutes=40)
    found = join(BARS, frame, time="t", columns=["x"], delay=delay, stale_after=stale).column("x")
    rows = sorted((t + 7 * 60_000_000_000, x) for t, x in frame.iter_rows() if not np.isnan(x))
    for i in range(0, len(BARS), 97):
        close = BARS.ts[i] + 60_000_000_000
        known = [(t, x) for t, x in rows if t < close]
        expected = np.float32(known[-1][1]) if known and close - known[-1][0] <= 40 * 60_000_000_000 else np.float32(np.nan)
        assert np.array_equal(found[i], expected, equal_nan=True)
    assert 100 < np.count_nonzero(~np.isnan(found)) < len(found) - 100


def test_columns_join_the_matrix() -> None:
    joined = join(BARS, DAYS, time="day", columns={"x": "vix"}, delay="16:15 same day", timezone=NEW_YORK)
    columns = esbt.features(BARS, ["rsi(14)", "bar_range"], extra=joined)
    assert columns.names == ("rsi(14)", "bar_range", "vix")
    assert np.array_equal(columns.column("vix"), joined.column("vix"), equal_nan=True)
    again = esbt.features(BARS, ["rsi(14)", "bar_range"]).with_columns({"vix": joined.column("vix")})
    assert np.array_equal(again.matrix, columns.matrix, equal_nan=True)
    assert columns.first_valid == again.first_valid == joined.first_valid == int(np.flatnonzero(columns.valid)[0])
    ask = esbt.Ask(lambda rows: np.where(rows[:, 0] > 3, 1.0, -1.0), ["vix"])
    filtered = esbt.backtest(BARS, esbt.AtrStrategy(), model=esbt.EntryModel(columns, confidence=ask, threshold=0.5))
    assert filtered.skipped["confidence"] > 0
    assert len(filtered.trades) > 0


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"rsi(14)": np.zeros(len(BARS))}, r"'rsi\(14\)' is named twice"),
        ({"x": np.zeros(3)}, r"column 'x' has shape \(3,\)"),
        ({"x": ["a"] * len(BARS)}, "column 'x' has shape .* and dtype <U1"),
        (esbt.features(BARS[:99], ["bar_range"]), "the 99 bars of bar_range are not these"),
    ],
)
def test_extra_columns_that_do_not_fit(extra: object, message: str) -> None:
    with pytest.raises(EsbtError, match=message):
        esbt.features(BARS, ["rsi(14)"], extra=extra)


def test_causality_can_be_tried_and_a_frame_cut_back() -> None:
    recipe = Join(DAYS, "day", ["x"], "16:15 same day", NEW_YORK)
    assert check(recipe, BARS) > 10_000

    class EarlyBird(Join):
        """Joins what is published up to a day after the bar."""

        def __call__(self, bars: esbt.Bars) -> esbt.Features:
            ahead = replace(bars, ts=bars.ts + np.int64(86_400_000_000_000))
            return replace(super().__call__(ahead), ts=bars.ts)

    early = EarlyBird(DAYS, "day", ["x"], "16:15 same day", NEW_YORK)
    cut = int(np.flatnonzero(BARS.session > BARS.session[0])[100])
    with pytest.raises(EsbtError, match="column 'x' at bar"):
        check(early, BARS, cuts=[cut])


def test_the_vix_of_the_day_is_known_in_the_evening() -> None:
    vix = pl.read_csv(shared_data("vix_daily.csv"), try_parse_dates=True)
    bars = esbt.load_bars(shared_data("es_5min_contracts_2015_2019_and_2023_2024.parquet"), "ES")[:60_000]
    joined = join(bars, vix, time="DATE", columns={"CLOSE": "vix"}, delay="16:15 same day", timezone=NEW_YORK)
    assert joined.first_valid == 0
    assert 8 < joined.matrix.min() < joined.matrix.max() < 90
    close = dict(vix.select("DATE", "CLOSE").iter_rows())
    ends = bars.frame["ts"].dt.offset_by("5m").dt.convert_time_zone(NEW_YORK)
    compared = 0
    for i in range(0, len(bars), 501):
        evening = ends[i].hour * 60 + ends[i].minute > 16 * 60 + 15
        known = [day for day in close if day < ends[i].date() or (evening and day == ends[i].date())]
        assert joined.matrix[0, i] == np.float32(close[max(known)])
        compared += evening
    assert 10 < compared < 110
    assert check(Join(vix, "DATE", ["CLOSE"], "16:15 same day", NEW_YORK), bars, cuts=4) > 10_000


GOOD = {"time": "day", "columns": ["x"], "delay": "16:15 same day", "timezone": NEW_YORK}


@pytest.mark.parametrize(
    ("frame", "words", "message"),
    [
        (DAYS, {"delay": "16:15"}, "'16:15': say when a row is published"),
        (DAYS, {"delay": "25:00 same day"}, "'25:00 same day': say when a row is published"),
        (DAYS, {"delay": None}, "None: say when a row is published"),
        (DAYS, {"delay": timedelta(seconds=-1)}, "is negative: a value is not known before its own time"),
        (DAYS, {"timezone": None}, "on whose clock"),
        (DAYS, {"timezone": None, "delay": timedelta(1)}, "column 'day' has times without a zone: give timezone"),
        (DAYS, {"timezone": "America/Gotham"}, "Gotham"),
        (DAYS, {"columns": "x"}, r"'x' is no list of names: give columns=\['x'\]"),
        (DAYS, {"columns": []}, "no list of names"),
        (DAYS, {"columns": ["y"]}, "unknown column of the external frame 'y'"),
        (DAYS, {"time": "date"}, "unknown column of the external frame 'date'"),
        (DAYS, {"columns": {"x": "a", "day": "a"}}, "'a' is named twice"),
        (DAYS, {"stale_after": 3}, r"external.join\(stale_after\): 3"),
        (DAYS, {"columns": ["day"]}, "column 'day' has dtype Date: give numbers"),
        (pl.concat([DAYS, DAYS[:1]]), {}, "2 rows have the time 2022-01-03 05:00 UTC"),
        (
            pl.DataFrame({"day": [datetime(2022, 1, 3, 18)], "x": [1]}),
            {},
            "row 0 of 2022-01-03 23:00 UTC would be published before its own time",
        ),
        (pl.DataFrame({"day": [None], "x": [1]}, schema={"day": pl.Date, "x": pl.Int8}), {}, "has no time at row 0"),
        (DAYS.to_dicts(), {}, "the frame is of type list: give a Polars frame, or a frame with the Arrow C stream"),
    ],
)
def test_joins_that_cannot_be(frame: object, words: dict[str, object], message: str) -> None:
    with pytest.raises(EsbtError, match=message):
        join(BARS, frame, **{**GOOD, **words})


def test_a_join_without_a_delay_is_no_join() -> None:
    with pytest.raises(TypeError, match="delay"):
        join(BARS, DAYS, time="day", columns=["x"])


def test_bars_of_uneven_length_need_an_interval() -> None:
    uneven = BARS.ts.copy()
    uneven[100] -= 30_000_000_000
    bars = replace(BARS, ts=uneven)
    with pytest.raises(EsbtError, match="uneven length: give interval"):
        join(bars, DAYS, **GOOD)
    assert np.nanmax(join(bars, DAYS, **GOOD, interval=timedelta(0)).matrix) == 8.0


def test_other_frames_come_in_too() -> None:
    expected = join(BARS, DAYS, **GOOD).matrix
    for frame in (DAYS.lazy(), DAYS.to_arrow(), DAYS.with_columns(pl.col("day").dt.to_string("%Y-%m-%d")), DAYS.to_pandas()):
        assert np.array_equal(join(BARS, frame, **GOOD).matrix, expected, equal_nan=True)
    by_index = DAYS.to_pandas().set_index("day")  # a named index is a column
    assert np.array_equal(join(BARS, by_index, **GOOD).matrix, expected, equal_nan=True)


def test_a_frame_that_cannot_be_read_names_itself() -> None:
    mixed = DAYS.to_pandas().assign(y=[1, "a", 2.5, None, b"x", 3, 4, 5])  # Arrow has no column of such a mixture
    with pytest.raises(EsbtError, match=r"external\.join: the frame, the pandas DataFrame, cannot be read through the Arrow C stream \("):
        join(BARS, mixed, **GOOD)
