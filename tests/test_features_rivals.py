"""The benchmarks of features cannot rot: the rivals still say what we say, and a rival that says something else is found out.

Small sizes, nothing is timed. TA-Lib comes with an extra; Polars is what esbt itself stands on.
"""

import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))  # at the end: nothing installed may be shadowed

import workload  # noqa: E402
from rivals.feature_agreement import require_same_values  # noqa: E402

from esbt.features.registry import column  # noqa: E402

RIVALS = {"TaLib": "rivals.feature_talib", "PolarsRolling": "rivals.feature_polars"}


def rival(name, bars):
    if name == "TaLib":
        pytest.importorskip("talib", reason="the wheel TA-Lib is not installed")
    return getattr(import_module(RIVALS[name]), name)(bars)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_says_what_we_say(name):
    bars = workload.market(20_000)
    theirs = rival(name, bars)
    assert len(theirs.columns) >= 10
    assert [column(spelling).name for spelling in theirs.columns] == list(theirs.columns)
    require_same_values(bars, theirs)


@pytest.mark.parametrize("name", RIVALS)
def test_one_wrong_value_is_found(name):
    bars = workload.market(20_000)
    theirs = rival(name, bars)
    said = theirs.values(theirs.run())
    for wrong in theirs.columns[::4]:
        worse = dict(said)
        worse[wrong] = said[wrong].copy()
        worse[wrong][15_000] += 0.01 * abs(said[wrong][10_000:]).mean()
        theirs.values = lambda _, worse=worse: worse
        with pytest.raises(AssertionError, match="differs from"):
            require_same_values(bars, theirs)


def test_too_few_bars_say_nothing():
    bars = workload.market(1_100)
    with pytest.raises(AssertionError, match="take more bars"):
        require_same_values(bars, rival("PolarsRolling", bars))
