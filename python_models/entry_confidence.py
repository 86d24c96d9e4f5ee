"""Phase 2, entry confidence: the calibrated probability that a signal, traded with the stop of phase 1, ends in profit after costs.

A LightGBM classifier learns on the fitting window; a Platt scaling (logistic regression of the outcome on the raw margin; Platt 1999) and
the threshold are chosen on the calibration window, which lies later in the training time, after an embargo. The test time is never seen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from esbt.entry_model import Ask
from esbt.features import Features
from esbt.forest import Forest
from python_models.boosting import TrainedForest, feature_rows, fit
from python_models.config import Learning
from python_models.labels import Labels

FEWEST_TAKEN = 0.1  # the threshold must leave at least this share of the calibration signals


@dataclass(frozen=True)
class ConfidenceModel:
    """A fitted filter: its question, calibration (a, b) of the margin, threshold, and what the calibration window showed."""

    ask: Ask
    calibration: tuple[float, float]
    threshold: float
    quality: dict[str, float]
    taken: Labels  # of the calibration window, what the threshold takes


def fit_confidence(features: Features, train: Labels, train_stop: npt.NDArray[np.float64], learning: Learning) -> Forest:
    """The raw classifier: margins of "net profit above zero" from features, side, and the stop the trade was given."""
    booster = fit(feature_rows(features, train, train_stop), (train.pnl > 0).astype(np.float64), learning, objective="binary")
    return TrainedForest(booster)


def calibrate(forest: Forest, features: Features, held_out: Labels, stop_atr: npt.NDArray[np.float64]) -> ConfidenceModel:
    """Platt scaling and threshold on held-out training time."""
    margins = forest.predict(feature_rows(features, held_out, stop_atr))
    won = (held_out.pnl > 0).astype(np.int64)
    platt = LogisticRegression(C=1e6).fit(margins[:, None], won)
    a, b = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    probability = 1.0 / (1.0 + np.exp(-(a * margins + b)))
    threshold = best_threshold(probability, held_out.pnl)
    quality = {
        "held_out_signals": float(held_out.count),
        "held_out_win_rate": float(won.mean()),
        "roc_auc": float(roc_auc_score(won, margins)),
        "brier": float(brier_score_loss(won, probability)),
        "brier_of_base_rate": float(won.mean() * (1 - won.mean())),
        "log_loss": float(log_loss(won, probability)),
        "platt_a": a,
        "platt_b": b,
        "threshold": threshold,
        "share_taken": float((probability >= threshold).mean()),
    }
    ask = Ask(forest, (*features.names, "side", "stop_atr"))
    return ConfidenceModel(ask, (a, b), threshold, quality, held_out.where(probability >= threshold))


def best_threshold(probability: npt.NDArray[np.float64], pnl: npt.NDArray[np.float64]) -> float:
    """The cut-off with the greatest net profit of what it takes (USD, one contract each), among cut-offs that take at least a tenth.

    probability, pnl: float64[L] of the calibration window. Ties go to the lower cut-off.
    """
    order = np.argsort(-probability, kind="stable")
    ranked, profit = probability[order], np.cumsum(pnl[order])
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    allowed = last_of_tie & (np.arange(1, ranked.size + 1) >= max(1, int(FEWEST_TAKEN * ranked.size)))
    candidates = np.flatnonzero(allowed)
    best = candidates[profit[candidates] == profit[candidates].max()][-1]
    return float(ranked[best])
