"""The slow twin of the core: docs/rulebook.md in plain Python, one bar at a time, one position at a time, lists and dictionaries only.

It is the specification: where it and the core differ, one of them is wrong and the rulebook says which. It must not know the core, and is
never made fast. Prices are whole ticks; money is in account.py. To add an exit: a field in Rules and its line in the step it belongs to.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reference.account import Account, fee_at, fillable, opened, size
from reference.records import FAR, OFF, Bar, Model, Order, Position, Rules, Trade

SKIPPED = ("boundary", "atr", "in_position", "halted", "cooldown", "max_trades", "confidence", "size", "volume")


@dataclass(frozen=True)
class Exit:
    """Where and why a position leaves, and the market prices of the exit bar that it lived to see."""

    price: int
    reason: str
    seen: tuple[int, ...]
    ambiguous: bool = False


def ticks(distance: float) -> int:
    """Whole ticks of a distance: rounded up, at least one, at most FAR."""
    if distance > FAR:
        return FAR
    return max(1, math.ceil(distance))


def at_open(position: Position, price: int) -> Exit | None:
    """Step 1: resting orders meet an open. A gap fills at the open, not at the level."""
    s = position.side
    if s * (price - position.stop) <= 0:
        return Exit(price - s * position.slip, position.stop_reason, (price,))
    if s * (price - position.target) >= 0:
        return Exit(price, "target", (price,))
    return None


def inside(position: Position, bar: Bar, rules: Rules, finer: Sequence[Bar]) -> Exit | None:  # noqa: PLR0911 - one return a case
    """Step 3: the range of a bar meets the stop and the target; `path` settles a bar that holds both."""
    s = position.side
    adverse, favourable = (bar.low, bar.high) if s > 0 else (bar.high, bar.low)
    stopped = s * (adverse - position.stop) <= 0
    reached = s * (favourable - position.target) >= rules.target_through_ticks
    stop_exit = Exit(position.stop - s * position.slip, position.stop_reason, (bar.open, position.stop), stopped and reached)
    target_exit = Exit(position.target, "target", (bar.open, position.target), stopped and reached)
    if not stopped and not reached:
        return None
    if stopped and not reached:
        return stop_exit
    if reached and not stopped:
        return target_exit
    if rules.path == "best":
        return target_exit
    if rules.path == "nearest":
        return stop_exit if abs(bar.open - adverse) <= abs(favourable - bar.open) else target_exit
    if rules.path == "finer":
        for small in finer:
            # A finer bar that holds both takes the stop, which is what `worst` does.
            hit = at_open(position, small.open) or inside(position, small, replace(rules, path="worst"), ())
            if hit is not None:
                return Exit(hit.price, hit.reason, (bar.open, hit.seen[-1]), True)
    return stop_exit


def at_close(position: Position, bars: Sequence[Bar], j: int, rules: Rules, limit: str | None) -> Exit | None:
    """Step 4: what ends a position at the close of bar j; `limit` is the daily limit that the session's P&L has reached."""
    bar = bars[j]
    if j == len(bars) - 1:
        reason = "end_of_data"
    elif last_of_segment(bars, j):
        reason = "contract_end"
    elif rules.flat_at_close and last_of_session(bars, j):
        reason = "session_close"
    elif limit is not None:
        reason = limit
    elif j - position.entry_bar + 1 >= rules.max_bars:
        reason = "max_bars"
    else:
        return None
    return Exit(bar.close - position.side * position.slip, reason, (bar.open, bar.high, bar.low))


def move_levels(position: Position, atr: float, rules: Rules) -> None:
    """Step 5: trailing, chandelier, break-even, each only if it tightens. `seen` already holds this bar."""
    s = position.side
    best = max(position.seen) if s > 0 else min(position.seen)
    tighten(position, best - s * position.trail_distance, "trail")
    if not math.isnan(atr):
        tighten(position, best - s * ticks(rules.chandelier_atr * atr if rules.chandelier_atr < OFF else OFF), "trail")
    if s * (best - position.entry) >= rules.break_even_r * position.stop_distance:
        tighten(position, position.entry + s * rules.break_even_offset_ticks, "break_even")


