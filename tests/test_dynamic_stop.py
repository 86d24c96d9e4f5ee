"""The dynamic stop from Python: what it is asked with is what the bars say, what it answers is where the stop stands, and what cannot be
is one error. (Levels by hand: docs/modelled.md; the same trades in four languages: tests/test_hook_languages.py.)"""

import math

import numpy as np
import pytest
from learning_helpers import market, plain_features

import esbt
from esbt.entry_model import POSITION_INPUTS, STATE_INPUTS
from esbt.errors import EsbtError

INPUTS = (*STATE_INPUTS, *POSITION_INPUTS)


@pytest.fixture(scope="module")
def bars():
    return market(days=10, edge=0.0, seed=4, interval="5min")


def backtest(bars, hook, inputs=("side",), *, rules=None, size=1, **words):
    """One backtest with a dynamic stop of these words; no target, so that stops take positions out."""
    strategy = esbt.AtrStrategy(**({"fast": 5, "slow": 12, "target_r": None} | (rules or {})))
    dynamic = esbt.DynamicStop(esbt.Ask(hook, inputs), **words)
    return esbt.backtest(bars, strategy, model=esbt.EntryModel(esbt.features(bars, ["move(1)"]), dynamic=dynamic), size=size)


def answers(*values):
    """A hook that gives these, one after another, and again from the start."""
    held = iter(range(10**9))
    return lambda x: np.array([values[next(held) % len(values)] for _ in x], float)


@pytest.mark.parametrize("loosen", [False, True])
@pytest.mark.parametrize("rules", [{}, {"entry": "limit", "entry_offset_ticks": 2, "entry_bars": 4}, {"stop_atr": None, "stop_ticks": 30}])
def test_what_it_is_asked_with_and_where_the_stop_goes(bars, rules, loosen):
    """Each position lived through again from the bars: state, multiple in force, stop after every close; it leaves where that stands."""
    rows = []
    answer = answers(3.0, 0.2, 2.0, 1.0, 9.0)

    def spy(x):
        rows.append((x[0].astype(float), answer(x)[0]))
        return np.array([rows[-1][1]])

    result = backtest(bars, spy, INPUTS, rules=rules, smoothing=0.6, loosen=loosen)
    atr, told, out = esbt.AtrStrategy().atr(bars), iter(rows), 0
    equity, peak = 100_000.0, 100_000.0
    assert len(result.trades) > 50
    for t in result.raw_trades:
        side, entry, limit = int(t["side"]), int(t["entry_price"]), rules.get("entry") == "limit"
        m = rules.get("stop_atr", 2.0) or math.inf
        stop, reason = entry - side * int(t["stop_distance"]), "stop"
        mae = mfe = 0
        for j in range(t["entry_bar"], t["exit_bar"]):
            seen = [bars.low[j], bars.high[j]] if side > 0 else [bars.high[j], bars.low[j]]
            if limit and j == t["entry_bar"] and side * (bars.open[j] - entry) > 0:  # filled inside: its favourable extreme may lie before
                seen[1] = bars.close[j]
            mae, mfe = max(mae, side * (entry - int(seen[0]))), max(mfe, side * (int(seen[1]) - entry))
            row, k = next(told)
            close = int(bars.close[j])
            state = [side, m, 1 - equity / peak, j - t["entry_bar"] + 1]
            state += [side * (close - entry) / atr[j], mae / atr[j], mfe / atr[j], side * (close - stop) / atr[j]]
            assert row == pytest.approx(state, rel=1e-6, abs=1e-9)
            k = min(max(k, 0.5), 4.0)
            m = k if math.isinf(m) else 0.6 * k + 0.4 * m
            level = close - side * max(1, math.ceil(m * atr[j]))
            if loosen or side * (level - stop) > 0:
                reason = reason if level == stop else "dynamic_stop"
                stop = level
        if esbt.plan.REASONS[t["reason"]] in ("stop", "dynamic_stop"):
            out += 1
            assert esbt.plan.REASONS[t["reason"]] == reason
            assert side * t["exit_price"] == min(side * stop, side * int(bars.open[t["exit_bar"]])) - 1
        equity += t["pnl_e4"] / 10_000
        peak = max(peak, equity)
    assert next(told, None) is None
    assert out > 40


