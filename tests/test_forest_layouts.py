"""Each way through a forest ends in the same leaf and gives the same bits: a row, a block and a naive Python walk, on random forests with
every kind of value; and the plain machine's code the same as AVX2's.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esbt import _core

SPECIAL = np.asarray([0.0, -0.0, 1e-45, -1e-45, 1e-38, 1.0, -1.0, 3.4028235e38, -3.4028235e38, np.inf, -np.inf], np.float32)
NAN = np.asarray([np.nan, -np.nan], np.float32)


def random_forest(rng, leaves, features, thresholds, shared=False):
    """Arrays of one tree for each number in `leaves`: random shapes, parents before children; `shared`: some nodes have two parents."""
    columns = {k: [] for k in ("feature", "threshold", "strict", "nan_left", "left", "right", "value")}
    start = [0]
    for n in leaves:
        size, free, left, right = 1, [0], {}, {}
        for _ in range(n - 1):  # the newest leaf is split more often than others: deep trees
            node = free.pop(int(rng.integers(len(free))) if rng.random() < 0.7 else -1)
            left[node], right[node] = size, size + 1
            free += [size, size + 1]
            size += 2
        if shared:
            for node in left:
                if rng.random() < 0.2:
                    left[node] = int(rng.integers(right[node], size))
        for node in range(size):
            split = node in left
            columns["feature"].append(int(rng.integers(features)) if split else -1)
            columns["threshold"].append(float(rng.choice(thresholds)) if split else 0.0)
            columns["strict"].append(int(rng.integers(2)))
            columns["nan_left"].append(int(rng.integers(2)))
            columns["left"].append(left.get(node, -1))
            columns["right"].append(right.get(node, -1))
            columns["value"].append(float(rng.normal()))
        start.append(start[-1] + size)
    types = {"feature": "i4", "threshold": "f8", "strict": "u1", "nan_left": "u1", "left": "i4", "right": "i4", "value": "f8"}
    return {k: np.asarray(v, types[k]) for k, v in columns.items()} | {"tree_start": np.asarray(start, "i8"), "n_features": features}


def naive(a, x):
    """The margin of one row, step by step."""
    total = 0.0
    for first in a["tree_start"][:-1].tolist():
        node = first
        while (f := int(a["feature"][node])) >= 0:
            v, t = float(x[f]), float(a["threshold"][node])
            goes_left = bool(a["nan_left"][node]) if np.isnan(v) else v < t if a["strict"][node] else v <= t
            node = first + int(a["left" if goes_left else "right"][node])
        total += float(a["value"][node])
    return total / 1.0 + 0.0


def rows_near(rng, n, features, thresholds):
    """Every threshold, its float32 neighbours on both sides, and the special values."""
    with np.errstate(over="ignore"):
        t = thresholds.astype(np.float32)
        values = np.concatenate([t, np.nextafter(t, np.float32(np.inf)), np.nextafter(t, np.float32(-np.inf)), SPECIAL, NAN])
    return rng.choice(values, (n, features)).astype(np.float32)


def some_thresholds(rng, n):
    return np.concatenate([rng.normal(size=n), rng.normal(size=n).astype(np.float32), SPECIAL, [1e-300, -1e-300, 1e300, 1e-41]])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    leaves=st.lists(st.sampled_from([1, 2, 5, 31, 32]), min_size=0, max_size=40),
    features=st.sampled_from([1, 3, 16, 17, 40, 60, 120, 250]),
    one_side=st.booleans(),
)
def test_bits_and_blocks(seed, leaves, features, one_side):
    rng = np.random.default_rng(seed)
    thresholds = some_thresholds(rng, 20)
    arrays = random_forest(rng, leaves, features, thresholds)
    if one_side:  # missing values all to the left: one slot a feature
        arrays["nan_left"][:] = 1
    forest = _core.Forest(**arrays)
    x = rows_near(rng, 200, features, thresholds)
    expected = [naive(arrays, row) for row in x]
    assert [forest.row(row) for row in x] == expected
    for n in (200, 128, 127, 64, 63, 9, 1, 0):
        assert forest.predict(x[:n]).tolist() == expected[:n]
    assert forest.fast_block
    assert [a - b for a, b in zip(leaf_sums(arrays, forest.leaves(x)), expected, strict=True)] == [0.0] * len(x)


def leaf_sums(arrays, leaves):
    starts = arrays["tree_start"][:-1]
    return [sum(arrays["value"][starts + row].tolist(), 0.0) for row in leaves]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    leaves=st.lists(st.sampled_from([33, 64, 200, 256, 257, 600]), min_size=1, max_size=4),
    shared=st.booleans(),
)
def test_large_and_shared_trees(seed, leaves, shared):
    rng = np.random.default_rng(seed)
    thresholds = some_thresholds(rng, 600)  # more of them on a feature than one slot holds
    arrays = random_forest(rng, leaves, 2, thresholds, shared)
    forest = _core.Forest(**arrays)
    x = rows_near(rng, 150, 2, thresholds)
    expected = [naive(arrays, row) for row in x]
    assert [forest.row(row) for row in x] == expected == forest.predict(x).tolist()
    assert shared or max(leaves) < 200 or not forest.fast_row  # two parents may leave a small tree, where one of them cuts the rest off
    assert forest.fast_block or max(leaves) > 256


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), leaves=st.lists(st.integers(33, 128), min_size=1, max_size=12), narrow=st.booleans())
def test_wide_trees_in_pieces(seed, leaves, narrow):
    """The same bits as the walk, leaves of -0.0 included, where a forest mixes trees of one piece and of several."""
    rng = np.random.default_rng(seed)
    thresholds = some_thresholds(rng, 20)
    arrays = random_forest(rng, [5, 32, *leaves] if narrow else leaves, 16, thresholds)
    arrays["value"][rng.random(len(arrays["value"])) < 0.2] = -0.0
    forest = _core.Forest(**arrays)
    x = rows_near(rng, 150, 16, thresholds)
    expected = np.array([naive(arrays, row) for row in x])
    assert np.array([forest.row(row) for row in x]).tobytes() == expected.tobytes()
    assert forest.predict(x).tobytes() == expected.tobytes()


def test_a_chain_is_walked_and_a_bush_is_not():
    """What a piece carries is the way down to it: a tree of 40 leaves that is one long chain has none that fits."""
    chain, bush = (grown(40, newest) for newest in (True, False))
    assert not _core.Forest(**chain).fast_row
    assert _core.Forest(**bush).fast_row == has_avx2()
    x = rows_near(np.random.default_rng(2), 100, 3, np.arange(40.0))
    for arrays in (chain, bush):
        forest = _core.Forest(**arrays)
        assert [forest.row(row) for row in x] == [naive(arrays, row) for row in x]


def grown(leaves, newest):
    """One tree whose newest, or oldest, leaf is split each time."""
    free, children, size = [0], {}, 1
    for _ in range(leaves - 1):
        children[free.pop(-1 if newest else 0)] = (size, size + 1)
        free += [size, size + 1]
        size += 2
    split = np.array([node in children for node in range(size)])
    left, right = (np.array([children.get(node, (-1, -1))[side] for node in range(size)], "i4") for side in (0, 1))
    feature = np.where(split, np.arange(size) % 3, -1).astype("i4")
    flags = {name: np.zeros(size, "u1") for name in ("strict", "nan_left")}
    values = {"threshold": np.arange(size) % 40.0, "value": np.arange(size) * 0.1}
    return {"tree_start": np.array([0, size]), "feature": feature, "left": left, "right": right, "n_features": 3, **flags, **values}


def has_avx2():
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    return " avx2 " in flags and os.environ.get("ESBT_TARGET") != "baseline"


def test_which_layout_is_chosen():
    rng = np.random.default_rng(0)
    thresholds = rng.normal(size=3000).astype(np.float32)
    avx2 = has_avx2()
    for leaves, features, shared, row, block in [
        ([31] * 50, 40, False, avx2, True),
        ([32] * 50, 128, False, avx2, True),  # two slots a feature, for missing values go either way
        ([31] * 900, 129, False, False, True),
        ([31] * 10 + [33], 40, False, avx2, True),  # in two pieces
        ([31] * 10 + [64], 40, False, avx2, True),
        ([31] * 10 + [200], 40, False, False, True),
        ([31] * 10 + [257], 40, False, False, False),
        ([31] * 10, 40, True, False, True),
        ([2] * 3000, 1, False, avx2, True),
        ([31] * 600, 1000, False, False, False),
    ]:
        arrays = random_forest(rng, leaves, features, thresholds, shared)
        forest = _core.Forest(**arrays)
        assert (forest.fast_row, forest.fast_block) == (row, block), (len(leaves), features, shared)
        x = rows_near(rng, 70, features, thresholds)
        assert forest.predict(x).tolist() == [forest.row(r) for r in x]
        assert forest.row(x[0]) == naive(arrays, x[0])


SUMS = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from test_forest_layouts import random_forest, rows_near, some_thresholds
from esbt import _core
rng = np.random.default_rng(11)
t = some_thresholds(rng, 50)
forest = _core.Forest(**random_forest(rng, [31] * 60, 40, t))
x = rows_near(rng, 300, 40, t)
print(int(forest.fast_row), forest.predict(x).tobytes().hex(), np.asarray([forest.row(r) for r in x]).tobytes().hex())
"""