def tighten(position: Position, level: int, reason: str) -> None:
    """Take `level` as the stop if it lies nearer to the market's favourable side."""
    if position.side * (level - position.stop) > 0:
        position.stop = level
        position.stop_reason = reason


def last_of_segment(bars: Sequence[Bar], j: int) -> bool:
    return j == len(bars) - 1 or bars[j + 1].segment != bars[j].segment


def last_of_session(bars: Sequence[Bar], j: int) -> bool:
    return last_of_segment(bars, j) or bars[j + 1].session != bars[j].session


def no_entry_after(bars: Sequence[Bar], j: int, rules: Rules) -> bool:
    """True where no order may wait from bar j to the next."""
    return last_of_segment(bars, j) or (rules.flat_at_close and last_of_session(bars, j))


def needs_atr(rules: Rules, model: Model) -> bool:
    """True where anything is counted in ATR: a stop model gives such a distance too."""
    distances = (rules.stop_atr, rules.target_atr, rules.trail_atr, rules.chandelier_atr)
    sized = rules.sizing == "volatility" or (rules.sizing == "kelly" and rules.volatility_ref < OFF)
    return model.stop is not None or min(distances) < OFF or rules.slippage_atr > 0.0 or sized


def levels(order: Order, rules: Rules) -> tuple[int, int, int]:
    """Step 2: the distances of stop, target and trail in ticks. Of rules that are combined, the nearest level counts."""

    def in_atr(multiple: float) -> float:
        return multiple * order.atr if multiple < OFF else OFF

    risk = min(in_atr(order.stop_atr), rules.stop_ticks if rules.stop_ticks < FAR else OFF)
    r_target = rules.target_r * risk if max(rules.target_r, risk) < OFF else OFF
    target = min(ticks(r_target), ticks(in_atr(rules.target_atr)), rules.target_ticks)
    return ticks(risk), target, min(ticks(in_atr(rules.trail_atr)), rules.trail_ticks)


def enter(order: Order, bar: Bar, account: Account, rules: Rules) -> Position | str:
    """Step 2: the position that an order becomes at the open of its entry bar, or why it becomes none."""
    s = order.side
    slip = rules.slippage_ticks + (math.ceil(rules.slippage_atr * order.atr) if rules.slippage_atr > 0.0 else 0)
    fill = bar.open + s * slip
    stop, target, trail = levels(order, rules)
    fee = fee_at(bar, rules)
    wanted = size(order, stop, account.closed_e4, fee, rules)
    if wanted <= 0:
        return "size"
    filled = min(wanted, fillable(bar.volume, rules))
    if filled <= 0:
        return "volume"
    return Position(s, filled, order.entry_bar, fill, slip, fill - s * stop, fill + s * target, stop, target, trail, fee, order.confidence)


def finished(p: Position, how: Exit, j: int, exit_fee_e4: int, rules: Rules) -> Trade:
    """The trade that position p was, once it has left in bar j."""
    s = p.side
    seen = [*p.seen, *how.seen]
    costs = p.contracts * (p.fee_e4 + exit_fee_e4)
    pnl = s * (how.price - p.entry) * rules.tick_value_e4 * p.contracts - costs
    mae = max(0, *(s * (p.entry - price) for price in seen))
    mfe = max(0, *(s * (price - p.entry) for price in seen))
    return Trade(
        p.entry_bar, j, s, p.contracts, p.entry, how.price, p.stop_distance, p.target_distance,
        how.reason, how.ambiguous, mae, mfe, pnl, costs, p.confidence,
    )  # fmt: skip


