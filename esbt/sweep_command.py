"""What `esbt sweep` does: bars, checks, the sweep into its folder, the best lanes, how much is luck, a report. Or only the cost."""

from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from esbt.errors import EsbtError
from esbt.market_config import file_bars, market_bars
from esbt.report.html import cell
from esbt.stats import Overfitting
from esbt.sweep import SweepTable, sweep, sweep_estimate
from esbt.sweep_config import SweepConfig

_SHOWN = ("net_profit", "sharpe", "calmar", "max_drawdown", "profit_factor", "trades")
_STOPPED = 130  # as a shell has it after Ctrl-C


def run_sweep(config: SweepConfig, *, resume: bool = False, dry_run: bool = False, console: Console | None = None) -> SweepTable | None:
    """Run the configured sweep into `config.out`, print its best lanes and write its report; with dry_run print the estimate alone.

    console: where progress and tables are printed; None for the terminal. Raises EsbtError for bad input, and SystemExit with code 130 when
    the user stops it, after saying how to go on.
    """
    console = console or Console()
    bars = market_bars(config.market, config.synthetic)
    finer = file_bars(config.finer, config.market) if config.finer is not None else None
    account: dict[str, Any] = {name: getattr(config.account, name) for name in type(config.account).model_fields}
    walk = config.sweep
    words = {"predictions": config.predictions(), "finer": finer, "part_lanes": walk.part_lanes, "threads": walk.threads}
    given: dict[str, Any] = words | account | {"out": config.out, "daily": walk.daily}
    if dry_run:
        console.print(str(sweep_estimate(bars, config.strategy, config.axes(), **given)), highlight=False, soft_wrap=True)
        return None
    try:
        table = sweep(bars, config.strategy, config.axes(), resume=resume, progress=console, **given)
    except KeyboardInterrupt:
        console.print(f"stopped; what is done is kept in {config.out}: go on with --resume", markup=False, soft_wrap=True)
        raise SystemExit(_STOPPED) from None
    _print(console, table, config)
    return table


def _print(console: Console, table: SweepTable, config: SweepConfig) -> None:
    walk = config.sweep
    if table.bound.bars.synthetic:
        console.print("[bold red]SYNTHETIC MARKET: these bars were made up; nothing here says anything about a real market.[/]")
    best = table.best(walk.metric, 10, minimum_trades=walk.minimum_trades)
    console.print(
        _best(
            best.select("lane", *table.parameters, *dict.fromkeys((walk.metric, *_SHOWN))), f"Best of {len(table):,} lanes by {walk.metric}"
        )
    )
    luck = _luck(console, table) if walk.daily else None
    page = table.report(f"{config.out}/report", walk.metric, minimum_trades=walk.minimum_trades, luck=luck)
    console.print(f"report: {page}", markup=False, soft_wrap=True)


def _luck(console: Console, table: SweepTable) -> Overfitting | None:
    """The verdict on luck, or why there is none: the sweep itself is done either way."""
    try:
        luck = table.overfitting()
    except EsbtError as error:
        console.print(f"no verdict on luck: {error}", markup=False, soft_wrap=True)
        return None
    console.print(luck.verdict, markup=False, highlight=False, soft_wrap=True)
    return luck


def _best(frame: pl.DataFrame, title: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in frame.columns:
        table.add_column(name.replace("_", " "), justify="right")
    for row in frame.iter_rows():
        table.add_row(*(cell(value) or "off" for value in row))
    return table
