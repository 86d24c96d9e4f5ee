"""Quotes: the spread of bid and ask at each bar's close, what is taken where one is missing, and half of it as slippage."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from data_helpers import shared_data, small_frame

import esbt
from esbt.data import Bars, load_bars
from esbt.data.quotes import NO_QUOTE, half_spread
from esbt.errors import EsbtError

NAN = float("nan")
BID = [5100.25 + 0.25 * i for i in range(6)]


def asks(*ticks):
    """Asks so many ticks above BID; None is missing."""
    return [None if t is None else b + 0.25 * t for b, t in zip(BID, ticks, strict=True)]


def quoted(*ticks, **columns) -> Bars:
    return load_bars(small_frame(bid_close=BID, ask_close=asks(*ticks), **columns))


def with_spread(bars: Bars, spread) -> Bars:
    return replace(bars, spread=np.asarray(spread, dtype=np.int32))


@pytest.mark.parametrize(("bid", "ask"), [("bid_close", "ask_close"), ("bid", "ask"), ("BID", "Ask_Close"), (" bid_close ", "ask")])
def test_names_and_ticks(bid, ask, tmp_path):
    frame = small_frame(**{bid: BID, ask: asks(1, 2, 0, 40, 1, 3)})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "a.csv")
    for source in (frame, tmp_path / "a.parquet", tmp_path / "a.csv", frame.to_pandas()):
        bars = load_bars(source)
        assert bars.spread.dtype == np.int32
        assert bars.spread.tolist() == [1, 2, 0, 40, 1, 3]
        assert not bars.spread.flags.writeable


def test_the_best_name_comes_first():
    frame = small_frame(bid=[1.0] * 6, ask=[2.0] * 6, bid_close=BID, ask_close=asks(*[1] * 6))
    assert load_bars(frame).spread.tolist() == [1] * 6


def test_a_part_of_a_tick_counts_as_one_but_rounding_does_not():
    bid, ask = [71.23] * 6, [71.24, 71.25, 71.235, 71.2300005, 71.2999999, 71.2305]
    prices = dict.fromkeys(("open", "high", "low", "close"), [71.23] * 6)
    assert load_bars(small_frame(**prices, bid=bid, ask=ask), "CL").spread.tolist() == [1, 2, 1, 0, 7, 1]
    as_float32 = {k: pl.Series([v] * 6, dtype=pl.Float32) for k, v in {"bid": 71.23, "ask": 71.25}.items()}
    assert load_bars(small_frame(**prices, **as_float32), "CL").spread.tolist() == [2] * 6


@pytest.mark.parametrize("columns", [{}, {"bid_close": BID}, {"ask": BID}])
def test_bars_without_both_have_none(columns):
    bars = load_bars(small_frame(**columns))
    assert bars.spread is None
    assert bars[1:4].spread is None
    assert bars.frame.columns[-1] == "contract"


def test_synthetic_bars_have_none():
    assert esbt.synthetic_bars(days=2).spread is None


@pytest.mark.parametrize("missing", [None, NAN, 0.0])
@pytest.mark.parametrize("side", ["bid_close", "ask_close"])
def test_a_missing_quote_takes_the_last_known_one(missing, side):
    columns = {"bid_close": list(BID), "ask_close": asks(1, 4, 9, 9, 2, 9)}
    for row in (2, 3, 5):
        columns[side][row] = missing
    assert load_bars(small_frame(**columns)).spread.tolist() == [1, 4, 4, 4, 2, 2]


def test_before_the_first_quote_there_is_none():
    assert quoted(None, None, 3, None, 1, 1).spread.tolist() == [NO_QUOTE, NO_QUOTE, 3, 3, 1, 1]
    none = pl.Series([None] * 6, dtype=pl.Null)
    assert load_bars(small_frame(bid=none, ask=none)).spread.tolist() == [NO_QUOTE] * 6


def test_a_quote_of_another_contract_is_none():
    contracts = ["ESH4"] * 3 + ["ESM4"] * 3
    bars = quoted(5, None, None, None, 2, None, contract=contracts)
    assert bars.spread.tolist() == [5, 5, 5, NO_QUOTE, 2, 2]
    frame = small_frame(bid=BID, ask=asks(5, None, 7, None, 2, None), contract=["A", "B", "A", "B", "B", "A"])
    assert load_bars(frame, contract="B").spread.tolist() == [NO_QUOTE, NO_QUOTE, 2]


def test_no_quote_is_known_before_it_is_there():
    """Whatever comes after a bar, its spread is the same."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        ticks = [None if rng.random() < 0.4 else int(rng.integers(0, 9)) for _ in range(6)]
        whole = quoted(*ticks).spread
        for k in range(1, 6):
            other = [*ticks[:k], *(None if rng.random() < 0.4 else int(rng.integers(0, 9)) for _ in range(6 - k))]
            assert quoted(*other).spread[:k].tolist() == whole[:k].tolist()


