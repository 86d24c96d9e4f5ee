"""The core against its slow twin on random markets: every field of every trade, and every count of skipped signals, exactly.

Non-vacuous: each family must trade, and the families together must meet every exit reason, an ambiguous bar and every reason to skip.
A failure prints the market, the rules and the first trade that differs.

    pytest tests/test_differential.py                  over 4,000 cases, the same ones every time: about a minute
    ESBT_NIGHTLY=1 pytest tests/test_differential.py   ten times as many, over 40,000, and other ones every night
"""

import os
from collections import Counter

import numpy as np
import pytest
from bridge import comparable, core_bars, simulate_core, simulate_each_in_core, too_much
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from markets import FAMILIES, drawn_markets, dynamic_stops, models, random_market, rules, seeded_markets
from reference.indicators import ema_crossings, wilder_atr
from reference.records import Rules
from reference.simulator import SKIPPED, simulate, simulate_each

from esbt import _core
from esbt.plan import REASONS

# No `explain` phase: the drawn numbers tell enough, and a failing run stays short.
PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
NIGHTLY = os.environ.get("ESBT_NIGHTLY") == "1"
TIMES = 10 if NIGHTLY else 1
EXACT = settings(derandomize=not NIGHTLY, print_blob=True, deadline=None, database=None, phases=PHASES)
MODELS = {"models": models(), "dynamic": dynamic_stops(), "everything": models(dynamic=True)}
DRAWN = ("paths", "reverse", "distances", "limits", "resting", "parts", "resting parts")
BELOW_ZERO = ("reverse", "models", "limits", "resting", "parts", "dynamic")
EACH = ("closes", "distances", "limits", "resting parts")
# What a family is there for, and must meet often enough.
RARE = {
    "limits": ("daily_loss", "daily_profit", *(f"skipped {name}" for name in ("halted", "cooldown", "max_trades", "volume"))),
    "resting": (
        "entry bar ambiguous",
        "max_bars",
        "target",
        "skipped expired",
        "skipped in_position",
        "skipped volume",
        "skipped max_trades",
    ),
    "parts": ("scale_out", "break_even", "trail", "reverse", "target"),
    "resting parts": ("scale_out", "break_even", "entry bar ambiguous", "skipped expired"),
    "dynamic": ("dynamic_stop", "trail", "reverse"),
    "everything": ("scale_out", "dynamic_stop", "entry bar ambiguous", "skipped expired"),
}
# How many cases a family gets in each of the tests; together at least the thousands that the docstring says.
SEEDED_CASES = dict.fromkeys(FAMILIES, 110) | {
    "models": 160,
    "limits": 200,
    "resting": 300,
    "parts": 200,
    "resting parts": 300,
    "dynamic": 200,
    "everything": 800,
}
DRAWN_CASES, BELOW_ZERO_CASES, EACH_CASES, INDICATOR_CASES = 80, 110, 80, 110


def examples(number):
    """So many cases in CI, ten times as many at night."""
    return settings(EXACT, max_examples=TIMES * number)


def test_there_are_enough_cases():
    """The trade-by-trade cases alone, the indicators' not counted."""
    cases = sum(SEEDED_CASES.values()) + len(DRAWN) * DRAWN_CASES + len(BELOW_ZERO) * BELOW_ZERO_CASES + len(EACH) * EACH_CASES
    assert TIMES * cases >= (40_000 if NIGHTLY else 4_000)


def compare(market, plan, model, seen):
    """Twin and core on one case; `seen` counts what happened in it."""
    case = (market.bars, market.signals, market.atr, plan, model, market.finer)
    twin, twin_skipped = simulate(*case)
    if too_much(twin, plan):
        with pytest.raises(OverflowError):
            simulate_core(*case)
        return
    core, core_skipped = simulate_core(*case)
    for ours, theirs in zip(twin, core, strict=False):
        assert comparable(theirs) == comparable(ours)
    assert len(core) == len(twin)
    assert core_skipped == twin_skipped
    seen["trades"] += len(twin)
    seen["ambiguous"] += sum(t.ambiguous for t in twin)
    seen["entry bar ambiguous"] += sum(t.ambiguous and t.entry_bar == t.exit_bar for t in twin)
    seen.update(t.reason for t in twin)
    seen.update({f"skipped {name}": count for name, count in twin_skipped.items()})


