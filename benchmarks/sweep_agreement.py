"""A sweep and a rival's lanes must make the same trades before either is timed; and how busy the lanes are is said beside every row."""

from collections.abc import Sequence
from functools import lru_cache

import polars as pl
from agreement import require_same_lane, require_same_trades
from rivals.lanes import Lanes
from rivals.ours import Esbt
from sweep_work import SweepWork

UNIT = "bar and lane"


@lru_cache(maxsize=8)
def table_of(work: SweepWork) -> pl.DataFrame:
    """The sweep's table, run once."""
    return work.run(threads=2).frame


def said(work: SweepWork, lanes: int | None = None) -> str:
    """How many lanes, and how busy all of the sweep's are: every signal becomes a trade or is skipped."""
    frame = table_of(work)
    trades = frame["trades"].mean()
    signals = trades + sum(frame[name].mean() for name in frame.columns if name.startswith("skipped_"))
    return f"{'all' if lanes is None else lanes} lanes; {signals:,.0f} signals, {trades:,.0f} trades a lane"


def require_same(work: SweepWork, lanes: Sequence[int], rival: Lanes, name: str) -> None:
    """The rival's trades are those of esbt's single run, trade by trade, and of the table's row."""
    frame, outcome = table_of(work), rival.run()
    for k, lane in enumerate(lanes):
        ours = Esbt(work.lane(lane))
        expected = ours.trades(ours.run_trades())
        require_same_trades(expected, rival.trades(outcome, k), name)
        require_same_lane(expected, frame["trades"][lane], frame["net_profit"][lane], f"lane {lane}")
