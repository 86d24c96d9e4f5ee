"""A dynamic stop asked at every bar of an open position: what a compiled hook adds a bar to the bare loop, claimed to be under 20 ns.

The rules keep a position open nearly all the time. The bare loop steps bar by bar too (a trailing stop too far to matter is on); every hook
answers with a distance that never tightens the stop, and all ways must make the very same trades.
"""

from functools import lru_cache

import numba
import numpy as np
import pytest
from timing import measure, settled
from workload import N_BARS, full_rules

import esbt
from esbt.hooks import Hook

INPUTS = ("bars_held", "open_atr", "mae_atr", "mfe_atr", "stop_now_atr")
FAR = (1_000.0, 1_000.0)  # bounds of an answer that never moves a stop
RULES = {"stop_atr": 25.0, "target_r": 1.0, "trail_atr": 1_000.0, "flat_at_close": False}


@numba.cfunc("i4(voidptr, CPointer(f4), i8, CPointer(f8))")
def weighted(state, rows, n, out):
    for i in range(n):
        out[i] = 0.1 * rows[5 * i] + 0.2 * rows[5 * i + 1] + 0.3 * rows[5 * i + 2] + 0.4 * rows[5 * i + 3] + 0.5 * rows[5 * i + 4]
    return 0


@numba.cfunc("i4(voidptr, CPointer(f4), i8, CPointer(f8))")
def locked_in(state, rows, n, out):  # docs/hooks.md
    for i in range(n):
        out[i] = 1.0 if rows[2 * i] > 1.5 or rows[2 * i + 1] > 30 else 3.0
    return 0


HOOKS = {
    "bare loop": None,
    "compiled function": lambda: Hook.from_address(locked_in.address, 2, keep_alive=locked_in),
    "compiled function of 5 inputs": lambda: Hook.from_address(weighted.address, len(INPUTS), keep_alive=weighted),
    "Python function": lambda: Hook.from_callable(lambda rows: rows @ np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32), len(INPUTS)),
}


@lru_cache
def setting():
    w = full_rules(min(N_BARS, 200_000))
    return w.bars, w.strategy.model_copy(update=RULES), esbt.features(w.bars, esbt.feature_names()[:1])


def run(way):
    bars, strategy, features = setting()
    if HOOKS[way] is None:
        return esbt.backtest(bars, strategy)
    hook = HOOKS[way]()
    stop = esbt.DynamicStop(esbt.Ask(hook, INPUTS if hook.n_inputs == len(INPUTS) else ("open_atr", "bars_held")), bounds=FAR)
    return esbt.backtest(bars, strategy, model=esbt.EntryModel(features, dynamic=stop))


@settled
@pytest.mark.parametrize("way", HOOKS)
def test_dynamic_stop(benchmark, way):
    trades = run(way).raw_trades
    assert trades.tobytes() == run("bare loop").raw_trades.tobytes()
    held = int((trades["exit_bar"] - trades["entry_bar"] + 1).sum())
    assert held > 0.8 * len(setting()[0])
    measure(
        benchmark,
        lambda: run(way),
        "A dynamic stop, asked at every bar of an open position",
        way,
        unit="bar",
        count=held,
        reference=way == "compiled function",
        note="the whole backtest, over its bars in position"
        if HOOKS[way] is None
        else "over the bare loop; claim: a compiled hook under 20 ns",
        **({} if HOOKS[way] is None else {"without": "bare loop"}),
    )
