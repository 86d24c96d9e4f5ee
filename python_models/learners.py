"""LightGBM and XGBoost behind one face, with the parameters that are worth tuning. Knows no labels, no folds and no Optuna study.

Deterministic: fixed seed, one thread. To add a library: an entry in `KINDS`; a model that is no forest: what `Tunable` asks for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.metrics import mean_pinball_loss, mean_squared_error, roc_auc_score

from esbt.errors import EsbtError
from python_models.boosting import Rows, TrainedForest

if TYPE_CHECKING:  # else where it is needed: it is slow to import
    from optuna.distributions import BaseDistribution

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Parameters = dict[str, float]
Objective = Literal["binary", "quantile", "mean"]


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to learn from. x: float32[n, k]; y: float64[n]; weights: float64[n], 1 by default, which count in fitting alone. start, end:
    int64[n], the bars each row looks at, where the learner asks for them."""

    x: Rows
    y: npt.ArrayLike
    weights: npt.ArrayLike | None = None
    start: Ints | None = None
    end: Ints | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "y", np.asarray(self.y, dtype=np.float64))
        object.__setattr__(self, "weights", np.ones(len(self.x)) if self.weights is None else np.asarray(self.weights, dtype=np.float64))
        x, y, weights = self.arrays()
        if x.dtype != np.float32 or x.ndim != 2 or y.shape != (len(x),) or weights.shape != y.shape:
            raise EsbtError(f"a sample is rows float32[n, k], n targets, n weights, got {x.dtype}{x.shape}, {y.shape} and {weights.shape}")
        if any(own is not None and own.shape != y.shape for own in (self.start, self.end)):
            raise EsbtError(f"a sample of {len(x)} rows needs as many starts and ends, or none")
        if not (np.isfinite(y).all() and np.isfinite(weights).all()):
            raise EsbtError("targets and weights must be finite: leave out the rows without")

    def arrays(self) -> tuple[Rows, Floats, Floats]:
        """x, y, weights."""
        return self.x, self.y, self.weights  # type: ignore[return-value]

    def take(self, rows: Ints) -> "Sample":
        """Some of the rows."""
        x, y, weights = self.arrays()
        spans = (None if own is None else own[rows] for own in (self.start, self.end))
        return Sample(x[rows], y[rows], weights[rows], *spans)


class Tunable(Protocol):
    """What `tuning.tune` asks of a learner: `Learner`, and `network.NetworkLearner`. first: the parameters of the first trial."""

    @property
    def objective(self) -> Objective: ...
    @property
    def seed(self) -> int: ...
    @property
    def more_is_better(self) -> bool: ...
    def space(self) -> "dict[str, BaseDistribution]": ...
    def first(self) -> Parameters: ...
    def fit(self, sample: Sample, parameters: Parameters) -> Any: ...
    def margins(self, sample: Sample, parameters: Parameters, x: Rows) -> Floats: ...
    def score(self, y: npt.ArrayLike, margins: npt.ArrayLike) -> float: ...


