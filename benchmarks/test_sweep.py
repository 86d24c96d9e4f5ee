"""A dense stop x target grid, 1,024 lanes x a million bars, from bars to the table of all metrics, and what the same lanes cost elsewhere.

Claims: at most 0.05 ns a bar and lane on one thread; two threads 1.8 times as fast; 1,000 times as fast as vectorbt, by the faster of its
engines; 25 times as fast as a tight scalar loop, numba's or our own single run's; ahead of raptorbt's batch. A rival first makes the trades
of each of its lanes, and those make the lane's row of the table. See sweep_work.py for what is swept and which lanes a rival runs.
"""

from functools import partial

import pytest
from claims import GRID, OF_RAPTORBT, OF_VECTORBT, ONE_BY_ONE, VECTORBT
from rivals.lanes import NumbaLanes, one_at_a_time, raptorbt_lanes, vectorbt_lanes
from sweep_agreement import UNIT, require_same, said, table_of
from sweep_work import full_work, raptorbt_work, vectorbt_work
from timing import measure, settled

FEW = 8  # lanes of a rival that takes a tenth of a second each
MANY = 64
RIVALS = {
    (GRID, "numba loop"): (full_work, MANY, NumbaLanes, "a tight loop, count and P&L alone"),
    (GRID, ONE_BY_ONE): (full_work, MANY, one_at_a_time, "the single run's C++ loop, trades written down"),
    (OF_VECTORBT, VECTORBT[0]): (partial(vectorbt_work, FEW), FEW, partial(vectorbt_lanes, engine="numba"), "order records"),
    (OF_VECTORBT, VECTORBT[1]): (partial(vectorbt_work, FEW), FEW, partial(vectorbt_lanes, engine="rust"), "order records"),
    (OF_RAPTORBT, "raptorbt, batch"): (partial(raptorbt_work, FEW), FEW, raptorbt_lanes, "trades and metrics"),
}
OURS = {
    (GRID, "esbt"): (full_work, 1),
    (GRID, "esbt, two threads"): (full_work, 2),
    (GRID, "esbt, EMA(12, 26)"): (partial(full_work, signals="dense"), 1),
    (OF_VECTORBT, "esbt"): (partial(vectorbt_work, FEW), 1),
    (OF_RAPTORBT, "esbt"): (partial(raptorbt_work, FEW), 1),
}


@settled
@pytest.mark.parametrize(("table", "engine"), OURS)
def test_esbt(benchmark, table, engine):
    make, threads = OURS[table, engine]
    work = make()
    assert work.run(threads).frame.equals(table_of(work))
    lanes = work.spread(FEW)
    require_same(work, lanes, one_at_a_time([work.lane(lane) for lane in lanes]), engine)
    measure(benchmark, lambda: work.run(threads), table, engine, unit=UNIT, count=work.cells, reference=engine == "esbt", note=said(work))


@settled
@pytest.mark.parametrize(("table", "engine"), RIVALS)
def test_rival(benchmark, table, engine):
    make, count, rival_of, note = RIVALS[table, engine]
    work = make()
    lanes = work.spread(count)
    rival = rival_of([work.lane(lane) for lane in lanes])
    require_same(work, lanes, rival, engine)
    measure(
        benchmark,
        rival.run,
        table,
        engine,
        unit=UNIT,
        count=len(lanes) * len(work.bars),
        rival=True,
        note=f"{said(work, count)}; {note}",
    )
