"""How sure a result is: ambiguous share, the band of the net profit, risk taken beside risk asked, and how the report shows them."""

import dataclasses
import json
import math

import numpy as np
import polars as pl
import pytest
from fake_runs import fake_run

import esbt
from esbt.data import Bars
from esbt.report import certainty_table, write_report
from esbt.report.certainty import certainty, certainty_rows

MINUTE = 60_000_000_000
# bar 1 holds the stop (2997.5) and the target (3005) of a long from 3000
BOTH = ((3000, 3000.5, 2999.5, 3000), (3000, 3006, 2997, 3003), (3003, 3003.5, 3002.5, 3003))


def market(*rows, symbol="ES"):
    """Minute bars of one session, in points."""
    ticks = np.round(np.array(rows) / 0.25).astype(np.int32)
    n = len(rows)
    return Bars(
        ts=1_577_975_400_000_000_000 + MINUTE * np.arange(n, dtype=np.int64),
        **{name: np.ascontiguousarray(ticks[:, i]) for i, name in enumerate(("open", "high", "low", "close"))},
        volume=np.ones(n, np.int64), session=np.full(n, 18_263, np.int32), segment=np.zeros(n, np.int32),
        instrument=esbt.instrument(symbol), contracts=(f"{symbol}H0",), source="drawn",
    )  # fmt: skip


def first_bar_long(bars, **rules):
    values = np.zeros(len(bars), np.int8)
    values[0] = 1
    return esbt.Signals(values=values, atr_ticks=np.full(len(bars), 10.0), **({"stop_atr": 1.0, "target_r": 2.0} | rules))


FREE = {"slippage_ticks": 0, "fee_usd": 0.0}


@pytest.fixture(scope="module")
def bars():
    return esbt.synthetic_bars(days=25, interval="5min", edge=0.3, seed=3)


STRATEGY = esbt.AtrStrategy(stop_atr=0.5, target_r=1.0)


@pytest.mark.parametrize("path", ["worst", "best", "nearest"])
def test_band_of_one_ambiguous_trade(path):
    """One contract of ES: 2.5 points lost or 5 won, whichever path the run itself took."""
    bars = market(*BOTH)
    result = esbt.backtest(bars, first_bar_long(bars), path=path, **FREE)
    assert result.ambiguous_share == 1.0
    assert result.band == (-125.0, 250.0)
    assert result.net_profit == {"worst": -125.0, "best": 250.0, "nearest": -125.0}[path]


@pytest.mark.parametrize("path", ["worst", "best", "nearest"])
@pytest.mark.parametrize("size", [1, esbt.Risk(fraction=0.005)])
def test_each_end_is_a_run_of_its_own(bars, path, size):
    """The ends are what `backtest` gives under those paths, to the cent, with all other settings kept."""
    words = {"size": size, "cash": 250_000.0, "slippage_ticks": 2, "fee_usd": 1.5, "target_through_ticks": 1}
    result = esbt.backtest(bars, STRATEGY, path=path, **words)
    ends = [esbt.backtest(bars, STRATEGY, path=end, **words).net_profit for end in ("worst", "best")]
    assert list(result.band) == ends
    assert ends[0] != ends[1]
    assert 0 < result.ambiguous_share < 1
    assert result.ambiguous_share == result.trades["ambiguous"].mean()
    assert result.net_profit == pytest.approx(result.trades["pnl"].sum(), abs=1e-6)


def test_finer_bars_lie_in_a_band_of_their_own():
    """path="finer": the ends are still worst and best."""
    bars = market(*BOTH)
    finer_rows = ((3000, 3000.5, 2999.5, 3000), (3000, 3006, 3000, 3003), (3003, 3003, 2997, 3003), (3003, 3003.5, 3002.5, 3003))
    small = market(*finer_rows)
    ts = bars.ts[0] + MINUTE * np.array([0, 1, 1, 2]) + MINUTE // 2 * np.array([0, 0, 1, 0])
    small = dataclasses.replace(small, ts=ts)
    result = esbt.backtest(bars, first_bar_long(bars), path="finer", finer=small, **FREE)
    assert result.trades["exit_reason"].to_list() == ["target"]
    assert (result.net_profit, result.band) == (250.0, (-125.0, 250.0))


def test_band_with_a_model(bars):
    """The model goes along: both ends trade the signals it lets through."""
    model = esbt.EntryModel(
        confidence=esbt.Ask(lambda rows: np.where(rows[:, 0] > 0, 2.0, -2.0), ["move(1)"]),
        threshold=0.5,
        features=esbt.features(bars, ["move(1)"]),
    )
    result = esbt.backtest(bars, STRATEGY, model=model)
    assert result.skipped["confidence"] > 0
    best = esbt.backtest(bars, STRATEGY, model=model, path="best")
    assert result.band == (result.net_profit, best.net_profit)


