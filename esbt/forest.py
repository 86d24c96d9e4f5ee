"""Forest: a tree model of LightGBM, XGBoost, scikit-learn or treelite, read through treelite and walked by the core.

Duty: turn treelite's view of the model into the core's flat arrays, so that every float32 row takes the branch it takes in the library
that trained the model. What treelite does not carry over (LightGBM's linear leaves and zero_as_missing) is looked for in the model's text
and refused. Nothing here walks a tree or runs code from a file: model files are XGBoost's JSON/UBJSON or LightGBM's text, never pickles.
To read another library: one more branch in `_load`.
"""

import re
import tempfile
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import treelite
import treelite.sklearn

from esbt import _core
from esbt.errors import EsbtError
from esbt.forest_arrays import forest_arrays
from esbt.forest_tl2cgen import CompiledTrees
from esbt.hooks import Hook

_SKLEARN = (
    "RandomForestRegressor",
    "ExtraTreesRegressor",
    "GradientBoostingRegressor",
    "GradientBoostingClassifier",
    "HistGradientBoostingRegressor",
    "HistGradientBoostingClassifier",
)
# A tree's category lists, as XGBoost writes them: kind of list, then its values (JSON) or the type and number of what follows (UBJSON).
_JSON_CATEGORIES = re.compile(rb'"categories(_nodes|_segments|_sizes|)"\s*:\s*\[([^\[\]]*)\]')
_UBJ_CATEGORIES = re.compile(rb"categories(_nodes|_segments|_sizes|)\[\$([UiIlL])#L(.{8})", re.DOTALL)
_UBJ_TYPES = {b"U": "u1", b"i": "i1", b"I": ">i2", b"l": ">i4", b"L": ">i8"}
_KINDS = "a LightGBM or XGBoost model, a scikit-learn forest or gradient boosting, a treelite.Model, or a model file"


