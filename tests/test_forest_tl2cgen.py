"""The tl2cgen back end gives the core's margins on every row, at, below and above thresholds, where tl2cgen itself is right; it is a hook
of the loop; and what it lacks is said plainly."""

import importlib.util
import shutil
import tomllib
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
import treelite
import xgboost as xgb
from forest_helpers import LGB, XGB, probes, with_holes
from sklearn.ensemble import RandomForestRegressor

import esbt
from esbt.errors import EsbtError
from esbt.forest import Forest
from python_models.boosting import TrainedForest


def models(x, y):
    """Name -> a trained model, its treelite model, and how far the sums may lie apart (float32 for XGBoost)."""
    binary = (y > 5).astype(float)
    booster = lgb.train({**LGB, "objective": "binary"}, lgb.Dataset(x, binary), 20)
    rf = lgb.train({**LGB, "objective": "regression", "boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1}, lgb.Dataset(x, y), 10)
    trees = xgb.train({**XGB, "objective": "reg:squarederror"}, xgb.DMatrix(x, y), 20)
    odds = xgb.train({**XGB, "objective": "binary:logistic", "base_score": 0.2}, xgb.DMatrix(x, binary), 20)
    return {
        "lightgbm": (booster, treelite.frontend.from_lightgbm(booster), 1e-12),
        "lightgbm rf": (rf, treelite.frontend.from_lightgbm(rf), 1e-12),
        "xgboost": (trees, treelite.frontend.from_xgboost(trees), 1e-5),
        "xgboost binary": (odds, treelite.frontend.from_xgboost(odds), 1e-5),
    }


@pytest.mark.parametrize("name", ["lightgbm", "lightgbm rf", "xgboost", "xgboost binary"])
def test_the_same_margins(name, train):
    x, y = train
    model, trees, tolerance = models(with_holes(x), y)[name]
    rows = probes(trees, with_holes(x))
    core, other = Forest(model), Forest(model, backend="tl2cgen")
    assert (core.backend in ("bits", "walker"), other.backend) == (True, "tl2cgen")
    expected = core.predict(rows)
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(other.predict(rows), expected, rtol=tolerance, atol=tolerance)
    assert other.row(rows[7]) == other.predict(rows[7:8])[0]
    np.testing.assert_array_equal(other.hook(rows[:50]), other.predict(rows[:50]))
    np.testing.assert_array_equal(other.leaves(rows), core.leaves(rows))
    assert "backend='tl2cgen'" in repr(other)


def test_categories(train):
    """Whole ones from 0 and missing ones. Between -1 and 0, which LightGBM reads as 0, tl2cgen does not."""
    x, y = train
    rng = np.random.default_rng(5)
    x = x.copy()
    x[:, 4] = rng.integers(0, 70, len(x))
    y = y + rng.normal(size=70)[x[:, 4].astype(int)] * 5
    x[rng.random(len(x)) < 0.05, 4] = np.nan
    settings = {**LGB, "objective": "regression", "max_cat_to_onehot": 4, "min_data_per_group": 5, "cat_smooth": 1.0}
    booster = lgb.train(settings, lgb.Dataset(x, y, categorical_feature=[4]), 20)
    rows = np.repeat(x[:1], 75, axis=0)
    rows[:, 4] = np.arange(75)
    rows = np.concatenate([x, rows])
    np.testing.assert_allclose(Forest(booster, backend="tl2cgen").predict(rows), booster.predict(rows, raw_score=True), rtol=1e-12)


def test_in_the_loop_and_from_a_file(train, tmp_path):
    """The same trades as the core's forest, bit for bit: LightGBM's sums are in the order of the trees in both."""
    bars = esbt.synthetic_bars(days=20)
    columns = esbt.features(bars, ["move(1)", "move(30)"])
    x = np.ascontiguousarray(columns.matrix[:, 2000:8000].T)
    booster = lgb.train({**LGB, "objective": "regression"}, lgb.Dataset(x, x[:, 0] - x[:, 1]), 10)
    booster.save_model(tmp_path / "m.txt")
    trades = []
    for forest in (Forest(booster), Forest(tmp_path / "m.txt", backend="tl2cgen")):
        model = esbt.EntryModel(columns, confidence=esbt.Ask(forest, ["move(1)", "move(30)"]), threshold=0.5)
        trades.append(esbt.backtest(bars, esbt.AtrStrategy(), model=model).raw_trades)
    assert len(trades[0]) > 50
    assert trades[0].tobytes() == trades[1].tobytes()


def test_learning_never_builds_one(train):
    """What is loaded from bundles is walked by the core."""
    forest = TrainedForest(xgb.train(XGB, xgb.DMatrix(*train), 2))
    assert TrainedForest.from_content(forest.suffix, forest.content).backend != "tl2cgen"


def test_wrong_rows_are_refused_alike(train):
    x, y = train
    model = RandomForestRegressor(2, max_depth=2).fit(x, y)
    forest = Forest(model, backend="tl2cgen")
    np.testing.assert_allclose(forest.predict(np.asfortranarray(x)), Forest(model).predict(x), rtol=1e-12)
    for bad, why in [(x.astype(float), "float64"), (x[:, :3], "shape"), (x[0], "shape")]:
        with pytest.raises(EsbtError, match=why):
            forest.predict(bad)
    with pytest.raises(EsbtError, match="shape"):
        forest.row(x)


def test_what_is_missing_is_said(train, monkeypatch):
    booster = xgb.train(XGB, xgb.DMatrix(*train), 2)
    with pytest.raises(EsbtError, match="'treelite' is unknown: give 'tl2cgen'"):
        Forest(booster, backend="treelite")
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(EsbtError, match="C compiler"):
        Forest(booster, backend="tl2cgen")
    monkeypatch.undo()
    found = importlib.util.find_spec
    monkeypatch.setattr("esbt.forest_tl2cgen.find_spec", lambda name: None if name == "tl2cgen" else found(name))
    with pytest.raises(EsbtError, match=r'pip install "esbt\[tl2cgen\]"'):
        Forest(booster, backend="tl2cgen")
    assert Forest(booster).backend != "tl2cgen"
    extras = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert [own.partition(">")[0] for own in extras["tl2cgen"]] == ["tl2cgen"]


def test_a_compiler_that_fails(train, tmp_path, monkeypatch):
    """Its complaint comes as an EsbtError, with the way out."""
    fake = tmp_path / "gcc"
    fake.write_text('#!/bin/sh\ntest "$1" = --version\n', "utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(EsbtError, match=r"could not compile the forest with gcc: .*leave backend out"):
        Forest(xgb.train(XGB, xgb.DMatrix(*train), 2), backend="tl2cgen")
