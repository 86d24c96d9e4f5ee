"""A network of 40 inputs, 64 and 32 hidden and one output, batch norm and dropout in training, and the ways to ask it: esbt and torch.

One thread each. torch is asked as a trained module is: evaluation mode, no gradients, float32. What a single row costs a Python caller is
partly the call, for esbt as for torch; the loop calls the hook from C++.
"""

import copy
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from workload import SEED

import esbt
from rivals.forest_rivals import N_FEATURES, Rows, rows

WIDTHS = (N_FEATURES, 64, 32)


@lru_cache(maxsize=1)
def trained() -> torch.nn.Sequential:
    """The module after a hundred steps of training: batch norm has seen data."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    parts: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(WIDTHS):
        parts += [torch.nn.Linear(inputs, outputs), torch.nn.BatchNorm1d(outputs), torch.nn.ReLU(), torch.nn.Dropout(0.2)]
    net = torch.nn.Sequential(*parts, torch.nn.Linear(WIDTHS[-1], 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    X = torch.from_numpy(rows(12_800, SEED + 1))
    y = torch.sin(X[:, ::2]).sum(dim=1) + X[:, 0] * X[:, 1]
    for batch in torch.arange(len(X)).split(128):
        optimizer.zero_grad()
        ((net(X[batch])[:, 0] - y[batch]) ** 2).mean().backward()
        optimizer.step()
    return net.eval()


@lru_cache(maxsize=1)
def network() -> esbt.Network:
    """The same in the core, each batch norm folded into the layer before it."""
    parts, layers = list(trained()), []
    for linear, norm in zip(parts, [*parts[1:], None], strict=True):
        if not isinstance(linear, torch.nn.Linear):
            continue
        own = {"weight": linear.weight.detach().numpy(), "bias": linear.bias.detach().numpy()}
        if isinstance(norm, torch.nn.BatchNorm1d):
            own |= {"mean": norm.running_mean.numpy(), "variance": norm.running_var.numpy(), "eps": norm.eps}
            own |= {"gamma": norm.weight.detach().numpy(), "beta": norm.bias.detach().numpy()}
        layers.append(esbt.Dense(**own))
    return esbt.Network(layers)


def predictors() -> dict[str, Callable[[Rows], Any]]:
    """Name -> outputs [n] of float32[n, 40]."""
    module, own = trained(), network()

    def by_torch(X: Rows) -> Any:
        with torch.inference_mode():
            return module(torch.from_numpy(X))[:, 0].numpy()

    return {"esbt Network.predict": own.predict, "esbt hook": own.hook, "torch": by_torch}


def require_same_outputs(X: Rows) -> None:
    """Every way gives torch's outputs, computed in float64, to float32. Raises AssertionError."""
    precise = copy.deepcopy(trained()).double()
    with torch.inference_mode():
        truth = precise(torch.from_numpy(X).double())[:, 0].numpy()
    if np.ptp(truth) < 1.0:
        raise AssertionError(f"the outputs span only {np.ptp(truth)}: the comparison says nothing")
    for name, predict in predictors().items():
        np.testing.assert_allclose(predict(X), truth, rtol=1e-4, atol=1e-4, err_msg=name)
