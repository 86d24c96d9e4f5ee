"""The work of one fold: every lane over its training window, the best one chosen, models trained on that window and nothing else.

Lanes are also run over the test window, for the honest count of luck; nothing of that is looked at in choosing. Knows no other fold.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.backtest import run
from esbt.features import Features
from esbt.plan import USD
from esbt.result import Result
from esbt.sweep.engine import MONEY, run_lanes
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.table import LOWER_IS_BETTER
from esbt.walkforward.columns import BASE, Columns
from esbt.walkforward.models import Trained, Trainer
from esbt.walkforward.windows import Fold

NO_LANE = -2
BASELINE, CHOSEN = "baseline", "chosen"
_BLOCK = 4096
Floats = npt.NDArray[np.float64]
Files = dict[str, bytes]


@dataclass(frozen=True)
class Choice:
    """How a fold chooses. metric: of the training window; minimum_trades: there, of a lane that may be chosen; threads: of the sweep."""

    metric: str
    minimum_trades: int
    threads: int


@dataclass(frozen=True, eq=False)
class LaneSums:
    """Per lane, each [L]: the metric in training (NaN where undefined), its trades there, and the sum and the sum of squares of the
    session P&L in the test window, USD."""

    metric: Floats
    trades: Floats
    test_sum: Floats
    test_squares: Floats


@dataclass(frozen=True, eq=False)
class Found:
    """What a fold gave. lane: chosen (NO_LANE: none has trades enough). in_sample: run -> metric, net_profit, trades of its training
    window. trained: model -> what was trained, or its files. notes: of the fold."""

    number: int
    lane: int
    lanes: LaneSums
    in_sample: dict[str, dict[str, float]]
    trained: dict[str, "Trained | Files"] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class FoldWork:
    """All that folds share in one process. features: model -> its columns over all bars. by_files: trained models leave as files, where
    they can be saved."""

    def __init__(
        self,
        bound: BoundSpace,
        folds: Sequence[Fold],
        choice: Choice,
        models: Sequence[Trainer],
        features: Mapping[str, Features],
        *,
        by_files: bool = False,
    ) -> None:
        self.columns, self.folds, self.choice = Columns(bound), folds, choice
        self.models, self.features, self.by_files = models, features, by_files

    def __call__(self, number: int) -> Found:
        """The work of fold `number`."""
        fold = self.folds[number]
        lanes = self._lanes(fold)
        lane = self._best(lanes)
        in_sample = {BASELINE: self._in_sample(fold, BASE)}
        if len(self.columns.bound) > 1 and lane != NO_LANE:
            in_sample[CHOSEN] = self._in_sample(fold, lane)
        if lane == NO_LANE:
            most = int(lanes.trades.max())
            reason = (
                f"no lane has a {self.choice.metric} from {self.choice.minimum_trades} training trades or more (the busiest has {most})"
            )
            return Found(number, lane, lanes, in_sample, notes=(f"{reason}: nothing was traded.",))
        trained: dict[str, Trained | Files] = {}
        for model in self.models:
            one = self._train(fold, lane, model)
            in_sample[model.name] = self._in_sample(fold, lane, one.model(self.features[model.name][fold.train]), one)
            trained[model.name] = files_of(one) if self.by_files and type(one).save is not Trained.save else one
        return Found(number, lane, lanes, in_sample, trained)

    def _lanes(self, fold: Fold) -> LaneSums:
        bound, metric = self.columns.bound, self.choice.metric
        sums = LaneSums(*(np.full(len(bound), np.nan) for _ in range(4)))
        for start in range(0, len(bound), _BLOCK):
            lanes = bound.ordered(start, min(len(bound), start + _BLOCK))
            plans = bound.plans(lanes)
            for group in bound.groups(lanes):
                own, rows = lanes[group.rows], plans[group.rows]
                seen = run_lanes(self.columns.market(group, fold.train), rows, threads=self.choice.threads).columns
                sums.metric[own], sums.trades[own] = seen[metric], seen["trades"]
                later = run_lanes(self.columns.market(group, fold.test), rows, daily=True, threads=self.choice.threads).daily
                usd = np.asarray(later, dtype=np.float64) / USD
                sums.test_sum[own], sums.test_squares[own] = usd.sum(axis=1), np.square(usd).sum(axis=1)
        return sums

    def _best(self, lanes: LaneSums) -> int:
        """The best lane with trades enough, the first of equals. A single lane needs none: there is nothing to choose."""
        if len(lanes.metric) == 1:
            return 0
        value = -lanes.metric if self.choice.metric in LOWER_IS_BETTER else lanes.metric
        known = (lanes.trades >= self.choice.minimum_trades) & ~np.isnan(value)
        may = np.flatnonzero(known)
        return int(may[np.argmax(value[may])]) if may.size else NO_LANE

    def _train(self, fold: Fold, lane: int, model: Trainer) -> Trained:
        columns, rows = self.columns, fold.train
        return model.train(columns.bound.bars[rows], self.features[model.name][rows], columns.strategy(lane, rows), columns.account(lane))

    def _in_sample(self, fold: Fold, lane: int, model: Any = None, trained: Trained | None = None) -> dict[str, float]:
        account = self.columns.account(lane)
        account = account if trained is None else trained.account(account)
        result = run(self.columns.bound.bars[fold.train], self.columns.strategy(lane, fold.train), account, model=model)
        return {"metric": metric_of(result, self.choice.metric), "net_profit": result.net_profit, "trades": float(len(result.trades))}


def metric_of(result: Result, metric: str) -> float:
    """Any metric of METRICS or MONEY of one result."""
    if metric not in MONEY:
        return result.metrics[metric]
    raw = result.raw_trades
    money = {"net_profit": result.net_profit, "costs": int(raw["costs_e4"].sum()) / USD, "ambiguous_share": result.ambiguous_share}
    return money[metric]


def files_of(trained: Trained) -> Files:
    """What `Trained.save` writes, file by file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "model"
        root.mkdir()
        trained.save(root)
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def trained_of(model: Trainer, carried: "Trained | Files") -> Trained:
    """What was trained, here: itself, or loaded from its files."""
    if not isinstance(carried, dict):
        return carried
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "model"
        for name, content in carried.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return model.load(root)
