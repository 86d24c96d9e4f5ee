"""What a walk-forward asks of a model: `Trainer` learns on a training window, `Trained` decides in the test window. Knows no library.

A user's own model derives from these two and gives `train` and `model`; the rest has defaults. `python_models.walk` has the pipeline's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from esbt.account import Account
from esbt.data import Bars
from esbt.entry_model import EntryModel
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.features.matrix import Names
from esbt.files import jsonable
from esbt.signals import Exits

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Trained:
    """What one training gave. notes: sentences for the reader, such as what was left out and why; facts: numbers and words for the fold."""

    notes: Sequence[str] = ()
    facts: Mapping[str, Any] = _NOTHING

    def model(self, features: Features) -> EntryModel:
        """The entry model for the bars these features belong to."""
        raise NotImplementedError(f"{type(self).__name__} has no model(features)")

    def account(self, account: Account) -> Account:
        """The account to trade with: this one, or one with a learned size. Its cash must stay as it is."""
        return account

    def save(self, folder: Path) -> None:
        """Write all of it into an empty folder, for `Trainer.load`: how it travels between processes. Without this it travels as the
        executor carries objects, if it can."""
        raise EsbtError(f"{type(self).__name__} cannot be saved: it has no save(folder)")


class Trainer:
    """A kind of model that is trained anew in every fold. name: of its run. features: what it learns from, as `esbt.features` takes them
    (None: the default set)."""

    name: str = "model"
    features: Names = None

    def train(self, bars: Bars, features: Features, strategy: Exits, account: Account) -> Trained:
        """Learn on a training window: its bars, their features, and the strategy (its signals and ATR on these bars) and account it will
        trade with. The same input must give the same outcome."""
        raise NotImplementedError(f"{type(self).__name__} has no train(bars, features, strategy, account)")

    def load(self, folder: Path) -> Trained:
        """What `Trained.save` wrote."""
        raise EsbtError(f"{type(self).__name__} cannot load what was trained elsewhere: it has no load(folder)")

    def check(self, strategy: Exits, account: Account) -> None:
        """Raise EsbtError for a strategy or account this kind of model cannot trade. Asked before any work."""

    def described(self) -> dict[str, Any]:
        """What it is, for the manifest: other settings, another walk-forward."""
        said: dict[str, Any] = jsonable({"kind": type(self).__qualname__, "features": self.features} | vars(self))
        return said
