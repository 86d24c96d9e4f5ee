"""What a walk-forward says of itself: folds, luck, targets, report; what models are given; real years; bad input, told before any work."""

import math

import numpy as np
import polars as pl
import pytest
from data_helpers import shared_data
from walk_helpers import BARS, FEATURES, FOLDS, WORDS, MeanTrainer, cut, lanes, same, sliced, walked

import esbt
from esbt.errors import EsbtError
from esbt.walkforward.fold import FoldWork


@pytest.fixture(scope="module")
def wf():
    return walked(models=[MeanTrainer()])


def test_efficiency_is_profit_a_session_out_over_in(wf):
    for row in wf.folds.iter_rows(named=True):
        fold = FOLDS[row["fold"]]
        a, b = (len(np.unique(BARS.session[rows])) for rows in (fold.train, fold.test))
        expected = (row["profit_out"] / b) / (row["profit_in"] / a) if row["profit_in"] > 0 else math.nan
        assert row["efficiency"] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert np.isfinite(wf.folds["efficiency"].to_numpy()).any()


def test_luck_counts_every_trial(wf):
    """By hand: 12 lanes with and without a model are 24 trials; variance over all lanes traded unchanged throughout, and the runs."""
    table = {row["run"]: row for row in wf.luck.iter_rows(named=True)}
    assert [table[run]["trials"] for run in ("baseline", "chosen", "mean")] == [1, 24, 24]
    daily = [np.concatenate([esbt.backtest(BARS[f.test], sliced(lane, f.test)).daily["pnl"].to_numpy() for f in FOLDS]) for lane in lanes()]
    ratios = [d.mean() / d.std(ddof=1) for d in daily]
    returns = {run: r.daily["return"].to_numpy() for run, r in wf.runs.items()}
    ratios += [r.mean() / r.std(ddof=1) for r in returns.values()]
    for run, row in table.items():
        variance = np.var(ratios, ddof=1) if row["trials"] > 1 else 0.0
        assert row["deflated_sharpe"] == pytest.approx(esbt.stats.deflated_sharpe(returns[run], row["trials"], variance), rel=1e-9)
        assert row["probabilistic_sharpe"] == esbt.stats.probabilistic_sharpe(returns[run])
        interval = esbt.stats.confidence_interval(esbt.metrics.sharpe, returns[run])
        assert (row["sharpe_low"], row["sharpe_high"]) == (interval.low, interval.high)
        assert row["sharpe"] == wf.runs[run].metrics["sharpe"]


def test_targets_have_intervals(wf):
    assert wf.targets["target"].to_list()[:6] == ["sharpe", "calmar", "profit_factor", "win_rate", "max_drawdown", "win_loss_ratio"]
    for row in wf.targets.iter_rows(named=True):
        beyond = row["value"] > row["threshold"] if row["side"] == "above" else row["value"] < row["threshold"]
        assert row["achieved"] == beyond
        near = row["low"] if row["side"] == "above" else row["high"]
        assert row["sure"] == (near > row["threshold"] if row["side"] == "above" else near < row["threshold"])
        if row["target"] in ("win_rate", "profit_factor", "sharpe"):
            assert row["low"] <= row["value"] <= row["high"]


def test_signals_of_ones_own_and_the_confidence_axis():
    """Sides given, and a cut-off over predictions, are cut like everything else."""
    sides = np.where(np.arange(len(BARS)) % 11 == 3, 1, 0)
    score = np.random.default_rng(1).random(len(BARS))
    own = esbt.Signals(values=sides, stop_atr=1.0, target_r=2.0)
    wf = esbt.walk_forward(BARS, own, {"confidence": [0.1, 0.7]}, predictions=score, progress=False, **WORDS)
    for fold in FOLDS:
        level = [0.1, 0.7][wf.lane_chosen(fold.number)]
        kept = np.where(score >= level, sides, 0)[fold.test]
        alone = esbt.backtest(BARS[fold.test], esbt.Signals(values=kept, atr_ticks=own.atr(BARS)[fold.test], **own.exits()))
        assert cut(wf, fold.number, "chosen")["pnl"].equals(alone.trades["pnl"])


def test_given_features_are_taken(wf):
    extra = FEATURES.with_columns({"one": np.ones(len(BARS), np.float32)})
    same(walked(models=[MeanTrainer()], features=extra), wf)


