"""More axes than stop and target: trailing stops, EMA pairs, both cores, and lanes that a study proposes.

Claims: trailing as a third axis at most 0.15 ns a bar and lane, with entry axes at most 0.2, both on one thread; two threads 1.8 times as
fast as one; a study of 4,096 lanes costs what a sweep of as many costs, which is read as at most twice its time. Some lanes first equal
their own single run. ESBT_BENCH_TRIALS sets the lanes of the study, a square.
"""

import os

import numpy as np
import pytest
from claims import ENTRIES, LARGE, ONE_BY_ONE, STUDY, TRAILING
from rivals.lanes import one_at_a_time
from sweep_agreement import UNIT, require_same, said
from sweep_work import SPARSE, full_work, steps
from timing import measure, settled
from workload import CASH, N_BARS, market

import esbt

TABLES = {"trailing": TRAILING, "entries": ENTRIES, "large": LARGE}
CASES = [("trailing", 1), ("entries", 1), ("large", 1), ("large", 2)]
ENGINES = {1: "esbt", 2: "esbt, two threads"}
STUDIES = ("sweep", "study by Optuna")
SOME = 16
SIDE = round(int(os.environ.get("ESBT_BENCH_TRIALS", "4096")) ** 0.5)
TRIALS, BATCH = SIDE * SIDE, 512
AXES = {"stop_atr": steps(1.0, 0.05, SIDE), "target_r": steps(0.5, 0.05, SIDE)}


@settled
@pytest.mark.parametrize(("axes", "threads"), CASES)
def test_axes(benchmark, axes, threads):
    work = full_work(axes)
    lanes = work.spread(SOME)
    require_same(work, lanes, one_at_a_time([work.lane(lane) for lane in lanes]), axes)
    rounds = 5 if axes == "large" else None
    labels = {"unit": UNIT, "count": work.cells, "reference": threads == 1, "note": said(work)}
    measure(benchmark, lambda: work.run(threads), TABLES[axes], ENGINES[threads], rounds=rounds, **labels)


@settled
@pytest.mark.parametrize("axes", ["trailing", "entries"])
def test_one_lane_at_a_time(benchmark, axes):
    work = full_work(axes)
    lanes = work.spread(SOME)
    single = one_at_a_time([work.lane(lane) for lane in lanes])
    require_same(work, lanes, single, axes)
    labels = {"unit": UNIT, "count": len(lanes) * len(work.bars), "rival": True, "note": said(work, SOME)}
    measure(benchmark, single.run, TABLES[axes], ONE_BY_ONE, **labels)


def sweep(kind: str) -> esbt.sweep.SweepTable:
    space = esbt.sweep.Grid(AXES) if kind == STUDIES[0] else esbt.sweep.Optuna(TRIALS, AXES, batch=BATCH)
    return esbt.sweep(market(N_BARS), esbt.AtrStrategy(**SPARSE), space, threads=2, cash=CASH)


@settled
@pytest.mark.parametrize("kind", STUDIES)
def test_study(benchmark, kind):
    ours = kind == STUDIES[0]
    found = sweep(kind) if ours else None
    kept = []
    note = f"two threads, {N_BARS:,} bars" + ("" if ours else f", batches of {BATCH}; run once")
    labels = {"unit": "lane", "count": TRIALS, "reference": ours, "note": note, "rounds": 5 if ours else 1}
    measure(benchmark, lambda: kept.append(sweep(kind)), STUDY, kind, **labels)
    table = kept[-1]
    assert len(table.frame) == TRIALS
    for lane in np.linspace(0, TRIALS - 1, 5).astype(int).tolist():
        assert table.replay(lane).net_profit == table.frame["net_profit"][lane]
    assert found is None or found.frame.equals(table.frame)
