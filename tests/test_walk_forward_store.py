"""A walk-forward in a folder and by executors: kill -9 at any moment, go on, same result; other plan, data or version refused; one worker
or two, threads or processes, the same numbers."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from walk_helpers import BARS, GRID, FiledTrainer, MeanTrainer, same, walked

import esbt
from esbt.errors import EsbtError
from esbt.sweep import workers
from esbt.walkforward.fold import FoldWork

SCRIPT = """
import time
from walk_helpers import MeanTrainer, walked

class Slow(MeanTrainer):
    def train(self, *given):
        time.sleep(0.15)
        return super().train(*given)

    def described(self):
        return MeanTrainer().described()

walked(models=[Slow()], out="there", resume=True)
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}


@pytest.fixture(scope="module")
def whole():
    return walked(models=[MeanTrainer()])


def parts(folder):
    return sorted(path.name for path in (folder / "parts").glob("part-*"))


def test_a_folder_gives_the_result_of_memory(whole, tmp_path):
    same(walked(models=[MeanTrainer()], out=tmp_path / "there"), whole)
    assert len(parts(tmp_path / "there")) == 5
    same(walked(models=[MeanTrainer()], out=tmp_path / "there", resume=True), whole)


def test_killed_again_and_again(whole, tmp_path):
    """kill -9 after ever more folds and at moments of no plan, then to the end: the same result, no scrap."""
    killed = 0
    for wait_for, pause in ((-1, 0.0), (0, 0.05), (1, 0.0), (2, 0.1), (3, 0.03)):
        child = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=tmp_path, env=ENVIRONMENT)
        while child.poll() is None and (len(parts(tmp_path / "there")) if (tmp_path / "there" / "parts").exists() else -1) < wait_for:
            time.sleep(0.001)
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
    assert killed >= 4
    assert 0 < len(parts(tmp_path / "there")) < 5
    (tmp_path / "there" / "parts" / ".part-000004.scrap.parquet").write_bytes(b"half a file")
    same(walked(models=[MeanTrainer()], out=tmp_path / "there", resume=True), whole)
    assert not list((tmp_path / "there").rglob(".*"))


def test_what_is_done_is_not_done_again(whole, tmp_path, monkeypatch):
    """A fold whose file is gone is found anew, and those after it, which begin with its equity."""
    walked(models=[MeanTrainer()], out=tmp_path)
    (tmp_path / "parts" / "part-000003.parquet").unlink()
    real, done = FoldWork.__call__, []
    monkeypatch.setattr(FoldWork, "__call__", lambda self, number: done.append(number) or real(self, number))
    same(walked(models=[MeanTrainer()], out=tmp_path, resume=True), whole)
    assert done == [3, 4]


