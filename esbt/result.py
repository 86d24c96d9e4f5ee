"""What a backtest gives: trades, equity, daily returns and metrics as Polars frames and plain numbers, made when first asked for."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt import _core, metrics
from esbt.data import Bars
from esbt.plan import FAR, REASONS, USD, Plan


@dataclass(frozen=True, eq=False)
class Result:
    """Outcome of one backtest on `bars`.

    raw_trades: the core's records (ticks, 1e-4 USD). plan: the core's plan. skipped: signals that did not become trades, by reason.
    settings: what was charged and assumed.
    """

    bars: Bars
    raw_trades: npt.NDArray[np.void]
    plan: Plan
    skipped: dict[str, int]
    cash: float
    settings: dict[str, Any]

    @property
    def synthetic(self) -> bool:
        """True where the market was made up."""
        return self.bars.synthetic

    @property
    def bars_source(self) -> str:
        """Where the bars came from."""
        return self.bars.source

    @cached_property
    def equity_e4(self) -> npt.NDArray[np.int64]:
        """Equity at each bar's close, int64[N], 1e-4 USD, exact: fees paid at entry and exit, an open position marked at the close."""
        return _core.mark_equity(self.bars.core, self.raw_trades, self.plan)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """One row a trade, in order of entry; prices in points, pnl and costs in USD for all contracts, times are bar opens in UTC.

        stop_price and target_price are the levels set at entry, NaN where off; exit_price tells where the trade left.
        """
        raw, tick = self.raw_trades, self.bars.instrument.tick
        side = raw["side"].astype(np.int64)
        names = np.array(REASONS, dtype=object)

        def level(distance: npt.NDArray[np.int32], direction: int) -> npt.NDArray[np.float64]:
            price = (raw["entry_price"] + direction * side * distance.astype(np.int64)) * tick
            return np.where(distance >= FAR, np.nan, price)

        return pl.DataFrame(
            {
                "entry_time": self._times(raw["entry_bar"]),
                "exit_time": self._times(raw["exit_bar"]),
                "entry_bar": raw["entry_bar"],
                "exit_bar": raw["exit_bar"],
                "side": raw["side"],
                "contracts": raw["contracts"],
                "entry_price": raw["entry_price"] * tick,
                "exit_price": raw["exit_price"] * tick,
                "stop_price": level(raw["stop_distance"], -1),
                "target_price": level(raw["target_distance"], +1),
                "pnl": raw["pnl_e4"] / USD,
                "pnl_ticks": side * (raw["exit_price"].astype(np.int64) - raw["entry_price"]),
                "costs": raw["costs_e4"] / USD,
                "mae_ticks": raw["mae_ticks"],
                "mfe_ticks": raw["mfe_ticks"],
                "bars_held": raw["exit_bar"] - raw["entry_bar"] + 1,
                "exit_reason": pl.Series(names[raw["reason"]], dtype=pl.String),
                "ambiguous": raw["ambiguous"].astype(bool),
                "confidence": raw["confidence"],
            }
        )

    def _times(self, rows: npt.NDArray[np.int64]) -> pl.Series:
        return pl.Series(self.bars.ts[rows]).cast(pl.Datetime("ns", "UTC"))

    @cached_property
    def equity(self) -> pl.DataFrame:
        """Marked equity in USD at each bar's close; `ts` is the bar's open, UTC."""
        ts = pl.Series(self.bars.ts).cast(pl.Datetime("ns", "UTC"))
        return pl.DataFrame({"ts": ts, "equity": self.equity_e4 / USD})

    @cached_property
    def daily(self) -> pl.DataFrame:
        """One row a trade date: session, equity at its last close, pnl (USD) and return (fraction)."""
        return metrics.daily_table(self.equity_e4 / USD, self.bars.session, self.cash)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """All metrics of `esbt.metrics`, by name."""
        return metrics.summarize(self.equity_e4 / USD, self.bars.session, self.cash, self.trades)

    def report(self, out: str | Path) -> Path:
        """Write the report (HTML page, charts, trades, metrics) into the folder `out`; returns the page's path."""
        from esbt.report import write_report

        return write_report(Path(out), {"backtest": self}, title=f"Backtest of {self.bars.instrument.symbol}", notes=[])
