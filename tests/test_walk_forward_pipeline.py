"""The pipeline's phases in a walk-forward: what a fold trades is what `learn` by hand on its window trades; steps share one learning;
bundles carry them between processes; poisoned test bars teach nothing."""

import importlib.util
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import polars as pl
import pytest
from learning_helpers import ROOT, changed_bars, fixed_answers, market, quick, same_model
from walk_helpers import same

import esbt
from esbt.errors import EsbtError
from esbt.walkforward import folds_of, windows_of
from esbt.walkforward.fold import files_of, trained_of
from python_models import Training, learn
from python_models.walk import STEPS, PipelineTrainer, pipeline_steps

WALK = sys.modules["python_models.walk"]
BARS = market(days=56)
STRATEGY = esbt.AtrStrategy()
CUT = {"train": "36 sessions", "test": "10 sessions"}
LEARNING = quick(features=("rsi(14)", "move(5)", "vwap_distance", "minutes_since_open"))
FOLDS, _ = folds_of(BARS, windows_of(**CUT))
FEATURES = esbt.features(BARS, LEARNING.features)


def walked(**words):
    return esbt.walk_forward(BARS, STRATEGY, progress=False, **CUT | words)


@pytest.fixture(scope="module")
def wf():
    return walked(models=pipeline_steps(LEARNING))


def sliced(rows, bars=BARS):
    return esbt.Signals(values=STRATEGY.signals(bars)[rows], atr_ticks=STRATEGY.atr(bars)[rows], **STRATEGY.exits())


def learned(fold, bars=BARS, features=FEATURES):
    return learn(Training(bars[fold.train], features[fold.train], sliced(fold.train, bars), esbt.Account(), LEARNING))


def test_each_step_trades_what_was_learned_on_its_window(wf):
    """By hand, from `learn` and `esbt.backtest` alone."""
    cash = dict.fromkeys(STEPS, 100_000.0)
    for fold in FOLDS:
        own = learned(fold)
        assert own.size is not None
        models = {STEPS[0]: own.model(FEATURES[fold.test], filtered=False)}
        models |= dict.fromkeys(STEPS[1:], own.model(FEATURES[fold.test]))
        for step, model in models.items():
            size = own.size if step == STEPS[2] else 1
            alone = esbt.backtest(BARS[fold.test], sliced(fold.test), model=model, cash=cash[step], size=size)
            moved = alone.trades.with_columns(pl.col("entry_bar", "exit_bar") + fold.test_start)
            assert wf.trades_of(step).filter(fold=fold.number).drop("fold").equals(moved)
            assert len(moved)
            cash[step] += alone.net_profit
    assert wf.luck["trials"].to_list() == [1, 4, 4, 4]
    assert set(wf.facts.filter(run=STEPS[2])["fact"]) == {"phases", "threshold", "payoff"}


def test_steps_learn_together(monkeypatch, wf):
    real, count = WALK.learn, []
    monkeypatch.setattr(WALK, "learn", lambda training: count.append(1) or real(training))
    WALK._LAST.clear()
    same(walked(models=pipeline_steps(LEARNING)), wf)
    assert len(count) == len(FOLDS) == 2


def test_poisoned_test_bars_teach_nothing():
    fold = FOLDS[0]
    poisoned = changed_bars(BARS, fold.train_stop, seed=9)
    other = esbt.features(poisoned, LEARNING.features)
    assert not np.array_equal(other.matrix[:, fold.test], FEATURES.matrix[:, fold.test])
    assert same_model(learned(fold), learned(fold, poisoned, other))
    moved = changed_bars(BARS, fold.train_stop - 5000, fold.train_stop, seed=9)
    assert not same_model(learned(fold), learned(fold, moved, esbt.features(moved, LEARNING.features)))


def test_processes_give_the_same(wf):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same(walked(models=pipeline_steps(LEARNING), executor=pool), wf)


def test_what_was_learned_travels_as_a_bundle():
    fold, trainer = FOLDS[0], PipelineTrainer(LEARNING)
    trained = trainer.train(BARS[fold.train], FEATURES[fold.train], sliced(fold.train), esbt.Account())
    files = files_of(trained)
    assert "bundle/manifest.json" in files
    back = trained_of(trainer, files)
    assert np.array_equal(fixed_answers(back.learned), fixed_answers(trained.learned))
    assert back.facts == trained.facts
    assert back.account(esbt.Account()) == trained.account(esbt.Account())
    with pytest.raises(EsbtError, match="not saved again"):
        files_of(back)
    files["bundle/learned.json"] += b" "
    with pytest.raises(EsbtError, match=r"learned\.json"):
        trained_of(trainer, files)


def test_too_little_to_learn_from_is_said():
    short = walked(models=PipelineTrainer(LEARNING.model_copy(update={"min_labels": 100_000})))
    assert short.trades.drop("fold", "confidence").equals(short.trades_of("baseline").drop("fold", "confidence"))
    assert any("left out" in note for note in short.notes)
    assert short.facts["value"].unique().to_list() == ["none"]


@pytest.mark.parametrize(
    ("strategy", "words", "said"),
    [
        (STRATEGY.model_copy(update={"stop_atr": None, "target_r": None, "stop_ticks": 9}), {}, "learns the stop: stop_atr cannot be off"),
        (STRATEGY, {"size": esbt.Risk()}, "size must be whole contracts"),
        (STRATEGY, {"grid": {"stop_atr": [2.0, None], "target_r": [None]}}, "stop_atr cannot be off"),
    ],
)
def test_what_the_pipeline_cannot_trade_is_told_before_any_work(strategy, words, said, monkeypatch):
    monkeypatch.setattr(WALK, "learn", lambda training: pytest.fail("work began"))
    with pytest.raises(EsbtError, match=said):
        esbt.walk_forward(BARS, strategy, models=PipelineTrainer(LEARNING), progress=False, **CUT | words)
    with pytest.raises(EsbtError, match="phases is 4"):
        PipelineTrainer(LEARNING, 4)


def test_the_script_of_real_years_says_what_it_finds(wf):
    """Each target of the baseline and of the full pipeline, achieved or not as the result has it; every run with its luck."""
    spec = importlib.util.spec_from_file_location("real_years", ROOT / "scripts" / "real_years.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    lines = script.findings(wf)
    targets = [line for line in lines if "wanted" in line]
    achieved = wf.targets.filter(pl.col("run").is_in(["baseline", STEPS[2]]))["achieved"].to_list()
    assert [": achieved" in line for line in targets] == achieved
    assert ["not achieved" in line for line in targets] == [not one for one in achieved]
    assert {True, False} == set(achieved)
    assert sum("deflated by" in line for line in lines) == len(wf.runs)
    raised = wf.metrics["sharpe"] > wf.baseline.metrics["sharpe"]
    assert lines[-2].startswith(f"It {'raised' if raised else 'did not raise'} the Sharpe ratio")
    sure = wf.luck["deflated_sharpe"][-1] > 0.95
    assert ("more than luck explains" in lines[-1]) == sure
    ruined = walked(models=pipeline_steps(LEARNING), cash=60.0)
    assert "cannot be compared" in script.findings(ruined)[-2]
