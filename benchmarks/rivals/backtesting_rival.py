"""backtesting.py: a market order with `sl` and `tp` at each signal, filled at the next open.

It wants the levels with the order, before the fill is known; here they are prepared from the next open, which only a benchmark may do
(a user would take them from the close, and get other trades). 50 units stand for one contract of 50 USD a point; the fee is its fixed
commission, paid at both sides. `run` gives trades as a frame, equity and statistics in one go. What it cannot express is listed at
`workload.bracket_rules`. It takes microseconds a bar, so it runs on fewer bars and the number is scaled to one bar.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from agreement import Trades
from backtesting import Backtest, Strategy
from workload import CASH, Workload


class BacktestingPy:
    """The frame, the strategy class and the `Backtest` are made before timing; `run` starts afresh each time."""

    name = "backtesting.py"

    def __init__(self, w: Workload) -> None:
        side = w.strategy.values.astype(np.int64)
        filled = np.append(w.points["open"][1:], np.nan)
        stop, target = (filled + direction * side * d for direction, d in zip((-1, 1), w.distances, strict=True))
        sides, stops, targets = side.tolist(), stop.tolist(), target.tolist()  # plain floats: faster than numpy's in its loop
        units = int(w.bars.instrument.multiplier)

        class Prepared(Strategy):  # type: ignore[misc]
            def init(self) -> None:
                pass

            def next(self) -> None:
                t = len(self.data) - 1
                if sides[t] and not self.position:
                    order = self.buy if sides[t] > 0 else self.sell
                    order(size=units, sl=stops[t], tp=targets[t])

        frame = pd.DataFrame({name.capitalize(): column for name, column in w.points.items()}, index=pd.to_datetime(w.bars.ts))
        self.backtest = Backtest(frame, Prepared, cash=CASH, commission=(w.fee_usd, 0.0))

    def run_report(self) -> Any:
        return self.backtest.run()

    def trades(self, outcome: Any) -> Trades:
        t = outcome["_trades"].sort_values("EntryBar")
        columns = (t[name].to_numpy() for name in ("EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "PnL"))
        entry_bar, exit_bar, entry_price, exit_price, pnl = columns
        return Trades(entry_bar, exit_bar, np.sign(t["Size"].to_numpy()), entry_price, exit_price, pnl)

    def equity(self, outcome: Any) -> npt.NDArray[np.float64]:
        return np.asarray(outcome["_equity_curve"]["Equity"], dtype=np.float64)