@pytest.mark.parametrize("executor", [False, True])
def test_a_stop_by_the_user_keeps_finished_folds(whole, tmp_path, monkeypatch, executor):
    real = FoldWork.__call__

    def stopped(self, number):
        if number == 3:
            raise KeyboardInterrupt
        return real(self, number)

    monkeypatch.setattr(FoldWork, "__call__", stopped)
    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt) as caught:
        walked(models=[MeanTrainer()], out=tmp_path, executor=pool if executor else None)
    assert "resume=True" in caught.value.__notes__[0]
    assert parts(tmp_path) == [f"part-{k:06d}.parquet" for k in range(3)]
    monkeypatch.setattr(FoldWork, "__call__", real)
    same(walked(models=[MeanTrainer()], out=tmp_path, resume=True), whole)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": 31}, "windows.train was '30 sessions', is '31 sessions'"),
        ({"anchored": True}, "windows.anchored was False, is True"),
        ({"grid": {**GRID, "fast": [2, 4]}}, "space.axes.fast was [2, 3], is [2, 4]"),
        ({"metric": "calmar"}, "choice.metric was 'sharpe', is 'calmar'"),
        ({"models": [MeanTrainer(shift=1.0)]}, "models.mean.shift was 0.0, is 1.0"),
        ({"models": []}, "models.mean was"),
        ({"cash": 5000.0}, "account.cash was 100000.0, is 5000.0"),
        ({"bars": BARS[:-1]}, "data.bars was"),
        ({"features": ["rsi(14)", "rsi(9)"]}, "features.mean.names was"),
    ],
)
def test_another_plan_or_data_is_refused(tmp_path, change, said):
    walked(models=[MeanTrainer()], out=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(EsbtError) as caught:
        walked(**{"models": [MeanTrainer()]} | change, out=tmp_path, resume=True)
    assert said in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_another_version_or_a_folder_in_use_is_refused(tmp_path, monkeypatch):
    walked(out=tmp_path)
    with pytest.raises(EsbtError, match="is not empty: give resume=True"):
        walked(out=tmp_path)
    monkeypatch.setattr(esbt, "__version__", "99")
    with pytest.raises(EsbtError, match=r"version was '0\.1\.0', is '99'"):
        walked(out=tmp_path, resume=True)


def test_a_folder_of_a_sweep_is_refused(tmp_path):
    esbt.sweep(BARS, esbt.AtrStrategy(), GRID, out=tmp_path)
    with pytest.raises(EsbtError, match="holds another run"):
        walked(out=tmp_path, resume=True)


def test_the_manifest_says_what_it_is(tmp_path):
    walked(models=[MeanTrainer()], out=tmp_path)
    said = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert said["windows"] == {
        "train": "30 sessions", "test": "12 sessions", "embargo": "1 session", "anchored": False, "partial": True, "longest_gap": 31,
    }  # fmt: skip
    assert said["models"]["mean"] == {"kind": "MeanTrainer", "features": ["rsi(14)"], "name": "mean", "shift": 0.0}


@pytest.mark.parametrize("count", [1, 3])
def test_threads(whole, count):
    with ThreadPoolExecutor(count) as pool:
        same(walked(models=[MeanTrainer()], executor=pool), whole)


@pytest.mark.parametrize("count", [1, 2])
def test_processes(whole, tmp_path, count):
    """Trained models come back as the executor carries them, or as files where they can be saved: the same either way."""
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        same(walked(models=[MeanTrainer()], executor=pool, out=tmp_path / "a"), whole)
        filed = walked(models=[FiledTrainer()], executor=pool)
        same(walked(models=[FiledTrainer()]), filed)
        assert filed.trades.equals(whole.trades)
    assert not list((tmp_path / "a").glob(".job-*"))


def test_arrays_travel_once_a_worker(monkeypatch, tmp_path):
    """Tasks carry no arrays: these lie in files while the walk-forward runs."""
    real, tasks = workers._Desk._submit, []

    def seen(self, number, *, carrying):
        tasks.append(carrying)
        real(self, number, carrying=carrying)

    monkeypatch.setattr(workers._Desk, "_submit", seen)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        walked(models=[MeanTrainer()], executor=pool)
    assert tasks == [False] * 5


def test_a_process_that_dies(whole):
    """The pool breaks; the rest is done here, and nothing changes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(os.getpid).result()
        os.kill(next(iter(pool._processes)), signal.SIGKILL)
        with pytest.warns(RuntimeWarning, match="the executor broke"):
            same(walked(models=[MeanTrainer()], executor=pool), whole)


def test_a_model_that_cannot_travel_is_told_at_once(whole, monkeypatch):
    model = MeanTrainer()
    model.train = lambda *given: MeanTrainer().train(*given)
    with ProcessPoolExecutor(1) as pool:
        with pytest.raises(EsbtError, match="model 'mean' cannot be carried to another process"):
            walked(models=[model], executor=pool)
        assert not pool._processes
    with ThreadPoolExecutor(1) as pool:
        assert walked(models=[model], executor=pool).trades.equals(whole.trades)
