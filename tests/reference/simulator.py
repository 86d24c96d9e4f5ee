"""The slow twin of the core: docs/rulebook.md in plain Python, one bar at a time, one position at a time, lists and dictionaries only.

It is the specification: where it and the core differ, one of them is wrong and the rulebook says which. It must not know the core, and is
never made fast. Prices are whole ticks, money is whole 1e-4 USD. To add an exit: a field in Rules and its line in the step it belongs to.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reference.records import FAR, OFF, Bar, Model, Rules, Trade


@dataclass(frozen=True)
class Order:
    """What the signal of one bar asks of the next open. `enter` is False where only a reversal's closing half is left."""

    side: int
    atr: float  # of the signal bar, ticks
    close: int  # of the signal bar
    stop_atr: float
    confidence: float
    enter: bool


@dataclass(frozen=True)
class Exit:
    """Where and why a position leaves, and the market prices of the exit bar that it lived to see."""

    price: int
    reason: str
    seen: tuple[int, ...]
    ambiguous: bool = False


@dataclass
class Position:
    """An open position: its levels are prices in ticks."""

    side: int
    contracts: int
    entry_bar: int
    entry: int
    stop: int
    target: int
    stop_distance: int
    target_distance: int
    trail_distance: int
    confidence: float
    stop_reason: str = "stop"
    seen: list[int] = field(default_factory=list)  # market prices of the bars that it survived


def ticks(distance: float) -> int:
    """Whole ticks of a distance: rounded up, at least one, at most FAR."""
    if distance > FAR:
        return FAR
    return max(1, math.ceil(distance))


def at_open(position: Position, price: int, rules: Rules) -> Exit | None:
    """Step 1: resting orders meet an open. A gap fills at the open, not at the level."""
    s = position.side
    if s * (price - position.stop) <= 0:
        return Exit(price - s * rules.slippage_ticks, position.stop_reason, (price,))
    if s * (price - position.target) >= 0:
        return Exit(price, "target", (price,))
    return None


def inside(position: Position, bar: Bar, rules: Rules, finer: Sequence[Bar]) -> Exit | None:  # noqa: PLR0911 - one return a case
    """Step 3: the range of a bar meets the stop and the target; `path` settles a bar that holds both."""
    s = position.side
    adverse, favourable = (bar.low, bar.high) if s > 0 else (bar.high, bar.low)
    stopped = s * (adverse - position.stop) <= 0
    reached = s * (favourable - position.target) >= rules.target_through_ticks
    stop_exit = Exit(position.stop - s * rules.slippage_ticks, position.stop_reason, (bar.open, position.stop), stopped and reached)
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
            hit = at_open(position, small.open, rules) or inside(position, small, replace(rules, path="worst"), ())
            if hit is not None:
                return Exit(hit.price, hit.reason, (bar.open, hit.seen[-1]), True)
    return stop_exit


def at_close(position: Position, bars: Sequence[Bar], j: int, rules: Rules) -> Exit | None:
    """Step 4: what ends a position at the close of bar j."""
    bar = bars[j]
    if j == len(bars) - 1:
        reason = "end_of_data"
    elif last_of_segment(bars, j):
        reason = "contract_end"
    elif rules.flat_at_close and last_of_session(bars, j):
        reason = "session_close"
    elif j - position.entry_bar + 1 >= rules.max_bars:
        reason = "max_bars"
    else:
        return None
    return Exit(bar.close - position.side * rules.slippage_ticks, reason, (bar.open, bar.high, bar.low))


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


def size(order: Order, stop_distance: int, equity_e4: int, rules: Rules) -> int:
    """Whole contracts from closed equity; zero or less means no trade."""
    if rules.sizing == "fixed":
        return rules.contracts
    if rules.sizing == "risk":
        return min(math.floor(equity_e4 * rules.risk_fraction / (stop_distance * rules.tick_value_e4)), rules.max_contracts)
    p, b = order.confidence, rules.payoff
    share = rules.kelly_fraction * max(0.0, p - (1.0 - p) / b)
    if rules.volatility_ref < OFF:
        # A price below zero is as volatile as one above it; beside a price of zero every ATR is boundless.
        share *= min(1.0, rules.volatility_ref / (order.atr / abs(order.close))) if order.close else 0.0
    share = min(share, rules.heat_cap)
    return min(math.floor(equity_e4 * share / (stop_distance * rules.tick_value_e4 + 2 * rules.fee_e4)), rules.max_contracts)


