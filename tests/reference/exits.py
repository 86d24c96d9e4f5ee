"""How a position of the twin leaves: at an open, inside a bar, at a close (steps 1, 3 and 4 of docs/rulebook.md), whole or in parts.

Each function gives the exits in their order and changes nothing; the simulator books them. To add an exit: its line in the step it
belongs to. How the bar of a resting order's fill is read is in entries.py.
"""

from collections.abc import Sequence
from dataclasses import replace

from reference.records import Bar, Exit, Part, Position, Rules


def at_open(position: Position, price: int, slip: int) -> list[Exit]:
    """Step 1: resting orders meet an open. A gap fills at the open, not at the level. `slip` is the exit's in this bar."""
    s = position.side
    if s * (price - position.stop) <= 0:
        return [Exit(price - s * slip, position.stop_reason, (price,))]
    exits: list[Exit] = []
    rest: Position | None = position
    while rest is not None:
        level, part = nearest_target(rest)
        if s * (price - level) < 0:
            break
        exits.append(Exit(price, "target" if part is None else "scale_out", (price,), part=part))
        rest = without(rest, exits[-1:])
    return exits


def inside(position: Position, bar: Bar, rules: Rules, slip: int, finer: Sequence[Bar], *, walking: bool = False) -> list[Exit]:
    """Step 3, done again with what is left for as long as something leaves. `walking`: the finer bars decide already."""
    hits = hits_inside(position, bar, rules, slip, finer, walking=walking)
    rest = without(position, hits)
    if not hits or rest is None:
        return hits
    # In this mode only the finer bars leave a doubtful bar without the stop.
    return hits + inside(rest, bar, rules, slip, finer, walking=walking or (rules.path == "finer" and hits[0].ambiguous))


def hits_inside(position: Position, bar: Bar, rules: Rules, slip: int, finer: Sequence[Bar], *, walking: bool = False) -> list[Exit]:
    """Step 3 once: the range of a bar meets the stop and the nearest target; `path` settles a bar that holds both."""
    s = position.side
    adverse, favourable = extremes(bar, s)
    level, part = nearest_target(position)
    stopped = s * (adverse - position.stop) <= 0
    reached = s * (favourable - level) >= rules.target_through_ticks
    stop_exit = Exit(position.stop - s * slip, position.stop_reason, (bar.open, position.stop), stopped and reached)
    target_exit = Exit(level, "target" if part is None else "scale_out", (bar.open, level), stopped and reached, part)
    if not stopped and not reached:
        return []
    if stopped and not reached and not walking:
        return [stop_exit]
    if reached and not stopped:
        return [target_exit]
    if rules.path == "finer":
        for small in finer:
            # A finer bar that holds both takes the stop, which is what `worst` does.
            hits = at_open(position, small.open, slip) or hits_inside(position, small, replace(rules, path="worst"), slip, ())
            if hits:
                return [replace(hit, seen=(bar.open, hit.seen[-1]), ambiguous=True) for hit in hits]
    takes_target = rules.path == "best" or (rules.path == "nearest" and not adverse_first(bar, s))
    return [target_exit if takes_target else stop_exit]


def ending(position: Position, bars: Sequence[Bar], j: int, rules: Rules, limit: str | None) -> str | None:
    """Step 4: why a position ends at the close of bar j, if it does; `limit` is the daily limit that the session's P&L has reached."""
    if j == len(bars) - 1:
        return "end_of_data"
    if last_of_segment(bars, j):
        return "contract_end"
    if rules.flat_at_close and last_of_session(bars, j):
        return "session_close"
    if limit is not None:
        return limit
    return "max_bars" if j - position.entry_bar + 1 >= rules.max_bars else None


def extremes(bar: Bar, side: int) -> tuple[int, int]:
    """The adverse and the favourable extreme of a bar."""
    return (bar.low, bar.high) if side > 0 else (bar.high, bar.low)


def adverse_first(bar: Bar, side: int) -> bool:
    """The open runs to its nearer extreme first; a tie to the adverse one."""
    adverse, favourable = extremes(bar, side)
    return abs(bar.open - adverse) <= abs(favourable - bar.open)


def nearest_target(position: Position) -> tuple[int, Part | None]:
    """The level that counts as "the target", and the part whose level it is; at equal levels a part before the target."""
    if position.parts and position.side * (position.parts[0].level - position.target) <= 0:
        return position.parts[0].level, position.parts[0]
    return position.target, None


def without(position: Position, exits: Sequence[Exit]) -> Position | None:
    """What is left of a position after these exits."""
    for how in exits:
        if how.part is None:
            return None
        parts = tuple(part for part in position.parts if part is not how.part)
        ambiguous = position.ambiguous or how.ambiguous  # what is left is left by the same reading of the bar
        seen = [*position.seen, how.seen[-1]]
        position = replace(position, contracts=position.contracts - how.part.contracts, parts=parts, ambiguous=ambiguous, seen=seen)
    return position


def last_of_segment(bars: Sequence[Bar], j: int) -> bool:
    return j == len(bars) - 1 or bars[j + 1].segment != bars[j].segment


def last_of_session(bars: Sequence[Bar], j: int) -> bool:
    return last_of_segment(bars, j) or bars[j + 1].session != bars[j].session


def no_entry_after(bars: Sequence[Bar], j: int, rules: Rules) -> bool:
    """True where no order may wait from bar j to the next."""
    return last_of_segment(bars, j) or (rules.flat_at_close and last_of_session(bars, j))


def excursions(position: Position, seen: Sequence[int]) -> tuple[int, int]:
    """The most adverse and the most favourable of the market prices seen, in ticks from the entry, never negative."""
    s = position.side
    return max(0, *(s * (position.entry - price) for price in seen)), max(0, *(s * (price - position.entry) for price in seen))
