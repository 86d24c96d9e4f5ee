"""The learning part of a report: gathers what is known of models, probabilities and runs into pictures and tables for `write_report`.

Everything is optional and plain data: what is absent has no picture. To add a picture: a function in `learning_charts.py`, its line here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.figure import Figure

from esbt.errors import EsbtError
from esbt.report import Picture, RunLike
from esbt.report.sweep_charts import parallel_chart
from python_models.ablation import ablation, ablation_table
from python_models.boosting import Rows, TrainedForest
from python_models.explain import Predict, Score, Shap, gain_importance, permutation_importance, shap_values
from python_models.learning_charts import (
    ablation_chart,
    epochs_chart,
    learning_curve_chart,
    permutation_chart,
    reliability_chart,
    shap_chart,
    trials_chart,
)
from python_models.trials import Trials

Tables = Mapping[str, pl.DataFrame]
_NONE: Tables = MappingProxyType({})
_NO_RUNS: Mapping[str, RunLike] = MappingProxyType({})
TRAINING = "Training time only: the test time was not looked at."
CAPTIONS = {
    "ablation": "Each run's difference from the baseline on the test time, blue where it is for the better. The black line is the 95 % "
    "interval of the Sharpe difference, by the stationary bootstrap of paired sessions: where it crosses zero, chance may have done it.",
    "reliability": "Of the trades given a probability, the share that was won; bars and shade are its 95 % intervals (Wilson). Below, "
    f"the area of a bar is the trades of one dot. {TRAINING}",
    "shap": "Exact TreeSHAP. Left: a feature's share of the mean size of its SHAP values, and of the gain in training. Right: each dot is "
    "one row; right of zero the feature lifted the margin there. It tells what the model uses, not what moves the market.",
    "permutation": "How much worse the model is where one feature is shuffled: a bar whose line reaches zero says nothing.",
    "curve": "A blue line that still moves at its end asks for more data; a wide gap to the orange one is what the model remembers rather "
    "than knows. Rows whose outcome reaches into the held-out part are purged.",
    "trials": "Each dot is one set of parameters; the best so far is what tuning had found by then.",
    "parameters": "Every complete trial as a line over its parameters, coloured by the score; the best in black.",
    "epochs": "Training ends where this loss has not fallen for some epochs; the network of the marked epoch is kept.",
}


@dataclass(frozen=True, eq=False)
class ModelFacts:
    """What is known of one model, each part None where it is not. name: for people, such as "Phase 2, LightGBM", one for each model. score:
    what curve and permutation are in; loss: what losses are in. curve: of `learning_curve`. losses: of a network after each epoch."""

    name: str
    shap: Shap | None = None
    gain: pl.DataFrame | None = None
    permutation: pl.DataFrame | None = None
    curve: pl.DataFrame | None = None
    trials: Trials | None = None
    losses: Sequence[float] | None = None
    score: str = "score"
    loss: str = "loss"


@dataclass
class Pages:
    """What `write_report` takes: figures and tables by name."""

    figures: dict[str, Picture] = field(default_factory=dict)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)


def explained(
    name: str,
    model: TrainedForest | Predict,
    x: Rows,
    names: Sequence[str],
    *,
    y: npt.ArrayLike | None = None,
    score: Score | None = None,
    score_name: str = "score",
    most: int = 2000,
) -> ModelFacts:
    """Facts of a model from rows float32[n, k] of training time: SHAP and gain of a forest; of anything else that gives margins,
    permutation importance, which needs y and score (more is better) and rows it was not fitted to. Of more than `most` rows an even choice
    is asked. Raises EsbtError as `explain` does, and for a model that is no forest without y and score.
    """
    chosen = np.unique(np.linspace(0, max(len(x) - 1, 0), min(most, len(x))).round().astype(np.int64))
    if isinstance(model, TrainedForest):
        return ModelFacts(name, shap_values(model, x[chosen], names), gain_importance(model, names), score=score_name)
    if y is None or score is None:
        raise EsbtError(f"{name} is no forest: its importance is by permutation, which needs y and score")
    table = permutation_importance(model, score, x[chosen], np.asarray(y, dtype=np.float64)[chosen], names)
    return ModelFacts(name, permutation=table, score=score_name)


def blend_table(names: Sequence[str], weights: Sequence[float], losses: Sequence[float]) -> pl.DataFrame:
    """member, weight, loss (out of fold): a row for each member of a `Stacked`, then the blend's. losses: as `Stacked.losses`.

    Raises EsbtError for other numbers of names and weights, and of losses other than one more, the blend's.
    """
    if not len(names) == len(weights) == len(losses) - 1:
        raise EsbtError(f"{len(names)} members need as many weights and one loss more, got {len(weights)} and {len(losses)}")
    return pl.DataFrame(
        {"member": [*names, "blend"], "weight": [*weights, None], "loss": list(losses)}, schema_overrides={"weight": pl.Float64}
    )


def learning_pages(
    models: Sequence[ModelFacts] = (),
    *,
    reliability: Tables = _NONE,
    folds: Tables = _NONE,
    blends: Tables = _NONE,
    runs: Mapping[str, RunLike] = _NO_RUNS,
    synthetic: bool = False,
) -> Pages:
    """Pictures and tables of all that is given.

    reliability: name (such as "raw", "calibrated") -> `reliability_table`. folds: name -> `fold_table`. blends: name -> `blend_table`.
    runs: results on the test time by name, the baseline first, for the ablation; fewer than two give none. synthetic: whether the market
    is generated. Raises EsbtError for two models of one name, and as `ablation` does.
    """
    if len({own.name for own in models}) < len(models):
        raise EsbtError(f"two models have one name, of {', '.join(own.name for own in models)}: rename one")
    pages = Pages()
    if len(runs) > 1:
        found = ablation(runs)
        pages.tables["Ablation: what each phase adds"] = ablation_table(found)
        pages.figures["ablation"] = Picture(ablation_chart(found, synthetic=synthetic), CAPTIONS["ablation"], "What each phase adds")
    pages.tables |= {f"Ensemble, {name}": table for name, table in blends.items()}
    pages.tables |= {f"Folds, {name}": table for name, table in folds.items()}
    if reliability:
        pages.tables |= {f"Reliability, {name}": table for name, table in reliability.items()}
        pages.figures["reliability"] = Picture(reliability_chart(reliability, synthetic=synthetic), CAPTIONS["reliability"], "Confidence")
    for own in models:
        pages.figures |= _pictures(own, synthetic)
    return pages


def _pictures(own: ModelFacts, synthetic: bool) -> dict[str, Picture]:
    figures: dict[str, Figure] = {}
    if own.shap is not None:
        figures["shap"] = shap_chart(own.name, own.shap, own.gain, synthetic=synthetic)
    if own.permutation is not None:
        figures["permutation"] = permutation_chart(own.name, own.permutation, own.score, synthetic=synthetic)
    if own.curve is not None:
        figures["curve"] = learning_curve_chart(own.name, own.curve, own.score, synthetic=synthetic)
    if own.trials is not None:
        figures["trials"] = trials_chart(own.name, own.trials, synthetic=synthetic)
        if own.trials.parameters and own.trials.best is not None:
            figures["parameters"] = _parallel(own.name, own.trials, synthetic)
    if own.losses is not None:
        figures["epochs"] = epochs_chart(own.name, own.losses, own.loss, synthetic=synthetic)
    section = f"Learning: {own.name}"
    return {f"{own.name} {kind}": Picture(figure, f"{CAPTIONS[kind]} {TRAINING}", section) for kind, figure in figures.items()}


def _parallel(name: str, trials: Trials, synthetic: bool) -> Figure:
    words: dict[str, Any] = {"title": f"{name}: ", "noun": "trial", "log": trials.log, "synthetic": synthetic}
    return parallel_chart(trials.table, list(trials.parameters[0]), trials.score, not trials.more_is_better, 2000, **words)
