"""The entry model in the loop: what is decided there is what the models' predict says row by row, a plain callable of the same model makes
the same trades, and what a callable raises comes out."""

from dataclasses import replace

import numpy as np
import pytest
from learning_helpers import market, quick_run

import esbt
from esbt.errors import EsbtError
from esbt.features import Features
from python_models.calibration import Platt


def on_the_test_time(seed=1):
    """Settings, bars and columns of the test window, the strategy's signals there, what was learned."""
    config, bars, columns, _, learned, test = quick_run(seed=seed)
    cut = slice(test.start, test.stop)
    values, atr = config.strategy.signals(bars)[cut], config.strategy.atr(bars)[cut]
    return bars[cut], columns[cut], esbt.Signals(values=values, atr_ticks=atr, **config.strategy.exits()), learned


def decisions(columns: Features, signals, learned):
    """Stop in ATR and probability at every signal bar, from Features.column and the ensembles' predict alone: {bar: (stop, p)}."""
    out = {}
    for t in np.flatnonzero(signals.values):
        side = float(signals.values[t])

        def said(model, stop_atr, t=t, side=side):
            state = {"side": side, "stop_atr": stop_atr}
            row = [state[n] if n in state else columns.column(n)[t] for n in model.inputs]
            return model.ensemble.predict(np.array([row], np.float32))

        low, high = learned.stop.bounds
        stop = float(np.float32(min(max(said(learned.stop, np.nan)[0], low), high)))
        out[int(t)] = (stop, learned.confidence.calibrator.probability(said(learned.confidence, stop))[0])
    return out


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_loop_decides_what_the_models_say(seed):
    """Every signal of the test time, taken or not, for its reason: taken with the stop and the probability of its row; else in position, at
    a session's end, or below the threshold; and the counts of skipped signals add up."""
    bars, columns, signals, learned = on_the_test_time(seed)
    result = esbt.backtest(bars, signals, model=learned.model(columns))
    said = decisions(columns, signals, learned)
    last = np.append(bars.session[1:] != bars.session[:-1], True)
    trades = iter(result.raw_trades)
    trade, free_from, counted = next(trades, None), 0, {"in_position": 0, "boundary": 0, "confidence": 0}
    for t, (stop, p) in said.items():
        if t < free_from:
            counted["in_position"] += 1
        elif last[t]:
            counted["boundary"] += 1
        elif p < learned.confidence.threshold:
            counted["confidence"] += 1
        else:
            assert trade["entry_bar"] == t + 1
            assert trade["side"] == signals.values[t]
            assert trade["stop_distance"] == max(1, np.ceil(stop * signals.atr_ticks[t]))
            assert trade["target_distance"] == max(1, np.ceil(2.0 * (stop * signals.atr_ticks[t])))
            assert trade["confidence"] == pytest.approx(p, rel=1e-9)
            free_from, trade = trade["exit_bar"], next(trades, None)
    assert trade is None
    assert {name: result.skipped[name] for name in counted} == counted
    assert len(result.trades) > 20
    assert counted["confidence"] > 20
    assert len({stop for stop, _ in said.values()}) > 10


@pytest.mark.parametrize("size", [1, esbt.Kelly(fraction=0.5, payoff=1.6, max_contracts=20)])
def test_a_model_and_the_same_as_a_callable_make_the_same_trades(size):
    """Bit for bit, confidence and size included: the way into the loop changes nothing."""
    bars, columns, signals, learned = on_the_test_time()
    model = learned.model(columns)
    stop = esbt.Ask(lambda x: np.where(x[:, 2] > 0, x[:, 0], x[:, 1]).astype(np.float64), model.stop.inputs)
    confidence = esbt.Ask(learned.confidence.ensemble.predict, model.confidence.inputs)
    as_callables = replace(model, stop=stop, confidence=confidence, dynamic=replace(model.dynamic, ask=stop))
    assert model.confidence.inputs == learned.confidence.inputs
    assert isinstance(learned.confidence.calibrator, Platt)
    ours, theirs = (esbt.backtest(bars, signals, size=size, model=m) for m in (model, as_callables))
    assert len(ours.trades) > 20
    assert ours.raw_trades.tobytes() == theirs.raw_trades.tobytes()
    assert ours.skipped == theirs.skipped


def test_inputs_are_the_signal_bars_row_in_the_order_asked():
    """A spy sees what the loop puts to it: the feature of bar t, the side, the stop after the stop model and its bounds, and the drawdown
    of closed equity, each as float32, in any order of names."""
    bars = market(days=20, edge=0.0, seed=2, interval="5min")
    columns = esbt.features(bars, ["move(5)", "move(1)"])
    seen = []

    def spy(x):
        seen.append(x[0].copy())
        return np.zeros(len(x))

    ask = esbt.Ask(spy, ["drawdown", "move(1)", "side", "stop_atr", "move(5)"])
    stop = esbt.Ask(lambda x: 3 * np.abs(x[:, 0]), ["move(1)"])
    strategy = esbt.AtrStrategy(fast=5, slow=12)
    result = esbt.backtest(bars, strategy, model=esbt.EntryModel(columns, stop=stop, stop_bounds=(0.5, 3.0), confidence=ask))
    trades = result.trades
    asked = trades["entry_bar"].to_numpy() - 1  # threshold 0: whatever is asked about is traded
    assert len(seen) == len(trades) > 100
    rows = np.array(seen)
    equity = 100_000 + np.concatenate(([0.0], np.cumsum(trades["pnl"].to_numpy())))
    drawdown = (1 - equity / np.maximum.accumulate(equity))[:-1]
    assert drawdown.max() > 0.01
    assert rows[:, 0] == pytest.approx(drawdown, rel=1e-5, abs=1e-9)
    assert (rows[:, 1] == columns.column("move(1)")[asked]).all()
    assert (rows[:, 2] == trades["side"].to_numpy()).all()
    assert rows[:, 3] == pytest.approx(np.clip(3 * np.abs(columns.column("move(1)")[asked]), 0.5, 3.0), rel=1e-6)
    assert (rows[:, 4] == columns.column("move(5)")[asked]).all()