def test_a_position_too_large_to_count_is_refused():
    """A volatility target that takes 114,510 contracts, whose tick is worth more than the core counts."""
    plan = Rules(sizing="volatility", volatility_target=3, max_contracts=2**31 - 1)
    market = random_market(100, 100, 5000)
    case = (market.bars, market.signals, market.atr, plan, None, market.finer)
    assert too_much(simulate(*case)[0], plan)
    compare(market, plan, None, Counter())


@pytest.mark.parametrize("family", FAMILIES)
def test_core_equals_twin(family):
    seen = Counter()

    @examples(SEEDED_CASES[family])
    @given(seeded_markets(), rules(family), MODELS.get(family, st.none()))
    def case(market, plan, model):
        compare(market, plan, model, seen)

    case()
    assert seen["trades"] > 300, seen
    assert seen["stop"] > 0, seen
    if family == "everything":
        missing = [name for name in (*REASONS, "ambiguous") if not seen[name]]
        missing += [name for name in SKIPPED if not seen[f"skipped {name}"]]
        assert not missing, seen
    assert min(seen[name] for name in RARE.get(family, ("trades",))) > 20, seen


@pytest.mark.parametrize("family", DRAWN)
def test_core_equals_twin_on_drawn_bars(family):
    """Short markets, every number drawn: finds less, but what it finds is small enough to read."""
    seen = Counter()

    @examples(DRAWN_CASES)
    @given(drawn_markets(), rules(family))
    def case(market, plan):
        compare(market, plan, None, seen)

    case()
    assert seen["trades"] > 50, seen


@pytest.mark.parametrize("family", BELOW_ZERO)
def test_negative_prices(family):
    """A market around zero, as crude oil was in April 2020."""
    seen = Counter()

    @examples(BELOW_ZERO_CASES)
    @given(seeded_markets(base=-20), rules(family), MODELS.get(family, st.none()))
    def case(market, plan, model):
        compare(market, plan, model, seen)

    case()
    assert seen["trades"] > 200, seen


@pytest.mark.parametrize("family", EACH)
def test_each_signal_alone(family):
    """`simulate_each`, which labels are made of: each trade is the one that a run with that signal alone would make."""
    seen = Counter()

    @examples(EACH_CASES)
    @given(seeded_markets(high=60), rules(family))
    def one(market, plan):
        case = (market.bars, market.signals, market.atr, plan, market.finer)
        alone = simulate_each(*case)
        if any(too_much([trade], plan) for trade in alone):
            with pytest.raises(OverflowError):
                simulate_each_in_core(*case)
            return
        assert [comparable(t) for t in simulate_each_in_core(*case)] == [comparable(t) for t in alone]
        seen["trades"] += len(alone)

    one()
    assert seen["trades"] > 200, seen


@examples(INDICATOR_CASES)
@given(seeded_markets(base=0, high=200), st.integers(1, 20))
def test_atr_is_the_twins_to_the_bit(market, period):
    ours = np.array(wilder_atr(market.bars, period))
    theirs = _core.wilder_atr(core_bars(market.bars), period)
    assert theirs.dtype == np.float64
    assert theirs.tobytes() == ours.tobytes()


def test_crossings_are_the_twins():
    found = Counter()

    @examples(INDICATOR_CASES)
    @given(seeded_markets(high=200), st.integers(1, 12), st.integers(1, 20), st.integers(0, 30))
    def case(market, fast, more, warm_bars):
        ours = ema_crossings(market.bars, fast, fast + more, warm_bars)
        theirs = _core.ema_crossings(core_bars(market.bars), fast, fast + more, warm_bars)
        assert theirs.dtype == np.int8
        assert theirs.tolist() == ours
        found.update(ours)

    case()
    assert min(found[1], found[-1]) > 100, found
