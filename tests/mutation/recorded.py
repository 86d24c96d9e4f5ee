"""An entry model that remembers what it was asked and what it said: a tape that the runner plays to the core. Knows no rule."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from reference.records import Model

Tape = list[tuple[tuple[float, ...], float]]
Answers = dict[str, Tape]
STAGES = ("stop", "confidence", "dynamic")


def recorded(model: Model | None) -> tuple[Model | None, Answers]:
    """The same model, and for each stage the tape that fills as it is asked: (inputs as float32, the bar first; the answer)."""
    answers: Answers = {name: [] for name in STAGES}
    if model is None:
        return None, answers
    asked = {name: getattr(model, name) for name in STAGES}
    return replace(model, **{name: taped(stage, answers[name]) for name, stage in asked.items() if stage is not None}), answers


def taped(stage: Callable[..., float], tape: Tape) -> Callable[..., float]:
    def asked(*inputs: float) -> float:
        said = stage(*inputs)
        tape.append((tuple(float(np.float32(x)) for x in inputs), said))
        return said

    return asked
