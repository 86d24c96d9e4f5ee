"""What each phase adds: the six targets of every run against the baseline, and how sure the difference of Sharpe is. Reads runs alone."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from esbt.errors import EsbtError
from esbt.metrics import sharpe
from esbt.report import TARGETS, RunLike, Target
from esbt.report.tables import SHOWN, target_cell
from esbt.stats import Interval, confidence_interval, optimal_block_length

PAIRED = "sharpe_low", "sharpe_high"
FEWEST_SESSIONS = 10  # under which there is no interval


def ablation(runs: Mapping[str, RunLike], *, replications: int = 1000, seed: int = 0) -> pl.DataFrame:
    """One row a run, the first being the baseline that the others are compared with.

    Columns: run, trades, then for each of the six targets its value under its name and the difference from the baseline under
    delta_<name> (fractions and ratios as in `metrics`; a negative delta_max_drawdown is an improvement), and sharpe_low, sharpe_high, the
    95 % interval of delta_sharpe of `sharpe_difference`, NaN for the baseline. Raises EsbtError for no runs and as `sharpe_difference`.
    """
    if not runs:
        raise EsbtError("an ablation needs runs, the baseline first")
    base = next(iter(runs.values()))
    rows: list[dict[str, object]] = []
    for label, run in runs.items():
        row: dict[str, object] = {"run": label, "trades": len(run.trades)}
        for target in TARGETS:
            value, before = (float(one.metrics.get(target.name, math.nan)) for one in (run, base))
            row |= {target.name: value, f"delta_{target.name}": value - before}
        interval = sharpe_difference(base, run, replications=replications, seed=seed) if rows else None
        rows.append(row | dict(zip(PAIRED, (interval.low, interval.high) if interval else (math.nan, math.nan), strict=True)))
    return pl.DataFrame(rows)


def sharpe_difference(base: RunLike, run: RunLike, *, level: float = 0.95, replications: int = 1000, seed: int = 0) -> Interval:
    """Sharpe ratio of `run` less that of `base`, a year, with the percentile interval of the stationary bootstrap.

    Sessions are drawn in pairs: both runs had the same market on the same day, and what they share cancels (as Ledoit and Wolf 2008, J.
    Empirical Finance 15, draw them). Mean block length: the longer of the two that suit the runs' own returns. Ends are NaN where a
    replicate has no Sharpe ratio, as with a run of hardly any trades, and below ten sessions. Raises EsbtError where the runs are not of
    the same sessions.
    """
    a, b = base.daily, run.daily
    if len(a) != len(b) or not a["session"].equals(b["session"]):
        raise EsbtError(f"runs of {len(a)} and {len(b)} sessions cannot be paired: compare runs of the same bars")
    before, after = (one["return"].to_numpy() for one in (a, b))
    both = [before, after]

    def difference(at: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        rows = at.astype(np.int64)
        first, second = (sharpe(one[rows]) if np.isfinite(one[rows]).all() else math.nan for one in both)
        return second - first

    if len(a) < FEWEST_SESSIONS:
        return Interval(difference(np.arange(len(a), dtype=np.float64)), math.nan, math.nan, level, math.nan, replications)
    days = np.arange(len(a), dtype=np.float64)  # what is resampled are the days, whole: their numbers go in, and pairs come out
    blocks = [length for one in both if np.isfinite(one).all() and math.isfinite(length := optimal_block_length(one))]
    return confidence_interval(difference, days, level=level, replications=replications, block=max([1.0, *blocks]), seed=seed)


def ablation_table(found: pl.DataFrame) -> pl.DataFrame:
    """The frame of `ablation` for the page: a column a run, a row a target, "1.52 (+0.34)": the value and its difference from the baseline,
    in percentage points for rates; last the interval of the Sharpe difference and the trades."""
    rows = {target.label: [_cell(target, run, k) for k, run in enumerate(found.iter_rows(named=True))] for target in TARGETS}
    intervals = [_interval(low, high) for low, high in found.select(PAIRED).rows()]
    rows["Sharpe difference, 95 % interval"] = ["", *intervals[1:]]
    rows["Trades"] = [f"{count:,}" for count in found["trades"]]
    return pl.DataFrame([[label, *cells] for label, cells in rows.items()], schema=["Target", *found["run"]], orient="row")


def _cell(target: Target, run: dict[str, Any], number: int) -> str:
    value, delta = target_cell(target, run[target.name]), float(run[f"delta_{target.name}"])
    if number == 0:
        return value
    scale = 100.0 if SHOWN[target.name][1] == "fraction" else 1.0
    return f"{value} ({f'{scale * delta:+,.2f}' if math.isfinite(delta) else 'n/a'})"


def _interval(low: float, high: float) -> str:
    return f"{low:+,.2f} to {high:+,.2f}" if math.isfinite(low) else "n/a"
