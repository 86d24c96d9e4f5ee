"""The seam to the engine: plans of one market in, a number a lane and metric out. Knows no space and no settings.

Here each lane is run by the core's single loop and summed up by `esbt.metrics`, so that a lane is its own backtest by construction.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt import _core, metrics
from esbt.errors import EsbtError
from esbt.plan import TRADE_DTYPE, USD, Plan

if TYPE_CHECKING:
    from esbt.sweep.market import Market

METRICS = (
    "total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_days",
    "recovery_days", "ulcer_index", "win_rate", "profit_factor", "win_loss_ratio", "avg_win", "avg_loss", "expectancy",
    "max_consecutive_wins", "max_consecutive_losses", "skewness", "kurtosis", "gain_to_pain", "exposure", "trades",
)  # fmt: skip
MONEY = ("net_profit", "costs", "ambiguous_share")
SKIPPED = ("boundary", "atr", "confidence", "size", "in_position", "halted", "cooldown", "max_trades", "volume", "expired", "window")
COLUMNS = (*METRICS, *MONEY, *(f"skipped_{reason}" for reason in SKIPPED))


@dataclass(frozen=True, eq=False)
class LaneBlock:
    """Outcome of L lanes. columns: every name of COLUMNS; float64[L], counts of skipped signals int64[L]. net_profit and costs are USD,
    ambiguous_share a fraction; the metrics are those of `esbt.metrics`. daily: session P&L, int64[L, S] in 1e-4 USD, where asked for.
    """

    columns: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.int64]]
    daily: npt.NDArray[np.int64] | None


def run_lanes(market: "Market", plans: Plan, *, daily: bool = False, threads: int = 1) -> LaneBlock:
    """Run the lanes of one market. plans: PLAN_DTYPE[L]. daily: session P&L too. threads: does not change a bit of the outcome.

    Raises EsbtError where a lane's money is beyond what the core can count exactly.
    """
    del threads  # one lane after another
    count = len(plans)
    columns: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.int64]] = {name: np.empty(count) for name in (*METRICS, *MONEY)}
    columns |= {f"skipped_{reason}": np.zeros(count, np.int64) for reason in SKIPPED}
    session = market.bars.session
    last = last_bars(session)
    profit = np.empty((count, len(last)), np.int64) if daily else None
    for lane in range(count):
        plan = plans[lane : lane + 1]
        trades, skipped = _trades(market, plan)
        equity = _core.mark_equity(market.bars.core, trades, plan)
        for name, value in _summary(equity, session, plan, trades).items():
            columns[name][lane] = value
        for reason, number in (skipped | {"window": market.outside}).items():
            columns[f"skipped_{reason}"][lane] = number
        if profit is not None:
            profit[lane] = np.diff(equity[last], prepend=plan["cash_e4"])
    return LaneBlock(columns, profit)


def last_bars(session: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The last bar of each session, int64[S]."""
    return np.flatnonzero(np.diff(session, append=session[-1:] + 1))


def _trades(market: "Market", plan: Plan) -> tuple[npt.NDArray[np.void], dict[str, int]]:
    try:
        trades, skipped = _core.simulate(
            market.core,
            market.sides,
            market.atr,
            plan,
            finer=market.finer,
            finer_first=market.finer_first,
            fees_e4=market.fees_e4,
            slips=market.slips,
        )
    except OverflowError as error:
        raise EsbtError(f"money beyond what the core can count exactly: {error}; give a smaller size or max_contracts") from None
    return trades.astype(TRADE_DTYPE, copy=False), skipped


def _summary(equity: npt.NDArray[np.int64], session: npt.NDArray[np.int32], plan: Plan, trades: npt.NDArray[np.void]) -> dict[str, float]:
    frame = pl.DataFrame({"pnl": trades["pnl_e4"] / USD, "entry_bar": trades["entry_bar"], "exit_bar": trades["exit_bar"]})
    own = metrics.summarize(equity / USD, session, int(plan["cash_e4"][0]) / USD, frame)
    net, costs = (int(trades[name].sum()) / USD for name in ("pnl_e4", "costs_e4"))
    ambiguous = float(np.mean(trades["ambiguous"] != 0)) if len(trades) else float("nan")
    return own | {"net_profit": net, "costs": costs, "ambiguous_share": ambiguous}
