"""`Optuna`: lanes that are proposed one batch after another from what the lanes before them brought. Runs no lane itself.

Ask and tell in one thread, a batch of lanes at a time, so that lanes run as a sweep's do and the study is the same on any number of cores.
Proposals cost more than the lanes do (benchmarks/RESULTS.md). The sampler of each batch is made anew from the seed and the batch's number
and looks at the told lanes alone, so a study that was killed goes on to the same lanes. What was told is in Optuna's own journal; what the
lanes brought is in the parts.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from esbt.errors import EsbtError
from esbt.sweep.engine import MONEY
from esbt.sweep.samples import Uniform, range_of
from esbt.sweep.space import Coded, coded, said
from esbt.sweep.study_journal import open_study
from esbt.totals import METRICS

if TYPE_CHECKING:  # else where it is needed: it is slow to import
    import optuna
    from optuna.distributions import BaseDistribution

LANE = "lane"
_ASKED_AT_MOST = 100  # times a batch, of which the rest contradicted themselves


class Optuna:
    """A study of so many trials (lanes) over axes, by the tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS 24).

    trials: lanes in all. axes: as in `Random`, without distributions of scipy. metric: what is made large (small where less is better, as
    max_drawdown). batch: lanes asked for at a time: larger batches are faster and learn later. seed: of the proposals. storage: Optuna's
    journal file; None: study.journal in the sweep's folder, or memory without one. Raises EsbtError for axes it cannot propose from.
    """

    def __init__(
        self,
        trials: int,
        axes: Mapping[str, Any],
        *,
        metric: str = "sharpe",
        batch: int = 64,
        seed: int = 0,
        storage: str | Path | None = None,
    ) -> None:
        for name, value, least in (("trials", trials, 1), ("batch", batch, 1), ("seed", seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise EsbtError(f"Optuna {name} is {value!r}: give a whole number, {least} or more")
        if metric not in (*METRICS, *MONEY):
            raise EsbtError(f"Optuna metric is {metric!r}: give one of {', '.join((*METRICS, *MONEY))}")
        if not isinstance(axes, Mapping) or not axes:
            raise EsbtError(f"Optuna axes is {axes!r}: give at least one axis, such as {{'stop_atr': (0.5, 4.0)}}")
        self.trials, self.metric, self.batch, self.seed, self.storage = trials, metric, batch, seed, storage
        self.axes = {str(name): range_of(str(name), axis) for name, axis in axes.items()}
        self._distributions = {name: _distribution(name, axis) for name, axis in self.axes.items()}

    def __len__(self) -> int:
        return self.trials

    @property
    def parts(self) -> int:
        """Batches in all: a batch is a part."""
        return -(-self.trials // self.batch)

    def described(self) -> dict[str, Any]:
        """The study as JSON can hold it."""
        axes = {name: str(axis) if isinstance(axis, Uniform) else [said(value) for value in axis] for name, axis in self.axes.items()}
        own = {name: getattr(self, name) for name in ("trials", "metric", "batch", "seed")}
        return {"kind": "Optuna", "axes": axes} | own

    def first_values(self) -> dict[str, list[Any]]:
        """Both ends of each axis, or its whole list: for the checks before any work."""
        return {name: [axis.low, axis.high] if isinstance(axis, Uniform) else list(axis) for name, axis in self.axes.items()}

    def open(self, folder: Path | None, lower: bool) -> "Study":
        """The study, with what its journal holds. lower: whether less of the metric is better. Raises EsbtError for no journal."""
        path = self.storage or (folder / "study.journal" if folder is not None else None)
        return Study(self, open_study(path, "esbt", "minimize" if lower else "maximize"))

    def values(self, trial: "optuna.trial.FrozenTrial | optuna.Trial") -> dict[str, Any]:
        """A trial's parameters as values of the axes: of a list by place."""
        return {
            name: own[int(trial.params[name])] if not isinstance(own := self.axes[name], Uniform) else trial.params[name]
            for name in self.axes
        }

    def coded(self, rows: list[dict[str, Any]]) -> Coded:
        """Lanes of these parameters, in order; a combination may come again."""
        values, codes = {}, {}
        for name, axis in self.axes.items():
            column = [row[name] for row in rows]
            if isinstance(axis, Uniform):
                values[name], codes[name] = coded(column)
            else:  # the whole list, so that all batches have columns of one kind
                values[name], codes[name] = axis, np.array([axis.index(value) for value in column], dtype=np.int32)
        out = Coded(values, codes, repeats=True)
        out.kind = "Optuna"
        return out

    @property
    def distributions(self) -> "dict[str, BaseDistribution]":
        """What Optuna draws from, by axis."""
        return self._distributions


