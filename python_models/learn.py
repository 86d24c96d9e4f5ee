"""Learning on a training window: the three phases in order. It is given the training bars only, so it cannot see what follows.

Time in the window: [fitting | embargo | calibration]. Phase 1 fits the stop on the fitting part; phase 2 learns outcomes under
cross-fitted stops there and is calibrated on the calibration part under the stop that will trade; phase 3 takes payoff and volatility from
the same part. A phase with too little data is left out, and says what it needs.
"""

from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from esbt.account import Account, Kelly
from esbt.data import Bars
from esbt.entry_model import EntryModel
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.signals import Exits, Signals
from python_models.config import Learning
from python_models.entry_confidence import ConfidenceModel, calibrate, fit_confidence
from python_models.labels import Labels, label_trades
from python_models.position_size import kelly_size
from python_models.splits import Window, last_part, purged_folds
from python_models.stop_loss import StopModel, excursion_labels, fit_stop


@dataclass
class Learned:
    """What training gave: None for a phase left out, and `notes` that say why."""

    stop: StopModel | None = None
    confidence: ConfidenceModel | None = None
    size: Kelly | None = None
    notes: list[str] = field(default_factory=list)

    def model(self, features: Features, *, filtered: bool = True) -> EntryModel:
        """The entry model for the bars these features belong to; `filtered=False` leaves phase 2 out."""
        own = EntryModel(features)
        if self.stop is not None:
            own = replace(own, stop=self.stop.ask, stop_bounds=self.stop.bounds)
        if self.confidence is not None and filtered:
            c = self.confidence
            own = replace(own, confidence=c.ask, calibration=c.calibration, threshold=c.threshold)
        return own


@dataclass(frozen=True)
class Training:
    """The training bars, their features, and how to trade and learn on them."""

    bars: Bars
    features: Features
    strategy: Exits
    account: Account
    learning: Learning

    def windows(self) -> tuple[Window, Window]:
        """Fitting part and calibration part."""
        return last_part(Window(0, len(self.bars)), self.learning.calibration_fraction, self.learning.embargo_bars)

    def outcomes(self, stop: StopModel, signals_in: Window, known_by: int) -> Labels:
        """What became of the signals of a window, traded with this stop model, as far as it was known before bar `known_by`."""
        sides = self.strategy.signals(self.bars).copy()
        sides[: signals_in.start] = 0
        sides[signals_in.stop :] = 0
        model = EntryModel(self.features, stop=stop.ask, stop_bounds=stop.bounds)
        labels = label_trades(self.bars, Signals(values=sides, **self.strategy.exits()), self.account, model)
        return labels.within(signals_in.start, known_by)


def learn(training: Training) -> Learned:
    """Fit the phases on the training bars. Deterministic for the same bars and settings."""
    learned, learning = Learned(), training.learning
    try:
        fitting, calibration = training.windows()
    except EsbtError as error:
        learned.notes.append(f"Phases 1 to 3 left out: {error}. Give more bars.")
        return learned
    excursions = excursion_labels(training.bars, training.strategy, training.account, learning).within(fitting.start, fitting.stop)
    winners = _wins(excursions)
    if winners < learning.min_labels:
        learned.notes.append(
            f"Phases 1 to 3 left out: the stop model needs {learning.min_labels:,} winning trades to learn from, the fitting part of "
            f"{len(training.bars):,} training bars holds {winners:,}. Give more bars."
        )
        return learned
    learned.stop = fit_stop(training.features, excursions, learning)
    train, train_stop = _cross_fitted(training, excursions, fitting)
    held_out = training.outcomes(learned.stop, calibration, calibration.stop)
    need, rarer = learning.min_labels // 10, min(_wins(held_out), held_out.count - _wins(held_out))
    if rarer < need:
        learned.notes.append(
            f"Phases 2 and 3 left out: calibration needs {need:,} held-out wins and as many losses, the calibration part of "
            f"{len(calibration):,} bars holds {_wins(held_out):,} wins among {held_out.count:,} trades. Give more bars."
        )
        return learned
    forest = fit_confidence(training.features, train, train_stop, learning)
    confidence = calibrate(forest, training.features, held_out, learned.stop.predict(training.features, held_out))
    learned.confidence = confidence
    taken_wins = _wins(confidence.taken)
    if not 0 < taken_wins < confidence.taken.count:
        learned.notes.append(
            f"Phase 3 left out: a payoff needs wins and losses, the {confidence.taken.count:,} calibration trades taken hold "
            f"{taken_wins:,} wins. Give more bars."
        )
        return learned
    learned.size = kelly_size(confidence.taken, _relative_volatility(training, held_out), learning)
    return learned


def _wins(labels: Labels) -> int:
    return int((labels.pnl > 0).sum())


def _cross_fitted(training: Training, excursions: Labels, fitting: Window) -> tuple[Labels, npt.NDArray[np.float64]]:
    """Outcomes of the fitting window, each traded with a stop fitted on the rest of the window, and those stops in ATR."""
    learning, features = training.learning, training.features
    parts, stops = [], []
    for others, stretch in purged_folds(excursions, fitting, learning.folds, learning.embargo_bars):
        stop = fit_stop(features, others, learning)
        parts.append(training.outcomes(stop, stretch, fitting.stop))
        stops.append(stop.predict(features, parts[-1]))
    return reduce(Labels.joined, parts), np.concatenate(stops)


def _relative_volatility(training: Training, labels: Labels) -> npt.NDArray[np.float64]:
    """ATR / price at the labels' signals."""
    atr = training.strategy.atr(training.bars)[labels.signal_bar]
    return atr / np.abs(training.bars.close[labels.signal_bar])
