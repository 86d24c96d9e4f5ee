"""Sweeps by executors: threads, processes and a real Dask cluster give the table of one process, whatever is lost on the way."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import distributed
import numpy as np
import pytest
from sweep_helpers import BARS, PREDICTIONS

import esbt
from esbt.errors import EsbtError
from esbt.sweep import run, workers
from esbt.sweep.manifest import digest_of
from esbt.sweep.parcel import packed, unpacked

STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)
SPACE = {"confidence": [0.2, 0.6], "stop_atr": [0.3, 0.5, 1.0, 2.0], "fast": [2, 3], "size": [1, esbt.Risk(fraction=0.01)]}
WORDS = {"predictions": PREDICTIONS, "daily": True}
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(scope="module")
def whole():
    return esbt.sweep(BARS, STRATEGY, SPACE, **WORDS)


def swept(executor, **words):
    return esbt.sweep(BARS, STRATEGY, SPACE, **WORDS, executor=executor, **{"part_lanes": 2} | words)


def same(table, whole):
    assert table.frame.equals(whole.frame)
    assert np.array_equal(table.daily, whole.daily)


@pytest.fixture
def by_message(monkeypatch):
    """As if no worker saw this machine's folders."""
    real = run.executor_parts
    monkeypatch.setattr(run, "executor_parts", lambda *args, **words: real(*args, **words, files=False))


def test_a_parcel_holds_all(whole):
    """Packed and unpacked: grids, rows with long axes, signals of one's own, finer bars: the same lanes."""
    long = esbt.Random(100, {"stop_atr": (0.5, 2.0), "fast": (2, 5)}, seed=1)
    sides = np.where(np.arange(len(BARS)) % 9 == 4, 1, 0)
    own = esbt.Signals(values=sides, stop_atr=1.0, target_r=1.0)
    fine = esbt.synthetic_bars(days=3, interval="5min", seed=1)
    cases = [
        (BARS, STRATEGY, esbt.Grid(SPACE), {"predictions": PREDICTIONS}),
        (BARS, STRATEGY, long, {}),
        (BARS, own, esbt.Grid({"stop_atr": [0.5, 1.0]}), {}),
        (esbt.resample(fine, minutes=15), STRATEGY, esbt.Grid({"path": ["worst", "finer"]}), {"finer": fine}),
    ]
    for bars, strategy, space, words in cases:
        bound = esbt.sweep.lanes.BoundSpace(bars, strategy, esbt.Account(cash=5e4), space, **words)
        back = unpacked(*packed(bound))
        assert len(back) == len(bound)
        lanes = np.arange(len(bound))
        assert back.plans(lanes).tobytes() == bound.plans(lanes).tobytes()
        for mine, yours in zip(bound.groups(lanes), back.groups(lanes), strict=True):
            one, two = (esbt.sweep.market.Markets(b).of(g) for b, g in ((bound, mine), (back, yours)))
            assert np.array_equal(one.sides, two.sides)
            assert np.array_equal(one.atr, two.atr, equal_nan=True)
            assert (one.finer is None) == (two.finer is None)


def test_threads(whole):
    with ThreadPoolExecutor(3) as pool:
        same(swept(pool), whole)


@pytest.mark.parametrize("kind", ["spawn", "forkserver"])
def test_processes(whole, tmp_path, kind):
    with ProcessPoolExecutor(2, mp_context=get_context(kind)) as pool:
        same(swept(pool, out=tmp_path / "there"), whole)
    assert not list((tmp_path / "there").glob(".job-*"))


def test_processes_that_see_no_folder(whole, by_message, monkeypatch):
    """Bars go with as many tasks as there are workers, and a few more at worst."""
    carried = Counter()
    real = workers._Desk._submit

    def counted(self, number, *, carrying):
        carried[carrying] += 1
        real(self, number, carrying=carrying)

    monkeypatch.setattr(workers._Desk, "_submit", counted)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same(swept(pool, part_lanes=1), whole)
    assert 1 <= carried[True] <= 6
    assert carried[False] >= 28


def test_a_process_dies(whole):
    """A process pool breaks as a whole when one of its processes is killed: the rest is run here, and the table is the same."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        pool.submit(os.getpid).result()

        def killer():
            os.kill(next(iter(pool._processes)), signal.SIGKILL)

        timer = threading.Timer(0.05, killer)
        timer.start()
        with pytest.warns(RuntimeWarning, match="the executor broke"):
            same(swept(pool, part_lanes=1), whole)


class Losing(Executor):
    """Runs tasks at once, and loses every one the first `times` times."""

    def __init__(self, times, error=ConnectionError):
        self.times, self.error, self.seen = times, error, Counter()

    def submit(self, fn, task, /):
        future = Future()
        self.seen[task.number] += 1
        if self.seen[task.number] <= self.times:
            future.set_exception(self.error("gone"))
        else:
            future.set_result(fn(task))
        return future


def test_lost_tasks_are_given_again(whole):
    same(swept(Losing(workers.LOSSES)), whole)
    with pytest.raises(EsbtError, match="was lost 6 times"):
        swept(Losing(workers.LOSSES + 1))


def test_a_fault_of_the_task_is_told_as_it_is():
    with pytest.raises(ZeroDivisionError):
        swept(Losing(1, ZeroDivisionError))


def test_what_is_no_executor():
    with pytest.raises(EsbtError, match="give one of concurrent"):
        swept("dask")


def test_the_key_is_of_the_sweep():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 1, "b": 3})


class Cluster:
    """`dask scheduler` and `dask worker` as processes of their own on loopback."""

    def __init__(self, folder, count):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.folder, self.workers = folder, []
        port = self.address.rsplit(":", 1)[1]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show")
        for _ in range(count):
            self.add()

    def add(self):
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(self.folder))
        self.workers.append(self._start("worker", self.address, *words))

    def close(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, *words):
        log = (self.folder / f"{words[0]}.log").open("a")
        return subprocess.Popen([sys.executable, "-m", "dask", *words], env=ENVIRONMENT, cwd=self.folder, stdout=log, stderr=log)


@pytest.fixture
def cluster(tmp_path):
    own = Cluster(tmp_path, 2)
    yield own
    own.close()


@pytest.mark.parametrize("files", [True, False])
def test_a_dask_cluster_that_loses_a_worker(whole, cluster, monkeypatch, files):
    """A worker is killed in mid-sweep and another one comes: nothing is lost, nothing changes."""
    real = run.executor_parts
    monkeypatch.setattr(run, "executor_parts", lambda *args, **words: real(*args, **words, files=files))
    with distributed.Client(cluster.address, timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        kept = []
        keep = esbt.sweep.store.Memory.keep

        def counted(self, part):
            kept.append(part.number)
            if len(kept) == 5:
                cluster.workers[0].send_signal(signal.SIGKILL)
                cluster.add()
            keep(self, part)

        monkeypatch.setattr(esbt.sweep.store.Memory, "keep", counted)
        table = swept(client.get_executor(), part_lanes=1)
        assert cluster.workers[0].wait(timeout=10) == -signal.SIGKILL
    assert sorted(kept) == list(range(32))
    same(table, whole)
