"""LightGBM as every phase uses it: fixed seed, deterministic, plain parameters. Knows no label and no market."""

from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from esbt.features import Features
from python_models.config import Learning
from python_models.labels import Labels

Rows = npt.NDArray[np.float32]


def feature_rows(features: Features, labels: Labels, *extra: npt.NDArray[Any]) -> Rows:
    """Rows of features at the labels' signal bars, then the side, then extra columns: float32[L, F + 1 + len(extra)]."""
    columns: list[npt.NDArray[Any]] = [
        features.matrix[:, labels.signal_bar].T,
        labels.side[:, None],
        *(column[:, None] for column in extra),
    ]
    return np.ascontiguousarray(np.hstack(columns), dtype=np.float32)


def fit(x: Rows, y: npt.NDArray[np.float64], learning: Learning, **objective: Any) -> lgb.Booster:
    """Fit one booster to rows float32[n, k] and targets float64[n]; objective: LightGBM parameters such as objective="binary"."""
    parameters = {
        "learning_rate": learning.learning_rate,
        "num_leaves": learning.leaves,
        "min_data_in_leaf": learning.rows_per_leaf,
        "feature_fraction": 0.8,
        "seed": learning.seed,
        "deterministic": True,
        "num_threads": 1,  # threads cost more than they bring on some thousand rows
        "force_row_wise": True,
        "verbosity": -1,
    }
    return lgb.train(parameters | objective, lgb.Dataset(x, label=y), num_boost_round=learning.trees)