def test_the_page_of_the_report(wf, tmp_path):
    page = wf.report(tmp_path / "report").read_text("utf-8")
    for words in ("5 folds", "How much is luck", "deflated_sharpe", "Targets out of sample", "SYNTHETIC", "mean", "efficiency"):
        assert words in page
    assert pl.read_parquet(tmp_path / "report" / "chosen_trades.parquet").equals(wf.runs["chosen"].trades)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"train": "24mo"}, "do not fit the bars"),
        ({"metric": "sharp"}, "unknown metric 'sharp'; did you mean 'sharpe'?"),
        ({"minimum_trades": -1}, "minimum_trades is -1"),
        ({"grid": {"stop_art": [1.0]}}, "unknown axis 'stop_art'; did you mean 'stop_atr'?"),
        ({"grid": {"cash": [1e5, 2e5]}}, "cash cannot be an axis"),
        ({"grid": esbt.Optuna(4, {"stop_atr": (0.5, 2.0)})}, "a walk-forward chooses among the same lanes"),
        ({"csh": 5.0}, "unknown parameter 'csh'; did you mean 'cash'?"),
        ({"models": ["forest"]}, "models holds 'forest': give objects of a class derived from esbt.Trainer"),
        ({"models": [MeanTrainer(), MeanTrainer()]}, "a model is named 'mean', which is taken"),
        ({"models": MeanTrainer("chosen")}, "a model is named 'chosen'"),
        ({"executor": "dask"}, "executor is 'dask'"),
        ({"resume": True}, "resume goes on with a folder"),
        ({"size": esbt.Kelly()}, "size Kelly needs a probability"),
        ({"path": "finer"}, "path 'finer' needs"),
        ({"models": MeanTrainer(), "features": ["rsii"]}, "rsii"),
        ({"models": MeanTrainer(), "features": FEATURES[:-1]}, "features are of"),
    ],
)
def test_bad_input_before_any_work(words, said, monkeypatch):
    monkeypatch.setattr(FoldWork, "__call__", lambda *_: pytest.fail("work began"))
    with pytest.raises(EsbtError) as caught:
        walked(**words)
    assert said in str(caught.value)


def test_what_was_swept_is_not_said_to_be_fixed(wf):
    """Settings of the chosen run say which were chosen anew; with fees on an axis no one schedule is claimed."""
    assert wf.runs["chosen"].settings["stop_atr"] == "chosen in each fold"
    assert wf.baseline.settings["stop_atr"] == 2.0
    assert wf.result.costs["usd"].sum() == pytest.approx(wf.trades["costs"].sum(), abs=1e-6)
    swept = walked(grid={"fee_usd": [1.0, 3.0]})
    assert swept.trades["costs"].sum() == pytest.approx(2.0 * swept.trades["contracts"].sum())
    with pytest.raises(EsbtError, match="made without its fees"):
        _ = swept.result.costs


class RangeTrainer(MeanTrainer):
    features = (esbt.UserFeature("reach", lambda window: float(np.ptp(window.close[-3:])), window=3), "rsi(14)")


def test_models_that_ask_for_different_features_get_their_own(wf):
    """Computed together, each has what it would have alone, a user's own column too."""
    seen = {}

    class Spy(RangeTrainer):
        def train(self, bars, features, strategy, account):
            seen.setdefault("names", features.names)
            seen.setdefault("values", features.matrix[0].copy())
            return super().train(bars, esbt.Features(features.matrix[1:], features.names[1:], 0, features.ts), strategy, account)

    both = walked(models=[MeanTrainer(), Spy("other")])
    for run in ("mean", "other"):
        assert both.trades_of(run).equals(wf.trades)
    assert seen["names"] == ("reach", "rsi(14)")
    close = BARS.close.astype(np.float64)
    expected = [np.ptp(close[k - 2 : k + 1]) for k in range(2, FOLDS[0].train_stop)]
    assert np.allclose(seen["values"][2:], expected)


def test_real_years_with_a_hole():
    """Five-minute years of ES: no window spans the hole from 2020 to 2023, rolls are where they were, money adds up."""
    bars = esbt.load_bars(shared_data("es_5min_contracts_2015_2019_and_2023_2024.parquet"))
    wf = esbt.walk_forward(bars, esbt.AtrStrategy(), train="12mo", test="3mo", progress=False, fee_table="historical")
    folds = wf.folds
    assert str(folds["test_from"][0]) == "2015-12-24"
    assert folds["test_from"].dt.year().to_list() == [2015] + [2016] * 4 + [2017] * 4 + [2018] * 4 + [2019] * 4 + [2024] * 3
    hole = pl.date(2021, 1, 1)
    assert folds.filter((pl.col("train_from") < hole) != (pl.col("test_to") < hole)).is_empty()
    assert any("No session from 2019-12-31 to 2023-06-19" in note for note in wf.notes)
    assert int(wf.result.raw_trades["pnl_e4"].sum()) == int(wf.result.equity_e4[-1]) - 1_000_000_000
    assert len(wf.bars) == sum(folds["test_bars"])
    times = bars.ts[wf.trades["entry_bar"].to_numpy()]
    assert np.array_equal(wf.trades["entry_time"].to_physical().to_numpy(), times)
    assert wf.result.costs["usd"].sum() == pytest.approx(wf.trades["costs"].sum(), abs=1e-6)
