"""Forest = the training library, on every input: same leaf in each tree and same raw margin, at, below and above thresholds, with NaN,
infinities, -0.0 and categories.
"""

import lightgbm as lgb
import numpy as np
import pytest
import treelite
import xgboost as xgb
from forest_helpers import LGB, XGB, F, probes, with_holes
from sklearn.datasets import make_regression
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)

from esbt.errors import EsbtError
from esbt.forest import Forest


def check_same_leaf(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Per tree: rows in one leaf here are in one leaf there, and the other way round."""
    for a, b in zip(ours.T, np.asarray(theirs).reshape(len(ours), -1).T, strict=True):
        pairs = len(set(zip(a.tolist(), b.tolist(), strict=True)))
        assert pairs == len(np.unique(a)) == len(np.unique(b))


LIGHTGBM = {
    "regression": {"objective": "regression"},
    "quantile": {"objective": "quantile", "alpha": 0.8},
    "binary": {"objective": "binary"},
    "no_missing": {"objective": "regression", "use_missing": False},
    "random_forest": {"objective": "regression", "boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1},
    "dart": {"objective": "regression", "boosting": "dart"},
    "stump": {"objective": "regression", "num_leaves": 2},
}


@pytest.mark.parametrize("holes", [False, True], ids=["full", "holes"])
@pytest.mark.parametrize("name", LIGHTGBM)
def test_lightgbm(name, holes, train, tmp_path):
    x, y = train
    x = with_holes(x) if holes else x
    y = (y > 5).astype(float) if name == "binary" else y
    booster = lgb.train({**LGB, **LIGHTGBM[name]}, lgb.Dataset(x, y), 30)
    rows = probes(treelite.frontend.from_lightgbm(booster), x)
    forest = Forest(booster)
    raw = name != "random_forest"  # LightGBM forgets to average a random forest when asked for raw scores
    np.testing.assert_allclose(forest.predict(rows), booster.predict(rows, raw_score=raw), rtol=1e-12, atol=1e-14)
    check_same_leaf(forest.leaves(rows), booster.predict(rows, pred_leaf=True))
    booster.save_model(tmp_path / "m.txt")
    assert np.array_equal(Forest(tmp_path / "m.txt").predict(rows), forest.predict(rows))
    rows[np.abs(rows) <= np.float32(1e-35)] = 0  # a treelite.Model does not tell that LightGBM counts these as 0
    assert np.array_equal(Forest(treelite.frontend.from_lightgbm(booster)).predict(rows), forest.predict(rows))


@pytest.mark.parametrize("categories", [3, 40, 200])
def test_lightgbm_categories(categories, train):
    x, y = train
    rng = np.random.default_rng(5)
    x = x.copy()
    x[:, 4] = rng.integers(0, categories, len(x))
    y = y + rng.normal(size=categories)[x[:, 4].astype(int)] * 5
    x[rng.random(len(x)) < 0.05, 4] = np.nan
    params = {**LGB, "objective": "regression", "max_cat_to_onehot": 4, "min_data_per_group": 5, "cat_smooth": 1.0}
    booster = lgb.train(params, lgb.Dataset(x, y, categorical_feature=[4]), 30)
    model = treelite.frontend.from_lightgbm(booster)
    assert '"categorical_test_node"' in model.dump_as_json()
    rows = np.concatenate([probes(model, x), np.repeat(x[:1], 4 * categories + 12, axis=0)])
    extra = np.arange(-3, categories + 3, dtype=np.float32)
    rows[-4 * len(extra) + 12 :, 4] = np.concatenate([extra, extra + 0.5, np.nextafter(extra, -9e9), np.nextafter(extra, 9e9)])[
        : 4 * len(extra) - 12
    ]
    forest = Forest(booster)
    check_same_leaf(forest.leaves(rows), booster.predict(rows, pred_leaf=True))
    np.testing.assert_allclose(forest.predict(rows), booster.predict(rows, raw_score=True), rtol=1e-12, atol=1e-14)


XGBOOST = {
    "regression": {"objective": "reg:squarederror"},
    "quantile": {"objective": "reg:quantileerror", "quantile_alpha": 0.8},
    "binary": {"objective": "binary:logistic"},
    "binary_base": {"objective": "binary:logistic", "base_score": 0.2},
    "dart": {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.3},
    "leafwise": {"objective": "reg:squarederror", "grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0},
    "exact": {"objective": "reg:squarederror", "tree_method": "exact", "gamma": 1.0},
}


@pytest.mark.parametrize("holes", [False, True], ids=["full", "holes"])
@pytest.mark.parametrize("name", XGBOOST)
def test_xgboost(name, holes, train, tmp_path):
    x, y = train
    x = with_holes(x) if holes else x
    y = (y > 5).astype(float) if "binary" in name else y
    booster = xgb.train({**XGB, **XGBOOST[name]}, xgb.DMatrix(x, y), 30)
    rows = probes(treelite.frontend.from_xgboost(booster), x, inf=False)  # XGBoost refuses infinities, see the next test
    forest, data = Forest(booster), xgb.DMatrix(rows)
    np.testing.assert_allclose(forest.predict(rows), booster.predict(data, output_margin=True), rtol=1e-5, atol=1e-5)
    check_same_leaf(forest.leaves(rows), booster.predict(data, pred_leaf=True))
    for suffix in ("json", "ubj"):
        booster.save_model(tmp_path / f"m.{suffix}")
        assert np.array_equal(Forest(tmp_path / f"m.{suffix}").predict(rows), forest.predict(rows))


def test_xgboost_infinities(train):
    # XGBoost takes no infinities in a DMatrix; the largest floats lie on the same side of every finite threshold.
    x, y = train
    forest = Forest(xgb.train(XGB, xgb.DMatrix(x, y), 20))
    big = np.float32(3.4028235e38)
    rows = np.random.default_rng(2).choice(np.asarray([np.inf, -np.inf, 0.5], dtype=np.float32), (300, F))
    assert np.array_equal(forest.leaves(rows), forest.leaves(np.clip(rows, -big, big)))


@pytest.mark.parametrize("categories", [3, 40])
def test_xgboost_categories(categories, train):
    x, y = train
    rng = np.random.default_rng(5)
    x = x.copy()
    x[:, 4] = rng.integers(0, categories, len(x))
    y = y + rng.normal(size=categories)[x[:, 4].astype(int)] * 5
    x[rng.random(len(x)) < 0.2, 4] = np.nan
    types = ["q"] * 4 + ["c", "q"]
    booster = xgb.train(
        {**XGB, "tree_method": "hist", "max_cat_to_onehot": 4}, xgb.DMatrix(x, y, feature_types=types, enable_categorical=True), 30
    )
    model = treelite.frontend.from_xgboost(booster)
    assert '"categorical_test_node"' in model.dump_as_json()
    extra = np.arange(0, categories + 3, dtype=np.float32)
    rows = np.concatenate([x, np.repeat(x[:1], 3 * len(extra), axis=0)])
    rows[len(x) :, 4] = np.concatenate([extra, extra + 0.5, np.nextafter(extra + 1, 0)])
    forest, data = Forest(booster), xgb.DMatrix(rows, feature_types=types, enable_categorical=True)
    check_same_leaf(forest.leaves(rows), booster.predict(data, pred_leaf=True))
    np.testing.assert_allclose(forest.predict(rows), booster.predict(data, output_margin=True), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
@pytest.mark.parametrize("holes", [False, True], ids=["full", "holes"])
def test_sklearn_forests(kind, holes, train):
    x, y = train
    x = with_holes(x) if holes else x
    model = kind(n_estimators=20, max_depth=7, random_state=0).fit(x, y)
    rows = probes(
        treelite.sklearn.import_model(model), x, nan=holes, inf=False, big=False
    )  # scikit-learn adds the columns up to check them
    forest = Forest(model)
    np.testing.assert_allclose(forest.predict(rows), model.predict(rows), rtol=1e-12)
    check_same_leaf(forest.leaves(rows), model.apply(rows))


def test_sklearn_boosting(train):
    x, y = train
    regressor = GradientBoostingRegressor(n_estimators=20, max_depth=4, random_state=0).fit(x, y)
    rows = probes(treelite.sklearn.import_model(regressor), x, nan=False, inf=False, big=False)
    np.testing.assert_allclose(Forest(regressor).predict(rows), regressor.predict(rows), rtol=1e-12)
    check_same_leaf(Forest(regressor).leaves(rows), regressor.apply(rows))
    binary = GradientBoostingClassifier(n_estimators=20, max_depth=4, random_state=0).fit(x, y > 5)
    np.testing.assert_allclose(Forest(binary).predict(rows), binary.decision_function(rows), rtol=1e-12, atol=1e-14)
    x = with_holes(x)
    hist = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(x, y)
    rows = probes(treelite.sklearn.import_model(hist), x, inf=False, big=False)
    np.testing.assert_allclose(Forest(hist).predict(rows), hist.predict(rows), rtol=1e-12)
    binary = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(x, y > 5)
    np.testing.assert_allclose(Forest(binary).predict(rows), binary.decision_function(rows), rtol=1e-12, atol=1e-14)


def test_wrappers_stop_where_their_predict_stops(train):
    x, y = train
    a = lgb.LGBMRegressor(n_estimators=200, learning_rate=0.5, verbose=-1, n_jobs=1)
    a.fit(x[:700], y[:700], eval_set=[(x[700:], y[700:])], callbacks=[lgb.early_stopping(3, verbose=False)])
    b = xgb.XGBRegressor(n_estimators=200, learning_rate=0.5, early_stopping_rounds=3, n_jobs=1)
    b.fit(x[:700], y[:700], eval_set=[(x[700:], y[700:])], verbose=False)
    assert a.best_iteration_ < 200
    assert b.best_iteration < 200
    assert (Forest(a).n_trees, Forest(b).n_trees) == (a.best_iteration_, b.best_iteration + 1)
    np.testing.assert_allclose(Forest(a).predict(x), a.predict(x), rtol=1e-12)
    np.testing.assert_allclose(Forest(b).predict(x), b.predict(x), rtol=1e-5)


def test_row_equals_block_bit_for_bit(train):
    x, y = train
    for trees in (1, 7, 8, 21):
        forest = Forest(lgb.train({**LGB, "objective": "regression"}, lgb.Dataset(x, y), trees))
        whole = forest.predict(x[:37])
        assert whole.tolist() == [forest.row(r) for r in x[:37]] == forest.predict(np.asfortranarray(x[:37])).tolist()
    assert forest.predict(x[:0]).shape == (0,)


def test_many_features_leave_the_stack_buffer():
    x, y = make_regression(400, 1500, n_informative=50, random_state=0)
    x = x.astype(np.float32)
    booster = lgb.train({**LGB, "objective": "regression", "min_data_in_leaf": 2}, lgb.Dataset(x, y), 30)
    np.testing.assert_allclose(Forest(booster).predict(x), booster.predict(x), rtol=1e-12)
    with pytest.raises(EsbtError, match="1 to 256"):
        _ = Forest(booster).hook
