"""Faults 2 to 6 of the eleven (money, costs, entry, gaps, size): each test states what is honest, and fails if the fault came in.

They go through `esbt.backtest` on a few drawn bars, in points and USD, so that no layer between core and user can bring one back.
"""

import numpy as np
import pytest

import esbt
from esbt.data import Bars

MINUTE = 60_000_000_000
START = 1_577_975_400_000_000_000  # 2020-01-02 14:30 UTC
TICK = 0.25


def market(*rows: tuple[float, float, float, float], symbol: str = "ES") -> Bars:
    """Minute bars of one session and contract, open high low close in points."""
    ticks = np.round(np.array(rows) / TICK).astype(np.int32)
    n = len(rows)
    return Bars(
        ts=START + MINUTE * np.arange(n, dtype=np.int64),
        **{name: np.ascontiguousarray(ticks[:, i]) for i, name in enumerate(("open", "high", "low", "close"))},
        volume=np.ones(n, np.int64),
        session=np.full(n, 18_263, np.int32),
        segment=np.zeros(n, np.int32),
        instrument=esbt.instrument(symbol),
        contracts=(f"{symbol}H0",),
        source="drawn",
    )


def long_at_the_first_close(bars: Bars, **rules: object) -> esbt.Signals:
    """One long signal on bar 0; the ATR is 2.5 points (10 ticks), so that a stop of one ATR is 2.5 points."""
    values = np.zeros(len(bars), np.int8)
    values[0] = 1
    return esbt.Signals(values=values, atr_ticks=np.full(len(bars), 10.0), **({"stop_atr": 1.0, "target_r": 2.0} | rules))


TARGET = ((3000, 3000.5, 2999.5, 3000), (3000, 3005, 2999, 3004), (3004, 3004, 3003, 3003))  # bar 1 reaches 3005, 2 R of 2.5 points
STOPPED = ((3000, 3000.5, 2999.5, 3000), (3000, 3001, 2997.5, 2998), (2998, 2999, 2997, 2998))  # bar 1 touches 2997.5
FREE = {"slippage_ticks": 0, "fee_usd": 0.0}


@pytest.mark.parametrize(("symbol", "usd_a_point"), [("ES", 50.0), ("MES", 5.0), ("NQ", 20.0), ("MNQ", 2.0)])
def test_fault_2_the_multiplier_is_in_the_money(symbol, usd_a_point):
    """Fault 2: P&L = price change x contracts, without the multiplier."""
    bars = market(*TARGET, symbol=symbol)
    trade = esbt.backtest(bars, long_at_the_first_close(bars), size=3, **FREE).trades.row(0, named=True)
    assert trade["exit_price"] - trade["entry_price"] == 5.0
    assert trade["pnl"] == 5.0 * usd_a_point * 3


@pytest.mark.parametrize(("symbol", "contracts"), [("ES", 8), ("MES", 80), ("NQ", 20)])
def test_fault_2_the_multiplier_is_in_the_size(symbol, contracts):
    """Fault 2, sizing: risk / |entry - stop| in points would buy 400 of each. It is 1,000 USD over 2.5 points x the multiplier."""
    bars = market(*STOPPED, symbol=symbol)
    trade = esbt.backtest(bars, long_at_the_first_close(bars), size=esbt.Risk(fraction=0.01), **FREE).trades.row(0, named=True)
    assert trade["contracts"] == contracts
    assert trade["pnl"] == -1000.0


@pytest.mark.parametrize("level", [0, 3000])
def test_fault_3_fees_are_usd_per_contract(level):
    """Fault 3: commission as a share of the price. ES pays 2.25 USD per contract and side, whatever the index stands at."""
    bars = market(*((np.array(row) + level).tolist() for row in TARGET))
    result = esbt.backtest(bars, long_at_the_first_close(bars), size=4, slippage_ticks=0)
    trade = result.trades.row(0, named=True)
    assert trade["costs"] == 2 * 4 * 2.25
    assert trade["pnl"] == 5.0 * 50 * 4 - 18.0
    assert result.settings["fee_usd"] == 2.25
    assert result.equity["equity"][-1] == 100_000 + trade["pnl"]


