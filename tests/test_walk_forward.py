"""Walk-forward: each fold is what single backtests say, nothing after a window changes it, training never sees what is tested, the account
carries over to the cent."""

import math

import numpy as np
import polars as pl
import pytest
import sweep_helpers
from hypothesis import HealthCheck, assume, given, settings
from learning_helpers import changed_bars
from walk_helpers import BARS, FEATURES, FOLDS, GRID, STRATEGY, MeanTrainer, cut, lanes, sliced, walked

import esbt
from esbt.backtest import run as run_with
from esbt.errors import EsbtError
from esbt.walkforward import folds_of, windows_of
from esbt.walkforward.fold import Choice, FoldWork


@pytest.fixture(scope="module")
def wf():
    return walked(models=[MeanTrainer()])


def test_each_fold_is_what_single_backtests_say(wf):
    """By the public backtest alone: the lane chosen is the best of all on the training window, its trades are those of the test window."""
    cash = 100_000.0
    for fold in FOLDS:
        tried = [esbt.backtest(BARS[fold.train], sliced(lane, fold.train)) for lane in lanes()]
        sharpes = [r.metrics["sharpe"] if len(r.trades) >= 5 else math.nan for r in tried]
        best = int(np.nanargmax(sharpes))
        row = wf.folds.filter(fold=fold.number, run="chosen").row(0, named=True)
        assert (row["lane"], row["in_sample"], row["profit_in"]) == (best, sharpes[best], tried[best].net_profit)
        assert {name: row[name] for name in GRID} == esbt.Grid(GRID).lane(best)
        traded = esbt.backtest(BARS[fold.test], sliced(lanes()[best], fold.test), cash=cash)
        assert row["out_of_sample"] == traded.metrics["sharpe"]
        assert row["cash"] == cash
        got = cut(wf, fold.number, "chosen")
        moved = traded.trades.with_columns(pl.col("entry_bar", "exit_bar") + fold.test_start)
        assert got.drop("fold").equals(moved)
        assert len(got)
        cash += traded.net_profit
    assert wf.runs["chosen"].net_profit == pytest.approx(cash - 100_000.0, abs=1e-9)


def test_the_baseline_is_the_strategy_as_given(wf):
    for fold in FOLDS:
        alone = esbt.backtest(BARS[fold.test], sliced(STRATEGY, fold.test))
        moved = alone.trades.with_columns(pl.col("entry_bar", "exit_bar") + fold.test_start)
        assert cut(wf, fold.number, "baseline").drop("fold").equals(moved)


def test_a_model_is_trained_on_each_window(wf):
    """By hand: trained on the chosen lane's window, it trades the next with the account's own equity and its own size."""
    cash = 100_000.0
    for fold in FOLDS:
        chosen = lanes()[wf.lane_chosen(fold.number)]
        trained = MeanTrainer().train(BARS[fold.train], FEATURES[fold.train], sliced(chosen, fold.train), esbt.Account())
        size = esbt.Risk(fraction=0.01, max_contracts=5)
        traded = esbt.backtest(BARS[fold.test], sliced(chosen, fold.test), model=trained.model(FEATURES[fold.test]), cash=cash, size=size)
        moved = traded.trades.with_columns(pl.col("entry_bar", "exit_bar") + fold.test_start)
        assert cut(wf, fold.number, "mean").drop("fold").equals(moved)
        assert traded.skipped["confidence"] > 0
        cash += traded.net_profit
    assert wf.facts.filter(fact="level")["value"].n_unique() == len(FOLDS)
    assert any("trades up to 5 contracts" in note for note in wf.notes)


