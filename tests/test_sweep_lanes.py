"""The law of sweeps: a lane's plan, metrics, session P&L and trades are those of its own `esbt.backtest`, bit for bit; and a space is
refused exactly where one of its lanes would be."""

import re
from pathlib import Path

import numpy as np
import pytest
from data_helpers import shared_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sweep_helpers import BARS, PREDICTIONS, VALUES, axes, contradicts, single

import esbt
from esbt import metrics
from esbt.errors import EsbtError
from esbt.plan import PLAN_DTYPE
from esbt.sweep.axes import CONFIDENCE, strategy_axes
from esbt.sweep.checks import READ
from esbt.sweep.engine import SKIPPED
from esbt.sweep.lanes import BoundSpace
from esbt.totals import METRICS

STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5, stop_atr=1.0, target_r=1.5)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
MANY = settings(QUICK, max_examples=150)


def predictions(space):
    return PREDICTIONS if "confidence" in space else None


def swept(space, **words):
    return esbt.sweep(BARS, STRATEGY, space, predictions=predictions(space), **words)


def same(row, result):
    """A row of the table against a result: every metric and count, bit for bit."""
    for name, value in result.metrics.items():
        assert np.float64(row[name]).tobytes() == np.float64(value).tobytes() or (np.isnan(row[name]) and np.isnan(value)), name
    for reason, count in result.skipped.items():
        assert row[f"skipped_{reason}"] == count, reason
    assert row["net_profit"] == result.net_profit


@MANY
@given(space=axes(), part=st.integers(1, 20), size=st.sampled_from([1, 4]), threads=st.integers(1, 3), data=st.data())
def test_lane_is_single(space, part, size, threads, data):
    """Over random spaces of any axes: refused where a lane is refused alone, else each lane is its own backtest. (Each target:
    test_sweep_engine.py.)"""
    grid = esbt.Grid(space)
    lanes = [grid.lane(k) for k in range(len(grid))]
    bad = [k for k, lane in enumerate(lanes) if contradicts(BARS, STRATEGY, lane, {"size": size})]
    if bad:
        with pytest.raises(EsbtError) as caught:
            swept(space, size=size)
        assert int(re.match(r"lane (\d+) ", str(caught.value))[1]) in bad
        return
    table = swept(space, size=size, part_lanes=part, threads=threads, daily=True)
    assert table.frame["lane"].to_list() == list(range(len(grid)))
    for k in data.draw(st.lists(st.integers(0, len(grid) - 1), max_size=4, unique=True)):
        result = single(BARS, STRATEGY, lanes[k], {"size": size})
        same(table.frame.row(k, named=True), result)
        assert np.array_equal(
            np.cumsum(table.daily[k]), result.equity_e4[np.flatnonzero(np.diff(BARS.session, append=10**6))] - table_cash(result)
        )
        assert table.replay(k).raw_trades.tobytes() == result.raw_trades.tobytes()


def table_cash(result):
    return round(result.cash * 10_000)


@MANY
@given(space=axes(most=8), rows=st.randoms(use_true_random=False), size=st.sampled_from([2, 6, esbt.Risk(fraction=0.01)]))
def test_plans_of_a_block_are_the_accounts_own(space, rows, size):
    """Byte for byte against `Account.plan`, over grids thinned to the lanes that do not contradict themselves."""
    grid = esbt.Grid(space)
    picked = sorted(rows.sample(range(len(grid)), min(len(grid), 40)))
    kept = [lane for lane in map(grid.lane, picked) if not contradicts(BARS, STRATEGY, lane, {"size": size})]
    if not kept:
        return
    bound = BoundSpace(BARS, STRATEGY, esbt.Account(size=size), esbt.Rows(kept), predictions=predictions(space))
    plans = bound.plans(np.arange(len(bound)))
    assert plans.dtype == PLAN_DTYPE
    for k, lane in enumerate(kept):
        result = single(BARS, STRATEGY, lane, {"size": size})
        assert plans[k : k + 1].tobytes() == result.plan.tobytes(), lane


