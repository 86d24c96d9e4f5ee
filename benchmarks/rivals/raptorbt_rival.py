"""raptorbt's `batch_single_backtest`: one item a lane, each with its own ATR stop and risk-reward target.

How the rules are put into its words: `fill_timing="next_bar_open"`; its ATR is Wilder's with esbt's seed. It drops every entry between a
first entry and an exit signal, in position or not, so each entry but the first has an exit signal in the bar before it, where
`sweep_work.raptorbt_work` leaves no position open. Levels are floats of no tick: on bars in whole ticks they are touched by the
same bars as esbt's, which are rounded away from the entry, and `trades` rounds a fill at a level so before it is compared. It invests all
cash in fractions of a contract, so P&L is compared for one contract, reckoned from its prices. It works on every core unless
RAYON_NUM_THREADS says otherwise, as conftest.py does.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import raptorbt
from agreement import Trades
from workload import CASH, Workload

from rivals.lanes import Lanes


class RaptorBatch(Lanes):
    """All lanes in one call. `run` is timed; `trades` gives one lane's."""

    def __init__(self, works: Sequence[Workload]) -> None:
        super().__init__(works)
        bars, p = works[0].bars, works[0].points
        self.at = bars.instrument
        self.columns = (bars.ts, p["open"], p["high"], p["low"], p["close"], bars.volume.astype(np.float64))
        entries = works[0].strategy.values > 0
        exits = np.zeros(len(bars), np.bool_)
        exits[np.flatnonzero(entries)[1:] - 1] = True
        self.config = self._config()
        self.items = []
        for k, w in enumerate(works):
            own = self._config()
            own.set_atr_stop(w.strategy.stop_atr, w.strategy.atr_period)
            own.set_risk_reward_target(w.strategy.target_r)
            self.items.append(raptorbt.BatchSingleItem(str(k), entries, exits, 1, 1.0, "ES", config=own))

    def run(self) -> Any:
        return raptorbt.batch_single_backtest(*self.columns, self.items, self.config)

    def trades(self, outcome: Any, k: int) -> Trades:
        found = outcome[k][1].trades()
        prices = np.array([self._exit(t) for t in found])
        entry = np.array([t.entry_price for t in found])
        entry_bar, exit_bar = (np.array([getattr(t, name) for t in found], dtype=np.int64) for name in ("entry_idx", "exit_idx"))
        pnl = (prices - entry) * self.at.multiplier
        return Trades(entry_bar, exit_bar, np.ones(len(found), np.int64), entry, prices, pnl)

    def _exit(self, trade: Any) -> float:
        """The exit's price on the grid of ticks: an open as it is, a level rounded away from the entry."""
        ticks = trade.exit_price / self.at.tick
        if ticks == round(ticks):
            return float(trade.exit_price)
        return (math.floor(ticks) if trade.exit_reason == "StopLoss" else math.ceil(ticks)) * self.at.tick

    @staticmethod
    def _config() -> Any:
        return raptorbt.BacktestConfig(initial_capital=CASH, fees=0.0, slippage=0.0, fill_timing="next_bar_open")