def test_every_machine_gives_the_same_bits():
    answers = {}
    for target in ("baseline", "avx2"):
        run = [sys.executable, "-c", SUMS, str(Path(__file__).parent)]
        out = subprocess.run(run, env={**os.environ, "ESBT_TARGET": target}, capture_output=True, text=True, check=True)
        answers[target] = out.stdout.split()
    assert answers["baseline"][0] == "0"
    assert answers["baseline"][1:] == answers["avx2"][1:]
    assert answers["avx2"][1] == answers["avx2"][2]


@pytest.mark.parametrize("seed", range(3))
def test_one_missing_value_for_all_thresholds(seed):
    # As LightGBM trained without missing values: NaN counts as 0, so its side depends on the threshold.
    rng = np.random.default_rng(seed)
    thresholds = rng.normal(size=200).astype(np.float32)
    arrays = random_forest(rng, [31] * 100, 40, thresholds)
    arrays["nan_left"] = np.where(arrays["strict"] == 1, arrays["threshold"] > 0, arrays["threshold"] >= 0).astype(np.uint8)
    forest = _core.Forest(**arrays)
    x = rows_near(rng, 130, 40, thresholds)
    assert np.isnan(x).any()
    assert forest.predict(x).tolist() == [naive(arrays, r) for r in x] == forest.predict(np.where(np.isnan(x), np.float32(0), x)).tolist()
