"""The law of the sweep engine: a lane's totals, daily P&L and skipped signals are those of its own `_core.simulate`, bit for bit, for each
target and number of threads; and what is run densely, eight lanes abreast, and what is stepped is what docs/sweeps.md says.

    pytest tests/test_sweep_engine.py                  some hundred markets for each target, the same ones every time
    ESBT_NIGHTLY=1 pytest tests/test_sweep_engine.py   twenty times as many, and other ones every night
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from lane_cases import AXES, plans_of, rising_days
from lane_check import digest_of_a_table

from esbt import _core

NIGHTLY = os.environ.get("ESBT_NIGHTLY") == "1"
CASES = 6_000 if NIGHTLY else 200
FIRST = int(time.time()) // 86_400 * 100_000 if NIGHTLY else 0
TARGETS = ("baseline", "avx2")  # the second is the first where the machine has no AVX2


@pytest.fixture(scope="module")
def said():
    """What happened in each target's process. It fails where a lane is not its own run, and tells which."""
    path = os.pathsep.join(str(Path(file).parent) for file in (__file__, Path(_core.__file__).parent))  # this very core
    words = [sys.executable, "-P", "-m", "lane_check", str(FIRST), str(CASES)]
    running = {}
    for target in TARGETS:
        env = os.environ | {"PYTHONPATH": path, "ESBT_TARGET": target, "PYTHONDONTWRITEBYTECODE": "1"}
        running[target] = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    found = {}
    for target, child in running.items():
        out, error = child.communicate()
        assert child.returncode == 0, f"{target}: {error[-2000:]}"
        found[target] = json.loads(out)
        assert found[target]["core"] == _core.__file__
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_each_lane_is_its_own_run(said, target):
    seen = said[target]["random"]
    assert seen["cases"] == CASES
    assert seen["traded"] > 0.8 * CASES
    assert seen["trades"] > 500 * CASES
    assert seen["ruined"] > CASES
    assert 0.25 < seen["stepped"] / seen["lanes"] < 0.75  # each case's own number is compared where it is run
    assert [axis for axis in AXES if not said[target]["moved"].get(axis)] == []


def test_every_target_gives_the_same_bits(said):
    assert len({found["digest"] for found in said.values()}) == 1
    assert {found["table"] for found in said.values()} == {digest_of_a_table(threads=1)}


@pytest.fixture(scope="module", params=TARGETS)
def drawn(said, request):
    return said[request.param]["drawn"]


@pytest.mark.parametrize("word", ["won", "lost", "won and lost"])
def test_a_lane_whose_sums_pass_29_bits_is_stepped(drawn, word):
    """And no other: those beside it in its eight are as they were."""
    before, after = drawn[f"{word}, 60 days"], drawn[f"{word}, 400 days"]
    assert (before["stepped"], after["stepped"]) == (0, 6)
    units = np.array([1, 2, 3, 1, 2, 3]) * 8
    assert (np.array(after["won_e4"][:6]) / units > 2**29).tolist() == [word != "lost"] * 6
    assert (np.abs(after["net_e4"][:6]) / units > 2**29).tolist() == [word != "won and lost"] * 6
    assert min(after["trades"][6:]) >= 400


def test_a_ruined_account_is_told_from_the_others(drawn):
    assert drawn["ruined"]["ruined"] == [1, 1, 0, 0]
    assert drawn["ruined"]["stepped"] == 0


def test_coupled_rules_are_stepped_beside_dense_lanes(drawn):
    assert drawn["mixed"]["stepped"] == 10
    assert len(set(drawn["mixed"]["net_e4"])) > 5


def test_what_does_not_fit_is_stepped(drawn):
    for name in ("wide", "odd fee"):
        assert drawn[name]["stepped"] == len(drawn[name]["trades"]), name
        assert min(drawn[name]["trades"]) > 0, name


def test_markets_with_nothing_to_do(drawn):
    assert set(drawn["no signal"]["trades"]) == set(drawn["no bars"]["trades"]) == {0}
    assert drawn["no exits"]["trades"] == [3]


MARKET = rising_days(4, climb=3)
LANES = [{"stop_ticks": k} for k in (5, 9)]


def run(**words):
    given = {"bars": MARKET.core, "day": MARKET.day, "signals": MARKET.signals, "atr": MARKET.atr, "plans": plans_of(LANES)}
    return _core.run_lanes(**(given | words))


def test_nothing_asked_for_is_nothing_given():
    totals, daily, stepped = run(plans=plans_of(LANES)[:0], daily=True)
    assert (len(totals), daily.shape, stepped) == (0, (0, 4), 0)
    totals, daily, _ = run()
    assert daily is None
    assert totals["trades"].tolist() == [8, 4]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"day": MARKET.day[:-1]}, "day"),
        ({"day": MARKET.day[::-1].copy()}, "day falls at bar 10"),
        ({"day": np.arange(40, dtype=np.int32)}, "day changes within a session, after bar 0"),
        ({"signals": MARKET.signals[1:]}, "signals"),
        ({"atr": np.append(MARKET.atr, 1.0)}, "atr"),
        ({"fees_e4": np.zeros(3, np.int64)}, "fees_e4"),
        ({"slips": np.zeros(41, np.int32)}, "slips"),
        ({"threads": 0}, "threads"),
        ({"threads": -2}, "threads"),
        ({"finer": MARKET.core}, "finer and finer_first go together"),
        ({"plans": plans_of([*LANES, {"path": 3}])}, "path 'finer' needs finer bars"),
        ({"plans": plans_of([*LANES, {"reverse": 1, "latency_bars": 2}])}, "reverse excludes latency_bars"),
    ],
)
def test_refusals(words, message):
    with pytest.raises(ValueError, match=message):
        run(**words)


@pytest.mark.parametrize("threads", [1, 3])
def test_money_beyond_what_can_be_counted_is_refused(threads):
    """Of one lane among many, whichever thread meets it."""
    lanes = [{"stop_ticks": 5}] * 20 + [{"stop_ticks": 5, "contracts": 2_000_000}]
    with pytest.raises(OverflowError, match="2000000"):
        run(plans=plans_of(lanes), threads=threads)
