"""What `esbt walk-forward` does: bars, checks, folds into their folder, a table of folds, targets, how much is luck, a report. Or only the
windows."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from esbt.market_config import market_bars
from esbt.report import metrics_table, target_table
from esbt.report.html import cell
from esbt.walk_forward_config import WalkForwardConfig
from esbt.walkforward import Trainer, WalkForward, folds_of, walk_forward, windows_frame, windows_of

_STOPPED = 130  # as a shell has it after Ctrl-C
_SHOWN = ("fold", "run", "test_from", "test_to", "lane", "in_sample", "out_of_sample", "trades_out", "profit_out", "efficiency")


def run_walk_forward(
    config: WalkForwardConfig,
    models: Sequence[Trainer] = (),
    *,
    resume: bool = False,
    dry_run: bool = False,
    console: Console | None = None,
) -> WalkForward | None:
    """Run the configured walk-forward into `config.out`, print its tables and write its report; with dry_run print the windows alone.

    models: what is learned in each fold. console: where progress and tables are printed; None for the terminal. Raises EsbtError for bad
    input, and SystemExit with code 130 when the user stops it, after saying how to go on.
    """
    console = console or Console()
    bars = market_bars(config.market, config.synthetic)
    words = config.words()
    if dry_run:
        cut = {name: words[name] for name in ("train", "test", "anchored", "embargo", "partial", "longest_gap")}
        folds, notes = folds_of(bars, windows_of(**cut))
        console.print(_table(windows_frame(bars, folds), f"{len(folds)} folds"))
        _say(console, notes)
        return None
    account: dict[str, Any] = {name: getattr(config.account, name) for name in type(config.account).model_fields}
    given: dict[str, Any] = words | account | {"models": models, "out": config.out, "resume": resume, "progress": console}
    try:
        with _executor(config.walk_forward.workers) as executor:
            result = walk_forward(bars, config.strategy, config.grid(), executor=executor, **given)
    except KeyboardInterrupt:
        console.print(f"stopped; the folds that are done are kept in {config.out}: go on with --resume", markup=False, soft_wrap=True)
        raise SystemExit(_STOPPED) from None
    _print(console, result, config)
    return result


@contextmanager
def _executor(workers: int) -> Iterator[Executor | None]:
    """Processes that share nothing with this one; what has not begun is taken back when the user stops."""
    if workers == 1:
        yield None
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _print(console: Console, result: WalkForward, config: WalkForwardConfig) -> None:
    if result.bars.synthetic:
        console.print("[bold red]SYNTHETIC MARKET: these bars were made up; nothing here says anything about a real market.[/]")
    console.print(_table(result.folds.select(_SHOWN), f"Folds, chosen by {result.metric} in training"))
    console.print(metrics_table(result.runs))
    console.print(target_table(result.runs))
    console.print(_table(result.luck, "How much is luck"))
    _say(console, result.notes)
    console.print(f"report: {result.report(f'{config.out}/report')}", markup=False, soft_wrap=True)


def _say(console: Console, notes: Sequence[str]) -> None:
    for note in notes:
        console.print(f"- {note}", markup=False, highlight=False, soft_wrap=True)


def _table(frame: pl.DataFrame, title: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, dtype in frame.schema.items():
        table.add_column(name.replace("_", " "), justify="right" if dtype.is_numeric() else "left")
    for row in frame.iter_rows():
        table.add_row(*(cell(value) for value in row))
    return table
