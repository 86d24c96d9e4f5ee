"""What the data tests share: the folder of real data, and small hand-made frames. Other tests may use both."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared_data(name: str) -> Path:
    """The path of a real data file: in the folder ESBT_DATA names, else in ../shared/data. Absent: skips, but fails where CI is set."""
    folder = Path(os.environ.get("ESBT_DATA") or ROOT.parent / "shared" / "data")
    path = folder / name
    if not path.exists():
        reason = f"no real data: {path} is absent (set ESBT_DATA to the folder that holds it)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def small_frame(rows: int = 6, **columns: Any) -> pl.DataFrame:
    """`rows` clean one-minute ES bars from 2024-03-04 15:00 UTC on; `columns` replace or add, a None drops."""
    start = utc("2024-03-04T15:00")
    base = {
        "ts_event": pl.datetime_range(start, start.replace(minute=rows - 1), "1m", eager=True),
        "open": [5100.0 + 0.25 * i for i in range(rows)],
        "high": [5101.0 + 0.25 * i for i in range(rows)],
        "low": [5099.5 + 0.25 * i for i in range(rows)],
        "close": [5100.5 + 0.25 * i for i in range(rows)],
        "volume": [100 + i for i in range(rows)],
    }
    return pl.DataFrame({k: v for k, v in {**base, **columns}.items() if v is not None})


def changed(column: str, row: int, value: Any) -> list[Any]:
    """A column of `small_frame` with one value replaced."""
    values = small_frame()[column].to_list()
    values[row] = value
    return values
