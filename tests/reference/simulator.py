"""The slow twin of the core: docs/rulebook.md in plain Python, one bar at a time, one position at a time, lists and dictionaries only.

It is the specification: where it and the core differ, one of them is wrong and the rulebook says which. It must not know the core, and is
never made fast. Prices are whole ticks. Here is the order of events; entries.py has the entries, exits.py the exits, stops.py the moves of
the stop, account.py the money. To add a rule: a field in Rules and its line in the step it belongs to.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from reference.account import fee_at, opened
from reference.entries import entered, entry_bar, expires, meets
from reference.exits import at_open, ending, excursions, extremes, inside, last_of_session, no_entry_after, without
from reference.records import OFF, Bar, Exit, Model, Order, Position, Rules, Trade
from reference.stops import after_parts, move_by_model, move_levels, stop_in_atr

SKIPPED = ("boundary", "atr", "in_position", "halted", "cooldown", "max_trades", "confidence", "size", "volume", "expired")


def needs_atr(rules: Rules, model: Model) -> bool:
    """True where anything is counted in ATR: a stop model and a dynamic stop give such a distance too."""
    distances = (rules.stop_atr, rules.target_atr, rules.trail_atr, rules.chandelier_atr, rules.entry_offset_atr)
    sized = rules.sizing == "volatility" or (rules.sizing == "kelly" and rules.volatility_ref < OFF)
    asked = model.stop is not None or model.dynamic is not None
    return asked or min(distances) < OFF or rules.slippage_atr > 0.0 or sized


def finished(p: Position, how: Exit, j: int, exit_fee_e4: int, rules: Rules) -> Trade:
    """The trade that position p, or the part of it that leaves, was, once it has left in bar j."""
    contracts = p.contracts if how.part is None else how.part.contracts
    costs = contracts * (p.fee_e4 + exit_fee_e4)
    pnl = p.side * (how.price - p.entry) * rules.tick_value_e4 * contracts - costs
    mae, mfe = excursions(p, [*p.seen, *how.seen])
    return Trade(
        p.signal_bar, p.entry_bar, j, p.side, contracts, p.entry, how.price, p.stop_distance,
        p.target_distance if how.part is None else how.part.distance,
        how.reason, how.ambiguous or p.ambiguous, mae, mfe, pnl, costs, p.confidence,
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
    left: list[Exit] = []  # in this bar

    def leave(exits: Sequence[Exit], j: int) -> None:
        nonlocal position
        for how in exits:
            trades.append(finished(position, how, j, fee_at(bars[j], rules), rules))
            account.book(trades[-1])
            left.append(how)
            position = without(position, [how])

    for j, bar in enumerate(bars):
        if j > 0 and last_of_session(bars, j - 1):
            account.begin_session(position, bars[j - 1].close)
        small = finer[j] if finer is not None else ()
        left = []
        working = pending is not None and pending.first_bar <= j
        # 1. The open: resting orders first, then a pending reversal, which turns what is left.
        if position is not None:
            leave(at_open(position, bar.open, position.slip + bar.slip), j)
            if position is not None and working:
                leave([Exit(bar.open - position.side * (position.slip + bar.slip), "reverse", (bar.open,))], j)
        # 2. The pending entry; a position from this open meets it at once, one from inside the bar has only the rest of the bar.
        fill = meets(pending, bar, rules) if working and pending.enter else None
        if fill is not None:
            entry = entered(pending, fill, j, bar, account, rules)
            if isinstance(entry, str):
                skipped[entry] += 1
                fill = None
            else:
                position = entry
                account.entered += 1
                left = []  # of the position before, if this turns it
                if fill.inside:
                    position, exits, doubt = entry_bar(pending, position, bar, rules, small)
                    leave(exits, j)
                    if position is not None:
                        position.ambiguous = position.ambiguous or doubt
                else:
                    leave(at_open(position, bar.open, position.slip + bar.slip), j)
            pending = None
        elif working and not pending.enter:
            pending = None
        # 3. and 4. Inside the bar, then its close.
        if position is not None:
            if fill is not None and fill.inside:
                adverse, favourable = extremes(bar, position.side)
                seen = [position.filled_at, adverse if rules.entry == "limit" else favourable, bar.close]
            else:
                leave(inside(position, bar, rules, position.slip + bar.slip, small), j)
                seen = [bar.open, bar.high, bar.low]
        if position is not None:
            position.seen = [*position.seen, *seen]
            reason = ending(position, bars, j, rules, account.limit_reached(position, bar.close))
            if reason is not None:
                account.halted = account.halted or reason in {"daily_loss", "daily_profit"}
                leave([Exit(bar.close - position.side * (position.slip + bar.slip), reason, ())], j)
        # 5. Levels move.
        if position is not None:
            move_levels(position, atr[j], rules)
            multiple = stop_in_atr(model, position, bar, j, atr[j], account.drawdown())
            move_by_model(position, bar, multiple, atr[j], model)
            after_parts(position, left)
        # 6. The signal of this bar, seen at its close; an order whose last bar this was is gone before it.
        if pending is not None and pending.first_bar <= j and expires(pending, bars, j, rules):
            skipped["expired"] += 1
            pending = None
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
            order = Order(side, j, j + 1 + rules.latency_bars, atr[j], bar.close, rules.stop_atr)
            order = decide(model, order, j, account.drawdown())
            if not order.enter:
                skipped["confidence"] += 1
            # An order that may not enter still closes what it would have turned.
            pending = order if order.enter or turns else None
    return trades, skipped


def simulate_each(
    bars: Sequence[Bar], signals: Sequence[int], atr: Sequence[float], rules: Rules, finer: Sequence[Sequence[Bar]] | None = None
) -> list[Trade]:
    """What labels are made of: the trades of every signal as if it were the only one, in the order of the signals.

    A signal gives no trade, one, or one for each part and one for the rest. Nothing is carried from one signal to the next: each begins
    with the cash, no halt, no stop behind it and no trade in its session.
    """
    found: list[Trade] = []
    for j, side in enumerate(signals):
        found += simulate(bars, [side if i == j else 0 for i in range(len(signals))], atr, rules, None, finer)[0]
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
