"""One LightGBM forest of 200 trees with 31 leaves on 40 features, and the ways to ask it: esbt, LightGBM itself, treelite's GTIL.

One thread each. What a single row costs a Python caller is partly the call, so the loop's own cost is measured apart (`EntryAsk`), where no
Python runs between two rows.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import lightgbm as lgb
import numba
import numpy as np
import numpy.typing as npt
import treelite
from workload import SEED, Workload

import esbt
from esbt.backtest import simulate

N_FEATURES, N_TREES, N_LEAVES = 40, 200, 31
WEIGHTS = np.linspace(-1.0, 1.0, N_FEATURES)
Rows = npt.NDArray[np.float32]
Margins = npt.NDArray[np.float64]


def rows(n: int, seed: int = SEED) -> Rows:
    """Standard normal rows float32[n, 40]."""
    return np.random.default_rng(seed).standard_normal((n, N_FEATURES), dtype=np.float32)


@lru_cache(maxsize=1)
def booster() -> lgb.Booster:
    """The trained forest; every tree has all its leaves. Raises AssertionError where training gave smaller trees."""
    X = rows(20_000, SEED + 1)
    noise = np.random.default_rng(SEED + 2).standard_normal(len(X))
    y = (np.sin(X[:, ::2]).sum(axis=1) + X[:, 0] * X[:, 1] + 4.0 * noise > 0).astype(np.float64)
    settings = {"objective": "binary", "num_leaves": N_LEAVES, "seed": 1, "num_threads": 1, "deterministic": True, "verbosity": -1}
    trained = lgb.train(settings, lgb.Dataset(X, y), num_boost_round=N_TREES)
    leaves = [tree["num_leaves"] for tree in trained.dump_model()["tree_info"]]
    if leaves != [N_LEAVES] * N_TREES:
        raise AssertionError(f"the forest has {len(leaves)} trees of {min(leaves)} to {max(leaves)} leaves, not {N_TREES} of {N_LEAVES}")
    return trained


def predictors() -> dict[str, Callable[[Rows], Any]]:
    """Name -> raw margins float64[n] of float32[n, 40]; esbt's three doors first; `row` gives a float for one row."""
    model = booster()
    forest, loaded = esbt.Forest(model), treelite.frontend.from_lightgbm(model)
    return {
        "esbt Forest.predict": forest.predict,
        "esbt hook": forest.hook,
        "esbt Forest.row": lambda X: forest.row(X[0]) if len(X) == 1 else np.array([forest.row(x) for x in X]),
        "LightGBM predict": lambda X: model.predict(X, raw_score=True, num_threads=1),
        "treelite GTIL": lambda X: treelite.gtil.predict(loaded, X, nthread=1, pred_margin=True).reshape(-1),
    }


def require_same_margins(X: Rows) -> None:
    """Every predictor gives LightGBM's margins: esbt to 1e-12, GTIL to float32. Raises AssertionError."""
    every = predictors()
    truth = every["LightGBM predict"](X)
    if np.ptp(truth) < 1.0:
        raise AssertionError(f"the margins span only {np.ptp(truth)}: the comparison says nothing")
    for name, predict in every.items():
        tolerance = 1e-4 if name == "treelite GTIL" else 1e-12
        np.testing.assert_allclose(predict(X), truth, rtol=tolerance, atol=tolerance, err_msg=name)


@numba.cfunc("int32(voidptr, CPointer(float32), int64, CPointer(float64))")
def _weighted_sum(_state, values, n, out):
    for i in range(n):
        total = 0.0
        for k in range(N_FEATURES):
            total += values[i * N_FEATURES + k] * WEIGHTS[k]
        out[i] = total
    return 0


class EntryAsk:
    """A backtest that asks a confidence hook of 40 inputs at every signal it can act on, and refuses none: the trades stay the same."""

    def __init__(self, w: Workload, hook: str) -> None:
        self.w, self.plan = w, w.account.plan(w.strategy, w.bars.instrument)
        names = tuple(f"x{k}" for k in range(N_FEATURES))
        matrix = np.random.default_rng(SEED).standard_normal((N_FEATURES, len(w)), dtype=np.float32)
        self.features = esbt.Features(matrix, names, 0, w.bars.ts)
        self.forest = esbt.Forest(booster())
        ways = {"no hook": None, "forest": self.forest, "compiled function": _cfunc(), "Python function": _python}
        asked = _network() if hook == "network" else ways[hook]
        self.model = esbt.EntryModel(self.features, confidence=esbt.Ask(asked, names)) if asked is not None else None

    def run(self) -> Any:
        return simulate(self.w.bars, self.w.strategy, self.plan, model=self.model)[0]

    def require_asked(self, hook: str) -> int:
        """Questions asked; the trades are those without a model, and the forest's probabilities are its margins'. Raises AssertionError."""
        plain = simulate(self.w.bars, self.w.strategy, self.plan)[0]
        trades = self.run()
        for name in ("entry_bar", "exit_bar", "pnl_e4"):
            np.testing.assert_array_equal(trades[name], plain[name])
        if hook == "forest":
            X = np.ascontiguousarray(self.features.matrix[:, trades["entry_bar"] - 1].T)
            np.testing.assert_allclose(trades["confidence"], 1 / (1 + np.exp(-self.forest.predict(X))), rtol=1e-12)
        return len(trades)


def _network() -> esbt.Network:
    from rivals.network_torch import network  # it takes its rows from here

    return network()


def _cfunc() -> esbt.Hook:
    return esbt.Hook.from_address(_weighted_sum.address, N_FEATURES, keep_alive=_weighted_sum)


def _python(X: Rows) -> Margins:
    return X @ WEIGHTS
