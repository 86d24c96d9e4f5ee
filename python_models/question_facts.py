"""From how an ensemble came about to what the report shows of it: each model's facts, the folds, the blend.

Takes what learning leaves behind by its attributes (`EvidenceLike`, `TunedLike`), all of training time. Higher is better in every score
shown here but that of the trials: a loss is shown as minus itself. Models are fitted anew only where a picture needs rows that a model has
not seen: learning curves, and the permutation importance of a network, which is fitted to the last fold's training rows and judged on its
tested rows (its parameters were tuned on all rows).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from python_models.boosting import Rows, TrainedForest
from python_models.cross_validation import Fold
from python_models.ensemble import Stacked
from python_models.learners import Floats, Sample
from python_models.learning_curves import fold_table, learning_curve
from python_models.learning_pages import ModelFacts, blend_table, explained
from python_models.trials import Trials

NAMES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}
SCORES = {"binary": "ROC AUC", "quantile": "pinball loss", "mean": "squared error"}
LOSSES = SCORES | {"binary": "log loss"}  # of a network's epochs


class TunedLike(Protocol):
    """As `tuning.Tuned`. learner: has objective, more_is_better, score, space. tried: parameters of each trial, () where not kept."""

    @property
    def learner(self) -> Any: ...
    @property
    def values(self) -> tuple[float, ...]: ...
    def fit(self, sample: Sample) -> Any: ...
    def margins(self, sample: Sample, x: Rows) -> Floats: ...


class EvidenceLike(Protocol):
    """sample: rows with spans. folds: outer ones. stacked: on them. tuned: by name, in the order of the blend. epochs: losses of the final
    network's held-back rows, empty without one."""

    @property
    def sample(self) -> Sample: ...
    @property
    def folds(self) -> Sequence[Fold]: ...
    @property
    def stacked(self) -> Stacked: ...
    @property
    def tuned(self) -> Mapping[str, Any]: ...
    @property
    def epochs(self) -> Sequence[float]: ...


@dataclass(frozen=True, eq=False)
class QuestionFacts:
    """What is known of one question's ensemble, for `learning_pages`: models, table of folds, table of the blend."""

    models: list[ModelFacts]
    folds: pl.DataFrame
    blend: pl.DataFrame


def question_facts(
    question: str,
    evidence: EvidenceLike,
    members: Mapping[str, Any],
    names: Sequence[str],
    *,
    when: npt.ArrayLike | None = None,
    curves: Sequence[str] = tuple(NAMES),
    embargo_bars: int = 0,
) -> QuestionFacts:
    """Facts of the question, named for people ("Stop"). members: fitted models by the evidence's names, a `TrainedForest` or a network.
    names: of the columns. when: datetime64[n] of the rows, for the folds. curves: models that get a learning curve, five fits each. Raises
    EsbtError as what it calls.
    """
    sample, tuned, stacked = evidence.sample, evidence.tuned, evidence.stacked
    y = sample.arrays()[1]
    score, models = _Score(next(iter(tuned.values())).learner), []
    for name, own in tuned.items():
        facts = _model(f"{question}: {NAMES.get(name, name)}", own, members[name], evidence, names)
        if name in curves:
            facts = replace(facts, curve=learning_curve(own.margins, score, sample, embargo_bars=embargo_bars))
        models.append(replace(facts, trials=_trials(own), score=score.name))
    margins = dict(zip(tuned, stacked.out_of_fold.T, strict=True)) | {"blend": stacked.blend.combine(stacked.out_of_fold)}
    folds = fold_table(evidence.folds, y, {NAMES.get(name, name): own for name, own in margins.items()}, score, when)
    blend = blend_table([NAMES.get(name, name) for name in tuned], stacked.blend.weights, stacked.losses)
    return QuestionFacts(models, folds, blend)


def _model(title: str, tuned: TunedLike, member: Any, evidence: EvidenceLike, names: Sequence[str]) -> ModelFacts:
    x, y, _ = evidence.sample.arrays()
    if isinstance(member, TrainedForest):
        return explained(title, member, x, names)
    train, test = evidence.folds[-1]
    whole = test[np.isfinite(x[test]).all(axis=1)]  # a network has no answer without a feature
    fitted = tuned.fit(evidence.sample.take(train)).network
    facts = explained(title, fitted.predict, x[whole], names, y=y[whole], score=_Score(tuned.learner))
    return replace(facts, losses=list(evidence.epochs) or None, loss=LOSSES[tuned.learner.objective])


def _trials(tuned: TunedLike) -> Trials:
    learner = tuned.learner
    log = frozenset(name for name, own in learner.space().items() if getattr(own, "log", False))
    return Trials(tuned.values, learner.more_is_better, SCORES[learner.objective], getattr(tuned, "tried", ()), log)


class _Score:
    """The learner's own score, turned so that more is better, over the rows it has an answer for."""

    def __init__(self, learner: Any) -> None:
        self._learner = learner
        self.name = ("" if learner.more_is_better else "minus ") + SCORES[learner.objective]

    def __call__(self, y: Floats, margins: Floats) -> float:
        known = np.isfinite(margins)
        found = float(self._learner.score(y[known], margins[known]))
        return found if self._learner.more_is_better else -found
