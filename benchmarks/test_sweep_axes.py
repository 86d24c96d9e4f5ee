"""More axes than stop and target: trailing stops, EMA pairs, both cores, and lanes that a study proposes.

Claims: trailing as a third axis at most 0.15 ns a bar and lane, with entry axes at most 0.2, both on one thread; two threads 1.8 times as
fast as one; a study of 4,096 lanes costs what a sweep of as many costs, which is read as at most twice its time. Some lanes first equal
their own single run. ESBT_BENCH_TRIALS sets the lanes of the study.
"""

import os

import numpy as np
import pytest
from rivals.lanes import one_at_a_time
from sweep_work import SPARSE, full_work, steps
from test_sweep import UNIT, require_same, said
from timing import measure, settled
from workload import CASH, N_BARS, market

import esbt

TABLES = {
    "trailing": "Sweep of 1,024 lanes, stop x target x trailing",
    "entries": "Sweep of 1,024 lanes, EMA pairs x stop x target",
    "large": "Sweep of 8,192 lanes, stop x target x trailing",
}
STUDY = "A study beside a sweep of as many lanes"
SOME = 16
TRIALS, BATCH = int(os.environ.get("ESBT_BENCH_TRIALS", "4096")), 512
AXES = {"stop_atr": steps(1.0, 0.05, 64), "target_r": steps(0.5, 0.05, 64)}


@settled
@pytest.mark.parametrize(("axes", "threads"), [("trailing", 1), ("entries", 1), ("large", 1), ("large", 2)])
def test_axes(benchmark, axes, threads):
    work = full_work(axes)
    lanes = work.spread(SOME)
    require_same(work, lanes, one_at_a_time([work.lane(lane) for lane in lanes]), axes)
    engine = "esbt" if threads == 1 else "esbt, two threads"
    rounds = 5 if axes == "large" else None
    labels = {"unit": UNIT, "count": work.cells, "reference": threads == 1, "note": said(work)}
    measure(benchmark, lambda: work.run(threads), TABLES[axes], engine, rounds=rounds, **labels)


@settled
@pytest.mark.parametrize("axes", ["trailing", "entries"])
def test_one_lane_at_a_time(benchmark, axes):
    work = full_work(axes)
    lanes = work.spread(SOME)
    single = one_at_a_time([work.lane(lane) for lane in lanes])
    require_same(work, lanes, single, axes)
    labels = {"unit": UNIT, "count": len(lanes) * len(work.bars), "rival": True, "note": said(work, SOME)}
    measure(benchmark, single.run, TABLES[axes], "esbt, one lane at a time", **labels)


def sweep(kind: str) -> esbt.sweep.SweepTable:
    if kind == "grid":
        space = esbt.sweep.Rows(esbt.sweep.Grid(AXES).frame[:TRIALS])
    else:
        space = esbt.sweep.Optuna(TRIALS, AXES, batch=BATCH)
    return esbt.sweep(market(N_BARS), esbt.AtrStrategy(**SPARSE), space, threads=2, cash=CASH)


@settled
@pytest.mark.parametrize("kind", ["grid", "study"])
def test_study(benchmark, kind):
    found = sweep(kind) if kind == "grid" else None
    rounds = 5 if kind == "grid" else 1  # a study is run once: it takes minutes
    kept = []
    engine = "sweep" if kind == "grid" else "study by Optuna"
    note = f"two threads, {'' if kind == 'grid' else f'batches of {BATCH}, '}{N_BARS:,} bars"
    labels = {"unit": "lane", "count": TRIALS, "reference": kind == "grid", "note": note}
    measure(benchmark, lambda: kept.append(sweep(kind)), STUDY, engine, rounds=rounds, **labels)
    table = kept[-1]
    assert len(table.frame) == TRIALS
    for lane in np.linspace(0, TRIALS - 1, 5).astype(int).tolist():
        assert table.replay(lane).net_profit == table.frame["net_profit"][lane]
    assert found is None or found.frame.equals(table.frame)
