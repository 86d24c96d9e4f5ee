"""Words of other backtesters, and our own in the wrong place: the error says what is meant here, wherever the word was written."""

import inspect
import re

import pytest

import esbt
from esbt.errors import EsbtError, did_you_mean
from esbt.rival_words import RIVALS, meaning, place_of
from python_models import Learning, RunConfig  # loaded, so that all places are known


def message(call, **words):
    with pytest.raises(EsbtError) as caught:
        call(**words)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture(scope="module")
def bars():
    return esbt.synthetic_bars(days=1, interval="1h")


EVERY_RIVAL = {
    "sl_stop", "tp_stop", "tsl_stop", "sl_trail", "stoploss", "fees", "fixed_fees", "commission", "init_cash", "initial_cash", "cash_start",
    "capital_base", "initial_capital", "starting_balances", "slippage", "slip_fixed", "margin", "mult", "multiplier", "size_type",
    "trade_on_close", "sl", "tp", "trailing_stop", "hold_bars", "atr_multiplier", "freq", "seed", "direction", "same_bar", "gap_fill",
    "limit_through_ticks", "scale_out", "position_adjustment_enable", "adjust_trade_position", "scale_in", "pyramiding", "exectype",
    "order_type", "limit_price", "stop_price", "limit", "stop", "custom_entry_price", "custom_stoploss", "valid", "valid_till", "expiry",
    "time_in_force", "tif", "unfilledtimeout", "spread", "bid_ask",
}  # fmt: skip


def test_the_words_users_carry_are_in_the_table():
    assert set(RIVALS) >= EVERY_RIVAL


@pytest.mark.parametrize("word", sorted(EVERY_RIVAL))
@pytest.mark.parametrize("where", ["backtest", "strategy", "TOML account"])
def test_a_rivals_word_is_explained_wherever_it_is_written(bars, word, where):
    """In the keywords of a backtest, of a strategy, and in TOML: the word itself, ours, and the phrase on the unit."""
    call, words = {
        "backtest": (lambda **w: esbt.backtest(bars, esbt.AtrStrategy(), **w), {word: 1}),
        "strategy": (esbt.AtrStrategy, {word: 1}),
        "TOML account": (RunConfig, {"account": {word: 1}}),
    }[where]
    text = message(call, **words)
    assert f"unknown parameter {word!r}" in text
    assert RIVALS[word].note in text
    known = [name for name in RIVALS[word].ours if place_of(name)]
    assert any(re.search(rf"\b{name}\b", text) for name in known) or f"there is no {word!r}" in text
    assert "did you mean" not in text


def test_no_row_points_to_a_name_of_ours_that_was_renamed():
    """Every name in a row is of some settings, or a keyword of a backtest; no word of a row is a name of ours (but `seed`)."""
    keywords = inspect.signature(esbt.backtest).parameters
    for word, rival in RIVALS.items():
        assert all(place_of(name) or name in keywords for name in rival.ours), word
        assert word == "seed" or place_of(word) is None, f"{word} is a name of ours"


def test_what_is_said(bars):
    """The very words, once each kind."""
    assert did_you_mean("fees", esbt.Account.model_fields) == (
        "; it is fee_usd here: a fraction of the value there; USD per contract and side here"
    )
    assert message(esbt.AtrStrategy, init_cash=5) == (
        "unknown parameter 'init_cash'; it is cash here, of esbt.backtest(...) or [account]: the same: the account's USD at the start"
    )
    assert "; it is stop_atr" in message(esbt.AtrStrategy, sl_stop=0.02)
    assert message(esbt.AtrStrategy, valid_till=3) == (
        "unknown parameter 'valid_till'; it is entry_bars here: a time or a duration there; bars that the order may fill in here"
    )
    assert "; it is model here" in message(lambda: esbt.backtest(bars, esbt.AtrStrategy(), custom_stoploss=print))
    assert "; it is model here, of esbt.backtest(...): a function asked in every bar" in message(esbt.AtrStrategy, custom_stoploss=print)
    assert "EntryModel(dynamic=DynamicStop(...))" in message(esbt.AtrStrategy, custom_stoploss=print)
    assert "; it is scale1_r or scale1_share here: up to two parts leave" in message(esbt.AtrStrategy, scale_out=0.5)
    text = message(lambda: esbt.backtest(bars, esbt.AtrStrategy(), margin=0.1))
    assert text.startswith("unknown parameter 'margin'; there is no 'margin': margin is not modelled")


def test_a_name_of_ours_in_the_wrong_place_is_sent_to_the_right_one(bars):
    assert message(esbt.AtrStrategy, cash=5) == "unknown parameter 'cash'; 'cash' belongs to esbt.backtest(...) or [account]"
    text = message(lambda: esbt.backtest(bars, esbt.AtrStrategy(), stop_atr=2.0))
    assert text == "unknown parameter 'stop_atr'; 'stop_atr' belongs to the strategy: AtrStrategy(...), Signals(...) or [strategy]"
    assert message(esbt.AtrStrategy, model=3).endswith("'model' belongs to esbt.backtest(...)")
    assert message(esbt.Signals, values=[0], fast=3).endswith("'fast' belongs to AtrStrategy(...) or [strategy]")
    assert message(esbt.Account, folds=3).endswith("'folds' belongs to [learning] of `esbt run`")
    assert "[synthetic] or [learning]" in message(esbt.AtrStrategy, seed=3)
    assert message(RunConfig, strategy={"slippage_ticks": 3}).endswith("'slippage_ticks' belongs to esbt.backtest(...) or [account]")
    assert Learning().folds  # the settings that own the word


def test_other_unknown_words_are_as_before():
    """A slip of the pen is still met with the nearest name; words of other kinds are not taken for parameters."""
    assert message(esbt.AtrStrategy, fats=3) == "unknown parameter 'fats'; did you mean 'fast'?"
    assert meaning("fats", esbt.AtrStrategy.model_fields) is None
    assert message(esbt.instrument, x="margin").startswith("unknown instrument 'margin'; known:")


def test_a_users_own_strategy_keeps_its_words():
    class Mine(esbt.Exits):
        fees_seen: int = 0

    assert message(Mine, fees_sen=1).endswith("did you mean 'fees_seen'?")
    assert message(esbt.AtrStrategy, fees_seen=1).startswith("unknown parameter 'fees_seen'; ")
    assert place_of("fees_seen") is None
