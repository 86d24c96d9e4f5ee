"""A multilayer perceptron by torch (batch norm, dropout, early stopping on the last part of time), exported as plain arrays.

What is trained is in float64, on one thread, from a seed: the same rows give the same bits. What is exported knows no torch: the scaler is
folded into the first layer and each batch norm (Ioffe and Szegedy 2015) into its own, so that the loop has matrix, bias and ReLU alone, and
raw features go in. It has no answer where a feature is missing: NaN in is NaN out, and the loop takes no such entry.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from esbt.errors import EsbtError
from esbt.hooks import Hook
from esbt.network import Dense, Network
from esbt.settings import Settings
from esbt.signals import Period, Positive, Share
from python_models.boosting import Rows
from python_models.learners import Ints, Objective, Parameters, Sample, score

if TYPE_CHECKING:  # else where it is needed: it is slow to import
    from optuna.distributions import BaseDistribution

Floats = npt.NDArray[np.float64]
Layer = tuple[Floats, Floats]
State = dict[str, Any]
_FEWEST = 30  # rows in either part of time


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Layers (weight float64[out, in], bias float64[out]), ReLU between them, one output; what `esbt.Network` is made of."""

    layers: tuple[Layer, ...]

    @property
    def n_features(self) -> int:
        """Columns of X."""
        return int(self.layers[0][0].shape[1])

    @cached_property
    def core(self) -> Network:
        """The same in the core."""
        return Network([Dense(weight, bias) for weight, bias in self.layers])

    @property
    def hook(self) -> Hook:
        """For the loop."""
        return self.core.hook

    def predict(self, x: Rows) -> Floats:
        """Margins float64[n] of raw features float32[n, n_features], the loop's own bits. Raises EsbtError for another shape."""
        return np.asarray(self.core.predict(x), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """The network of the best epoch; losses: of the held-back rows after each epoch, unweighted; fitted, held_back: numbers of rows."""

    network: TrainedNetwork
    losses: tuple[float, ...]
    fitted: int
    held_back: int

    @property
    def best_epoch(self) -> int:
        """Counted from 0."""
        return int(np.argmin(self.losses))


class NetworkLearner(Settings):
    """What is trained and how long. objective: as `Learner` has it. hidden: widths.

    dropout: share of a hidden layer left out of a step. held_back: last part of the rows that early stopping looks at, never fitted to;
    patience: epochs without a new least loss there before training ends. embargo_bars: between the two parts. weight_decay: of AdamW.
    """

    objective: Objective = "binary"
    alpha: Share = 0.5
    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(strict=False, min_length=1, max_length=8)] = (64, 32)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    learning_rate: Positive = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    batch: Annotated[int, Field(ge=2, le=65_536)] = 128
    epochs: Period = 100
    patience: Period = 10
    held_back: Share = 0.2
    embargo_bars: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0)] = 0

    def fit(self, sample: Sample, parameters: Parameters | None = None) -> NetworkFit:
        """Train on rows in order of time, with their spans. Rows with a missing feature are left out. parameters: of the space, or the own.

        The last `held_back` of the rows stop the training; of the others those count whose span ends more than embargo_bars before the
        first of them begins. Raises EsbtError without spans, out of order, where training diverges, and where either part has fewer
        than 30 rows.
        """
        own = self if parameters is None else self.tuned(parameters)
        x, y, weights = sample.arrays()
        earlier, later = self._parts(sample)
        if min(earlier.size, later.size) < _FEWEST:
            got = f"got {earlier.size} and {later.size}: give more rows or a smaller embargo_bars"
            raise EsbtError(f"a network needs {_FEWEST} rows to fit and as many held back, {got}")
        middle, scale = x[earlier].mean(axis=0, dtype=np.float64), x[earlier].std(axis=0, dtype=np.float64)
        scale[scale == 0] = 1.0
        scaled = (x - middle) / scale
        torch_layers, losses = _train(own, (scaled[earlier], y[earlier], weights[earlier]), (scaled[later], y[later]))
        network = TrainedNetwork(_with_scaler(torch_layers, middle, scale))
        return NetworkFit(network, losses, earlier.size, later.size)

    def _parts(self, sample: Sample) -> tuple[Ints, Ints]:
        """Row numbers to fit and those held back."""
        if sample.start is None or sample.end is None:
            raise EsbtError("a network needs the spans of its rows to hold back the last part of time: give Sample(..., start=, end=)")
        if (np.diff(sample.start) < 0).any():
            raise EsbtError("a network needs its rows in order of time: sort them by start")
        whole = np.flatnonzero(np.isfinite(sample.x).all(axis=1))
        later = whole[len(whole) - round(self.held_back * len(whole)) :]
        if not later.size:
            return whole, later
        earlier = whole[: -later.size]
        return earlier[sample.end[earlier] < sample.start[later[0]] - self.embargo_bars], later

    @property
    def more_is_better(self) -> bool:
        """Of `score`."""
        return self.objective == "binary"

    def space(self) -> "dict[str, BaseDistribution]":
        """What is tuned, and where: the width of the first hidden layer (each further one has half), dropout, steps."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution

        return {
            "width": CategoricalDistribution((16, 32, 64)),
            "dropout": FloatDistribution(0.0, 0.5),
            "learning_rate": FloatDistribution(5e-4, 1e-2, log=True),
            "weight_decay": FloatDistribution(1e-4, 1e-1, log=True),
        }

    def first(self) -> Parameters:
        """Where tuning begins."""
        return {"width": 32, "dropout": 0.2, "learning_rate": 2e-3, "weight_decay": 1e-2}

    def tuned(self, parameters: Parameters) -> "NetworkLearner":
        """This learner with parameters of its space."""
        own = dict(parameters)
        width = int(own.pop("width"))
        return self.model_copy(update={"hidden": tuple(max(2, width >> layer) for layer in range(len(self.hidden))), **own})

    def margins(self, sample: Sample, parameters: Parameters, x: Rows) -> Floats:
        """Margins float64[m] of rows x from a network of these parameters, fitted to the sample."""
        return self.fit(sample, parameters).network.predict(x)

    def score(self, y: npt.ArrayLike, margins: npt.ArrayLike) -> float:
        """ROC AUC for "binary", pinball loss for "quantile", squared error for "mean"."""
        return score(self.objective, self.alpha, y, margins)


def _train(
    own: NetworkLearner, fitted: tuple[Floats, Floats, Floats], held_back: tuple[Floats, Floats]
) -> tuple[list[Layer], tuple[float, ...]]:
    """Layers with batch norm folded, of the epoch with the least held-back loss, and that loss by epoch."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order: the same bits on any number of cores
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(own.seed)
            x, y, weights = (torch.from_numpy(a) for a in fitted)
            test_x, test_y = (torch.from_numpy(a) for a in held_back)
            model = _model(own, x.shape[1])
            optimizer = torch.optim.AdamW(model.parameters(), lr=own.learning_rate, weight_decay=own.weight_decay)
            losses: list[float] = []
            best, best_epoch = list[Layer](), 0
            for epoch in range(own.epochs):
                model.train()
                for rows in torch.randperm(len(x)).split(own.batch):
                    if len(rows) < 2:
                        continue  # batch norm needs two
                    optimizer.zero_grad()
                    loss = (_losses(own, model(x[rows])[:, 0], y[rows]) * weights[rows]).mean()
                    loss.backward()
                    optimizer.step()
                model.eval()
                with torch.no_grad():
                    loss = float(_losses(own, model(test_x)[:, 0], test_y).mean())
                if not np.isfinite(loss):
                    break
                if loss < min(losses, default=np.inf):
                    best, best_epoch = _folded(model), epoch
                losses.append(loss)
                if epoch - best_epoch >= own.patience:
                    break
    finally:
        torch.set_num_threads(threads)
    if not best:
        raise EsbtError("training of the network diverged in its first epoch: give a smaller learning_rate or features of smaller range")
    return best, tuple(losses)