class Study:
    """An open study: propose a batch, be told of it, again."""

    def __init__(self, plan: Optuna, study: "optuna.Study") -> None:
        self.plan, self._study = plan, study

    def mend(self, known: pl.DataFrame | None) -> None:
        """Bring the journal up to the parts that are kept: lanes asked for and run are told, those asked for and not run are dropped.

        known: lanes that are kept, with their metric; None for none. Raises EsbtError where the journal is of another sweep.
        """
        from optuna.trial import TrialState

        values = {} if known is None else dict(zip(known["lane"].to_list(), known[self.plan.metric].to_list(), strict=True))
        lanes = set()
        for trial in self._study.get_trials(deepcopy=False):
            lane = trial.user_attrs.get(LANE)
            if trial.state == TrialState.RUNNING:
                self._tell(trial.number, values.get(lane, float("nan")))
                if lane in values:
                    lanes.add(lane)
            elif trial.state == TrialState.COMPLETE:
                lanes.add(lane)
        finite = {lane for lane, value in values.items() if math.isfinite(value)}
        if lanes - set(values) or finite - lanes:
            raise EsbtError("the study's journal and the sweep's folder are not of one sweep: give another folder or storage")

    def rows(self) -> list[dict[str, Any]]:
        """Parameters of all lanes asked for so far, by lane."""
        trials = self._study.get_trials(deepcopy=False)
        by_lane = {trial.user_attrs[LANE]: self.plan.values(trial) for trial in trials if LANE in trial.user_attrs}
        return [by_lane[lane] for lane in sorted(by_lane)]

    def ask(self, number: int, refuses: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Parameters of the lanes of batch `number`. refuses: whether a lane contradicts itself; then another is asked for."""
        from esbt.sweep.batch_sampler import BatchSampler  # here, for Optuna is slow to import

        first = number * self.plan.batch
        count = min(self.plan.batch, self.plan.trials - first)
        self._study.sampler = BatchSampler(_seed(self.plan.seed, number), count)
        rows: list[dict[str, Any]] = []
        self._asked: list[int] = []
        for _ in range(_ASKED_AT_MOST * count):
            trial = self._study.ask(self.plan.distributions)
            row = self.plan.values(trial)
            if refuses(row):
                self._tell(trial.number, float("nan"))
                continue
            trial.set_user_attr(LANE, first + len(rows))
            rows.append(row)
            self._asked.append(trial.number)
            if len(rows) == count:
                return rows
        raise EsbtError(f"of {_ASKED_AT_MOST * count:,} proposals {count - len(rows)} too many contradict themselves: give narrower axes")

    def tell(self, values: Iterable[float]) -> None:
        """The metric of each lane asked for, in order; an undefined one teaches nothing."""
        for number, value in zip(self._asked, values, strict=True):
            self._tell(number, value)

    def _tell(self, number: int, value: float) -> None:
        from optuna.trial import TrialState

        if math.isfinite(value):
            self._study.tell(number, value)
        else:
            self._study.tell(number, state=TrialState.FAIL)


def _distribution(name: str, axis: Any) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Uniform):
        if axis.whole:
            step = int(axis.step or 1)
            return IntDistribution(int(axis.low), int(axis.high - (axis.high - axis.low) % step), log=axis.log, step=step)
        high = axis.high if axis.step is None else axis.every()[-1]
        return FloatDistribution(float(axis.low), float(high), log=axis.log, step=axis.step)
    if hasattr(axis, "ppf"):
        raise EsbtError(f"axis {name!r}: Optuna proposes from ranges and lists, not from distributions: give (low, high)")
    return CategoricalDistribution(list(range(len(axis))))


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
