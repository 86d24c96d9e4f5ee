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
    fits: list[Any] = field(default_factory=list)

    def __call__(self, sample: Sample, x: Rows) -> Floats:
        self.fit(sample)
        return self.model.predict(x)

    def fit(self, sample: Sample) -> None:
        inner = _folds(sample, self.learning.inner_folds, self.learner.objective, self.learning)
        storage = None if self.journals is None else self._file(self.journals, sample, inner)
        self.tuned.append(tune(self.learner, sample, inner, trials=self.learning.trials, storage=storage))
        self.fits.append(self.tuned[-1].fit(sample))

    @property
    def model(self) -> Model:
        """The last one fitted."""
        own: Model = self.fits[-1].network if isinstance(self.fits[-1], NetworkFit) else self.fits[-1]
        return own

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
    learners = _learners(names, learning, objective, alpha)
    notes = []
    need = round(_FEWEST / (learners["network"].held_back * (1 - 1 / learning.folds) * (1 - 1 / learning.inner_folds)))  # type: ignore[attr-defined]
    if "network" in learning.models and (whole := int(np.isfinite(sample.x).all(axis=1).sum())) < need:
        notes.append(f"The {question} network was left out: it needs {need:,} rows with all features, there are {whole:,}.")
    used: list[str] = [name for name in learning.models if not (notes and name == "network")]
    members = [_Member(f"{question}_{name}", learners[name], learning, journals) for name in used]
    outer = _folds(sample, learning.folds, objective, learning)
    stacked = stack(members, sample, outer, objective=objective, alpha=alpha)
    x, y, _ = sample.arrays()
    folds = tuple(outer.split(x, y))
    models = [dict(zip(used, _models(members, number), strict=True)) for number in range(len(folds))]
    blends = [_blend_without(test, stacked, sample, alpha) for _, test in folds]
    in_folds = {name: tuple(member.tuned) for name, member in zip(used, members, strict=True)}
    for member in members:
        member.fit(sample)
    last = members[-1].fits[-1]
    evidence = Evidence(
        sample,
        folds,
        stacked,
        {name: member.tuned[-1] for name, member in zip(used, members, strict=True)},
        in_folds,
        last.losses if isinstance(last, NetworkFit) else (),
    )
    final = Ensemble(stacked.blend, {name: member.model for name, member in zip(used, members, strict=True)})
    return Trained(final, tuple(map(Ensemble, blends, models)), outer, evidence, tuple(notes))


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


def _models(members: Sequence[_Member], number: int) -> list[Model]:
    fits = [member.fits[number] for member in members]
    return [own.network if isinstance(own, NetworkFit) else own for own in fits]


def _blend_without(tested: Any, stacked: Stacked, sample: Sample, alpha: float) -> Blend:
    """Weights from the out-of-fold predictions for all other rows."""
    others = np.setdiff1d(np.arange(len(sample.x)), tested)
    return fit_blend(stacked.out_of_fold[others], sample.take(others), stacked.blend.objective, alpha)
