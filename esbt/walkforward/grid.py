"""Walk-forwards over several windows: how much does the result hang on how time was cut? Each is a `walk_forward` of its own."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from esbt.data import Bars
from esbt.errors import EsbtError, unknown
from esbt.signals import Exits
from esbt.stats import deflated_sharpe
from esbt.walkforward.fold import BASELINE
from esbt.walkforward.luck import session_ratio, trials_variance
from esbt.walkforward.result import WalkForward
from esbt.walkforward.run import walk_forward
from esbt.walkforward.windows import folds_of, windows_of

_PASSED = ("embargo", "partial", "longest_gap")


class WalkForwardGrid:
    """Outcome of `walk_forward_grid`. results: name of the windows, such as "train 24mo, test 3mo, rolling", -> its `WalkForward`."""

    def __init__(self, results: dict[str, WalkForward]) -> None:
        self.results = results

    @property
    def trials(self) -> int:
        """Every lane with every model and with none, in every cut of time."""
        return sum(result.trials for result in self.results.values())

    @property
    def frame(self) -> pl.DataFrame:
        """One row a cut of time and run: windows, folds, run, net_profit, sharpe, max_drawdown and trades over all its test windows; then,
        over the sessions that all cuts traded, so that they can be compared: sessions, common_sharpe (annual), trials, and deflated_sharpe
        by all trials of the grid (of the baseline, which nothing was chosen for, by one). NaN where they share no session.
        """
        daily = {(name, run): r.daily.select("session", "return") for name, wf in self.results.items() for run, r in wf.runs.items()}
        days = [set(frame["session"].to_list()) for frame in daily.values()]
        common = pl.Series(sorted(set.intersection(*days)), dtype=pl.Date)
        returns = {key: frame.filter(pl.col("session").is_in(common.implode()))["return"].to_numpy() for key, frame in daily.items()}
        ratios = {key: session_ratio(own) for key, own in returns.items()}
        variance = trials_variance([*(wf.lane_ratios() for wf in self.results.values()), list(ratios.values())])
        rows = []
        for (name, run), own in returns.items():
            metrics, count = self.results[name].runs[run].metrics, 1 if run == BASELINE else self.trials
            row: dict[str, Any] = {"windows": name, "folds": self.results[name].folds["fold"].n_unique(), "run": run}
            row |= {"net_profit": self.results[name].runs[run].net_profit}
            row |= {metric: metrics[metric] for metric in ("sharpe", "max_drawdown", "trades")}
            row |= {"sessions": len(common), "common_sharpe": ratios[name, run] * float(np.sqrt(252.0)), "trials": count}
            rows.append(row | {"deflated_sharpe": deflated_sharpe(own, count, variance if count > 1 else 0.0)})
        return pl.DataFrame(rows)

    def __getitem__(self, name: str) -> WalkForward:
        """One of the results. Raises EsbtError for an unknown name."""
        if name not in self.results:
            raise unknown("windows", name, self.results)
        return self.results[name]


def walk_forward_grid(
    bars: Bars,
    strategy: Exits,
    grid: Any = None,
    *,
    train: Iterable[str | int] = ("24mo",),
    test: Iterable[str | int] = ("3mo",),
    anchored: Iterable[bool] = (False,),
    out: str | Path | None = None,
    resume: bool = False,
    **words: Any,
) -> WalkForwardGrid:
    """`walk_forward` for every combination of these windows, one after another; strategies and models are its own grid and models.

    words: as there, the same for all. out: a folder, in which each combination has one; resume: go on with them.
    Raises EsbtError before any work where one combination does not fit the bars, for an empty list, and as `walk_forward`.
    """
    cuts: dict[str, dict[str, Any]] = {}
    lists = {name: _listed(name, value) for name, value in (("train", train), ("test", test), ("anchored", anchored))}
    for one, two, three in product(*lists.values()):
        windows = windows_of(one, two, anchored=three, **{name: words[name] for name in _PASSED if name in words})
        folds_of(bars, windows)
        cuts[f"train {windows.train}, test {windows.test}, {'anchored' if three else 'rolling'}"] = {
            "train": one,
            "test": two,
            "anchored": three,
        }
    results = {}
    for name, cut in cuts.items():
        folder = None if out is None else Path(out) / name.replace(", ", "_").replace(" ", "-")
        results[name] = walk_forward(bars, strategy, grid, **cut, out=folder, resume=resume, **words)
    return WalkForwardGrid(results)


def _listed(name: str, value: object) -> list[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise EsbtError(f"{name} is {value!r}: a grid takes a list, such as [{value!r}]; for one cut use esbt.walk_forward")
    out = list(value)
    if not out:
        raise EsbtError(f"{name} is empty: give at least one")
    return out
