"""Tuning by Optuna: seeded, pruned fold by fold, kept in a journal so that it goes on after any kill.

It is given training rows and a purged splitter over them, and sees nothing else: what judges the tuned model must not be among them (see
`cross_validation.nested`). The sampler of each trial is made anew from the seed and the trial's number and looks at the trials before it
alone, so a study that was stopped anywhere goes on to what it would have been.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from esbt.errors import EsbtError
from esbt.sweep.fingerprint import array_digest
from esbt.sweep.study_journal import open_study
from python_models.boosting import Rows
from python_models.cross_validation import Fold, Splitter
from python_models.learners import Floats, Parameters, Sample, Tunable

if TYPE_CHECKING:  # else where it is needed: it is slow to import
    import optuna

_UNPRUNED = 4  # trials before the median of those before may stop one


@dataclass(frozen=True)
class Tuned:
    """The best parameters found. value: mean score over the folds. values: of each trial in order, NaN where it was pruned. tried: the
    parameters of each."""

    learner: Tunable
    parameters: Parameters
    value: float
    values: tuple[float, ...]
    tried: tuple[Parameters, ...] = ()

    @property
    def pruned(self) -> int:
        """Trials that were stopped early."""
        return int(np.isnan(self.values).sum())

    def fit(self, sample: Sample) -> Any:
        """What the learner's own `fit` gives, of these parameters: a TrainedForest, or a NetworkFit."""
        return self.learner.fit(sample, self.parameters)

    def margins(self, sample: Sample, x: Rows) -> Floats:
        """Margins float64[m] of rows x from a model of these parameters fitted to the sample: a member of an ensemble."""
        return self.learner.margins(sample, self.parameters, x)


def tune(learner: Tunable, sample: Sample, splitter: Splitter, *, trials: int = 20, storage: str | Path | None = None) -> Tuned:
    """Search the learner's parameters by the tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS 24), from its `first` on.
    A trial is stopped after a fold where its mean is worse than the median of those before (Golovin et al. 2017, Google Vizier). Rows for
    which the learner has no answer (NaN) are not scored.

    sample: training rows. splitter: inner folds over them. trials: in all, those of an earlier run included. storage: the journal's file;
    None: memory. Raises EsbtError for a fold of one class and a journal of other rows, folds or settings.
    """
    from optuna.trial import TrialState

    if trials < 1:
        raise EsbtError(f"trials must be 1 or more, got {trials}")
    x, y, weights = sample.arrays()
    folds = list(splitter.split(x, y))
    if learner.objective == "binary" and any(np.unique(y[rows]).size != 2 for fold in folds for rows in fold):
        raise EsbtError("a fold does not hold both classes, 0 and 1: give fewer folds or a splitter with stratify=True")
    data = (x, y, weights, *(rows for fold in folds for rows in fold))
    study = _study(learner, storage, "; ".join([repr(learner), *map(array_digest, data)]))
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)  # of a run that was stopped: it teaches nothing
    done = (TrialState.COMPLETE, TrialState.PRUNED)

    def score(parameters: Parameters, fold: Fold) -> float:
        train, test = fold
        margins = learner.margins(sample.take(train), parameters, x[test])
        said = ~np.isnan(margins)
        return learner.score(y[test][said], margins[said])

    for number in range(len(study.get_trials(deepcopy=False, states=done)), trials):
        _run_trial(study, learner, number, [partial(score, fold=fold) for fold in folds])
    found = study.get_trials(deepcopy=False, states=done)[:trials]
    whole = [trial for trial in found if trial.state == TrialState.COMPLETE]
    best = (max if learner.more_is_better else min)(whole, key=lambda trial: float(trial.values[0]))
    values = tuple(float(trial.values[0]) if trial.state == TrialState.COMPLETE else float("nan") for trial in found)
    return Tuned(learner, dict(best.params), float(best.values[0]), values, tuple(dict(trial.params) for trial in found))


def _run_trial(study: "optuna.Study", learner: Tunable, number: int, folds: list[Callable[[Parameters], float]]) -> None:
    import optuna
    from optuna.trial import TrialState

    own = int(np.random.SeedSequence([learner.seed, number]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=own, n_startup_trials=_UNPRUNED)
    if not number and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(learner.first())
    trial, scores = study.ask(learner.space()), []
    for step, fold in enumerate(folds):
        scores.append(fold(trial.params))
        trial.report(float(np.mean(scores)), step)
        if step + 1 < len(folds) and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return
    study.tell(trial, float(np.mean(scores)))


def _study(learner: Tunable, storage: str | Path | None, about: str) -> "optuna.Study":
    import optuna

    pruner = optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED)
    study = open_study(storage, "tuning", "maximize" if learner.more_is_better else "minimize", pruner)
    if study.user_attrs.get("about", about) != about:
        raise EsbtError(f"the journal {storage} is of other rows, folds or settings: give another file, or what it was begun with")
    study.set_user_attr("about", about)
    return study
