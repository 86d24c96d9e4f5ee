"""Are the probabilities true? Brier score, log loss, and a reliability table of equal-count bins with counts. Knows no model.

p: float64[n], probabilities that a trade wins. won: bool[n] or 0 and 1. All raise EsbtError for other shapes and values.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from esbt.errors import EsbtError

Floats = npt.NDArray[np.float64]
_Z = 1.959963984540054  # the normal 97.5 % point


def brier(p: npt.ArrayLike, won: npt.ArrayLike) -> float:
    """Mean of (p - won)^2 (Brier 1950): less is better; the base rate q alone scores q * (1 - q)."""
    probability, outcome = _checked(p, won)
    return float(brier_score_loss(outcome, probability))


def log_loss(p: npt.ArrayLike, won: npt.ArrayLike) -> float:
    """Mean of -ln(probability given to what happened), in nats: less is better; probabilities are kept one rounding error from 0 and 1."""
    probability, outcome = _checked(p, won)
    return float(sklearn_log_loss(outcome, probability, labels=[0, 1]))


def reliability_table(p: npt.ArrayLike, won: npt.ArrayLike, bins: int = 10) -> pl.DataFrame:
    """Said against happened, in bins of ascending probability with equal counts; equal probabilities share a bin, so there may be fewer.

    Columns: from, to (least and greatest p), count, mean_p, win_rate; low, high: its 95 % interval for independent trades (Wilson 1927).
    """
    probability, outcome = _checked(p, won)
    if bins < 1:
        raise EsbtError(f"bins must be 1 or more, got {bins}")
    order = np.argsort(probability, kind="stable")
    ranked, happened = probability[order], outcome[order]
    ends = np.searchsorted(ranked, ranked[_even_ends(ranked.size, bins) - 1], side="right")  # the last of those equal
    ends = np.unique(ends)
    starts = np.concatenate([[0], ends[:-1]])
    count = ends - starts
    wins = np.add.reduceat(happened, starts)
    rate = wins / count
    middle, half = _wilson(rate, count)
    return pl.DataFrame(
        {
            "from": ranked[starts],
            "to": ranked[ends - 1],
            "count": count,
            "mean_p": np.add.reduceat(ranked, starts) / count,
            "win_rate": rate,
            "low": middle - half,
            "high": middle + half,
        }
    )


def calibration_error(p: npt.ArrayLike, won: npt.ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: mean over trades of |mean_p - win_rate| of their bin (Naeini, Cooper and Hauskrecht 2015), equal counts.

    Above 0 by chance alone, about 0.8 * sqrt(q (1 - q) * bins / n): compare it between models on the same trades.
    """
    table = reliability_table(p, won, bins)
    said, happened, count = (table[name].to_numpy() for name in ("mean_p", "win_rate", "count"))
    return float(np.average(np.abs(said - happened), weights=count))


def quality(p: npt.ArrayLike, won: npt.ArrayLike) -> dict[str, float]:
    """All of it in one table: trades, win_rate, roc_auc (NaN with one class), brier, brier_of_base_rate, log_loss, log_loss_of_base_rate,
    calibration_error."""
    probability, outcome = _checked(p, won)
    rate = float(outcome.mean())
    both = 0 < rate < 1
    base = np.full(outcome.size, rate)
    return {
        "trades": float(outcome.size),
        "win_rate": rate,
        "roc_auc": float(roc_auc_score(outcome, probability)) if both else float("nan"),
        "brier": brier(probability, outcome),
        "brier_of_base_rate": rate * (1 - rate),
        "log_loss": log_loss(probability, outcome),
        "log_loss_of_base_rate": log_loss(base, outcome),
        "calibration_error": calibration_error(probability, outcome),
    }


def _even_ends(n: int, bins: int) -> npt.NDArray[np.int64]:
    return np.unique([n * b // bins for b in range(1, bins + 1) if n * b // bins > 0]).astype(np.int64)


def _wilson(rate: Floats, count: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Middle and half width of the score interval."""
    spread = 1 + _Z**2 / count
    return (rate + _Z**2 / (2 * count)) / spread, _Z * np.sqrt(rate * (1 - rate) / count + _Z**2 / (4 * count**2)) / spread


def _checked(p: npt.ArrayLike, won: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.int64]]:
    probability, outcome = np.asarray(p, dtype=np.float64), np.asarray(won)
    if probability.ndim != 1 or probability.shape != outcome.shape or not probability.size:
        raise EsbtError(f"give a probability and an outcome for one or more trades, got shapes {probability.shape} and {outcome.shape}")
    if not ((probability >= 0) & (probability <= 1)).all() or not np.isin(outcome, (0, 1)).all():
        raise EsbtError("probabilities must be in [0, 1] and outcomes 0 or 1")
    return probability, outcome.astype(np.int64)
