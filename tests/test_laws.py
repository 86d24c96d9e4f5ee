"""The laws of design section 5 on the core, one test each over random markets: mirror, shift, append, prefix, costs, sums, seams, limits.

They need no twin: each compares the core with itself on a changed market. Each counts the trades it compared and fails if there were few.
"""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from bridge import comparable, core_bars, core_plan, simulate_core
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from markets import Market, random_market, rules, seeded_markets
from reference.records import NO_LIMIT, OFF, Bar

from esbt import _core

LAW = settings(derandomize=True, deadline=None, database=None, max_examples=60, phases=(Phase.explicit, Phase.generate, Phase.shrink))
# Families in which no trade depends by its size on the trades before it. With daily limits it may depend on them by its existence.
FIXED_SIZE = ["plain", "paths", "levels", "distances", "closes", "limits", "reverse", "resting", "parts"]
ABOUT = 10_000  # the mirror takes a price p to ABOUT - p


def run(market, plan, finer=True):
    """Trades and skipped counts of the core on a market."""
    return simulate_core(market.bars, market.signals, market.atr, plan, None, market.finer if finer else None)


def alike(trade):
    """What two runs may share of a trade whose prices differ; parts of one position differ in their targets."""
    return trade.entry_bar, trade.exit_bar, trade.side, trade.reason, trade.contracts, trade.target_distance


def without_daily_limits(plan):
    """What a law of costs holds for: with daily limits, dearer trades may be other trades."""
    return replace(plan, daily_loss_e4=NO_LIMIT, daily_profit_e4=NO_LIMIT)


def remade(market: Market, bar, sign: int = 1) -> Market:
    """The market with every bar passed through `bar`, and signals through `sign`."""
    return Market(
        [bar(b) for b in market.bars], [[bar(b) for b in group] for group in market.finer], [sign * s for s in market.signals], market.atr
    )


def flipped(b: Bar) -> Bar:
    return replace(b, open=ABOUT - b.open, high=ABOUT - b.low, low=ABOUT - b.high, close=ABOUT - b.close)


def holds_on_enough(law, *given_strategies, least=150, examples=120):
    """Run the law over the strategies; it returns how many trades it compared."""
    seen = Counter()

    @settings(LAW, max_examples=examples)
    @given(st.tuples(*given_strategies))
    def case(drawn):
        seen["trades"] += law(*drawn)

    case()
    assert seen["trades"] >= least, seen


@pytest.mark.parametrize("family", [*FIXED_SIZE, "sizes"])
def test_mirror(family):
    """Prices reflected and sides swapped: the same trades upside down, the same money."""

    def law(market, plan):
        trades, skipped = run(market, plan)
        mirrored, mirrored_skipped = run(remade(market, flipped, -1), plan)
        back = [replace(t, side=-t.side, entry_price=ABOUT - t.entry_price, exit_price=ABOUT - t.exit_price) for t in mirrored]
        assert [comparable(t) for t in back] == [comparable(t) for t in trades]
        assert mirrored_skipped == skipped
        return len(trades)

    holds_on_enough(law, seeded_markets(), rules(family))


def test_mirror_of_the_indicators():
    """The mirrored market has the same ATR and the opposite crossings, to the bit."""

    @LAW
    @given(seeded_markets(), st.integers(1, 9), st.integers(1, 9))
    def case(market, fast, more):
        ours, theirs = core_bars(market.bars), core_bars(remade(market, flipped).bars)
        assert _core.wilder_atr(ours, fast).tobytes() == _core.wilder_atr(theirs, fast).tobytes()
        crossings = (_core.ema_crossings(bars, fast, fast + more, 3) for bars in (ours, theirs))
        assert np.array_equal(next(crossings), -next(crossings))

    case()


@pytest.mark.parametrize("family", [*FIXED_SIZE, "sizes"])
def test_shift(family):
    """All prices moved by a constant, below zero too: the same trades there, the same money."""

    def law(market, plan, shift):
        def moved(b):
            return replace(b, open=b.open + shift, high=b.high + shift, low=b.low + shift, close=b.close + shift)

        trades, skipped = run(market, plan)
        there, there_skipped = run(remade(market, moved), plan)
        back = [replace(t, entry_price=t.entry_price - shift, exit_price=t.exit_price - shift) for t in there]
        assert [comparable(t) for t in back] == [comparable(t) for t in trades]
        assert there_skipped == skipped
        ours, theirs = core_bars(market.bars), core_bars(remade(market, moved).bars)
        assert _core.wilder_atr(ours, 5).tobytes() == _core.wilder_atr(theirs, 5).tobytes()
        assert np.array_equal(_core.ema_crossings(ours, 3, 8, 9), _core.ema_crossings(theirs, 3, 8, 9))
        return len(trades)

    holds_on_enough(law, seeded_markets(), rules(family), st.sampled_from([1, -1, 777, -6000, 1_000_000]))