@pytest.mark.parametrize("run", ["baseline", "chosen", "mean"])
def test_money_adds_up(wf, run):
    """To the last 1e-4 USD: trades sum to the change of equity, folds begin with the closed equity of the one before and end flat."""
    result = wf.runs[run]
    assert int(result.raw_trades["pnl_e4"].sum()) == int(result.equity_e4[-1]) - 1_000_000_000
    cash, start = 1_000_000_000, 0
    for fold in FOLDS:
        own = wf.fold_result(fold.number, run)
        assert own.plan["cash_e4"][0] == cash
        length = fold.test_stop - fold.test_start
        assert np.array_equal(own.equity_e4, result.equity_e4[start : start + length])
        assert own.equity_e4[-1] == cash + own.raw_trades["pnl_e4"].sum()
        cash, start = int(own.equity_e4[-1]), start + length
    assert start == len(result.equity_e4) == len(wf.bars)
    assert (wf.trades_of(run)["exit_bar"] < pl.Series([FOLDS[f].test_stop for f in wf.trades_of(run)["fold"]])).all()


def test_sizes_see_the_true_equity():
    """With a size of risk the equity that earlier folds left decides contracts; each fold on fresh cash would trade others."""
    account = {"cash": 12_000.0, "size": esbt.Risk(fraction=0.03)}
    wf = walked(grid=None, **account)
    fresh = [esbt.backtest(BARS[fold.test], sliced(STRATEGY, fold.test), **account).trades["contracts"].to_list() for fold in FOLDS]
    ours = [cut(wf, fold.number, "baseline")["contracts"].to_list() for fold in FOLDS]
    assert ours[0] == fresh[0]
    assert ours != fresh
    equity = 12_000.0
    for fold in FOLDS:
        own = esbt.backtest(BARS[fold.test], sliced(STRATEGY, fold.test), **account | {"cash": equity})
        assert own.trades["contracts"].to_list() == ours[fold.number]
        equity = (round(equity * 10_000) + int(own.raw_trades["pnl_e4"].sum())) / 10_000


def test_metrics_are_those_of_the_stitched_curve(wf):
    for result in wf.runs.values():
        by_hand = esbt.metrics.summarize(result.equity["equity"], wf.bars.session, 100_000.0, result.trades)
        for name, value in by_hand.items():
            assert result.metrics[name] == pytest.approx(value, rel=1e-9, nan_ok=True), name
    assert wf.metrics == wf.runs["mean"].metrics
    assert wf.equity.equals(wf.runs["mean"].equity)
    assert wf.equity["ts"].to_list() == BARS[FOLDS[0].test_start : FOLDS[-1].test_stop].frame["ts"].to_list()


@pytest.mark.parametrize("changed", [False, True])
def test_the_future_changes_no_fold(wf, changed):
    """Bars after a fold's test window cut off, or all other: every number of the folds up to it is the same."""
    for last in (0, 2):
        stop = FOLDS[last].test_stop
        bars = changed_bars(BARS, stop) if changed else BARS[:stop]
        other = walked(bars, models=[MeanTrainer()])
        until = pl.col("fold") <= last
        assert other.folds.filter(until).equals(wf.folds.filter(until).with_columns(partial=other.folds.filter(until)["partial"]))
        assert other.facts.filter(until).equals(wf.facts.filter(until))
        for run in wf.runs:
            assert other.trades_of(run).filter(until).equals(wf.trades_of(run).filter(until))
            n = stop - FOLDS[0].test_start
            assert np.array_equal(other.runs[run].equity_e4[:n], wf.runs[run].equity_e4[:n])


def test_training_never_sees_the_test_window(wf):
    """Poisoned test bars, and embargoed ones: what is chosen and learned is the same, what is traded is not."""
    for fold in FOLDS:
        poisoned = changed_bars(BARS, fold.train_stop, seed=3)
        seen = []
        for bars in (BARS, poisoned):
            bound = esbt.sweep.lanes.BoundSpace(bars, STRATEGY, esbt.Account(), esbt.Grid(GRID))
            work = FoldWork(bound, FOLDS, Choice("sharpe", 5, 1), [MeanTrainer()], {"mean": esbt.features(bars, ["rsi(14)"])})
            seen.append(work(fold.number))
        one, two = seen
        assert one.lane == two.lane
        assert np.array_equal(one.lanes.metric, two.lanes.metric, equal_nan=True)
        assert one.in_sample == two.in_sample
        assert one.trained["mean"].level == two.trained["mean"].level
        assert not np.array_equal(one.lanes.test_sum, two.lanes.test_sum)


