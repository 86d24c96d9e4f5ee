"""What the stop learns from: both definitions against trades made one by one; the comparison; stops moved in the loop; multipliers."""

import dataclasses

import numpy as np
import polars as pl
import pytest
from learning_helpers import labels_of, market, plain_features, quick, quick_run

import esbt
from esbt.entry_model import DynamicStop
from esbt.errors import EsbtError
from python_models import label_trades
from python_models.dynamic_stop import LONG, MULTIPLIER, SHORT, Moving, by_side, learn_multipliers, stop_model
from python_models.sample_weights import average_uniqueness
from python_models.splits import Window
from python_models.stop_choice import chosen_target, compare_targets
from python_models.stop_targets import TARGETS, best_target, excursion_target

BARS = market(days=12)
STRATEGY = esbt.AtrStrategy(fast=5, slow=12)
ACCOUNT = esbt.Account()


# --- definitions ---------------------------------------------------------------------------------------------------------------------


def test_the_best_distance_is_the_one_that_earned_most():
    """Each signal alone, traded at each distance: the first of the greatest profits; its weight what that was worth, in ATR."""
    learning = quick(stop_low=0.5, stop_high=4.0, stop_steps=4)
    target = best_target(BARS, STRATEGY, ACCOUNT, learning)
    distances = [0.5, 1.0, 2.0, 4.0]
    profit: dict[int, list[float]] = {}
    for d in distances:
        own = label_trades(BARS, esbt.AtrStrategy(fast=5, slow=12, stop_atr=d), ACCOUNT)
        for bar, pnl in zip(own.signal_bar.tolist(), own.pnl.tolist(), strict=True):
            profit.setdefault(bar, []).append(pnl)
    expected = {bar: distances[np.argmax(made)] for bar, made in profit.items() if len(made) == 4 and max(made) > np.mean(made)}
    assert dict(zip(target.labels.signal_bar.tolist(), np.round(target.atr, 9).tolist(), strict=True)) == expected
    assert len(expected) > 300
    assert set(expected.values()) == set(distances)
    assert [max(profit[bar]) for bar in expected] == target.labels.pnl.tolist()
    atr = STRATEGY.atr(BARS)[target.labels.signal_bar] * BARS.instrument.tick_value
    worth = np.array([max(profit[bar]) - np.mean(profit[bar]) for bar in expected]) / atr
    weight = worth * average_uniqueness(target.labels.signal_bar, target.labels.end_bar)
    assert target.weights == pytest.approx(weight / weight.mean())
    assert target.objective == "mean"


def test_equal_profits_go_to_the_nearest():
    """Flat out at the first close whatever the stop: every distance earns the same, so nothing is left to learn from; and where two of
    three are equal the nearer is taken."""
    rushed = esbt.AtrStrategy(fast=5, slow=12, max_bars=1, target_r=None)
    wide = best_target(BARS, rushed, ACCOUNT, quick(stop_low=90.0, stop_high=99.0, stop_steps=3))
    assert wide.labels.count == 0
    some = best_target(BARS, rushed, ACCOUNT, quick(stop_low=0.1, stop_high=90.0, stop_steps=3))
    middle = np.isclose(some.atr, 3.0)
    assert middle.any()
    assert not np.isclose(some.atr, 90.0).any() or (some.atr[~middle] < 3).any()
    far = label_trades(BARS, rushed.model_copy(update={"stop_atr": 90.0}), ACCOUNT)
    tied = np.isin(some.labels.signal_bar[middle], far.signal_bar)
    assert tied.all()


def test_the_excursion_is_of_winners_alone():
    target = excursion_target(BARS, STRATEGY, ACCOUNT, quick(stop_quantile=0.7))
    assert (target.labels.pnl > 0).all()
    assert target.atr.tolist() == target.labels.mae_atr.tolist()
    assert target.atr.max() < 4.0 + 1e-9
    assert (target.objective, target.alpha) == ("quantile", 0.7)


@pytest.mark.parametrize("name", TARGETS)
def test_within_keeps_whole_spans(name):
    target = TARGETS[name](BARS, STRATEGY, ACCOUNT, quick())
    half = target.within(Window(1000, 9000))
    assert 0 < half.labels.count < target.labels.count
    assert half.labels.signal_bar.min() >= 1000
    assert half.labels.end_bar.max() < 9000
    assert half.weights.mean() == pytest.approx(1.0)
    sample = half.sample(esbt.features(BARS, ["move(1)"]))
    assert (sample.x.shape, sample.start.tolist()) == ((half.labels.count, 2), half.labels.signal_bar.tolist())


