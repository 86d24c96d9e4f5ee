"""What every long command shares: the folder is checked before work starts, and progress is shown step by step. Knows no step's work."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from esbt.errors import EsbtError


def require_folder(out: str | Path) -> Path:
    """`out` as a Path that is, or can become, a folder. Raises EsbtError where a file is in the way."""
    path = Path(out)
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not there.is_dir():
        raise EsbtError(f"out {str(there)!r} is a file: name a folder")
    return path


@contextmanager
def steps_shown(console: Console, steps: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """A progress bar over named steps; the function given says which one begins."""
    columns = (TextColumn("[bold]{task.description:<10}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(steps[0], total=len(steps))
        yield lambda name: progress.update(task, description=name, completed=steps.index(name))
        progress.update(task, description="done", completed=len(steps))
