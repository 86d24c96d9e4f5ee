"""A study's journal cut off at any byte of its last line, a lock left behind, Ctrl-C at any record: the same trials and table in the end.
And what a study proposes and finds is the same on any number of threads.
"""

import shutil
import signal

import numpy as np
import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalStorage
from sweep_helpers import BARS

import esbt
from esbt.errors import EsbtError
from esbt.sweep.study_journal import mend_journal, open_study

STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)
AXES = {"fast": (2, 8), "slow": (6, 30), "stop_atr": esbt.Uniform(0.3, 3.0, log=True)}  # fast above slow contradicts itself: asked anew
RECORDS = {"create_trial": 4, "parameter": 5, "state": 6, "lane": 8}  # Optuna's operation codes


def swept(out, trials=7, **words):
    return esbt.sweep(BARS, STRATEGY, esbt.Optuna(trials, AXES, batch=3, seed=3), out=out, resume=True, daily=True, threads=1, **words)


def told(out):
    """What the journal says: lane, parameters and value of each finished trial, in order."""
    study = optuna.load_study(study_name="esbt", storage=JournalStorage(JournalFileBackend(str(out / "study.journal"))))
    return [(t.user_attrs["lane"], t.params, t.value) for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]


def stopped(patch, out, record, how):
    """A run that stops at the appending of this record, before or after it is written."""
    real, left = JournalFileBackend.append_logs, [record]

    def append_logs(self, logs):
        left[0] -= 1
        if left[0] == 0 and how == "before":
            signal.raise_signal(signal.SIGINT)
        real(self, logs)
        if left[0] == 0 and how == "after":
            signal.raise_signal(signal.SIGINT)

    with patch.context() as own:
        own.setattr(JournalFileBackend, "append_logs", append_logs)
        with pytest.raises(KeyboardInterrupt) as caught:
            swept(out)
    assert "resume=True" in " ".join(caught.value.__notes__)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    return swept(out), told(out), (out / "study.journal").read_bytes().splitlines(keepends=True)


def require_the_same(out, whole):
    table, trials, _ = whole
    went_on = swept(out)
    assert went_on.frame.equals(table.frame)
    assert np.array_equal(went_on.daily, table.daily)
    assert told(out) == trials
    assert not list(out.glob("study.journal.lock*"))


def places(lines, of):
    """Numbers of the records of one kind in the second batch (trials asked for after the first three were told)."""
    code = RECORDS[of]
    asked = next(k for k, line in enumerate(lines) if b'"op_code":6' in line) + 3
    return [k for k, line in enumerate(lines) if f'"op_code":{code},'.encode() in line and k >= asked]


@pytest.mark.parametrize(("of", "step"), [("state", 1), ("create_trial", 25), ("lane", 25), ("parameter", 25)])
def test_cut_at_every_byte_of_a_line(of, step, whole, monkeypatch, tmp_path):
    """The last line of a stopped run is a record of this kind, of which a part is there: none, some or all but its end. Every byte mends to
    the lines before it; the run goes on from every byte of a value told, and from every 25th and the last ones of the others.
    """
    monkeypatch.setattr("os.fsync", lambda file: None)  # for speed: no power is cut here
    lines = whole[2]
    record = places(lines, of)[1] + 1
    stopped(monkeypatch, tmp_path / "stopped", record, "after")
    content = (tmp_path / "stopped" / "study.journal").read_bytes()
    last = content[:-1].rfind(b"\n") + 1
    assert f'"op_code":{RECORDS[of]},'.encode() in content[last:]
    journal = tmp_path / "cut" / "study.journal"
    for size in range(last, len(content) + 1):
        shutil.copytree(tmp_path / "stopped", journal.parent)
        journal.write_bytes(content[:size])
        if (size - last) % step == 0 or size >= len(content) - 1:
            require_the_same(journal.parent, whole)
        else:
            mend_journal(journal)
            assert journal.read_bytes() == content[:last]
        shutil.rmtree(journal.parent)


@pytest.mark.parametrize("how", ["before", "after"])
def test_ctrl_c_at_any_record(how, whole, monkeypatch, tmp_path):
    """Stopped at every fifth record, gone on, stopped again a dozen records later, gone on."""
    monkeypatch.setattr("os.fsync", lambda file: None)
    for record in range(1, len(whole[2]), 5):
        stopped(monkeypatch, tmp_path / f"{record}", record, how)
        if record + 15 < len(whole[2]):
            stopped(monkeypatch, tmp_path / f"{record}", 12, how)
        require_the_same(tmp_path / f"{record}", whole)


def test_a_lock_left_behind_is_taken_away(whole, monkeypatch, tmp_path):
    """Optuna waits half a minute for a lock: the symbolic link that stands for it, and one on its way out, are gone at once."""
    out = tmp_path / "run"
    stopped(monkeypatch, out, places(whole[2], "state")[0], "after")
    (out / "study.journal.lock").symlink_to(out / "study.journal")
    (out / "study.journal.lock7f.rename").symlink_to(out / "study.journal")
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waited for the lock"))
    require_the_same(out, whole)


def test_any_number_of_threads(monkeypatch, tmp_path):
    """The same trials asked for, in the same order, with the same values, and the same table."""
    monkeypatch.setattr("os.fsync", lambda file: None)
    found = []
    for threads in (1, 2, 3):
        out = tmp_path / f"{threads}"
        plan = esbt.Optuna(40, AXES, batch=16, seed=3)
        table = esbt.sweep(BARS, STRATEGY, plan, out=out, daily=True, threads=threads)
        found.append((table, told(out)))
    (table, trials), *others = found
    assert len(trials) > 30  # of 40; a lane without a Sharpe ratio is not told
    for other, other_trials in others:
        assert other_trials == trials
        assert other.frame.equals(table.frame)
        assert np.array_equal(other.daily, table.daily)


def test_mending_keeps_whole_lines(tmp_path):
    path = tmp_path / "a[b].journal"  # brackets are no pattern
    for content, left in ((b"", b""), (b"x", b""), (b"one\n", b"one\n"), (b"one\ntw", b"one\n"), (b"one\ntwo\n", b"one\ntwo\n")):
        path.write_bytes(content)
        path.with_name("a[b].journal.lock1.rename").touch()
        mend_journal(path)
        assert path.read_bytes() == left
        assert [one.name for one in tmp_path.iterdir()] == [path.name]
    mend_journal(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("content", ["rubbish\n", "7\n", "{}\n", '{"op_code": 4, "worker_id": "a"}\n', '{"half\n{"op_code": 0}\n'])
def test_no_journal(content, tmp_path):
    path = tmp_path / "study.journal"
    path.write_text(content)
    with pytest.raises(EsbtError, match=r"the journal '.*' cannot be used: .*; give another file"):
        open_study(path, "esbt", "maximize")
    with pytest.raises(EsbtError, match="cannot be used"):
        open_study(tmp_path / "no" / "folder", "esbt", "maximize")
