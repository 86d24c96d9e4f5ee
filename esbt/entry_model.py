"""What is learned about an entry, as the loop asks it: at the close of the signal bar, through hooks, with features and account state.

A stop model replaces the strategy's stop_atr within bounds; a confidence model gives a margin that its calibration turns into a
probability, and the threshold decides. Knows no training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from esbt import _core
from esbt.errors import EsbtError, unknown
from esbt.features import Features
from esbt.hooks import Hook, as_hook

STATE_INPUTS = {"side": -1, "stop_atr": -2, "drawdown": -3}  # ids of csrc/esbt/decide.hpp


@dataclass(frozen=True)
class Ask:
    """One question to a hook: `hook` is a Hook, a Forest or a callable float32[n, k] -> float64[n]; `inputs` are k names, each a feature's
    or one of "side" (+1, -1), "stop_atr" (in ATR, after the stop model), "drawdown" (of closed equity, a fraction)."""

    hook: Any
    inputs: Sequence[str]

    def resolved(self) -> Hook:
        """The hook itself. Raises EsbtError where the number of inputs differs."""
        return as_hook(self.hook, len(self.inputs))


@dataclass(frozen=True)
class EntryModel:
    """Entry decisions in the loop.

    features: columns aligned with the bars of the backtest. stop: predicts the stop distance in ATR, clamped to stop_bounds. confidence:
    raw margin m; p = 1 / (1 + exp(-(a * m + b))) with calibration = (a, b); signals with p < threshold are skipped and counted.
    """

    features: Features
    stop: Ask | None = None
    stop_bounds: tuple[float, float] = (0.5, 4.0)
    confidence: Ask | None = None
    calibration: tuple[float, float] = (1.0, 0.0)
    threshold: float = 0.0

    def prepare(self, n_bars: int) -> tuple["_core.EntryModel", list[Hook]]:
        """The core's model and the hooks it holds. Raises EsbtError for unknown inputs, a wrong length or bounds that are no interval."""
        if not isinstance(self.features, Features):
            raise EsbtError(f"the model's features must be esbt.features(bars), got {type(self.features).__name__}")
        if self.features.matrix.shape[1] != n_bars:
            raise EsbtError(f"the model's features have {self.features.matrix.shape[1]} bars, the backtest has {n_bars}: slice them alike")
        low, high = self.stop_bounds
        if not 0 < low <= high < float("inf"):
            raise EsbtError(f"stop_bounds must be 0 < low <= high, got {self.stop_bounds}")
        if not 0 <= self.threshold <= 1:
            raise EsbtError(f"threshold is a probability in [0, 1], got {self.threshold}")
        stop, confidence = (ask.resolved() if ask else None for ask in (self.stop, self.confidence))
        core = _core.EntryModel(
            stop_hook=stop.capsule if stop else None,
            stop_ids=self._ids(self.stop),
            stop_bounds=self.stop_bounds,
            confidence_hook=confidence.capsule if confidence else None,
            confidence_ids=self._ids(self.confidence),
            calibration=self.calibration,
            threshold=self.threshold,
            features=np.ascontiguousarray(self.features.matrix),
        )
        return core, [hook for hook in (stop, confidence) if hook]

    def _ids(self, ask: Ask | None) -> list[int]:
        columns = {name: i for i, name in enumerate(self.features.names)} | STATE_INPUTS
        names = ask.inputs if ask else ()
        for name in names:
            if name not in columns:
                raise unknown("model input", name, columns)
        return [columns[name] for name in names]
