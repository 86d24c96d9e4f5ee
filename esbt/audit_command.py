"""What `esbt audit` shares with no pipeline: a strategy function out of a file of the user's own, and the verdict in words."""

import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from esbt.audit import Audit
from esbt.errors import EsbtError, unknown

FOUND = 1  # exit code where a leak is found


def user_function(word: str) -> Callable[..., Any]:
    """The function of "FILE.py:NAME". The file is run, as `python FILE.py` would: name only files of your own.

    Raises EsbtError for a word of another form, a missing file, a name that is not in it or is no function; what the file raises goes
    through.
    """
    file, colon, name = word.rpartition(":")
    if not colon or not name.isidentifier() or not file.endswith(".py"):
        raise EsbtError(f"--strategy is {word!r}: give a file and a function in it, such as rules.py:my_strategy")
    if not Path(file).is_file():
        raise EsbtError(f"--strategy {word!r}: there is no file {file!r}")
    names = runpy.run_path(file)
    if name not in names:
        raise unknown(f"function of {file}", name, [key for key, value in names.items() if callable(value)])
    if not callable(names[name]):
        raise EsbtError(f"--strategy {word!r}: {name} is {type(names[name]).__name__}, not a function bars -> strategy or sides")
    return names[name]  # type: ignore[no-any-return]


def print_audit(found: Audit, console: Console) -> int:
    """Print findings, checks and profit by delay; the exit code: 1 where a leak was found, 0 where none was."""
    head, *lines = str(found).splitlines()
    console.print(f"[bold {'red' if found.findings else 'green' if found.passed else 'yellow'}]{escape(head)}[/]", soft_wrap=True)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if found.delays is not None:
        table = Table(title="Profit by delay of entry", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name in ("bars", "trades", "before costs, USD", "after, USD", "kept"):
            table.add_column(name, justify="right")
        for delay, trades, before, net, kept in found.delays.iter_rows():
            table.add_row(str(delay), f"{trades:,}", f"{before:,.0f}", f"{net:,.0f}", f"{kept:.0%}" if math.isfinite(kept) else "")
        console.print(table)
    return FOUND if found.findings else 0