@pytest.mark.parametrize("fraction", [0.01, 0.02])
def test_fault_3_the_risk_asked_is_the_risk_taken(fraction):
    """Fault 3, second half: the settings said 1 %, the engine took 2 %. A stop that fills at its level loses the fraction asked."""
    bars = market(*STOPPED)
    result = esbt.backtest(bars, long_at_the_first_close(bars), size=esbt.Risk(fraction=fraction), **FREE)
    assert result.trades["pnl"].to_list() == [-100_000 * fraction]


def test_fault_4_entry_is_the_next_open():
    """Fault 4: entry at the close of the bar that made the signal. The next open is 8 points away and that is what is paid, plus a tick."""
    rows = [list(row) for row in TARGET]
    rows[1] = [3008, 3009, 3007, 3008]
    bars = market(*rows)
    trade = esbt.backtest(bars, long_at_the_first_close(bars)).trades.row(0, named=True)
    assert trade["entry_bar"] == 1
    assert trade["entry_time"] == bars.frame["ts"][1]
    assert trade["entry_price"] == 3008.25


def test_fault_4_the_signal_bars_close_buys_nothing():
    """Fault 4 again: with the ATR given, the close of the signal bar must not change a single number of the trade."""
    cheap, dear = (market((3000, 3000.5, 2900, close), *TARGET[1:]) for close in (2900, 3000.5))
    trades = [esbt.backtest(bars, long_at_the_first_close(bars)).trades for bars in (cheap, dear)]
    assert len(trades[0]) == 1
    assert trades[0].equals(trades[1])


@pytest.mark.parametrize(("opens", "fill"), [(2990.0, 2990.0), (2997.5, 2997.5), (2998.0, 2997.5)])
def test_fault_5_a_gap_fills_at_the_open(opens, fill):
    """Fault 5: a stop that fills at its level although the bar opens beyond it. Stop 2997.5; the opens lie beyond, at and above it."""
    bars = market((3000, 3000.5, 2999.5, 3000), (3000, 3001, 2999, 3000), (opens, opens, 2985, 2986), (2986, 2987, 2985, 2986))
    trade = esbt.backtest(bars, long_at_the_first_close(bars), **FREE).trades.row(0, named=True)
    assert (trade["exit_bar"], trade["exit_reason"]) == (2, "stop")
    assert trade["exit_price"] == fill
    assert trade["pnl"] == (fill - 3000) * 50


@pytest.mark.parametrize("size", [esbt.Risk(fraction=0.01), esbt.Risk(fraction=0.01, max_contracts=5)])
def test_fault_6_a_small_budget_is_no_trade(size):
    """Fault 6: max(1, ...) contracts. 1 % of 12,400 USD is 124, a contract risks 125: no trade, counted, and the equity stands still."""
    bars = market(*STOPPED)
    result = esbt.backtest(bars, long_at_the_first_close(bars), cash=12_400.0, size=size, **FREE)
    assert len(result.trades) == 0
    assert result.skipped["size"] == 1
    assert result.equity["equity"].to_list() == [12_400.0] * 3
    enough = esbt.backtest(bars, long_at_the_first_close(bars), cash=12_500.0, size=size, **FREE)
    assert enough.trades["contracts"].to_list() == [1]


def test_fault_6_kelly_without_an_edge_is_no_trade():
    """Fault 6 in the other sizer: a coin at even payoff has no edge, and half a contract is none."""
    bars = market(*STOPPED)
    coin = esbt.Hook.from_callable(lambda rows: np.zeros(len(rows)), 1)
    model = esbt.EntryModel(esbt.features(bars, esbt.feature_names()[:1]), confidence=esbt.Ask(coin, ("side",)))
    result = esbt.backtest(bars, long_at_the_first_close(bars), size=esbt.Kelly(fraction=1.0), model=model, **FREE)
    assert len(result.trades) == 0
    assert result.skipped["size"] == 1
