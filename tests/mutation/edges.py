"""Cases at the ends of the core's ranges and where rarely met rules meet, by hand: what neither drawings nor random markets come across.

The twin gives their answers, as it does of all cases.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bridge import core_plan
from mutation.cases import Case
from reference.records import NO_LIMIT, OFF, Bar, Model, Rules

HIGH = 2**26
FLAT = Bar(0, 0, 0, 0)
UP, DOWN = Bar(-HIGH, HIGH, -HIGH, HIGH), Bar(HIGH, HIGH, -HIGH, -HIGH)
NO_EXITS = {"stop_atr": OFF, "target_r": OFF, "slippage_ticks": 0}


def case(  # noqa: PLR0917 - in the order of a case
    name: str, bars: Sequence[Bar], signals: Sequence[int], rules: Rules, atr: float = math.nan, model: Model | None = None
) -> Case:
    """A case of one ATR; signals after those given are none."""
    padded = [*signals, *[0] * (len(bars) - len(signals))]
    return Case(f"edge {name}", bars, padded, [atr] * len(bars), rules, model)


def edge_cases() -> Iterator[Case]:
    yield from money()
    yield from distances()
    yield from turns()
    yield from holes()


def money() -> Iterator[Case]:
    """A bar of UP or DOWN is worth 2**60 to the largest position; 2**61 is the most that may be won or lost."""

    def rules(**changed: object) -> Rules:
        return Rules(**NO_EXITS | {"max_bars": 1, "contracts": 2**20, "tick_value_e4": 2**13} | changed)

    for side, word in ((1, "long"), (-1, "short")):
        won, lost = (UP, DOWN) if side > 0 else (DOWN, UP)
        for bar, end in ((won, "won"), (lost, "lost")):
            yield case(f"{word} all that may be {end}", [FLAT, bar, bar, FLAT], [side, side], rules())
            yield case(f"{word} all that may be {end} and fees", [FLAT, bar, bar, FLAT, FLAT], [side] * 3, rules(fee_e4=1))
            yield case(f"{word} {end} a third time", [FLAT, bar, bar, bar, FLAT], [side] * 3, rules())
        yield case(f"{word} a tick beyond the largest position", [FLAT, won, FLAT], [side], rules(tick_value_e4=2**13 + 1))
        yield case(f"{word} a contract beyond the largest position", [FLAT, won, FLAT], [side], rules(contracts=2**20 + 1))
    drawdown = Model(stop=lambda bar, side, stop_atr, drawdown: 1.0 + drawdown)
    bars = [Bar(100, 100, 100, 100), Bar(100, 100, 80, 80), *[Bar(80, 90, 60, 80)] * 4]
    yield case("all but the last of the cash lost", bars, [1, 1, 1, 1], Rules(cash_e4=1), 5.0, drawdown)
    yield replace(case("no cash at all", bars, [1], Rules(), 5.0, drawdown), plan=core_plan(Rules(cash_e4=0)))
    # One unit of money short of a contract, for a trade that stands alone too.
    short = Rules(**NO_EXITS | {"stop_ticks": 10, "sizing": "risk", "risk_fraction": 1.0, "tick_value_e4": 100, "cash_e4": 999})
    yield case("a contract all but affordable", bars, [1], short)


def distances() -> Iterator[Case]:
    """Where an ATR is 0, nothing is nearer than a tick; where it is boundless, slippage stays countable."""
    bars = [Bar(100, 100, 100, 100), Bar(100, 100, 100, 100), Bar(100, 100, 100, 100), Bar(100, 101, 99, 99), Bar(99, 102, 98, 100)]
    nearest = {"slippage_ticks": 0, "fee_e4": 0}
    asked = Model(dynamic=lambda *_: 1.0)
    for side in (1, -1):
        yield case(f"no range {side}", bars, [side], Rules(**nearest), 0.0)
        yield case(f"no range and a model {side}", bars, [side], Rules(stop_ticks=5, **nearest), 0.0, asked)
        yield case(f"no range for a resting order {side}", bars, [side], Rules(entry="limit", entry_offset_atr=1.0, **nearest), 0.0)
        slipped = Rules(**NO_EXITS | {"slippage_ticks": HIGH})
        wide = core_plan(Rules(**NO_EXITS | {"slippage_atr": 1.0}))
        yield Case(f"edge slippage without bounds {side}", bars, [side, 0, 0, 0, 0], [1e12] * 5, slipped, plan=wide)


def turns() -> Iterator[Case]:
    """A position that turns, or sheds a part, among the rules of the day."""
    # The closed trades alone are beyond the limit, the position's gain is not: it may turn.
    bars = [Bar(100, 100, 100, 100), Bar(100, 100, 95, 95), Bar(90, 90, 82, 82), Bar(82, 90, 82, 90), Bar(90, 90, 90, 90)]
    for loss, profit in ((1_000_000, NO_LIMIT), (NO_LIMIT, 1_000_000)):
        rules = Rules(**NO_EXITS | {"reverse": True, "daily_loss_e4": loss, "daily_profit_e4": profit})
        yield case(f"turns though the closed trades alone may not {loss}", bars, [1, -1, 1], rules)
        yield case(f"turns though the closed trades alone may not {loss}, short", bars, [-1, 1, -1], rules)
    # A part has moved the stop; from the next close on the dynamic stop may loosen it again.
    bars = [Bar(100, 100, 100, 100), Bar(100, 106, 100, 104), Bar(104, 105, 101, 103), Bar(103, 103, 95, 98), Bar(98, 98, 98, 98)]
    parts = Rules(stop_atr=1.0, slippage_ticks=0, scale1_r=0.5, scale1_share=0.5, scale1_stop_r=0.0, contracts=2)
    yield case("looser after a part", bars, [1], parts, 10.0, Model(dynamic=lambda *_: 3.0, loosen=True))


def holes() -> Iterator[Case]:
    """A stop order that fills in a bar without finer bars: by worst it is out at the stop, where the low perhaps came after the fill."""
    bars = [Bar(100, 101, 99, 100), Bar(100, 106, 92, 100), Bar(100, 101, 99, 100)]
    rules = Rules(stop_atr=1.0, slippage_ticks=0, entry="stop", entry_offset_ticks=4, path="finer")
    for finer in ([[], [], []], [[bars[0]], [], [bars[2]]]):
        yield replace(case(f"no finer bars of the entry bar, {len(finer[0])} before", bars, [1], rules, 10.0), finer=finer)
