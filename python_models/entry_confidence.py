"""Phase 2, entry confidence: the calibrated probability that a signal, traded with the stop of phase 1, ends in profit after costs.

The ensemble of `trained` learns on the fitting window, each class and each stretch of time weighing what it should. What it learns is
`Learning.label`: "meta", whether the trade itself earned something (Lopez de Prado 2018, section 3.6), or "triple_barrier", whether the
price reached the target before the stop, and within barrier_bars (section 3.4). Either way calibration and threshold are of net profit, and
are chosen on the calibration window, which lies later in the training time, after an embargo. The test time is never seen.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.entry_model import Ask
from esbt.features import Features
from python_models.boosting import feature_rows
from python_models.calibration import Calibration, Choice, choose_calibration
from python_models.config import Learning
from python_models.labels import Labels
from python_models.learners import Sample
from python_models.reliability import quality, reliability_table
from python_models.sample_weights import average_uniqueness, class_weights, mean_one
from python_models.threshold import Cut, utility_threshold
from python_models.trained import Ensemble, Trained, fit_ensemble

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibrating:
    """What the calibration window showed. choice: of the calibration. cut: the threshold. taken: the labels it takes. reliability: of the
    later part of the window, said against happened, see `reliability_table`; said by the chosen kind fitted to the earlier part."""

    choice: Choice
    cut: Cut
    taken: Labels
    reliability: pl.DataFrame


@dataclass(frozen=True, eq=False)
class ConfidenceModel:
    """A fitted filter. inputs: of the ensemble: features, "side", "stop_atr". quality: measures by name, of the later part of the
    calibration window. evidence: None in a loaded bundle."""

    ensemble: Ensemble
    inputs: tuple[str, ...]
    calibrator: Calibration
    threshold: float
    quality: dict[str, float]
    evidence: Calibrating | None = None

    @cached_property
    def _in_loop(self) -> tuple[Ask, tuple[float, float]]:
        return self.calibrator.in_loop(self.ensemble.ask(self.inputs))

    @property
    def ask(self) -> Ask:
        """The question to the loop: margins, or log odds where the calibration is no line."""
        return self._in_loop[0]

    @property
    def calibration(self) -> tuple[float, float]:
        """(a, b) of the answer, for `esbt.EntryModel`."""
        return self._in_loop[1]

    def probability(self, features: Features, labels: Labels, stop_atr: Floats) -> Floats:
        """At the labels' signals with these stops in ATR, float64[L]; what the loop decides by, up to rounding."""
        return self.calibrator.probability(self.ensemble.predict(feature_rows(features, labels, stop_atr)))


def fit_confidence(
    features: Features, train: Labels, stop_atr: Floats, won: npt.NDArray[np.bool_], learning: Learning, *, journals: Path | None = None
) -> Trained:
    """The raw classifier of `won`, bool[L], from features, side, and the stop that the trade was given, float64[L] in ATR.

    Weights: average uniqueness, times what gives both classes the same sum of it.
    """
    alone = average_uniqueness(train.signal_bar, train.end_bar)
    weights = mean_one(alone * class_weights(won, alone))
    sample = Sample(feature_rows(features, train, stop_atr), won.astype(np.float64), weights, train.signal_bar, train.end_bar)
    return fit_ensemble("confidence", sample, (*features.names, "side", "stop_atr"), learning, objective="binary", journals=journals)


def calibrate(ensemble: Ensemble, features: Features, held_out: Labels, stop_atr: Floats, learning: Learning) -> ConfidenceModel:
    """Calibration and threshold on held-out training time: see `choose_calibration` and `utility_threshold`."""
    margins = ensemble.predict(feature_rows(features, held_out, stop_atr))
    choice = choose_calibration(margins, held_out, embargo_bars=learning.embargo_bars)
    probability = choice.calibration.probability(margins)
    cut = utility_threshold(
        probability, held_out.pnl / held_out.risk, risk_fraction=learning.risk_fraction, aversion=learning.risk_aversion
    )
    said, won = (choice.said, choice.won) if choice.said.size else (probability, held_out.pnl > 0)
    measures = {"held_out_signals": float(held_out.count), "judged_signals": float(said.size)} | {
        name: value for name, value in quality(said, won).items() if name != "trades" and np.isfinite(value)
    }
    measures |= {"threshold": cut.threshold, "share_taken": cut.share_taken, "utility": cut.utility}
    shown = Calibrating(choice, cut, held_out.where(probability >= cut.threshold), reliability_table(said, won))
    inputs = (*features.names, "side", "stop_atr")
    return ConfidenceModel(ensemble, inputs, choice.calibration, cut.threshold, measures, shown)
