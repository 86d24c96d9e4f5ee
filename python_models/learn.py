"""Learning on a training window: the three phases in order. It is given the training bars only, so it cannot see what follows.

Time in the window: [fitting | embargo | calibration]. Phase 1 fits the stop on the fitting part; phase 2 learns outcomes under
cross-fitted stops there and is calibrated on the calibration part under the stop that will trade; phase 3 takes payoff and volatility from
the same part. A phase with too little data is left out, and says what it needs. What each learns: docs/learning.md.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.account import Account, Kelly
from esbt.data import Bars
from esbt.entry_model import EntryModel
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.signals import Exits, Signals
from python_models.config import Learning
from python_models.dynamic_stop import LONG, SHORT, Moving, by_side, learn_multipliers, stop_model
from python_models.entry_confidence import ConfidenceModel, calibrate, fit_confidence
from python_models.labels import Labels, label_trades
from python_models.position_sizer import kelly_size
from python_models.splits import Window, last_part
from python_models.stop_choice import chosen_target, compare_targets
from python_models.stop_loss import StopModel, fit_stop
from python_models.stop_targets import TARGETS, StopTarget
from python_models.trained import Evidence, Trained

Floats = npt.NDArray[np.float64]
Sides = tuple[Floats, Floats]
_PLAIN = ("trail_atr", "trail_ticks", "chandelier_atr", "break_even_r", "target_atr", "target_ticks", "scale1_r", "scale1_share")
_PLAIN_TOO = ("scale1_stop_r", "scale2_r", "scale2_share", "scale2_stop_r")  # with those above: rules that triple barriers do not have


@dataclass
class Learned:
    """What training gave: None for a phase left out, and `notes` that say why.

    To be shown, and empty in a loaded bundle: evidence, how the ensemble of "stop" and of "confidence" came about; stop_targets, the
    comparison of `compare_targets`; multipliers, what `learn_multipliers` saw.
    """

    stop: StopModel | None = None
    confidence: ConfidenceModel | None = None
    size: Kelly | None = None
    notes: list[str] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    stop_targets: pl.DataFrame | None = None
    multipliers: pl.DataFrame | None = None

    def model(self, features: Features, *, filtered: bool = True) -> EntryModel:
        """The entry model for the bars these features belong to; `filtered=False` leaves phase 2 out."""
        own = EntryModel(features) if self.stop is None else self.stop.model(features)
        if self.confidence is not None and filtered:
            c = self.confidence
            own = replace(own, confidence=c.ask, calibration=c.calibration, threshold=c.threshold)
        return own


@dataclass(frozen=True)
class Training:
    """The training bars, their features, and how to trade and learn on them. journals: a folder for the journals of tuning, from which a
    rerun goes on; None: kept in memory."""

    bars: Bars
    features: Features
    strategy: Exits
    account: Account
    learning: Learning
    journals: Path | None = None

    def windows(self) -> tuple[Window, Window]:
        """Fitting part and calibration part."""
        return last_part(Window(0, len(self.bars)), self.learning.calibration_fraction, self.learning.embargo_bars)

    def outcomes(self, model: EntryModel | None, signals_in: Window, known_by: int, exits: dict[str, object] | None = None) -> Labels:
        """What became of the signals of a window, traded with this entry model, as far as it was known before bar `known_by`. exits: rules
        in place of the strategy's own."""
        sides = self.strategy.signals(self.bars).copy()
        sides[: signals_in.start] = 0
        sides[signals_in.stop :] = 0
        strategy = Signals(values=sides, **(self.strategy.exits() | (exits or {})))
        return label_trades(self.bars, strategy, self.account, model).within(signals_in.start, known_by)


def learn(training: Training) -> Learned:
    """Fit the phases on the training bars. Deterministic for the same bars and settings."""
    learned, learning, features = Learned(), training.learning, training.features
    try:
        fitting, calibration = training.windows()
    except EsbtError as error:
        learned.notes.append(f"Phases 1 to 3 left out: {error}. Give more bars.")
        return learned
    made = {name: make(training.bars, training.strategy, training.account, learning).within(fitting) for name, make in TARGETS.items()}
    winners = made["excursion"].labels.count
    if winners < learning.min_labels:
        learned.notes.append(
            f"Phases 1 to 3 left out: the stop model needs {learning.min_labels:,} winning trades to learn from, the fitting part of "
            f"{len(training.bars):,} training bars holds {winners:,}. Give more bars."
        )
        return learned
    target = _target(training, fitting, made, learned)
    learned.stop, trained = fit_stop(features, target, learning, training.journals)
    _keep(learned, "stop", trained)
    fitted = _CrossFitted(training, fitting, trained, target)
    if learning.reevaluate:
        moving, learned.multipliers = learn_multipliers(fitted.outcomes, features, learning)
        learned.stop = replace(learned.stop, moving=moving)
    train = fitted.outcomes(learned.stop.moving)
    train, won = _won(fitted, train)
    held_model = learned.stop.model(features)
    held_out = training.outcomes(held_model, calibration, calibration.stop)
    if note := _too_few(learning, won, train, held_out, len(calibration)):
        learned.notes.append(note)
        return learned
    trained = fit_confidence(features, train, _at(fitted.sides, train), won, learning, journals=training.journals)
    _keep(learned, "confidence", trained)
    held_stop = _at((held_model.features.column(LONG), held_model.features.column(SHORT)), held_out)
    learned.confidence = calibrate(trained.ensemble, features, held_out, held_stop, learning)
    taken = learned.confidence.evidence.taken if learned.confidence.evidence else held_out
    if not 0 < _wins(taken) < taken.count:
        learned.notes.append(
            f"Phase 3 left out: a payoff needs wins and losses, the {taken.count:,} calibration trades taken hold "
            f"{_wins(taken):,} wins. Give more bars."
        )
        return learned
    learned.size = kelly_size(taken, _relative_volatility(training, held_out), learning)
    return learned