# --- the comparison ------------------------------------------------------------------------------------------------------------------


def test_the_comparison_is_on_held_out_training_time():
    """Rows are what trades on the last quarter of the fitting part earned; the choice is the better mean; other prices in the calibration
    part change nothing."""
    *_, training, learned, _ = quick_run()
    fitting, calibration = training.windows()
    made = {
        name: make(training.bars, training.strategy, training.account, training.learning).within(fitting) for name, make in TARGETS.items()
    }
    table = compare_targets(training, fitting, made)
    assert learned.stop_targets.equals(table)
    assert table["target"].to_list() == ["baseline", "excursion", "excursion", "best", "best"]
    assert table["reevaluated"].to_list() == [False, False, True, False, True]
    later = Window(fitting.stop - round(0.25 * len(fitting)), fitting.stop)
    baseline = training.outcomes(None, later, later.stop)
    assert table.row(0)[2:5] == (baseline.count, pytest.approx(baseline.pnl.sum()), pytest.approx(baseline.pnl.mean()))
    assert later.stop <= calibration.start
    for reevaluate in (True, False):
        own = table.filter((pl.col("reevaluated") == reevaluate) & (pl.col("target") != "baseline"))
        assert chosen_target(table, reevaluate) == own.sort("usd_per_trade", descending=True)["target"][0]


@pytest.mark.parametrize("name", ["best", "choose"])
def test_the_target_that_is_set_is_learned(name):
    *_, training, _, _ = quick_run()
    learned = quick_run(stop_target=name)[4]
    assert learned.stop.target == (name if name == "best" else chosen_target(learned.stop_targets, True))
    assert learned.stop.trained_on == len(learned.evidence["stop"].sample.x)
    assert training.learning.stop_target == "excursion"


# --- in the loop ---------------------------------------------------------------------------------------------------------------------


def test_the_picker_takes_the_side_exactly():
    """Any float32 distances: the core's pick has their very bits, and NaN features of other columns do not matter."""
    rng = np.random.default_rng(1)
    columns = plain_features(a=rng.normal(size=5000), b=np.full(5000, np.nan))
    sides = by_side(lambda rows: np.where(rows[:, 2] > 0, np.exp(rows[:, 0]), 7.0 - rows[:, 0]), columns, (0.1, 9.0))
    model = stop_model(columns, sides, (0.1, 9.0), None)
    rows = np.column_stack([model.features.column(LONG), model.features.column(SHORT), rng.choice([-1, 1], 5000)]).astype(np.float32)
    said = model.stop.resolved()(rows)
    assert said.tolist() == np.where(rows[:, 2] > 0, sides[0], sides[1]).tolist()
    assert (said.min(), said.max()) > (0.1, 7.0)
    assert model.dynamic is None


def test_a_moving_stop_is_asked_again_and_never_loosened():
    """The model has the dynamic stop that was told; trades leave at it; each moved stop lies inside the first one."""
    config, bars, columns, _, learned, test = quick_run()
    cut = slice(test.start, test.stop)
    seen = columns[cut]
    model = learned.model(seen, filtered=False)
    assert isinstance(model.dynamic, DynamicStop)
    assert (model.dynamic.smoothing, model.dynamic.regime, model.dynamic.loosen) == (config.learning.stop_smoothing, MULTIPLIER, False)
    assert model.dynamic.regime_bounds == (config.learning.regime_low, config.learning.regime_high)
    signals = esbt.Signals(values=config.strategy.signals(bars)[cut], atr_ticks=config.strategy.atr(bars)[cut])
    moved = esbt.backtest(bars[cut], signals, model=model).raw_trades
    fixed = esbt.backtest(bars[cut], signals, model=dataclasses.replace(model, dynamic=None)).raw_trades
    reasons = esbt.backtest(bars[cut], signals, model=model).trades["exit_reason"]
    assert (reasons == "dynamic_stop").sum() > 20
    lost = (moved["entry_price"] - moved["exit_price"]) * moved["side"]
    at_stop = (reasons == "dynamic_stop").to_numpy()
    gapped = lost[at_stop] > moved["stop_distance"][at_stop] + 1
    assert gapped.mean() < 0.2  # a tick of slippage, or an open beyond
    assert moved.tobytes() != fixed.tobytes()
    still = quick_run(reevaluate=False)[4]
    assert still.stop.moving is None
    assert still.model(seen).dynamic is None