def needs_atr(rules: Rules, model: Model) -> bool:
    """True where any distance is counted in ATR: a stop model gives one too."""
    return model.stop is not None or min(rules.stop_atr, rules.trail_atr, rules.chandelier_atr) < OFF


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
    skipped = {"boundary": 0, "atr": 0, "confidence": 0, "size": 0, "in_position": 0}
    equity_e4 = peak_e4 = rules.cash_e4
    position: Position | None = None
    pending: Order | None = None

    def close(p: Position, how: Exit, j: int) -> None:
        nonlocal position, equity_e4, peak_e4
        s = p.side
        seen = [*p.seen, *how.seen]
        costs = 2 * p.contracts * rules.fee_e4
        pnl = s * (how.price - p.entry) * rules.tick_value_e4 * p.contracts - costs
        mae = max(0, *(s * (p.entry - price) for price in seen))
        mfe = max(0, *(s * (price - p.entry) for price in seen))
        trades.append(
            Trade(
                p.entry_bar, j, s, p.contracts, p.entry, how.price, p.stop_distance, p.target_distance,
                how.reason, how.ambiguous, mae, mfe, pnl, costs, p.confidence,
            )
        )  # fmt: skip
        equity_e4 += pnl
        peak_e4 = max(peak_e4, equity_e4)
        position = None

    def enter(order: Order, j: int) -> Position | None:
        s, known = order.side, order.atr
        fill = bars[j].open + s * rules.slippage_ticks
        stop_distance = ticks(order.stop_atr * known if order.stop_atr < OFF else OFF)
        target_distance = ticks(rules.target_r * (order.stop_atr * known) if max(rules.target_r, order.stop_atr) < OFF else OFF)
        trail_distance = ticks(rules.trail_atr * known if rules.trail_atr < OFF else OFF)
        contracts = size(order, stop_distance, equity_e4, rules)
        if contracts <= 0:
            skipped["size"] += 1
            return None
        stop, target = fill - s * stop_distance, fill + s * target_distance
        return Position(s, contracts, j, fill, stop, target, stop_distance, target_distance, trail_distance, order.confidence)

    for j, bar in enumerate(bars):
        # 1. The open: resting orders first, then a pending reversal.
        if position is not None:
            hit = at_open(position, bar.open, rules)
            if hit is None and pending is not None:
                hit = Exit(bar.open - position.side * rules.slippage_ticks, "reverse", (bar.open,))
            if hit is not None:
                close(position, hit, j)
        # 2. The pending entry, at the same open; the new position meets that open at once.
        if pending is not None:
            if pending.enter:
                position = enter(pending, j)
                if position is not None:
                    hit = at_open(position, bar.open, rules)
                    if hit is not None:
                        close(position, hit, j)
            pending = None
        # 3. and 4. Inside the bar, then its close.
        if position is not None:
            hit = inside(position, bar, rules, finer[j] if finer is not None else ()) or at_close(position, bars, j, rules)
            if hit is not None:
                close(position, hit, j)
        # 5. Levels move.
        if position is not None:
            position.seen += [bar.high, bar.low]
            move_levels(position, atr[j], rules)
        # 6. The signal of this bar, seen at its close.
        side = int(signals[j])
        if side == 0:
            continue
        if last_of_segment(bars, j) or (rules.flat_at_close and last_of_session(bars, j)):
            skipped["boundary"] += 1
        elif math.isnan(atr[j]) and needs_atr(rules, model):
            skipped["atr"] += 1
        elif position is not None and not (rules.reverse and side == -position.side):
            skipped["in_position"] += 1
        else:
            order = Order(side, atr[j], bar.close, rules.stop_atr, math.nan, True)
            pending = decide(model, order, j, (peak_e4 - equity_e4) / peak_e4)
            if not pending.enter:
                skipped["confidence"] += 1
    return trades, skipped


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
