"""How much of a walk-forward may be luck: confidence intervals by the stationary bootstrap, the deflated Sharpe ratio with every trial
counted, and the six targets with an interval each. Reads results, runs nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt import metrics
from esbt.result import Result
from esbt.stats import confidence_interval, deflated_sharpe, probabilistic_sharpe, sharpe_ratios
from esbt.walkforward.fold import BASELINE

if TYPE_CHECKING:  # else where it is needed: pictures are slow to import
    from esbt.report import Target

LEAST = 10  # sessions or trades under which no interval is given
_REPLICATIONS = 1000
Floats = npt.NDArray[np.float64]
_OF_TRADES: dict[str, Callable[[Floats], float]] = {
    "profit_factor": metrics.profit_factor, "win_rate": metrics.win_rate, "win_loss_ratio": metrics.win_loss_ratio,
}  # fmt: skip


def luck_frame(runs: Mapping[str, Result], lanes: Floats, trials: int) -> pl.DataFrame:
    """run, sharpe (annual, out of sample), sharpe_low, sharpe_high (95 %, stationary bootstrap of sessions), probabilistic_sharpe (the
    chance that the true ratio is above 0), trials, deflated_sharpe (the chance that it is above what luck brings the best of so many).

    Trials are counted without mercy: every lane with every model and with none, though folds choose in training alone; of the baseline,
    which nothing was chosen for, it is one. Their variance is that of the Sharpe ratios, over the same test sessions, of every lane traded
    unchanged through all folds, and of each run. lanes: those ratios, of `lane_ratios`. NaN where undefined.
    """
    returns = {name: run.daily["return"].to_numpy() for name, run in runs.items()}
    variance = trials_variance([lanes, *([session_ratio(own)] for own in returns.values())])
    rows = []
    for name, own in returns.items():
        count = 1 if name == BASELINE else trials
        low, high = _interval(metrics.sharpe, own)
        deflated = deflated_sharpe(own, count, variance if count > 1 else 0.0)
        rows.append((name, runs[name].metrics["sharpe"], low, high, probabilistic_sharpe(own), count, deflated))
    floats = dict.fromkeys(("sharpe", "sharpe_low", "sharpe_high", "probabilistic_sharpe"), pl.Float64)
    return pl.DataFrame(rows, schema={"run": pl.String, **floats, "trials": pl.Int64, "deflated_sharpe": pl.Float64}, orient="row")


def trials_variance(ratios: Sequence[Floats | list[float]]) -> float:
    """Variance of the Sharpe ratios of trials, those that are defined; 0 under two."""
    together = np.concatenate([np.asarray(own, dtype=np.float64) for own in ratios])
    known = together[np.isfinite(together)]
    return float(np.var(known, ddof=1)) if len(known) > 1 else 0.0


def target_intervals(runs: Mapping[str, Result]) -> pl.DataFrame:
    """run, target, value, low, high (95 %), side, threshold, achieved (the value is beyond it), sure (the whole interval is).

    Sharpe, Calmar and drawdown by the stationary bootstrap of session returns (drawdown on session closes there, so its interval is a
    little kind); profit factor, win rate and win / loss by that of the trades in order of exit. NaN where undefined.
    """
    from esbt.report import TARGETS

    rows = []
    for name, run in runs.items():
        returns, pnl = run.daily["return"].to_numpy(), run.trades["pnl"].to_numpy()
        for target in TARGETS:
            value = float(run.metrics[target.name])
            by_trade = target.name in _OF_TRADES
            low, high = _interval(_OF_TRADES[target.name], pnl) if by_trade else _interval(_of_returns(target.name), returns)
            achieved = target.achieved({target.name: value})
            rows.append((name, target.name, value, low, high, target.side, target.threshold, achieved, _sure(target, low, high)))
    floats = dict.fromkeys(("value", "low", "high"), pl.Float64)
    schema: dict[str, Any] = {"run": pl.String, "target": pl.String, **floats, "side": pl.String, "threshold": pl.Float64}
    return pl.DataFrame(rows, schema=schema | {"achieved": pl.Boolean, "sure": pl.Boolean}, orient="row")


def _sure(target: "Target", low: float, high: float) -> bool:
    return target.achieved({target.name: low}) and target.achieved({target.name: high})


def _of_returns(name: str) -> Callable[[Floats], float]:
    if name == "max_drawdown":
        return _drawdown
    return metrics.sharpe if name == "sharpe" else lambda returns: metrics.calmar(returns, drawdown=_drawdown(returns))


def _drawdown(returns: Floats) -> float:
    return metrics.max_drawdown(np.concatenate(([1.0], np.cumprod(1.0 + returns))))


def _interval(metric: Callable[[Floats], float], values: Floats) -> tuple[float, float]:
    if len(values) < LEAST or not np.isfinite(values).all():
        return float("nan"), float("nan")
    found = confidence_interval(metric, values, replications=_REPLICATIONS)
    return found.low, found.high


def session_ratio(returns: Floats) -> float:
    """Sharpe ratio a session, NaN where undefined."""
    return float(sharpe_ratios(returns[None, :])[0]) if len(returns) >= LEAST and np.isfinite(returns).all() else float("nan")


def lane_ratios(frame: pl.DataFrame, sessions: int) -> Floats:
    """Sharpe ratio a session of each lane's P&L over all test windows, float64[L]; NaN where it does not vary."""
    kept = frame.drop_nulls("lanes_test_sum")
    total, squares = (
        np.sum([np.asarray(own) for own in kept[name].to_list()], axis=0) for name in ("lanes_test_sum", "lanes_test_squares")
    )
    if sessions < LEAST:
        return np.full(len(total), np.nan)
    mean = total / sessions
    variance = (squares - sessions * mean**2) / (sessions - 1)
    out = np.full(len(total), np.nan)
    np.divide(mean, np.sqrt(np.maximum(variance, 0.0)), out=out, where=variance > 1e-12 * squares)
    return out
