"""What a backtest gives: trades, equity, daily returns and metrics as Polars frames and plain numbers, made when first asked for.

Also how sure it is: the share of trades whose fill was a guess, the band of the net profit between the worst and the best guess, and the
risk taken beside the risk asked for. A trade is what leaves at one time: where a position leaves in parts, each part is a trade of its own
(as in backtesting.py, and in vectorbt's exit trades), and all its parts have the same entry.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt import _core, metrics
from esbt.data import Bars
from esbt.data.fees import FeeSchedule
from esbt.errors import EsbtError
from esbt.plan import ENTRIES, FAR, PATHS, REASONS, SIZINGS, USD, Plan
from esbt.totals import metrics_of


@dataclass(frozen=True, eq=False)
class Result:
    """Outcome of one backtest on `bars`.

    raw_trades: the core's records (ticks, 1e-4 USD), in order of exit. plan: the core's plan. skipped: signals without a trade, by reason.
    settings: what was charged and assumed. rerun: the same backtest under another `path`, for `band`; None where the inputs were not
    kept. fees: by date and part, for `costs`.
    """

    bars: Bars
    raw_trades: npt.NDArray[np.void]
    plan: Plan
    skipped: dict[str, int]
    cash: float
    settings: dict[str, Any]
    rerun: Callable[[str], "Result"] | None = None
    fees: FeeSchedule | None = None

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
    def costs(self) -> pl.DataFrame:
        """What was charged: `line` (commission_usd, exchange_usd, ...) and `usd`, which add up to the trades' costs to the last digit.

        Slippage is not among them: it is in the prices. Raises EsbtError for a result that was made without fees.
        """
        if self.fees is None:
            raise EsbtError("this result was made without its fees: use esbt.backtest")
        raw, session = self.raw_trades, self.bars.session
        sides = [self.fees.rows(session[raw[bar]]) for bar in ("entry_bar", "exit_bar")]
        usd = {name: int((raw["contracts"] * sum(part[rows] for rows in sides)).sum()) for name, part in self.fees.parts_e4.items()}
        return pl.DataFrame({"line": list(usd), "usd": [units / USD for units in usd.values()]})

    @cached_property
    def trades(self) -> pl.DataFrame:
        """One row a trade, in order of exit; prices in points, pnl and costs in USD for all its contracts, times are bar opens in UTC.

        stop_price and target_price are the levels set at entry, NaN where off; exit_price tells where the trade left. A part of a position
        is a row with its own contracts, pnl, costs, excursions and target_price (the part's level); rows of one entry_bar are one position.
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
        """All metrics of `esbt.metrics.summarize`, by name; summed in whole units of money, so equal to it but for rounding."""
        bars = self.bars
        if not len(bars):
            return metrics.summarize([], [], self.cash, self.trades)
        totals = _core.totals(bars.core, bars.session, self.raw_trades, self.plan)
        return {name: float(column[0]) for name, column in metrics_of(totals, len(bars), self.plan["cash_e4"]).items()}

    @property
    def net_profit(self) -> float:
        """Sum of all trades' pnl in USD, net of costs."""
        return int(self.raw_trades["pnl_e4"].sum()) / USD

    @property
    def ambiguous_share(self) -> float:
        """Share of trades that hung on `path`, NaN without trades: those that left in a bar which held both stop and target (or part), and
        those whose entry bar may have reached a level before their stop or limit entry filled, or after."""
        return float(np.mean(self.raw_trades["ambiguous"] != 0)) if len(self.raw_trades) else math.nan

    @cached_property
    def band(self) -> tuple[float, float]:
        """Net profit in USD of the same backtest under path="worst" and under path="best".

        Each end is a whole run of its own: a trade that ends otherwise frees the position at another price, or bar, for the signals after
        it, and changes the equity that sizes them. So the band is no bound to the cent, and its second end may even lie below the first.
        Where no trade is ambiguous, no path was asked and both ends are this run's own (but for finer bars, which also price a stop or
        limit entry). NaN where the inputs were not kept.
        """
        priced_by_finer = self.plan["path"][0] == PATHS.index("finer") and self.plan["entry"][0] != ENTRIES.index("market")
        if not self.raw_trades["ambiguous"].any() and not priced_by_finer:
            return self.net_profit, self.net_profit
        return self._net_under("worst"), self._net_under("best")

    def _net_under(self, path: str) -> float:
        if PATHS[int(self.plan["path"][0])] == path:
            return self.net_profit
        return self.rerun(path).net_profit if self.rerun is not None else math.nan

    @cached_property
    def risk(self) -> pl.DataFrame:
        """Risk at the stop beside the risk asked for: one row, sizing (String) and asked, mean, max (Float64, fractions of equity).

        Realised risk of a position: `risk_at_entry`; whole contracts make it smaller than asked under Risk. Gaps, slippage and fees come on
        top. asked: the fraction of `Risk`, null for every other size. mean, max: over positions that had a stop, NaN without any; infinite
        where equity was gone.
        """
        risk = self.risk_at_entry[self.raw_trades["stop_distance"][self.position_rows] < FAR]
        sizing = SIZINGS[int(self.plan["sizing"][0])]
        asked = float(self.plan["risk_fraction"][0]) if sizing == "risk" else None
        mean, most = (float(risk.mean()), float(risk.max())) if len(risk) else (math.nan, math.nan)
        columns = {"sizing": [sizing], "asked": [asked], "mean": [mean], "max": [most]}
        return pl.DataFrame(columns, schema_overrides={"asked": pl.Float64})

    @cached_property
    def position_rows(self) -> npt.NDArray[np.int64]:
        """The row of each position's first trade, int64[P]: its parts are the rows from there to the next. P = T without parts."""
        bar = self.raw_trades["entry_bar"]
        return np.flatnonzero(np.diff(bar, prepend=-1))

    @cached_property
    def contracts_at_entry(self) -> npt.NDArray[np.int64]:
        """Contracts that entered, all parts together, int64[P]."""
        return self._by_position(self.raw_trades["contracts"].astype(np.int64))

    @cached_property
    def risk_at_entry(self) -> npt.NDArray[np.float64]:
        """Risk at the stop of each position over closed equity at its entry, float64[P]; infinite without equity or stop.

        stop distance x multiplier x all its contracts / (cash and the trades of all positions before).
        """
        distance = self.raw_trades["stop_distance"][self.position_rows]
        pnl = self._by_position(self.raw_trades["pnl_e4"])
        equity = (np.cumsum(pnl) - pnl) / USD + self.cash  # the positions of a run follow one another
        lost = distance * self.bars.instrument.tick_value * self.contracts_at_entry
        risk = np.full(len(pnl), np.inf)
        np.divide(lost, equity, out=risk, where=(equity > 0) & (distance < FAR))
        return risk

    def _by_position(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.add.reduceat(values, self.position_rows) if len(values) else values

    def report(self, out: str | Path) -> Path:
        """Write the report (HTML page, charts, trades, metrics) into the folder `out`; returns the page's path."""
        from esbt.report import write_report

        return write_report(Path(out), {"backtest": self}, title=f"Backtest of {self.bars.instrument.symbol}", notes=[])
