"""Fees by date: each trade pays the fee of its entry's and its exit's trade date; the parts add up to the total to the cent; bad tables."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from data_helpers import shared_data

import esbt
from esbt.data import DatedFee, instruments
from esbt.data.fee_table import PARTS
from esbt.data.fees import load_fees, table_fees

TABLE = """from,commission_usd,exchange_usd,clearing_usd,regulatory_usd
2020-01-01,0.85,0.75,0.39,0.02
2022-02-01,0.85,1.26,0,0.02
2022-02-15,0.5,1.38,0,0.02
"""


@pytest.fixture(scope="module")
def bars() -> esbt.Bars:
    return esbt.synthetic_bars(days=40, seed=5)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "fees.csv"
    path.write_text(TABLE)
    return path


def fee_on(day: int) -> float:
    date = np.datetime64(int(day), "D")
    if date < np.datetime64("2022-02-01"):
        return 2.01
    return 2.13 if date < np.datetime64("2022-02-15") else 1.90


def test_each_side_pays_the_fee_of_its_date(bars: esbt.Bars, table: Path) -> None:
    result = esbt.backtest(bars, esbt.AtrStrategy(flat_at_close=False, stop_atr=30.0), fee_table=str(table), size=3)
    entry, exit_ = result.raw_trades["entry_bar"], result.raw_trades["exit_bar"]
    expected = [3 * (fee_on(bars.session[i]) + fee_on(bars.session[j])) for i, j in zip(entry, exit_, strict=True)]
    np.testing.assert_allclose(result.trades["costs"].to_numpy(), expected, rtol=0, atol=1e-9)
    across = [fee_on(bars.session[i]) != fee_on(bars.session[j]) for i, j in zip(entry, exit_, strict=True)]
    assert sum(across) >= 1
    assert len({round(c, 2) for c in expected}) >= 3
    assert result.equity["equity"][-1] == pytest.approx(result.cash + result.trades["pnl"].sum(), abs=1e-9)


@pytest.mark.parametrize("fee", ["table", "instrument", "flat"])
def test_lines_add_up_to_the_costs(bars: esbt.Bars, table: Path, fee: str) -> None:
    words = {"table": {"fee_table": str(table)}, "instrument": {}, "flat": {"fee_usd": 1.2345}}[fee]
    result = esbt.backtest(bars, esbt.AtrStrategy(), size=7, **words)
    assert result.costs["line"].to_list() == (["fee_usd"] if fee == "flat" else list(PARTS))
    units = [round(usd * 10_000) for usd in result.costs["usd"]]
    assert sum(units) == int(result.raw_trades["costs_e4"].sum()) > 0


def test_one_row_is_the_fee_itself(bars: esbt.Bars, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("from,commission_usd\n2000-01-01,2.25\n")
    by_date, flat = (esbt.backtest(bars, esbt.AtrStrategy(), **fee) for fee in ({"fee_table": str(path)}, {"fee_usd": 2.25}))
    assert by_date.raw_trades.tobytes() == flat.raw_trades.tobytes()
    assert np.array_equal(by_date.equity_e4, flat.equity_e4)


def test_labels_pay_them_too(bars: esbt.Bars, table: Path) -> None:
    from python_models import label_trades

    dear = label_trades(bars, esbt.AtrStrategy(), esbt.Account(fee_table=str(table)))
    free = label_trades(bars, esbt.AtrStrategy(), esbt.Account(fee_usd=0.0))
    paid = free.pnl - dear.pnl
    expected = [fee_on(bars.session[i + 1]) + fee_on(bars.session[j]) for i, j in zip(dear.signal_bar, dear.end_bar, strict=True)]
    np.testing.assert_allclose(paid, expected, rtol=0, atol=1e-9)


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]").astype(np.int32)


def test_the_instrument_table_is_dated_and_names_its_sources() -> None:
    es = esbt.instrument("ES")
    assert (es.commission_usd, es.exchange_usd, es.clearing_usd, es.regulatory_usd) == (0.85, 1.38, 0.0, 0.02)
    latest = {symbol: which.fee_usd for symbol, which in instruments().items()}
    assert latest == {"ES": 2.25, "MES": 0.62, "NQ": 2.25, "MNQ": 0.62, "YM": 2.25, "RTY": 2.25, "CL": 2.37, "GC": 2.52}
    for which in instruments().values():
        assert all(fee.source for fee in which.fees)
        assert which.fees[-1].since <= which.as_of
        assert which.fee_usd == which.fees[-1].total_usd == max(fee.total_usd for fee in which.fees)
        assert all("exchange_usd" in fee.source for fee in which.fees if fee.clearing_usd == 0.0), "it says where clearing is"


def test_the_nfa_fee_fell_and_rose_again() -> None:
    """NFA: 0.02 until 2014-09-30, 0.01 until 2017-12-31, 0.02 since; whatever the exchange asks."""
    sessions = days("2010-01-04", "2014-09-30", "2014-10-01", "2017-12-29", "2018-01-02", "2026-09-01")
    for symbol in ("ES", "NQ", "YM", "CL", "GC"):
        fees = table_fees(esbt.instrument(symbol))
        assert fees.parts_e4["regulatory_usd"][fees.rows(sessions)].tolist() == [200, 200, 100, 100, 200, 200], symbol


def test_dates_before_the_first_row_pay_it() -> None:
    rty = esbt.instrument("RTY")
    fees = table_fees(rty)
    assert fees.total_e4(days("1971-01-04", "2010-01-04", "2018-01-02")).tolist() == [round(rty.fees[0].total_usd * 10_000)] * 3
    assert f"dates before {rty.fees[0].since} pay its first row" in fees.source
    old = esbt.synthetic_bars(days=3, instrument="RTY", start="2010-01-04", price=700.0)
    result = esbt.backtest(old, esbt.AtrStrategy(), fee_table="historical")
    assert (result.trades["costs"] == 2 * rty.fees[0].total_usd).all()
    assert len(result.trades) > 10


@pytest.fixture(scope="module")
def over_a_rise() -> esbt.Bars:
    """Four sessions before the ES fee rises on 2022-08-18, four after."""
    return esbt.synthetic_bars(days=8, seed=6, start="2022-08-12")


def test_a_backtest_over_a_rise(over_a_rise: esbt.Bars) -> None:
    bars, before, after = over_a_rise, *(fee.total_usd for fee in esbt.instrument("ES").fees[-2:])
    assert (before, after) == (2.15, 2.25)
    first_dear = days("2022-08-18")[0]
    assert (bars.session < first_dear).any()
    result = esbt.backtest(bars, esbt.AtrStrategy(flat_at_close=False, stop_atr=20.0), size=3, fee_table="historical")
    sides = [np.where(bars.session[result.raw_trades[bar]] < first_dear, before, after) for bar in ("entry_bar", "exit_bar")]
    np.testing.assert_allclose(result.trades["costs"].to_numpy(), 3 * sum(sides), rtol=0, atol=1e-9)
    assert len(set(result.trades["costs"])) == 3, "before, across and after"
    lines = dict(result.costs.iter_rows())
    assert list(lines) == list(PARTS)
    assert lines["clearing_usd"] == 0.0
    assert lines["commission_usd"] == pytest.approx(0.85 * 6 * len(result.trades), abs=1e-9)
    assert sum(round(usd * 10_000) for usd in lines.values()) == int(result.raw_trades["costs_e4"].sum())
    assert result.equity["equity"][-1] == pytest.approx(result.cash + result.trades["pnl"].sum(), abs=1e-9)


def test_a_column_of_fees_only_where_they_are_not_the_plans_own(over_a_rise: esbt.Bars, tmp_path: Path) -> None:
    account, bars = esbt.Account(fee_table="historical"), over_a_rise
    assert esbt.Account().fees_by_bar(bars) is None
    cheap = bars.session < days("2022-08-18")[0]
    split = int(cheap.sum())
    assert account.fees_by_bar(bars).tolist() == np.where(cheap, 21_500, 22_500).tolist()
    assert account.fees_by_bar(bars[split:]) is None
    assert set(account.fees_by_bar(bars[:split])) == {21_500}
    assert esbt.Account(fee_usd=1.0).fees_by_bar(bars) is None
    (tmp_path / "f.csv").write_text("from,commission_usd\n2000-01-01,2.25\n")
    assert esbt.Account(fee_table=str(tmp_path / "f.csv")).fees_by_bar(bars) is None
    mixed = replace(bars, session=bars.session[::-1])
    assert account.fees_by_bar(mixed).tolist() == account.fees_by_bar(bars)[::-1].tolist()
    assert account.fees_by_bar(bars[:0]) is None or account.fees_by_bar(bars[:0]).size == 0


def test_what_is_shown_is_what_was_charged(over_a_rise: esbt.Bars, table: Path) -> None:
    bars, es = over_a_rise, esbt.instrument("ES")
    split = int((bars.session < days("2022-08-18")[0]).sum())
    historical = esbt.Account(fee_table="historical")
    shown = {
        "2.15 to 2.25 by date, the instrument table of ES as of ": historical.described(es, bars)["fee_usd"],
        "2.04 to 2.25 by date, the instrument table of ES as of ": historical.described(es)["fee_usd"],
        f"1.9 to 2.13 by date, {table}": esbt.Account(fee_table=str(table)).described(es)["fee_usd"],
    }
    for words, fee in shown.items():
        assert fee.startswith(words)
    assert historical.described(es, bars[:split])["fee_usd"] == 2.15
    assert historical.described(es, bars[split:])["fee_usd"] == 2.25
    assert esbt.Account().described(es, bars)["fee_usd"] == 2.25
    assert esbt.Account(fee_usd=1.25).described(es, bars)["fee_usd"] == 1.25
    assert esbt.Account(fee_table=str(table)).described(es, bars)["fee_usd"] == 1.9


def test_an_instrument_of_ones_own_brings_its_fees(bars: esbt.Bars) -> None:
    fees = (DatedFee(date(2000, 1, 1), 0.1, 0.2, 0.3, 0.4, "mine"), DatedFee(date(2022, 2, 1), 0.1, 0.2, 0.3, 0.45, "mine"))
    own = replace(esbt.instrument("ES"), fees=fees)
    assert (own.fee_usd, own.regulatory_usd, own.source) == (1.05, 0.45, "mine")
    result = esbt.backtest(replace(bars, instrument=own), esbt.AtrStrategy(), fee_table="historical")
    assert set(result.trades["costs"].round(9)) == {2.0, 2.1}
    today = esbt.backtest(replace(bars, instrument=own), esbt.AtrStrategy())
    assert set(today.trades["costs"].round(9)) == {2.1}


def test_real_minutes_of_2013_pay_the_fees_of_2013() -> None:
    bars = esbt.load_bars(shared_data("es_minute_lean.parquet"))
    assert (esbt.backtest(bars, esbt.AtrStrategy(), size=2).trades["costs"] == 2 * 2 * 2.25).all()
    result = esbt.backtest(bars, esbt.AtrStrategy(), size=2, fee_table="historical")
    assert (result.trades["costs"] == 2 * 2 * 2.05).all()
    sides = 2 * 2 * len(result.trades)
    paid = {name: round(usd / sides, 6) for name, usd in result.costs.iter_rows()}
    assert paid == {"commission_usd": 0.85, "exchange_usd": 1.18, "clearing_usd": 0.0, "regulatory_usd": 0.02}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from,comission_usd\n2020-01-01,1\n", "unknown column 'comission_usd'; did you mean 'commission_usd'"),
        ("commission_usd\n1\n", "needs a column 'from'"),
        ("from,commission_usd\n", "0 rows"),
        ("from,commission_usd\n2020-01-01,1\n2020-01-01,2\n", "does not rise at row 1"),
        ("from,commission_usd\n01/02/2020,1\n", "give a date such as"),
        ("from,commission_usd\n2020-01-01,-1\n", "'-1' at row 0"),
        ("from,commission_usd\n2020-01-01,abc\n", "'abc' at row 0"),
        ("from,commission_usd\n2020-01-01,\n", "None at row 0"),
        ("from,commission_usd\n2020-01-01,0.00001\n", "in steps of 0.0001"),
        ("from,commission_usd\n2022-02-01,1\n", "begin on 2022-02-01, there are bars of 2022-01-03"),
    ],
)
def test_bad_tables(text: str, words: str, tmp_path: Path, bars: esbt.Bars) -> None:
    path = tmp_path / "fees.csv"
    path.write_text(text)
    with pytest.raises(esbt.EsbtError) as error:
        load_fees(path).total_e4(bars.session)
    assert words in str(error.value)
    assert "fees.csv" in str(error.value)


def test_missing_file_and_two_fees(bars: esbt.Bars) -> None:
    with pytest.raises(esbt.EsbtError, match="cannot be read"):
        esbt.backtest(bars, esbt.AtrStrategy(), fee_table="nowhere.csv")
    with pytest.raises(esbt.EsbtError, match="not both"):
        esbt.Account(fee_usd=1.0, fee_table="x.csv")
