"""Results in a folder: kill -9 at any moment, go on, same table; another plan, data or version refused with what differs."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from sweep_helpers import BARS, killed_after

import esbt
from esbt.errors import EsbtError
from esbt.sweep import block, store
from esbt.sweep.manifest import differences

STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)
SPACE = {"stop_atr": [0.3, 0.5, 0.7, 1.0, 1.5, 2.0], "fast": [2, 3, 4], "target_r": [0.5, 1.0, 2.0, 3.0]}
SCRIPT = """
import esbt
bars = esbt.synthetic_bars(days=6, interval="15min", edge=0.3, seed=5)
space = {"stop_atr": [0.3, 0.5, 0.7, 1.0, 1.5, 2.0], "fast": [2, 3, 4], "target_r": [0.5, 1.0, 2.0, 3.0]}
esbt.sweep(bars, esbt.AtrStrategy(fast=3, slow=9, atr_period=5), space, out="there", resume=True, daily=True, part_lanes=2)
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(scope="module")
def whole():
    return esbt.sweep(BARS, STRATEGY, SPACE, daily=True)


def swept(folder, **words):
    return esbt.sweep(BARS, STRATEGY, SPACE, **{"out": folder, "part_lanes": 2, "daily": True} | words)


def test_a_folder_gives_the_table_of_memory(whole, tmp_path):
    table = swept(tmp_path / "there")
    assert table.frame.equals(whole.frame, null_equal=True)
    assert isinstance(table.daily, np.memmap)
    assert np.array_equal(table.daily, whole.daily)
    dataset = pl.scan_parquet(tmp_path / "there" / "parts" / "*.parquet").sort("lane").collect()
    assert dataset.equals(whole.frame)
    assert len(list((tmp_path / "there" / "parts").iterdir())) == 36


def test_killed_again_and_again(whole, tmp_path):
    """kill -9 of the process after ever more parts, then at moments of no plan; then once to the end: the same table, no scrap."""
    parts = tmp_path / "there" / "parts"
    killed = 0
    for wait_for in (0, 1, 5, 9, 14):
        child = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=tmp_path, env=ENVIRONMENT)
        killed += killed_after(child, parts, wait_for, 0.003 * killed)
    assert killed >= 3
    assert len(list(parts.glob("part-*"))) < 36
    (parts / ".part-000030.scrap.parquet").write_bytes(b"half a file")
    table = swept(tmp_path / "there", resume=True)
    assert table.frame.equals(whole.frame)
    assert np.array_equal(table.daily, whole.daily)
    assert not list((tmp_path / "there").rglob(".*"))


def test_what_is_done_is_not_done_again(whole, tmp_path, monkeypatch):
    swept(tmp_path)
    for number in (3, 20):
        (tmp_path / "parts" / f"part-{number:06d}.parquet").unlink()
    ran = []
    real = block.run_lanes
    monkeypatch.setattr(block, "run_lanes", lambda market, plans, **words: ran.append(len(plans)) or real(market, plans, **words))
    assert swept(tmp_path, resume=True).frame.equals(whole.frame)
    assert sum(ran) == 4


def test_a_stop_by_the_user_keeps_what_is_done(whole, tmp_path, monkeypatch):
    real, ran = block.run_lanes, []

    def stopped(market, plans, **words):
        if sum(ran) == 10:
            raise KeyboardInterrupt
        ran.append(len(plans))
        return real(market, plans, **words)

    monkeypatch.setattr(block, "run_lanes", stopped)
    with pytest.raises(KeyboardInterrupt) as caught:
        swept(tmp_path)
    assert "resume=True" in caught.value.__notes__[0]
    assert len(list((tmp_path / "parts").iterdir())) == 5
    monkeypatch.setattr(block, "run_lanes", real)
    assert swept(tmp_path, resume=True).frame.equals(whole.frame)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"space": {**SPACE, "fast": [2, 3, 5]}}, "space.axes.fast was [2, 3, 4], is [2, 3, 5]"),
        ({"space": {**SPACE, "slow": [9, 12]}}, "space.axes.slow was 'nothing', is [9, 12]"),
        ({"strategy": esbt.AtrStrategy(fast=3, slow=9, atr_period=6)}, "strategy.atr_period was 5, is 6"),
        ({"bars": BARS[:-1]}, "data.bars was"),
        ({"cash": 5000.0}, "account.cash was 100000.0, is 5000.0"),
        ({"part_lanes": 3}, "part_lanes was 2, is 3"),
        ({"daily": False}, "daily was True, is False"),
    ],
)
def test_another_plan_or_data_is_refused(tmp_path, change, said):
    swept(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    words = {"bars": BARS, "strategy": STRATEGY, "space": SPACE, "out": tmp_path, "resume": True, "part_lanes": 2, "daily": True} | change
    with pytest.raises(EsbtError) as caught:
        esbt.sweep(words.pop("bars"), words.pop("strategy"), words.pop("space"), **words)
    assert said in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_another_version_is_refused(tmp_path, monkeypatch):
    swept(tmp_path)
    monkeypatch.setattr(esbt, "__version__", "99")
    with pytest.raises(EsbtError, match=r"version was '0\.1\.0', is '99'"):
        swept(tmp_path, resume=True)


def test_a_folder_in_use_is_refused(tmp_path):
    swept(tmp_path / "a")
    with pytest.raises(EsbtError, match="is not empty: give resume=True"):
        swept(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("dear")
    for resume in (False, True):
        with pytest.raises(EsbtError):
            swept(tmp_path / "b", resume=resume)
    (tmp_path / "c").write_text("a file")
    with pytest.raises(EsbtError, match="is a file"):
        swept(tmp_path / "c")
    (tmp_path / "a" / "manifest.json").write_text("{")
    with pytest.raises(EsbtError, match="cannot be read"):
        swept(tmp_path / "a", resume=True)


def test_the_manifest_says_what_the_sweep_is(tmp_path):
    swept(tmp_path)
    said = json.loads((tmp_path / store.MANIFEST).read_text("utf-8"))
    assert said["lanes"] == 72
    assert said["space"]["axes"] == SPACE
    assert list(differences(said, said | {"lanes": 3})) == ["lanes was 72, is 3"]
