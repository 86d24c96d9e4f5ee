"""Every metric a user meets, one function per name, and the two tables built from a marked equity curve.

Rates are fractions, money is USD. Ratios are on session (daily) marked-to-market returns, 252 sessions a year. Undefined is NaN, never 0
and never a warning. A NaN among returns gives NaN: nothing is dropped silently. Here are the metrics of returns; those of an equity path
live in `_drawdown.py`, those of trades in `_trade_metrics.py`, all reachable from this module.
To add one: one function with its formula, one line in `summarize`, one row in `report/tables.py`.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt._drawdown import drawdowns, max_drawdown, max_drawdown_days, recovery_days, total_return, ulcer_index
from esbt._series import Floats, spread_is_zero, vector
from esbt._trade_metrics import (
    avg_loss,
    avg_win,
    expectancy,
    exposure,
    max_consecutive_losses,
    max_consecutive_wins,
    profit_factor,
    trades,
    win_loss_ratio,
    win_rate,
)
from esbt.errors import EsbtError

__all__ = [
    "SESSIONS_PER_YEAR", "annual_return", "annual_volatility", "avg_loss", "avg_win", "calmar", "daily_table", "drawdowns", "expectancy",
    "exposure", "gain_to_pain", "kurtosis", "max_consecutive_losses", "max_consecutive_wins", "max_drawdown", "max_drawdown_days",
    "profit_factor", "recovery_days", "sharpe", "skewness", "sortino", "summarize", "total_return", "trades", "ulcer_index",
    "win_loss_ratio", "win_rate",
]  # fmt: skip

SESSIONS_PER_YEAR = 252.0
_NAN = float("nan")


def annual_return(returns: npt.ArrayLike, periods_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Compound growth a year, a fraction: `prod(1 + r) ^ (periods_per_year / S) - 1`; returns float64[S]. NaN without returns.

    Same as empyrical `annual_return` and quantstats `cagr`. Ruin (any r <= -1) gives -1: what is lost does not grow back, though a
    product of two negative factors would.
    """
    values, growth = _returns(returns), _per_year(periods_per_year)
    if len(values) == 0:
        return _NAN
    if (values <= -1.0).any():
        return -1.0
    with np.errstate(over="ignore"):  # a single huge return, taken to the power of 252, is honestly infinite
        return float(np.expm1(np.log1p(values).mean() * growth))


