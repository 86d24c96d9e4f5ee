"""`esbt.sweep`: bars, a strategy and a space in, a table of lanes out. Checks first, then part by part, each kept as soon as it is done."""

import os
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy.typing as npt
from rich.console import Console

from esbt.account import Account, Kelly, Risk, Volatility
from esbt.account import Path as FillPath
from esbt.data import Bars
from esbt.errors import EsbtError, unknown
from esbt.signals import Exits
from esbt.sweep.block import part_count
from esbt.sweep.estimate import Estimate, estimate, require_room
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.local import local_parts
from esbt.sweep.manifest import digest_of, manifest
from esbt.sweep.progress import lanes_shown, stopped_by_the_user
from esbt.sweep.space import Grid, Space
from esbt.sweep.store import Folder, Memory, Sink
from esbt.sweep.study import Optuna
from esbt.sweep.study_run import run_study
from esbt.sweep.table import SweepTable
from esbt.sweep.workers import executor_parts

PART_LANES, PART_LANES_DAILY = 16_384, 4096  # of a part that keeps the session P&L too


class AccountWords(TypedDict, total=False):
    """The account's settings as keywords, as in `esbt.backtest`; see `Account`."""

    cash: float
    size: int | Risk | Volatility | Kelly
    slippage_ticks: int
    slippage_atr: float
    slippage_spread: bool
    fee_usd: float | None
    fee_table: str | None
    path: FillPath
    target_through_ticks: int
    volume_share: float | None


def sweep(
    bars: Bars,
    strategy: Exits,
    space: Any,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    predictions: npt.ArrayLike | None = None,
    daily: bool = False,
    finer: Bars | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    part_lanes: int | None = None,
    progress: bool | Console | None = None,
    **account: Unpack[AccountWords],
) -> SweepTable:
    """Backtest every lane of a space: each lane's metrics are those of its own `esbt.backtest`, bit for bit.

    bars, strategy, finer and the account's words: as in `esbt.backtest`; what is an axis goes over them. space: a dict axis -> values (a
    full grid, the last axis fastest), `Grid`, `Rows`, `Random`, `Sobol` or `Optuna`. An axis is any field of the strategy or account, a
    word of the size rule ("size.fraction"), or "confidence", a cut-off over `predictions` (float64[N], one a bar: a signal is kept where
    the prediction is at least the cut-off; NaN never is). out: folder for the results, part by part; resume: go on with it. daily: keep
    the session P&L of every lane (`SweepTable.daily`). threads: of this machine, None for all; of each worker, None for one. executor:
    any of concurrent.futures, to run parts elsewhere. part_lanes: lanes a part. progress: True, False, a rich console, or None: where
    standard error is a terminal.
    Returns a `SweepTable`.
    Raises EsbtError before any work for unknown axes, values out of range or twice, lanes that contradict themselves, more results than
    disk or memory, a folder in use. KeyboardInterrupt leaves what is done in `out`.
    """
    size = checked_count("part_lanes", part_lanes, PART_LANES_DAILY if daily else PART_LANES)
    cores = checked_count("threads", threads, 1 if executor is not None else os.cpu_count() or 1)
    if executor is not None and not isinstance(executor, Executor):
        raise EsbtError(f"executor is {executor!r}: give one of concurrent.futures, such as Client(...).get_executor() of Dask")
    if resume and out is None:
        raise EsbtError("resume goes on with a folder: give out")
    bound = bound_space(bars, strategy, space, predictions=predictions, finer=finer, account=dict(account))
    if isinstance(space, Optuna):
        if executor is not None:
            raise EsbtError("an Optuna study is asked and told in one thread: leave executor out")
        return run_study(bound, space, out=out, resume=resume, daily=daily, threads=cores, progress=progress)
    require_room(bound, len(bound), out=out, daily=daily, part_lanes=size)
    said: dict[str, Any] = {}
    if out is not None or executor is not None:  # a digest of the bars costs as much as some hundred lanes
        said = manifest(bound, bound.space.described(), len(bound), part_lanes=size, daily=daily)
    sink: Sink = Memory((len(bound), bound.sessions) if daily else None) if out is None else Folder(out, said, resume=resume)
    done = sink.done()
    missing = [number for number in range(part_count(bound, size)) if number not in done]
    there = len(bound) - sum(min(size, len(bound) - number * size) for number in missing)
    if executor is None:
        parts = local_parts(bound, missing, size, daily=daily, threads=cores)
    else:
        near = None if out is None else Path(out)
        parts = executor_parts(bound, missing, size, daily=daily, threads=cores, executor=executor, key=digest_of(said), near=near)
    with closing(parts), lanes_shown(len(bound), there, progress) as more, stopped_by_the_user(out):
        for part in parts:
            sink.keep(part)
            more(len(part.frame))
    return SweepTable(bound, sink.frame(), sink.daily(), folder=None if out is None else Path(out))


def sweep_estimate(
    bars: Bars,
    strategy: Exits,
    space: Any,
    *,
    out: str | Path | None = None,
    predictions: npt.ArrayLike | None = None,
    daily: bool = False,
    finer: Bars | None = None,
    threads: int | None = None,
    part_lanes: int | None = None,
    **account: Unpack[AccountWords],
) -> Estimate:
    """What `sweep` with the same arguments would cost; runs a few lanes for about a second. Raises EsbtError as `sweep` before its work."""
    if isinstance(space, Optuna):
        raise EsbtError("an Optuna study has no lanes before it is run: estimate a sample of its axes (esbt.Random)")
    bound = bound_space(bars, strategy, space, predictions=predictions, finer=finer, account=dict(account))
    size = checked_count("part_lanes", part_lanes, PART_LANES_DAILY if daily else PART_LANES)
    cores = checked_count("threads", threads, os.cpu_count() or 1)
    return estimate(bound, out=out, daily=daily, part_lanes=size, threads=cores)


def bound_space(
    bars: Bars, strategy: Exits, space: Any, *, predictions: npt.ArrayLike | None, finer: Bars | None, account: dict[str, Any]
) -> BoundSpace:
    """The arguments of `sweep`, checked. Raises EsbtError as it does."""
    if not isinstance(bars, Bars):
        raise EsbtError(f"bars must be esbt.Bars, got {type(bars).__name__}: use esbt.load_bars(...)")
    if not len(bars):
        raise EsbtError("bars is empty: a sweep needs bars")
    if not isinstance(strategy, Exits):
        raise EsbtError(f"strategy must be an AtrStrategy or Signals, got {type(strategy).__name__}")
    for word in account:
        if word not in Account.model_fields:
            raise unknown("parameter", word, {*Account.model_fields, *sweep.__annotations__} - {"return", "account"})
    study = isinstance(space, Optuna)
    lanes = space if isinstance(space, Space) else Grid(space.first_values() if study else space)
    return BoundSpace(bars, strategy, Account(**account), lanes, predictions=predictions, finer=finer, checked=not study)


def checked_count(name: str, value: int | None, otherwise: int) -> int:
    """A whole number above 0, or the default for None. Raises EsbtError for another value."""
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise EsbtError(f"{name} is {value!r}: give a whole number above 0")
    return value