def _model(own: NetworkLearner, inputs: int) -> Any:
    from torch import float64, nn

    parts: list[Any] = []
    for width in own.hidden:
        parts += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(own.dropout)]
        inputs = width
    return nn.Sequential(*parts, nn.Linear(inputs, 1)).to(float64)


def _losses(own: NetworkLearner, margins: Any, y: Any) -> Any:
    """Log loss, pinball loss or squared error of each row."""
    import torch

    if own.objective == "binary":
        return torch.nn.functional.binary_cross_entropy_with_logits(margins, y, reduction="none")
    short = y - margins
    if own.objective == "mean":
        return short**2
    return torch.maximum(own.alpha * short, (own.alpha - 1) * short)


def _folded(model: Any) -> list[Layer]:
    """Linear layers, each with the batch norm after it: w' = g w / sqrt(v + eps), b' = g (b - m) / sqrt(v + eps) + beta."""
    parts, layers = list(model), []
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if not hasattr(part, "in_features"):
            continue
        weight, bias = (p.detach().numpy().copy() for p in (part.weight, part.bias))
        if following is not None:
            gain, shift, mean, variance = (
                p.detach().numpy() for p in (following.weight, following.bias, following.running_mean, following.running_var)
            )
            factor = gain / np.sqrt(variance + following.eps)
            weight, bias = weight * factor[:, None], (bias - mean) * factor + shift
        layers.append((weight, bias))
    return layers


def _with_scaler(layers: list[Layer], middle: Floats, scale: Floats) -> tuple[Layer, ...]:
    """The same for raw features: w' = w / scale, b' = b - w' middle."""
    weight, bias = layers[0]
    raw = weight / scale
    return ((raw, bias - raw @ middle), *layers[1:])
