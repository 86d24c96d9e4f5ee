"""Purged cross-validators: against the definition span by span, the counts and paths of the book, and inside scikit-learn."""

import math
from itertools import chain, combinations, pairwise

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_helpers import spans
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from esbt.errors import EsbtError
from python_models.cross_validation import CombinatorialPurgedCV, PurgedKFold, apart, nested

threadpoolctl.threadpool_limits(1)  # fits of three numbers: threads cost more than they bring
BARS = 200
ROWS = np.arange(120)


def made(rng_seed=0, n=300, length=6):
    """Labels one bar apart or more, rows of three features, a rare class."""
    rng = np.random.default_rng(rng_seed)
    start = np.cumsum(rng.integers(1, 4, n))
    x = rng.normal(size=(n, 3))
    y = (x[:, 0] + rng.normal(size=n) > 1.6).astype(int)
    return start, start + rng.integers(0, length, n), x, y


def allowed(labels, blocks, embargo):
    """By the definition: rows whose bars miss the test window of every block, and that begin in no embargo."""
    start, end = labels.signal_bar.tolist(), labels.end_bar.tolist()
    windows = [range(start[block[0]], max(end[i] for i in block) + 1) for block in blocks]
    return [
        row
        for row, (s, e) in enumerate(zip(start, end, strict=True))
        if all(set(range(s, e + 1)).isdisjoint(w) and not w.stop <= s < w.stop + embargo for w in windows)
    ]


def is_the_law(splits, labels, blocks, embargo):
    """The next split tests these blocks and trains on all that is allowed, or says that nothing is; then it is over."""
    if not (rows := allowed(labels, blocks, embargo)):
        with pytest.raises(EsbtError, match="nothing is left to train on"):
            next(splits)
        return False
    train, test = next(splits)
    assert train.tolist() == rows
    assert test.tolist() == list(chain(*blocks))
    return True


