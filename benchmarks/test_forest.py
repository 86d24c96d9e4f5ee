"""A forest of 200 trees with 31 leaves on 40 features: one row, a block of rows, and asked inside the loop at every signal.

Each way first gives LightGBM's margins (GTIL within float32). One thread. The loop's cost of a hook is the time of a backtest that asks it
less the time of the same backtest without, per question.
"""

import pytest
from rivals.forest_rivals import EntryAsk, predictors, require_same_margins, rows
from timing import measure, settled
from workload import N_BARS, full_rules

HOOKS = {
    "no hook": "the whole backtest, over the signals it acts on",
    "forest": "200 trees of 31 leaves, rows from memory",
    "compiled function": "numba cfunc, a weighted sum",
    "Python function": "the same sum in numpy",
}
BLOCK, SINGLES = 10_000, 500


@settled
@pytest.mark.parametrize("engine", ["esbt Forest.row", "esbt hook", "LightGBM predict", "treelite GTIL"])
def test_single_row(benchmark, engine):
    require_same_margins(rows(200))
    singles = [
        row[None, :] for row in rows(SINGLES)
    ]  # many rows in turn: one row again and again would teach the branch predictor its path
    predict = predictors()[engine]

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
        rival=engine != "esbt Forest.predict",
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
