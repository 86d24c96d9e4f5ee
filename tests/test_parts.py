"""Positions that leave in parts, as a result tells them: each part is a trade of its own, and what is said of positions is of all of it."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest

import esbt
from esbt.data import Bars
from esbt.errors import EsbtError
from esbt.report import write_report

MINUTE = 60_000_000_000
TICK_USD = 12.5
PARTS = {"target_r": 3.0, "scale1_r": 1.0, "scale1_share": 0.5, "scale1_stop_r": 0.0, "scale2_r": 2.0, "scale2_share": 0.25}
FREE = {"slippage_ticks": 0, "fee_usd": 0.0}


def market(*rows, ts=None):
    """Minute bars of one session, in ticks."""
    o, h, low, c = (np.ascontiguousarray(column, np.int32) for column in np.array(rows).T)
    n = len(rows)
    return Bars(
        ts=1_577_975_400_000_000_000 + MINUTE * np.arange(n, dtype=np.int64) if ts is None else ts,
        open=o, high=h, low=low, close=c, volume=np.full(n, 100, np.int64), session=np.full(n, 18_263, np.int32),
        segment=np.zeros(n, np.int32), instrument=esbt.instrument("ES"), contracts=("ESH0",), source="drawn",
    )  # fmt: skip


def long_at(bars, *signal_bars, **rules):
    values = np.zeros(len(bars), np.int8)
    values[list(signal_bars)] = 1
    return esbt.Signals(values=values, atr_ticks=np.full(len(bars), 10.0), **({"stop_atr": 1.0, "target_r": 2.0} | rules))


# entry at 100 with 4 contracts; 2 leave at 110 in bar 2, 1 at 120 in bar 3, 1 at the entry in bar 4; a second position from 100 in bar 5
DRAWN = market(
    (100, 100, 100, 100), (100, 104, 98, 103), (103, 111, 102, 109), (109, 121, 108, 112),
    (112, 113, 99, 100), (100, 101, 99, 100), (100, 101, 88, 90),
)  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    return esbt.backtest(DRAWN, long_at(DRAWN, 0, 4, **PARTS), size=4, cash=10_000.0, slippage_ticks=0, fee_usd=2.0)


@pytest.fixture(scope="module")
def many():
    bars = esbt.synthetic_bars(days=25, interval="5min", edge=0.3, seed=3)
    return esbt.backtest(bars, esbt.AtrStrategy(fast=5, slow=12, **PARTS), size=esbt.Risk(fraction=0.02, max_contracts=9), slippage_ticks=2)


def test_each_part_is_a_trade(drawn):
    """Design section 7's columns and no others; a part has its own contracts, money and level."""
    trades = drawn.trades
    assert trades.columns == [
        "entry_time", "exit_time", "entry_bar", "exit_bar", "side", "contracts", "entry_price", "exit_price", "stop_price", "target_price",
        "pnl", "pnl_ticks", "costs", "mae_ticks", "mfe_ticks", "bars_held", "exit_reason", "ambiguous", "confidence",
    ]  # fmt: skip
    assert trades["exit_reason"].to_list() == ["scale_out", "scale_out", "break_even", "stop"]
    assert trades["contracts"].to_list() == [2, 1, 1, 4]
    assert trades["pnl"].to_list() == [2 * 10 * TICK_USD - 8, 20 * TICK_USD - 4, -4.0, -4 * 10 * TICK_USD - 16]
    assert (trades["target_price"] / 0.25).to_list() == [110, 120, 130, 130]
    assert trades["mfe_ticks"].to_list() == [10, 20, 21, 1]
    assert drawn.raw_trades["signal_bar"].tolist() == [0, 0, 0, 4]


def test_risk_is_of_whole_positions(drawn):
    """4 contracts x 10 ticks of 10,000 USD, then of what the first position's three trades left."""
    after = 10_000.0 + sum(drawn.trades["pnl"][:3])
    assert drawn.position_rows.tolist() == [0, 3]
    assert drawn.contracts_at_entry.tolist() == [4, 4]
    assert drawn.risk_at_entry == pytest.approx([500 / 10_000, 500 / after])
    row = drawn.risk.row(0, named=True)
    assert (row["mean"], row["max"]) == pytest.approx((np.mean([500 / 10_000, 500 / after]), 500 / 10_000))


def test_equity_marks_what_is_left(drawn):
    """Fees of 2 USD a contract at entry, then as parts leave; marked at each close."""
    paid = 10_000 - 8
    first, second = 2 * 10 * TICK_USD - 4, 20 * TICK_USD - 2
    expected = [10_000, paid + 4 * 3 * TICK_USD, paid + first + 2 * 9 * TICK_USD, paid + first + second + 12 * TICK_USD]
    assert drawn.equity["equity"].to_list()[:4] == expected
    assert drawn.equity["equity"][-1] == 10_000 + drawn.trades["pnl"].sum()


