"""The seam to the engine (csrc/esbt/sweep): plans of one market in, a number a lane and metric out. Knows no space and no settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from esbt import _core
from esbt.errors import EsbtError
from esbt.plan import Plan
from esbt.totals import METRICS, metrics_of, money_of

if TYPE_CHECKING:
    from esbt.sweep.market import Market

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
    try:
        totals, profit, _ = _core.run_lanes(
            market.core,
            market.bars.session,
            market.sides,
            market.atr,
            plans,
            finer=market.finer,
            finer_first=market.finer_first,
            fees_e4=market.fees_e4,
            slips=market.slips,
            daily=daily,
            threads=threads,
        )
    except OverflowError as error:
        raise EsbtError(f"money beyond what the core can count exactly: {error}; give a smaller size or max_contracts") from None
    columns: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.int64]] = {}
    columns |= metrics_of(totals, len(market.bars), plans["cash_e4"]) | money_of(totals)
    columns |= {f"skipped_{reason}": totals["skipped"][reason] for reason in SKIPPED if reason != "window"}
    columns["skipped_window"] = np.full(len(plans), market.outside)
    return LaneBlock(columns, profit)
