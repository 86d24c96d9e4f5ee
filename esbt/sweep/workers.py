"""Parts run by an executor of concurrent.futures: processes of this machine, a Dask cluster, or any other. Changes no number.

A part is a task: a block of lanes of a sweep, a fold of a walk-forward; its `Job` knows. Tasks are small: bars and other arrays travel once
a worker, as files where the worker sees this machine's folder, else with a task, after a worker has said that it lacks them. A task that is
lost with its worker is given again, a bounded number of times.
"""

import os
import socket
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from esbt.errors import EsbtError
from esbt.sweep.block import Part, run_part
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.local import local_parts
from esbt.sweep.market import Markets
from esbt.sweep.parcel import Arrays, Brief, load_arrays, packed, save_arrays, unpacked

LOSSES = 5  # of one part, before the sweep gives up
_WAITING = 512  # tasks handed over at a time


class Job(Protocol):
    """What the parts are of: small, for it travels with every task; the arrays travel apart."""

    def opened(self, arrays: Arrays) -> Callable[[int], Any]:
        """The function from a part's number to the part, never None; asked once a process, used by all its threads."""


@dataclass(frozen=True)
class LanesJob:
    """Parts that are blocks of lanes of a sweep."""

    brief: Brief
    part_lanes: int
    daily: bool
    threads: int

    def opened(self, arrays: Arrays) -> Callable[[int], Part]:
        """See Job."""
        bound = unpacked(self.brief, arrays)
        return partial(run_part, bound, Markets(bound), part_lanes=self.part_lanes, daily=self.daily, threads=self.threads)


@dataclass(frozen=True)
class Task:
    """One part. key: of the job. folder: where the arrays are, if this machine sees it. arrays: themselves, with the first tasks."""

    key: str
    number: int
    job: Job
    folder: str | None
    arrays: Arrays | None


@dataclass(frozen=True)
class Reply:
    """A part, or None from a worker that lacks the arrays; and the worker's name."""

    worker: str
    part: Any


_KEPT: dict[str, Callable[[int], Any]] = {}  # of this process: the last job it worked for
_LOCK = threading.Lock()


def work(task: Task) -> Reply:
    """Run a task in a worker: bars are unpacked once a process."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    with _LOCK:
        if task.key not in _KEPT:
            arrays = task.arrays if task.arrays is not None else load_arrays(Path(task.folder)) if task.folder else None
            if arrays is None:
                return Reply(worker, None)
            _KEPT.clear()
            _KEPT[task.key] = task.job.opened(arrays)
        made = _KEPT[task.key]
    return Reply(worker, made(task.number))


def executor_parts(
    bound: BoundSpace,
    numbers: Iterable[int],
    part_lanes: int,
    *,
    daily: bool,
    threads: int,
    executor: Executor,
    key: str,
    near: Path | None = None,
    files: bool = True,
) -> Generator[Part]:
    """The parts of a sweep, as `job_parts` has them."""
    brief, arrays = packed(bound)
    job = LanesJob(brief, part_lanes, daily, threads)
    here = partial(local_parts, bound, part_lanes=part_lanes, daily=daily, threads=threads)
    yield from job_parts(job, arrays, numbers, here, executor=executor, key=key, near=near, files=files)


def job_parts(
    job: Job,
    arrays: Arrays,
    numbers: Iterable[int],
    here: Callable[[list[int]], Iterable[Any]],
    *,
    executor: Executor,
    key: str,
    near: Path | None = None,
    files: bool = True,
) -> Generator[Any]:
    """The parts of these numbers, in the order in which they are done, each once.

    here: makes parts in this process. key: of the job, equal for equal jobs alone. near: a folder that workers may share with this
    machine. files: False to send arrays by message at once. Raises EsbtError where a part was lost too often, and what a task raised.
    An executor that is broken (a process pool of which a process died) is no longer used: the rest is run here, with a warning.
    """
    with _shared(arrays if files else None, near) as folder:
        desk = _Desk(executor, Task(key, 0, job, folder, None), arrays, list(numbers))
        try:
            yield from desk.parts()
        except BrokenExecutor as error:
            left = sorted(desk.left)
            warnings.warn(f"the executor broke ({error}); the {len(left)} parts left are run in this process", RuntimeWarning, stacklevel=2)
            yield from here(left)
        finally:
            desk.cancel()


class _Desk:
    """Hands out tasks and takes replies."""

    def __init__(self, executor: Executor, blank: Task, arrays: Arrays, numbers: list[int]) -> None:
        self._executor, self._blank, self._arrays = executor, blank, arrays
        self._todo = numbers[::-1]
        self.left = set(numbers)
        self._out: dict[Future[Reply], Task] = {}
        self._lacking: set[str] = set()  # workers that said so, and have not worked since
        self._lost: Counter[int] = Counter()

    def parts(self) -> Generator[Any]:
        held: list[int] = []
        while self.left:
            while self._todo and len(self._out) < _WAITING:
                self._submit(self._todo.pop(), carrying=False)
            if not self._out:
                self._submit(held.pop(), carrying=True)
            done, _ = wait(self._out, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda own: (own.cancelled() or own.exception() is not None, self._out[own].number)):
                task = self._out.pop(future)
                reply = self._reply(future, task.number)
                if reply is None:
                    self._todo.append(task.number)
                elif reply.part is None:
                    self._lacking.add(reply.worker)
                    held.append(task.number)
                else:
                    self._lacking.discard(reply.worker)
                    self._todo, held = self._todo + held, []
                    self.left.discard(task.number)
                    yield reply.part
            while held and sum(task.arrays is not None for task in self._out.values()) < len(self._lacking):
                self._submit(held.pop(), carrying=True)

    def cancel(self) -> None:
        """Take back what has not begun."""
        for future in self._out:
            future.cancel()

    def _submit(self, number: int, *, carrying: bool) -> None:
        own = self._blank
        task = Task(own.key, number, own.job, own.folder, self._arrays if carrying else None)
        self._out[self._executor.submit(work, task)] = task

    def _reply(self, future: Future[Reply], number: int) -> Reply | None:
        """What the worker said; None where it was lost."""
        try:
            return future.result()
        except BrokenExecutor:
            raise
        except (CancelledError, ConnectionError, EOFError) as error:
            self._count_loss(number, error)
        except Exception as error:
            if not type(error).__module__.startswith("distributed"):  # KilledWorker and its kin, without an import of Dask
                raise
            self._count_loss(number, error)
        return None

    def _count_loss(self, number: int, error: BaseException) -> None:
        self._lost[number] += 1
        if self._lost[number] > LOSSES:
            raise EsbtError(f"part {number} was lost {LOSSES + 1} times with its worker ({error!r}): see the workers' logs") from None


@contextmanager
def _shared(arrays: Arrays | None, near: Path | None) -> Iterator[str | None]:
    """A folder with the arrays as files, removed at the end; None for none."""
    if arrays is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix=".job-", dir=near, ignore_cleanup_errors=True) as folder:
        save_arrays(arrays, Path(folder))
        yield folder
