"""The pipeline on a strategy whose orders wait and whose positions leave in parts: one label a signal that became a position, learned stops
by signal bar and capped by stop_ticks, and sizes and heat of whole positions."""

import numpy as np
import polars as pl
import pytest
from learning_helpers import GivenBars, market, small_config, without_report

import esbt
from esbt.features import features
from python_models import Training
from python_models.splits import Window, last_part

STRATEGY = esbt.AtrStrategy(
    fast=5, slow=12, entry="stop", entry_offset_ticks=1, entry_bars=4, stop_ticks=9,
    target_r=3.0, scale1_r=1.0, scale1_share=0.5, scale1_stop_r=0.0, scale2_r=2.0, scale2_share=0.25,
)  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(bars, test window, result) of one run, without its report."""
    config = small_config(tmp_path_factory.mktemp("run") / "out")
    config = config.model_copy(update={"strategy": STRATEGY, "account": esbt.Account(size=4)})
    bars = market()
    with pytest.MonkeyPatch.context() as patch:
        without_report(patch)
        result = GivenBars(bars, config).run_complete_pipeline()
    training, test = last_part(Window(0, len(bars)), config.learning.test_fraction, config.learning.embargo_bars)
    columns = features(bars, config.learning.features)
    return bars, Training(bars[: training.stop], columns[: training.stop], STRATEGY, config.account, config.learning), test, result


def test_every_phase_is_learned_and_trades(done):
    *_, result = done
    assert len(result.runs) == 6
    for run in result.runs.values():
        assert {"scale_out", "stop"} <= set(run.trades["exit_reason"])
        assert len(run.position_rows) < len(run.trades)
        assert run.skipped["expired"] > 0
    assert result.runs["baseline"].skipped["expired"] > 10


def test_labels_are_one_a_position_and_by_its_signal(done):
    """Held-out outcomes: one for each signal that became a position, at the signal's bar, though entries come up to four bars later."""
    _, training, _, result = done
    window = training.windows()[1]
    labels = training.outcomes(result.learned.stop.model(training.features), window, window.stop)
    sides = STRATEGY.signals(training.bars)
    assert labels.count > 50
    assert (np.diff(labels.signal_bar) > 0).all()
    assert labels.side.tolist() == sides[labels.signal_bar].tolist()
    assert labels.count < np.count_nonzero(sides[window.start : window.stop])
    assert len(np.unique(labels.pnl / labels.risk)) > 20
    assert labels.risk.max() <= 9 * training.bars.instrument.tick_value


def test_the_learned_stop_is_of_the_signal_bar_and_capped(done):
    """Phase 1: stop distance = the nearer of the ensemble's answer at the signal bar and stop_ticks."""
    bars, training, test, result = done
    cut = slice(test.start, test.stop)
    columns, atr, sides = features(bars, training.learning.features)[cut], STRATEGY.atr(bars)[cut], STRATEGY.signals(bars)[cut]
    raw = result.runs["phase 1: stop"].raw_trades
    signal = raw["signal_bar"]
    assert set(raw["entry_bar"] - signal) == {1, 2, 3, 4}
    assert (sides[signal] == raw["side"]).all()
    stop = result.learned.stop
    rows = np.hstack([columns.matrix[:, signal].T, sides[signal][:, None]]).astype(np.float32)
    learned = np.clip(stop.ensemble.predict(rows), *stop.bounds).astype(np.float32) * atr[signal]
    assert raw["stop_distance"].tolist() == np.maximum(1, np.ceil(np.minimum(learned, 9))).tolist()
    assert (learned > 9).any()
    assert (learned < 9).any()


def test_sizes_and_heat_are_of_whole_positions(done):
    *_, result = done
    table = result.tables["Size and heat at entry"]
    for row in table.iter_rows(named=True):
        run = result.runs[row["run"]]
        whole = run.trades.group_by("entry_bar").agg(pl.col("contracts").sum())["contracts"]
        assert (row["mean contracts"], row["most contracts"]) == (pytest.approx(whole.mean()), whole.max())
        assert row["greatest heat"] == pytest.approx(run.risk_at_entry.max())
    assert table["mean contracts"][0] == 4
