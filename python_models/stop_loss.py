"""Phase 1, the dynamic stop: how far, in ATR, must a stop stand so that trades like this one may still win?

Target: greatest adverse excursion, in ATR of the signal bar, of training trades that ended in profit with the stop at its widest and the
target where the baseline has it (Sweeney 1996, Maximum Adverse Excursion). Model: LightGBM quantile regression. In the loop the forest
gives the stop distance in ATR, clamped to [stop_low, stop_high]; the target stays target_r times it, by the rulebook. Where the strategy
has stop_ticks as well, the nearer of both counts: stop_ticks caps what is learned, and the excursions it is learned from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esbt.account import Account
from esbt.data import Bars
from esbt.entry_model import Ask
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.forest import Forest
from esbt.signals import Exits
from python_models.boosting import TrainedForest, feature_rows, fit
from python_models.config import Learning
from python_models.labels import Labels, label_trades

OF_THE_STOP = ("target_r", "scale1_r", "scale1_stop_r", "scale2_r", "scale2_stop_r")  # levels given as multiples of the stop distance


def excursion_labels(bars: Bars, strategy: Exits, account: Account, learning: Learning) -> Labels:
    """Labels of positions with the stop at stop_high ATR (at most stop_ticks), and target and parts where the strategy has them."""
    wide: dict[str, float] = {"stop_atr": learning.stop_high}
    if strategy.stop_atr is not None:
        nearer = strategy.stop_atr / learning.stop_high
        wide |= {name: nearer * multiple for name in OF_THE_STOP if (multiple := getattr(strategy, name)) is not None}
    return label_trades(bars, strategy.model_copy(update=wide), account)


@dataclass(frozen=True)
class StopModel:
    """A fitted stop: the question put to its forest, its bounds in ATR, and the number of winners it learned from."""

    forest: Forest
    ask: Ask
    bounds: tuple[float, float]
    trained_on: int

    def predict(self, features: Features, labels: Labels) -> npt.NDArray[np.float64]:
        """Stop distances in ATR at the labels' signals, float64[L], as the loop decides them."""
        return np.clip(self.forest.predict(feature_rows(features, labels)), *self.bounds)


def fit_stop(features: Features, labels: Labels, learning: Learning) -> StopModel:
    """Fit on the winners among the labels, features read at their signal bars only. Raises EsbtError where there is no winner."""
    winners = labels.where(labels.pnl > 0)
    if not winners.count:
        raise EsbtError("no winning trade is left to learn a stop from: give more bars, fewer folds or a smaller embargo_bars")
    booster = fit(feature_rows(features, winners), winners.mae_atr, learning, objective="quantile", alpha=learning.stop_quantile)
    forest = TrainedForest(booster)
    return StopModel(forest, Ask(forest, (*features.names, "side")), (learning.stop_low, learning.stop_high), winners.count)
