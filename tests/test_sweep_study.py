"""`esbt.Optuna`: better than chance on a market with an edge, the same again, on any number of threads and after a kill."""

import os
import subprocess
import sys

import numpy as np
import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalStorage
from sweep_helpers import BARS, killed_after, single

import esbt
from esbt.errors import EsbtError

STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)
AXES = {
    "fast": (2, 8),
    "slow": (6, 30),
    "stop_atr": esbt.Uniform(0.3, 3.0, log=True),
    "target_r": [0.5, 1.0, 2.0, None],
    "size": [1, esbt.Risk(fraction=0.02)],
}
SCRIPT = """
import esbt
bars = esbt.synthetic_bars(days=6, interval="15min", edge=0.3, seed=5)
axes = {"fast": (2, 8), "slow": (6, 30), "stop_atr": esbt.Uniform(0.3, 3.0, log=True), "target_r": [0.5, 1.0, 2.0, None],
        "size": [1, esbt.Risk(fraction=0.02)]}
strategy = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)
esbt.sweep(bars, strategy, esbt.Optuna(60, axes, batch=8, seed=3), out="there", resume=True, daily=True)
"""


def study(trials=60, **words):
    return esbt.Optuna(trials, AXES, **{"batch": 8, "seed": 3} | words)


@pytest.fixture(scope="module")
def whole():
    return esbt.sweep(BARS, STRATEGY, study(), daily=True)


def test_lanes_are_their_own_backtests(whole):
    assert whole.frame["lane"].to_list() == list(range(60))
    for k in (0, 17, 59):
        result = single(BARS, STRATEGY, whole.bound.space.lane(k), {})
        row = whole.frame.row(k, named=True)
        assert all(np.array_equal(row[name], value, equal_nan=True) for name, value in result.metrics.items())
        assert whole.replay(k).raw_trades.tobytes() == result.raw_trades.tobytes()
        assert row["fast"] < row["slow"]
    assert sum(whole.daily[59]) == round(whole.frame["net_profit"][59] * 10_000)


def test_it_learns(whole):
    """The later half of the lanes is better than the first batch, which is drawn at random."""
    sharpe = whole.frame["sharpe"]
    assert sharpe[40:].median() > sharpe[:8].median() + 1.0


def test_the_same_again_whatever_the_threads(whole):
    assert esbt.sweep(BARS, STRATEGY, study(), daily=True, threads=1).frame.equals(whole.frame)
    assert not esbt.sweep(BARS, STRATEGY, study(seed=4)).frame.equals(whole.frame)


def test_killed_again_and_again(whole, tmp_path):
    """kill -9 after some batches, in the midst of asking, running or telling; the lanes and the table are those of an unbroken run."""
    parts, killed = tmp_path / "there" / "parts", 0
    for wait_for in (1, 3, 5):
        child = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=tmp_path, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        killed += killed_after(child, parts, wait_for, 0.004 * killed)
    assert killed >= 2
    assert len(list(parts.glob("part-*"))) < 8
    table = esbt.sweep(BARS, STRATEGY, study(), out=tmp_path / "there", resume=True, daily=True)
    assert table.frame.equals(whole.frame)
    assert np.array_equal(table.daily, whole.daily)
    assert table.bound.space.frame.equals(whole.bound.space.frame)


@pytest.mark.parametrize("told", [0, 3, 8])
def test_killed_between_the_part_and_the_telling(whole, tmp_path, monkeypatch, told):
    """The part of the third batch is kept, the journal knows of some of its lanes: they are told when it goes on."""
    real = esbt.sweep.study.Study.tell

    def some(self, values):
        values = list(values)
        if self._asked and self.plan.batch * 2 in {t.user_attrs.get("lane") for t in self._study.trials if t.number in self._asked}:
            for number, value in list(zip(self._asked, values, strict=True))[:told]:
                self._tell(number, value)
            raise KeyboardInterrupt
        real(self, values)

    monkeypatch.setattr(esbt.sweep.study.Study, "tell", some)
    with pytest.raises(KeyboardInterrupt):
        esbt.sweep(BARS, STRATEGY, study(), out=tmp_path, daily=True)
    monkeypatch.setattr(esbt.sweep.study.Study, "tell", real)
    assert len(list((tmp_path / "parts").iterdir())) == 3
    assert esbt.sweep(BARS, STRATEGY, study(), out=tmp_path, daily=True, resume=True).frame.equals(whole.frame)


def test_the_journal_is_optunas_own(tmp_path):
    table = esbt.sweep(BARS, STRATEGY, study(20, metric="max_drawdown", storage=tmp_path / "mine.journal"), out=tmp_path / "there")
    journal = JournalStorage(JournalFileBackend(str(tmp_path / "mine.journal")))
    loaded = optuna.load_study(study_name="esbt", storage=journal)
    assert loaded.best_value == table.frame["max_drawdown"].min()
    assert loaded.best_trial.user_attrs["lane"] == table.best("max_drawdown", minimum_trades=0)["lane"][0]
    with pytest.raises(EsbtError, match="not of one sweep"):
        esbt.sweep(BARS, STRATEGY, study(20, metric="max_drawdown", storage=tmp_path / "mine.journal"), out=tmp_path / "other")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: esbt.Optuna(0, AXES), "Optuna trials is 0"),
        (lambda: esbt.Optuna(5, {}), "at least one axis"),
        (lambda: esbt.Optuna(5, AXES, metric="sharp"), "Optuna metric is 'sharp'"),
        (lambda: esbt.Optuna(5, {"stop_atr": (2.0, 1.0)}), "give low below high"),
        (lambda: esbt.sweep(BARS, STRATEGY, esbt.Optuna(5, {"stop_at": (1.0, 2.0)})), "did you mean 'stop_atr'"),
        (lambda: esbt.sweep(BARS, STRATEGY, esbt.Optuna(5, {"stop_atr": (-1.0, 2.0)})), "should be greater than 0"),
        (lambda: esbt.sweep(BARS, STRATEGY, esbt.Optuna(5, {"fast": (20, 30)})), "contradict themselves"),
    ],
)
def test_bad_studies(call, said):
    with pytest.raises(EsbtError) as caught:
        call()
    assert said in str(caught.value)