class _CrossFitted:
    """Stops of the fitting window at each bar, of the model that was not fitted to the bar's stretch; and what trades under them became."""

    def __init__(self, training: Training, fitting: Window, trained: Trained, target: StopTarget) -> None:
        learning, features = training.learning, training.features
        self.training, self.fitting = training, fitting
        self.bounds = (learning.stop_low, learning.stop_high)
        first = target.labels.signal_bar[trained.splitter.edges()[1:-1]]  # of each stretch but the first
        self.edges = np.array([fitting.start, *first, fitting.stop])
        self.sides: Sides = (np.full(len(features), learning.stop_low), np.full(len(features), learning.stop_low))
        for ensemble, start, stop in zip(trained.folds, self.edges, self.edges[1:], strict=False):
            for own, said in zip(self.sides, by_side(ensemble.predict, features[int(start) : int(stop)], self.bounds), strict=True):
                own[start:stop] = said

    def outcomes(self, moving: Moving | None, exits: dict[str, object] | None = None) -> Labels:
        """Of the signals whose trade ended in their own stretch: no later model, fitted to it, had a say."""
        model = stop_model(self.training.features, self.sides, self.bounds, moving)
        labels = self.training.outcomes(model, self.fitting, self.fitting.stop, exits)
        stretch = np.searchsorted(self.edges, labels.signal_bar, side="right")
        return labels.where(labels.end_bar < self.edges[stretch])


def _target(training: Training, fitting: Window, made: dict[str, StopTarget], learned: Learned) -> StopTarget:
    """The one that is set, or chosen; the comparison is kept where the window is long enough for it."""
    learning = training.learning
    try:
        learned.stop_targets = compare_targets(training, fitting, made)
    except EsbtError as error:
        learned.notes.append(f"The stop targets were not compared: {error}.")
        return made["excursion" if learning.stop_target == "choose" else learning.stop_target]
    name = learning.stop_target
    return made[chosen_target(learned.stop_targets, learning.reevaluate) if name == "choose" else name]


def _won(fitted: _CrossFitted, train: Labels) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """What phase 2 learns, and of which trades: whether each earned something, or met its target before stop and time."""
    training = fitted.training
    learning = training.learning
    if learning.label == "meta":
        return train, train.pnl > 0
    plain = dict.fromkeys((*_PLAIN, *_PLAIN_TOO))
    barriers = plain | {"target_r": getattr(training.strategy, "target_r", None) or 1.0, "max_bars": learning.barrier_bars}
    met = fitted.outcomes(None, barriers)
    _, own, other = np.intersect1d(train.signal_bar, met.signal_bar, assume_unique=True, return_indices=True)
    both = np.isin(np.arange(train.count), own)
    kept = train.where(both)
    return replace(kept, end_bar=np.maximum(kept.end_bar, met.end_bar[other])), met.pnl[other] > 0


def _too_few(learning: Learning, won: npt.NDArray[np.bool_], train: Labels, held_out: Labels, bars: int) -> str:
    """Why phase 2 cannot be learned; empty where it can."""
    need = learning.min_labels // 10
    if min(_wins(held_out), held_out.count - _wins(held_out)) < need:
        return (
            f"Phases 2 and 3 left out: calibration needs {need:,} held-out wins and as many losses, the calibration part of "
            f"{bars:,} bars holds {_wins(held_out):,} wins among {held_out.count:,} trades. Give more bars."
        )
    if min(won.sum(), (~won).sum()) < need:
        return (
            f"Phases 2 and 3 left out: the filter needs {need:,} wins and as many losses to learn from, the fitting part holds "
            f"{int(won.sum()):,} wins among {train.count:,} trades. Give more bars."
        )
    return ""


def _keep(learned: Learned, question: str, trained: Trained) -> None:
    learned.evidence[question] = trained.evidence
    learned.notes.extend(trained.notes)


def _wins(labels: Labels) -> int:
    return int((labels.pnl > 0).sum())


def _at(sides: tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]], labels: Labels) -> Floats:
    """The stop at each label's signal, of its side."""
    long, short = (own[labels.signal_bar] for own in sides)
    return np.asarray(np.where(labels.side > 0, long, short), dtype=np.float64)


def _relative_volatility(training: Training, labels: Labels) -> Floats:
    """ATR / price at the labels' signals."""
    atr = training.strategy.atr(training.bars)[labels.signal_bar]
    return atr / np.abs(training.bars.close[labels.signal_bar])
