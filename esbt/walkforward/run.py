"""`esbt.walk_forward`: bars, strategies and models in, out-of-sample trades out. Checks first, then fold by fold, each kept as soon as it
and those before it are traded."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from esbt.account import Account
from esbt.data import Bars
from esbt.errors import EsbtError, unknown
from esbt.features import Features, features
from esbt.features.matrix import Names, chosen, first_full
from esbt.signals import Exits
from esbt.sweep.engine import MONEY
from esbt.sweep.fingerprint import array_digest
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.manifest import digest_of, manifest
from esbt.sweep.progress import stopped_by_the_user
from esbt.sweep.run import AccountWords, bound_space, checked_count
from esbt.sweep.space import Grid
from esbt.sweep.store import Folder, Memory, Sink
from esbt.sweep.study import Optuna
from esbt.sweep.workers import job_parts
from esbt.totals import METRICS
from esbt.walkforward.fold import BASELINE, CHOSEN, Choice, FoldWork, Found
from esbt.walkforward.job import job_of, require_travelling
from esbt.walkforward.ledger import Ledger, pieces_of
from esbt.walkforward.models import Trainer
from esbt.walkforward.result import WalkForward
from esbt.walkforward.windows import LONGEST_GAP, Windows, folds_of, windows_of

_MOST_LANES = 1_000_000


def walk_forward(
    bars: Bars,
    strategy: Exits,
    grid: Any = None,
    *,
    train: str | int = "24mo",
    test: str | int = "3mo",
    anchored: bool = False,
    embargo: str | int = "1 session",
    partial: bool = True,
    longest_gap: int = LONGEST_GAP,
    models: Trainer | Sequence[Trainer] = (),
    features: Features | Names = None,
    metric: str = "sharpe",
    minimum_trades: int = 30,
    predictions: npt.ArrayLike | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool | Console | None = None,
    **account: Unpack[AccountWords],
) -> WalkForward:
    """Choose and train on a window of time, trade the next one, move on; every trade of the result is out of sample.

    bars, strategy and the account's words: as in `esbt.backtest`. grid: a space as `esbt.sweep` takes it, but no `Optuna`: in each fold the
    lane with the best `metric` over the training window, among those with `minimum_trades` there, trades the test window. models: one
    `Trainer` or several, each trained anew in every fold on the training window and the chosen lane. features: what models learn from, as
    Features of these bars or names; None: what each model asks for. They and all signals are computed once over all bars.
    train, test, embargo: "24mo", "2y", "60d", "8w", "250 sessions" or a whole number of sessions; cut where sessions begin. anchored: train
    from the first session on, instead of a window that rolls. embargo: before the test window, belongs to neither. partial: use a last test
    window that the data ends inside of. longest_gap: days; no window spans a longer hole in the data. predictions: for the axis
    `confidence`. executor: any of concurrent.futures; folds are its tasks. threads: of the sweep in a fold; None: all, or one in a worker.
    out: folder for the results, fold by fold; resume: go on with it. progress: as in `esbt.sweep`.
    Returns a `WalkForward`.
    Raises EsbtError before any work for windows that do not fit the bars, an unknown metric or word, a strategy or account that a model
    cannot trade, a model that cannot travel, a folder in use. KeyboardInterrupt leaves the folds that are done in `out`.
    """
    kinds = _checked_models(models)
    windows = windows_of(train, test, anchored=anchored, embargo=embargo, partial=partial, longest_gap=longest_gap)
    if metric not in (*METRICS, *MONEY):
        raise unknown("metric", metric, (*METRICS, *MONEY))
    if isinstance(minimum_trades, bool) or not isinstance(minimum_trades, int) or minimum_trades < 0:
        raise EsbtError(f"minimum_trades is {minimum_trades!r}: give a whole number, 0 or more")
    if executor is not None and not isinstance(executor, Executor):
        raise EsbtError(f"executor is {executor!r}: give one of concurrent.futures, such as ProcessPoolExecutor(2)")
    if resume and out is None:
        raise EsbtError("resume goes on with a folder: give out")
    cores = checked_count("threads", threads, 1 if executor is not None else os.cpu_count() or 1)
    bound = _bound(bars, strategy, grid, predictions, dict(account))
    folds, notes = folds_of(bars, windows)
    require_travelling(kinds, executor)
    for lane in _lane_of_each_value(bound) if kinds else ():
        for kind in kinds:
            kind.check(bound.rules(lane), bound.account(lane))
    columns = _features(bars, kinds, features)
    choice = Choice(metric, minimum_trades, cores)
    work = FoldWork(bound, folds, choice, kinds, columns)
    said = _manifest(bound, windows, choice, kinds, columns)
    sink: Sink = Memory(None) if out is None else Folder(out, said, resume=resume)
    done = sink.done()
    first = next(number for number in range(len(folds) + 1) if number not in done)  # folds are kept in order
    ledger = Ledger(work, [piece for piece in (pieces_of(sink.frame()) if done else ()) if piece.fold < first])
    missing = list(range(first, len(folds)))
    found = _found(work, missing, executor, digest_of(said), out)
    with closing(found), _folds_shown(len(folds), first, progress) as more, stopped_by_the_user(out):
        for one in _in_order(found, missing):
            sink.keep(ledger.trade(one))
            more()
    return WalkForward(work, sink.frame(), windows, tuple(notes), folder=None if out is None else Path(out))


def _bound(bars: Bars, strategy: Exits, grid: Any, predictions: npt.ArrayLike | None, account: dict[str, Any]) -> BoundSpace:
    """The lanes; without a grid the strategy itself is the only one."""
    for word in account:
        if word not in Account.model_fields:
            known = {*Account.model_fields, *walk_forward.__annotations__} - {"return", "account"}
            raise unknown("parameter", word, known)
    if isinstance(grid, Optuna):
        raise EsbtError(
            "a walk-forward chooses among the same lanes in every fold: give a grid, rows or a sample (esbt.Random, esbt.Sobol)"
        )
    space = Grid({"atr_period": [strategy.atr_period]}) if grid is None and isinstance(strategy, Exits) else grid
    bound = bound_space(bars, strategy, space, predictions=predictions, finer=None, account=account)
    if "cash" in bound.places:
        raise EsbtError("cash cannot be an axis: the account carries its equity from fold to fold")
    if len(bound) > _MOST_LANES:
        raise EsbtError(f"the grid has {len(bound):,} lanes: at most {_MOST_LANES:,} in a walk-forward; sample it with esbt.Random")
    return bound


def _checked_models(models: Trainer | Sequence[Trainer]) -> tuple[Trainer, ...]:
    kinds = (models,) if isinstance(models, Trainer) else tuple(models)
    for kind in kinds:
        if not isinstance(kind, Trainer):
            raise EsbtError(f"models holds {kind!r}: give objects of a class derived from esbt.Trainer")
    names = [kind.name for kind in kinds]
    for name in names:
        if name in (BASELINE, CHOSEN) or names.count(name) > 1:
            raise EsbtError(f"a model is named {name!r}, which is taken: give each a name of its own")
    return kinds


def _lane_of_each_value(bound: BoundSpace) -> list[int]:
    """For each value of each axis one lane that has it: what a model can trade is asked of these."""
    values = bound.space.values
    return sorted({int(lane) for name in values for lane in bound.space.combinations({name: np.arange(len(values[name]))})})


def _features(bars: Bars, kinds: tuple[Trainer, ...], given: Features | Names) -> dict[str, Features]:
    """Each model's columns over all bars; what several ask for is computed once."""
    if not kinds:
        return {}
    if isinstance(given, Features):
        if not np.array_equal(given.ts, bars.ts):
            raise EsbtError(f"features are of {len(given):,} bars, not of these {len(bars):,}: give esbt.features(bars) of the same bars")
        return {kind.name: given for kind in kinds}
    asked = {kind.name: chosen(kind.features if given is None else given) for kind in kinds}
    union = {column.name: column for columns in asked.values() for column in columns}
    whole = features(bars, [column if not hasattr(column, "request") else column.name for column in union.values()])
    return {name: _selected(whole, tuple(column.name for column in columns)) for name, columns in asked.items()}


