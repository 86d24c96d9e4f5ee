"""The core against its slow twin on random markets: every field of every trade, and every count of skipped signals, exactly.

Non-vacuous: each family must trade, and the families together must meet every exit reason, an ambiguous bar and every reason to skip.
A failure prints the market, the rules and the first trade that differs.
"""

from collections import Counter

import numpy as np
import pytest
from bridge import comparable, core_bars, core_plan, simulate_core, trade_of
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from markets import FAMILIES, drawn_markets, models, rules, seeded_markets
from reference.indicators import ema_crossings, wilder_atr
from reference.simulator import simulate

from esbt import _core
from esbt.plan import REASONS

# No `explain` phase: the drawn numbers tell enough, and a failing run stays short.
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
EXACT = settings(derandomize=True, deadline=None, database=None, max_examples=110, phases=PHASES)
WITH_MODELS = ("models", "everything")


def compare(market, plan, model, seen):
    """Twin and core on one case; `seen` counts what happened in it."""
    case = (market.bars, market.signals, market.atr, plan, model, market.finer)
    twin, twin_skipped = simulate(*case)
    core, core_skipped = simulate_core(*case)
    for ours, theirs in zip(twin, core, strict=False):
        assert comparable(theirs) == comparable(ours)
    assert len(core) == len(twin)
    assert core_skipped == twin_skipped
    seen["trades"] += len(twin)
    seen["ambiguous"] += sum(t.ambiguous for t in twin)
    seen.update(t.reason for t in twin)
    seen.update({f"skipped {name}": count for name, count in twin_skipped.items()})


@pytest.mark.parametrize("family", FAMILIES)
def test_core_equals_twin(family):
    seen = Counter()

    @settings(EXACT, max_examples=300 if family == "everything" else EXACT.max_examples)
    @given(seeded_markets(), rules(family), models() if family in WITH_MODELS else st.none())
    def case(market, plan, model):
        compare(market, plan, model, seen)

    case()
    assert seen["trades"] > 300, seen
    assert seen["stop"] > 0, seen
    if family == "everything":
        missing = [name for name in (*REASONS, "ambiguous") if not seen[name]]
        missing += [name for name in ("boundary", "atr", "confidence", "size", "in_position") if not seen[f"skipped {name}"]]
        assert not missing, seen


@pytest.mark.parametrize("family", ["paths", "reverse"])
def test_core_equals_twin_on_drawn_bars(family):
    """Short markets, every number drawn: finds less, but what it finds is small enough to read."""
    seen = Counter()

    @EXACT
    @given(drawn_markets(), rules(family))
    def case(market, plan):
        compare(market, plan, None, seen)

    case()
    assert seen["trades"] > 50, seen


@pytest.mark.parametrize("family", ["reverse", "models"])
def test_negative_prices(family):
    """A market around zero, as crude oil was in April 2020."""
    seen = Counter()

    @EXACT
    @given(seeded_markets(base=-20), rules(family), models() if family in WITH_MODELS else st.none())
    def case(market, plan, model):
        compare(market, plan, model, seen)

    case()
    assert seen["trades"] > 300, seen


def test_each_signal_alone():
    """`simulate_each`, which labels are made of: each trade is the one that a run with that signal alone would make."""
    seen = Counter()

    @settings(EXACT, max_examples=80)
    @given(seeded_markets(high=60), rules("closes"))
    def case(market, plan):
        n = len(market.bars)
        alone = []
        for j in range(n):
            signals = [side if i == j else 0 for i, side in enumerate(market.signals)]
            alone += simulate(market.bars, signals, market.atr, plan)[0]
        signals, atr = np.array(market.signals, np.int8), np.array(market.atr)
        records, _ = _core.simulate_each(core_bars(market.bars), signals, atr, core_plan(plan))
        assert [comparable(trade_of(r)) for r in records] == [comparable(t) for t in alone]
        seen["trades"] += len(alone)

    case()
    assert seen["trades"] > 300, seen


@EXACT
@given(seeded_markets(base=0, high=200), st.integers(1, 20))
def test_atr_is_the_twins_to_the_bit(market, period):
    ours = np.array(wilder_atr(market.bars, period))
    theirs = _core.wilder_atr(core_bars(market.bars), period)
    assert theirs.dtype == np.float64
    assert theirs.tobytes() == ours.tobytes()


def test_crossings_are_the_twins():
    found = Counter()

    @EXACT
    @given(seeded_markets(high=200), st.integers(1, 12), st.integers(1, 20), st.integers(0, 30))
    def case(market, fast, more, warm_bars):
        ours = ema_crossings(market.bars, fast, fast + more, warm_bars)
        theirs = _core.ema_crossings(core_bars(market.bars), fast, fast + more, warm_bars)
        assert theirs.dtype == np.int8
        assert theirs.tolist() == ours
        found.update(ours)

    case()
    assert min(found[1], found[-1]) > 100, found