def test_without_an_ambiguous_trade_no_path_was_asked(bars):
    """Then every path gives this very run, so no other is made."""
    strategy = esbt.AtrStrategy(target_r=None)
    result = esbt.backtest(bars, strategy)
    assert result.ambiguous_share == 0.0
    assert len(result.trades) > 0
    alone = dataclasses.replace(result, rerun=None)
    assert alone.band == result.band == (result.net_profit,) * 2
    assert esbt.backtest(bars, strategy, path="best").net_profit == result.net_profit


def test_without_trades_or_without_the_inputs(bars):
    nothing = esbt.backtest(bars, esbt.Signals(values=np.zeros(len(bars), np.int8)))
    assert math.isnan(nothing.ambiguous_share)
    assert nothing.band == (0.0, 0.0)
    row = nothing.risk.row(0, named=True)
    assert (row["sizing"], row["asked"]) == ("fixed", None)
    assert math.isnan(row["mean"])
    assert math.isnan(row["max"])
    worst, best = dataclasses.replace(esbt.backtest(bars, STRATEGY), rerun=None).band
    assert math.isfinite(worst)
    assert math.isnan(best)


def test_risk_by_hand():
    """Two trades of 2 contracts, stop 2.5 points: 2 x 125 USD of 10,000, then of 9,750 after the loss."""
    bars = market(*BOTH, (3003, 3003.5, 3002.5, 3003), (3003, 3003.5, 3002.5, 3003))
    values = np.array([1, 0, 1, 0, 0], np.int8)
    strategy = esbt.Signals(values=values, atr_ticks=np.full(5, 10.0), stop_atr=1.0, target_r=2.0)
    row = esbt.backtest(bars, strategy, cash=10_000.0, size=2, **FREE).risk.row(0, named=True)
    assert (row["sizing"], row["asked"]) == ("fixed", None)
    assert row["max"] == pytest.approx(250 / 9_750)
    assert row["mean"] == pytest.approx((250 / 10_000 + 250 / 9_750) / 2)


def test_risk_taken_is_never_above_the_risk_asked(bars):
    for fraction in (0.002, 0.01, 0.05):
        risk = esbt.backtest(bars, STRATEGY, size=esbt.Risk(fraction=fraction)).risk
        assert risk.schema == {"sizing": pl.String, "asked": pl.Float64, "mean": pl.Float64, "max": pl.Float64}
        row = risk.row(0, named=True)
        assert row["asked"] == fraction
        assert 0 < row["mean"] <= row["max"] <= fraction * (1 + 1e-12)


def test_risk_without_a_stop_and_after_ruin(bars):
    row = esbt.backtest(bars, esbt.AtrStrategy(stop_atr=None, target_r=None)).risk.row(0, named=True)
    assert math.isnan(row["max"])
    ruined = esbt.backtest(bars, STRATEGY, cash=500.0, size=5)
    assert ruined.equity["equity"].min() < 0
    assert ruined.risk["max"].item() == math.inf


# --- the report ----------------------------------------------------------------------------------------------------------------------


def test_the_report_shows_them_and_the_json_holds_them(bars, tmp_path):
    result = esbt.backtest(bars, STRATEGY, size=esbt.Risk(fraction=0.01))
    text = write_report(tmp_path, {"risky": result, "fake": fake_run(sessions=30, trades=40)}, title="t").read_text("utf-8")
    worst, best = result.band
    for words in ("Fills and risk", f"{worst:,.2f}", f"{best:,.2f}", "Trades with an ambiguous fill", "Risk asked a position, of equity"):
        assert words in text
    saved = json.loads((tmp_path / "metrics.json").read_text())["runs"]
    assert saved["risky"]["ambiguous_share"] == result.ambiguous_share
    assert saved["risky"]["band"] == {"worst": worst, "best": best}
    assert saved["risky"]["risk"] == result.risk.row(0, named=True)
    assert not {"ambiguous_share", "band", "risk"} & saved["fake"].keys()


def test_a_report_of_runs_that_have_none_of_it_says_nothing(tmp_path):
    run = fake_run(sessions=30, trades=40)
    assert certainty(run) == {}
    assert certainty_rows({"fake": run}) == []
    assert "Fills and risk" not in write_report(tmp_path, {"fake": run}, title="t").read_text("utf-8")


def test_what_is_not_defined_is_said_to_be_so(bars, tmp_path):
    """No trades: NaN is n/a on the page and null in the JSON."""
    nothing = esbt.backtest(bars, esbt.Signals(values=np.zeros(len(bars), np.int8)))
    rows = dict(certainty_rows({"none": nothing}))
    assert rows["Trades with an ambiguous fill"] == ["n/a"]
    assert rows["Risk taken a position, mean"] == ["n/a"]
    assert rows["Net profit, path = worst, USD"] == ["0.00"]
    assert "Risk asked a position, of equity" not in rows
    assert certainty_table({"none": nothing}).row_count == 5
    write_report(tmp_path, {"none": nothing}, title="t")
    saved = json.loads((tmp_path / "metrics.json").read_text())["runs"]["none"]
    assert saved["ambiguous_share"] is None
    assert saved["risk"] == {"sizing": "fixed", "asked": None, "mean": None, "max": None}
