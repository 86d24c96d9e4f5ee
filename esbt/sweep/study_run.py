"""Runs a study: ask a batch of lanes, run them as a part, keep the part, tell, again. One thread asks and tells."""

from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console

from esbt.sweep.block import Part, run_block
from esbt.sweep.estimate import require_room
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.manifest import manifest
from esbt.sweep.market import Markets
from esbt.sweep.progress import lanes_shown, stopped_by_the_user
from esbt.sweep.store import Folder, Memory, Sink
from esbt.sweep.study import Optuna
from esbt.sweep.table import LOWER_IS_BETTER, SweepTable


def run_study(
    bound: BoundSpace,
    plan: Optuna,
    *,
    out: str | Path | None,
    resume: bool,
    daily: bool,
    threads: int,
    progress: bool | Console | None,
) -> SweepTable:
    """The sweep of a study. bound: bars, strategy and account, over the ends of the study's axes. Else as `esbt.sweep`."""
    require_room(bound, len(plan), out=out, daily=daily, part_lanes=plan.batch)
    with stopped_by_the_user(out):
        sink: Sink
        if out is None:
            sink = Memory((len(plan), bound.sessions) if daily else None)
        else:
            sink = Folder(out, manifest(bound, plan.described(), len(plan), part_lanes=plan.batch, daily=daily), resume=resume)
        study = plan.open(None if out is None else Path(out), plan.metric in LOWER_IS_BETTER)
        done = sink.done()
        study.mend(sink.frame() if done else None)
        with lanes_shown(len(plan), min(len(plan), len(done) * plan.batch), progress) as more:
            for number in range(len(done), plan.parts):
                rows = study.ask(number, bound.refuses)
                part = _part(_bound(bound, plan, rows), number, plan.batch, daily=daily, threads=threads)
                sink.keep(part)
                study.tell(part.frame[plan.metric].to_list())
                more(len(rows))
    return _table(sink, _bound(bound, plan, study.rows()), out)


def _bound(bound: BoundSpace, plan: Optuna, rows: list[dict[str, object]]) -> BoundSpace:
    """These lanes on the same bars, strategy and account."""
    words = {"predictions": bound.predictions, "finer": bound.finer}
    return BoundSpace(bound.bars, bound.base, bound.base_account, plan.coded(rows), checked=False, **words)  # type: ignore[arg-type]


def _part(bound: BoundSpace, number: int, batch: int, *, daily: bool, threads: int) -> Part:
    lanes = np.arange(len(bound), dtype=np.int64)
    part = run_block(bound, Markets(bound), lanes, number=number, daily=daily, threads=threads)
    return Part(number, part.frame.with_columns(pl.col("lane") + number * batch), part.daily)


def _table(sink: Sink, bound: BoundSpace, out: str | Path | None) -> SweepTable:
    return SweepTable(bound, sink.frame(), sink.daily(), folder=None if out is None else Path(out))
