"""What the report needs from a run, and the checks on a set of runs. `esbt.Result` fits; so does anything with these attributes."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

import polars as pl

from esbt.errors import EsbtError


class RunLike(Protocol):
    """One backtest as the report sees it. Frames as in `esbt.Result`; rates are fractions, money is USD.

    Shown as well where a run has them, and never asked for: ambiguous_share (fraction), band (worst, best: USD), risk (a frame of one
    row: sizing, asked, mean, max), as in `esbt.Result`.
    """

    @property
    def trades(self) -> pl.DataFrame:
        """One row a trade; read here: pnl, costs; all columns are shown and saved."""

    @property
    def equity(self) -> pl.DataFrame:
        """ts (Datetime), equity (USD): one row a bar."""

    @property
    def daily(self) -> pl.DataFrame:
        """session (Date), equity, pnl, return: one row a trade date."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Metrics by name, as from `esbt.metrics.summarize`."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """Signals that made no trade, counted by reason."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was charged and assumed."""

    @property
    def bars_source(self) -> str:
        """Where the bars came from."""

    @property
    def synthetic(self) -> bool:
        """True when the market is generated."""


Runs = Mapping[str, RunLike]


def check_runs(runs: Runs) -> None:
    """Raise EsbtError for no runs, an empty label, or two labels that give one file name."""
    if not runs:
        raise EsbtError("runs is empty: a report needs at least one run, as {'baseline': result}")
    seen: dict[str, str] = {}
    for label in runs:
        name = file_name(label)
        if not name:
            raise EsbtError(f"run label {label!r} has no letter or digit to name a file by: rename it")
        if name in seen:
            raise EsbtError(f"run labels {seen[name]!r} and {label!r} would both be saved as {name!r}: rename one")
        seen[name] = label


def file_name(label: str) -> str:
    """`label` as a safe start of a file name: lower case letters and digits, joined by `_`."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def any_synthetic(runs: Runs) -> bool:
    """True when any run's market is generated: then every chart and the page must say so."""
    return any(run.synthetic for run in runs.values())
