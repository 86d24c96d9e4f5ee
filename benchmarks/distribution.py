"""What distribution costs: one sweep in this process, by a process pool, and on a Dask cluster of this machine, each on two cores.

    PYTHONPATH=. python benchmarks/distribution.py

Prints the table, with the time that workers take to come up. Workers are up before the clock starts; bars have
to travel in every run, for each run is a sweep of its own (its cash is another), which no worker knows yet.
"""

import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

from distributed import Client
from sweep_work import steps
from workload import CASH, N_BARS, market

import esbt
from esbt.sweep import run as sweep_run
from esbt.sweep.workers import executor_parts

WORKERS, PART_LANES, ROUNDS = 2, 4096, 5
AXES = {
    "fast": [16, 24], "slow": [60, 90], "stop_atr": steps(1.0, 0.1, 32), "target_r": steps(0.5, 0.1, 32), "trail_atr": steps(1.5, 0.3, 16),
}  # fmt: skip
HERE = "in this process, two threads"
_CASH = itertools.count()


def sweep(executor: Executor | None = None, *, files: bool = True) -> esbt.sweep.SweepTable:
    """The sweep, by an executor of one thread a worker or here by two. files: False sends bars by message, as to another machine."""
    words: dict[str, Any] = {"executor": executor} if executor is not None else {"threads": WORKERS}
    words |= {"part_lanes": PART_LANES, "cash": CASH + next(_CASH)}
    with patch.object(sweep_run, "executor_parts", partial(executor_parts, files=files)):
        return esbt.sweep(market(N_BARS), esbt.AtrStrategy(), AXES, **words)


@contextmanager
def processes() -> Iterator[Executor]:
    """Two processes, esbt imported in both."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("forkserver")) as pool:
        list(pool.map(_ready, range(WORKERS)))
        yield pool


@contextmanager
def dask() -> Iterator[Executor]:
    """`dask scheduler` and two `dask worker`s as processes of their own on loopback, esbt imported in both."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        address, host = f"tcp://127.0.0.1:{port}", ("--host", "127.0.0.1", "--no-dashboard")
        commands = [["scheduler", "--port", str(port), "--no-show"]]
        commands += [["worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", folder]] * WORKERS
        own = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        with (Path(folder) / "log").open("w") as log:
            started = [
                subprocess.Popen([sys.executable, "-m", "dask", *words, *host], env=own, cwd=folder, stdout=log, stderr=log)
                for words in commands
            ]
            try:
                with Client(address, timeout=60) as client:
                    client.wait_for_workers(WORKERS, timeout=60)
                    client.run(_ready, 0)
                    yield client.get_executor()
            finally:
                for process in started:
                    process.kill()
                    process.wait()


def _ready(_: int) -> int:
    import esbt

    time.sleep(0.2)  # so that one process does not take the other's turn
    return len(esbt.__all__)


WAYS: dict[str, tuple[Callable[[], Any], bool]] = {
    "two processes": (processes, True),
    "two Dask workers": (dask, True),
    "two Dask workers, bars by message": (dask, False),
}


def same(table: esbt.sweep.SweepTable, whole: esbt.sweep.SweepTable) -> bool:
    """Whether two of these sweeps are equal in all that does not hang on the cash they began with."""
    names = [*AXES, "lane", "net_profit", "costs", "trades", "win_rate", "profit_factor"]
    return table.frame.select(names).equals(whole.frame.select(names))


def main() -> None:
    """Print the table. Raises AssertionError where a way gives another table."""
    whole = sweep()
    own = _timed(sweep)
    parts = -(-len(whole.frame) // PART_LANES)
    when = time.strftime("%Y-%m-%d")
    print(f"{len(whole.frame):,} lanes x {N_BARS:,} bars, {parts} parts of {PART_LANES:,}, medians of {ROUNDS} runs, {when}\n")
    print("| | seconds | more than in one process | a part | to start |\n|---|--:|--:|--:|--:|")
    print(f"| {HERE} | {own:.2f} | | | |")
    for way, (make, files) in WAYS.items():
        began = time.perf_counter()
        with make() as executor:
            start = time.perf_counter() - began
            assert same(sweep(executor, files=files), whole), way
            took = _timed(partial(sweep, executor, files=files))
        more = took - own
        print(f"| {way} | {took:.2f} | {more:+.2f} s, {more / own:+.0%} | {more / parts * 1e3:+.0f} ms | {start:.1f} s |")


def _timed(run: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    main()