def test_multipliers_by_code():
    """Each bar its code's number; unknown codes and warming up: NaN, which the loop takes as 1."""
    columns = plain_features(regime=[0, 1, 2, 3, -1, np.nan])
    own = Moving(0.5, "regime", (0.8, 1.0, 1.4), (0.7, 1.5)).column(columns)
    assert own[:3].tolist() == [0.8, 1.0, 1.4]
    assert np.isnan(own[3:]).all()
    assert Moving(0.5).column(columns).tolist() == [1.0] * 6


def planted(gains, n=900, seed=1):
    """Outcomes by multiplier: profit of noise, plus in each regime what `gains` says of the multiplier."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    noise, wobble = 100 * rng.normal(size=n), rng.normal(size=n)

    def outcomes(moving):
        m = moving.multipliers[0]
        gain = np.array([gains[code](m) for code in codes]) + 3 * wobble * (m != 1.0)
        return labels_of(np.arange(n), np.arange(n), pnl=noise + gain)

    return plain_features(regime=codes), outcomes


def test_each_regime_gets_what_served_it():
    """Wider pays in the first, nearer in the last, and what moves nothing beyond chance stays at 1; paired, the common noise cancels."""
    columns, outcomes = planted([lambda m: 20 * (m - 1), lambda m: 0.0, lambda m: -20 * abs(m - 0.7**0.5)])
    learning = quick(regime="regime", features=("move(1)",))
    moving, table = learn_multipliers(outcomes, columns, learning)
    assert moving == Moving(learning.stop_smoothing, "regime", (1.5, 1.0, 0.7**0.5), (0.7, 1.5))
    assert len(table) == 15
    assert table["trades"].unique().to_list() == [300]
    best = table.filter((pl.col("regime") == 0) & (pl.col("multiplier") == 1.5))
    assert best["gain_usd"][0] == pytest.approx(10, abs=1)
    assert 0.05 < best["error"][0] < 0.5


def test_no_regime_no_multipliers():
    columns, outcomes = planted([lambda m: 0.0] * 3)
    moving, table = learn_multipliers(outcomes, columns, quick(regime=None))
    assert (moving, len(table)) == (Moving(quick().stop_smoothing), 0)
    assert learn_multipliers(outcomes, columns, quick())[0].regime is None  # the default's feature is not among these
    with pytest.raises(EsbtError, match="has codes up to 99: give one of a few"):
        learn_multipliers(outcomes, plain_features(regime=np.arange(100)), quick(regime="regime"))


# --- labels of phase 2 ---------------------------------------------------------------------------------------------------------------


def test_triple_barrier_labels_are_the_barrier_that_came_first():
    """Against bars walked one by one, the stops known: target at 2 R before the stop, within the bars, or a profit at the last close."""
    *_, training, _, _ = quick_run()
    learned = quick_run(label="triple_barrier", barrier_bars=30)[4]
    own = learned.evidence["confidence"].sample
    meta = quick_run()[4].evidence["confidence"].sample
    assert len(own.x) > 300
    assert own.y.mean() != meta.y.mean()
    assert (own.end >= own.start).all()
    assert learned.confidence.quality["held_out_signals"] > 100
    bars, atr = training.bars, training.strategy.atr(training.bars)
    ticks_of_costs = 2 * training.account.fee(bars.instrument) / bars.instrument.tick_value
    agreed = 0
    for row in range(0, len(own.x), 7):
        signal, side, stop = int(own.start[row]), int(own.x[row, -2]), float(own.x[row, -1])
        entry = int(bars.open[signal + 1]) + side
        risk, reward = (max(1, int(np.ceil(r * stop * atr[signal]))) for r in (1.0, 2.0))
        agreed += own.y[row] == barrier_walk(bars, signal, side, (entry, risk, reward), ticks_of_costs)
    assert agreed == len(range(0, len(own.x), 7))


def barrier_walk(bars, signal, side, levels, costs):
    """1.0 where the first barrier met pays: stop first where both are; one tick of slippage but at the target."""
    entry, risk, reward = levels
    for bar in range(signal + 1, signal + 31):
        low, high = sorted(side * int(edge[bar]) for edge in (bars.low, bars.high))
        if low <= side * entry - risk:
            return 0.0
        if high >= side * entry + reward:
            return float(reward > costs)
        if bar == signal + 30 or bars.session[bar] != bars.session[bar + 1]:
            return float(side * (int(bars.close[bar]) - entry) - 1 > costs)
    return 0.0