def simulate(  # noqa: PLR0912, PLR0915, PLR0917 - the rulebook's six steps, in one piece and in its order
    bars: Sequence[Bar],
    signals: Sequence[int],
    atr: Sequence[float],
    rules: Rules,
    model: Model | None = None,
    finer: Sequence[Sequence[Bar]] | None = None,
) -> tuple[list[Trade], dict[str, int]]:
    """All trades of one run and why signals were skipped. `finer[j]` are the finer bars of bar j; atr in ticks, NaN while warming up."""
    model = model or Model()
    trades: list[Trade] = []
    skipped = dict.fromkeys(SKIPPED, 0)
    account = opened(rules)
    position: Position | None = None
    pending: Order | None = None

    def close(how: Exit, j: int) -> None:
        nonlocal position
        trades.append(finished(position, how, j, fee_at(bars[j], rules), rules))
        account.book(trades[-1])
        position = None

    for j, bar in enumerate(bars):
        if j > 0 and last_of_session(bars, j - 1):
            account.begin_session(position, bars[j - 1].close)
        due = pending if pending is not None and pending.entry_bar == j else None
        # 1. The open: resting orders first, then a pending reversal.
        if position is not None:
            hit = at_open(position, bar.open)
            if hit is None and due is not None:
                hit = Exit(bar.open - position.side * position.slip, "reverse", (bar.open,))
            if hit is not None:
                close(hit, j)
        # 2. The pending entry, at the same open; the new position meets that open at once.
        if due is not None:
            pending = None
            entry = enter(due, bar, account, rules) if due.enter else None
            if isinstance(entry, str):
                skipped[entry] += 1
            elif entry is not None:
                position = entry
                account.entered += 1
                hit = at_open(position, bar.open)
                if hit is not None:
                    close(hit, j)
        # 3. and 4. Inside the bar, then its close.
        if position is not None:
            limit = account.limit_reached(position, bar.close)
            hit = inside(position, bar, rules, finer[j] if finer is not None else ()) or at_close(position, bars, j, rules, limit)
            if hit is not None:
                account.halted = account.halted or hit.reason in {"daily_loss", "daily_profit"}
                close(hit, j)
        # 5. Levels move.
        if position is not None:
            position.seen += [bar.high, bar.low]
            move_levels(position, atr[j], rules)
        # 6. The signal of this bar, seen at its close.
        side = int(signals[j])
        if side == 0:
            continue
        turns = rules.reverse and position is not None and side == -position.side
        if any(no_entry_after(bars, i, rules) for i in range(j, min(j + rules.latency_bars + 1, len(bars)))):
            skipped["boundary"] += 1
        elif math.isnan(atr[j]) and needs_atr(rules, model):
            skipped["atr"] += 1
        elif (position is not None or pending is not None) and not turns:
            skipped["in_position"] += 1
        elif account.halted or (position is None and account.limit_reached(None, bar.close)):
            skipped["halted"] += 1
        elif account.cooling(j):
            skipped["cooldown"] += 1
        elif account.entered >= rules.max_trades:
            skipped["max_trades"] += 1
        else:
            order = decide(model, Order(side, j + 1 + rules.latency_bars, atr[j], bar.close, rules.stop_atr), j, account.drawdown())
            if not order.enter:
                skipped["confidence"] += 1
            # An order that may not enter still closes what it would have turned.
            pending = order if order.enter or turns else None
    return trades, skipped


def simulate_each(bars: Sequence[Bar], signals: Sequence[int], atr: Sequence[float], rules: Rules) -> list[Trade]:
    """What labels are made of: the trade of every signal as if it were the only one, in the order of the signals.

    Nothing is carried from one to the next: each begins with the cash, no halt, no stop behind it and no trade in its session.
    """
    found: list[Trade] = []
    for j, side in enumerate(signals):
        found += simulate(bars, [side if i == j else 0 for i in range(len(signals))], atr, rules)[0]
    return found


def decide(model: Model, order: Order, j: int, drawdown: float) -> Order:
    """The order after the entry model was asked at the close of signal bar j."""
    stop_atr = order.stop_atr
    if model.stop is not None:
        stop_atr = min(max(model.stop(j, order.side, stop_atr, drawdown), model.stop_low), model.stop_high)
    if model.confidence is None:
        return replace(order, stop_atr=stop_atr)
    margin = model.confidence(j, order.side, stop_atr, drawdown)
    p = 1.0 / (1.0 + math.exp(-(model.calibration_a * margin + model.calibration_b)))
    return replace(order, stop_atr=stop_atr, confidence=p, enter=p >= model.threshold)
