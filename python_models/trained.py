"""The models of one question, each tuned, stacked on out-of-fold predictions, and fitted to all rows: what all phases learn with.

Nested: for each outer purged fold every library is tuned anew on the fold's training rows, by inner purged folds of these alone, and then
predicts the rows held out. Weights of the blend come from those predictions, so no model, tuning included, has seen what it is weighed by.
The final models are tuned on all rows and fitted to them. Deterministic for the same rows and settings. Knows no market.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from esbt.entry_model import Ask
from esbt.errors import EsbtError
from esbt.files import make_folder
from esbt.sweep.fingerprint import array_digest
from python_models.boosting import Rows, TrainedForest
from python_models.config import Learning
from python_models.cross_validation import Fold, PurgedKFold
from python_models.ensemble import Blend, Floats, Stacked, fit_blend, stack
from python_models.learners import Learner, Objective, Sample, Tunable
from python_models.network import NetworkFit, NetworkLearner, TrainedNetwork
from python_models.tuning import Tuned, tune

Model = TrainedForest | TrainedNetwork
CATEGORIES = (
    "day_of_week",
    "volatility_regime",
)  # features whose values are codes from 0; signs such as -1, 0, 1 are numbers with an order
_FEWEST = 40  # rows that stop a network's training, in the smallest inner fold


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Fitted models by name ("lightgbm", "xgboost", "network") and their blend."""

    blend: Blend
    members: dict[str, Model]

    def predict(self, x: Rows) -> Floats:
        """Margins float64[n] of rows float32[n, k]; the same bits as the loop's."""
        return self.blend.combine(np.column_stack([member.predict(x) for member in self.members.values()]))

    def ask(self, inputs: Sequence[str]) -> Ask:
        """The question to the loop. Raises EsbtError where a member has another number of inputs."""
        return self.blend.ask([Ask(member, tuple(inputs)) for member in self.members.values()])


@dataclass(frozen=True, eq=False)
class Evidence:
    """How an ensemble came about, for those who explain it.

    sample: the rows. folds: outer, as (training rows, tested rows). stacked: blend, out-of-fold margins float64[n, M] and mean losses of
    each member, then of the blend. tuned: by name, on all rows; tuned_in_folds: on each fold's training rows. epochs: losses of the final
    network's held-back rows after each epoch; empty without a network.
    """

    sample: Sample
    folds: tuple[Fold, ...]
    stacked: Stacked
    tuned: dict[str, Tuned]
    tuned_in_folds: dict[str, tuple[Tuned, ...]]
    epochs: tuple[float, ...] = ()

    @property
    def weights(self) -> dict[str, float]:
        """Of the blend, by name."""
        return dict(zip(self.tuned, self.stacked.blend.weights, strict=True))

    @property
    def losses(self) -> dict[str, float]:
        """Mean out-of-fold loss by name, and of "blend": squared error (of the probability) or pinball loss."""
        return dict(zip([*self.tuned, "blend"], self.stacked.losses, strict=True))


@dataclass(frozen=True, eq=False)
class Trained:
    """The ensemble of all rows; folds: one for each outer fold, fitted to its training rows and weighed by the predictions for these alone;
    what there is to show; notes on what was left out."""

    ensemble: Ensemble
    folds: tuple[Ensemble, ...]
    splitter: PurgedKFold
    evidence: Evidence
    notes: tuple[str, ...] = ()


@dataclass
class _Member:
    """Tuned and fitted anew for each sample it is given; remembers what it found and fitted."""

    name: str
    learner: Tunable
    learning: Learning
    journals: Path | None
    tuned: list[Tuned] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    losses: tuple[float, ...] = ()  # of the last network by epoch

    def __call__(self, sample: Sample, x: Rows) -> Floats:
        self.fit(sample)
        return self.models[-1].predict(x)

    def fit(self, sample: Sample) -> None:
        inner = _folds(sample, self.learning.inner_folds, self.learner.objective, self.learning)
        storage = None if self.journals is None else self._file(self.journals, sample, inner)
        self.tuned.append(tune(self.learner, sample, inner, trials=self.learning.trials, storage=storage))
        found = self.tuned[-1].fit(sample)
        if isinstance(found, NetworkFit):
            self.losses, found = found.losses, found.network
        self.models.append(found)

    def _file(self, folder: Path, sample: Sample, inner: PurgedKFold) -> Path:
        """One journal for each set of rows, folds and settings, so that a rerun finds its own and another run none."""
        said = [repr(self.learner), repr(inner), *map(array_digest, (*sample.arrays(), sample.start, sample.end))]
        return make_folder(folder) / f"{self.name}_{hashlib.blake2b('; '.join(said).encode(), digest_size=8).hexdigest()}.journal"


