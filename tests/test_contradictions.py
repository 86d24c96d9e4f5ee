"""Rules of a strategy that contradict one another are one clear error; those that only look so pass, and reach the core's plan as given."""

import numpy as np
import pytest

import esbt
from esbt.errors import EsbtError
from python_models import RunConfig

BAD = {
    "a resting entry without its level": (
        esbt.AtrStrategy, {"entry": "limit"}, "entry='limit' needs its distance from the close (0: at it): give entry_offset_atr or"
    ),
    "a level without a resting entry": (
        esbt.AtrStrategy, {"entry_offset_ticks": 0}, "entry_offset_ticks is the distance of a stop or limit entry: set entry to 'stop' or"
    ),
    "a wait without a resting entry": (
        esbt.AtrStrategy, {"entry_bars": None}, "how long a stop or limit entry waits, got entry_bars=None with entry='market'"
    ),
    "trade-through of a stop entry": (
        esbt.AtrStrategy, {"entry": "stop", "entry_offset_ticks": 1, "entry_through_ticks": 1},
        "entry_through_ticks is of a limit entry, got entry_through_ticks=1 with entry='stop'",
    ),
    "reverse with a resting entry": (
        esbt.AtrStrategy, {"entry": "stop", "entry_offset_ticks": 1, "reverse": True}, "reverse needs market entries, got entry='stop'"
    ),
    "reverse and latency": (esbt.AtrStrategy, {"reverse": True, "latency_bars": 2}, "reverse and latency_bars exclude each other"),
    "entry": (esbt.AtrStrategy, {"entry": "stop_limit"}, "entry: should be 'market', 'stop' or 'limit', got 'stop_limit'"),
    "an offset below 0": (
        esbt.AtrStrategy, {"entry": "stop", "entry_offset_atr": -0.1}, "entry_offset_atr: should be greater than or equal to 0, got -0.1"
    ),
    "no bar to wait in": (esbt.AtrStrategy, {"entry_bars": 0}, "entry_bars: should be greater than or equal to 1, got 0"),
    "a part without its share": (esbt.AtrStrategy, {"scale1_r": 1.0}, "scale1_r needs scale1_share, how much of the position leaves there"),
    "a share without its level": (esbt.AtrStrategy, {"scale1_share": 0.5}, "scale1_share needs scale1_r, where the part leaves"),
    "a stop of no part": (esbt.AtrStrategy, {"scale1_stop_r": 0.0}, "scale1_stop_r needs scale1_r"),
    "a second part alone": (esbt.AtrStrategy, {"scale2_r": 1.0, "scale2_share": 0.5}, "scale2_r needs scale1_r: the first part to leave"),
    "parts without a stop": (
        esbt.AtrStrategy, {"stop_atr": None, "target_r": None, "scale1_r": 1.0, "scale1_share": 0.5},
        "scale1_r is a multiple of the stop distance: give stop_atr or stop_ticks",
    ),
    "parts in disorder": (
        esbt.AtrStrategy, {"scale1_r": 1.5, "scale1_share": 0.5, "scale2_r": 1.5, "scale2_share": 0.25},
        "scale1_r must be below scale2_r, got scale1_r=1.5 and scale2_r=1.5",
    ),
    "parts that leave nothing": (
        esbt.AtrStrategy, {"scale1_r": 1.0, "scale1_share": 0.7, "scale2_r": 1.5, "scale2_share": 0.3},
        "must leave something for the target, got 0.7 and 0.3: together less than 1",
    ),
    "a part of everything": (esbt.AtrStrategy, {"scale1_r": 1.0, "scale1_share": 1.0}, "scale1_share: should be less than 1, got 1.0"),
    "a part beyond the target": (
        esbt.AtrStrategy, {"scale1_r": 2.5, "scale1_share": 0.5}, "a part beyond the target never leaves, got scale1_r=2.5 and target_r=2.0"
    ),
    "a run with parts of no contract": (
        RunConfig, {"strategy": esbt.AtrStrategy(scale1_r=1.0, scale1_share=0.5)}, "scale1_share=0.5 of 1 contract is less than one: give a"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_contradiction_is_one_clear_line(name):
    kind, settings, words = BAD[name]
    with pytest.raises(EsbtError) as caught:
        kind(**settings)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert message.count(";") == 0


OFTEN = {
    "stop_ticks alone is a stop": {"stop_atr": None, "stop_ticks": 8, "scale1_r": 1.0, "scale1_share": 0.5},
    "a part at the target": {"scale1_r": 2.0, "scale1_share": 0.5},
    "a part beyond a target in ticks": {"target_r": None, "target_ticks": 8, "scale1_r": 9.0, "scale1_share": 0.5},
    "two parts, a third left": {"scale1_r": 1.0, "scale1_share": 0.34, "scale2_r": 1.5, "scale2_share": 0.33, "scale2_stop_r": -1.0},
    "a limit at the close": {"entry": "limit", "entry_offset_ticks": 0, "entry_bars": None, "entry_through_ticks": 2, "latency_bars": 3},
    "a stop entry by both": {"entry": "stop", "entry_offset_ticks": 5, "entry_offset_atr": 0.5, "entry_bars": 7},
}


@pytest.mark.parametrize("name", OFTEN)
def test_what_looks_like_a_contradiction_and_is_none(name):
    """And each passes to another strategy by `exits`, and into the plan as it was given."""
    strategy = esbt.AtrStrategy(**OFTEN[name])
    assert esbt.Signals(values=[0], **strategy.exits()).exits() == strategy.exits()
    plan = esbt.Account(size=9).plan(strategy, esbt.instrument("ES"))[0]
    for word, given in OFTEN[name].items():
        in_plan = {"entry": ("market", "stop", "limit").index(given) if word == "entry" else 0, "entry_bars": given or 2**31 - 1}
        assert plan[word] == in_plan.get(word, np.inf if given is None else given)


def test_what_is_off_is_beyond_any_market_in_the_plan():
    off = esbt.AtrStrategy(stop_atr=None, target_r=None)
    plan = esbt.Account().plan(off, esbt.instrument("ES"))[0]
    assert {plan[name] for name in ("stop_atr", "target_r", "entry_offset_atr", "scale1_r", "scale2_r")} == {np.inf}
    assert {plan[name] for name in ("scale1_stop_r", "scale2_stop_r")} == {-np.inf}
    assert {plan[name] for name in ("entry", "entry_through_ticks", "scale1_share", "scale2_share")} == {0}
    assert (plan["entry_bars"], plan["entry_offset_ticks"]) == (1, 1 << 28)
    limits = esbt.Account().plan(esbt.AtrStrategy(daily_loss=500.25), esbt.instrument("ES"))[0]
    assert (limits["daily_loss_e4"], limits["daily_profit_e4"]) == (5_002_500, 2**63 - 1)
    with pytest.raises(EsbtError, match=r"daily_loss 0.00001 USD|daily_loss 1e-05 USD is finer than 0.0001 USD"):
        esbt.Account().plan(esbt.AtrStrategy(daily_loss=0.00001), esbt.instrument("ES"))