@pytest.mark.parametrize(
    ("size", "space"),
    [
        (esbt.Risk(fraction=0.01), {"size.fraction": [0.01, 0.03], "size.max_contracts": [1, 5, None]}),
        (
            esbt.Volatility(daily=0.01),
            {"size.daily": [0.01, 0.05, 0.033], "size.bars_per_session": [92, 60], "size.max_contracts": [2, None]},
        ),
    ],
)
def test_words_of_a_size_rule(size, space):
    table = swept(space, size=size)
    assert table.frame["net_profit"].n_unique() > 2
    for k in range(len(table)):
        result = single(BARS, STRATEGY, esbt.Grid(space).lane(k), {"size": size})
        same(table.frame.row(k, named=True), result)
        assert table.bound.plans(np.array([k])).tobytes() == result.plan.tobytes()


def test_signals_of_ones_own_and_finer_bars():
    fine = esbt.synthetic_bars(days=4, interval="5min", seed=1)
    wide = esbt.resample(fine, minutes=15)
    sides = np.where(np.arange(len(wide)) % 9 == 4, 1, np.where(np.arange(len(wide)) % 13 == 6, -1, 0))
    strategy = esbt.Signals(values=sides, stop_atr=0.5, target_r=1.0)
    space = {"path": ["worst", "best", "finer"], "stop_atr": [0.3, 0.5]}
    table = esbt.sweep(wide, strategy, space, finer=fine)
    for k in range(len(table)):
        lane = esbt.Grid(space).lane(k)
        own = esbt.Signals(values=sides, stop_atr=lane["stop_atr"], target_r=1.0)
        same(table.frame.row(k, named=True), esbt.backtest(wide, own, path=lane["path"], finer=fine))
    assert table.frame["net_profit"].n_unique() > 2


def test_every_setting_is_an_axis_under_test():
    """A new rule or account setting without values in sweep_helpers.py fails here."""
    assert set(VALUES) == {*strategy_axes(esbt.AtrStrategy()), *esbt.Account.model_fields, CONFIDENCE}


def test_what_contradictions_read_is_what_is_checked():
    source = Path(esbt.contradictions.__file__).read_text("utf-8")
    names = set(re.findall(r"rules\.(\w+)", source)) | {f"scale{k}_{word}" for k in (1, 2) for word in ("r", "share", "stop_r")}
    assert names <= set(READ)


def test_names_of_the_columns():
    summary = metrics.summarize([1.0], [0], 1.0, esbt.backtest(BARS, STRATEGY).trades.head(0))
    assert tuple(summary) == METRICS
    assert tuple(esbt.backtest(BARS, STRATEGY).skipped) == SKIPPED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("es_5min_contracts_2015_2019_and_2023_2024.parquet", {}),
        ("nq_1min_2025_contracts.parquet", {"instrument": "NQ", "contract": "NQM25"}),
    ],
)
def test_lane_is_single_on_real_bars(name, words):
    """Whole files, with contract seams, sessions cut short and fees by date."""
    bars = esbt.load_bars(shared_data(name), **words)
    space = {
        "slow": [26, 90],
        "stop_atr": [1.0, 4.0],
        "trail_atr": [None, 2.5],
        "fee_table": [None, "historical"],
        "flat_at": [None, "14:30"],
    }
    table = esbt.sweep(bars, esbt.AtrStrategy(), space, daily=True, path="nearest", threads=2)
    assert table.frame["trades"].min() > 100
    for k in (0, 9, 14, 23, 31):
        rules = dict(esbt.Grid(space).lane(k))
        fees = rules.pop("fee_table")
        result = esbt.backtest(bars, esbt.AtrStrategy(**rules), fee_table=fees, path="nearest")
        same(table.frame.row(k, named=True), result)
        assert table.replay(k).raw_trades.tobytes() == result.raw_trades.tobytes()
        assert np.array_equal(table.daily[k] / 10_000, np.diff(result.daily["equity"].to_numpy(), prepend=result.cash).round(4))