def _selected(whole: Features, names: tuple[str, ...]) -> Features:
    if names == whole.names:
        return whole
    matrix = np.ascontiguousarray(whole.matrix[[whole.names.index(name) for name in names]])
    matrix.flags.writeable = False
    return Features(matrix, names, first_full(matrix), whole.ts)


def _manifest(
    bound: BoundSpace, windows: Windows, choice: Choice, kinds: tuple[Trainer, ...], columns: dict[str, Features]
) -> dict[str, Any]:
    said = manifest(bound, bound.space.described(), len(bound), part_lanes=1, daily=False)
    said["windows"] = windows.described()
    said["choice"] = {"metric": choice.metric, "minimum_trades": choice.minimum_trades}
    said["models"] = {kind.name: kind.described() for kind in kinds}
    said["features"] = {name: {"names": list(own.names), "values": array_digest(own.matrix)} for name, own in columns.items()}
    return said


def _found(work: FoldWork, numbers: list[int], executor: Executor | None, key: str, out: str | Path | None) -> Generator[Found]:
    if executor is None:
        return _here(work, numbers)
    job, arrays = job_of(work, executor)
    near = None if out is None else Path(out)
    return job_parts(job, arrays, numbers, partial(_here, work), executor=executor, key=key, near=near)


def _here(work: FoldWork, numbers: list[int]) -> Generator[Found]:
    yield from (work(number) for number in numbers)


def _in_order(found: Iterable[Found], numbers: list[int]) -> Iterator[Found]:
    """By number: a fold that is found early waits for those before it, whose equity it begins with."""
    waiting: dict[int, Found] = {}
    due = iter(numbers)
    number = next(due, None)
    for one in found:
        waiting[one.number] = one
        while number in waiting:
            yield waiting.pop(number)
            number = next(due, None)


@contextmanager
def _folds_shown(total: int, done: int, wanted: bool | Console | None) -> Iterator[Callable[[], None]]:
    """A progress bar over folds; the function given says that one more is done. wanted: as `esbt.sweep.progress.lanes_shown`."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield lambda: None
        return
    console = wanted if isinstance(wanted, Console) else Console(stderr=True)
    columns = (TextColumn("[bold]folds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=console) as shown:
        task = shown.add_task("folds", total=total, completed=done)
        yield lambda: shown.update(task, advance=1)
