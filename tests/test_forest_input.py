"""What is no forest, or is damaged, or is asked wrongly, is refused with one clear error; the core refuses walks that would not end."""

import re
import struct

import lightgbm as lgb
import numpy as np
import pytest
import treelite
import treelite.sklearn
import xgboost as xgb
from forest_helpers import LGB, XGB
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from esbt import _core
from esbt.errors import EsbtError
from esbt.forest import Forest
from esbt.forest_bytes import _NotAsKnown, from_accessors, from_bytes


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


def test_lightgbm_numbers_that_are_none(train, tmp_path):
    x, y = train
    text = lgb.train({**LGB, "objective": "regression"}, lgb.Dataset(x, y), 3).model_to_string()
    for key in ("leaf_value", "threshold", "split_feature", "left_child", "decision_type"):
        path = tmp_path / "m.txt"
        path.write_text(re.sub(rf"\n{key}=[^ \n]*", f"\n{key}=z", text, count=1))
        with pytest.raises(EsbtError):
            Forest(path)


def test_serialised_trees_are_what_the_accessors_give(train):
    x, y = train
    models = [
        treelite.frontend.from_lightgbm(lgb.train({**LGB, "objective": "regression"}, lgb.Dataset(x, y), 7)),
        treelite.frontend.from_xgboost(xgb.train(XGB, xgb.DMatrix(x, y), 7)),
        treelite.sklearn.import_model(RandomForestRegressor(5, random_state=0).fit(x, y)),
    ]
    for model in models:
        data = model.serialize_bytes()
        columns, sizes = from_bytes(data, model.num_tree)
        expected, expected_sizes = from_accessors(model)
        assert sizes.tolist() == expected_sizes.tolist()
        assert sizes.sum() > 50
        for name, values in expected.items():
            np.testing.assert_array_equal(columns[name], values, err_msg=name)
        newer = (5).to_bytes(4, "little") + data[4:]
        for bad in (newer, data[:-1], data + b"\0", data[:5]):
            with pytest.raises((_NotAsKnown, struct.error)):
                from_bytes(bad, model.num_tree)