def test_costs_and_exposure(drawn):
    assert drawn.costs["usd"].sum() == drawn.trades["costs"].sum() == 2 * 4 * 2 * 2.0
    assert drawn.metrics["exposure"] == 6 / 7  # bars 1 to 4 once, though three trades lie in them; then 5 and 6
    assert drawn.metrics["trades"] == 4
    assert drawn.metrics["win_rate"] == 0.5


def test_whole_positions_of_a_longer_run(many):
    """By rows of one entry bar: contracts within the size rule's cap, the risk asked kept, the same level and stop for all parts."""
    frame = many.trades.group_by("entry_bar", maintain_order=True).agg(
        pl.col("contracts", "pnl").sum(), pl.len(), pl.col("entry_price", "stop_price", "side").n_unique().name.suffix("_kinds"),
        pl.col("entry_price", "stop_price").first(),
    )  # fmt: skip
    assert many.contracts_at_entry.tolist() == frame["contracts"].to_list()
    assert set(frame["len"]) == {1, 2, 3}
    assert (frame.select("entry_price_kinds", "stop_price_kinds", "side_kinds").max_horizontal() == 1).all()
    equity = 100_000.0 + frame["pnl"].cum_sum().shift(fill_value=0.0)
    risk = (frame["entry_price"] - frame["stop_price"]).abs() * 50.0 * frame["contracts"] / equity
    assert many.risk_at_entry == pytest.approx(risk.to_numpy(), rel=1e-9)
    row = many.risk.row(0, named=True)
    assert (row["mean"], row["max"]) == pytest.approx((risk.mean(), risk.max()))
    assert row["max"] <= row["asked"] == 0.02
    spans = np.zeros(len(many.bars), bool)
    for first, last in many.trades.select("entry_bar", "exit_bar").iter_rows():
        spans[first : last + 1] = True
    assert many.metrics["exposure"] == spans.mean()
    assert many.costs["usd"].sum() == pytest.approx(many.trades["costs"].sum(), abs=1e-6)
    assert many.equity["equity"][-1] == pytest.approx(100_000 + many.net_profit, abs=1e-6)


def test_the_band_and_the_report(many, tmp_path):
    assert 0 < many.ambiguous_share < 1
    worst, best = many.band
    assert worst < best
    page = write_report(tmp_path, {"parts": many}, title="t").read_text("utf-8")
    assert "scale_out" in page
    assert "a part of a position is a trade of its own" in page
    saved = json.loads((tmp_path / "metrics.json").read_text())["runs"]["parts"]
    assert saved["risk"] == many.risk.row(0, named=True)
    assert saved["settings"]["scale1_share"] == 0.5


def test_a_run_without_parts_or_trades(many):
    whole = esbt.backtest(many.bars, esbt.AtrStrategy(fast=5, slow=12))
    assert whole.position_rows.tolist() == list(range(len(whole.trades)))
    nothing = esbt.backtest(DRAWN, long_at(DRAWN, **PARTS), size=4)
    assert nothing.risk_at_entry.shape == nothing.contracts_at_entry.shape == nothing.position_rows.shape == (0,)


def test_a_part_of_no_contract():
    with pytest.raises(EsbtError, match=r"scale2_share=0\.25 of 2 contracts is less than one: give a larger size"):
        esbt.backtest(DRAWN, long_at(DRAWN, 0, **PARTS), size=2)
    small = esbt.backtest(DRAWN, long_at(DRAWN, 0, **PARTS), size=esbt.Risk(fraction=0.03), cash=10_000.0, **FREE)
    assert small.trades["contracts"].to_list() == [1, 1]  # of two contracts the second part would hold half a one


def test_finer_bars_price_an_entry_though_nothing_is_ambiguous():
    """Then the ends of the band are runs of their own: the bar alone fills a stop order at its level, finer bars at the gap beyond."""
    bars = market((100, 100, 100, 100), (100, 108, 99, 107), (107, 107, 107, 107))
    ts = np.append(bars.ts[:1], bars.ts[1] + np.array([0, MINUTE // 2]))
    finer = market((100, 100, 100, 100), (100, 104, 99, 104), (107, 108, 106, 107), ts=np.ascontiguousarray(ts))
    strategy = long_at(bars, 0, entry="stop", entry_offset_ticks=5)
    result = esbt.backtest(bars, strategy, path="finer", finer=finer, **FREE)
    assert result.ambiguous_share == 0.0
    assert result.net_profit == 0.0
    assert result.band == (2 * TICK_USD, 2 * TICK_USD)
    assert dataclasses.replace(result, rerun=None).band != result.band
