"""Many lanes, one after another: vectorbt, a tight numba loop, and esbt's own single run, each over the same list of lanes.

vectorbt is called once a lane: all lanes as columns of one call took twice as long a lane. The numba loop is what is left when nothing but
count and P&L is wanted: whole ticks in int32, signals as a list of rows, distances ready in ticks, no trade written. Ours gives every
metric of each lane, which is more.
"""

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from agreement import Trades
from workload import Workload

from rivals.numba_loop import NumbaLoop
from rivals.ours import Esbt


class Lanes:
    """Engines of single runs, over lanes. `run` is timed; `trades` gives one lane's, not timed."""

    def __init__(self, engines: Sequence[Any]) -> None:
        self.engines = engines

    def run(self) -> Any:
        return [engine.run_trades() for engine in self.engines]

    def trades(self, outcome: Any, k: int) -> Trades:
        """The trades of lane k of `run`'s outcome."""
        found: Trades = self.engines[k].trades(outcome[k])
        return found


def one_at_a_time(works: Sequence[Workload]) -> Lanes:
    """esbt's single run: one look at the bars a lane."""
    return Lanes([Esbt(w) for w in works])


@numba.njit(error_model="numpy")
def count_and_profit(rows, sides, stops, targets, open_, high, low, close, flat, slip):  # noqa: PLR0912, PLR0917
    """Trades, and their P&L in ticks before fees, of one lane. rows, sides: of the signals; stops, targets: their distances in ticks."""
    trades, profit, free = 0, 0, 0
    for i in range(len(rows)):
        t = rows[i]
        if t < free:
            continue
        j = t + 1
        if sides[i] > 0:
            entry = open_[j] + slip
            stop, target = entry - stops[i], entry + targets[i]
            while low[j] > stop and high[j] < target and not flat[j]:
                j += 1
            if open_[j] <= stop:
                price = open_[j] - slip
            elif open_[j] >= target:
                price = open_[j]
            elif low[j] <= stop:
                price = stop - slip
            elif high[j] >= target:
                price = target
            else:
                price = close[j] - slip
            profit += price - entry
        else:
            entry = open_[j] - slip
            stop, target = entry + stops[i], entry - targets[i]
            while high[j] < stop and low[j] > target and not flat[j]:
                j += 1
            if open_[j] >= stop:
                price = open_[j] + slip
            elif open_[j] <= target:
                price = open_[j]
            elif high[j] >= stop:
                price = stop + slip
            elif low[j] <= target:
                price = target
            else:
                price = close[j] + slip
            profit += entry - price
        trades += 1
        free = j
    return trades, profit


class NumbaLanes(Lanes):
    """The tight loop. Its trades are those of `NumbaLoop`, the same rules with trades written down; its count and P&L are its own."""

    def __init__(self, works: Sequence[Workload]) -> None:
        super().__init__([NumbaLoop(w) for w in works])
        self.works = works
        at = works[0].bars
        self.columns = (at.open, at.high, at.low, at.close, works[0].flat, np.int32(works[0].slippage_ticks))
        self.lanes = []
        for w in works:
            usable = (w.strategy.values != 0) & ~w.flat & ~np.isnan(w.strategy.atr_ticks)
            rows = np.flatnonzero(usable).astype(np.int32)
            stop, target = (np.rint(distance[rows] / at.instrument.tick).astype(np.int32) for distance in w.distances)
            self.lanes.append((rows, w.strategy.values[rows], stop, target))

    def run(self) -> list[tuple[int, int]]:
        """(trades, ticks) of each lane."""
        return [count_and_profit(*lane, *self.columns) for lane in self.lanes]

    def trades(self, outcome: Any, k: int) -> Trades:
        found = self.engines[k].trades(self.engines[k].run_trades())
        count, ticks = outcome[k]
        w = self.works[k]
        usd = ticks * w.bars.instrument.tick * w.bars.instrument.multiplier - 2.0 * w.fee_usd * count
        if count != len(found.pnl) or abs(usd - found.pnl.sum()) > 1e-6 * max(1, count):
            raise AssertionError(f"lane {k}: the tight loop has {count} trades and {usd} USD, the loop that writes them {found.pnl.sum()}")
        return found


def vectorbt_lanes(works: Sequence[Workload], engine: str) -> Lanes:
    """vectorbt's `from_signals` with its "numba" or "rust" engine."""
    from rivals.vectorbt_rival import VectorBT

    return Lanes([VectorBT(w, engine) for w in works])


def raptorbt_lanes(works: Sequence[Workload]) -> Lanes:
    """raptorbt's batch."""
    from rivals.raptorbt_rival import RaptorBatch

    return RaptorBatch(works)
