"""treelite's view of a model, as the flat arrays the core's forest is made of.

Duty: comparisons, default sides and categories of a treelite.Model, translated so that the core needs only `v < t` and `v <= t`.
Categorical splits become searches among intervals. Knows no model files and no training library, but for how each reads a category.
"""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import treelite

from esbt.errors import EsbtError
from esbt.forest_bytes import columns

_LESS, _LESS_EQUAL = 2, 3  # treelite's comparison operators
_NUMERIC, _CATEGORICAL = 1, 2  # treelite's node types; 0 is a leaf
_TINY = float(np.float32(1e-35))  # LightGBM reads every |v| <= 1e-35f as 0
_ABOVE_MINUS_ONE = float(np.nextafter(np.float32(-1), np.float32(0)))

Arrays = dict[str, npt.NDArray[Any]]

_COLUMNS: dict[str, type] = {
    "feature": np.int32,
    "threshold": np.float64,
    "strict": np.uint8,
    "nan_left": np.uint8,
    "left": np.int32,
    "right": np.int32,
    "value": np.float64,
}


def forest_arrays(model: treelite.Model, *, tiny_is_zero: bool) -> dict[str, Any]:
    """The arguments of `_core.Forest`; `tiny_is_zero` where the training library is LightGBM, which reads |v| <= 1e-35f as 0.

    Raises EsbtError for several classes or targets and for comparisons other than < and <=.
    """
    header = model.get_header_accessor()

    def field(name: str) -> list[Any]:
        return list(np.asarray(header.get_field(name)).tolist())

    classes, (targets,) = field("num_class"), field("num_target")
    if targets != 1 or classes != [1] or field("leaf_vector_shape") != [1, 1]:
        raise EsbtError(f"the model has {targets} targets and {classes} classes: give one target, a regression or a binary margin")
    nodes, sizes = columns(model)
    kind, compare = nodes["node_type"], nodes["cmp"]
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    odd = np.flatnonzero((kind == _NUMERIC) & (compare != _LESS) & (compare != _LESS_EQUAL))
    if len(odd):
        number = int(np.searchsorted(start, odd[0], "right")) - 1
        raise EsbtError(f"tree {number} has a comparison that is neither < nor <=: this kind of model is not supported")
    arrays = {
        "feature": np.where(kind == 0, -1, nodes["split_index"]),
        "threshold": nodes["threshold"],
        "strict": compare == _LESS,
        "nan_left": nodes["default_left"],
        "left": nodes["cleft"],
        "right": nodes["cright"],
        "value": nodes["leaf_value"],
    }
    arrays = {k: np.ascontiguousarray(v, dtype=_COLUMNS[k]) for k, v in arrays.items()}
    if tiny_is_zero:
        _snap_to_zero(arrays)
    arrays, start = _rebuilt(arrays, start, kind, model)
    return {
        **arrays,
        "tree_start": start,
        "n_features": int(field("num_feature")[0]),
        "base": float(field("base_scores")[0]),
        "average": bool(field("average_tree_output")[0]),
    }


def _rebuilt(
    arrays: Arrays, start: npt.NDArray[np.int64], kind: npt.NDArray[Any], model: treelite.Model
) -> tuple[Arrays, npt.NDArray[np.int64]]:
    """The arrays without categorical splits, each tree's parents before their children."""
    within = np.arange(len(kind)) - np.repeat(start[:-1], np.diff(start))
    late = (kind != 0) & (np.minimum(arrays["left"], arrays["right"]) <= within)
    todo = np.unique(np.searchsorted(start, np.flatnonzero(late | (kind == _CATEGORICAL)), "right") - 1)
    if len(todo) == 0:
        return arrays, start
    pieces = [{k: v[a:b] for k, v in arrays.items()} for a, b in itertools.pairwise(start.tolist())]
    for t in todo.tolist():
        kinds = kind[start[t] : start[t + 1]]
        if (kinds == _CATEGORICAL).any():
            pieces[t] = _without_categories(pieces[t], model.get_tree_accessor(t), kinds)
        split = pieces[t]["feature"] >= 0
        behind = np.minimum(pieces[t]["left"], pieces[t]["right"])[split] > np.flatnonzero(split)
        pieces[t] = pieces[t] if behind.all() else _parents_first(pieces[t], t)
    flat: Arrays = {k: np.ascontiguousarray(np.concatenate([p[k] for p in pieces]), dtype=d) for k, d in _COLUMNS.items()}
    return flat, np.concatenate([[0], np.cumsum([len(p["feature"]) for p in pieces])]).astype(np.int64)


