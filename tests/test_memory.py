"""Many short runs in one process leave memory flat: the bare loop, backtests with equity and a result, hooks, finer bars, runs that fail.

ESBT_NIGHTLY=1 makes a million runs of the loop instead of 20,000.
"""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import esbt
from esbt.account import Account
from esbt.backtest import simulate
from esbt.hooks import Hook

MIB = 1 << 20
ROOM = 8 * MIB
WARM_UP = 1_000
NIGHTLY = os.environ.get("ESBT_NIGHTLY") == "1"
LOOP_RUNS = 1_000_000 if NIGHTLY else 20_000


def resident() -> int:
    """Bytes of this process in memory now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(run: Callable[[], object], runs: int, warm_up: int = WARM_UP) -> int:
    """Bytes that `runs` calls of `run` add after a warm-up."""
    for _ in range(warm_up):
        run()
    before = resident()
    for _ in range(runs):
        run()
    return resident() - before


BARS = esbt.synthetic_bars(days=1)[:400]
STRATEGY = esbt.AtrStrategy(fast=3, slow=8, atr_period=5)
READY = esbt.Signals(values=STRATEGY.signals(BARS), atr_ticks=STRATEGY.atr(BARS), **STRATEGY.exits())
COLUMNS = esbt.features(BARS, ["move(1)"])


def minutes_of_five() -> tuple[esbt.Bars, esbt.Bars]:
    """Five-minute bars and the minutes they are made of."""
    frame = BARS.frame.select("ts", "open", "high", "low", "close", "volume")
    wide = frame.group_by_dynamic("ts", every="5m").agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.col("volume").sum()
    )
    return esbt.load_bars(wide), esbt.load_bars(frame)


def test_growth_is_seen():
    """The measure itself: what a leak of 8 KiB a run looks like, in a process that has memory to reuse."""
    kept: list[np.ndarray] = []
    assert growth(lambda: kept.append(np.ones(1024)), 20_000) > ROOM


def test_the_loop():
    plan = Account().plan(READY, BARS.instrument)
    trades, _ = simulate(BARS, READY, plan)
    assert len(trades) >= 5
    assert growth(lambda: simulate(BARS, READY, plan), LOOP_RUNS) < ROOM


def test_new_bars_each_run():
    """Bars handed to the core are given back with it."""
    plan = Account().plan(READY, BARS.instrument)
    assert growth(lambda: simulate(BARS[:], READY, plan), LOOP_RUNS // 4) < ROOM


@pytest.mark.parametrize("way", ["callable", "forest"])
def test_hooks(way):
    """A new hook and a new model each run."""
    rows = np.array([[-1.0], [1.0]], np.float32)
    from sklearn.ensemble import RandomForestRegressor

    forest = esbt.Forest(RandomForestRegressor(n_estimators=1, bootstrap=False).fit(rows, [1.0, 3.0]))
    plan = Account().plan(READY, BARS.instrument)

    def hook():
        return Hook.from_callable(lambda x: np.where(x[:, 0] > 0, 3.0, 1.0), 1) if way == "callable" else forest

    def run():
        model = esbt.EntryModel(COLUMNS, stop=esbt.Ask(hook(), ["move(1)"]), confidence=esbt.Ask(hook(), ["side"]), threshold=0.6)
        return simulate(BARS, READY, plan, model=model)

    assert len(run()[0]) >= 5
    assert growth(run, LOOP_RUNS // 10) < ROOM


def test_runs_that_fail():
    """What a hook raises takes the half-made run with it."""
    plan = Account().plan(READY, BARS.instrument)

    def fails(_):
        raise LookupError("no")

    def run():
        with pytest.raises(LookupError):
            simulate(BARS, READY, plan, model=esbt.EntryModel(COLUMNS, stop=esbt.Ask(fails, ["side"])))

    assert growth(run, LOOP_RUNS // 10) < ROOM


def test_finer_bars():
    wide, minutes = minutes_of_five()
    strategy = esbt.AtrStrategy(fast=2, slow=4, atr_period=3, stop_atr=0.3)
    plan = Account(path="finer").plan(strategy, wide.instrument)
    trades, _ = simulate(wide, strategy, plan, finer=minutes)
    assert trades["ambiguous"].sum() > 0  # the finer bars were asked
    assert growth(lambda: simulate(wide, strategy, plan, finer=minutes), LOOP_RUNS // 10) < ROOM


def test_whole_backtests():
    """Settings checked, equity marked, metrics and frames made."""

    def run():
        result = esbt.backtest(BARS, READY)
        return result.metrics, result.equity_e4

    assert growth(run, LOOP_RUNS // 100, warm_up=50) < ROOM
