"""A forest of 200 trees with 31 leaves on 40 features: one row, a block of rows, asked inside the loop at every signal, and loaded.

Each way first gives the training library's margins (GTIL and XGBoost within float32; of tl2cgen the rows that took another branch are
counted and noted). One thread. The loop's cost of a hook is the time of a backtest that asks it
less the time of the same backtest without, per question.
"""

import numpy as np
import pytest
import treelite
from rivals.forest_compiled import compiled, other_branches, tl2cgen_predict, xgb_booster, xgb_predictors
from rivals.forest_rivals import EntryAsk, booster, predictors, require_same_margins, rows
from timing import measure, settled
from workload import N_BARS, full_rules

import esbt

HOOKS = {
    "no hook": "the whole backtest, over the signals it acts on",
    "forest": "200 trees of 31 leaves, rows from memory",
    "network": "40-64-32-1, batch norm folded, rows from memory",
    "compiled function": "numba cfunc, a weighted sum",
    "Python function": "the same sum in numpy",
}
BLOCK, SINGLES = 10_000, 500


def predictor(engine):
    """The way to ask, and what is to be said about its answers."""
    if engine != "tl2cgen":
        return predictors()[engine], ""
    X = rows(20_000)
    wrong = other_branches(X, tl2cgen_predict("LightGBM"), booster().predict(X, raw_score=True))
    return tl2cgen_predict("LightGBM"), f"{wrong} of {len(X):,} rows took another branch"


@settled
@pytest.mark.parametrize("engine", ["esbt Forest.row", "esbt hook", "LightGBM predict", "treelite GTIL", "tl2cgen"])
def test_single_row(benchmark, engine):
    require_same_margins(rows(200))
    singles = [
        row[None, :] for row in rows(SINGLES)
    ]  # many rows in turn: one row again and again would teach the branch predictor its path
    predict, note = predictor(engine)

    def one_by_one() -> None:
        for row in singles:
            predict(row)

    measure(
        benchmark,
        one_by_one,
        "Forest, one row a call from Python",
        engine,
        unit="row",
        count=SINGLES,
        reference=engine == "esbt hook",
        rival=not engine.startswith("esbt"),
        note=note,
    )


@settled
@pytest.mark.parametrize("engine", ["esbt Forest.predict", "LightGBM predict", "treelite GTIL", "tl2cgen"])
def test_block(benchmark, engine):
    require_same_margins(rows(200))
    X = rows(BLOCK)
    predict, note = predictor(engine)
    measure(
        benchmark,
        lambda: predict(X),
        f"Forest, a block of {BLOCK:,} rows",
        engine,
        unit="row",
        count=BLOCK,
        reference=engine == "esbt Forest.predict",
        rival=engine != "esbt Forest.predict",
        note=note,
    )


@settled
@pytest.mark.parametrize("hook", HOOKS)
def test_hook_in_the_loop(benchmark, hook):
    ask = EntryAsk(full_rules(N_BARS), hook)
    asked = ask.require_asked(hook)
    measure(
        benchmark,
        ask.run,
        "Hook of 40 inputs in the loop, per signal asked",
        hook,
        unit="signal",
        count=asked,
        reference=hook == "compiled function",
        without=None if hook == "no hook" else "no hook",
        note=HOOKS[hook],
    )


@settled
@pytest.mark.parametrize("engine", ["esbt Forest", "XGBoost inplace_predict", "tl2cgen"])
@pytest.mark.parametrize("n", [1, BLOCK])
def test_xgboost_forest(benchmark, engine, n):
    every, X = xgb_predictors(), rows(20_000)
    truth = every["XGBoost inplace_predict"](X)
    wrong = other_branches(X, every[engine], truth)
    assert wrong == 0 or engine == "tl2cgen"
    assert np.ptp(truth) > 1.0
    asked = [X[:n]] if n > 1 else [row[None, :] for row in X[:SINGLES]]

    def run() -> None:
        for part in asked:
            every[engine](part)

    measure(
        benchmark,
        run,
        "Forest of XGBoost, one row a call from Python" if n == 1 else f"Forest of XGBoost, a block of {n:,} rows",
        engine,
        unit="row",
        count=max(n, len(asked)),
        reference=engine == "esbt Forest",
        rival=engine != "esbt Forest",
        note=f"{wrong} of {len(X):,} rows took another branch" if wrong else "",
    )


LOADS = ["esbt LightGBM file", "esbt LightGBM booster", "esbt XGBoost file", "tl2cgen compile"]


@pytest.mark.benchmark(min_rounds=3, disable_gc=True, warmup=False)
@pytest.mark.parametrize("engine", LOADS)
def test_load(benchmark, engine, tmp_path):
    lightgbm, xgboost = tmp_path / "forest.txt", tmp_path / "forest.ubj"
    booster().save_model(lightgbm)
    xgb_booster().save_model(xgboost)
    load = {
        "esbt LightGBM file": lambda: esbt.Forest(lightgbm),
        "esbt LightGBM booster": lambda: esbt.Forest(booster()),
        "esbt XGBoost file": lambda: esbt.Forest(xgboost),
        "tl2cgen compile": lambda: compiled(treelite.frontend.load_lightgbm_model(lightgbm), tmp_path),
    }[engine]
    rival = engine == "tl2cgen compile"
    measure(benchmark, load, "Forest, loaded", engine, unit="model", count=1, reference=engine == LOADS[0], rival=rival)