def annual_volatility(returns: npt.ArrayLike, periods_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Standard deviation of returns a year, a fraction: `std(r, ddof=1) * sqrt(periods_per_year)`. NaN under two returns.

    Same as empyrical `annual_volatility` and quantstats `volatility`.
    """
    values, growth = _returns(returns), _per_year(periods_per_year)
    return float(values.std(ddof=1) * np.sqrt(growth)) if len(values) > 1 else _NAN


def sharpe(returns: npt.ArrayLike, periods_per_year: float = SESSIONS_PER_YEAR, risk_free: float = 0.0) -> float:
    """Mean excess return over its deviation, a year: `mean(r - f) / std(r, ddof=1) * sqrt(periods_per_year)`.

    `risk_free` is f, a fraction per PERIOD. Source: Sharpe 1994, "The Sharpe Ratio", J. Portfolio Management 21(1). Same as empyrical
    `sharpe_ratio`; quantstats takes a yearly rf and agrees at 0. NaN under two returns or where returns do not vary.
    """
    values, growth = _returns(returns), _per_year(periods_per_year)
    if len(values) < 2 or spread_is_zero(values):
        return _NAN
    return float((values.mean() - risk_free) / values.std(ddof=1) * np.sqrt(growth))


def sortino(returns: npt.ArrayLike, periods_per_year: float = SESSIONS_PER_YEAR, target: float = 0.0) -> float:
    """Mean return over target per unit of downside deviation, a year: `(mean(r) - t) / sqrt(mean(min(r - t, 0)^2)) * sqrt(p)`.

    `target` is t, the least acceptable return, a fraction per PERIOD. The mean of squares runs over ALL S returns, zeros included: the
    standard deviation of the negative ones alone is a common error. Source: Rollinger and Hoffman 2013, "Sortino: A 'Sharper' Ratio",
    Red Rock Capital. Same as empyrical `sortino_ratio` and quantstats `sortino`, except that with no return below target both give
    infinity or NaN by the sign of the mean, and this gives NaN. NaN under two returns, as empyrical.
    """
    values, growth = _returns(returns), _per_year(periods_per_year)
    if len(values) < 2:
        return _NAN
    downside = np.sqrt(np.mean(np.square(np.minimum(values - target, 0.0))))
    return float((values.mean() - target) / downside * np.sqrt(growth)) if downside != 0.0 else _NAN


def calmar(returns: npt.ArrayLike, periods_per_year: float = SESSIONS_PER_YEAR, drawdown: float | None = None) -> float:
    """Compound yearly return over the deepest drawdown: `annual_return / max_drawdown`. NaN without a drawdown.

    Source: Young 1991, "Calmar Ratio: A Smoother Tool", Futures 20(1), which takes 36 months; this takes the whole sample, as empyrical
    and quantstats do. `drawdown` (a positive fraction) replaces the one seen at the ends of the periods: `summarize` gives the deeper one
    seen at the bars, so its calmar is never above empyrical's.
    """
    values = _returns(returns)
    if len(values) == 0 or np.isnan(values).any():
        return _NAN
    if drawdown is None:
        drawdown = max_drawdown(np.cumprod(np.concatenate(([1.0], 1.0 + values))))
    return annual_return(values, periods_per_year) / drawdown if drawdown > 0 else _NAN


def skewness(returns: npt.ArrayLike) -> float:
    """Adjusted Fisher-Pearson skewness, a pure number: `sqrt(S (S - 1)) / (S - 2) * m3 / m2^1.5`, m = central moments.

    Source: Joanes and Gill 1998, The Statistician 47, G1. Same as pandas `skew`, hence quantstats. NaN under 3 returns or no variation.
    """
    values = _returns(returns)
    count = len(values)
    if count < 3 or spread_is_zero(values):
        return _NAN
    z = _standardised(values)
    return float(np.sqrt(count * (count - 1.0)) / (count - 2.0) * np.mean(z**3))


def kurtosis(returns: npt.ArrayLike) -> float:
    """Adjusted EXCESS kurtosis, a pure number, 0 for a normal: `(S - 1) / ((S - 2)(S - 3)) * ((S + 1) (m4 / m2^2 - 3) + 6)`.

    Source: Joanes and Gill 1998, The Statistician 47, G2. Same as pandas `kurtosis`, hence quantstats. NaN under 4 returns or no
    variation. The probabilistic Sharpe ratio wants the RAW kurtosis (normal = 3): do not pass it this one.
    """
    values = _returns(returns)
    count = len(values)
    if count < 4 or spread_is_zero(values):
        return _NAN
    excess = float(np.mean(_standardised(values) ** 4)) - 3.0
    return (count - 1.0) / ((count - 2.0) * (count - 3.0)) * ((count + 1.0) * excess + 6.0)


def gain_to_pain(returns: npt.ArrayLike) -> float:
    """Sum of returns over the sum of losses, a ratio: `sum(r) / abs(sum(r < 0))`. inf with gains and no losses, NaN with neither.

    Source: Schwager 2012, "Hedge Fund Market Wizards", who takes MONTHLY returns; here whatever is passed (sessions in `summarize`), so
    the number is smaller than his. Same as quantstats `gain_to_pain_ratio` at its daily resolution.
    """
    values = _returns(returns)
    lost = float(-values[values < 0].sum())
    total = float(values.sum())
    if lost == 0.0:
        return float("inf") if total > 0 else _NAN
    return total / lost


def daily_table(bar_equity: npt.ArrayLike, bar_session: npt.ArrayLike, cash: float) -> pl.DataFrame:
    """One row a trade date: session (Date), equity at its last bar (USD), pnl (USD) and return (fraction) since the session before.

    `bar_equity` float64[N] USD at each bar's close, `bar_session` int[N] days since 1970-01-01, never falling; `cash` is the start
    capital. A return on equity that is zero or negative has no meaning and is NaN. Raises EsbtError for unequal lengths or going back.
    """
    equity, session = _marked(bar_equity, bar_session, cash)
    last = np.flatnonzero(np.diff(session, append=session[-1] + 1)) if len(session) else np.zeros(0, dtype=np.int64)
    closes = equity[last]
    before = np.concatenate(([cash], closes))[: len(closes)]
    pnl = closes - before
    ret = np.full(len(closes), np.nan)
    np.divide(pnl, before, out=ret, where=before > 0)
    dates = pl.Series("session", session[last].astype(np.int32)).cast(pl.Date)
    return pl.DataFrame({"session": dates, "equity": closes, "pnl": pnl, "return": ret})


def summarize(bar_equity: npt.ArrayLike, bar_session: npt.ArrayLike, cash: float, trades: pl.DataFrame) -> dict[str, float]:
    """All metrics of one run by name. Arguments as in `daily_table`; `trades` needs pnl (USD), entry_bar, exit_bar; parts of
    a position are rows of their own.

    Drawdown depth and length see every bar's close (deeper than daily closes show); ulcer_index and the ratios see session closes. An
    account that touched zero at any bar is ruined: annual_return is -1 and all ratios, calmar too, are NaN, whatever it did later.
    """
    equity, session = _marked(bar_equity, bar_session, cash)
    missing = [name for name in ("pnl", "entry_bar", "exit_bar") if name not in trades.columns]
    if missing:
        raise EsbtError(f"trades has no column {missing[0]!r} (has {', '.join(trades.columns) or 'none'}): pass Result.trades")
    daily = daily_table(equity, session, cash)
    returns, path = daily["return"].to_numpy(), np.concatenate(([cash], equity))
    days = np.concatenate((session[:1], session)) if len(session) else np.zeros(1, dtype=np.int64)
    deepest, ruined = max_drawdown(path), bool((path <= 0).any())
    rated = np.full(len(returns), np.nan) if ruined else returns  # ratios of a ruined account are undefined
    pnl = trades["pnl"].to_numpy()
    return {
        "total_return": total_return(path),
        "annual_return": -1.0 if ruined else annual_return(returns),
        "annual_volatility": annual_volatility(rated),
        "sharpe": sharpe(rated),
        "sortino": sortino(rated),
        "calmar": calmar(rated, drawdown=deepest),
        "max_drawdown": deepest,
        "max_drawdown_days": max_drawdown_days(path, days),
        "recovery_days": recovery_days(path, days),
        "ulcer_index": ulcer_index(np.concatenate(([cash], daily["equity"].to_numpy()))),
        "win_rate": win_rate(pnl),
        "profit_factor": profit_factor(pnl),
        "win_loss_ratio": win_loss_ratio(pnl),
        "avg_win": avg_win(pnl),
        "avg_loss": avg_loss(pnl),
        "expectancy": expectancy(pnl),
        "max_consecutive_wins": float(max_consecutive_wins(pnl)),
        "max_consecutive_losses": float(max_consecutive_losses(pnl)),
        "skewness": skewness(rated),
        "kurtosis": kurtosis(rated),
        "gain_to_pain": gain_to_pain(rated),
        "exposure": exposure(trades["entry_bar"].to_numpy(), trades["exit_bar"].to_numpy(), len(equity)),
        "trades": float(len(pnl)),
    }


def _returns(values: npt.ArrayLike) -> Floats:
    """Returns may hold NaN (a session on a ruined account): then every ratio of them is NaN."""
    out = vector(values, "returns", finite=False)
    return out if np.isfinite(out).all() else np.full(len(out), np.nan)


def _per_year(periods: float) -> float:
    if not periods > 0:
        raise EsbtError(f"periods_per_year is {periods}: must be above zero (252 for sessions, 12 for months)")
    return float(periods)


def _standardised(values: Floats) -> Floats:
    centred = values - values.mean()
    centred /= np.abs(centred).max()  # keeps squares of tiny returns away from underflow
    return np.asarray(centred / np.sqrt(np.mean(np.square(centred))), dtype=np.float64)


def _marked(bar_equity: npt.ArrayLike, bar_session: npt.ArrayLike, cash: float) -> tuple[Floats, npt.NDArray[np.int64]]:
    equity, session = vector(bar_equity, "bar_equity"), np.asarray(bar_session)
    if session.shape != equity.shape:
        raise EsbtError(f"bar_session has shape {list(session.shape)}, bar_equity {list(equity.shape)}: pass one session per bar")
    if not (np.isfinite(cash) and cash > 0):
        raise EsbtError(f"cash is {cash}: the start capital must be above zero")
    session = session.astype(np.int64)
    back = np.flatnonzero(np.diff(session) < 0)
    if len(back):
        raise EsbtError(f"bar_session goes back at row {int(back[0]) + 1}: sort the bars by time")
    return equity, session
