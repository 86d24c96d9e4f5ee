"""Bad bars: each fault gives one EsbtError that names place, column, row, UTC time, value, and what to do."""

import polars as pl
import pytest
from data_helpers import changed, small_frame

from esbt.data import load_bars
from esbt.errors import EsbtError

NAN = float("nan")
ROW_3 = "row 3 (2024-03-04 15:03 UTC)"
TIMES = small_frame()["ts_event"].to_list()

# fault: (columns that replace those of a clean frame, words the message must hold)
FAULTS = {
    "NaN price": ({"close": changed("close", 3, NAN)}, ["'close'", "NaN", ROW_3, "drop or fill"]),
    "null price": ({"open": changed("open", 3, None)}, ["'open'", "null", ROW_3, "drop or fill"]),
    "infinite price": ({"high": changed("high", 3, float("inf"))}, ["'high'", "inf", ROW_3, "finite"]),
    "huge price": ({"high": changed("high", 3, 2.0**24)}, ["'high'", "16777216.0", ROW_3, "below 16,777,216 points"]),
    "huge negative price": ({"low": changed("low", 3, -(2.0**24))}, ["'low'", "-16777216.0", ROW_3, "2^26 ticks"]),
    "off-grid price": ({"low": changed("low", 3, 5099.6)}, ["'low'", "5099.6", ROW_3, "not a whole tick of ES (0.25 points)"]),
    "null volume": ({"volume": changed("volume", 3, None)}, ["'volume'", "null", ROW_3]),
    "NaN volume": ({"volume": [100.0] * 3 + [NAN] * 3}, ["'volume'", "NaN", ROW_3]),
    "negative volume": ({"volume": changed("volume", 3, -7)}, ["'volume'", "-7", ROW_3, "0 or more"]),
    "half a contract": ({"volume": [100.0] * 3 + [1.5] * 3}, ["'volume'", "1.5", ROW_3, "whole number"]),
    "high < low": (
        {"high": changed("high", 3, 5098.0), "low": changed("low", 3, 5099.0)},
        ["'high'", "5098.0", "below low = 5099.0", ROW_3, "mend or drop"],
    ),
    "high < close": ({"high": changed("high", 3, 5101.0)}, ["'high'", "5101.0", "below max(open, close) = 5101.25", ROW_3]),
    "low > open": ({"low": changed("low", 3, 5101.0)}, ["'low'", "5101.0", "above min(open, close) = 5100.75", ROW_3]),
    "unsorted": (
        {"ts_event": [*TIMES[:2], TIMES[3], TIMES[2], *TIMES[4:]]},
        ["not sorted", ROW_3.replace("15:03", "15:02"), "row 2 (2024-03-04 15:03 UTC)", "sort"],
    ),
    "duplicate time": ({"ts_event": [*TIMES[:3], TIMES[2], *TIMES[4:]]}, ["rows 2 and 3", "2024-03-04 15:02 UTC", "one bar per time"]),
    "null time": ({"ts_event": [*TIMES[:3], None, *TIMES[4:]]}, ["'ts_event'", "row 3", "no time"]),
    "time as float": ({"ts_event": [float(i) for i in range(6)]}, ["'ts_event'", "Float64", "datetimes"]),
    "time no one can read": ({"ts_event": ["noon"] * 6}, ["'ts_event'", "'noon'", "row 0", "ISO"]),
    "time written otherwise": ({"ts_event": ["2024-03-04 15:00"] * 3 + ["04.03.24"] * 3}, ["'04.03.24'", "row 3", "the same way"]),
    "time of day only": ({"ts_event": ["15:00:00"] * 6}, ["'15:00:00'", "ISO"]),
    "time before 1970": ({"ts_event": [-5] * 6}, ["'ts_event'", "1969", "row 0", "1970"]),
    "price as text": ({"close": ["5,100.50"] * 6}, ["'close'", "String", "give numbers"]),
    "volume as text": ({"volume": ["many"] * 6}, ["'volume'", "String", "give numbers"]),
    "price as truth value": ({"open": [True] * 6}, ["'open'", "Boolean", "give numbers"]),
    "missing price": ({"high": None}, ["no high column", "'open', 'low'", "rename or add"]),
    "missing volume": ({"volume": None}, ["no volume column", "rename or add"]),
    "missing time": ({"ts_event": None}, ["no time column", "ts_event, ts, timestamp", "rename or add"]),
    "a column twice": ({"Close": [1.0] * 6}, ["'close' and 'Close'", "keep one"]),
    "another instrument": ({"instrument": ["ES"] * 3 + ["NQ"] * 3}, ["'instrument'", "'NQ'", "row 3", "'ES' was asked for"]),
    "no contract": ({"contract": ["ESH4"] * 3 + [None] * 3}, ["'contract'", "row 3", "name the contract"]),
    "contract comes back": (
        {"contract": ["ESH4", "ESM4", "ESH4", "ESM4", "ESM4", "ESM4"]},
        ["'ESH4' and 'ESM4' overlap", "2024-03-04 15:01 UTC", "15:02 UTC", "contract='ESH4'"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(fault, tmp_path):
    columns, words = FAULTS[fault]
    path = tmp_path / "bad.parquet"
    small_frame(**columns).write_parquet(path)
    for source, name in ((path, str(path)), (small_frame(**columns), "the Polars frame")):
        with pytest.raises(EsbtError) as error:
            load_bars(source)
        message = str(error.value)
        for word in (name, *words):
            assert word in message, message
        assert "\n" not in message


def test_rows_of_one_contract_are_counted_in_the_file():
    both = pl.concat([small_frame(contract=["A"] * 6), small_frame(contract=["B"] * 6, close=changed("close", 3, NAN))])
    with pytest.raises(EsbtError, match=r"'close' has NaN at row 9 \(2024-03-04 15:03 UTC\)"):
        load_bars(both, contract="B")


def test_contracts_one_after_the_other_in_the_file_that_overlap_in_time():
    both = pl.concat([small_frame(contract=["A"] * 6), small_frame(contract=["B"] * 6)])
    with pytest.raises(EsbtError, match=r"contracts 'A' and 'B' overlap in time.* pass contract='A' or contract='B'"):
        load_bars(both)


def test_unknown_names():
    frame = small_frame(contract=["ESH4"] * 6)
    for arguments, words in (
        ({"instrument": "EZ"}, "unknown instrument 'EZ'"),
        ({"instrument": "NQQ"}, "did you mean 'NQ'"),
        ({"contract": "ESH5"}, "unknown contract 'ESH5'; did you mean 'ESH4'"),
        ({"timezone": "Chicago"}, None),
    ):
        source = frame if words else frame.with_columns(pl.col("ts_event").dt.replace_time_zone(None))
        with pytest.raises(EsbtError, match=words or "timezone 'Chicago'.*IANA"):
            load_bars(source, **arguments)
    with pytest.raises(EsbtError, match="there is no contract column"):
        load_bars(small_frame(), contract="ESH4")


def test_local_times_that_do_not_exist():
    skipped = ["2024-03-10 01:59", "2024-03-10 02:30", *[f"2024-03-10 0{h}:00" for h in range(3, 7)]]
    with pytest.raises(EsbtError, match="cannot be read in timezone 'America/Chicago'"):
        load_bars(small_frame(ts_event=skipped), timezone="America/Chicago")


def test_files(tmp_path):
    small_frame().write_csv(tmp_path / "a.csv")
    (tmp_path / "text.parquet").write_text("no parquet")
    (tmp_path / "nothing.parquet").write_bytes(b"")
    (tmp_path / "nothing.csv").write_text("")
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "head.csv").write_text("ts_event,open,high,low,close,volume\n")
    (tmp_path / "a.xlsx").write_text("x")
    small_frame()[:0].write_parquet(tmp_path / "empty.parquet")
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "other.parquet")
    for name, words in {
        "absent.parquet": "there is no such file",
        "absent.csv": "there is no such file",
        "text.parquet": "cannot be read as Parquet",
        "nothing.parquet": "cannot be read as Parquet",
        "nothing.csv": "the file is empty",
        "bytes.csv": "",
        "head.csv": "there are no rows",
        "empty.parquet": "there are no rows",
        "other.parquet": "there is no time column",
        "a.xlsx": "suffix '.xlsx' is not known: give a .parquet",
        "a": "suffix '' is not known",
    }.items():
        with pytest.raises(EsbtError) as error:
            load_bars(tmp_path / name)
        assert str(tmp_path / name) in str(error.value)
        assert words in str(error.value)


def test_no_frame():
    with pytest.raises(EsbtError, match="source is of type int: give a path"):
        load_bars(5)
    with pytest.raises(EsbtError, match="there are no rows"):
        load_bars(small_frame()[:0])
