"""Network: dense layers with batch norm and ReLU, from plain arrays, run by the core.

Duty: check the arrays, fold each batch norm into the layer before it, hand the layers to the core. Imports no training library; knows no
training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt import _core
from esbt.errors import EsbtError
from esbt.hooks import Hook

_NORM = ("mean", "variance", "gamma", "beta")


@dataclass(frozen=True)
class Dense:
    """One layer, y = weight @ x + bias, then, where `mean` is given, batch norm as in use (not in training):
    (y - mean) / sqrt(variance + eps) * gamma + beta.

    weight: [outputs, inputs], as torch's `Linear.weight`. bias: [outputs], None for 0. mean and variance: [outputs], torch's
    `BatchNorm1d.running_mean` and `running_var`. gamma, beta: [outputs], its `weight` and `bias`, None for 1 and 0. eps: its `eps`.
    Any real dtype; used as float64.
    """

    weight: npt.ArrayLike
    bias: npt.ArrayLike | None = None
    mean: npt.ArrayLike | None = None
    variance: npt.ArrayLike | None = None
    gamma: npt.ArrayLike | None = None
    beta: npt.ArrayLike | None = None
    eps: float = 1e-5

    def folded(self, where: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Weight float64[outputs, inputs] and bias float64[outputs] that do the same without a batch norm; `where` begins the errors.

        Raises EsbtError for arrays that are no numbers, do not fit or are not finite, a negative variance, and half a batch norm.
        """
        given = {f.name: _array(getattr(self, f.name), f"{where}.{f.name}") for f in fields(self) if f.name != "eps"}
        weight = given.pop("weight")
        if weight is None or weight.ndim != 2 or 0 in weight.shape:
            shape = None if weight is None else weight.shape
            raise EsbtError(f"{where}.weight has shape {shape}: give [outputs, inputs], as torch's Linear.weight")
        outputs = len(weight)
        for name, array in given.items():
            if array is not None and array.shape != (outputs,):
                raise EsbtError(f"{where}.{name} has shape {array.shape}: weight has {outputs} outputs, give [{outputs}]")
        bias = given["bias"] if given["bias"] is not None else np.zeros(outputs)
        mean, variance, gamma, beta = (given[name] for name in _NORM)
        if mean is None and variance is None and gamma is None and beta is None:
            return weight, bias
        if mean is None or variance is None:
            raise EsbtError(f"{where} has a batch norm without its mean or variance: give both (running_mean, running_var)")
        if (variance < 0).any() or not np.isfinite(self.eps) or self.eps < 0 or (variance + self.eps == 0).any():
            raise EsbtError(f"{where}: variance + eps must be positive, got a variance of {variance.min()} and eps={self.eps}")
        with np.errstate(over="ignore"):  # the core refuses what is not finite
            scale = (1.0 if gamma is None else gamma) / np.sqrt(variance + self.eps)
            return weight * scale[:, None], (bias - mean) * scale + (0.0 if beta is None else beta)


class Network:
    """A network with one output: dense layers, ReLU after each but the last. float32 in, computed in float64, float64 out.

    `layers`: `Dense` layers in their order; each batch norm stands before its ReLU, as in Linear, BatchNorm1d, ReLU. Dropout does nothing
    in use and is left out. The same bits for a row and a block and on every machine; within 1e-6 of torch, which computes in float32.

    A NaN among the inputs makes the answer NaN, unless a weight never sees it: as a confidence it takes no signal (no comparison with the
    threshold holds), as a stop it ends the run with an error. Where features warm up, begin the signals later.
    Raises EsbtError for no layers, shapes that do not fit, a last layer with several outputs, and what is not finite.
    """

    def __init__(self, layers: Sequence[Dense]) -> None:
        if isinstance(layers, Dense) or not isinstance(layers, Sequence) or not layers:
            raise EsbtError(f"a network's layers are {type(layers).__name__}: give a list of esbt.Dense, at least one")
        folded: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
        for number, layer in enumerate(layers):
            if not isinstance(layer, Dense):
                raise EsbtError(f"layer {number} of the network is a {type(layer).__name__}: give esbt.Dense(weight, bias, ...)")
            weight, bias = layer.folded(f"layer {number}")
            if folded and weight.shape[1] != len(folded[-1][1]):
                raise EsbtError(f"layer {number} has {weight.shape[1]} inputs, the layer before gives {len(folded[-1][1])}")
            folded.append((weight, bias))
        if len(folded[-1][1]) != 1:
            raise EsbtError(f"the last layer has {len(folded[-1][1])} outputs: a network in the loop gives one number a row")
        try:
            self._core = _core.Network(folded[0][0].shape[1], [(np.ascontiguousarray(w), np.ascontiguousarray(b)) for w, b in folded])
        except ValueError as error:
            raise EsbtError(f"the network cannot be used: {error}") from error

    @property
    def n_inputs(self) -> int:
        """Columns of X."""
        return self._core.n_inputs

    def predict(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Outputs float64[n] of X float32[n, n_inputs]. Raises EsbtError for another type or shape."""
        want = f"float32[n, {self.n_inputs}]"
        if not isinstance(X, np.ndarray) or X.dtype != np.float32:
            seen = X.dtype if isinstance(X, np.ndarray) else type(X).__name__
            raise EsbtError(f"the network's input is {seen}: give a numpy array {want}")
        if X.ndim != 2 or X.shape[1] != self.n_inputs:
            raise EsbtError(f"the network's input has shape {X.shape}: give {want}, columns in the order of training")
        outputs: npt.NDArray[np.float64] = self._core.predict(np.ascontiguousarray(X))
        return outputs

    @cached_property
    def hook(self) -> Hook:
        """The network as a hook of the simulation loop; it keeps the network alive. Raises EsbtError for more than 256 inputs."""
        return Hook.from_address(self._core.batch_address, self.n_inputs, self._core.state_address, keep_alive=self._core)

    def __repr__(self) -> str:
        return f"Network(inputs={self.n_inputs}, layers={self._core.n_layers})"


def _array(values: Any, name: str) -> npt.NDArray[np.float64] | None:
    if values is None:
        return None
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EsbtError(f"{name} is no array of numbers: {error}") from error
    if not np.isfinite(array).all():
        raise EsbtError(f"{name} has a value that is not finite: the training has gone wrong, train again")
    return array
