"""vectorbt's `Portfolio.from_signals`, with its Numba engine or its Rust engine (package vectorbt-rust; "rust" never falls back).

How the rules are put into its words: a signal of bar t is an entry at bar t + 1, at the price "open"; a session's last bar carries exits
at the price "close"; stops are fractions of the entry's price, one for each bar; 50 units stand for one contract of 50 USD a point, so
that its profit is in USD; an opposite signal while in position is ignored. The fractions are made smaller by 1e-15, four times
what float rounding may do to a level, so that it cannot end up past the tick that touches it. What it cannot express is listed at
`workload.common_rules`.

`run_trades` gives its order records alone, which is less than trades (it pairs orders into trades when asked); `run_equity` asks for both.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import vectorbt as vbt
from agreement import Trades
from workload import CASH, Workload

SHRINK = 1e-15


class VectorBT:
    """One engine of vectorbt, "numba" or "rust"; the Numba engine compiles on its first call, before any timing."""

    def __init__(self, w: Workload, engine: str) -> None:
        self.name = f"vectorbt ({engine})"
        p, side = w.points, w.strategy.values
        stop, target = (np.append(np.nan, distance[:-1]) / p["open"] - SHRINK for distance in w.distances)
        entering = np.append(np.int8(0), side[:-1])
        self.keywords: dict[str, Any] = {
            "open": p["open"],
            "high": p["high"],
            "low": p["low"],
            "entries": entering > 0,
            "exits": w.flat,
            "short_entries": entering < 0,
            "short_exits": w.flat,
            "price": np.where(w.flat, p["close"], p["open"]),
            "sl_stop": np.where(entering != 0, stop, np.nan),
            "tp_stop": np.where(entering != 0, target, np.nan),
            "stop_entry_price": "price",
            "upon_opposite_entry": "ignore",
            "accumulate": False,
            "size": w.bars.instrument.multiplier,
            "fixed_fees": w.fee_usd,
            "init_cash": CASH,
            "engine": engine,
        }
        self.close = p["close"]

    def run_trades(self) -> Any:
        return vbt.Portfolio.from_signals(self.close, **self.keywords)

    def run_equity(self) -> Any:
        portfolio = vbt.Portfolio.from_signals(self.close, **self.keywords)
        return portfolio, portfolio.trades.values, portfolio.value()

    def trades(self, outcome: Any) -> Trades:
        t = (outcome[0] if isinstance(outcome, tuple) else outcome).trades.values
        side = np.where(t["direction"] == vbt.portfolio.enums.TradeDirection.Long, 1, -1)
        return Trades(t["entry_idx"], t["exit_idx"], side, t["entry_price"], t["exit_price"], t["pnl"])

    def equity(self, outcome: Any) -> npt.NDArray[np.float64]:
        return np.asarray(outcome[2], dtype=np.float64)
