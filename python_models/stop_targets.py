"""What the stop of phase 1 learns from: two definitions of the stop that would have been right, made of training trades alone.

"excursion": how far a trade that won went against its entry first (Sweeney 1996, Maximum Adverse Excursion), in ATR of the signal bar, with
the stop at its widest and the target where the baseline has it. Rows are winners; learned is the quantile `stop_quantile`, so that this
share of winners would have lived.

"best": of a few distances, the one at which the trade's net profit of one contract is greatest, the signal having been traded at each by
the core itself, its target at target_r times the distance; equal profits go to the nearest, which risks least for them. Rows are all
signals; learned is the weighted mean. A row weighs what the choice is worth, the best profit less the mean over the distances, in ATR of
the signal bar: a trade that loses everywhere loses least at the nearest stop, by little; one that needed room loses much without it. So
the weighted squares of least squares stand for the profit given away, which near the best distance grows with the square of the way from
it (example weights in proportion to cost: Zadrozny, Langford and Abe 2003, ICDM).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from esbt.account import Account
from esbt.data import Bars
from esbt.features import Features
from esbt.signals import Exits
from python_models.boosting import feature_rows
from python_models.config import Learning
from python_models.labels import Labels, label_trades
from python_models.learners import Objective, Sample
from python_models.sample_weights import average_uniqueness, mean_one
from python_models.splits import Window

OF_THE_STOP = ("target_r", "scale1_r", "scale1_stop_r", "scale2_r", "scale2_stop_r")  # levels given as multiples of the stop distance
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StopTarget:
    """L rows to learn from. labels: the trades; atr: float64[L], the stop that would have been right, in ATR of the signal bar; weights:
    float64[L], mean 1; objective, alpha: what to learn of it, as `Learner` has them."""

    name: str
    labels: Labels
    atr: Floats
    weights: Floats
    objective: Objective = "mean"
    alpha: float = 0.5

    def sample(self, features: Features) -> Sample:
        """Features and side at the signal bars, with spans."""
        own = self.labels
        return Sample(feature_rows(features, own), self.atr, self.weights, own.signal_bar, own.end_bar)

    def within(self, window: Window) -> "StopTarget":
        """The rows whose span lies in a window."""
        inside = (self.labels.signal_bar >= window.start) & (self.labels.end_bar < window.stop)
        weights = mean_one(self.weights[inside])
        return replace(self, labels=self.labels.where(inside), atr=self.atr[inside], weights=weights)


def excursion_labels(bars: Bars, strategy: Exits, account: Account, learning: Learning) -> Labels:
    """Labels of positions with the stop at stop_high ATR (at most stop_ticks), and target and parts where the strategy has them."""
    wide: dict[str, float] = {"stop_atr": learning.stop_high}
    if strategy.stop_atr is not None:
        nearer = strategy.stop_atr / learning.stop_high
        wide |= {name: nearer * multiple for name in OF_THE_STOP if (multiple := getattr(strategy, name)) is not None}
    return label_trades(bars, strategy.model_copy(update=wide), account)


def excursion_target(bars: Bars, strategy: Exits, account: Account, learning: Learning) -> StopTarget:
    """Winners and their adverse excursion, weighted by uniqueness."""
    labels = excursion_labels(bars, strategy, account, learning)
    won = labels.where(labels.pnl > 0)
    weights = mean_one(average_uniqueness(won.signal_bar, won.end_bar))
    return StopTarget("excursion", won, won.mae_atr, weights, "quantile", learning.stop_quantile)


def best_target(bars: Bars, strategy: Exits, account: Account, learning: Learning) -> StopTarget:
    """Signals and the distance that served each best, of `learning.stop_steps` from stop_low to stop_high in equal ratios."""
    distances = np.geomspace(learning.stop_low, learning.stop_high, learning.stop_steps)
    traded = [label_trades(bars, strategy.model_copy(update={"stop_atr": float(d)}), account) for d in distances]
    known = reduce(np.intersect1d, [own.signal_bar for own in traded])  # at every distance
    traded = [own.where(np.isin(own.signal_bar, known)) for own in traded]
    profit = np.column_stack([own.pnl for own in traded])
    best = profit.argmax(axis=1) if known.size else np.zeros(0, np.int64)  # the first of equals is the nearest
    last = np.max([own.end_bar for own in traded], axis=0)
    first = traded[0]
    labels = Labels(first.signal_bar, last, first.side, *(_picked(traded, name, best) for name in ("pnl", "risk", "mae_atr")))
    per_atr = strategy.atr(bars)[known] * bars.instrument.tick_value
    worth = (profit.max(axis=1, initial=-np.inf) - profit.mean(axis=1)) / np.maximum(per_atr, 1e-9) if known.size else np.zeros(0)
    matters = worth > 0  # where every distance earns the same, there is nothing to learn
    labels, best, worth = labels.where(matters), best[matters], worth[matters]
    weights = mean_one(worth * average_uniqueness(labels.signal_bar, labels.end_bar))
    return StopTarget("best", labels, distances[best], weights)


TARGETS: dict[str, Callable[[Bars, Exits, Account, Learning], StopTarget]] = {"excursion": excursion_target, "best": best_target}


def _picked(traded: list[Labels], name: str, best: npt.NDArray[np.int64]) -> Floats:
    values = np.column_stack([getattr(own, name) for own in traded])
    return np.asarray(values[np.arange(best.size), best], dtype=np.float64)
