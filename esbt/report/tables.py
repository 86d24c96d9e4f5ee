"""Metrics and targets of runs side by side, as Polars frames (numbers) and rich tables (for the terminal), and how a number is written.

To show a new metric: one row in SHOWN. A metric without a row is still shown, last, under its own name.
"""

import math
from typing import Literal

import polars as pl
from rich import box
from rich.table import Table
from rich.text import Text

from esbt.report.run import Runs, check_runs
from esbt.report.targets import TARGETS, Target

Unit = Literal["fraction", "ratio", "usd", "days", "count"]

SHOWN: dict[str, tuple[str, Unit]] = {
    "total_return": ("Total return", "fraction"),
    "annual_return": ("Annual return", "fraction"),
    "annual_volatility": ("Annual volatility", "fraction"),
    "sharpe": ("Sharpe ratio", "ratio"),
    "sortino": ("Sortino ratio", "ratio"),
    "calmar": ("Calmar ratio", "ratio"),
    "max_drawdown": ("Max drawdown", "fraction"),
    "max_drawdown_days": ("Longest drawdown", "days"),
    "recovery_days": ("Recovery from max drawdown", "days"),
    "ulcer_index": ("Ulcer index", "fraction"),
    "trades": ("Trades", "count"),
    "win_rate": ("Win rate", "fraction"),
    "profit_factor": ("Profit factor", "ratio"),
    "win_loss_ratio": ("Average win / loss", "ratio"),
    "avg_win": ("Average win", "usd"),
    "avg_loss": ("Average loss", "usd"),
    "expectancy": ("Expectancy per trade", "usd"),
    "max_consecutive_wins": ("Most wins in a row", "count"),
    "max_consecutive_losses": ("Most losses in a row", "count"),
    "skewness": ("Skewness, daily", "ratio"),
    "kurtosis": ("Excess kurtosis, daily", "ratio"),
    "gain_to_pain": ("Gain to pain, daily", "ratio"),
    "exposure": ("Bars in a position", "fraction"),
}


def written(value: float, unit: Unit) -> str:
    """`value` with its unit: 0.1234 as '12.34 %', -12.5 as '-12.50 USD', 3.0 as '3 days'; NaN is 'n/a', infinity the sign for it."""
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if unit == "fraction":
        return f"{value * 100:,.2f} %"
    if unit == "ratio":
        return f"{value:,.2f}"
    return f"{value:,.2f} USD" if unit == "usd" else f"{value:,.0f}" + (" days" if unit == "days" else "")


def shown_names(runs: Runs) -> list[str]:
    """Names of the metrics that any run has, in the order they are shown."""
    present = {name for run in runs.values() for name in run.metrics}
    return [name for name in SHOWN if name in present] + sorted(present - SHOWN.keys())


def metric_row(runs: Runs, name: str) -> tuple[str, list[str]]:
    """Label of a metric, with its unit where that is USD or days, and its bare value in each run, as written text."""
    label, unit = SHOWN.get(name, (name, "ratio"))
    suffix = {"usd": " USD", "days": " days"}.get(unit, "")
    values = [written(float(run.metrics.get(name, math.nan)), unit).removesuffix(suffix) for run in runs.values()]
    return f"{label},{suffix}" if suffix else label, values


def metrics_frame(runs: Runs) -> pl.DataFrame:
    """Metrics side by side as numbers: metric (String), unit (String), then one Float64 column a run. Raises EsbtError for no runs."""
    check_runs(runs)
    names = shown_names(runs)
    units = [SHOWN.get(name, ("", "ratio"))[1] for name in names]
    columns = {label: [float(run.metrics.get(name, math.nan)) for name in names] for label, run in runs.items()}
    return pl.DataFrame({"metric": names, "unit": units} | columns, schema_overrides=dict.fromkeys(columns, pl.Float64))


def target_frame(runs: Runs) -> pl.DataFrame:
    """Targets as numbers: run, target, value, side, threshold, achieved (Boolean); one row a run and target."""
    check_runs(runs)
    rows = [
        (label, t.name, float(run.metrics.get(t.name, math.nan)), t.side, t.threshold, t.achieved(run.metrics))
        for label, run in runs.items()
        for t in TARGETS
    ]
    schema = {
        "run": pl.String,
        "target": pl.String,
        "value": pl.Float64,
        "side": pl.String,
        "threshold": pl.Float64,
        "achieved": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def metrics_table(runs: Runs) -> Table:
    """Metrics side by side for the terminal."""
    table = empty_table(runs, "Metrics", "Metric")
    for name in shown_names(runs):
        label, values = metric_row(runs, name)
        table.add_row(Text(label), *(Text(value) for value in values))
    return table


def target_table(runs: Runs) -> Table:
    """The six targets for the terminal: the number of each run and whether it is achieved."""
    table = empty_table(runs, "Targets", "Target")
    for target in TARGETS:
        cells = []
        for run in runs.values():
            value, hit = target_cell(target, run.metrics.get(target.name, math.nan)), target.achieved(run.metrics)
            cells.append(Text(f"{value}\n{verdict(hit)}", style="green" if hit else "red"))
        table.add_row(Text(f"{target.label} {wanted(target)}"), *cells)
    return table


def target_cell(target: Target, value: float) -> str:
    """The metric of a target as written text."""
    return written(float(value), SHOWN[target.name][1])


def wanted(target: Target) -> str:
    """What the target asks for: '> 1.00', '< 10.00 %'."""
    return f"{'>' if target.side == 'above' else '<'} {target_cell(target, target.threshold)}"


def verdict(achieved: bool) -> str:
    """The only two words the report has for a target."""
    return "achieved" if achieved else "not achieved"


def empty_table(runs: Runs, title: str, first: str) -> Table:
    """A table for the terminal with one column a run and no rows yet; its title says SYNTHETIC where a market is made up."""
    check_runs(runs)
    synthetic = any(run.synthetic for run in runs.values())
    table = Table(title=f"{title} (SYNTHETIC market)" if synthetic else title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(Text(first), no_wrap=True)
    for label in runs:
        table.add_column(Text(label), justify="right", overflow="fold")
    return table