@pytest.mark.parametrize("family", [*FIXED_SIZE, "sizes"])
def test_prefix(family):
    """The future cut off anywhere: what ended before the cut is identical, and so is every indicator up to it."""

    def law(market, plan, cuts):
        whole, _ = run(market, plan)
        compared = 0
        for share in cuts:
            cut = max(1, int(share * len(market.bars)))
            part, _ = run(market.cut(0, cut), plan)
            # The last bar of a cut market is the end of its data, so only what ended before that bar is settled.
            before = [comparable(t) for t in whole if t.exit_bar < cut - 1]
            assert [comparable(t) for t in part if t.exit_bar < cut - 1] == before
            compared += len(before)
            ours, theirs = core_bars(market.bars), core_bars(market.bars[:cut])
            assert _core.wilder_atr(ours, 5)[:cut].tobytes() == _core.wilder_atr(theirs, 5).tobytes()
            assert np.array_equal(_core.ema_crossings(ours, 3, 8, 9)[:cut], _core.ema_crossings(theirs, 3, 8, 9))
        return compared

    holds_on_enough(law, seeded_markets(low=20), rules(family), st.lists(st.floats(0, 1), min_size=6, max_size=6))


@pytest.mark.parametrize("family", [*FIXED_SIZE, "sizes"])
def test_append(family):
    """Any other market appended, not the true future: what had ended before the old last bar stays."""

    def law(market, plan, seed, same_session):
        n = len(market.bars)
        more = random_market(seed, 30, market.bars[-1].close)
        last = market.bars[-1]
        session = last.session if same_session else last.session + 1
        more = remade(more, lambda b: replace(b, session=b.session + session, segment=b.segment + last.segment))
        longer = Market(market.bars + more.bars, market.finer + more.finer, market.signals + more.signals, market.atr + more.atr)
        before = [comparable(t) for t in run(market, plan)[0] if t.exit_bar < n - 1]
        assert [comparable(t) for t in run(longer, plan)[0] if t.exit_bar < n - 1] == before
        return len(before)

    holds_on_enough(law, seeded_markets(), rules(family), st.integers(0, 2**32), st.booleans())


@pytest.mark.parametrize("family", FIXED_SIZE)
def test_higher_fees_cost_exactly_that(family):
    """A higher fee changes no trade, and takes 2 x contracts x the difference from each."""

    def law(market, plan, more):
        plan = without_daily_limits(plan)
        cheap, _ = run(market, plan)
        bars = [b if b.fee_e4 is None else replace(b, fee_e4=b.fee_e4 + more) for b in market.bars]
        dear, _ = run(replace(market, bars=bars), replace(plan, fee_e4=plan.fee_e4 + more))
        charged = [replace(t, pnl_e4=t.pnl_e4 - 2 * t.contracts * more, costs_e4=t.costs_e4 + 2 * t.contracts * more) for t in cheap]
        assert [comparable(t) for t in dear] == [comparable(t) for t in charged]
        return len(cheap)

    holds_on_enough(law, seeded_markets(), rules(family), st.integers(1, 100_000))


@pytest.mark.parametrize("family", FIXED_SIZE)
def test_higher_slippage_never_pays(family):
    """A trade that both runs hold over the same bars for the same reason earns no more where fills are worse."""

    def law(market, plan, more):
        plan = replace(without_daily_limits(plan), path="worst")
        cheap, _ = run(market, plan)
        dear, _ = run(market, replace(plan, slippage_ticks=plan.slippage_ticks + more))
        same = {alike(t): t.pnl_e4 for t in cheap}
        pairs = [(same[alike(t)], t.pnl_e4) for t in dear if alike(t) in same]
        assert all(after <= before for before, after in pairs)
        return len(pairs)

    holds_on_enough(law, seeded_markets(), rules(family), st.integers(1, 3), least=100, examples=120)


