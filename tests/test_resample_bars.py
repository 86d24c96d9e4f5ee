"""Resampled bars as users meet them: drawn cases of each kind, errors, slices, finer bars in a backtest, and real minutes by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from data_helpers import shared_data, utc
from reference.records import Bar, Rules
from reference.resample import SourceBar
from reference.simulator import simulate
from resample_markets import DAYS, MINUTE, as_bars, number, rows, same, session_open

import esbt
from esbt.data import Bars
from esbt.data.resample import Resampled
from esbt.errors import EsbtError
from esbt.plan import REASONS

DST = 2  # DAYS[2] is the first session on summer time
EVERY_KIND = [{"minutes": 5}, {"volume": 700}, {"dollars": 2e8}, {"range_ticks": 6}, {"session": True}]
ids = pytest.mark.parametrize("words", EVERY_KIND, ids=lambda words: next(iter(words)))


def drawn(*bars: tuple[int, int, int, int], day: int = 0, segment: int = 0) -> list[SourceBar]:
    """Bars as (minute of the session, high, low, volume); open = low, close = high."""
    place = {"session": number(DAYS[day]), "segment": segment}
    return [SourceBar(session_open(DAYS[day]) + MINUTE * m, low, high, low, high, volume, **place) for m, high, low, volume in bars]


def shown(made: Bars, day: int = 0) -> list[tuple[int, int, int, int]]:
    """As `drawn` takes them: minute of the session, high, low, volume."""
    minute = (made.ts - session_open(DAYS[day])) // MINUTE
    return list(zip(*(x.tolist() for x in (minute, made.high, made.low, made.volume)), strict=True))


def test_minutes_leave_no_empty_bars_and_keep_their_scheduled_open():
    bars = as_bars(drawn((1, 12, 10, 3), (4, 15, 11, 4), (5, 13, 13, 1), (16, 9, 8, 2), (17, 9, 7, 0)))
    assert shown(esbt.resample(bars, minutes=5)) == [(0, 15, 10, 7), (5, 13, 13, 1), (15, 9, 7, 2)]


def test_a_contract_that_begins_in_a_slot_keeps_its_own_open():
    bars = as_bars(drawn((0, 12, 10, 3), (1, 13, 11, 4)) + drawn((2, 40, 39, 5), (3, 42, 40, 6), (5, 41, 40, 7), segment=1))
    made = esbt.resample(bars, minutes=5)
    assert shown(made) == [(0, 13, 10, 7), (2, 42, 39, 11), (5, 41, 40, 7)]
    assert made.frame["contract"].to_list() == ["contract 0", "contract 1", "contract 1"]
    assert shown(esbt.resample(bars, session=True)) == [(0, 13, 10, 7), (2, 42, 39, 18)]


def test_slots_follow_the_exchange_clock():
    minutes = [(0, 12, 10, 3), (299, 13, 11, 4), (300, 14, 12, 5)]
    made = esbt.resample(as_bars(drawn(*minutes, day=DST - 1) + drawn(*minutes, day=DST)), minutes=300.0)
    assert made.frame["ts"].dt.convert_time_zone("America/Chicago").dt.hour().to_list() == [17, 22, 17, 22]
    assert made.frame["ts"].dt.hour().to_list() == [23, 4, 22, 3]


def test_amounts_close_with_the_bar_that_reaches_them_and_carry_nothing_over():
    bars = as_bars(drawn((0, 4, 2, 3), (1, 5, 1, 4), (2, 9, 4, 9), (3, 9, 7, 1)) + drawn((0, 8, 8, 2), (1, 9, 6, 5), day=1))
    last_day = shown(esbt.resample(bars[4:], volume=7), day=1)
    assert last_day == [(0, 9, 6, 7)]
    assert shown(esbt.resample(bars, volume=7)[:3]) == [(0, 5, 1, 7), (2, 9, 4, 9), (3, 9, 7, 1)]
    assert shown(esbt.resample(bars, range_ticks=4)[:2]) == [(0, 5, 1, 7), (2, 9, 4, 9)]
    assert shown(esbt.resample(bars, range_ticks=5)[:2]) == [(0, 9, 1, 16), (3, 9, 7, 1)]
    # close x contracts: 12, 20, 81, 9 ticks of 12.5 USD
    assert shown(esbt.resample(bars, dollars=32 * 12.5)[:3]) == [(0, 5, 1, 7), (2, 9, 4, 9), (3, 9, 7, 1)]
    assert shown(esbt.resample(bars, dollars=32 * 12.5 + 0.01)[:2]) == [(0, 9, 1, 16), (3, 9, 7, 1)]


def test_dollars_are_counted_in_decimals():
    cent = replace(esbt.instrument("CL"), multiplier=10.0)  # 0.1 USD a tick: 30 ticks are 3 USD, though 3 / 0.1 is below it in binary
    bars = replace(as_bars(drawn((0, 10, 1, 3), (1, 1, 1, 1), (2, 1, 1, 1))), instrument=cent)
    assert esbt.resample(bars, dollars=3).first.tolist() == [0, 1, 3]
    assert esbt.resample(bars, dollars=np.float64(3.1)).first.tolist() == [0, 2, 3]


def test_quotes_and_buys():
    bars = as_bars([replace(b, spread=k, buys=k - 1) for k, b in enumerate(drawn((0, 4, 2, 9), (1, 4, 2, 9), (2, 4, 2, 9), (3, 4, 2, 9)))])
    made = esbt.resample(bars, minutes=2)
    assert made.spread.tolist() == [1, 3]
    assert made.buys.tolist() == [-1, 3]
    plain = esbt.resample(replace(bars, spread=None, buys=None), minutes=2)
    assert plain.spread is None
    assert plain.buys is None


@ids
def test_result_is_bars(words):
    source = esbt.synthetic_bars(days=4, seed=2)
    made = esbt.resample(source, **words)
    assert isinstance(made, Resampled)
    assert isinstance(made, esbt.Bars)
    assert (made.synthetic, made.truth, made.instrument) == (True, None, source.instrument)
    assert made.source.endswith(f"resampled by {next(iter(words))}={next(iter(words.values()))}")
    assert not any(getattr(made, name).flags.writeable for name in ("first", "ts", "close", "session"))
    part = made[1:3]
    assert isinstance(part, Resampled)
    assert part.first.tolist() == made.first[1:4].tolist()
    assert (len(made[5:2]), made[5:2].first.tolist()) == (0, [made.first[min(5, len(made))]])
    assert same(made[-2:], made[len(made) - 2 : len(made)])
    for wrong in (slice(None, None, 2), 3):
        with pytest.raises(EsbtError, match="slice of step 1"):
            made[wrong]
    assert len(esbt.features(made).matrix[0]) == len(made)


def as_twin(bars: Bars) -> list[Bar]:
    columns = (getattr(bars, name).tolist() for name in ("open", "high", "low", "close", "session", "segment", "volume"))
    return [Bar(*row) for row in zip(*columns, strict=True)]


@ids
def test_the_source_serves_as_finer_bars(words):
    """The backtest walks the very rows of `first`: trade by trade as the rulebook's twin with these groups."""
    source = esbt.synthetic_bars(days=25 if "session" in words else 6, seed=9)
    made = esbt.resample(source, **words)
    atr = np.full(len(made), 60.0 if "session" in words else 4.0)
    side = np.where(np.arange(len(made)) % 3 == 0, 1, -1).astype(np.int8)
    strategy = esbt.Signals(values=side, atr_ticks=atr, stop_atr=1.0, target_r=1.0, flat_at_close=False)
    result = esbt.backtest(made, strategy, path="finer", finer=source, fee_usd=0.0)
    rules = Rules(stop_atr=1.0, target_r=1.0, flat_at_close=False, path="finer")
    small = as_twin(source)
    groups = [[small[i] for i in part] for part in rows(made.first)]
    expected, _ = simulate(as_twin(made), side.tolist(), atr.tolist(), rules, finer=groups)
    raw = result.raw_trades
    trades = [(r["entry_bar"], r["exit_bar"], r["exit_price"], REASONS[r["reason"]]) for r in raw]
    assert trades == [(t.entry_bar, t.exit_bar, t.exit_price, t.reason) for t in expected]
    worst = esbt.backtest(made, strategy, fee_usd=0.0)
    assert raw["ambiguous"].any()
    assert result.metrics["total_return"] > worst.metrics["total_return"], "finer bars decided something"


