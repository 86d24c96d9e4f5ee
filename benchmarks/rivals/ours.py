"""esbt itself, as its users call it. Every trade also carries MAE, MFE, its exit reason and whether its bar was ambiguous."""

from typing import Any

import numpy as np
import numpy.typing as npt
from agreement import Trades
from workload import CASH, Workload

import esbt
from esbt.backtest import simulate
from esbt.plan import USD


class Esbt:
    """`run_trades` is the core's loop behind one Python call; `run_equity` is `esbt.backtest` with its equity asked for."""

    name = "esbt"

    def __init__(self, w: Workload) -> None:
        self.w = w
        self.plan = w.account.plan(w.strategy, w.bars.instrument)
        assert w.bars.core is not None  # made once per Bars, not per backtest

    def run_trades(self) -> Any:
        return simulate(self.w.bars, self.w.strategy, self.plan)[0]

    def run_equity(self) -> esbt.Result:
        w = self.w
        result = esbt.backtest(w.bars, w.strategy, cash=CASH, slippage_ticks=w.slippage_ticks, fee_usd=w.fee_usd)
        _ = result.equity_e4  # made when first asked for
        return result

    def run_report(self) -> esbt.Result:
        """Trades as a frame, equity and all metrics: what backtesting.py's `run` gives."""
        result = self.run_equity()
        _ = result.trades, result.metrics
        return result

    def trades(self, outcome: Any) -> Trades:
        raw = outcome.raw_trades if isinstance(outcome, esbt.Result) else outcome
        tick = self.w.bars.instrument.tick
        return Trades(
            raw["entry_bar"],
            raw["exit_bar"],
            raw["side"].astype(np.int64),
            raw["entry_price"] * tick,
            raw["exit_price"] * tick,
            raw["pnl_e4"] / USD,
        )

    def equity(self, outcome: esbt.Result) -> npt.NDArray[np.float64]:
        return outcome.equity_e4 / USD
