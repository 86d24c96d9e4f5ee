"""The progress of a sweep on a terminal: lanes done, lanes per second, time left. Knows no lanes' work."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Lanes per second."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} lanes/s")


@contextmanager
def lanes_shown(total: int, done: int, wanted: bool | Console | None) -> Iterator[Callable[[int], None]]:
    """A progress bar over `total` lanes of which `done` are there; the function given takes how many more are.

    wanted: a console, True for the terminal, False for none, None: where standard error is a terminal.
    """
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield lambda lanes: None
        return
    console = wanted if isinstance(wanted, Console) else Console(stderr=True)
    columns = (TextColumn("[bold]lanes"), BarColumn(), MofNCompleteColumn(), _Rate(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("lanes", total=total, completed=done)
        yield lambda lanes: progress.update(task, advance=lanes)


@contextmanager
def stopped_by_the_user(out: str | Path | None) -> Iterator[None]:
    """Ctrl-C in the block goes through, with a note on how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.add_note("nothing was kept: give out= to keep what is done" if out is None else f"go on with out={str(out)!r}, resume=True")
        raise