@pytest.mark.parametrize("family", [*FIXED_SIZE, "sizes"])
def test_pnl_sums_to_equity(family):
    """Equity moves by the trades' pnl, to the last 1e-4 USD, and between by the open position and its entry's fee."""

    def law(market, plan):
        plan = replace(plan, fee_e4=22_501)
        bars = core_bars(market.bars)
        records, _ = _core.simulate(bars, np.array(market.signals, np.int8), np.array(market.atr), core_plan(replace(plan, path="worst")))
        equity = _core.mark_equity(bars, records, core_plan(plan))
        assert equity.dtype == np.int64
        assert equity[-1] == plan.cash_e4 + records["pnl_e4"].sum()
        for j, bar in enumerate(market.bars):
            ended = sum(int(t["pnl_e4"]) for t in records if t["exit_bar"] <= j)
            held = [t for t in records if t["entry_bar"] <= j < t["exit_bar"]]
            ticks = [int(t["side"]) * (bar.close - int(t["entry_price"])) for t in held]
            open_now = sum(int(t["contracts"]) * (x * plan.tick_value_e4 - plan.fee_e4) for x, t in zip(ticks, held, strict=True))
            assert equity[j] == plan.cash_e4 + ended + open_now
        return len(records)

    holds_on_enough(law, seeded_markets(high=60), rules(family), examples=150)


@pytest.mark.parametrize("family", FIXED_SIZE)
def test_a_seam_is_a_boundary(family):
    """No trade spans two contracts, and each contract alone gives its own trades, ATR and crossings: nothing comes over the seam.

    Only the pause after a stop does: it is the trader's, not the contract's.
    """

    def law(market, plan):
        plan = replace(plan, cooldown_bars=0)
        trades, _ = run(market, plan)
        assert all(market.bars[t.entry_bar].segment == market.bars[t.exit_bar].segment for t in trades)
        segment = np.array([b.segment for b in market.bars])
        starts = [0, *(np.flatnonzero(np.diff(segment)) + 1), len(segment)]
        whole = core_bars(market.bars)
        atr, crossings = _core.wilder_atr(whole, 4), _core.ema_crossings(whole, 2, 5, 6)
        for start, stop in pairwise(starts):
            alone, _ = run(market.cut(start, stop), plan)
            inside = [t for t in trades if start <= t.entry_bar < stop]
            # Alone, the contract's last bar is also the end of the data: the same exit under another name.
            named = [replace(t, reason="contract_end") if t.reason == "end_of_data" and stop < len(segment) else t for t in alone]
            moved = [replace(t, signal_bar=t.signal_bar + start, entry_bar=t.entry_bar + start, exit_bar=t.exit_bar + start) for t in named]
            assert [comparable(t) for t in moved] == [comparable(t) for t in inside]
            bars = core_bars(market.bars[start:stop])
            assert _core.wilder_atr(bars, 4).tobytes() == atr[start:stop].tobytes()
            assert np.array_equal(_core.ema_crossings(bars, 2, 5, 6), crossings[start:stop])
        return len(trades) * (len(starts) > 2)

    holds_on_enough(law, seeded_markets(low=30), rules(family), examples=150)


def test_limits_are_kept():
    """Each trade against the rules it must have passed, read from the trades alone: latency, volume, cooldown, trades a session, halts."""

    def law(market, plan):
        trades, _ = run(market, plan)
        places = [(b.session, b.segment) for b in market.bars]
        for t in trades:
            assert market.signals[t.signal_bar] == t.side
            assert t.signal_bar == t.entry_bar - 1 - plan.latency_bars
            assert plan.volume_share == OFF or t.contracts <= plan.volume_share * market.bars[t.entry_bar].volume
        for before, t in pairwise(trades):
            signalled = t.entry_bar - 1 - plan.latency_bars
            if before.reason in {"stop", "trail", "break_even"}:
                assert signalled >= before.exit_bar + plan.cooldown_bars
            if before.reason in {"daily_loss", "daily_profit"}:
                assert places[signalled] != places[before.exit_bar]
        assert max(Counter(places[t.entry_bar] for t in trades).values(), default=0) <= plan.max_trades
        return len(trades)

    holds_on_enough(law, seeded_markets(), rules("limits"), examples=150)