@settings(deadline=None)
@given(spans(BARS), st.integers(2, 6), st.integers(0, 40))
def test_no_training_label_meets_the_test_window_or_the_embargo(labels, folds, embargo):
    if labels.count < folds:
        with pytest.raises(EsbtError, match=f"{labels.count} rows cannot be cut into {folds} blocks"):
            PurgedKFold(labels.signal_bar, labels.end_bar, folds)
        return
    cv = PurgedKFold(labels.signal_bar, labels.end_bar, folds, embargo_bars=embargo)
    splits, edges = cv.split(), [labels.count * i // folds for i in range(folds + 1)]
    if all(is_the_law(splits, labels, [range(a, b)], embargo) for a, b in pairwise(edges)):
        assert next(splits, None) is None


@settings(deadline=None)
@given(spans(BARS), st.integers(2, 5), st.integers(0, 20), st.data())
def test_combinatorial_splits_keep_the_same_law(labels, groups, embargo, data):
    chosen = data.draw(st.integers(1, groups - 1))
    if labels.count < groups:
        return
    splits = CombinatorialPurgedCV(labels.signal_bar, labels.end_bar, groups, chosen, embargo_bars=embargo).split()
    blocks = [range(labels.count * i // groups, labels.count * (i + 1) // groups) for i in range(groups)]
    if all(is_the_law(splits, labels, picked, embargo) for picked in combinations(blocks, chosen)):
        assert next(splits, None) is None


def test_one_minute_labels_of_two_minutes():
    """mlfinpy's test of snippet 7.1: ten labels a minute apart, two minutes long, tested on 00:01 to 00:02: the rest starts at 00:03."""
    start = np.arange(10)
    assert np.flatnonzero(apart(start, start + 2, [(1, 2)], 0)).tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_by_hand():
    """Blocks of four; the label at 6 runs to 11, so training begins again after bar 11 and an embargo of 2."""
    start, end = np.arange(16), np.arange(16)
    end[6], end[3] = 11, 4
    assert PurgedKFold(start, end, 3).edges().tolist() == [0, 5, 10, 16]
    folds = [train.tolist() for train, _ in PurgedKFold(start, end, 4, embargo_bars=2).split()]
    assert folds[1] == [0, 1, 2, 14, 15]
    assert folds[0] == [7, 8, 9, 10, 11, 12, 13, 14, 15]
    assert folds[3] == list(range(12))


def test_training_rows_miss_the_stretch_by_bars():
    """A label in every bar, so that equal blocks of rows are equal stretches of bars: trained on is what ended before the stretch, or began
    more than the embargo after the last bar any of its labels looks at."""
    rng = np.random.default_rng(3)
    start = np.arange(BARS)
    end = np.minimum(start + rng.integers(0, 30, BARS), BARS - 1)
    by_bars = []
    for first in range(0, BARS, BARS // 5):
        last = max(end[first : first + BARS // 5])
        by_bars.append([row for row in range(BARS) if end[row] < first or row > last + 12])
    assert [train.tolist() for train, _ in PurgedKFold(start, end, 5, embargo_bars=12).split()] == by_bars


# --- counts and paths of the book ----------------------------------------------------------------------------------------------------


def test_fifteen_splits_and_five_paths():
    """Lopez de Prado 2018, section 12.3, figures 12.1 and 12.2: N = 6, k = 2; its paths 1 and 2 by name (splits counted from 1)."""
    cv = CombinatorialPurgedCV(ROWS, ROWS, 6, 2)
    assert (cv.get_n_splits(), cv.n_paths) == (15, 5)
    paths = cv.paths() + 1
    assert paths.shape == (5, 6)
    assert paths[0].tolist() == [1, 1, 2, 3, 4, 5]
    assert paths[1].tolist() == [2, 6, 6, 7, 8, 9]


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 1), (6, 2), (6, 3), (10, 2), (8, 4)])
def test_paths_are_complete(n, k):
    """phi = k / N * C(N, k); one path for k = 1, N - 1 for k = 2; every tested group of every split is in exactly one path."""
    cv = CombinatorialPurgedCV(ROWS, ROWS, n, k)
    assert cv.n_paths * n == k * math.comb(n, k)
    assert cv.n_paths == {1: 1, 2: n - 1}.get(k, cv.n_paths)
    used = [(split, group) for path in cv.paths().tolist() for group, split in enumerate(path)]
    assert sorted(used) == sorted((i, g) for i, tested in enumerate(combinations(range(n), k)) for g in tested)


@pytest.mark.parametrize("stratify", [False, True])
def test_backtest_paths_put_each_prediction_in_its_place(stratify):
    """Each split predicts its own number plus the row's own; a path then tells where each value came from."""
    start, end, x, y = made()
    cv = CombinatorialPurgedCV(start, end, 6, 2, embargo_bars=3, stratify=stratify)
    predictions = [number * 1000.0 + test for number, (_, test) in enumerate(cv.split(x, y))]
    paths = cv.backtest_paths(predictions, y)
    group = np.searchsorted(cv.edges(y), np.arange(len(x)), side="right") - 1
    assert np.array_equal(paths, cv.paths()[:, group] * 1000.0 + np.arange(len(x)))
    with pytest.raises(EsbtError, match="paths need one prediction per test row of each of 15 splits"):
        cv.backtest_paths(predictions[:-1], y)


# --- rare classes --------------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=80), st.integers(2, 5))
def test_stratified_blocks_share_the_rarest_class(classes, folds):
    """Every block has as many of the rarest class as any other, within one; and no block is empty."""
    rows, y = np.arange(len(classes)), np.array(classes)
    values, counts = np.unique(y, return_counts=True)
    cv = PurgedKFold(rows, rows, folds, stratify=True)
    if counts.min() < folds:
        with pytest.raises(EsbtError, match=f"has {counts.min()} rows, too few for {folds} blocks"):
            cv.edges(y)
        return
    edges = cv.edges(y)
    rare = [int((y[a:b] == values[np.argmin(counts)]).sum()) for a, b in pairwise(edges)]
    assert max(rare) - min(rare) <= 1
    assert min(rare) >= 1
    assert (edges[0], edges[-1]) == (0, len(y))


def test_stratified_edges_stay_near_the_even_ones():
    """By hand: a class evenly spread moves no edge; one that sits in the first third moves both, and no further than it must."""
    rows = np.arange(12)
    cv = PurgedKFold(rows, rows, 3, stratify=True)
    assert cv.edges([0, 0, 0, 1] * 3).tolist() == [0, 4, 8, 12]
    assert cv.edges([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).tolist() == [0, 1, 2, 12]
    with pytest.raises(EsbtError, match="stratify=True needs y, the class of each of the 12 rows"):
        list(cv.split())


# --- scikit-learn and nesting --------------------------------------------------------------------------------------------------------


def test_inside_scikit_learn():
    """cross_val_score is what a loop by hand gives; GridSearchCV chooses by it; cloning copies; repr says what it is."""
    start, end, x, y = made()
    for cv in (PurgedKFold(start, end, 4, embargo_bars=5, stratify=True), CombinatorialPurgedCV(start, end, 5, 2, embargo_bars=5)):
        scores = cross_val_score(LogisticRegression(), x, y, cv=cv, scoring="neg_log_loss")
        model = LogisticRegression()
        own = [np.log(model.fit(x[a], y[a]).predict_proba(x[b])[np.arange(len(b)), y[b]]).mean() for a, b in cv.split(x, y)]
        assert scores == pytest.approx(own, rel=1e-12)
        assert len(scores) == cv.get_n_splits(x, y)
        search = clone(GridSearchCV(LogisticRegression(), {"C": [1e-3, 1.0]}, cv=cv, scoring="neg_log_loss")).fit(x, y)
        assert search.cv is not cv
        assert search.cv_results_["mean_test_score"][1] == pytest.approx(np.mean(own), rel=1e-12)
        assert [len(a) for a, _ in clone(cv, safe=False).split(x, y)] == [len(a) for a, _ in cv.split(x, y)]
    assert repr(PurgedKFold(ROWS, ROWS, 4)) == "PurgedKFold(rows=120, n_splits=4, embargo_bars=0, stratify=False)"
    said = "CombinatorialPurgedCV(rows=120, n_groups=6, n_test_groups=2, embargo_bars=7, stratify=True)"
    assert repr(CombinatorialPurgedCV(ROWS, ROWS, embargo_bars=7, stratify=True)) == said


@pytest.mark.parametrize("inner_kind", [PurgedKFold, CombinatorialPurgedCV])
def test_nested_tuning_sees_the_outer_training_rows_alone(inner_kind):
    """Rows the inner splits use are outer training rows, and their bars miss the outer test window and each inner one."""
    start, end, x, y = made()
    outer, inner = PurgedKFold(start, end, 4, embargo_bars=8), inner_kind(start, end, 3, embargo_bars=8)
    rounds = 0
    for train, test, bound in nested(outer, inner):
        judged = set(range(start[test].min(), end[test].max() + 1))
        assert isinstance(bound, inner_kind)
        for a, b in bound.split(x[train], y[train]):
            rounds += 1
            fitted, chosen_on = train[a], train[b]
            for rows in (fitted, chosen_on):
                assert all(judged.isdisjoint(range(start[r], end[r] + 1)) for r in rows)
            tuned = {bar for r in chosen_on for bar in range(start[r], end[r] + 1)}
            assert all(tuned.isdisjoint(range(start[r], end[r] + 1)) for r in fitted)
        search = GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, cv=bound).fit(x[train], x[train, 0])
        assert search.best_params_ == {"alpha": 0.1}
    assert rounds == 4 * inner.get_n_splits()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PurgedKFold(ROWS, ROWS, 1), "n_splits must be 2 or more, got 1"),
        (lambda: PurgedKFold(ROWS, ROWS[1:], 2), "got 120 starts and 119 ends"),
        (lambda: PurgedKFold(ROWS[::-1], ROWS[::-1], 2), "in order of their first bar"),
        (lambda: PurgedKFold(ROWS, ROWS - 1, 2), "none ending before it begins"),
        (lambda: PurgedKFold(ROWS * 1.5, ROWS, 2), r"start must be whole numbers of shape \(n,\), got float64\[120\]"),
        (lambda: PurgedKFold(ROWS, ROWS, 2, embargo_bars=-1), "embargo_bars must be 0 or more, got -1"),
        (lambda: CombinatorialPurgedCV(ROWS, ROWS, 4, 4), "n_test_groups must be from 1 to n_groups - 1, got 4 of 4"),
        (lambda: PurgedKFold(ROWS, ROWS).within([3, 3, 4, 5, 6]), "rows must ascend within 0 to 119"),
        (lambda: PurgedKFold(ROWS, ROWS).within([117, 118, 119, 120, 121]), "rows must ascend within 0 to 119"),
        (lambda: next(PurgedKFold(ROWS, ROWS).split(ROWS[:50])), r"made for 120 rows, got 50: for a part of them give splitter.within"),
        (lambda: next(PurgedKFold(ROWS, ROWS + 500).split()), "nothing is left to train on beside rows 0 to 23"),
        (lambda: next(nested(PurgedKFold(ROWS, ROWS), PurgedKFold(ROWS, ROWS + 1))), "must be made for the same rows"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(EsbtError, match=message):
        make()
