"""How every row is measured: warm, and labelled so that report.py can put it into a table. Knows no engine."""

from collections.abc import Callable
from typing import Any

import pytest

settled = pytest.mark.benchmark(min_rounds=9, disable_gc=True, warmup=True, warmup_iterations=1)


def measure(benchmark: Any, run: Callable[[], object], table: str, engine: str, *, rounds: int | None = None, **labels: Any) -> None:
    """Time `run` as one row of `table`.

    labels: `unit` and `count` (the time is given per unit, `count` of them in one run); `reference` True for the row that the others are
    compared with; `rival` True where being faster than the reference is a loss; `without` names the row whose time is taken off first;
    `overhead` True prints what the row takes more than the reference; `seconds` is the time where `run` is a process that times itself;
    `note` is printed beside the row. rounds: of runs that take seconds and have been run before.
    """
    benchmark.group = table
    benchmark.extra_info.update({"table": table, "engine": engine, "reference": False, "rival": False, "note": "", **labels})
    if rounds is None:
        benchmark(run)
    else:
        benchmark.pedantic(run, rounds=rounds, iterations=1)