def test_finer_bars_of_a_part():
    source = esbt.synthetic_bars(days=6, seed=9)
    made = esbt.resample(source, volume=700)[10:200]
    strategy = esbt.AtrStrategy(fast=3, slow=6, atr_period=5)
    cut = source[made.first[0] : made.first[-1]]
    assert len(esbt.backtest(made, strategy, path="finer", finer=cut).trades)
    with pytest.raises(EsbtError, match="cut both files to the same span"):
        esbt.backtest(made, strategy, path="finer", finer=source)
    with pytest.raises(EsbtError, match=r"the two files disagree|outside every bar"):
        esbt.backtest(made, strategy, path="finer", finer=cut[1:])
    time_bars = esbt.resample(source, minutes=15)
    other = esbt.resample(source, minutes=5)  # not what they were made of, but finer all the same
    assert len(esbt.backtest(time_bars, strategy, path="finer", finer=other).trades)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "takes one kind of bars, got none: give one of minutes, volume, dollars, range_ticks or session"),
        ({"session": False}, "got none"),
        ({"minutes": 5, "volume": 10}, "got minutes=5, volume=10"),
        ({"minutes": 5, "session": True}, "got minutes=5, session=True"),
        ({"minutes": 0}, "minutes is 0: give a number above 0"),
        ({"minutes": float("nan")}, "minutes is nan"),
        ({"minutes": "5m"}, "minutes is '5m'"),
        ({"minutes": True}, "minutes is True"),
        ({"minutes": 2.5}, "minutes is 2.5: no multiple of the bars' own interval of 1 minutes"),
        ({"minutes": 0.5}, "minutes is 0.5: finer than the bars' own interval of 1 minutes"),
        ({"minutes": 1441}, "never crosses a session; give at most 1440, or session=True"),
        ({"volume": 2.0}, "volume is 2.0: give a whole number above 0"),
        ({"volume": -3}, "volume is -3"),
        ({"volume": 2**63}, "beyond what the core can count"),
        ({"volume": 10**400}, "beyond what the core can count"),
        ({"dollars": float("inf")}, "dollars is inf"),
        ({"dollars": 1e300}, "beyond what the core can count"),
        ({"range_ticks": 0}, "range_ticks is 0"),
        ({"session": 1}, "session is 1: give True"),
        ({"minute": 5}, "unknown parameter 'minute'; did you mean 'minutes'?"),
    ],
    ids=str,
)
def test_wrong_words(words, message):
    with pytest.raises(EsbtError) as error:
        esbt.resample(as_bars(drawn((0, 4, 2, 3), (1, 4, 2, 3))), **words)
    assert message in str(error.value)