def _without_categories(arrays: Arrays, tree: Any, kind: npt.NDArray[Any]) -> Arrays:
    """Categorical splits as a search tree of `v < boundary` compares, whose ends are the split's two children (shared, not copied).

    Which values are category c (both libraries cut the fraction off): XGBoost [c, c + 1), and what is no category, below 0 or from 2^24,
    goes left with the unlisted; LightGBM (-1, 1) for 0, else [c, c + 1), and what is no category goes right with the unlisted, NaN too.
    """
    lists, begin, end = (tree.get_field(f"category_list{s}") for s in ("", "_begin", "_end"))
    xgboost = tree.get_field("category_list_right_child").astype(bool)
    rows = {k: v.astype(_COLUMNS[k]).tolist() for k, v in arrays.items()}

    def new_like(node: int) -> int:
        for column in rows.values():
            column.append(column[node])
        return len(rows["feature"]) - 1

    def build(node: int, bounds: list[float], sides: list[int]) -> None:
        """Make `node` decide among the intervals cut by `bounds`, each of which leads to the child in `sides`."""
        middle = len(bounds) // 2
        rows["threshold"][node], rows["strict"][node] = bounds[middle], 1
        for side, b, s in (("left", bounds[:middle], sides[: middle + 1]), ("right", bounds[middle + 1 :], sides[middle + 1 :])):
            if not b:
                rows[side][node] = s[0]
                continue
            rows[side][node] = new_like(node)
            build(rows[side][node], b, s)

    for node in np.flatnonzero(kind == _CATEGORICAL).tolist():
        left, right = rows["left"][node], rows["right"][node]
        inside, outside = (right, left) if xgboost[node] else (left, right)
        bounds: list[float] = []
        for c in sorted(lists[int(begin[node]) : int(end[node])].tolist()):
            low = _ABOVE_MINUS_ONE if c == 0 and not xgboost[node] else float(c)
            if bounds and bounds[-1] == low:
                bounds[-1] = c + 1.0  # one run of categories, one interval
            else:
                bounds += [low, c + 1.0]
        # A search sends NaN to its first or last interval, which are both `outside`. Where NaN belongs inside, a first node sorts it out.
        first_asks_nan = not bounds or (left if rows["nan_left"][node] else right) == inside
        if first_asks_nan:
            rows["threshold"][node], rows["strict"][node], rows["nan_left"][node] = np.inf, 0, 0
            rows["left"][node], rows["right"][node] = outside, left if arrays["nan_left"][node] else right
            if bounds:
                rows["left"][node] = new_like(node)
        if bounds:
            build(rows["left"][node] if first_asks_nan else node, bounds, [outside, *[inside, outside] * (len(bounds) // 2)])
    return {k: np.asarray(v, dtype=_COLUMNS[k]) for k, v in rows.items()}


def _parents_first(arrays: Arrays, number: int) -> Arrays:
    """The same tree with every node before its children, as the core asks for (its proof that a walk ends)."""
    left, right, leaf = arrays["left"].tolist(), arrays["right"].tolist(), (arrays["feature"] < 0).tolist()
    if any(not leaf[i] and not (0 <= c < len(leaf)) for i in range(len(leaf)) for c in (left[i], right[i])):
        raise EsbtError(f"tree {number} is corrupt: a split has a child that does not exist")
    done, order, stack = [0] * len(leaf), [], [0]  # 0 unseen, 1 on the way down, 2 finished
    while stack:
        node = stack[-1]
        children = [] if leaf[node] else [left[node], right[node]]
        if done[node] == 0:
            done[node] = 1
            if any(done[c] == 1 for c in children):
                raise EsbtError(f"tree {number} is corrupt: node {node} is among its own descendants")
            stack += [c for c in children if done[c] == 0]
            continue
        stack.pop()
        if done[node] == 1:
            done[node] = 2
            order.append(node)
    order.reverse()
    place = np.zeros(len(leaf), dtype=np.int32)
    place[order] = np.arange(len(order))
    out = {k: v[order] for k, v in arrays.items()}
    return {**out, "left": place[np.maximum(out["left"], 0)], "right": place[np.maximum(out["right"], 0)]}


def _snap_to_zero(arrays: Arrays) -> None:
    """Move thresholds so that every |v| <= 1e-35f goes where 0 goes: `v <= t` becomes `v < -1e-35f` or `v <= 1e-35f` for a tiny t."""
    t = arrays["threshold"]
    below, above = (t >= -_TINY) & (t < 0), (t >= 0) & (t < _TINY)
    arrays["strict"] = np.where(below, 1, arrays["strict"])
    arrays["threshold"] = np.where(below, -_TINY, np.where(above, _TINY, t))
