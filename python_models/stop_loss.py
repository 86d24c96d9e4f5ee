"""Phase 1, the dynamic stop: how far, in ATR, must a stop stand so that trades like this one earn most?

Targets: `stop_targets`. Models: the ensemble of `trained`, on features and side. In the loop its answer is
the stop distance at the entry, clamped to [stop_low, stop_high], the target at target_r times it by the rulebook; and, with
`Learning.reevaluate`, again at each close, times the regime's multiplier, smoothed, never loosened (`dynamic_stop`). Where the strategy has
stop_ticks as well, the nearer of both counts: stop_ticks caps what is learned, and the trades it is learned from.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from esbt.entry_model import EntryModel
from esbt.features import Features
from python_models.boosting import feature_rows
from python_models.config import Learning
from python_models.dynamic_stop import Moving, by_side, stop_model
from python_models.labels import Labels
from python_models.stop_targets import StopTarget
from python_models.trained import Ensemble, Trained, fit_ensemble

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StopModel:
    """A fitted stop. inputs: of the ensemble, features, then "side". bounds: in ATR. trained_on: rows it learned from. target: the name of
    their definition. moving: how it is decided again at each close; None: fixed at the entry."""

    ensemble: Ensemble
    inputs: tuple[str, ...]
    bounds: tuple[float, float]
    trained_on: int
    target: str = "excursion"
    moving: Moving | None = None

    def predict(self, features: Features, labels: Labels) -> Floats:
        """Stop distances in ATR at the labels' signals, float64[L], as the loop decides them at the entry."""
        said = np.clip(self.ensemble.predict(feature_rows(features, labels)), *self.bounds)
        return said.astype(np.float32).astype(np.float64)

    def model(self, features: Features) -> EntryModel:
        """The entry model of this stop for the bars of these features."""
        return stop_model(features, by_side(self.ensemble.predict, features, self.bounds), self.bounds, self.moving)


def fit_stop(features: Features, target: StopTarget, learning: Learning, journals: Path | None = None) -> tuple[StopModel, Trained]:
    """Tune, stack and fit on the target's rows, features read at their signal bars only. The stop is fixed at the entry as yet."""
    inputs = (*features.names, "side")
    trained = fit_ensemble(
        "stop", target.sample(features), inputs, learning, objective=target.objective, alpha=target.alpha, journals=journals
    )
    stop = StopModel(trained.ensemble, inputs, (learning.stop_low, learning.stop_high), target.labels.count, target.name)
    return stop, trained
