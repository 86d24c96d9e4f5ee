"""What models look at: SHAP rows sum to the margin and are the Shapley values by their definition, planted features come first, curves are
purged, folds and trials say what they were given."""

from itertools import combinations
from math import factorial

import lightgbm as lgb
import numpy as np
import pytest
from learning_helpers import many_spans
from sklearn.metrics import roc_auc_score

from esbt.errors import EsbtError
from python_models.boosting import TrainedForest
from python_models.cross_validation import PurgedKFold
from python_models.explain import Shap, gain_importance, permutation_importance, shap_values
from python_models.learners import Learner, Sample
from python_models.learning_curves import fold_table, learning_curve
from python_models.trials import Trials

NAMES = ("a", "b", "c", "d", "e")
PARAMETERS = {
    "lightgbm": {"trees": 40, "learning_rate": 0.1, "num_leaves": 7, "min_data_in_leaf": 20},
    "xgboost": {"trees": 40, "eta": 0.1, "max_depth": 3},
}


def auc(y, margins):
    return float(roc_auc_score(y, margins))


@pytest.fixture(scope="module")
def planted():
    """c decides, then a with a minus; a tenth of all values are missing."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(1500, 5)).astype(np.float32)
    y = (2.0 * x[:, 2] - x[:, 0] + rng.normal(size=1500) > 0).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, y


@pytest.fixture(scope="module", params=PARAMETERS)
def forest(request, planted):
    return Learner(request.param).fit(Sample(*planted), PARAMETERS[request.param])


def test_shap_rows_sum_to_the_margin(forest, planted):
    x, _ = planted
    shap = shap_values(forest, x, NAMES)
    assert shap.values.shape == x.shape
    tolerance = 1e-10 if forest.suffix == ".txt" else 1e-5  # XGBoost computes in float32
    np.testing.assert_allclose(shap.base + shap.values.sum(axis=1), forest.predict(x), atol=tolerance)
    assert np.ptp(forest.predict(x)) > 1.0


def test_planted_features_come_first(forest, planted):
    """By every measure, and with their sign."""
    x, y = planted
    shap = shap_values(forest, x, NAMES).table
    gain = gain_importance(forest, NAMES)
    permuted = permutation_importance(forest.predict, auc, x, y, NAMES, repeats=3)
    for table in (shap, gain, permuted):
        assert table["feature"].to_list()[:2] == ["c", "a"]
        assert sorted(table["feature"]) == list(NAMES)
    for table in (shap, gain):
        assert table["share"].sum() == pytest.approx(1.0)
        assert table["share"].is_sorted(descending=True)
    assert shap["up"][0] > 0.9
    assert shap["up"][1] < -0.9
    assert permuted["drop"][0] > 5 * permuted["sd"][0] > 0


def test_shap_is_shapley_by_its_definition():
    """All orders of three features, the unknown ones followed down both sides by the training rows that went there (TreeSHAP's value)."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, (400, 3)).astype(np.float32)
    y = x[:, 0] * x[:, 1] - x[:, 2] + rng.normal(size=400)
    settings = {"objective": "regression", "num_leaves": 6, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(settings, lgb.Dataset(x, y), 3)
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]

    def value(node, row, known):
        if "leaf_value" in node:
            return node["leaf_value"]
        sides = [node["left_child"], node["right_child"]]
        if node["split_feature"] in known:
            return value(sides[not row[node["split_feature"]] <= node["threshold"]], row, known)
        weights = [side.get("leaf_count", side.get("internal_count")) for side in sides]
        return sum(w * value(side, row, known) for w, side in zip(weights, sides, strict=True)) / sum(weights)

    def shapley(row, feature):
        others = [f for f in range(3) if f != feature]
        total = 0.0
        for size in range(3):
            for known in combinations(others, size):
                weight = factorial(size) * factorial(2 - size) / factorial(3)
                total += weight * sum(value(t, row, {*known, feature}) - value(t, row, set(known)) for t in trees)
        return total

    shap = shap_values(TrainedForest(booster), x[:20], ("a", "b", "c"))
    expected = [[shapley(row, feature) for feature in range(3)] for row in x[:20]]
    np.testing.assert_allclose(shap.values, expected, atol=1e-10)


def test_gain_by_hand():
    """One split: all gain is its feature's."""
    x = np.array([[0, 5]] * 30 + [[1, 5]] * 30, np.float32)
    booster = lgb.train({"objective": "regression", "min_data_in_leaf": 5, "verbosity": -1}, lgb.Dataset(x, x[:, 0].astype(float)), 1)
    table = gain_importance(TrainedForest(booster), ("split", "constant"))
    assert table.select("feature", "share", "splits").rows() == [("split", 1.0, 1), ("constant", 0.0, 0)]


def test_no_direction_where_nothing_varies():
    values = np.array([[0.5, 0.0], [-0.5, 0.0], [0.1, 0.0]])
    table = Shap(("a", "b"), values, 0.0, np.array([[3, 1], [1, 1], [2, 1]], np.float32)).table
    assert table["up"][0] == pytest.approx(1.0)
    assert np.isnan(table["up"][1])
    assert table["share"].to_list() == [1.0, 0.0]


def test_refused(forest, planted):
    x, y = planted
    with pytest.raises(EsbtError, match="5 inputs, got 4 names"):
        shap_values(forest, x, NAMES[:4])
    with pytest.raises(EsbtError, match=r"float32\[n, 5\]"):
        shap_values(forest, x.astype(float), NAMES)
    with pytest.raises(EsbtError, match="one or more"):
        shap_values(forest, x[:0], NAMES)
    with pytest.raises(EsbtError, match="as many targets"):
        permutation_importance(forest.predict, auc, x, y[:-1], NAMES)


@pytest.fixture(scope="module")
def spanned():
    """Rows in order of time whose spans cross, each row's only feature its own number."""
    start, length = np.array([many_spans(s, 400) for s in range(6)]).reshape(-1, 2).T
    order = np.argsort(start, kind="stable")
    x = np.arange(360, dtype=np.float32)[:, None]
    return Sample(x, np.arange(360) % 2, start=start[order], end=(start + length)[order])


def test_learning_curve_is_purged_and_reaches_further_back(spanned):
    seen = []

    def spy(sample, x):
        seen.append((sample, x[:, 0].astype(int)))
        return x[:, 0].astype(float)

    curve = learning_curve(spy, lambda y, m: float(len(m)), spanned, shares=(0.25, 0.5, 1.0), held_out=0.25, embargo_bars=7)
    judged = np.arange(270, 360)
    begins = spanned.start[270]
    allowed = np.flatnonzero(spanned.end < begins - 7)
    assert allowed.size < 270  # the purge took some
    earliest, latest = spanned.start[allowed[0]], spanned.start[allowed[-1]]
    for (sample, asked), share, rows in zip(seen, curve["share"], curve["rows"], strict=True):
        fitted = sample.x[:, 0].astype(int)
        assert asked.tolist() == [*fitted, *judged]
        assert len(fitted) == rows
        assert sample.end.max() < begins - 7
        assert sample.start.min() >= latest + 1 - share * (latest + 1 - earliest)
    assert seen[-1][0].x[:, 0].astype(int).tolist() == allowed.tolist()  # the last share is all there is
    assert curve["rows"].is_sorted()
    assert curve["train_score"].to_list() == curve["rows"].to_list()
    assert curve["held_out_score"].to_list() == [90.0] * 3


def test_learning_curve_refuses(spanned):
    def member(_sample, x):
        return np.zeros(len(x))

    with pytest.raises(EsbtError, match="spans"):
        learning_curve(member, auc, Sample(spanned.x, spanned.y))
    with pytest.raises(EsbtError, match="ascend"):
        learning_curve(member, auc, spanned, shares=(1.0, 0.5))
    with pytest.raises(EsbtError, match="leave 0 to fit"):
        learning_curve(member, auc, spanned, embargo_bars=10_000)


def test_folds_say_what_they_hold(spanned):
    y, rng = np.asarray(spanned.y), np.random.default_rng(2)
    folds = list(PurgedKFold(spanned.start, spanned.end, 3, embargo_bars=5).split(spanned.x, y))
    margins = {"good": y + rng.normal(size=y.size), "none": rng.normal(size=y.size)}
    when = np.datetime64("2024-01-01") + np.arange(y.size)
    table = fold_table(folds, y, margins, auc, when)
    assert table.columns == ["fold", "first", "last", "train_rows", "test_rows", "mean_y", "good", "none"]
    for row, (train, test) in zip(table.rows(named=True), folds, strict=True):
        assert (row["train_rows"], row["test_rows"]) == (len(train), len(test))
        assert (str(row["first"]), str(row["last"])) == (str(when[test[0]]), str(when[test[-1]]))
        assert (row["good"], row["none"]) == (auc(y[test], margins["good"][test]), auc(y[test], margins["none"][test]))
        assert row["good"] > row["none"]
    assert table["test_rows"].sum() == y.size
    with pytest.raises(EsbtError, match="'fold'"):
        fold_table(folds, y, {"fold": y}, auc)
    with pytest.raises(EsbtError, match="a margin, a target"):
        fold_table(folds, y, {"a": y[:-1]}, auc)


def test_best_so_far_steps_over_pruned_trials():
    values = [np.nan, 0.5, np.nan, 0.4, 0.7, 0.6]
    up, down = Trials(values, True), Trials(values, False)
    np.testing.assert_array_equal(up.best_so_far, [np.nan, 0.5, 0.5, 0.5, 0.7, 0.7])
    np.testing.assert_array_equal(down.best_so_far, [np.nan, 0.5, 0.5, 0.4, 0.4, 0.4])
    assert (up.best, down.best, Trials([np.nan], True).best) == (4, 3, None)
    assert up.table["trial"].to_list() == [1, 3, 4, 5]
    assert up.importance() == {}


def test_the_parameter_that_matters_is_found():
    """The score is that of one parameter, on a logarithmic scale; the other is noise, a third never moves."""
    rng = np.random.default_rng(3)
    tried = [{"noise": float(rng.random()), "rate": float(10 ** rng.uniform(-3, 0)), "fixed": 5.0} for _ in range(40)]
    values = [-abs(np.log10(one["rate"]) + 1) for one in tried]
    values[7] = float("nan")
    trials = Trials(values, True, "score", tried, frozenset({"rate"}))
    importance = trials.importance()
    assert list(importance) == ["rate", "noise"]
    assert importance["rate"] > 0.9
    assert sum(importance.values()) == pytest.approx(1.0)
    assert trials.table.columns == ["trial", "noise", "rate", "fixed", "score"]
    assert len(trials.table) == 39
    with pytest.raises(EsbtError, match="sets of parameters"):
        Trials([1.0, 2.0], True, "score", tried[:1])
    with pytest.raises(EsbtError, match="no trials"):
        Trials([], True)