def test_a_position_without_a_stop_gets_one(bars):
    still = {"stop_atr": None}
    result = backtest(bars, answers(1.0), rules=still)
    assert result.trades["stop_price"].is_nan().all()
    assert (result.trades["exit_reason"] == "dynamic_stop").mean() > 0.8


def test_it_moves_what_the_parts_have_left(bars):
    """Parts and a dynamic stop together: what is left leaves at a stop of either."""
    parts = {"target_r": 3.0, "scale1_r": 1.0, "scale1_share": 0.5, "scale1_stop_r": 0.0}
    reasons = set(backtest(bars, answers(1.5), rules=parts, size=2).trades["exit_reason"])
    assert {"scale_out", "dynamic_stop", "break_even"} <= reasons


class Boom(Exception):
    """An error of the user's own."""


def test_what_a_callable_raises_comes_out(bars):
    calls = []

    def tenth_time(x):
        calls.append(x)
        if len(calls) == 10:
            raise Boom("bar 10")
        return np.ones(len(x))

    with pytest.raises(Boom, match="bar 10"):
        backtest(bars, tenth_time)
    assert len(backtest(bars, answers(1.0)).trades) > 5


def test_nan_ends_the_run(bars):
    with pytest.raises(EsbtError, match="the dynamic stop's hook gave NaN at bar"):
        backtest(bars, answers(1.0, 1.0, math.nan))


ONLY = "is of an open position: only EntryModel(dynamic=DynamicStop(...)) may ask for it"
WRONG = {
    "an input's slip": ({"inputs": ["bars_hold"]}, "unknown model input 'bars_hold'; did you mean 'bars_held'?"),
    "bounds": ({"bounds": (2.0, 1.0)}, "DynamicStop.bounds must be 0 < low <= high, got (2.0, 1.0)"),
    "regime bounds": ({"regime": "move(1)", "regime_bounds": (0.0, 1.0)}, "DynamicStop.regime_bounds must be 0 < low <= high"),
    "regime bounds alone": ({"regime_bounds": (0.7, 1.5)}, "DynamicStop.regime_bounds=(0.7, 1.5) needs regime"),
    "regime": ({"regime": "mvoe(1)"}, "unknown feature 'mvoe(1)'; did you mean 'move(1)'?"),
    "a regime that is no feature": ({"regime": "side"}, "unknown feature 'side'"),
    "smoothing of 0": ({"smoothing": 0.0}, "DynamicStop.smoothing is the weight of the new answer in (0, 1], got 0.0"),
    "smoothing": ({"smoothing": math.nan}, "DynamicStop.smoothing is the weight"),
    "loosen": ({"loosen": "no"}, "DynamicStop.loosen must be True or False, got 'no'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_words_that_cannot_be(bars, name):
    words, message = WRONG[name]
    with pytest.raises(EsbtError) as caught:
        backtest(bars, answers(1.0), **words)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", POSITION_INPUTS)
@pytest.mark.parametrize("which", ["stop", "confidence"])
def test_a_position_is_not_known_at_the_signal(bars, name, which):
    """Nor is it proposed for a slip of the pen there."""
    columns = esbt.features(bars, ["move(1)"])
    for asked, message in ((name, f"model input {name!r} {ONLY}"), (name[:-1], f"unknown model input {name[:-1]!r}")):
        with pytest.raises(EsbtError) as caught:
            esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(columns, **{which: esbt.Ask(answers(1.0), [asked])}))
        assert message in str(caught.value)
        assert f"did you mean {name!r}" not in str(caught.value)


def test_what_is_no_question(bars):
    columns = plain_features(x=np.zeros(len(bars)))
    for dynamic, message in (
        (esbt.Ask(answers(1.0), ["side"]), "dynamic must be esbt.DynamicStop(ask), got Ask"),
        (esbt.DynamicStop(answers(1.0)), "DynamicStop needs esbt.Ask(hook, inputs), got function"),
    ):
        with pytest.raises(EsbtError) as caught:
            esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(columns, dynamic=dynamic))
        assert message in str(caught.value)