def test_without_a_stop_model_the_plans_own_stop_is_told():
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    seen = set()

    def spy(x):
        seen.update(x[:, 0].tolist())
        return np.zeros(len(x))

    esbt.backtest(bars, esbt.AtrStrategy(stop_atr=1.75), model=esbt.EntryModel(esbt.features(bars), confidence=esbt.Ask(spy, ["stop_atr"])))
    assert seen == {1.75}


class Boom(Exception):
    """An error of the user's own."""


@pytest.mark.parametrize("which", ["stop", "confidence"])
@pytest.mark.parametrize("error", [Boom("row 3"), KeyError("x"), ZeroDivisionError("1 / 0")])
def test_what_a_callable_raises_comes_out(which, error):
    """That very exception, not a wrapped one; and the next backtest is none the worse."""
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    columns, calls = esbt.features(bars), []

    def third_time(x):
        calls.append(len(x))
        if len(calls) == 3:
            raise error
        return np.ones(len(x))

    model = esbt.EntryModel(columns, **{which: esbt.Ask(third_time, ["side"])})
    with pytest.raises(type(error)) as caught:
        esbt.backtest(bars, esbt.AtrStrategy(), model=model)
    assert caught.value is error
    assert len(esbt.backtest(bars, esbt.AtrStrategy(), model=model).trades) > 5


def nothing(x):
    return np.zeros(len(x))


FITTING_WORDS = [
    ({"confidence": esbt.Ask(nothing, ["mvoe(1)"])}, "unknown model input 'mvoe(1)'; did you mean 'move(1)'"),
    ({"stop": esbt.Ask(nothing, ["sides"])}, "unknown model input 'sides'; did you mean 'side'"),
    ({"stop_bounds": (0.0, 1.0)}, "stop_bounds must be 0 < low <= high, got (0.0, 1.0)"),
    ({"stop_bounds": (2.0, 1.0)}, "stop_bounds must be 0 < low <= high, got (2.0, 1.0)"),
    ({"stop_bounds": (1.0, float("inf"))}, "stop_bounds must be 0 < low <= high"),
    ({"stop_bounds": (float("nan"), 1.0)}, "stop_bounds must be 0 < low <= high"),
    ({"threshold": 1.5}, "threshold is a probability in [0, 1], got 1.5"),
    ({"threshold": float("nan")}, "threshold is a probability in [0, 1], got nan"),
]


@pytest.mark.parametrize(("fields", "words"), FITTING_WORDS)
def test_a_model_that_cannot_be(fields, words):
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    with pytest.raises(EsbtError) as caught:
        esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(esbt.features(bars), **fields))
    assert words in str(caught.value)


@pytest.mark.parametrize("rows", [slice(1, None), slice(None, -1), slice(0, 0)])
def test_features_of_another_length(rows):
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    columns = esbt.features(bars)[rows]
    with pytest.raises(EsbtError, match=f"the model's features have {len(columns)} bars, the backtest has {len(bars)}: slice them alike"):
        esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(columns))


def test_a_forest_asked_with_another_number_of_inputs():
    bars, columns, signals, learned = on_the_test_time()
    few = esbt.EntryModel(columns, stop=esbt.Ask(learned.stop.ensemble.members["lightgbm"], ["side", "move(1)"]))
    with pytest.raises(EsbtError, match=str(len(columns.names) + 1)):
        esbt.backtest(bars, signals, model=few)


@pytest.mark.parametrize("answer", [np.nan, np.inf, -np.inf])
def test_a_confidence_that_is_no_number_never_trades_by_accident(answer):
    """NaN and minus infinity are below every threshold above 0; plus infinity is certainty."""
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    ask = esbt.Ask(lambda x: np.full(len(x), answer), ["side"])
    result = esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(esbt.features(bars), confidence=ask, threshold=0.5))
    assert (len(result.trades) > 5) == (answer == np.inf)
    if answer != np.inf:
        assert result.skipped["confidence"] > 5
    else:
        assert (result.trades["confidence"] == 1.0).all()


def test_money_beyond_exact_counting_is_an_error() -> None:
    bars = esbt.synthetic_bars(days=20)
    with pytest.raises(esbt.EsbtError, match="money beyond what the core can count exactly: a position of 1000000 contracts"):
        esbt.backtest(bars, esbt.AtrStrategy(), size=1_000_000)
