"""Metrics of runs from the core's totals (csrc/esbt/sweep/totals.hpp): a single backtest is one row, a sweep's lanes are many, and both go
through the same operations, so their bits are the same. The formulas are those of `esbt.metrics`, whose functions take a user's own series;
here money is summed in whole units and moments of session returns as they come, so the two agree to rounding.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.metrics import SESSIONS_PER_YEAR
from esbt.plan import USD

METRICS = (
    "total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_days",
    "recovery_days", "ulcer_index", "win_rate", "profit_factor", "win_loss_ratio", "avg_win", "avg_loss", "expectancy",
    "max_consecutive_wins", "max_consecutive_losses", "skewness", "kurtosis", "gain_to_pain", "exposure", "trades",
)  # fmt: skip

Totals = npt.NDArray[np.void]
Floats = npt.NDArray[np.float64]


def metrics_of(totals: Totals, bars: int, cash_e4: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """All metrics of `esbt.metrics.summarize` by name, float64[L], and in its order.

    totals: of L runs over this many bars. cash_e4: their start capital, int64[L], 1e-4 USD.
    """
    with np.errstate(all="ignore"):  # undefined is NaN, and said so in each formula
        all_of = _returns(totals, cash_e4) | _depths(totals) | _trades(totals, bars)
    return {name: all_of[name] for name in METRICS}


def money_of(totals: Totals) -> dict[str, Floats]:
    """net_profit and costs in USD, ambiguous_share as a fraction of trades (NaN without trades); float64[L]."""
    with np.errstate(all="ignore"):
        return {
            "net_profit": totals["net_e4"] / USD,
            "costs": totals["costs_e4"] / USD,
            "ambiguous_share": totals["ambiguous"] / totals["trades"],
        }


def _returns(t: Totals, cash_e4: npt.NDArray[np.int64]) -> dict[str, Floats]:
    count, ruined = t["sessions"].astype(np.float64), t["ruined"] != 0
    cash = cash_e4 / USD
    total = (cash_e4 + t["net_e4"]) / USD / cash - 1.0
    growth = np.expm1(np.log1p(total) / count * SESSIONS_PER_YEAR)
    annual = np.where(ruined, -1.0, np.where(count > 0, growth, np.nan))
    rated = ~ruined  # ratios of a ruined account are undefined
    varies = rated & (t["high"] - t["low"] > 1e-14 * np.maximum(np.abs(t["high"]), np.abs(t["low"])))
    year = np.sqrt(SESSIONS_PER_YEAR)
    deviation = np.sqrt(t["m2"] / (count - 1.0))
    downside = np.sqrt(t["downside"] / count)
    variance = t["m2"] / count
    skew = np.sqrt(count * (count - 1.0)) / (count - 2.0) * (t["m3"] / count) / (variance * np.sqrt(variance))
    excess = (t["m4"] / count) / (variance * variance) - 3.0
    tails = (count - 1.0) / ((count - 2.0) * (count - 3.0)) * ((count + 1.0) * excess + 6.0)
    return {
        "total_return": total,
        "annual_return": annual,
        "annual_volatility": _where(rated & (count > 1), deviation * year),
        "sharpe": _where(varies & (count > 1), t["mean"] / deviation * year),
        "sortino": _where(rated & (count > 1) & (downside != 0.0), t["mean"] / downside * year),
        "calmar": _where(rated & (count > 0) & (t["deepest"] > 0.0), annual / t["deepest"]),
        "skewness": _where(varies & (count > 2), skew),
        "kurtosis": _where(varies & (count > 3), tails),
        "gain_to_pain": _where(rated, _over(t["gain"] - t["pain"], t["pain"])),
    }


def _depths(t: Totals) -> dict[str, Floats]:
    return {
        "max_drawdown": t["deepest"],
        "max_drawdown_days": t["under_days"].astype(np.float64),
        "recovery_days": t["recovery_days"],
        "ulcer_index": np.sqrt(t["ulcer"] / (t["sessions"] + 1.0)),  # the start capital is a point too
    }


def _trades(t: Totals, bars: int) -> dict[str, Floats]:
    won, lost = t["won_e4"] / USD, (t["won_e4"] - t["net_e4"]) / USD
    win, loss = won / t["wins"], -lost / t["losses"]
    return {
        "win_rate": t["wins"] / t["trades"],
        "profit_factor": _over(won, lost),
        "win_loss_ratio": win / -loss,
        "avg_win": win,
        "avg_loss": loss,
        "expectancy": t["net_e4"] / USD / t["trades"],
        "max_consecutive_wins": t["win_run"].astype(np.float64),
        "max_consecutive_losses": t["loss_run"].astype(np.float64),
        "exposure": t["bars_in"] / np.float64(bars),
        "trades": t["trades"].astype(np.float64),
    }


def _over(up: Floats, down: Floats) -> Floats:
    """up / down; without any down infinite for what is above zero, else NaN."""
    return np.where(down == 0.0, np.where(up > 0.0, np.inf, np.nan), up / down)


def _where(defined: npt.NDArray[Any], values: Floats) -> Floats:
    return np.where(defined, values, np.nan)
