"""The benchmarks cannot rot: every rival still makes esbt's trades and equity, every prediction agrees, and the page can be written.

Small sizes, nothing is timed. numba and backtesting.py come with the `test` extra and are always compared; vectorbt comes with `bench`
only, and where it is installed a failing import fails here.
"""

import importlib.util
import os
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))  # at the end: nothing installed may be shadowed

import workload  # noqa: E402
from agreement import Trades, require_same_equity, require_same_trades  # noqa: E402
from report import render  # noqa: E402
from rivals.backtesting_rival import BacktestingPy  # noqa: E402
from rivals.numba_loop import NumbaLoop  # noqa: E402
from rivals.ours import Esbt  # noqa: E402

from esbt.plan import REASONS  # noqa: E402

N = 30_000


def optional(name):
    """Import a rival of the `bench` extra; skip only where it is not installed and CI's extra (`test`) does not promise it."""
    if importlib.util.find_spec(name) is None:
        promised = " ".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["test"])
        if os.environ.get("CI") and name.replace("_", "-") in promised:
            pytest.fail(f"{name} belongs to the test extra and is not installed")
        pytest.skip(f"{name} is not installed: pip install esbt[bench]")
    return import_module(name)


def compare(w, engine):
    ours = Esbt(w)
    expected = ours.run_equity()
    trades = ours.trades(expected)
    outcomes = [engine.run_report()] if isinstance(engine, BacktestingPy) else [engine.run_trades(), engine.run_equity()]
    for outcome in outcomes:
        require_same_trades(trades, engine.trades(outcome), "the rival")
    require_same_equity(ours.equity(expected), engine.equity(outcomes[-1]), "the rival")
    assert len(trades.pnl) > 300
    return expected.raw_trades


def test_numba_loop_on_full_rules():
    w = workload.full_rules(N)
    raw = compare(w, NumbaLoop(w))
    met = {REASONS[r] for r in raw["reason"]}
    assert met >= {"stop", "target", "session_close"}
    assert (raw["entry_bar"] == raw["exit_bar"]).any()
    assert raw["ambiguous"].any()


def test_numba_loop_on_common_rules():
    w = workload.common_rules(N)
    compare(w, NumbaLoop(w))


def test_backtesting_py():
    w = workload.bracket_rules(N // 2)
    raw = compare(w, BacktestingPy(w))
    assert {REASONS[r] for r in raw["reason"]} == {"stop", "target"}


@pytest.mark.parametrize("engine", ["numba", "rust"])
def test_vectorbt(engine):
    optional("vectorbt")
    if engine == "rust":
        optional("vectorbt_rust")
    w = workload.common_rules(N)
    raw = compare(w, import_module("rivals.vectorbt_rival").VectorBT(w, engine))
    assert {REASONS[r] for r in raw["reason"]} == {"stop", "target", "session_close"}


def test_reduced_workloads_keep_most_signals():
    every = np.count_nonzero(workload.full_rules(N).strategy.values)
    for w in (workload.common_rules(N), workload.bracket_rules(N)):
        assert 0.9 * every < np.count_nonzero(w.strategy.values) < every


def test_predictions_and_hooks_agree():
    rivals = import_module("rivals.forest_rivals")
    rivals.require_same_margins(rivals.rows(50))
    for hook in ("no hook", "forest", "compiled function", "Python function"):
        assert rivals.EntryAsk(workload.full_rules(N), hook).require_asked(hook) > 500


def test_a_differing_engine_is_caught():
    w = workload.full_rules(N)
    ours = Esbt(w)
    trades = ours.trades(ours.run_trades())
    moved = trades._replace(exit_price=np.where(np.arange(len(trades.pnl)) == 3, trades.exit_price + 0.25, trades.exit_price))
    with pytest.raises(AssertionError, match="first in number 3"):
        require_same_trades(trades, moved, "another")
    with pytest.raises(AssertionError, match="made"):
        require_same_trades(trades, Trades(*(column[:-1] for column in trades)), "another")
    none = Trades(*(column[:0] for column in trades))
    with pytest.raises(AssertionError, match="says nothing"):
        require_same_trades(none, none, "another")


def test_page_shows_losses_and_a_missed_claim():
    table = "Backtest: trades, and equity at every bar, full rules"
    common = {"table": table, "unit": "bar", "count": 1_000_000, "trades": 30_000, "note": ""}

    def row(engine, seconds):
        labels = common | {"engine": engine, "reference": engine == "esbt", "rival": engine != "esbt"}
        return {"extra_info": labels, "stats": {"median": seconds, "iqr": seconds / 50, "rounds": 9}}

    machine = {"cores": 2, "system": "Linux", "release": "6", "python_version": "3.13", "versions": {"esbt": "0.1"}, "load_before": 3.0}
    page = {"machine_info": machine, "datetime": "2026-01-02T03:04:05", "benchmarks": [row("esbt", 0.006), row("numba loop", 0.003)]}
    text = render(page)
    assert "6.00 ns a bar, 30,000 trades: **MISSED**" in text
    assert "| numba loop | 3 | 3 | 0.50 | 2% | 9 | **faster than esbt** |" in text
    assert "not fit to be published" in text
    page["benchmarks"][0]["stats"]["median"] = 0.002
    page["machine_info"] |= {"load_before": 0.1}
    text = render(page)
    assert "2.00 ns a bar, 30,000 trades: **met**" in text
    assert "| 1.50 |" in text
    assert "faster than esbt" not in text
    assert "not fit" not in text
