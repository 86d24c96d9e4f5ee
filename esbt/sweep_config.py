"""Settings of `esbt sweep`: those of `esbt backtest`, and the sections `space` (axes) and `sweep` (how it is walked). Runs nothing.

An axis is a list of values, or a table {low, high, step, log}: in a grid every value from low to high, else a range to draw from.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field, model_validator

from esbt.backtest_config import BacktestConfig, load_config, size_rule
from esbt.errors import EsbtError, unknown
from esbt.settings import Settings
from esbt.sweep import Grid, Optuna, Random, Sobol, Space, Uniform

Count = Annotated[int, Field(ge=1)]


class Walk(Settings):
    """How a space is walked, and what is kept.

    method: "grid", or so many `lanes` drawn by "random", "sobol" or "optuna" with `seed`. batch: lanes Optuna is told at a time. metric:
    what Optuna raises (lowers where less is better), and what the report sorts by; minimum_trades: of a lane that counts as best. daily:
    keep session P&L, for the verdict on luck. predictions: a Parquet or CSV file with one row a bar, for the axis confidence;
    predictions_column: its column.
    """

    method: Literal["grid", "random", "sobol", "optuna"] = "grid"
    lanes: Count | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    batch: Count = 64
    metric: str = "sharpe"
    minimum_trades: Annotated[int, Field(ge=0)] = 30
    daily: bool = False
    part_lanes: Count | None = None
    threads: Count | None = None
    predictions: str | None = None
    predictions_column: str = "prediction"

    @model_validator(mode="after")
    def _lanes_of_a_sample(self) -> Self:
        if (self.method == "grid") != (self.lanes is None):
            raise ValueError(f"lanes is how many to draw, got lanes={self.lanes} with method={self.method!r}")
        return self


class SweepConfig(BacktestConfig):
    """Everything `esbt sweep` can be told."""

    space: dict[str, Any]
    sweep: Walk = Field(default_factory=Walk)

    @model_validator(mode="after")
    def _fills_can_be_decided(self) -> Self:
        """Of lanes, this is asked when the space is bound."""
        if self.finer is not None and self.market.data is None:
            raise ValueError("finer bars need the bars of a file: give market.data")
        return self

    def axes(self) -> Space | Optuna:
        """The space as `esbt.sweep` takes it. Raises EsbtError for an axis that is none."""
        axes = {name: _axis(name, given) for name, given in self.space.items()}
        walk = self.sweep
        if walk.method == "optuna":
            return Optuna(walk.lanes or 0, axes, metric=walk.metric, batch=walk.batch, seed=walk.seed)
        if walk.method in ("random", "sobol"):
            return (Random if walk.method == "random" else Sobol)(walk.lanes or 0, axes, walk.seed)
        return Grid({name: axis.every() if isinstance(axis, Uniform) else axis for name, axis in axes.items()})

    def predictions(self) -> npt.NDArray[np.float64] | None:
        """The column of predictions, float64, null as NaN. Raises EsbtError for a file or column that cannot be read."""
        name = self.sweep.predictions
        if name is None:
            return None
        try:
            frame = pl.read_parquet(name) if name.endswith(".parquet") else pl.read_csv(name)
            if self.sweep.predictions_column not in frame.columns:
                raise unknown(f"column of {name!r}", self.sweep.predictions_column, frame.columns)
            return frame[self.sweep.predictions_column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise EsbtError(f"predictions {name!r} cannot be read: {str(error).splitlines()[0]}") from None


def load_sweep_config(path: str | Path, *, data: str | None = None, out: str | None = None) -> SweepConfig:
    """Read a TOML file; `data` and `out` go over what it says. Raises EsbtError as `load_config`."""
    return load_config(SweepConfig, path, data=data, out=out)


def _axis(name: str, given: Any) -> Any:
    if isinstance(given, dict):
        for word in given:
            if word not in ("low", "high", "step", "log"):
                raise EsbtError(f"axis {name!r}: unknown word {word!r}: give low, high and, if wanted, step or log")
        if not {"low", "high"} <= set(given):
            raise EsbtError(f"axis {name!r} is {given!r}: give low and high, or a list of values")
        return Uniform(**given)
    if name == "size" and isinstance(given, list):
        return [size_rule(value) if isinstance(value, dict) else value for value in given]
    return given
