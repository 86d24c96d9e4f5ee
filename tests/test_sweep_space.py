"""Spaces: numbering, samples, and every kind of bad space refused in one line before any work."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sweep_helpers import BARS, VALUES, axes

import esbt
from esbt.errors import EsbtError
from esbt.sweep import estimate

STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)


def refused(space, **words):
    with pytest.raises(EsbtError) as caught:
        esbt.sweep(BARS, STRATEGY, space, **words)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_grid_is_numbered_with_the_last_axis_fastest():
    grid = esbt.Grid({"fast": [2, 3], "stop_atr": [0.5, 1.0, None]})
    assert len(grid) == 6
    assert [grid.lane(k) for k in (0, 1, 5)] == [
        {"fast": 2, "stop_atr": 0.5},
        {"fast": 2, "stop_atr": 1.0},
        {"fast": 3, "stop_atr": None},
    ]
    assert grid.frame["stop_atr"].to_list() == [0.5, 1.0, None] * 2


@given(space=axes(most=4), first=st.sets(st.sampled_from(sorted(VALUES)), max_size=3), cut=st.integers(1, 7))
def test_the_order_run_is_a_permutation_that_keeps_markets_together(space, first, cut):
    """Of grids and of rows alike; blocks of it join without gap."""
    grid = esbt.Grid(space)
    for own in (grid, esbt.Rows([grid.lane(k) for k in range(len(grid))])):
        blocks = [own.ordered(sorted(first), k, min(k + cut, len(own))) for k in range(0, len(own), cut)]
        lanes = np.concatenate(blocks)
        assert sorted(lanes.tolist()) == list(range(len(own)))
        keys = list(zip(*(own.codes(lanes)[name].tolist() for name in space if name in first), strict=True)) or [()]
        assert sum(a != b for a, b in pairwise(keys)) == len(set(keys)) - 1


def test_a_large_grid_costs_no_memory():
    grid = esbt.Grid({name: list(range(100)) for name in "abcde"})
    assert len(grid) == 10**10
    assert grid.lane(10**10 - 1) == dict.fromkeys("abcde", 99)


def test_rows_of_dicts_and_of_a_frame():
    rows = [{"stop_atr": 1.0, "side": "long"}, {"stop_atr": None, "side": "both"}, {"stop_atr": 2.0, "side": "long"}]
    for given_rows in (rows, pl.DataFrame(rows), pl.DataFrame(rows).to_pandas()):
        space = esbt.Rows(given_rows)
        assert [space.lane(k)["side"] for k in range(3)] == ["long", "both", "long"]
    assert [esbt.Rows(rows).lane(k) for k in range(3)] == rows


@pytest.mark.parametrize("kind", [esbt.Random, esbt.Sobol])
def test_samples(kind):
    """In their ranges, different, the same for the same seed, and more lanes go on from fewer."""
    axes = {
        "fast": (2, 9),
        "stop_atr": esbt.Uniform(0.5, 4.0, step=0.5),
        "target_r": (0.5, 3.0),
        "cash": esbt.Uniform(1e3, 1e6, log=True),
        "side": ["long", "short"],
        "chandelier_atr": stats.gamma(2.0, loc=0.5),
        "max_bars": stats.randint(1, 30),
    }
    space = kind(200, axes, seed=4)
    frame = space.frame
    assert frame.equals(kind(200, axes, seed=4).frame)
    assert frame.equals(kind(500, axes, seed=4).frame.head(200))
    assert not frame.equals(kind(200, axes, seed=5).frame)
    assert frame.n_unique() == 200
    assert set(frame["fast"]) == set(range(2, 10))
    assert set(frame["stop_atr"]) == {0.5 * k for k in range(1, 9)}
    assert 0.5 <= frame["target_r"].min() <= 0.7
    assert 2.8 <= frame["target_r"].max() < 3.0
    assert 2e4 < frame["cash"].median() < 5e4  # the middle of the logarithms is 31,623
    assert frame["max_bars"].dtype == pl.Int64
    assert set(frame["max_bars"]) <= set(range(1, 30))


def test_a_sobol_sequence_is_even():
    """Each of 16 equal strips of each axis holds a sixteenth of 256 points: what random points do not do."""
    frame = esbt.Sobol(256, {"stop_atr": (0.0, 1.0), "target_r": (0.0, 1.0)}, seed=2).frame
    for name in frame.columns:
        assert np.bincount((frame[name].to_numpy() * 16).astype(int)).tolist() == [16] * 16


def test_samples_of_too_small_a_space():
    with pytest.raises(EsbtError, match=r"Random: 7 lanes asked, only 6 different ones came"):
        esbt.Random(7, {"fast": (2, 4), "side": ["long", "short"]}, seed=0)
    assert len(esbt.Random(6, {"fast": (2, 4), "side": ["long", "short"]}, seed=0)) == 6


@pytest.mark.parametrize(
    ("space", "words", "said"),
    [
        ({}, {}, "at least one axis"),
        ({"stop_atr": []}, {}, "axis 'stop_atr' is empty"),
        ({"stop_atr": 2.0}, {}, "give a list of values"),
        ({"stop_at": [1.0]}, {}, "unknown axis 'stop_at'; did you mean 'stop_atr'?"),
        ({"sl_stop": [0.02]}, {}, "unknown axis 'sl_stop'; it is stop_atr or stop_ticks here: a fraction of the price there"),
        ({"commission": [2]}, {}, "it is fee_usd here"),
        ({"stop_atr": [1.0, -1.0]}, {}, "axis 'stop_atr': value 1 should be greater than 0, got -1.0"),
        ({"fast": [5, 2.5]}, {}, "axis 'fast': value 1 should be a valid integer, got 2.5"),
        ({"side": ["up"]}, {}, "axis 'side': value 0 should be 'long', 'short' or 'both', got 'up'"),
        ({"stop_atr": [float("nan")]}, {}, "should be a finite number"),
        ({"entry_from": ["8.30"]}, {}, "axis 'entry_from': value 0 must be a time"),
        ({"size": [0]}, {}, "axis 'size': value 0 must be whole contracts"),
        ({"cash": [1.00005]}, {}, "finer than 0.0001 USD"),
        ({"stop_atr": [2, 2.0]}, {}, "axis 'stop_atr' has 2.0 twice"),
        ({"fast": [5, 30]}, {}, "lane 1 (fast=30): fast must be below slow"),
        ({"stop_atr": [1.0, None]}, {}, "lane 1 (stop_atr=None): target_r is a multiple of the stop distance"),
        ({"size.fraction": [0.01]}, {}, "give size = Risk(...)"),
        ({"size.fractio": [0.01]}, {"size": esbt.Risk()}, "did you mean 'size.fraction'"),
        ({"size.fraction": [2.0]}, {"size": esbt.Risk()}, "axis 'size.fraction': value 0 should be less than or equal to 1"),
        ({"size.fraction": [0.1], "size": [1, esbt.Risk()]}, {"size": esbt.Risk()}, "exclude each other"),
        ({"confidence": [0.5]}, {}, "needs predictions"),
        ({"fast": [2]}, {"predictions": [1.0]}, "need an axis 'confidence'"),
        ({"confidence": [0.5]}, {"predictions": [1.0]}, "predictions have shape (1,)"),
        ({"path": ["finer"]}, {}, "give finer="),
        ({"slippage_spread": [True]}, {}, "slippage_spread needs quotes"),
        ({"fee_table": ["nowhere.csv"]}, {}, "fee table 'nowhere.csv' cannot be read"),
        ({"size": [esbt.Kelly()]}, {}, "size Kelly needs a probability"),
        ({"fast": [2]}, {"threads": 0}, "threads is 0"),
        ({"fast": [2]}, {"part_lane": 2}, "did you mean 'part_lanes'"),
        ({"fast": [2]}, {"init_cash": 2}, "it is cash here"),
        ({"fast": [2]}, {"resume": True}, "give out"),
        ({name: list(np.linspace(1, 2, 5000)) for name in ("stop_atr", "target_atr", "trail_atr")}, {}, "of memory, this machine has"),
    ],
)  # fmt: skip
def test_a_bad_space_is_refused_before_any_work(space, words, said, monkeypatch):
    monkeypatch.setattr("esbt.sweep.block.run_lanes", None)  # work would fail otherwise
    assert said in refused(space, **words)


def test_rows_that_are_wrong():
    for rows, said in (
        ([], "Rows is empty"),
        ([{"fast": 2}, {"slow": 2}], "row 1 has the axes"),
        ([{"fast": 2}, {"fast": 3}, {"fast": 2}], "row 2 repeats row 0"),
        ("fast", "Rows takes a frame"),
    ):
        with pytest.raises(EsbtError, match=said.replace("(", r"\(")):
            esbt.Rows(rows)


def test_more_lanes_than_disk(monkeypatch, tmp_path):
    usage = estimate.shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(estimate.shutil, "disk_usage", lambda _: usage)
    said = refused({"fast": [2, 3, 4]}, out=tmp_path / "new")
    assert "3 lanes need" in said
    assert "has 100 B free" in said
    assert not (tmp_path / "new").exists()


def test_an_estimate(tmp_path):
    said = esbt.sweep_estimate(
        BARS, STRATEGY, {"fast": [2, 3], "stop_atr": list(np.linspace(0.5, 2, 50))}, out=tmp_path / "new", daily=True
    )
    assert (said.lanes, said.groups, said.sessions) == (100, 2, len(set(BARS.session.tolist())))
    assert said.disk_bytes > 100 * said.sessions * 8
    assert 0 < said.seconds < 60
    assert not (tmp_path / "new").exists()
    assert "100 lanes in 2 groups" in str(said)