def test_zero_is_a_price_where_the_market_trades_there():
    prices = dict.fromkeys(("open", "high", "low", "close"), [0.0] * 6)
    assert load_bars(small_frame(**prices, bid=[-0.01] * 6, ask=[0.0] * 6), "CL").spread.tolist() == [1] * 6


def test_slices_frames_and_columns_made_by_hand():
    bars = quoted(None, 1, 2, 3, 4, 5)
    part = bars[2:5]
    assert part.spread.tolist() == [2, 3, 4]
    assert np.shares_memory(part.spread, bars.spread)
    assert bars.frame["spread"].to_list() == [None, 0.25, 0.5, 0.75, 1.0, 1.25]
    assert load_bars(bars.frame).close.tolist() == bars.close.tolist()
    with pytest.raises(EsbtError, match=r"bars.spread has shape \(3,\)"):
        replace(bars, spread=bars.spread[:3])
    with pytest.raises(EsbtError, match=r"bars.spread has dtype float64"):
        replace(bars, spread=bars.spread * 0.25)


FAULTS = {
    "infinite": ({"ask": [*BID[:3], float("inf"), *BID[4:]]}, ["'ask'", "inf", "row 3 (2024-03-04 15:03 UTC)", "empty"]),
    "too large": ({"bid": [*BID[:3], -(2.0**24), *BID[4:]]}, ["'bid'", "-16777216.0", "row 3", "below 16,777,216 points"]),
    "text": ({"ask": ["5,100"] * 6}, ["'ask'", "String", "give numbers"]),
    "truth value": ({"bid": [True] * 6}, ["'bid'", "Boolean", "give numbers"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_columns_that_hold_no_quotes(fault):
    columns, words = FAULTS[fault]
    with pytest.raises(EsbtError) as error:
        load_bars(small_frame(**({"bid": BID, "ask": asks(*[1] * 6)} | columns)))
    for word in ("the Polars frame", *words):
        assert word in str(error.value)


def test_half_is_rounded_up():
    assert half_spread(quoted(0, 1, 2, 3, 4, 7)).tolist() == [0, 1, 1, 2, 2, 4]
    assert esbt.Account().slips_by_bar(quoted(*[3] * 6)) is None
    slips = esbt.Account(slippage_spread=True).slips_by_bar(quoted(*[3] * 6))
    assert slips.dtype == np.int32
    assert slips.tolist() == [2] * 6


def test_asked_for_where_there_are_none():
    account = esbt.Account(slippage_spread=True)
    with pytest.raises(EsbtError, match=r"slippage_spread needs quotes, the Polars frame has none.* bid_close and ask_close"):
        account.slips_by_bar(load_bars(small_frame()))
    late = quoted(None, None, 3, 3, 3, 3)
    with pytest.raises(EsbtError, match=r"row 0 \(2024-03-04 15:00 UTC\): ES has no quote yet: leave out rows 0 to 1"):
        account.slips_by_bar(late)
    assert account.slips_by_bar(late[2:]).tolist() == [2] * 4
    second = quoted(1, 1, 1, None, None, 1, contract=["ESH4"] * 3 + ["ESM4"] * 3)
    with pytest.raises(EsbtError, match=r"row 3 \(2024-03-04 15:03 UTC\): ESM4 has no quote yet: leave out rows 3 to 4"):
        account.slips_by_bar(second)
    with pytest.raises(EsbtError, match="leave out the bars from row 0 on, or set slippage_spread to False"):
        account.slips_by_bar(quoted(*[None] * 6))


def test_an_ask_below_its_bid_is_refused_where_it_is_used():
    bars = quoted(1, 1, -2, None, 4, 1)
    assert half_spread(bars[3:]).tolist() == [1, 2, 1], "the last good quote is taken after it"
    assert bars.frame["spread"].to_list() == [0.25, 0.25, -0.5, 0.25, 1.0, 0.25]
    with pytest.raises(EsbtError, match=r"row 2 \(2024-03-04 15:02 UTC\): the ask is below the bid, by 2 tick\(s\): mend or empty"):
        esbt.backtest(bars, esbt.AtrStrategy(), slippage_spread=True)
    esbt.backtest(bars, esbt.AtrStrategy())


def test_a_wrong_word():
    with pytest.raises(EsbtError, match="slippage_spread"):
        esbt.Account(slippage_spread=1)


@pytest.fixture(scope="module")
def market() -> Bars:
    return esbt.synthetic_bars(days=8, seed=11)


@pytest.mark.parametrize("rules", [{}, {"trail_atr": 2.0, "slippage": 2}, {"entry": "stop", "entry_offset_ticks": 2, "entry_bars": 5}])
def test_a_constant_spread_is_so_many_more_ticks(market, rules):
    rules = dict(rules)
    ticks = rules.pop("slippage", 1)
    strategy = esbt.AtrStrategy(**rules)
    by_spread = esbt.backtest(with_spread(market, [5] * len(market)), strategy, slippage_spread=True, slippage_ticks=ticks)
    by_ticks = esbt.backtest(market, strategy, slippage_ticks=ticks + 3)
    assert len(by_ticks.trades) > 50
    assert by_spread.raw_trades.tobytes() == by_ticks.raw_trades.tobytes()
    assert np.array_equal(by_spread.equity_e4, by_ticks.equity_e4)
    assert by_spread.settings["slippage_spread"] is True
    assert by_ticks.settings["slippage_spread"] is False


def test_each_fill_pays_the_spread_of_its_own_bar(market):
    rng = np.random.default_rng(1)
    spread = rng.integers(0, 6, len(market))
    values = np.zeros(len(market), np.int8)
    values[30::60] = rng.choice([-1, 1], values[30::60].size)
    signals = esbt.Signals(values=values, max_bars=9, stop_atr=None, target_r=None, flat_at_close=False)
    result = esbt.backtest(with_spread(market, spread), signals, slippage_spread=True, slippage_ticks=0)
    raw, slips = result.raw_trades, (spread + 1) // 2
    assert len(raw) > 100
    assert (raw["entry_price"] - market.open[raw["entry_bar"]]).tolist() == (raw["side"] * slips[raw["entry_bar"]]).tolist()
    assert (market.close[raw["exit_bar"]] - raw["exit_price"]).tolist() == (raw["side"] * slips[raw["exit_bar"]]).tolist()


def test_labels_pay_it_too(market):
    from python_models import label_trades

    strategy = esbt.AtrStrategy()
    by_spread = label_trades(with_spread(market, [4] * len(market)), strategy, esbt.Account(slippage_spread=True))
    by_ticks = label_trades(market, strategy, esbt.Account(slippage_ticks=3))
    assert by_ticks.count > 50
    assert by_spread.pnl.tolist() == by_ticks.pnl.tolist()


def test_real_quotes_of_es():
    path = shared_data("es_minute_lean.parquet")
    bars, raw = load_bars(path), pl.read_parquet(path)
    missing = (raw["bid_close"].is_null() | raw["ask_close"].is_null()).to_numpy()
    ticks = ((raw["ask_close"] - raw["bid_close"]) / 0.25).to_numpy()
    assert missing.sum() == 11
    assert bars.spread[~missing].tolist() == ticks[~missing].tolist()
    for row in np.flatnonzero(missing):
        assert bars.spread[row] == bars.spread[row - 1]
    assert set(np.unique(bars.spread)) == {0, 1, 2}
    runs = [esbt.backtest(bars, esbt.AtrStrategy(), slippage_spread=on) for on in (False, True)]
    slips = (bars.spread + 1) // 2
    for run, extra in zip(runs, (0, slips), strict=True):
        raw_trades = run.raw_trades
        paid = raw_trades["side"] * (raw_trades["entry_price"] - bars.open[raw_trades["entry_bar"]])
        assert paid.tolist() == (1 + np.zeros(len(bars), np.int32) + extra)[raw_trades["entry_bar"]].tolist()
        assert len(raw_trades) > 300


def test_real_quotes_of_gold_are_crossed_in_places():
    """A minute's last bid and last ask need not be of one moment: seven of 6,791 are crossed. Loading is not stopped by them, using is."""
    bars = load_bars(shared_data("gc_minute_lean.parquet"), "GC")
    assert (bars.spread < NO_QUOTE).sum() == 7
    with pytest.raises(EsbtError, match=r"row 2000 \(2013-10-08 11:32 UTC\): the ask is below the bid, by 1 tick\(s\)"):
        half_spread(bars)
    assert half_spread(bars[:2000]).max() > 5
