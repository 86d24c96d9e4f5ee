"""How an order of the twin becomes a position: step 2 of docs/rulebook.md and its "Stop and limit entries", with the bar of such a fill.

An order meets bars until one fills it. A fill inside a bar leaves only part of that bar to the position, so it is read by a list of its
own. The simulator books what comes out. To add an entry: its word in Rules, its two tests in `meets`, its claims in `claims`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reference.account import Account, fee_at, fillable, size
from reference.exits import adverse_first, at_open, extremes, inside, nearest_target, no_entry_after, without
from reference.records import FAR, OFF, Bar, Exit, Order, Part, Position, Rules

NO, PERHAPS, SURELY = 0, 1, 2  # whether a bar that an order fills inside of holds a level after the fill


@dataclass(frozen=True)
class Fill:
    """Where an order fills: the market's price, before slippage, and whether inside the bar rather than at its open."""

    level: int
    inside: bool


def ticks(distance: float) -> int:
    """Whole ticks of a distance: rounded up, at least one, at most FAR."""
    if distance > FAR:
        return FAR
    return max(1, math.ceil(distance))


def order_level(order: Order, rules: Rules) -> int:
    """The price at which a stop or limit order rests: fixed at the signal."""
    offset = min(rules.entry_offset_atr * order.atr if rules.entry_offset_atr < OFF else OFF, rules.entry_offset_ticks)
    away = math.ceil(min(offset, FAR))
    return order.close + order.side * away if rules.entry == "stop" else order.close - order.side * away


def meets(order: Order, bar: Bar, rules: Rules) -> Fill | None:
    """The fill of a working order in a bar, if any: at its open, else inside."""
    s = order.side
    if rules.entry == "market":
        return Fill(bar.open, False)
    level = order_level(order, rules)
    adverse, favourable = extremes(bar, s)
    if rules.entry == "limit":
        if s * (bar.open - level) <= 0:
            return Fill(bar.open, False)
        return Fill(level, True) if s * (level - adverse) >= rules.entry_through_ticks else None
    if s * (bar.open - level) >= 0:
        return Fill(bar.open, False)
    return Fill(level, True) if s * (favourable - level) >= 0 else None


def expires(order: Order, bars: Sequence[Bar], j: int, rules: Rules) -> bool:
    """True where bar j is the last in which the order works."""
    return j - order.first_bar + 1 >= rules.entry_bars or no_entry_after(bars, j, rules)


def distances(order: Order, rules: Rules) -> tuple[float, int, int, int]:
    """Risk as a real number, then stop, target and trail in ticks. Of rules that are combined, the nearest level counts."""

    def in_atr(multiple: float) -> float:
        return multiple * order.atr if multiple < OFF else OFF

    risk = min(in_atr(order.stop_atr), rules.stop_ticks if rules.stop_ticks < FAR else OFF)
    r_target = rules.target_r * risk if max(rules.target_r, risk) < OFF else OFF
    target = min(ticks(r_target), ticks(in_atr(rules.target_atr)), rules.target_ticks)
    return risk, ticks(risk), target, min(ticks(in_atr(rules.trail_atr)), rules.trail_ticks)


def parts_of(side: int, fill: int, risk: float, contracts: int, rules: Rules) -> tuple[Part, ...]:
    """The parts that so many contracts leave in, nearest first; a part of no contract does not exist."""
    found = []
    for r, share, stop_r in (
        (rules.scale1_r, rules.scale1_share, rules.scale1_stop_r),
        (rules.scale2_r, rules.scale2_share, rules.scale2_stop_r),
    ):
        leaving = math.floor(share * contracts)
        if r < OFF and risk < OFF and leaving > 0:
            away = ticks(r * risk)
            stop_after = fill + side * math.floor(stop_r * ticks(risk)) if stop_r > -OFF else None
            found.append(Part(fill + side * away, leaving, away, stop_after))
    return tuple(sorted(found, key=lambda part: part.distance))


def entered(order: Order, fill: Fill, j: int, bar: Bar, account: Account, rules: Rules) -> Position | str:  # noqa: PLR0917
    """Step 2: the position that an order becomes where it fills in bar j, or why it becomes none."""
    s = order.side
    slip = rules.slippage_ticks + (math.ceil(rules.slippage_atr * order.atr) if rules.slippage_atr > 0.0 else 0)
    price = fill.level if rules.entry == "limit" else fill.level + s * (slip + bar.slip)
    risk, stop, target, trail = distances(order, rules)
    fee = fee_at(bar, rules)
    wanted = size(order, stop, account.closed_e4, fee, rules)
    if wanted <= 0:
        return "size"
    n = min(wanted, fillable(bar.volume, rules))
    if n <= 0:
        return "volume"
    return Position(
        s, n, order.signal_bar, j, fill.level, price, slip, price - s * stop, price + s * target, stop, target, trail, fee,
        order.confidence, order.stop_atr, parts_of(s, price, risk, n, rules),
    )  # fmt: skip


def entry_bar(order: Order, position: Position, bar: Bar, rules: Rules, finer: Sequence[Bar]) -> tuple[Position, list[Exit], bool]:
    """The rest of a bar inside which `order` filled at its level: the position (finer bars may fill it elsewhere), its exits in this bar,
    and whether all that comes later is ambiguous."""
    slip = position.slip + bar.slip
    if rules.path == "finer":
        for i, small in enumerate(finer):
            fill = meets(order, small, rules)
            if fill is not None:
                return by_finer_bars(position, fill, bar, finer[i:], rules)
        rules = replace(rules, path="worst")
    return position, *by_the_list(position, bar, rules, slip)


