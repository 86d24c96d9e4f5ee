"""The forest of forest_rivals.py as tl2cgen compiles it, and a forest of the same size that XGBoost trained: what else answers such models.

tl2cgen with its quantize option sends some rows down another branch, so its margins are counted, not required to be equal.
"""

import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tl2cgen
import treelite
import xgboost as xgb
from workload import SEED

import esbt
from rivals.forest_rivals import N_LEAVES, N_TREES, Rows, booster, rows

Predictors = dict[str, Callable[[Rows], Any]]


def compiled(model: treelite.Model, folder: Path) -> tl2cgen.Predictor:
    """tl2cgen's library of `model`, one thread."""
    path = folder / "forest.so"
    tl2cgen.export_lib(model, toolchain="gcc", libpath=path, params={"quantize": 1, "parallel_comp": 2}, nthread=2)
    return tl2cgen.Predictor(path, nthread=1)


@lru_cache(maxsize=2)
def tl2cgen_predict(kind: str) -> Callable[[Rows], npt.NDArray[np.float64]]:
    """Margins by tl2cgen of the forest of "LightGBM" or "XGBoost"."""
    model = treelite.frontend.from_lightgbm(booster()) if kind == "LightGBM" else treelite.frontend.from_xgboost(xgb_booster())
    folder = tempfile.TemporaryDirectory()
    predictor = compiled(model, Path(folder.name))
    dtype = "float64" if kind == "LightGBM" else "float32"

    def predict(X: Rows, _keep: object = folder) -> npt.NDArray[np.float64]:
        return predictor.predict(tl2cgen.DMatrix(X.astype(dtype, copy=False)), pred_margin=True).reshape(-1)

    return predict


@lru_cache(maxsize=1)
def xgb_booster() -> xgb.Booster:
    """A forest of 200 trees with 31 leaves by XGBoost, on the rows of the LightGBM one. Raises AssertionError for smaller trees."""
    X = rows(20_000, SEED + 1)
    noise = np.random.default_rng(SEED + 2).standard_normal(len(X))
    y = np.sin(X[:, ::2]).sum(axis=1) + X[:, 0] * X[:, 1] + 4.0 * noise > 0
    settings = {
        "objective": "binary:logistic",
        "grow_policy": "lossguide",
        "max_leaves": N_LEAVES,
        "max_depth": 0,
        "nthread": 1,
        "eta": 0.1,
    }
    trained = xgb.train({**settings, "min_child_weight": 0.0}, xgb.DMatrix(X, y), N_TREES)
    leaves = trained.trees_to_dataframe().query("Feature == 'Leaf'").groupby("Tree").size()
    if len(leaves) != N_TREES or leaves.min() != N_LEAVES:
        raise AssertionError(f"the forest has {len(leaves)} trees of {leaves.min()} to {leaves.max()} leaves, not {N_TREES} of {N_LEAVES}")
    return trained


def xgb_predictors() -> Predictors:
    """Name -> raw margins of the XGBoost forest."""
    model = xgb_booster()
    forest = esbt.Forest(model)
    return {
        "esbt Forest": lambda X: forest.row(X[0]) if len(X) == 1 else forest.predict(X),
        "XGBoost inplace_predict": lambda X: model.inplace_predict(X, predict_type="margin"),
        "tl2cgen": tl2cgen_predict("XGBoost"),
    }


def other_branches(X: Rows, predict: Callable[[Rows], Any], truth: npt.NDArray[Any]) -> int:
    """Rows whose margin is further from `truth` than float32 can explain: they took another branch."""
    return int((np.abs(np.asarray(predict(X)) - truth) > 1e-4).sum())