@dataclass(frozen=True)
class Learner:
    """What is fitted. kind: "lightgbm" or "xgboost". objective: margins are, for "binary", log odds of y = 1; for "quantile" the quantile
    `alpha` of y; for "mean" its mean. most_trees: of the space. categories: numbers of columns that hold codes 0, 1, ... without an order,
    which LightGBM splits by sets of codes (Fisher 1958) and XGBoost takes as numbers. Raises EsbtError for other words."""

    kind: str = "lightgbm"
    objective: Objective = "binary"
    alpha: float = 0.5
    seed: int = 0
    most_trees: int = 300
    categories: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.objective not in get_args(Objective):
            raise EsbtError(f"a learner is {' or '.join(KINDS)}, binary, quantile or mean, got {self.kind!r} and {self.objective!r}")
        if not 0 < self.alpha < 1 or self.seed < 0:
            raise EsbtError(f"alpha must be in (0, 1) and seed 0 or more, got {self.alpha} and {self.seed}")
        if self.most_trees < 1:
            raise EsbtError(f"most_trees must be 1 or more, got {self.most_trees}")

    @property
    def more_is_better(self) -> bool:
        """Of `score`."""
        return self.objective == "binary"

    def space(self) -> "dict[str, BaseDistribution]":
        """What is tuned, and where."""
        from optuna.distributions import IntDistribution

        return {"trees": IntDistribution(max(1, self.most_trees // 6), self.most_trees)} | KINDS[self.kind].space()

    def first(self) -> Parameters:
        """Where tuning begins: half of most_trees, and what is common."""
        return {"trees": max(1, self.most_trees // 6, self.most_trees // 2)} | KINDS[self.kind].first

    def fit(self, sample: Sample, parameters: Parameters) -> TrainedForest:
        """A forest of these parameters, as the loop takes it."""
        return TrainedForest(KINDS[self.kind].train(self, sample, parameters))

    def margins(self, sample: Sample, parameters: Parameters, x: Rows) -> Floats:
        """Margins float64[m] of rows x from a model fitted to the sample."""
        own = KINDS[self.kind]
        return np.asarray(own.margins(own.train(self, sample, parameters), x), dtype=np.float64)

    def score(self, y: npt.ArrayLike, margins: npt.ArrayLike) -> float:
        """ROC AUC for "binary", pinball loss for "quantile", squared error for "mean"."""
        return score(self.objective, self.alpha, y, margins)


def score(objective: str, alpha: float, y: npt.ArrayLike, margins: npt.ArrayLike) -> float:
    """ROC AUC for "binary", pinball loss at alpha for "quantile", squared error for "mean"."""
    if objective == "mean":
        return float(mean_squared_error(y, margins))
    return float(roc_auc_score(y, margins) if objective == "binary" else mean_pinball_loss(y, margins, alpha=alpha))


def _lightgbm_space() -> "dict[str, BaseDistribution]":
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        "learning_rate": FloatDistribution(0.01, 0.2, log=True),
        "num_leaves": IntDistribution(4, 63, log=True),
        "min_data_in_leaf": IntDistribution(20, 300, log=True),
        "feature_fraction": FloatDistribution(0.4, 1.0),
        "lambda_l2": FloatDistribution(1e-3, 10.0, log=True),
    }


def _xgboost_space() -> "dict[str, BaseDistribution]":
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        "eta": FloatDistribution(0.01, 0.2, log=True),
        "max_depth": IntDistribution(2, 6),
        "min_child_weight": FloatDistribution(1.0, 100.0, log=True),
        "colsample_bytree": FloatDistribution(0.4, 1.0),
        "lambda": FloatDistribution(1e-3, 10.0, log=True),
    }


def _train_lightgbm(learner: Learner, sample: Sample, parameters: Parameters) -> Any:
    x, y, weights = sample.arrays()
    fixed = {"seed": learner.seed, "deterministic": True, "num_threads": 1, "force_row_wise": True, "verbosity": -1}
    goals: dict[str, dict[str, Any]] = {
        "binary": {"objective": "binary"},
        "quantile": {"objective": "quantile", "alpha": learner.alpha},
        "mean": {"objective": "regression"},
    }
    own = {name: value for name, value in parameters.items() if name != "trees"}
    rows = lgb.Dataset(x, label=y, weight=weights, categorical_feature=list(learner.categories))
    return lgb.train(fixed | goals[learner.objective] | own, rows, num_boost_round=int(parameters["trees"]))


def _train_xgboost(learner: Learner, sample: Sample, parameters: Parameters) -> Any:
    x, y, weights = sample.arrays()
    fixed = {"seed": learner.seed, "nthread": 1, "verbosity": 0, "tree_method": "hist"}
    goals: dict[str, dict[str, Any]] = {
        "binary": {"objective": "binary:logistic"},
        "quantile": {"objective": "reg:quantileerror", "quantile_alpha": learner.alpha},
        "mean": {"objective": "reg:squarederror"},
    }
    own = {name: value for name, value in parameters.items() if name != "trees"}
    return xgb.train(fixed | goals[learner.objective] | own, xgb.DMatrix(x, y, weight=weights), int(parameters["trees"]))


@dataclass(frozen=True)
class _Kind:
    """space: all but the trees. first: a point of it."""

    space: "Callable[[], dict[str, BaseDistribution]]"
    first: Parameters
    train: Callable[[Learner, Sample, Parameters], Any]
    margins: Callable[[Any, Rows], Any]


_FIRST_LIGHTGBM = {"learning_rate": 0.03, "num_leaves": 15, "min_data_in_leaf": 100, "feature_fraction": 0.8, "lambda_l2": 1.0}
_FIRST_XGBOOST = {"eta": 0.03, "max_depth": 4, "min_child_weight": 10.0, "colsample_bytree": 0.8, "lambda": 1.0}


KINDS: dict[str, _Kind] = {
    "lightgbm": _Kind(_lightgbm_space, _FIRST_LIGHTGBM, _train_lightgbm, lambda booster, x: booster.predict(x, raw_score=True)),
    "xgboost": _Kind(
        _xgboost_space,
        _FIRST_XGBOOST,
        _train_xgboost,
        lambda booster, x: booster.predict(xgb.DMatrix(x, nthread=1), output_margin=True),
    ),
}