def test_training_sees_its_window(wf):
    """The test above can fail: one price of the training window moves what is learned."""
    fold = FOLDS[1]
    work = [
        FoldWork(
            esbt.sweep.lanes.BoundSpace(bars, STRATEGY, esbt.Account(), esbt.Grid(GRID)),
            FOLDS,
            Choice("sharpe", 5, 1),
            [MeanTrainer()],
            {"mean": esbt.features(bars, ["rsi(14)"])},
        )(1)
        for bars in (BARS, changed_bars(BARS, fold.train_stop - 1, fold.train_stop))
    ]
    assert work[0].trained["mean"].level != work[1].trained["mean"].level


def test_nobody_has_trades_enough(wf):
    """Then the fold stands aside, and says so; the baseline trades on."""
    idle = walked(minimum_trades=10_000, models=[MeanTrainer()])
    assert len(idle.trades) == 0
    assert idle.equity["equity"].unique().to_list() == [100_000.0]
    assert idle.folds.filter(pl.col("run") != "baseline")["lane"].null_count() == 2 * len(FOLDS)
    assert idle.baseline.trades.equals(wf.baseline.trades)
    said = [note for note in idle.notes if "no lane has a sharpe from 10000 training trades or more" in note]
    assert len(said) == len(FOLDS)
    assert "chosen, fold 0; mean, fold 0: no lane" in said[0]
    assert math.isnan(idle.metrics["sharpe"])


def test_metrics_where_less_is_better():
    wf = walked(metric="max_drawdown")
    for fold in FOLDS:
        tried = [esbt.backtest(BARS[fold.train], sliced(lane, fold.train)).metrics["max_drawdown"] for lane in lanes()]
        assert wf.lane_chosen(fold.number) == int(np.argmin(tried))


def test_a_ruined_account_stands_aside():
    wf = walked(grid=None, cash=60.0)
    cash = wf.folds["cash"].to_list()
    gone = next(k for k, value in enumerate(cash) if value <= 0)
    assert cash[gone:] == [cash[gone]] * (len(cash) - gone)
    assert wf.trades["fold"].max() < gone
    assert any(note == f"baseline, folds {gone} to {len(FOLDS) - 1}: The equity is gone: nothing was traded." for note in wf.notes)
    assert wf.metrics["annual_return"] == -1.0


LITTLE = sweep_helpers.BARS  # of six sessions, in which the axes' values were chosen to trade and to contradict
assert len(esbt.backtest(LITTLE[len(LITTLE) // 2 :], STRATEGY).trades) > 10


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sweep_helpers.axes(4))
def test_every_axis_is_run_warm_and_cut(space):
    """Lanes over any axes, in the training and in the test window: what single backtests of cut signals say."""
    space.pop("cash", None)
    space = space or {"stop_atr": [1.0]}
    words = {"predictions": sweep_helpers.PREDICTIONS} if "confidence" in space else {}
    account = esbt.Account(size=esbt.Risk()) if any(name.startswith("size.") for name in space) else esbt.Account()
    try:
        bound = esbt.sweep.lanes.BoundSpace(LITTLE, STRATEGY, account, esbt.Grid(space), **words)
    except EsbtError:
        assume(False)
    folds, _ = folds_of(LITTLE, windows_of(3, 2))
    found = FoldWork(bound, folds, Choice("net_profit", 0, 1), [], {})(0)
    for lane in range(len(bound)):
        strategy, own = bound.strategy(lane), bound.account(lane)
        one, two = (
            run_with(
                LITTLE[rows],
                esbt.Signals(values=strategy.signals(LITTLE)[rows], atr_ticks=strategy.atr(LITTLE)[rows], **strategy.exits()),
                own,
            )
            for rows in (folds[0].train, folds[0].test)
        )
        assert (found.lanes.metric[lane], found.lanes.trades[lane]) == (one.net_profit, len(one.raw_trades))
        pnl = two.daily["pnl"].to_numpy()
        assert found.lanes.test_sum[lane] == pytest.approx(pnl.sum(), abs=1e-6)
        assert found.lanes.test_squares[lane] == pytest.approx(np.square(pnl).sum(), rel=1e-9, abs=1e-6)
