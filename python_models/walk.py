"""The pipeline's phases as models of a walk-forward: `learn` on each training window, trading with the stop, the filter too, the size too.

`esbt.walk_forward(bars, strategy, grid, models=pipeline_steps(learning))` shows what each phase adds, out of sample; they learn together,
so three cost little more than one. Knows no windows.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from esbt.account import Account
from esbt.data import Bars
from esbt.entry_model import EntryModel
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.files import jsonable
from esbt.signals import Exits
from esbt.walkforward import Trained, Trainer
from python_models.bundles import load_bundle, save_bundle
from python_models.config import Learning
from python_models.learn import Learned, Training, learn

STEPS = ("phase 1: stop", "phase 2: + confidence", "ML: + size")


class PipelineTrained(Trained):
    """What `learn` gave, used up to a phase. training: what it learned on; None where it was loaded."""

    def __init__(self, learned: Learned, phases: int, names: tuple[str, ...], training: Training | None = None) -> None:
        self.learned, self.phases, self._names, self._training = learned, phases, names, training
        self.notes = tuple(learned.notes)
        self.facts = self._facts()

    def model(self, features: Features) -> EntryModel:
        """See Trained."""
        return self.learned.model(features, filtered=self.phases > 1)

    def account(self, account: Account) -> Account:
        """See Trained: with the learned size in phase 3, if there is one."""
        size = self.learned.size if self.phases > 2 else None
        return account if size is None else account.model_copy(update={"size": size})

    def save(self, folder: Path) -> None:
        """See Trained: a bundle, and the names of its features."""
        if self._training is None:
            raise EsbtError("what was loaded from a bundle is not saved again: copy the bundle")
        save_bundle(self.learned, folder / "bundle", self._training)
        (folder / "features.json").write_text(json.dumps(self._names), "utf-8")

    def _facts(self) -> dict[str, Any]:
        learned, size = self.learned, self.learned.size
        has = (learned.stop, learned.confidence if self.phases > 1 else None, size if self.phases > 2 else None)
        facts: dict[str, Any] = {"phases": ", ".join(str(k) for k, part in enumerate(has, 1) if part is not None) or "none"}
        if has[1] is not None:
            facts["threshold"] = float(has[1].threshold)
        if has[2] is not None and size is not None:
            facts["payoff"] = size.payoff
        return facts


class PipelineTrainer(Trainer):
    """The pipeline up to a phase: 1 the stop, 2 the entry filter too, 3 the size too. learning: its settings, features among them."""

    def __init__(self, learning: Learning | None = None, phases: int = 3, name: str | None = None) -> None:
        if phases not in (1, 2, 3):
            raise EsbtError(f"phases is {phases!r}: give 1, 2 or 3")
        self.learning, self.phases = learning or Learning(), phases
        self.name = name or STEPS[phases - 1]
        self.features = self.learning.features

    def train(self, bars: Bars, features: Features, strategy: Exits, account: Account) -> Trained:
        """See Trainer."""
        training = Training(bars, features, strategy, account, self.learning)
        return PipelineTrained(_learned(training), self.phases, features.names, training)

    def load(self, folder: Path) -> Trained:
        """See Trainer."""
        names = tuple(json.loads((folder / "features.json").read_text("utf-8")))
        return PipelineTrained(load_bundle(folder / "bundle", names), self.phases, names)

    def check(self, strategy: Exits, account: Account) -> None:
        """See Trainer: phase 1 learns the stop and phase 3 the size, so there must be a stop in ATR and a fixed size."""
        if strategy.stop_atr is None:
            raise EsbtError(f"model {self.name!r} learns the stop: stop_atr cannot be off")
        if not isinstance(account.size, int):
            raise EsbtError(f"model {self.name!r} decides the size: size must be whole contracts, got {account.size!r}")

    def described(self) -> dict[str, Any]:
        """See Trainer."""
        said: dict[str, Any] = jsonable({"kind": "pipeline", "phases": self.phases, "learning": self.learning})
        return said


def pipeline_steps(learning: Learning | None = None) -> tuple[PipelineTrainer, ...]:
    """The three steps, each beside the one before it: what does a phase add?"""
    own = learning or Learning()
    return tuple(PipelineTrainer(own, phases) for phases in (1, 2, 3))


def models_of(section: dict[str, Any] | None) -> tuple[PipelineTrainer, ...]:
    """The steps for the section `learning` of a configuration, none without it. Raises EsbtError for wrong settings."""
    if section is None:
        return ()
    try:
        return pipeline_steps(Learning(**section))
    except EsbtError as error:
        raise EsbtError(f"learning: {error}") from None


_LAST: list[tuple[Training, Learned]] = []  # of this process: the steps of a fold learn from the same, one after another


def _learned(training: Training) -> Learned:
    for then, learned in _LAST:
        if _same(then, training):
            return learned
    learned = learn(training)
    _LAST[:] = [(training, learned)]
    return learned


def _same(a: Training, b: Training) -> bool:
    """Whether both would learn the same."""
    if (a.learning, a.account, a.strategy.exits(), a.features.names) != (b.learning, b.account, b.strategy.exits(), b.features.names):
        return False
    names = ("ts", "open", "high", "low", "close", "volume", "session", "segment")
    if len(a.bars) != len(b.bars) or not all(np.array_equal(getattr(a.bars, name), getattr(b.bars, name)) for name in names):
        return False
    own = [(t.strategy.signals(t.bars), t.strategy.atr(t.bars)) for t in (a, b)]
    same = np.array_equal(own[0][0], own[1][0]) and np.array_equal(own[0][1], own[1][1], equal_nan=True)
    return same and np.array_equal(a.features.matrix, b.features.matrix, equal_nan=True)
