"""Atomic writing: a reader sees the old file or the new one, never half of one, and a failure leaves no scrap."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import BaseModel

from esbt import files
from esbt.errors import EsbtError


def test_success_replaces_the_file_and_leaves_only_it(tmp_path):
    final = tmp_path / "deep" / "a.txt"
    files.write_text(final, "old")
    with files.atomic_path(final) as temporary:
        assert temporary.parent == final.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
        assert final.read_text() == "old"  # until the block ends a reader sees the old one
    assert final.read_text() == "new"
    assert [p.name for p in final.parent.iterdir()] == ["a.txt"]


def half_way(final):
    with files.atomic_path(final) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_failure_half_way_leaves_the_old_file_and_no_scrap(tmp_path):
    final = tmp_path / "a.txt"
    with pytest.raises(KeyboardInterrupt):
        half_way(final)
    assert list(tmp_path.iterdir()) == []
    final.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        half_way(final)
    assert final.read_text() == "old"
    assert list(tmp_path.iterdir()) == [final]


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    unwritable = pl.DataFrame({"a": [object()]}, schema={"a": pl.Object})
    for write in files.write_parquet, files.write_csv:
        with pytest.raises(Exception, match=r".*"):
            write(tmp_path / "a", unwritable)
        assert list(tmp_path.iterdir()) == []


def test_the_file_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("x")
    files.write_text(tmp_path / "a", "x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_json_is_readable_by_anyone(tmp_path):
    @dataclass
    class Rules:
        stop_atr: float
        off: float

    class Model(BaseModel):
        fast: int
        slow: int

    value = {
        "nan": math.nan, "inf": [math.inf, -math.inf], "numpy": np.float64(1.5), "count": np.int8(3), "flag": np.bool_(True),
        "date": date(2024, 3, 4), "time": datetime(2024, 3, 4, 12, tzinfo=UTC), "rules": Rules(2.0, math.inf),
        "model": Model(fast=1, slow=2),
        "short": np.array([1.0, np.nan]), "long": np.zeros((20, 3), np.int8), "frame": pl.DataFrame({"a": range(20)}), "path": Path("x/y"),
        "set": {"b", "a"}, 7: None, "word": "München",
    }  # fmt: skip
    path = files.write_json(tmp_path / "a.json", value)
    assert "NaN" not in path.read_text()
    assert json.loads(path.read_text()) == {
        "nan": None, "inf": [None, None], "numpy": 1.5, "count": 3, "flag": True, "date": "2024-03-04", "time": "2024-03-04T12:00:00+00:00",
        "rules": {"stop_atr": 2.0, "off": None}, "model": {"fast": 1, "slow": 2}, "short": [1.0, None], "long": "int8[20x3]",
        "frame": "table[20 rows: a]", "path": "x/y", "set": ["a", "b"], "7": None, "word": "München",
    }  # fmt: skip


def test_tables_come_back_as_they_were(tmp_path):
    frame = pl.DataFrame({"t": [datetime(2024, 3, 4, 12, 0, 1), None], "pnl": [1.25, None], "why": ["stop", "a,b"]}).with_columns(
        pl.col("t").dt.replace_time_zone("UTC").dt.cast_time_unit("ns")
    )
    assert pl.read_parquet(files.write_parquet(tmp_path / "a.parquet", frame)).equals(frame)
    text = files.write_csv(tmp_path / "a.csv", frame).read_text().splitlines()
    assert text == ["t,pnl,why", "2024-03-04T12:00:01Z,1.25,stop", ',,"a,b"']


def test_a_file_or_folder_in_the_way_is_said_plainly(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(EsbtError, match=r"file cannot be a folder, a file is in the way"):
        files.write_text(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(EsbtError, match=r"is a folder: give the name of a file"):
        files.write_text(tmp_path, "x")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    with pytest.raises(EsbtError, match=r"cannot write .*a\.txt: Permission denied"):
        files.write_text(tmp_path / "a.txt", "x")
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(EsbtError, match=r"cannot make the folder .*new: Permission denied"):
        files.write_text(tmp_path / "new" / "a.txt", "x")
