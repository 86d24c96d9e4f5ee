"""Real files load whole, and their sessions and contracts come out as an independent reading of Chicago's clock says."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from data_helpers import shared_data

from esbt.data import Bars, instrument, load_bars
from esbt.errors import EsbtError

ES_5MIN = "es_5min_contracts_2015_2019_and_2023_2024.parquet"


@pytest.fixture(scope="module")
def es_5min() -> Bars:
    return load_bars(shared_data(ES_5MIN))


def in_chicago(bars: Bars) -> pl.DataFrame:
    return bars.frame.with_columns(clock=pl.col("ts").dt.convert_time_zone("America/Chicago"))


def naive_trade_date(frame: pl.DataFrame) -> pl.Series:
    """From 17:00 on, the next day; Saturday and Sunday evenings are Monday's (true since 2012-11-19)."""
    return frame["clock"].dt.offset_by("7h").dt.date()


def test_five_minutes_come_in_whole(es_5min):
    assert len(es_5min) == 456_221
    assert es_5min.interval_ns == 300_000_000_000
    assert es_5min.contracts[0] == "ESH15"
    assert es_5min.contracts[-1] == "ESZ24"
    assert len(es_5min.contracts) == len(set(es_5min.contracts)) == 27
    assert np.unique(es_5min.segment).tolist() == list(range(27))
    raw = pl.read_parquet(shared_data(ES_5MIN))
    assert es_5min.frame.select("open", "high", "low", "close", "volume", "contract").equals(
        raw.select("open", "high", "low", "close", "volume", "contract")
    )
    assert int(es_5min.volume.sum()) == raw["volume"].sum()


def test_sessions_of_five_minutes(es_5min):
    frame = in_chicago(es_5min)
    assert frame["session"].n_unique() == 1687
    assert set(frame["session"].dt.weekday().unique()) <= {1, 2, 3, 4, 5}
    assert (frame["session"] == naive_trade_date(frame)).all()
    assert (np.diff(es_5min.session) >= 0).all()
    # The day once ended at 16:15: bars of 16:00 to 16:15 are few, early, and belong to the day they are in.
    late = frame.filter(pl.col("clock").dt.hour() == 16)
    assert 0 < late.height < 0.002 * frame.height
    assert late["clock"].dt.minute().max() <= 15
    assert (late["clock"].dt.date() == late["session"]).all()
    per_session = frame.group_by("session").len()["len"]
    assert per_session.max() <= 282
    assert (per_session > 200).mean() > 0.95


def test_a_whole_contract_lies_within_one_segment(es_5min):
    one = load_bars(shared_data(ES_5MIN), contract="ESM16")
    inside = es_5min.contracts.index("ESM16") == es_5min.segment
    assert np.array_equal(one.ts, es_5min.ts[inside])
    assert np.array_equal(one.close, es_5min.close[inside])


def test_minutes_of_2013():
    bars = load_bars(shared_data("es_minute_lean.parquet"), "ES")
    frame = in_chicago(bars)
    assert len(bars) == 15_002
    assert bars.interval_ns == 60_000_000_000
    assert bars.contracts == ("201312",)
    assert (frame["session"] == naive_trade_date(frame)).all()
    late = frame.filter(pl.col("clock").dt.hour() == 16)
    assert late.height > 0
    assert (late["clock"].dt.date() == late["session"]).all()


def test_gold():
    bars = load_bars(shared_data("gc_minute_lean.parquet"), "GC")
    assert len(bars) == 6_791
    frame = in_chicago(bars)
    assert (frame["session"] == naive_trade_date(frame)).all()


def test_the_wrong_instrument_is_refused():
    with pytest.raises(EsbtError, match="'GC' at row 0 but 'ES' was asked for"):
        load_bars(shared_data("gc_minute_lean.parquet"), "ES")
    with pytest.raises(EsbtError, match="not a whole tick of YM"):
        load_bars(shared_data("nq_1min_2025_contracts.parquet"), "YM", contract="NQH25")


def test_a_real_roll_overlap_is_told():
    path = shared_data("nq_1min_2025_contracts.parquet")
    with pytest.raises(EsbtError, match="contracts 'NQH25' and 'NQM25' overlap in time, from 2025-03-13 04:00 UTC to 2025-03-17 03:59 UTC"):
        load_bars(path, "NQ")
    parts = [load_bars(path, "NQ", contract=c) for c in ("NQH25", "NQM25")]
    assert sum(map(len, parts)) == 149_823
    for part in parts:
        frame = in_chicago(part)
        # This vendor has a few prints while the market is shut: they stay with the Friday before.
        stray = frame.filter(frame["session"] != naive_trade_date(frame))
        assert 0 < stray.height < 0.001 * frame.height
        assert set(stray["session"].dt.weekday()) == {5}
        assert (stray["clock"] - stray["session"].cast(pl.Datetime("ns")).dt.replace_time_zone("America/Chicago")).max().days <= 2


def test_a_market_of_ones_own():
    euro = replace(instrument("ES"), symbol="6E", tick=0.00005, multiplier=125_000.0)
    bars = load_bars(shared_data("6e_1min_2024-01_contract.parquet"), euro)
    raw = pl.read_parquet(shared_data("6e_1min_2024-01_contract.parquet"))
    assert len(bars) == 29_996
    assert np.allclose(bars.frame["close"].to_numpy(), raw["close"].to_numpy(), rtol=0, atol=1e-12)

    coin = replace(instrument("ES"), symbol="BTC", tick=1.0, multiplier=1.0, calendar="24/7")
    path = shared_data("btcperp_1min_2022-01.parquet")
    with pytest.raises(EsbtError, match=r"46821.75 at row 242 \(2022-01-01 03:03 UTC\): not a whole tick of BTC"):
        load_bars(path, coin)
    prices = pl.col("open", "high", "low", "close")
    bars = load_bars(pl.read_parquet(path).filter(pl.all_horizontal(prices == prices.round())), coin)
    assert len(bars) > 45_000
    assert (bars.frame["session"] == bars.frame["ts"].dt.date()).all()
    with pytest.raises(EsbtError, match=r"2\^26 ticks"):
        load_bars(path, replace(coin, tick=0.0005))


def test_a_vendors_text_file():
    path = shared_data("vendor-samples/firstratedata/ES_1min_sample_2023-09.excerpt.csv")
    bars = load_bars(path, timezone="America/New_York")
    assert bars.frame["close"][0] == 4365.25
    assert str(bars.frame["ts"][0]) == "2023-09-24 22:00:00+00:00"
    assert str(bars.frame["session"][0]) == "2023-09-25"


def test_absent_data_skips_at_a_desk_and_fails_in_the_pipeline(monkeypatch, tmp_path):
    monkeypatch.setenv("ESBT_DATA", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no real data"):
        shared_data(ES_5MIN)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no real data"):
        shared_data(ES_5MIN)
