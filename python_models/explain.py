"""What a model looks at: gain importance, SHAP values by the libraries' own exact TreeSHAP, permutation importance of anything else.

Meant for rows of training time alone: what explains a model on the test time would be a second look at it. A row of SHAP values sums,
with the base, to the model's margin there (Lundberg et al. 2020, Nature Machine Intelligence 2). All three say what the MODEL uses, not
what moves the market: features that say the same share their importance, and a useless model has important features too. Knows no pictures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import polars as pl
import xgboost as xgb
from sklearn.inspection import permutation_importance as permuted

from esbt.errors import EsbtError
from python_models.boosting import Rows, TrainedForest

Floats = npt.NDArray[np.float64]
Predict = Callable[[Rows], Floats]  # margins float64[n] of rows float32[n, k]
Score = Callable[[Floats, Floats], float]  # of targets and margins; more is better


@dataclass(frozen=True, eq=False)
class Shap:
    """SHAP values of rows. names: k features. values: float64[n, k], in units of the margin. base: the mean margin they start from. rows:
    float32[n, k], what was asked. base + values.sum(axis=1) is the margin, to float32 for XGBoost, which computes in it."""

    names: tuple[str, ...]
    values: Floats
    base: float
    rows: Rows

    @property
    def table(self) -> pl.DataFrame:
        """feature, mean_abs (mean |SHAP| over the rows), share (of their sum), and up: the rank correlation (Spearman) of the feature's
        value with its SHAP value, +1 where more of it always lifts the margin, NaN where either is constant; most important first."""
        size = np.abs(self.values).mean(axis=0)
        up = [_rank_correlation(x, s) for x, s in zip(self.rows.T, self.values.T, strict=True)]
        frame = pl.DataFrame({"feature": self.names, "mean_abs": size, "share": _shares(size), "up": up})
        return frame.sort("mean_abs", descending=True, maintain_order=True)


def shap_values(forest: TrainedForest, x: Rows, names: Sequence[str]) -> Shap:
    """Exact TreeSHAP of rows float32[n, k], k names. Raises EsbtError for no rows and for other than k columns."""
    rows, own = _checked_rows(x, names, forest.n_features), _booster(forest)
    if isinstance(own, lgb.Booster):
        found = own.predict(rows, pred_contrib=True, num_threads=1)
    else:
        found = own.predict(xgb.DMatrix(rows, nthread=1), pred_contribs=True)
    both = np.asarray(found, dtype=np.float64)  # the last column is the base, the same in each row
    return Shap(tuple(names), np.ascontiguousarray(both[:, :-1]), float(both[0, -1]), rows)


def gain_importance(forest: TrainedForest, names: Sequence[str]) -> pl.DataFrame:
    """feature, gain (the loss its splits took away in training), share (of all gain), splits (how many); most gain first, unused features
    with 0. Features with many values get more splits by chance alone: believe SHAP before gain. Raises EsbtError for other than k names."""
    _checked_names(names, forest.n_features)
    own = _booster(forest)
    if isinstance(own, lgb.Booster):
        gain, splits = (own.feature_importance(kind).astype(np.float64) for kind in ("gain", "split"))
    else:
        columns = own.feature_names or [f"f{k}" for k in range(len(names))]
        found = [cast(dict[str, float], own.get_score(importance_type=kind)) for kind in ("total_gain", "weight")]
        gain, splits = (np.array([one.get(column, 0.0) for column in columns]) for one in found)
    frame = pl.DataFrame({"feature": tuple(names), "gain": gain, "share": _shares(gain), "splits": splits.astype(np.int64)})
    return frame.sort("gain", descending=True, maintain_order=True)


def permutation_importance(
    predict: Predict, score: Score, x: Rows, y: npt.ArrayLike, names: Sequence[str], *, repeats: int = 10, seed: int = 0
) -> pl.DataFrame:
    """feature, drop (mean loss of score where the feature's column is shuffled), sd (over the shuffles); greatest drop first.

    For any model, on rows it was not fitted to: held-out training time. Source: Breiman 2001, Random Forests, Machine Learning 45; done by
    scikit-learn. A drop within two sd of 0 says nothing. Raises EsbtError as `shap_values`, and for other than n targets.
    """
    rows, target = _checked_rows(x, names, len(names)), np.asarray(y, dtype=np.float64)
    if target.shape != (len(rows),) or repeats < 1:
        raise EsbtError(f"{len(rows)} rows need as many targets, and repeats of 1 or more, got shape {target.shape} and {repeats}")
    found = permuted(
        _Fitted(predict), rows, target, scoring=lambda own, a, b: score(b, own.predict(a)), n_repeats=repeats, random_state=seed, n_jobs=1
    )
    frame = pl.DataFrame({"feature": tuple(names), "drop": found.importances_mean, "sd": found.importances_std})
    return frame.sort("drop", descending=True, maintain_order=True)


@dataclass(frozen=True)
class _Fitted:
    """A function as scikit-learn asks for it."""

    predict: Predict

    def fit(self, _x: Any, _y: Any) -> "_Fitted":
        return self


def _booster(forest: TrainedForest) -> Any:
    """The library's own model, from the file the forest keeps."""
    if forest.suffix == ".txt":
        return lgb.Booster(model_str=forest.content.decode())
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(forest.content))
    return booster


def _shares(size: Floats) -> Floats:
    total = float(size.sum())
    return size / total if total > 0 else np.zeros_like(size)


def _rank_correlation(x: npt.NDArray[Any], s: Floats) -> float:
    known = np.isfinite(x)
    frame = pl.DataFrame({"x": x[known], "s": s[known]})
    if frame["x"].n_unique() < 2 or frame["s"].n_unique() < 2:
        return float("nan")
    return float(frame.select(pl.corr("x", "s", method="spearman")).item())


def _checked_names(names: Sequence[str], k: int) -> None:
    if len(names) != k:
        raise EsbtError(f"the model has {k} inputs, got {len(names)} names: give them in the order of training")


def _checked_rows(x: Rows, names: Sequence[str], k: int) -> Rows:
    _checked_names(names, k)
    if x.dtype != np.float32 or x.ndim != 2 or not len(x) or x.shape[1] != k:
        raise EsbtError(f"give rows float32[n, {k}], one or more, as the model was trained on, got {x.dtype}{x.shape}")
    return np.ascontiguousarray(x)
