"""The cases of the mutation run: every drawn scenario, as drawn and in the mirror, and random ones of every family of markets.py, the same
ones every time. Those that neither meets are in edges.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markets import FAMILIES, drawn_markets, rules, seeded_markets
from reference.records import Bar, Model, Rules
from test_differential import MODELS
from test_scenarios import SCENARIOS, mirrored, model_of

SAME_EVERY_TIME = settings(derandomize=True, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Case:
    """What one run is given.

    plan: the core's, where that is not the twin's rules in the core's words. alone: whether each signal may be run alone too; the answers
    drawn for a dynamic stop are those of the one run.
    """

    name: str
    bars: Sequence[Bar]
    signals: Sequence[int]
    atr: Sequence[float]
    rules: Rules
    model: Model | None = None
    finer: Sequence[Sequence[Bar]] | None = None
    plan: np.ndarray | None = None
    alone: bool = True


def drawn_cases() -> Iterator[Case]:
    for drawn in SCENARIOS:
        for s, word in ((drawn, "drawn"), (mirrored(drawn), "mirrored")):
            finer = [s.finer.get(j, []) for j in range(len(s.bars))] if s.finer else None
            model = model_of(s)
            alone = model is None or model.dynamic is None
            yield Case(f"{s.name} {word}", s.bars, s.signals, s.atr, s.rules, model, finer, alone=alone)


def random_cases(examples: int) -> Iterator[Case]:
    """So many of every family in each kind of market: far from zero, around zero, and short ones drawn bar by bar."""
    kinds = {"far": seeded_markets(), "near": seeded_markets(base=-20), "short": drawn_markets()}
    for family in FAMILIES:
        model = MODELS.get(family, st.none())
        for kind, markets in kinds.items():
            drawn = collected(st.tuples(markets, rules(family), model), examples)
            for i, (market, plan, learned) in enumerate(drawn):
                yield Case(f"random {family} {kind} {i}", market.bars, market.signals, market.atr, plan, learned, market.finer)


def collected(values: st.SearchStrategy, examples: int) -> list:
    """So many values of a strategy, the same ones every time."""
    found = []

    @settings(SAME_EVERY_TIME, max_examples=examples)
    @given(values)
    def collect(value):
        found.append(value)

    collect()
    return found
