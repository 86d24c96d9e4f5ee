"""Stop model and entry confidence: they find what was planted, keep their bounds in the loop, and the loop says what training said."""

import dataclasses
import math

import numpy as np
import pytest
from learning_helpers import LEARN, labels_of, plain_features, quick, quick_run, same_model

import esbt
from esbt.backtest import simulate
from esbt.plan import REASONS
from python_models.boosting import feature_rows
from python_models.entry_confidence import calibrate, fit_confidence
from python_models.splits import Window
from python_models.stop_loss import fit_stop
from python_models.stop_targets import StopTarget

N = 4000


def rows_in_order(n=N):
    return np.arange(n), np.arange(n) + 3


# --- phase 1 -------------------------------------------------------------------------------------------------------------------------


def planted_excursions(seed):
    """Adverse excursion uniform in [0, 1 + 2 * wild] ATR, `wild` in {0, 1} a feature beside one of noise; a third of the trades lose."""
    rng = np.random.default_rng(seed)
    wild, noise = rng.integers(0, 2, N), rng.normal(size=N)
    mae = rng.random(N) * (1 + 2 * wild)
    pnl = np.where(rng.random(N) < 1 / 3, -100.0, 100.0)
    return plain_features(wild=wild, noise=noise), labels_of(*rows_in_order(), pnl=pnl, mae_atr=np.where(pnl > 0, mae, 9.0)), wild, mae


def winners(labels, quantile=0.8):
    """The excursion target of these labels."""
    won = labels.where(labels.pnl > 0)
    return StopTarget("excursion", won, won.mae_atr, np.ones(won.count), "quantile", quantile)


def fitted(columns, target, **learning):
    return fit_stop(columns, target, quick(trees=300, **learning))[0]


@pytest.mark.parametrize("quantile", [0.5, 0.8])
def test_the_stop_follows_what_moves_the_excursion(quantile):
    """The quantile of each kind of trade is found (q and 3 q ATR), on rows of another seed; losers' excursions (9 ATR) are not learned."""
    columns, labels, *_ = planted_excursions(1)
    stop = fitted(columns, winners(labels, quantile), stop_low=0.1)
    fresh, others, wild, mae = planted_excursions(2)
    distance = stop.predict(fresh, others)
    for kind in (0, 1):
        assert np.median(distance[wild == kind]) == pytest.approx(quantile * (1 + 2 * kind), rel=0.1)
        assert (mae[wild == kind] <= distance[wild == kind]).mean() == pytest.approx(quantile, abs=0.07)
    assert stop.trained_on == (labels.pnl > 0).sum()


def test_the_bounds_hold_in_prediction():
    columns, labels, *_ = planted_excursions(1)
    stop = fitted(columns, winners(labels), stop_low=1.2, stop_high=2.0)
    distance = stop.predict(columns, labels)
    assert (distance.min(), distance.max()) == (np.float32(1.2), 2.0)


def test_fitting_reads_features_at_winners_signal_bars_only():
    """Values of every other row may be anything."""
    columns, labels, *_ = planted_excursions(1)
    some = labels.where(np.arange(N) % 2 == 0)
    matrix = columns.matrix.copy()
    unread = np.ones(N, bool)
    unread[some.where(some.pnl > 0).signal_bar] = False
    matrix[:, unread] = np.nan
    spoiled = plain_features(wild=matrix[0], noise=matrix[1])
    ours, theirs = (fitted(f, winners(some)).predict(columns, labels) for f in (columns, spoiled))
    assert ours.tolist() == theirs.tolist()


def stop_in_atr(result, atr):
    """Each trade's stop distance in ticks, and the ATR of its signal bar."""
    return result.raw_trades["stop_distance"], atr[result.raw_trades["entry_bar"] - 1]


@pytest.mark.parametrize("bounds", [(0.5, 4.0), (1.0, 1.5), (2.0, 2.0)])
def test_the_bounds_hold_in_the_loop(bounds):
    """Whatever a hook answers (here -5 to 50 ATR), the stop of a trade lies between low and high ATR of its signal bar."""
    _, bars, columns, *_ = quick_run()
    strategy = esbt.AtrStrategy(fast=5, slow=12)
    wild = esbt.Ask(lambda x: np.where(np.abs(x[:, 0]) < 0.1, 0.7 * (bounds[0] + bounds[1]), np.clip(50 * x[:, 0], -5, 50)), ["move(1)"])
    result = esbt.backtest(bars, strategy, model=esbt.EntryModel(columns, stop=wild, stop_bounds=bounds))
    distance, atr = stop_in_atr(result, strategy.atr(bars))
    low, high = (np.maximum(1, np.ceil(b * atr)) for b in bounds)
    assert len(distance) > 200
    assert (distance >= low).all()
    assert (distance <= high).all()
    assert (distance == low).any()
    assert (distance == high).any()