class Forest:
    """A compiled tree ensemble with one output.

    `model`: LightGBM Booster or LGBMModel, XGBoost Booster or XGBModel, scikit-learn RandomForestRegressor, ExtraTreesRegressor,
    (Hist)GradientBoosting regressor or binary classifier, a treelite.Model, or the path of a model file (XGBoost .json or .ubj, LightGBM
    .txt). Early stopping is honoured as the library's own predict does. Categorical splits of LightGBM and XGBoost are supported.

    `backend`: None walks the trees in the core, loaded in milliseconds; "tl2cgen" has this machine's C compiler build them, in seconds (see
    esbt/forest_tl2cgen.py; pip install "esbt[tl2cgen]").

    Raises EsbtError for several classes or outputs, linear leaves, zero_as_missing, an unknown kind of model, file or backend, a corrupt
    file, and where tl2cgen is asked for and it or a compiler is missing.
    A treelite.Model does not tell that LightGBM made it: hand over LightGBM's booster or file, so that zero_as_missing is seen and values
    of at most 1e-35 count as 0, as they do in LightGBM.
    """

    def __init__(self, model: object, *, backend: Literal["tl2cgen"] | None = None) -> None:
        if backend not in (None, "tl2cgen"):
            raise EsbtError(f"backend {backend!r} is unknown: give 'tl2cgen', or leave it out for the core's own")
        what = f"the model file {model}" if isinstance(model, str | Path) else f"the {type(model).__name__}"
        try:
            trees, tiny_is_zero = _load(model)
            self._core = _core.Forest(**forest_arrays(trees, tiny_is_zero=tiny_is_zero))
        except EsbtError:
            raise
        except (treelite.TreeliteError, ValueError, KeyError, OverflowError, RuntimeError, NotImplementedError) as error:
            reason = str(error).strip().splitlines()
            raise EsbtError(f"{what} cannot be read as a forest: {reason[-1] if reason else type(error).__name__}") from error
        self._compiled = None if backend is None else CompiledTrees(trees, self.n_features, tiny_is_zero=tiny_is_zero)

    @property
    def backend(self) -> str:
        """How a single row is asked on this machine: "bits" (all splits of a tree at once; needs AVX2, trees of at most some 90 leaves
        without categories, and about 256 features at most) or "walker", whose answers are the same; "tl2cgen" where that was asked for."""
        if self._compiled is not None:
            return "tl2cgen"
        return "bits" if self._core.fast_row else "walker"

    @property
    def n_features(self) -> int:
        """Columns of X."""
        return int(self._core.n_features)

    @property
    def n_trees(self) -> int:
        """Trees whose leaves are summed (or averaged)."""
        return int(self._core.n_trees)

    def predict(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Raw margins float64[n] of X float32[n, n_features]; NaN is a missing value.

        Equal to what the training library calls raw score, output margin or decision function; of a random forest, LightGBM's too, the
        mean over its trees. Raises EsbtError for another type or shape.
        """
        margins: npt.NDArray[np.float64]
        if self._compiled is not None:
            return self._compiled.predict(_rows(X, (None, self.n_features)))
        try:
            margins = self._core.predict(X)
        except (TypeError, ValueError):  # not what the core takes as it is: say what is wrong, or bring it into order
            margins = self._core.predict(_rows(X, (None, self.n_features)))
        return margins

    def row(self, x: npt.NDArray[np.float32]) -> float:
        """Raw margin of one row x float32[n_features]. Raises EsbtError for another type or shape."""
        if self._compiled is not None:
            return float(self._compiled.predict(_rows(x, (self.n_features,))[None, :])[0])
        try:
            return self._core.row(x)
        except (TypeError, ValueError):  # not what the core takes as it is: say what is wrong, or bring it into order
            return self._core.row(_rows(x, (self.n_features,)))

    def leaves(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
        """Where each tree ends by the core, int32[n, n_trees]: equal numbers within a column mean the same leaf. For tests."""
        nodes: npt.NDArray[np.int32] = self._core.leaves(_rows(X, (None, self.n_features)))
        return nodes

    @cached_property
    def hook(self) -> Hook:
        """The forest as a hook of the simulation loop; it keeps the forest alive. Raises EsbtError for more than 256 features."""
        if self._compiled is not None:
            return self._compiled.hook
        return Hook.from_address(self._core.batch_address, self.n_features, self._core.state_address, keep_alive=self._core)

    def __repr__(self) -> str:
        return f"Forest(trees={self.n_trees}, features={self.n_features}, backend={self.backend!r})"


def _rows(x: object, shape: tuple[int | None, ...]) -> npt.NDArray[np.float32]:
    want = f"float32[{', '.join('n' if s is None else str(s) for s in shape)}]"
    if not isinstance(x, np.ndarray):
        raise EsbtError(f"the forest's input is a {type(x).__name__}: give a numpy array {want}")
    if x.dtype != np.float32:
        raise EsbtError(f"the forest's input is {x.dtype}: give {want} (x.astype(np.float32)), the values it was trained on")
    if x.ndim != len(shape) or any(s is not None and s != got for s, got in zip(shape, x.shape, strict=True)):
        raise EsbtError(f"the forest's input has shape {x.shape}: give {want}, columns in the order of training")
    return np.ascontiguousarray(x)


def _load(model: object) -> tuple[treelite.Model, bool]:
    """treelite's model, and whether values of at most 1e-35 count as 0, as they do in LightGBM."""
    if isinstance(model, treelite.Model):
        return model, False
    if isinstance(model, str | Path):
        return _load_file(Path(model))
    names = {f"{c.__module__.partition('.')[0]}.{c.__name__}" for c in type(model).__mro__}
    held: Any = model
    if "lightgbm.LGBMModel" in names:
        held = held.booster_
        names = {"lightgbm.Booster"}
    if "lightgbm.Booster" in names:
        text = held.model_to_string()
        _check_lightgbm(text)
        with tempfile.TemporaryDirectory() as folder:  # treelite would have LightGBM write the text a second time
            path = Path(folder) / "model.txt"
            path.write_text(text, encoding="utf-8")
            return treelite.frontend.load_lightgbm_model(path), True
    if "xgboost.XGBModel" in names:
        stopped = getattr(held, "best_iteration", None) if held.get_params().get("early_stopping_rounds") else None
        held = held.get_booster()
        return treelite.frontend.from_xgboost(held if stopped is None else held[: stopped + 1]), False
    if "xgboost.Booster" in names:
        return treelite.frontend.from_xgboost(held), False
    if any(f"sklearn.{name}" in names for name in _SKLEARN):
        categorical = getattr(held, "is_categorical_", None)
        if categorical is not None and np.any(categorical):
            raise EsbtError(f"a {type(model).__name__} with categorical features is not supported: encode them, or use LightGBM or XGBoost")
        return treelite.sklearn.import_model(held), False
    raise EsbtError(f"a {type(model).__name__} is not a forest: give {_KINDS} ({', '.join(_SKLEARN)})")


def _load_file(path: Path) -> tuple[treelite.Model, bool]:
    suffix = path.suffix.lower()
    if suffix not in {".json", ".ubj", ".txt"}:
        raise EsbtError(f"the model file {path} has suffix {suffix!r}: give XGBoost .json or .ubj, or LightGBM .txt (pickles are not read)")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EsbtError(f"the model file {path} cannot be read: {error.strerror}") from error
    if suffix != ".txt":
        _check_xgboost(data, _JSON_CATEGORIES if suffix == ".json" else _UBJ_CATEGORIES)
    if suffix == ".json":
        return treelite.frontend.from_xgboost_json(data), False
    if suffix == ".ubj":
        return treelite.frontend.from_xgboost_ubjson(data), False
    _check_lightgbm(data.decode("utf-8"))
    return treelite.frontend.load_lightgbm_model(path), True


def _check_xgboost(data: bytes, pattern: re.Pattern[bytes]) -> None:
    """Refuse category lists that reach past their end: treelite would read there, and the process could die of it."""
    lists: dict[bytes, list[npt.NDArray[np.int64]]] = {name: [] for name in (b"", b"_nodes", b"_segments", b"_sizes")}
    for m in pattern.finditer(data):
        if pattern is _JSON_CATEGORIES:
            values = np.asarray([int(word) for word in m[2].split(b",") if word.strip()], dtype=np.int64)
        else:
            count = int.from_bytes(m[3], "big")
            found = np.frombuffer(data, _UBJ_TYPES[m[2]], count, m.end()) if count else np.empty(0)
            values = found.astype(np.int64)
        lists[m[1]].append(values)
    for number, (categories, nodes, first, size) in enumerate(zip(*lists.values(), strict=True)):
        inside = len(nodes) == len(first) == len(size) and (first >= 0).all() and (size >= 0).all()
        if not inside or (first > len(categories)).any() or (size > len(categories) - first).any():
            raise EsbtError(f"tree {number} of the XGBoost model is corrupt: its categories do not fit; save the model again")


def _check_lightgbm(text: str) -> None:
    """Refuse what treelite reads past in silence (a margin would be wrong) or falls over (a child or category that is not there)."""
    if not text.startswith("tree\n") or "\nend of trees" not in text:
        raise EsbtError("the LightGBM model text is not complete: it must run from 'tree' to 'end of trees'; save the model again")
    trees = [
        dict(line.partition("=")[::2] for line in part.split("\n")) for part in text[: text.index("\nend of trees")].split("\nTree=")[1:]
    ]
    if any(tree.get("is_linear", "0").strip() != "0" for tree in trees):
        raise EsbtError("linear leaves of LightGBM are not supported: train with linear_tree=False")
    n = np.asarray([int(tree["num_leaves"]) - 1 for tree in trees], dtype=np.int64)  # splits
    if (n < 0).any():
        raise EsbtError(f"tree {np.argmax(n < 0)} of the LightGBM model is corrupt: it has no leaf")
    left, right, kind = (_numbers(trees, key, n, int) for key in ("left_child", "right_child", "decision_type"))
    _check_children(n, left, right)
    # bits 2 and 3 are the missing type (0 none, 1 zero, 2 NaN), bit 0 marks a categorical split, which ignores it
    if ((kind >> 2 & 3 == 1) & (kind & 1 == 0)).any():
        raise EsbtError("zero_as_missing of LightGBM is not supported: train with zero_as_missing=False")
    _numbers(trees, "split_feature", n, int)
    _texts(trees, "threshold", n)  # that each is a number, treelite sees
    _texts(trees, "leaf_value", np.where(n > 0, n + 1, 0))
    for number, tree in enumerate(trees):
        categorical = int(tree["num_cat"])
        if categorical == 0:
            continue
        mine = slice(int(n[:number].sum()), int(n[: number + 1].sum()))
        threshold = _numbers([tree], "threshold", n[number : number + 1], float)
        ends = _numbers([tree], "cat_boundaries", np.asarray([categorical + 1]), int)
        index = threshold[kind[mine] & 1 == 1].astype(np.int64)
        if (np.diff(ends) < 0).any() or ends[0] < 0 or ((index < 0) | (index >= categorical)).any():
            raise EsbtError(f"tree {number} of the LightGBM model is corrupt: its categories do not fit")
        _numbers([tree], "cat_threshold", ends[-1:], int)
    without = np.repeat([int(tree["num_cat"]) == 0 for tree in trees], n)
    if (without & (kind & 1 == 1)).any():
        raise EsbtError("the LightGBM model is corrupt: a categorical split in a tree without categories; save the model again")


def _check_children(n: npt.NDArray[np.int64], left: npt.NDArray[Any], right: npt.NDArray[Any]) -> None:
    """Every split but the root, and every leaf (as ~leaf), must be the child of exactly one split before it."""
    tree, split = np.repeat(np.arange(len(n)), n), np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    tree, split, child = np.tile(tree, 2), np.tile(split, 2), np.concatenate([left, right])
    size = n[tree]
    bad = (child < -size - 1) | (child >= size) | ((child >= 0) & (child <= split))
    if not bad.any():
        place = (2 * np.cumsum(n) + np.arange(len(n)))[tree] - 2 * size + child + size + 1  # 2 n + 1 places a tree, its root's is free
        twice = np.bincount(place)[place] > 1  # so many children are all of them, if none comes twice
        bad = twice
    if bad.any():
        raise EsbtError(f"tree {tree[np.argmax(bad)]} of the LightGBM model is corrupt: its children do not make a tree")


def _numbers(trees: list[dict[str, str]], key: str, n: npt.NDArray[np.int64], kind: type[Any]) -> npt.NDArray[Any]:
    """The numbers under `key` of all trees in a row, n[t] of tree t."""
    texts = _texts(trees, key, n)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # numpy's word for text that is no number
        try:
            values = np.fromstring(" ".join(text for text in texts if text), dtype=np.int64 if kind is int else np.float64, sep=" ")
        except (DeprecationWarning, ValueError) as error:
            raise EsbtError(f"the LightGBM model is corrupt: {key} has something that is no number; save the model again") from error
    if len(values) != n.sum():
        raise EsbtError(f"the LightGBM model is corrupt: {key} has {len(values)} numbers instead of {n.sum()}; save the model again")
    return values


def _texts(trees: list[dict[str, str]], key: str, n: npt.NDArray[np.int64]) -> list[str]:
    """What stands under `key`, n[t] words in tree t."""
    texts = [tree.get(key, "").strip() if count > 0 else "" for tree, count in zip(trees, n.tolist(), strict=True)]
    found = np.asarray([text.count(" ") + 1 if text else 0 for text in texts])
    if (found != n).any():
        at = int(np.argmax(found != n))
        raise EsbtError(f"the LightGBM model is corrupt: {key} has {found[at]} values instead of {n[at]}")
    return texts
