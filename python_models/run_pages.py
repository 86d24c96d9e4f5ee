"""What the report of a run shows of learning: tables and pictures from what `learn` leaves and what the runs made. Draws nothing itself."""

from typing import Any

import numpy as np
import polars as pl

from esbt.data import Bars
from esbt.result import Result
from python_models.config import Learning
from python_models.learn import Learned
from python_models.learning_pages import Pages, learning_pages
from python_models.position_sizer import portfolio_heat
from python_models.question_facts import question_facts
from python_models.trained import Evidence


def run_pages(learned: Learned, runs: dict[str, Result], seen: Bars, learning: Learning) -> Pages:
    """Tables and pictures. runs: on the test time, the baseline first. seen: the bars learned from."""
    questions = [("Stop", "stop", learned.stop), ("Confidence", "confidence", learned.confidence)]
    facts = {
        title: question_facts(
            title,
            learned.evidence[key],
            model.ensemble.members,
            model.inputs,
            when=seen.ts[learned.evidence[key].sample.start].astype("datetime64[ns]"),
            embargo_bars=learning.embargo_bars,
        )
        for title, key, model in questions
        if model is not None
    }
    calibrating = None if learned.confidence is None else learned.confidence.evidence
    pages = learning_pages(
        [model for own in facts.values() for model in own.models],
        reliability={} if calibrating is None else {"calibrated": calibrating.reliability},
        folds={title: own.folds for title, own in facts.items()},
        runs=runs,
        synthetic=next(iter(runs.values())).synthetic,
    )
    pages.tables |= _tables(learned, runs)
    return pages


def _tables(learned: Learned, runs: dict[str, Result]) -> dict[str, pl.DataFrame]:
    tables: dict[str, pl.DataFrame] = {}
    if learned.stop_targets is not None:
        tables["Stop targets on held-out training time"] = learned.stop_targets
    if learned.multipliers is not None and len(learned.multipliers):
        tables["Stop multipliers by regime, on training time"] = learned.multipliers
    ensembles = [_model_row(question, name, own) for question, own in learned.evidence.items() for name in own.losses]
    if ensembles:
        tables["Ensembles, out of fold"] = pl.DataFrame(ensembles)
    if learned.confidence is not None:
        quality: dict[str, Any] = learned.confidence.quality
        tables["Entry confidence on held-out training time"] = pl.DataFrame({"measure": list(quality), "value": list(quality.values())})
    sizes = [_size_row(name, result) for name, result in runs.items() if len(result.trades)]
    if sizes:
        tables["Size and heat at entry"] = pl.DataFrame(sizes)
    return tables


def _model_row(question: str, name: str, own: Evidence) -> dict[str, Any]:
    """Weight and loss of a model, and what tuning found; of the blend, its loss."""
    tuned = own.tuned.get(name)
    found = "" if tuned is None else ", ".join(f"{key} {value:.4g}" for key, value in tuned.parameters.items())
    return {"question": question, "model": name, "weight": own.weights.get(name), "loss": own.losses[name], "parameters": found}


def _size_row(name: str, result: Result) -> dict[str, Any]:
    """Contracts and portfolio heat (risk at the stop over closed equity) of each position at its entry, on the test time."""
    contracts = result.contracts_at_entry
    heat = [portfolio_heat([risk]) for risk in result.risk_at_entry * result.raw_trades["side"][result.position_rows]]
    return {
        "run": name,
        "mean contracts": float(np.mean(contracts)),
        "most contracts": int(np.max(contracts)),
        "mean heat": float(np.mean(heat)),
        "greatest heat": float(np.max(heat)),
    }
