"""Forest = the training library, on every input: same leaf in each tree and same raw margin, at, below and above thresholds, with NaN,
infinities, -0.0 and categories. Also: what cannot be read is refused with one clear error, and the core refuses walks that would not end.
"""

import re

import lightgbm as lgb
import numpy as np
import pytest
import treelite
import xgboost as xgb
from sklearn.datasets import make_regression
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from esbt import _core
from esbt.errors import EsbtError
from esbt.forest import Forest

F = 6
LGB = {"verbose": -1, "num_leaves": 15, "min_data_in_leaf": 5, "num_threads": 1, "deterministic": True}
XGB = {"max_depth": 5, "nthread": 1, "eta": 0.3}


@pytest.fixture(scope="module")
def train() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(1500, F)).astype(np.float32)
    x[:, 1] = np.round(x[:, 1] * 2)  # zeros and ties among the thresholds
    x[:, 2] *= np.float32(1e-38)  # denormal floats too
    y = x[:, 0] * 2 + np.where(x[:, 1] > 0, 1, -1) + x[:, 2] * 1e38 * x[:, 3] + rng.normal(size=len(x)) + 5
    return x, y


def with_holes(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    return x


def probes(forest_model: treelite.Model, x: np.ndarray, *, nan: bool = True, inf: bool = True, big: bool = True) -> np.ndarray:
    """Rows that hold every threshold of the model, one float32 ulp either side, and the special values, each in real surroundings."""
    rng = np.random.default_rng(3)
    special = [0.0, -0.0, 1e-45, -1e-45, 1e-35, -1e-35, 1e30, -1e30]
    special += [3.4028235e38, -3.4028235e38] * big + [np.inf, -np.inf] * inf + [np.nan] * nan
    rows = [x[:200]]
    edges: dict[int, list[float]] = {f: list(special) for f in range(x.shape[1])}
    for tree in (forest_model.get_tree_accessor(i) for i in range(forest_model.num_tree)):
        split = tree.get_field("node_type") == 1
        for f, t in zip(tree.get_field("split_index")[split], tree.get_field("threshold")[split].astype(np.float32), strict=True):
            edges[f] += [t, np.nextafter(t, np.float32(-np.inf)), np.nextafter(t, np.float32(np.inf))]
    if not inf:  # scikit-learn's split "missing or not" has an infinite threshold
        edges = {f: [v for v in values if not np.isinf(v)] for f, values in edges.items()}
    for f, values in edges.items():
        block = x[rng.integers(0, len(x), len(values))].copy()
        block[:, f] = values
        rows.append(block)
    mixed = np.stack([rng.choice(np.asarray(edges[f], dtype=np.float32), 500) for f in range(x.shape[1])], axis=1)
    return np.concatenate([*rows, mixed]).astype(np.float32)


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
    assert forest.backend == "walker"


def test_many_features_leave_the_stack_buffer():
    x, y = make_regression(400, 1500, n_informative=50, random_state=0)
    x = x.astype(np.float32)
    booster = lgb.train({**LGB, "objective": "regression", "min_data_in_leaf": 2}, lgb.Dataset(x, y), 30)
    np.testing.assert_allclose(Forest(booster).predict(x), booster.predict(x), rtol=1e-12)
    with pytest.raises(EsbtError, match="1 to 256"):
        _ = Forest(booster).hook


def test_refused_models(train, tmp_path):
    x, y = train
    three = np.digitize(y, [4, 6])
    zero = lgb.train({**LGB, "objective": "regression", "zero_as_missing": True}, lgb.Dataset(x, y), 5)
    linear = lgb.train({**LGB, "objective": "regression", "linear_tree": True}, lgb.Dataset(x, y), 5)
    for model, why in [
        (lgb.train({**LGB, "objective": "multiclass", "num_class": 3}, lgb.Dataset(x, three), 3), "3.* classes"),
        (xgb.train({**XGB, "objective": "multi:softmax", "num_class": 3}, xgb.DMatrix(x, three), 3), "classes"),
        (RandomForestClassifier(3).fit(x, y > 5), "not a forest"),
        (RandomForestRegressor(3).fit(x, np.stack([y, y], axis=1)), "2 targets"),
        (xgb.train({"booster": "gblinear", "updater": "coord_descent"}, xgb.DMatrix(x, y), 3), "cannot be read"),
        (zero, "zero_as_missing"),
        (linear, "linear_tree=False"),
        ({"trees": []}, "a dict is not a forest"),
        (tmp_path / "m.pkl", "pickles are not read"),
        (tmp_path / "none.json", "cannot be read"),
    ]:
        with pytest.raises(EsbtError, match=why):
            Forest(model)


def test_corrupt_files(train, tmp_path):
    x, y = train
    text = lgb.train({**LGB, "objective": "regression"}, lgb.Dataset(x, y), 3).model_to_string()
    booster = xgb.train(XGB, xgb.DMatrix(x, y), 3)
    jsn, ubj = (bytes(booster.save_raw(raw_format=f)) for f in ("json", "ubj"))
    line = next(s for s in text.splitlines() if s.startswith("left_child="))
    loop = text.replace(line, "left_child=" + " ".join(["0"] * len(line.split())), 1)
    wild = text.replace(line, "left_child=" + " ".join(["9999"] * len(line.split())), 1)
    for suffix, data in [
        *[("txt", text.encode()[:n]) for n in (0, 5, 400, 900, 2000)],
        *[("txt", bad.encode()) for bad in (loop, wild, text.replace("num_leaves=15", "num_leaves=16"), text.replace("threshold=", "x="))],
        *[("json", jsn[:n]) for n in (0, 5, len(jsn) // 2, len(jsn) - 1)],
        *[("ubj", ubj[:n]) for n in (0, 5, len(ubj) // 2, len(ubj) - 1)],
        *[(s, b"\x80\x04\x95rubbish\x00\xff" * 9) for s in ("txt", "json", "ubj")],
    ]:
        path = tmp_path / f"m.{suffix}"
        path.write_bytes(data)
        with pytest.raises(EsbtError):
            Forest(path)


def test_wrong_input(train):
    x, y = train
    forest = Forest(lgb.train({**LGB, "objective": "regression"}, lgb.Dataset(x, y), 3))
    for bad, why in [
        (x.astype(np.float64), r"float64.*astype"),
        (x[:, :5], r"\(1500, 5\).*float32\[n, 6\]"),
        (x[0], "shape"),
        (x.tolist(), "list"),
    ]:
        with pytest.raises(EsbtError, match=why):
            forest.predict(bad)
    with pytest.raises(EsbtError, match=r"float32\[6\]"):
        forest.row(x)


STUMP = {
    "tree_start": [0, 3],
    "feature": [0, -1, -1],
    "threshold": [0.5, 0, 0],
    "strict": [0, 0, 0],
    "nan_left": [1, 0, 0],
    "left": [1, -1, -1],
    "right": [2, -1, -1],
    "value": [0, 1.0, 2.0],
}
TYPES = dict(zip(STUMP, ["i8", "i4", "f8", "u1", "u1", "i4", "i4", "f8"], strict=True))
EDGES = (1.0, 1 + 1e-12, 1 - 1e-12, 0.0, -0.0, 1e-300, -1e-300, np.inf, -np.inf, 1e300, -1e300)


def core(n_features=1, **changes):
    return _core.Forest(**{k: np.asarray(v, TYPES[k]) for k, v in {**STUMP, **changes}.items()}, n_features=n_features)


def test_core_compares_exactly():
    one = np.float32(1.0)
    for strict, threshold in [(s, t) for s in (0, 1) for t in EDGES]:
        near = [one, np.nextafter(one, 0 * one), np.nextafter(one, 2 * one), np.float32(0), np.float32(-0.0)]
        values = np.asarray([*near, np.float32(1e-45), np.float32(-1e-45), np.inf, -np.inf, 3.4028235e38, -3.4028235e38], dtype=np.float32)
        wide = values.astype(np.float64)
        left = wide < threshold if strict else wide <= threshold
        got = core(threshold=[threshold, 0, 0], strict=[strict, 0, 0]).predict(values[:, None])
        assert got.tolist() == np.where(left, 1.0, 2.0).tolist(), (strict, threshold)
        for side in (0, 1):
            forest = core(threshold=[threshold, 0, 0], strict=[strict, 0, 0], nan_left=[side, 0, 0])
            assert forest.row(np.asarray([np.nan], np.float32)) == 2 - side
            assert forest.row(-np.asarray([np.nan], np.float32)) == 2 - side


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"left": [0, -1, -1]}, "must come after"),
        ({"right": [3, -1, -1]}, "must come after"),
        ({"left": [-1, -1, -1]}, "must come after"),
        ({"feature": [1, -1, -1]}, "feature 1"),
        ({"feature": [-2, -1, -1]}, "feature -2"),
        ({"tree_start": [0, 2]}, "tree_start"),
        ({"tree_start": [0, 5, 3]}, "runs past"),
        ({"tree_start": [0, 0, 3]}, "no nodes"),
        ({"tree_start": []}, "tree_start"),
        ({"value": [0, np.nan, 0]}, "leaf value"),
        ({"threshold": [np.nan, 0, 0]}, "threshold is NaN"),
        ({"value": [0, 1]}, "differ in length"),
        ({"n_features": 0}, "features"),
    ],
)
def test_core_refuses(changes, why):
    with pytest.raises(ValueError, match=why):
        core(**changes)


def test_category_lists_that_reach_past_their_end(train, tmp_path):
    # treelite reads there without looking: one damaged byte ended the process.
    x, y = train
    x = np.column_stack([x[:, :2], np.arange(len(x)) % 5]).astype(np.float32)
    data = xgb.DMatrix(x, y + x[:, 2], feature_types=["q", "q", "c"], enable_categorical=True)
    booster = xgb.train({"max_depth": 3, "tree_method": "hist", "max_cat_to_onehot": 2}, data, 3)
    text, binary = (bytes(booster.save_raw(raw_format=f)) for f in ("json", "ubj"))
    at = binary.index(b"categories_segments[$L#L") + len(b"categories_segments[$L#L") + 8
    for suffix, good, bad in [
        ("json", text, re.sub(rb'"categories_sizes":\[\d', b'"categories_sizes":[9999999', text)),
        ("json", text, re.sub(rb'"categories_segments":\[0', b'"categories_segments":[-7', text)),
        ("ubj", binary, binary[: at + 1] + b"\x7f" + binary[at + 2 :]),
    ]:
        path = tmp_path / f"m.{suffix}"
        path.write_bytes(good)
        np.testing.assert_allclose(Forest(path).predict(x), booster.predict(data), rtol=1e-5)
        assert bad != good
        path.write_bytes(bad)
        with pytest.raises(EsbtError, match="categories do not fit"):
            Forest(path)


def test_histogram_boosting_with_categories_is_refused() -> None:
    x = np.arange(400, dtype=np.float32).reshape(200, 2) % 5
    model = HistGradientBoostingRegressor(max_iter=3, categorical_features=[0]).fit(x, x[:, 0])
    with pytest.raises(EsbtError, match="categorical features is not supported"):
        Forest(model)
