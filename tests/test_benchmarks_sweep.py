"""The benchmarks of sweeps cannot rot: every rival makes the trades of its lanes, the headline and the ways to distribute run, in small."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))  # at the end: nothing installed may be shadowed

import distribution  # noqa: E402
import headline  # noqa: E402
from agreement import require_same_lane, require_same_trades  # noqa: E402
from rivals.lanes import Lanes, NumbaLanes, one_at_a_time, raptorbt_lanes, vectorbt_lanes  # noqa: E402
from rivals.ours import Esbt  # noqa: E402
from sweep_agreement import require_same, said  # noqa: E402
from sweep_work import ENTRIES, full_work, raptorbt_work, vectorbt_work  # noqa: E402
from workload import market  # noqa: E402

import esbt  # noqa: E402
from esbt.sweep import Grid  # noqa: E402

N = 30_000


def lanes_of(work, count):
    lanes = work.spread(count)
    assert len(set(lanes)) == count
    assert 0 <= lanes[0] <= lanes[-1] < len(work.space)
    return lanes, [work.lane(lane) for lane in lanes]


@pytest.mark.parametrize("signals", ["sparse", "dense"])
@pytest.mark.parametrize("rival", [NumbaLanes, one_at_a_time])
def test_loops_over_lanes(rival, signals):
    work = full_work(signals=signals, n_bars=N)
    lanes, works = lanes_of(work, 16)
    require_same(work, lanes, rival(works), "loop")


@pytest.mark.parametrize("axes", ["trailing", "entries", "large"])
def test_more_axes(axes):
    work = full_work(axes, n_bars=N)
    lanes, works = lanes_of(work, 8)
    require_same(work, lanes, one_at_a_time(works), axes)
    assert len(work.space) == (8192 if axes == "large" else 1024)


@pytest.mark.parametrize("engine", ["numba", "rust"])
def test_vectorbt(engine):
    for name in ("vectorbt", "vectorbt_rust") if engine == "rust" else ("vectorbt",):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install esbt[bench]")
    work = vectorbt_work(4, n_bars=N)
    lanes, works = lanes_of(work, 4)
    require_same(work, lanes, vectorbt_lanes(works, engine), engine)
    assert np.count_nonzero(work.strategy.values) > 300


def test_raptorbt():
    if importlib.util.find_spec("raptorbt") is None:
        pytest.skip("raptorbt is not installed: pip install esbt[bench]")
    work = raptorbt_work(4, n_bars=N)
    lanes, works = lanes_of(work, 4)
    require_same(work, lanes, raptorbt_lanes(works), "raptorbt")
    assert np.count_nonzero(work.strategy.values) > 100


def test_a_differing_rival_is_caught():
    work = full_work(n_bars=N)
    lanes, works = lanes_of(work, 4)
    shifted = Lanes([Esbt(w) for w in (*works[1:], works[0])])
    with pytest.raises(AssertionError, match="differs in"):
        require_same(work, lanes, shifted, "another")
    ours = Esbt(works[0])
    trades = ours.trades(ours.run_trades())
    require_same_trades(trades, trades, "itself")
    with pytest.raises(AssertionError, match="the sweep has"):
        require_same_lane(trades, len(trades.pnl), trades.pnl.sum() + 0.01, "lane")
    with pytest.raises(AssertionError, match="the sweep has"):
        require_same_lane(trades, len(trades.pnl) - 1, trades.pnl.sum(), "lane")


def test_what_is_said_of_a_sweep():
    work = full_work(n_bars=N)
    signals = np.count_nonzero(work.strategy.signals(work.bars))
    assert said(work).startswith(f"all lanes; {signals} signals, ")


def test_the_headline_in_small():
    assert len(Grid(headline.axes(headline.LANES))) == headline.LANES
    small = Grid(headline.axes(2_000))
    own = os.environ | {"ESBT_HEADLINE_LANES": "2000", "ESBT_HEADLINE_BARS": str(N), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / "headline.py"], env=own, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert (found["lanes"], found["bars"]) == (len(small), N)
    assert found["peak_mib"] > 50
    assert found["seconds"] > 0
    assert found["trades"] > 50
    assert 0 < sum(found["where"].values()) < 1.01


def test_a_headline_with_a_wrong_lane_is_caught():
    table = esbt.sweep(market(N), esbt.AtrStrategy(), {"stop_atr": [1.0, 2.0], "target_r": [1.0, 2.0]})
    headline.require_equal_to_singles(table)
    table.frame = table.frame.with_columns(net_profit=table.frame["net_profit"] + 0.01)
    with pytest.raises(AssertionError):
        headline.require_equal_to_singles(table)


def test_ways_to_distribute(monkeypatch):
    monkeypatch.setattr(distribution, "market", lambda n: market(N))
    axes = {name: values[:2] for name, values in distribution.AXES.items()}
    monkeypatch.setattr(distribution, "AXES", axes)
    monkeypatch.setattr(distribution, "PART_LANES", 8)
    whole = distribution.sweep()
    assert set(ENTRIES) < set(whole.frame.columns)
    with distribution.processes() as pool:
        assert distribution.same(distribution.sweep(pool), whole)
    with distribution.dask() as pool:
        assert distribution.same(distribution.sweep(pool, files=False), whole)
    other = distribution.sweep()
    other.frame = other.frame.with_columns(trades=other.frame["trades"] + 1)
    assert not distribution.same(other, whole)
