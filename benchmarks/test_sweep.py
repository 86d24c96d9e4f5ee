"""A dense stop x target grid, 1,024 lanes x a million bars, from bars to the table of all metrics, and what the same lanes cost elsewhere.

Claims: at most 0.05 ns a bar and lane on one thread; two threads 1.8 times as fast; 1,000 times as fast as vectorbt, by the faster of its
engines; 25 times as fast as a tight scalar loop, numba's or our own single run's; ahead of raptorbt's batch. A rival first makes the trades
of each of its lanes, and those make the lane's row of the table. See sweep_work.py for what is swept and which lanes a rival runs.
"""

from functools import lru_cache, partial

import pytest
from agreement import require_same_lane, require_same_trades
from rivals.lanes import NumbaLanes, one_at_a_time, vectorbt_lanes
from rivals.ours import Esbt
from rivals.raptorbt_rival import RaptorBatch
from sweep_work import SweepWork, full_work, raptorbt_work, vectorbt_work
from timing import measure, settled

FULL, OF_VECTORBT, OF_RAPTORBT = (
    f"Sweep of 1,024 lanes, stop x target, {rules}" for rules in ("full rules", "rules vectorbt has too", "rules raptorbt has too")
)
UNIT = "bar and lane"
FEW = 8  # lanes of a rival that takes a tenth of a second each
MANY = 64
RIVALS = {
    (FULL, "numba loop"): (full_work, MANY, NumbaLanes, "a tight loop, count and P&L alone"),
    (FULL, "esbt, one lane at a time"): (full_work, MANY, one_at_a_time, "the single run's C++ loop, trades written down"),
    (OF_VECTORBT, "vectorbt, Numba engine"): (partial(vectorbt_work, FEW), FEW, partial(vectorbt_lanes, engine="numba"), "order records"),
    (OF_VECTORBT, "vectorbt, Rust engine"): (partial(vectorbt_work, FEW), FEW, partial(vectorbt_lanes, engine="rust"), "order records"),
    (OF_RAPTORBT, "raptorbt, batch"): (partial(raptorbt_work, FEW), FEW, RaptorBatch, "trades and metrics"),
}
OURS = {
    (FULL, "esbt"): (full_work, 1),
    (FULL, "esbt, two threads"): (full_work, 2),
    (FULL, "esbt, EMA(12, 26)"): (partial(full_work, signals="dense"), 1),
    (OF_VECTORBT, "esbt"): (partial(vectorbt_work, FEW), 1),
    (OF_RAPTORBT, "esbt"): (partial(raptorbt_work, FEW), 1),
}


@lru_cache(maxsize=8)
def table_of(work: SweepWork):
    return work.run(threads=2).frame


def said(work: SweepWork, lanes: int | None = None) -> str:
    """How many lanes, and how busy all of the sweep's are: every signal becomes a trade or is skipped."""
    frame = table_of(work)
    trades = frame["trades"].mean()
    signals = trades + sum(frame[name].mean() for name in frame.columns if name.startswith("skipped_"))
    return f"{'all' if lanes is None else lanes} lanes; {signals:,.0f} signals, {trades:,.0f} trades a lane"


def require_same(work: SweepWork, lanes: list[int], rival, name: str) -> None:
    """The rival's trades are those of esbt's single run, trade by trade, and of the table's row."""
    frame, outcome = table_of(work), rival.run()
    for k, lane in enumerate(lanes):
        ours = Esbt(work.lane(lane))
        expected = ours.trades(ours.run_trades())
        require_same_trades(expected, rival.trades(outcome, k), name)
        require_same_lane(expected, frame["trades"][lane], frame["net_profit"][lane], f"lane {lane}")


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
