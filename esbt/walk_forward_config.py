"""Settings of `esbt walk-forward`: those of `esbt backtest`, a `space` as `esbt sweep` has it, and the sections `walk_forward` (how time is
cut and lanes are chosen) and `learning` (what is learned in each fold). Runs nothing.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from esbt.backtest_config import BacktestConfig, load_config
from esbt.settings import Settings
from esbt.sweep import Optuna, Space
from esbt.sweep_config import Count, SweepConfig, Walk
from esbt.walkforward.windows import LONGEST_GAP

Length = str | Count


class Cut(Settings):
    """How time is cut, and how a fold chooses: the words of `esbt.walk_forward`. method, lanes, seed: of the space, as in `esbt sweep`.
    workers: processes that work on folds; 1: this one alone. threads: of the sweep in a fold.
    """

    train: Length = "24mo"
    test: Length = "3mo"
    anchored: bool = False
    embargo: str | Annotated[int, Field(ge=0)] = "1 session"
    partial: bool = True
    longest_gap: Count = LONGEST_GAP
    metric: str = "sharpe"
    minimum_trades: Annotated[int, Field(ge=0)] = 30
    method: Literal["grid", "random", "sobol"] = "grid"
    lanes: Count | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    threads: Count | None = None


class WalkForwardConfig(BacktestConfig):
    """Everything `esbt walk-forward` can be told. learning: the settings of `esbt run`'s section of that name; without the section nothing
    is learned, and without a space nothing is chosen."""

    space: dict[str, Any] | None = None
    learning: dict[str, Any] | None = None
    walk_forward: Cut = Field(default_factory=Cut)

    @model_validator(mode="after")
    def _no_finer(self) -> Self:
        if self.finer is not None:
            raise ValueError("a walk-forward takes no finer bars: leave finer and path = 'finer' out")
        return self

    def grid(self) -> Space | Optuna | None:
        """The space as `esbt.walk_forward` takes it. Raises EsbtError for an axis that is none."""
        if self.space is None:
            return None
        own = self.walk_forward
        walk = Walk(method=own.method, lanes=own.lanes, seed=own.seed)
        return SweepConfig(space=self.space, sweep=walk).axes()

    def words(self) -> dict[str, Any]:
        """The words of `esbt.walk_forward` that say how time is cut and lanes are chosen."""
        names = ("train", "test", "anchored", "embargo", "partial", "longest_gap", "metric", "minimum_trades", "threads")
        return {name: getattr(self.walk_forward, name) for name in names}


def load_walk_forward_config(path: str | Path, *, data: str | None = None, out: str | None = None) -> WalkForwardConfig:
    """Read a TOML file; `data` and `out` go over what it says. Raises EsbtError as `load_config`."""
    return load_config(WalkForwardConfig, path, data=data, out=out)
