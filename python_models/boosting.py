"""LightGBM as every phase uses it: fixed seed, deterministic, plain parameters; and forests that can be saved. Knows no market."""

import tempfile
from pathlib import Path
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from esbt.features import Features
from esbt.forest import Forest
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


class TrainedForest(Forest):
    """A forest that keeps its library's own file of it. suffix: ".txt" (LightGBM) or ".ubj" (XGBoost); content: the file."""

    def __init__(self, booster: Any) -> None:
        super().__init__(booster)
        lightgbm = isinstance(booster, lgb.Booster)
        self.suffix = ".txt" if lightgbm else ".ubj"
        self.content: bytes = booster.model_to_string().encode() if lightgbm else bytes(booster.save_raw(raw_format="ubj"))

    @classmethod
    def from_content(cls, suffix: str, content: bytes) -> Self:
        """The forest of such a file. Raises EsbtError for what `esbt.Forest` refuses."""
        own = cls.__new__(cls)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"model{suffix}"
            path.write_bytes(content)
            Forest.__init__(own, path)
        own.suffix, own.content = suffix, content
        return own