def fit_ensemble(
    question: str,
    sample: Sample,
    names: Sequence[str],
    learning: Learning,
    *,
    objective: Objective,
    alpha: float = 0.5,
    journals: Path | None = None,
) -> Trained:
    """Models of `learning.models` on rows with spans, in order of time. names: of the columns. question: begins the journals' names.

    journals: a folder, or None: memory. The network is left out, with a note, where an inner fold would have too few rows with all features
    to stop its training. Raises EsbtError for rows that are too few or of one class for the folds.
    """
    learners, notes = _learners(names, learning, objective, alpha), list[str]()
    need, whole = _rows_needed(learning), int(np.isfinite(sample.x).all(axis=1).sum())
    used = [name for name in learning.models if name != "network" or whole >= need]
    if len(used) < len(learning.models):
        notes.append(f"The {question} network was left out: it needs {need:,} rows with all features, there are {whole:,}.")
    members: dict[str, _Member] = {name: _Member(f"{question}_{name}", learners[name], learning, journals) for name in used}
    outer = _folds(sample, learning.folds, objective, learning)
    stacked = stack(list(members.values()), sample, outer, objective=objective, alpha=alpha)
    folds = tuple(outer.split(sample.x, sample.y))
    blends = [_blend_without(test, stacked, sample, alpha) for _, test in folds]
    of_folds = [Ensemble(blend, {name: own.models[number] for name, own in members.items()}) for number, blend in enumerate(blends)]
    in_folds = {name: tuple(own.tuned) for name, own in members.items()}
    for own in members.values():
        own.fit(sample)
    tuned = {name: own.tuned[-1] for name, own in members.items()}
    epochs = members["network"].losses if "network" in members else ()
    final = Ensemble(stacked.blend, {name: own.models[-1] for name, own in members.items()})
    return Trained(final, tuple(of_folds), outer, Evidence(sample, folds, stacked, tuned, in_folds, epochs), tuple(notes))


def simple_model(sample: Sample, names: Sequence[str], learning: Learning, objective: Objective, alpha: float) -> TrainedForest:
    """One untuned LightGBM forest: to compare what is learned from, not how well."""
    learner = _learners(names, learning, objective, alpha)["lightgbm"]
    forest: TrainedForest = learner.fit(sample, learner.first())
    return forest


def _learners(names: Sequence[str], learning: Learning, objective: Objective, alpha: float) -> dict[str, Tunable]:
    codes = tuple(number for number, name in enumerate(names) if name.split("(")[0] in CATEGORIES)
    forest: dict[str, Any] = {"objective": objective, "alpha": alpha, "seed": learning.seed, "most_trees": learning.trees}
    return {
        "lightgbm": Learner("lightgbm", **forest, categories=codes),
        "xgboost": Learner("xgboost", **forest),
        "network": NetworkLearner(
            objective=objective,
            alpha=alpha,
            epochs=learning.network_epochs,
            patience=max(2, learning.network_epochs // 5),
            batch=256,
            embargo_bars=learning.embargo_bars,
            seed=learning.seed,
        ),
    }


def _folds(sample: Sample, folds: int, objective: str, learning: Learning) -> PurgedKFold:
    if sample.start is None or sample.end is None:
        raise EsbtError("an ensemble needs the spans of its rows, for purged folds: give Sample(..., start=, end=)")
    return PurgedKFold(sample.start, sample.end, folds, embargo_bars=learning.embargo_bars, stratify=objective == "binary")


def _rows_needed(learning: Learning) -> int:
    """Rows with all features for a network: its held-back part of the smallest inner fold has _FEWEST."""
    share = NetworkLearner().held_back * (1 - 1 / learning.folds) * (1 - 1 / learning.inner_folds)
    return round(_FEWEST / share)


def _blend_without(tested: Any, stacked: Stacked, sample: Sample, alpha: float) -> Blend:
    """Weights from the out-of-fold predictions for all other rows."""
    others = np.setdiff1d(np.arange(len(sample.x)), tested)
    return fit_blend(stacked.out_of_fold[others], sample.take(others), stacked.blend.objective, alpha)
