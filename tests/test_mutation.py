"""The mutation run (scripts/mutate.py) itself: its list of equivalent mutants holds what it should, its runner tells right from wrong.

The run over all mutants takes half an hour and is not part of the tests.
"""

import importlib.util
from pathlib import Path

import pytest
from mutation.mutants import CORE, SWEEP, equivalents, headers, mutants

ROOT = Path(__file__).parents[1]
# One change in each header that has rules, none of which a test could miss.
PLAIN_WRONG = [
    ("exits.hpp", "if (open <= p.stop)", "if (open < p.stop)"),
    ("fill.hpp", "close - distance : close + distance", "close + distance : close + distance"),
    ("equity.hpp", "contracts -= t->contracts;", ""),
    ("dynamic.hpp", "j - p.entry_bar + 1", "j - p.entry_bar"),
]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("mutate", ROOT / "scripts" / "mutate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def home(script, tmp_path_factory):
    """A place where mutants can be tried, with a few cases; the unchanged core agrees with them, or this raises."""
    place = tmp_path_factory.mktemp("mutants") / "home"
    script.prepare(place, examples=12)
    return place


def test_the_run_covers_the_rules():
    assert {"fill.hpp", "exits.hpp", "step.hpp", "day.hpp", "size.hpp", "dynamic.hpp", "equity.hpp", "simulate.hpp"} <= set(headers())
    found = [mutant.name for header in headers() for mutant in mutants(header)]
    assert len(found) > 400
    assert len(set(found)) == len(found)
    assert min(len(list(mutants(header))) for header in SWEEP) > 10


def test_each_entry_of_the_list_names_a_mutant_and_says_why():
    names = {mutant.name for header in [*headers(), *SWEEP] for mutant in mutants(header)}
    listed = equivalents()
    assert [name for name in listed if name not in names] == []
    assert [name for name, why in listed.items() if len(why) < 10] == []


@pytest.mark.parametrize(("header", "right", "wrong"), PLAIN_WRONG, ids=[header for header, _, _ in PLAIN_WRONG])
def test_a_wrong_core_is_noticed(script, home, header, right, wrong):
    text = (CORE / header).read_text("utf-8")
    assert text.count(right) == 1
    mutant = script.Mutant(header, 0, "by hand", text.replace(right, wrong))
    assert script.verdict(home, "wrong", mutant).startswith("killed")
