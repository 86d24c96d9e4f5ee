"""The claim: one backtest of a million bars, signals ready, in under 5 ns a bar; and what the same work costs elsewhere.

    pytest benchmarks --benchmark-only

Each test first makes its engine agree with esbt on every trade (and on the equity of every bar, where that is part of the work) and only
then times it. Same bars, same signals, same rules, one thread, warm: compilers have run. ESBT_BENCH_BARS sets the number of bars.
Metrics are part of the last comparison as work; their definitions differ between the two and are not compared.
"""

from dataclasses import replace
from functools import lru_cache

import pytest
from agreement import require_same_equity, require_same_trades
from rivals.backtesting_rival import BacktestingPy
from rivals.numba_loop import NumbaLoop
from rivals.ours import Esbt
from rivals.vectorbt_rival import VectorBT
from timing import measure, settled
from workload import N_BARS, N_BARS_SLOW, Workload, bracket_rules, common_rules, full_rules

FULL = {"esbt": Esbt, "numba loop": NumbaLoop}
COMMON = FULL | {"vectorbt, Numba engine": lambda w: VectorBT(w, "numba"), "vectorbt, Rust engine": lambda w: VectorBT(w, "rust")}
WORKLOADS = {"full rules": lru_cache(full_rules), "rules vectorbt has too": lru_cache(common_rules)}
CASES = [("full rules", name) for name in FULL] + [("rules vectorbt has too", name) for name in COMMON]
NOTES = {
    "vectorbt, Numba engine": "order records, not paired into trades",
    "vectorbt, Rust engine": "order records, not paired into trades",
}


def labels(w: Workload, engine: str, trades: int) -> dict[str, object]:
    return {"unit": "bar", "count": len(w), "trades": trades, "reference": engine == "esbt", "rival": engine != "esbt"}


@settled
@pytest.mark.parametrize(("rules", "engine"), CASES)
def test_trades(benchmark, rules, engine):
    w = WORKLOADS[rules]()
    ours, theirs = Esbt(w), COMMON[engine](w)
    expected = ours.trades(ours.run_trades())
    require_same_trades(expected, theirs.trades(theirs.run_trades()), engine)
    measure(
        benchmark,
        theirs.run_trades,
        f"Trades, {rules}",
        engine,
        **labels(w, engine, len(expected.pnl)),
        note=NOTES.get(engine, ""),
    )


@settled
@pytest.mark.parametrize(("rules", "engine"), CASES)
def test_trades_and_equity(benchmark, rules, engine):
    w = WORKLOADS[rules]()
    ours, theirs = Esbt(w), COMMON[engine](w)
    expected, found = ours.run_equity(), theirs.run_equity()
    trades = ours.trades(expected)
    require_same_trades(trades, theirs.trades(found), engine)
    require_same_equity(ours.equity(expected), theirs.equity(found), engine)
    measure(
        benchmark,
        theirs.run_equity,
        f"Backtest: trades, and equity at every bar, {rules}",
        engine,
        **labels(w, engine, len(trades.pnl)),
        note="the public esbt.backtest" if engine == "esbt" else "",
    )


RULES = {
    "stop and target": {},
    "+ trailing, break-even, time": {"trail_atr": 3.0, "break_even_r": 1.0, "max_bars": 120},
    "+ daily limits, cooldown, trades a session": {"daily_loss": 5_000.0, "daily_profit": 5_000.0, "cooldown_bars": 10, "max_trades": 30},
}


@settled
@pytest.mark.parametrize("rules", RULES)
def test_more_rules(benchmark, rules):
    w = WORKLOADS["full rules"]()
    more = {name: value for words in list(RULES.values())[: list(RULES).index(rules) + 1] for name, value in words.items()}
    ours = Esbt(replace(w, strategy=w.strategy.model_copy(update=more)))
    trades = ours.trades(ours.run_trades())
    assert len(trades.pnl) > len(w) / 1_000
    measure(
        benchmark,
        ours.run_trades,
        "Trades, with more rules on",
        rules,
        **(labels(w, "esbt", len(trades.pnl)) | {"reference": rules == "stop and target"}),
        note=f"{len(trades.pnl):,} trades",
    )


@settled
@pytest.mark.parametrize("engine", ["esbt", "backtesting.py"])
def test_report(benchmark, engine):
    w = bracket_rules(min(N_BARS, N_BARS_SLOW))
    ours, theirs = Esbt(w), {"esbt": Esbt, "backtesting.py": BacktestingPy}[engine](w)
    expected, found = ours.run_report(), theirs.run_report()
    trades = ours.trades(expected)
    require_same_trades(trades, theirs.trades(found), engine)
    require_same_equity(ours.equity(expected), theirs.equity(found), engine)
    table = "Trades as a frame, equity and all metrics, rules backtesting.py has too"
    note = "a shorter run, scaled to one bar; fixed costs weigh more than in a long one"
    measure(benchmark, theirs.run_report, table, engine, **labels(w, engine, len(trades.pnl)), note=note)
