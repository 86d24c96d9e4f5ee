"""What `esbt backtest` does: bars, one backtest, its worst and best paths, a report, and tables for the terminal. Learns nothing."""

from pathlib import Path

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from esbt.backtest import run
from esbt.backtest_config import BacktestConfig
from esbt.market_config import file_bars, market_bars
from esbt.report import certainty_table, metrics_table, write_report
from esbt.result import Result
from esbt.running import require_folder, steps_shown

STEPS = ("bars", "backtest", "band", "report")


def run_backtest(config: BacktestConfig, *, console: Console | None = None) -> Result:
    """Run the configured backtest, write its report into `config.out` and print its tables. Raises EsbtError for bad input.

    console: where progress and tables are printed; None for the terminal.
    """
    console = console or Console()
    out = require_folder(config.out)
    with steps_shown(console, STEPS) as step:
        step("bars")
        bars = market_bars(config.market, config.synthetic)
        finer = file_bars(config.finer, config.market) if config.finer is not None else None
        step("backtest")
        result = run(bars, config.strategy, config.account, finer=finer)
        step("band")
        result.band  # noqa: B018 - two runs of their own, made here so that the bar shows them
        step("report")
        page = write_report(out, {"backtest": result}, title=f"Backtest of {bars.instrument.symbol}", notes=_about(result))
    _print(console, result, page)
    return result


def _about(result: Result) -> list[str]:
    bars = result.bars
    dates = bars.session.astype("datetime64[D]")
    return [f"{len(bars):,} bars of {bars.instrument.symbol} from {bars.source}, trade dates {dates[0]} to {dates[-1]}."]


def _print(console: Console, result: Result, page: Path) -> None:
    if result.synthetic:
        console.print("[bold red]SYNTHETIC MARKET: these bars were made up; nothing here says anything about a real market.[/]")
    console.print(metrics_table({"backtest": result}))
    console.print(certainty_table({"backtest": result}))
    console.print(_counts("Exits", result.trades["exit_reason"].value_counts(sort=True)))
    skipped = [(reason, count) for reason, count in result.skipped.items() if count]
    if skipped:
        console.print(_counts("Skipped", pl.DataFrame(skipped, schema=["reason", "count"], orient="row")))
    console.print(f"report: {page}", markup=False)


def _counts(title: str, frame: pl.DataFrame) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("Reason")
    table.add_column("Count", justify="right")
    for reason, count in frame.iter_rows():
        table.add_row(str(reason).replace("_", " "), f"{count:,}")
    return table
