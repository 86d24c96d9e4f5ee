"""Fees by date: each trade pays the fee of its entry's and its exit's trade date; the parts add up to the total to the cent; bad tables."""

from pathlib import Path

import numpy as np
import pytest

import esbt
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
    assert len(result.costs) == {"table": 4, "instrument": 3, "flat": 1}[fee]
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


def test_instrument_table_is_the_default() -> None:
    es = esbt.instrument("ES")
    assert table_fees(es).total_e4(np.array([0, 20_000], dtype=np.int32)).tolist() == [22_500, 22_500]


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
