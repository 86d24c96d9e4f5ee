"""A forest of 200 trees with 31 leaves on 40 features: one row, a block of rows, and asked inside the loop at every signal.

Each way first gives LightGBM's margins (GTIL within float32). One thread. The loop's cost of a hook is the time of a backtest that asks it
less the time of the same backtest without, per question.
"""

import pytest
from rivals.forest_rivals import EntryAsk, predictors, require_same_margins, rows
from timing import measure, settled
from workload import N_BARS, full_rules

BLOCK = 10_000


@settled
@pytest.mark.parametrize("engine", ["esbt Forest.row", "esbt hook", "LightGBM predict", "treelite GTIL"])
def test_single_row(benchmark, engine):
    require_same_margins(rows(200))
    X = rows(1)
    predict = predictors()[engine]
    note = "one Python call a row"
    measure(
        benchmark, lambda: predict(X), "Forest, one row from Python", engine, unit="row", count=1, reference=engine == "esbt hook", note=note
    )


@settled
@pytest.mark.parametrize("engine", ["esbt Forest.predict", "LightGBM predict", "treelite GTIL"])
def test_block(benchmark, engine):
    require_same_margins(rows(200))
    X = rows(BLOCK)
    predict = predictors()[engine]
    measure(
        benchmark,
        lambda: predict(X),
        f"Forest, a block of {BLOCK:,} rows",
        engine,
        unit="row",
        count=BLOCK,
        reference=engine == "esbt Forest.predict",
    )


@settled
@pytest.mark.parametrize("hook", ["no hook", "forest", "numba cfunc", "Python function"])
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
        reference=hook == "forest",
        without=None if hook == "no hook" else "no hook",
        note="the whole backtest, over the signals it acts on" if hook == "no hook" else "",
    )