def test_a_trained_stop_keeps_its_bounds_in_the_loop_and_varies():
    config, bars, columns, _, learned, _ = quick_run()
    result = esbt.backtest(bars, config.strategy, model=learned.model(columns, filtered=False))
    distance, atr = stop_in_atr(result, config.strategy.atr(bars))
    low, high = learned.stop.bounds
    assert (low, high) == (config.learning.stop_low, config.learning.stop_high)
    assert (distance >= np.ceil(low * atr)).all()
    assert (distance <= np.ceil(high * atr)).all()
    assert len(np.unique(np.round(distance / atr, 1))) > 5


# --- phase 2 -------------------------------------------------------------------------------------------------------------------------


def planted_outcomes(seed):
    """A win (+150) has probability 0.2, or 0.7 where `good`; a loss is -100."""
    rng = np.random.default_rng(seed)
    good = rng.integers(0, 2, N)
    won = rng.random(N) < np.where(good == 1, 0.7, 0.2)
    return plain_features(good=good, noise=rng.normal(size=N)), labels_of(*rows_in_order(), pnl=np.where(won, 150.0, -100.0)), good


def test_the_confidence_is_the_frequency_and_the_threshold_parts_good_from_bad():
    columns, labels, good = planted_outcomes(1)
    stop = np.full(N, 2.0)
    first, second = labels.within(0, N // 2), labels.within(N // 2, N + 9)
    learning = quick(trees=150)
    trained = fit_confidence(columns, first, stop[: first.count], first.pnl > 0, learning)
    model = calibrate(trained.ensemble, columns, second, stop[: second.count], learning)
    p = model.probability(columns, second, stop[: second.count])
    kind = good[second.signal_bar]
    assert p[kind == 1].mean() == pytest.approx(0.7, abs=0.05)
    assert p[kind == 0].mean() == pytest.approx(0.2, abs=0.05)
    taken = good[model.evidence.taken.signal_bar]
    assert taken.mean() > 0.99
    assert taken.size > 0.9 * (kind == 1).sum()
    assert model.quality["share_taken"] == model.evidence.taken.count / second.count
    assert model.quality["brier"] < model.quality["brier_of_base_rate"]


def test_platt_scaling_is_the_logistic_regression_of_outcome_on_margin():
    """Undoes what a margin is multiplied and shifted by: a margin twice too sure and one too high gets a near 0.5 and b near -0.5."""
    rng = np.random.default_rng(3)
    true = rng.normal(size=N)
    won = rng.random(N) < 1 / (1 + np.exp(-true))
    said = plain_features(x=2 * true + 1)

    class Said:
        def predict(self, rows):
            return rows[:, 0].astype(np.float64)

    model = calibrate(Said(), said, labels_of(*rows_in_order(), pnl=np.where(won, 1.0, -1.0)), np.ones(N), quick())
    assert model.calibrator.kind == "platt"
    assert model.calibrator.affine == pytest.approx((0.5, -0.5), abs=0.06)
    assert model.evidence.choice.log_loss["platt"] <= min(model.evidence.choice.log_loss.values()) + 0.01
    assert model.quality["judged_signals"] == model.evidence.reliability["count"].sum() == round(N / 3)


def test_the_loop_gives_the_confidence_that_calibration_saw():
    """The same rows: each held-out label's probability and stop, recomputed with numpy from the matrix, is its trade's in the loop."""
    config, _, _, training, learned, _ = quick_run()
    c = learned.confidence
    whole = learned.model(training.features)
    stops = dataclasses.replace(whole, confidence=None, threshold=0.0)
    held_out = training.outcomes(stops, training.windows()[1], training.windows()[1].stop)
    stop = learned.stop.predict(training.features, held_out)
    expected = c.calibrator.probability(c.ensemble.predict(feature_rows(training.features, held_out, stop)))
    assert c.quality["held_out_signals"] == held_out.count > 100

    sides = np.zeros(len(training.bars), np.int8)
    sides[held_out.signal_bar] = held_out.side
    signals = esbt.Signals(values=sides, **config.strategy.exits())
    plan = config.account.plan(signals, training.bars.instrument)
    everything = dataclasses.replace(whole, threshold=0.0)
    trades, _ = simulate(training.bars, signals, plan, model=everything, each=True)
    assert (trades["entry_bar"] - 1).tolist() == held_out.signal_bar.tolist()
    assert trades["confidence"] == pytest.approx(expected, rel=1e-9)
    atr = config.strategy.atr(training.bars)[held_out.signal_bar]
    assert trades["stop_distance"].tolist() == np.maximum(1, np.ceil(stop * atr)).tolist()

    filtered, skipped = simulate(training.bars, signals, plan, model=whole, each=True)
    assert (filtered["entry_bar"] - 1).tolist() == c.evidence.taken.signal_bar.tolist()
    assert skipped["confidence"] == held_out.count - c.evidence.taken.count
    assert 0 < c.evidence.taken.count < held_out.count


# --- what is left out ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "phases", "words"),
    [
        ({"min_labels": 5000}, (False, False, False), "Phases 1 to 3 left out: the stop model needs 5,000 winning trades"),
        (
            {"min_labels": 300, "calibration_fraction": 0.02},
            (True, False, False),
            "Phases 2 and 3 left out: calibration needs 30 held-out wins",
        ),
        ({}, (True, True, True), None),
    ],
)
def test_a_phase_without_enough_data_is_left_out_and_says_what_it_needs(changes, phases, words):
    training = quick_run()[3]
    learned = LEARN.learn(LEARN.Training(training.bars, training.features, training.strategy, training.account, quick(**changes)))
    assert tuple(x is not None for x in (learned.stop, learned.confidence, learned.size)) == phases
    if words is None:
        assert learned.notes == []
    else:
        (note,) = learned.notes
        assert note.startswith(words)
        assert note.endswith("Give more bars.")