def test_wrong_bars():
    with pytest.raises(EsbtError, match=r"bars must be esbt\.Bars, got list"):
        esbt.resample([1, 2], minutes=5)
    bars = as_bars(drawn((0, 4, 2, 3), (1, 4, 2, 3)))
    sunday = replace(bars, session=np.array([number(DAYS[0]), number(DAYS[1]) + 1], np.int32))
    for words in ({"minutes": 5}, {"session": True}):
        with pytest.raises(EsbtError, match=r"bars.session at row 1 \(2024-03-06 23:01 UTC\) is 2024-03-09, on which calendar"):
            esbt.resample(sunday, **words)
    assert len(esbt.resample(sunday, volume=2)) == 2
    with pytest.raises(EsbtError, match="no multiple of the bars' own interval of 5 minutes"):
        esbt.resample(esbt.synthetic_bars(days=3, interval="5m", seed=1), minutes=12)


def test_real_minutes_by_hand():
    bars = esbt.load_bars(shared_data("es_minute_lean.parquet"), "ES")
    five = esbt.resample(bars, minutes=5)
    at = five.frame.filter(pl.col("ts") < utc("2013-10-06T22:15"))
    assert at.select("open", "high", "low", "close", "volume", "spread").rows() == [
        (1676.75, 1677.25, 1673.25, 1676.0, 1884 + 753 + 801 + 186 + 483, 0.25),
        (1676.0, 1678.25, 1675.75, 1677.25, 288 + 104 + 113 + 300 + 588, 0.25),
        (1677.25, 1678.25, 1677.0, 1677.75, 113 + 379 + 115 + 49 + 77, 0.25),
    ]
    assert str(five.frame["ts"][1]) == "2013-10-06 22:05:00+00:00"
    thousand = esbt.resample(bars, volume=1000)
    assert thousand.volume[:3].tolist() == [1884, 753 + 801, 186 + 483 + 288 + 104]
    assert thousand.first[:4].tolist() == [0, 1, 3, 7]
    # By Chicago's clock: the trade date is the date seven hours later, and every half hour is a half hour there too.
    raw = pl.read_parquet(shared_data("es_minute_lean.parquet")).with_columns(
        clock=pl.col("ts_event").dt.convert_time_zone("America/Chicago"), date=pl.col("ts_event").dt.convert_time_zone("America/Chicago")
    )
    aggregated = [pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.col("volume").sum()]
    by_day = raw.group_by(pl.col("date").dt.offset_by("7h").dt.date(), maintain_order=True).agg(*aggregated)
    daily = esbt.resample(bars, session=True)
    assert daily.frame.select("open", "high", "low", "close", "volume").equals(by_day.drop("date"))
    assert len(daily) == 15
    assert daily.frame["ts"].dt.convert_time_zone("America/Chicago").dt.hour().unique().to_list() == [17]
    by_clock = raw.group_by_dynamic("clock", every="30m").agg(*aggregated)
    half_hours = esbt.resample(bars, minutes=30).frame
    assert half_hours.select("open", "high", "low", "close", "volume").equals(by_clock.drop("clock"))
    assert (half_hours["ts"].dt.epoch("ns") == by_clock["clock"].dt.epoch("ns")).all()


def test_ten_years_of_real_contracts():
    bars = esbt.load_bars(shared_data("es_5min_contracts_2015_2019_and_2023_2024.parquet"))
    hours = esbt.resample(bars, minutes=60)
    clock = hours.frame["ts"].dt.convert_time_zone("America/Chicago")
    assert (clock.dt.minute() == 0).all()
    expected = bars.frame.group_by_dynamic("ts", every="1h", group_by=["contract", "session"]).agg(pl.col("volume").sum()).sort("ts")
    assert np.array_equal(hours.volume, expected["volume"].to_numpy())
    assert len(esbt.resample(bars, session=True)) == 1687
    assert hours.volume.sum() == bars.volume.sum()
    with pytest.raises(EsbtError, match="finer than the bars' own interval of 5 minutes"):
        esbt.resample(bars, minutes=1)
