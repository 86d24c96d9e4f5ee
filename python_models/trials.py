"""The trials of a tuning as plain data: the best so far, what mattered (fANOVA), and a table. Knows no study and no pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.errors import EsbtError

if TYPE_CHECKING:  # else where it is needed: it is slow to import
    from optuna.distributions import BaseDistribution

_FEWEST = 4  # complete trials, for fANOVA to say anything at all


@dataclass(frozen=True, eq=False)
class Trials:
    """values: the score of each trial in order, NaN where it was pruned. parameters: of each trial, where they are known. more_is_better:
    of the score. score: its name. log: parameters that are tuned to a logarithmic scale.

    Raises EsbtError for no trials and for parameters that are not one set for each trial, all of the same names.
    """

    values: Sequence[float]
    more_is_better: bool
    score: str = "score"
    parameters: Sequence[Mapping[str, float]] = ()
    log: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not len(self.values):
            raise EsbtError("there are no trials to show: give one value or more")
        if self.parameters and (
            len(self.parameters) != len(self.values) or any(one.keys() != self.parameters[0].keys() for one in self.parameters)
        ):
            raise EsbtError(f"{len(self.values)} trials need as many sets of parameters, all of the same names, or none")

    @property
    def best_so_far(self) -> npt.NDArray[np.float64]:
        """float64[trials]: NaN until the first trial is complete."""
        values = np.asarray(self.values, dtype=np.float64)
        return np.asarray((np.fmax if self.more_is_better else np.fmin).accumulate(values), dtype=np.float64)

    @property
    def best(self) -> int | None:
        """Number of the first best trial, from 0; None where all were pruned."""
        values = np.asarray(self.values, dtype=np.float64)
        if np.isnan(values).all():
            return None
        return int(np.nanargmax(values) if self.more_is_better else np.nanargmin(values))

    @property
    def table(self) -> pl.DataFrame:
        """trial (from 0), the parameters, and value under its name; one row a complete trial."""
        rows = [
            {"trial": k} | dict(self.parameters[k] if self.parameters else {}) | {self.score: float(value)}
            for k, value in enumerate(self.values)
            if not math.isnan(value)
        ]
        return pl.DataFrame(rows)

    def importance(self, seed: int = 0) -> dict[str, float]:
        """Share of the variance of the score over the tried parameters that each explains, greatest first, by functional ANOVA of a random
        forest (Hutter, Hoos and Leyton-Brown 2014, ICML), as optuna does it. Empty with fewer than four complete trials, without
        parameters, and where score or parameters do not vary. With some tens of trials a hint and no more.
        """
        import optuna
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        table = self.table
        names = [name for name in (self.parameters[0] if self.parameters else ()) if len(table) and table[name].n_unique() > 1]
        if len(table) < _FEWEST or not names or table[self.score].n_unique() < 2:
            return {}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        space = {name: self._range(table[name]) for name in names}
        study = optuna.create_study(direction="maximize" if self.more_is_better else "minimize")
        for row in table.iter_rows(named=True):
            tried = {name: row[name] for name in names}
            study.add_trial(optuna.trial.create_trial(params=tried, distributions=space, value=row[self.score]))
        return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed)))

    def _range(self, column: pl.Series) -> "BaseDistribution":
        from optuna.distributions import FloatDistribution

        low, high = (float(edge) for edge in np.quantile(column.to_numpy(), [0.0, 1.0]))
        return FloatDistribution(low, high, log=column.name in self.log)
