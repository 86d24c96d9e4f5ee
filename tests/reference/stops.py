"""How the stop of the twin's open position moves: step 5 of docs/rulebook.md, with the dynamic stop and the moves that parts leave behind.

Books no entry and no exit. To add a move: its line in `move_levels`, in the rulebook's order.
"""

import math
from collections.abc import Sequence

from reference.entries import ticks
from reference.exits import excursions
from reference.records import OFF, Bar, Exit, Model, Position, Rules


def move_levels(position: Position, atr: float, rules: Rules) -> None:
    """Trailing, chandelier, break-even, each only if it tightens. `seen` already holds this bar."""
    s = position.side
    best = max(position.seen) if s > 0 else min(position.seen)
    tighten(position, best - s * position.trail_distance, "trail")
    if not math.isnan(atr):
        tighten(position, best - s * ticks(rules.chandelier_atr * atr if rules.chandelier_atr < OFF else OFF), "trail")
    if s * (best - position.entry) >= rules.break_even_r * position.stop_distance:
        tighten(position, position.entry + s * rules.break_even_offset_ticks, "break_even")


def stop_in_atr(model: Model, position: Position, bar: Bar, j: int, atr: float, drawdown: float) -> float | None:  # noqa: PLR0917
    """The dynamic stop at the close of bar j: what the model says, within its bounds, made calmer by a regime and by smoothing."""
    if model.dynamic is None or math.isnan(atr) or atr <= 0.0:
        return None
    s = position.side
    mae, mfe = excursions(position, position.seen)
    bars_held = j - position.entry_bar + 1
    per_atr = 1.0 / atr
    open_atr, stop_now_atr = s * (bar.close - position.entry) * per_atr, s * (bar.close - position.stop) * per_atr
    k = model.dynamic(j, s, position.multiple, drawdown, bars_held, open_atr, mae * per_atr, mfe * per_atr, stop_now_atr)
    regime = math.nan if model.regime is None else model.regime(j)
    if not math.isnan(regime):
        k *= min(max(regime, model.regime_low), model.regime_high)
    k = min(max(k, model.dynamic_low), model.dynamic_high)
    before = position.multiple if position.multiple < OFF else k
    return model.smoothing * k + (1.0 - model.smoothing) * before


def move_by_model(position: Position, bar: Bar, multiple: float | None, atr: float, model: Model) -> None:
    """The dynamic stop: so many ATR from the close, nearer only, or wherever it lies with `loosen`. None where the model was not asked."""
    if multiple is None:
        return
    level = bar.close - position.side * ticks(multiple * atr)
    position.multiple = multiple
    if model.loosen and level != position.stop:  # what last moved the stop is its reason
        position.stop, position.stop_reason = level, "dynamic_stop"
    tighten(position, level, "dynamic_stop")


def after_parts(position: Position, exits: Sequence[Exit]) -> None:
    """What the parts that left in this bar leave behind for the stop, in their order in the rules."""
    for how in exits:
        if how.part is not None and how.part.stop_after is not None:
            tighten(position, how.part.stop_after, "break_even")


def tighten(position: Position, level: int, reason: str) -> None:
    """Take `level` as the stop if it lies nearer to the market's favourable side."""
    if position.side * (level - position.stop) > 0:
        position.stop = level
        position.stop_reason = reason
