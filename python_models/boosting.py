"""Rows of features as every phase learns from them, and forests that can be saved. Knows no market."""

import tempfile
from pathlib import Path
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from esbt.features import Features
from esbt.forest import Forest
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
