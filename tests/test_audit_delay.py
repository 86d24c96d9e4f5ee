"""The delayed-entry test: profit that lives on one bar is blamed, and honest strategies are blamed no oftener than its level says."""

import os

import numpy as np
from scipy import stats

import esbt

SEEDS = 200 if os.environ.get("ESBT_NIGHTLY") == "1" else 25
FAST = {"cuts": [200], "delays": (0, 1)}


def bars_of(seed: int, edge: float, days: int = 25) -> esbt.Bars:
    return esbt.synthetic_bars(days=days, interval="5min", edge=edge, seed=seed)


def blamed(found: esbt.audit.Audit) -> bool:
    return any(one.test == "delayed entry" for one in found.findings)


def test_sides_of_the_next_bar_are_blamed_also_where_nothing_can_be_recomputed() -> None:
    """Signals as values, made with the next bar: the prefix test cannot try them, this can."""
    for seed in range(5):
        bars = bars_of(seed, edge=0.0)
        ahead = np.sign(np.diff(bars.close, append=bars.close[-1:])).astype(np.int8)
        found = esbt.audit(bars, esbt.Signals(values=ahead, max_bars=1), delays=(0, 1))
        assert blamed(found)
        assert not found.passed
        assert "lives on look-ahead or on prices that could not be had" in str(found)


def test_a_market_without_edge_is_blamed_at_most_at_the_level() -> None:
    alarms = sum(blamed(esbt.audit(bars_of(seed, 0.0), esbt.AtrStrategy(), level=0.05, **FAST)) for seed in range(SEEDS))
    assert alarms <= stats.binom.ppf(0.999, SEEDS, 0.05)


def test_an_edge_that_lasts_is_not_blamed() -> None:
    """The planted trend lasts for 100 minutes on average: five minutes late keeps most of it. Profit is there in nearly all markets."""
    strategy = esbt.AtrStrategy(fast=3, slow=9, target_r=None, stop_atr=4.0)
    found = [esbt.audit(bars_of(seed, 1.0, days=60), strategy, **FAST) for seed in range(SEEDS)]
    assert not any(blamed(one) for one in found)
    explained = [one for one in found if "no profit to explain" not in one.checks[-1].text]
    assert len(explained) > 0.9 * SEEDS
    assert min(one.checks[-1].measured for one in explained) > 0.5


def test_delay_reaches_a_strategy_that_reverses() -> None:
    """`reverse` knows no latency: there the signals themselves come later. A bar late is the same signals, shifted by hand."""
    bars = bars_of(1, 0.8)
    strategy = esbt.AtrStrategy(fast=3, slow=9, target_r=None, reverse=True)
    found = esbt.audit(bars, strategy, **FAST)
    sides = np.append(np.int8(0), strategy.signals(bars)[:-1])
    sides[np.append(False, np.diff(bars.session) != 0)] = 0
    atr = np.append(np.nan, strategy.atr(bars)[:-1])
    by_hand = esbt.backtest(bars, esbt.Signals(values=sides, atr_ticks=atr, target_r=None, reverse=True))
    assert found.delays["net_usd"][1] == by_hand.trades["pnl"].sum()
    assert len(by_hand.trades) > 100