def test_a_payoff_without_losses_leaves_phase_3_out(monkeypatch):
    """All that the filter takes in the calibration window won: no payoff can be told, so no size is made up."""
    training = quick_run()[3]
    real = LEARN.calibrate

    def only_wins(*args):
        model = real(*args)
        shown = model.evidence
        return dataclasses.replace(model, evidence=dataclasses.replace(shown, taken=shown.taken.where(shown.taken.pnl > 0)))

    monkeypatch.setattr(LEARN, "calibrate", only_wins)
    learned = LEARN.learn(training)
    assert learned.confidence is not None
    assert learned.size is None
    assert learned.notes[0].startswith("Phase 3 left out: a payoff needs wins and losses")


def test_a_few_training_bars_leave_the_phases_out():
    """Fewer bars than the embargo: a note that says what is needed, as for any other lack of data."""
    config, bars, columns, *_ = quick_run()
    few = LEARN.Training(bars[:100], columns[:100], config.strategy, config.account, quick(embargo_bars=120))
    learned = LEARN.learn(few)
    assert learned.stop is None
    assert learned.notes


def test_an_embargo_that_leaves_a_fold_without_rows_is_told_in_words():
    """Half the fitting part is held out and the embargo covers the other half: no stop can be fitted there. A note or an EsbtError says so;
    what is not wanted is an error from inside LightGBM."""
    training = quick_run()[3]
    again = LEARN.Training(training.bars, training.features, training.strategy, training.account, quick(folds=2, embargo_bars=12_000))
    try:
        said = LEARN.learn(again).notes
    except esbt.EsbtError as error:
        said = [str(error)]
    assert any("embargo" in words for words in said)


def test_learning_twice_gives_the_same_models():
    *_, training, learned, _ = quick_run()
    assert same_model(LEARN.learn(training), learned)


def test_outcomes_lie_in_their_window_and_were_known_in_time():
    """Signals of the window alone, none whose trade ended at or after `known_by`."""
    *_, training, learned, _ = quick_run()
    fitting, calibration = training.windows()
    stretch = Window(fitting.start + len(fitting) // 3, fitting.start + len(fitting) // 2)
    model = learned.model(training.features, filtered=False)
    labels = training.outcomes(model, stretch, stretch.stop)
    later = training.outcomes(model, stretch, fitting.stop)
    assert labels.count > 20
    assert stretch.start <= labels.signal_bar.min() <= labels.end_bar.max() < stretch.stop
    assert later.count >= labels.count
    assert later.signal_bar.max() < stretch.stop <= calibration.start
    assert REASONS.index("end_of_data") not in later.side
    assert math.isfinite(later.pnl.sum())
