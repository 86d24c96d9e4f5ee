"""Bars and their loading: formats, column names, time zones, ticks, segments, slices, and the table of instruments."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from data_helpers import small_frame, utc

from esbt.data import Bars, Instrument, instrument, instruments, load_bars
from esbt.errors import EsbtError

COLUMNS = ("ts", "open", "high", "low", "close", "volume", "session", "segment")


def same(a: Bars, b: Bars) -> bool:
    return all(np.array_equal(getattr(a, c), getattr(b, c)) for c in COLUMNS)


def test_columns_are_whole_ticks_contiguous_and_read_only():
    bars = load_bars(small_frame())
    assert len(bars) == 6
    assert bars.open.tolist() == [20400 + i for i in range(6)]
    assert bars.high.tolist() == [20404 + i for i in range(6)]
    assert bars.volume.tolist() == [100 + i for i in range(6)]
    assert bars.ts[0] == int(utc("2024-03-04T15:00").timestamp()) * 1_000_000_000
    assert set(bars.session.tolist()) == {(date(2024, 3, 4) - date(1970, 1, 1)).days}
    assert bars.contracts == ("ES",)
    assert not bars.synthetic
    dtypes = dict(zip(COLUMNS, ["i8", "i4", "i4", "i4", "i4", "i8", "i4", "i4"], strict=True))
    for name, dtype in dtypes.items():
        column = getattr(bars, name)
        assert column.dtype == np.dtype(dtype), name
        assert column.flags.c_contiguous, name
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_every_way_in_gives_the_same_bars(tmp_path):
    frame = small_frame()
    expected = load_bars(frame)
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "a.csv")
    frame.with_columns(pl.col("ts_event").dt.strftime("%Y%m%d %H%M%S")).write_csv(tmp_path / "b.txt", separator=";")
    ways = {
        "parquet": tmp_path / "a.parquet",
        "csv, path as text": str(tmp_path / "a.csv"),
        "semicolons": tmp_path / "b.txt",
        "lazy": frame.lazy(),
        "pyarrow": frame.to_arrow(),
        "pandas": frame.to_pandas(),
        "pandas with the time as index": frame.to_pandas().set_index("ts_event"),
        "pandas with an index without name": frame.to_pandas().set_index("ts_event").rename_axis(None),
        "its own frame": expected.frame,
    }
    for way, source in ways.items():
        assert same(load_bars(source), expected), way
    assert load_bars(tmp_path / "a.parquet").source.endswith("a.parquet")


@pytest.mark.parametrize("name", ["ts_event", "TS", "Timestamp", "time", "Datetime", " date "])
def test_time_column_names(name):
    frame = small_frame().rename({"ts_event": name, "open": "Open", "high": "HIGH", "close": "Last", "volume": "Volume"})
    assert same(load_bars(frame), load_bars(small_frame()))


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
def test_times_as_numbers_and_in_any_unit(unit, per_second):
    seconds = small_frame()["ts_event"].dt.epoch("s")
    assert same(load_bars(small_frame(ts_event=seconds * int(per_second))), load_bars(small_frame()))
    if unit != "s":
        assert same(load_bars(small_frame(ts_event=small_frame()["ts_event"].dt.cast_time_unit(unit))), load_bars(small_frame()))


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S"]
)
def test_times_as_text(form):
    assert same(load_bars(small_frame(ts_event=small_frame()["ts_event"].dt.strftime(form))), load_bars(small_frame()))


def test_times_without_a_zone_are_taken_in_the_zone_asked_for():
    # Both sides of the change of 2024-03-10: the Chicago clock is 6 hours behind UTC before it, 5 after.
    naive = ["2024-03-08 15:58", "2024-03-08 15:59", "2024-03-10 17:00", "2024-03-10 17:01", "2024-03-11 15:59", "2024-03-11 17:00"]
    bars = load_bars(small_frame(ts_event=naive), timezone="America/Chicago")
    clock = [utc(t) for t in ("2024-03-08T21:59", "2024-03-10T22:00", "2024-03-11T22:00")]
    assert bars.frame["ts"].to_list()[1:3] + bars.frame["ts"].to_list()[-1:] == clock
    assert bars.frame["session"].to_list() == [date(2024, 3, d) for d in (8, 8, 11, 11, 11, 12)]
    offset = small_frame(ts_event=small_frame()["ts_event"].dt.convert_time_zone("Asia/Tokyo"))
    assert same(load_bars(offset, timezone="America/Chicago"), load_bars(small_frame())), "a zone in the data wins"


def test_prices_of_other_ticks_come_back_as_they_were():
    prices = {"open": [71.23] * 6, "high": [71.29] * 6, "low": [70.07] * 6, "close": [71.01] * 6}
    bars = load_bars(small_frame(**prices), "CL")
    assert bars.open[0] == 7123
    assert bars.frame.select("open", "high", "low", "close").row(0) == (71.23, 71.29, 70.07, 71.01)
    as_float32 = small_frame(**{k: pl.Series(v, dtype=pl.Float32) for k, v in prices.items()})
    assert same(load_bars(as_float32, "CL"), bars)
    euro = replace(instrument("ES"), symbol="6E", tick=0.00005, multiplier=125_000.0)
    one = dict.fromkeys(("open", "high", "low", "close"), [1.10785] * 6)
    assert load_bars(small_frame(**one), euro).frame["close"][0] == 1.10785


def test_contracts_become_segments():
    frame = small_frame(contract=["ESH4"] * 2 + ["ESM4"] * 4)
    bars = load_bars(frame)
    assert bars.contracts == ("ESH4", "ESM4")
    assert bars.segment.tolist() == [0, 0, 1, 1, 1, 1]
    assert bars.frame["contract"].to_list() == frame["contract"].to_list()
    assert load_bars(small_frame(contract=[202403] * 2 + [202406] * 4)).contracts == ("202403", "202406")
    one = load_bars(frame, contract="ESM4")
    assert one.contracts == ("ESM4",)
    assert same(one, load_bars(small_frame()[2:])), "one contract is a series of its own"
    categories = frame.with_columns(pl.col("contract").cast(pl.Categorical))
    assert same(load_bars(categories), bars)


def test_a_contract_of_an_overlapping_file_can_be_asked_for():
    both = pl.concat([small_frame(contract=["ESH4"] * 6), small_frame(contract=["ESM4"] * 6)]).sort("ts_event", "contract")
    assert same(load_bars(both, contract="ESH4"), load_bars(small_frame()))


def test_instrument_column_that_agrees():
    assert len(load_bars(small_frame(instrument=["es"] * 6))) == 6


def test_slices_are_views():
    bars = load_bars(small_frame(contract=["ESH4"] * 2 + ["ESM4"] * 4))
    part = bars[1:4]
    assert len(part) == 3
    assert np.shares_memory(part.close, bars.close)
    assert part.close.tolist() == bars.close[1:4].tolist()
    assert part.frame["contract"].to_list() == ["ESH4", "ESM4", "ESM4"]
    assert len(bars[-2:]) == 2
    for wrong in (slice(None, None, 2), slice(None, None, -1), 3):
        with pytest.raises(EsbtError, match="slice of step 1"):
            bars[wrong]


def test_interval_is_the_commonest_step():
    minute = 60_000_000_000
    assert load_bars(small_frame()).interval_ns == minute
    times = small_frame()["ts_event"]
    holes = pl.concat([times[:1], times[1:].dt.offset_by("4m")])
    assert load_bars(small_frame(ts_event=holes)).interval_ns == minute
    mixed = times.dt.epoch("s").to_numpy()[0] + 60 * np.array([0, 1, 5, 9, 13, 15])
    assert load_bars(small_frame(ts_event=mixed)).interval_ns == 4 * minute
    with pytest.raises(EsbtError, match="two bars"):
        _ = load_bars(small_frame()[:1]).interval_ns


def test_core_reads_the_same_bars():
    bars = load_bars(small_frame())
    assert len(bars.core) == 6
    assert bars.core is bars.core


def test_made_by_hand():
    bars = load_bars(small_frame())
    assert same(replace(bars, volume=bars.volume.astype(np.int32)), bars)
    for change, words in {
        "float": ({"close": bars.close * 0.25}, "bars.close has dtype float64"),
        "short": ({"close": bars.close[:3]}, "bars.close has shape"),
        "beyond": ({"close": bars.close.astype(np.int64) + 2**40}, "beyond int32"),
        "label": ({"segment": bars.segment + 1}, "one label per segment"),
    }.values():
        with pytest.raises(EsbtError, match=words):
            replace(bars, **change)


def test_table_of_instruments():
    table = instruments()
    assert set(table) == {"ES", "MES", "NQ", "MNQ", "YM", "RTY", "CL", "GC"}
    tick_values = {"ES": 12.5, "MES": 1.25, "NQ": 5.0, "MNQ": 0.5, "YM": 5.0, "RTY": 5.0, "CL": 10.0, "GC": 10.0}
    assert {k: round(v.tick_value, 9) for k, v in table.items()} == tick_values
    assert table["ES"].fee_usd == 2.25
    assert all(v.fee_usd > 0 and v.source and v.as_of.year >= 2026 for v in table.values())
    assert instrument("es") is instrument("ES") is instrument(table["ES"])
    table.clear()
    assert instruments(), "the caller's dict is a copy"


def test_bad_instruments():
    with pytest.raises(EsbtError, match="unknown instrument 'MESS'; did you mean 'MES'"):
        instrument("MESS")
    with pytest.raises(EsbtError, match="give a symbol"):
        instrument(5)
    es = instrument("ES")
    for name, value in (("tick", 0.0), ("multiplier", -5.0), ("tick", float("nan"))):
        with pytest.raises(EsbtError, match=name):
            replace(es, **{name: value})
    for name, value in (("commission_usd", -0.1), ("clearing_usd", float("inf")), ("exchange_usd", 0.00005)):
        with pytest.raises(EsbtError, match=f"{name} from 2022-08-18 on is {value}: give USD per contract and side"):
            replace(es.fees[-1], **{name: value})
    with pytest.raises(EsbtError, match=r"fees is \(\): give one"):
        replace(es, fees=())
    with pytest.raises(EsbtError, match="fees from 2018-01-01 come after 2022-08-18: sort them"):
        replace(es, fees=es.fees[::-1])
    assert isinstance(replace(instrument("ES"), symbol="XX"), Instrument)