def by_the_list(position: Position, bar: Bar, rules: Rules, slip: int) -> tuple[list[Exit], bool]:
    """The list of the rulebook, gone through again with what is left for as long as parts leave: the exits, and a lasting doubt."""
    level = position.filled_at
    if out_at_once(position, rules):
        return [Exit(level - position.side * slip, "stop", (level, level))], False
    exits: list[Exit] = []
    doubt = False
    rest: Position | None = position
    while rest is not None:
        stop, target = claims(rest, bar, rules)
        doubt = doubt or one_perhaps(stop, target)
        choice = chosen(stop, target, bar, position.side, rules)
        if choice is None:
            break
        hit = stop_exit(rest, level, slip) if choice == "stop" else target_exit(rest, level)
        exits.append(replace(hit, ambiguous=doubt or both(stop, target)))
        rest = without(rest, [hit])
    return exits, doubt


def stop_exit(position: Position, level: int, slip: int) -> Exit:
    """Out at the stop, after a fill at `level` in the same bar."""
    return Exit(position.stop - position.side * slip, "stop", (level, position.stop))


def target_exit(position: Position, level: int) -> Exit:
    """Out at "the target", after a fill at `level` in the same bar."""
    price, part = nearest_target(position)
    return Exit(price, "target" if part is None else "scale_out", (level, price), part=part)


def out_at_once(position: Position, rules: Rules) -> bool:
    """A stop order's fill whose level is already back at its own stop."""
    return rules.entry == "stop" and position.side * (position.filled_at - position.stop) <= 0


def claims(position: Position, bar: Bar, rules: Rules) -> tuple[int, int]:
    """How surely the bar holds the stop and "the target" after the fill inside it.

    The market comes to a limit order from the favourable side, so that the adverse extreme lies behind the fill and the favourable one
    perhaps before it; to a stop order the other way round. The close is behind every fill.
    """
    s = position.side
    adverse, favourable = extremes(bar, s)
    level, _ = nearest_target(position)

    def back_at_stop(price: int) -> bool:
        return s * (price - position.stop) <= 0

    def past_target(price: int) -> bool:
        return s * (price - level) >= rules.target_through_ticks

    if rules.entry == "limit":
        stop = SURELY if back_at_stop(adverse) else NO
        target = SURELY if past_target(bar.close) else PERHAPS if past_target(favourable) else NO
    else:
        target = SURELY if past_target(favourable) else NO
        stop = SURELY if back_at_stop(bar.close) else PERHAPS if back_at_stop(adverse) else NO
    return stop, target


def both(stop: int, target: int) -> bool:
    return NO not in {stop, target}


def one_perhaps(stop: int, target: int) -> bool:
    """One hit perhaps and the other not at all."""
    return {stop, target} == {PERHAPS, NO}


def chosen(stop: int, target: int, bar: Bar, side: int, rules: Rules) -> str | None:
    """What leaves by the list: "stop", "target", or None where the position holds on."""
    limit = rules.entry == "limit"
    if both(stop, target):
        return {"worst": "stop", "best": "target", "nearest": "stop" if limit else "target"}[rules.path]
    if stop == SURELY:
        return "stop"
    if target == SURELY:
        return "target"
    if target == PERHAPS:  # a limit order
        takes = {"worst": False, "best": True, "nearest": adverse_first(bar, side)}[rules.path]
        return "target" if takes else None
    if stop == PERHAPS:  # a stop order
        takes = {"worst": True, "best": False, "nearest": not adverse_first(bar, side)}[rules.path]
        return "stop" if takes else None
    return None


def by_finer_bars(position: Position, fill: Fill, bar: Bar, finer: Sequence[Bar], rules: Rules) -> tuple[Position, list[Exit], bool]:
    """The entry bar by its finer bars, `finer[0]` being the one that fills the order. What is ambiguous is said by the bar itself, and
    so is what the finer bars know nothing of but is sure."""
    slip = position.slip + bar.slip
    position = moved_to(position, fill.level)
    exits: list[Exit] = []
    doubt = False
    rest: Position | None = position

    def leave(hits: Sequence[Exit]) -> None:
        nonlocal rest, doubt
        for hit in hits:
            stop, target = (NO, NO) if out_at_once(rest, rules) else claims(rest, bar, rules)
            doubt = doubt or one_perhaps(stop, target)
            exits.append(replace(hit, seen=(fill.level, hit.seen[-1]), ambiguous=doubt or both(stop, target)))
            rest = without(rest, [hit])

    worst = replace(rules, path="worst")
    for i, small in enumerate(finer):
        if rest is not None and i == 0 and fill.inside:
            leave(by_the_list(rest, small, worst, slip)[0])
        elif rest is not None:
            leave(at_open(rest, small.open, slip))
            leave(inside(rest, small, worst, slip, ()) if rest is not None else [])
    while rest is not None:
        stop, target = claims(rest, bar, rules)
        if SURELY not in {stop, target}:
            doubt = doubt or one_perhaps(stop, target) or both(stop, target)
            break
        leave([stop_exit(rest, fill.level, slip) if stop == SURELY else target_exit(rest, fill.level)])
    return position, exits, doubt


def moved_to(position: Position, filled_at: int) -> Position:
    """The same position filled at another price: all its levels lie at their distances from there."""
    by = filled_at - position.filled_at
    parts = tuple(replace(p, level=p.level + by, stop_after=None if p.stop_after is None else p.stop_after + by) for p in position.parts)
    entry, stop, target = position.entry + by, position.stop + by, position.target + by
    return replace(position, filled_at=filled_at, entry=entry, stop=stop, target=target, parts=parts)
