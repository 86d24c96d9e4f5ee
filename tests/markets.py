"""Random small markets, rules and entry models for the differential and law tests, as hypothesis strategies.

Two kinds of market: `seeded_markets` (long, from a seed: many trades an example) and `drawn_markets` (short, bar by bar: shrinks well).
Finer bars come first and the bars are made of them, so that the two always agree. Small ATRs against wide bars make most things happen.
"""

import math
import random
from dataclasses import dataclass, replace

import numpy as np
from bridge import as_seen_by_a_hook
from hypothesis import strategies as st
from reference.records import FAR, NEVER, NO_LIMIT, OFF, Bar, Model, Rules


@dataclass(frozen=True)
class Market:
    """Bars with their finer bars, a side and an ATR (ticks, NaN while warming up) per bar."""

    bars: list[Bar]
    finer: list[list[Bar]]
    signals: list[int]
    atr: list[float]

    def cut(self, start: int, stop: int) -> "Market":
        """The rows start:stop of everything."""
        return Market(self.bars[start:stop], self.finer[start:stop], self.signals[start:stop], self.atr[start:stop])


def small_bar(r: random.Random, start: int, width: int, place: tuple[int, int]) -> Bar:
    """One finer bar that opens at `start`."""
    close = start + r.randint(-width, width)
    high = max(start, close) + r.randint(0, width // 2)
    low = min(start, close) - r.randint(0, width // 2)
    return Bar(start, high, low, close, *place, volume=r.choice([0, 3, 10, 40, 1000]))


def joined(group: list[Bar]) -> Bar:
    """The bar that a group of finer bars makes."""
    high, low, volume = max(b.high for b in group), min(b.low for b in group), sum(b.volume for b in group)
    return replace(group[0], high=high, low=low, close=group[-1].close, volume=volume)


def random_market(seed: int, n_bars: int, base: int) -> Market:
    """A walk with gaps: small ones between bars, wide ones over sessions and contracts. One bar in 30 has a hole in its finer bars."""
    r = random.Random(seed)
    fees = r.choice([None, None, [0, 9_900, 22_500, 50_000]])  # by date, in a third of the markets
    width, busy = r.choice([2, 4, 8]), r.choice([0.05, 0.3, 0.9])
    session_ends, segment_ends, atr_kind = r.choice([0.0, 0.05, 0.2]), r.choice([0.0, 0.08]), r.choice(["whole", "real", "wild"])
    price, session, segment = base, 0, 0
    bars: list[Bar] = []
    finer: list[list[Bar]] = []
    for _ in range(n_bars):
        group = []
        for _ in range(r.randint(1, 5)):
            group.append(small_bar(r, price, width, (session, segment)))
            price = group[-1].close + (r.randint(-width, width) if r.random() < 0.2 else 0)
        bars.append(joined(group))
        finer.append([b for b in group if r.random() < 0.5] if r.random() < 0.03 else group)
        if r.random() < 0.05:
            price += r.randint(-6 * width, 6 * width)
        if r.random() < session_ends:
            session += 1
            price += r.randint(-5 * width, 5 * width)
        if r.random() < segment_ends:
            segment += 1
            price += r.randint(-20 * width, 20 * width)
    if r.random() < 1 / 3:
        bars = [replace(b, slip=r.choice([0, 0, 1, 3])) for b in bars]
    if fees:
        bars = [replace(b, fee_e4=fees[b.session % len(fees)]) for b in bars]
    signals = [r.choice([-1, 1]) if r.random() < busy else 0 for _ in bars]
    size = {
        "whole": lambda: float(r.randint(1, 2 * width)),
        "real": lambda: r.uniform(0.05, 2.0 * width),
        "wild": lambda: r.expovariate(0.2),
    }
    warm = r.randint(0, 6)
    atr = [math.nan if j < warm or r.random() < 0.02 else size[atr_kind]() for j in range(n_bars)]
    return Market(bars, finer, signals, atr)


def seeded_markets(base: int = 5000, low: int = 2, high: int = 120) -> st.SearchStrategy[Market]:
    """Markets of up to `high` bars around a base price."""
    return st.builds(random_market, st.integers(0, 2**32), st.integers(low, high), st.just(base))


@st.composite
def drawn_markets(draw: st.DrawFn) -> Market:
    """Up to 12 bars of one finer bar or two, every number drawn, around zero (prices may be negative)."""
    step = st.integers(-6, 6)
    reach = st.integers(0, 5)
    traded = st.sampled_from([1000, 10, 1, 0])
    price, session, segment = 0, 0, 0
    bars: list[Bar] = []
    finer: list[list[Bar]] = []
    for _ in range(draw(st.integers(2, 12))):
        group = []
        for _ in range(draw(st.integers(1, 2))):
            start = price + draw(step)
            price = start + draw(step)
            high, low, volume = max(start, price) + draw(reach), min(start, price) - draw(reach), draw(traded)
            group.append(Bar(start, high, low, price, session, segment, volume))
        bars.append(joined(group))
        finer.append(group)
        session += draw(st.integers(0, 9)) == 9
        segment += draw(st.integers(0, 19)) == 19
    n = len(bars)
    signals = draw(st.lists(st.sampled_from([1, -1, 0]), min_size=n, max_size=n))
    atr = draw(st.lists(st.sampled_from([3.0, 1.0, 2.5, 8.0, 0.1, math.nan]), min_size=n, max_size=n))
    return Market(bars, finer, signals, atr)


def or_off(*values: float) -> st.SearchStrategy[float]:
    """One of the values, or off."""
    return st.sampled_from([*values, OFF])


PLAIN: dict[str, st.SearchStrategy] = {
    "stop_atr": or_off(1.0, 0.5, 1.7, 3.0),
    "target_r": or_off(1.0, 0.7, 2.0),
    "slippage_ticks": st.sampled_from([0, 1, 2, 5]),
    "fee_e4": st.sampled_from([0, 22_500]),
    "target_through_ticks": st.sampled_from([0, 0, 1, 3]),
    "flat_at_close": st.booleans(),
}
PATHS = {"path": st.sampled_from(["worst", "best", "nearest", "finer"])}
LEVELS = {
    "trail_atr": or_off(0.5, 1.0, 2.0),
    "chandelier_atr": or_off(0.5, 1.5),
    "break_even_r": or_off(0.0, 0.3, 1.0),
    "break_even_offset_ticks": st.sampled_from([0, 1, -2, 4]),
}
DISTANCES = {
    "stop_ticks": st.sampled_from([1, 4, 9, FAR]),
    "target_atr": or_off(0.5, 1.3, 3.0),
    "target_ticks": st.sampled_from([2, 7, 15, FAR]),
    "trail_ticks": st.sampled_from([3, 8, FAR]),
    "slippage_atr": st.sampled_from([0.0, 0.1, 0.35]),
}
LIMITS = {
    "latency_bars": st.sampled_from([0, 0, 1, 2, 4]),
    "cooldown_bars": st.sampled_from([0, 1, 2, 6]),
    "max_trades": st.sampled_from([1, 2, 5, NEVER]),
    "daily_loss_e4": st.sampled_from([400_000, 1_250_000, 3_000_000, NO_LIMIT]),
    "daily_profit_e4": st.sampled_from([400_000, 1_250_000, 3_000_000, NO_LIMIT]),
    "volume_share": or_off(0.02, 0.1, 0.7),
    "contracts": st.sampled_from([1, 3]),
}
CLOSES = {"max_bars": st.sampled_from([1, 2, 5, NEVER])}
REVERSE = {"reverse": st.just(True)}
SIZES = {
    "stop_atr": or_off(0.5, 1.0, 1.7),
    "contracts": st.sampled_from([1, 3]),
    "risk_fraction": st.sampled_from([0.001, 0.01, 0.3]),
    "kelly_fraction": st.sampled_from([0.1, 0.5, 1.0]),
    "payoff": st.sampled_from([0.7, 1.0, 2.0]),
    "heat_cap": st.sampled_from([0.02, 0.06, 1.0]),
    "volatility_ref": or_off(0.0005, 0.001, 0.3),
    "volatility_target": st.sampled_from([0.3, 0.03, 0.003]),
    "cash_e4": st.sampled_from([10_000_000, 100_000_000, 1_000_000_000]),
    "max_contracts": st.sampled_from([2, 50, NEVER]),
}
RESTING = {
    "entry": st.sampled_from(["stop", "limit"]),
    "entry_offset_atr": or_off(0.0, 0.4, 1.0),
    "entry_offset_ticks": st.sampled_from([0, 1, 4, FAR]),
    "entry_bars": st.sampled_from([1, 2, 3, 8, NEVER]),
    "entry_through_ticks": st.sampled_from([0, 0, 1, 3]),
}
PARTS = {
    "scale1_r": or_off(0.2, 0.5, 1.0),
    "scale1_share": st.sampled_from([0.1, 0.34, 0.5]),
    "scale1_stop_r": st.sampled_from([-OFF, -0.5, 0.0, 0.3]),
    "scale2_r": or_off(1.1, 1.5, 3.0),
    "scale2_share": st.sampled_from([0.2, 0.4]),
    "scale2_stop_r": st.sampled_from([-OFF, -0.2, 0.5, 1.0]),
    "contracts": st.sampled_from([1, 2, 3, 5, 10]),
}
WITHOUT_MODEL = {"sizing": st.sampled_from(["fixed", "risk", "volatility"])}
WITH_MODEL = {"sizing": st.sampled_from(["fixed", "risk", "volatility", "kelly"])}
EVERYTHING = PLAIN | PATHS | LEVELS | DISTANCES | CLOSES | LIMITS | SIZES | WITH_MODEL | RESTING | PARTS


def or_default(family: dict[str, st.SearchStrategy]) -> dict[str, st.SearchStrategy]:
    """Half the fields stay at their defaults, or every trade would be over before a rarer rule could act."""
    return {name: st.one_of(st.just(getattr(Rules(), name)), values) for name, values in family.items()}


FAMILIES: dict[str, dict[str, st.SearchStrategy]] = {
    "plain": PLAIN,
    "paths": PLAIN | PATHS,
    "levels": PLAIN | LEVELS,
    "distances": PLAIN | DISTANCES | {"trail_atr": or_off(0.5, 2.0)},
    "closes": PLAIN | CLOSES,
    "limits": PLAIN | CLOSES | LIMITS,
    "reverse": PLAIN | LEVELS | REVERSE,
    "sizes": PLAIN | SIZES | WITHOUT_MODEL,
    "models": PLAIN | SIZES | WITH_MODEL | REVERSE,
    "resting": PLAIN
    | PATHS
    | RESTING
    | CLOSES
    | {name: LIMITS[name] for name in ("latency_bars", "volume_share", "max_trades", "contracts")},
    "parts": PLAIN | PATHS | LEVELS | PARTS | REVERSE,
    "resting parts": PLAIN | PATHS | RESTING | PARTS,
    "dynamic": PLAIN | LEVELS | REVERSE,
    "everything": or_default(EVERYTHING) | {"reverse": st.booleans()},
}


def rules(family: str) -> st.SearchStrategy[Rules]:
    """Rules of one family, over the plan's defaults."""
    return st.builds(Rules, **FAMILIES[family]).map(without_contradictions)


def without_contradictions(plan: Rules) -> Rules:
    """The nearest rules that a plan may hold: some exclude others, some need others."""
    if plan.reverse:
        plan = replace(plan, latency_bars=0, entry="market")
    if plan.entry == "market":
        plan = replace(plan, entry_offset_atr=OFF, entry_offset_ticks=FAR, entry_bars=1)
    elif plan.entry_offset_atr == OFF and plan.entry_offset_ticks == FAR:
        plan = replace(plan, entry_offset_ticks=2)
    if plan.entry != "limit":
        plan = replace(plan, entry_through_ticks=0)
    no_stop = plan.stop_atr == OFF and plan.stop_ticks == FAR
    if plan.scale1_r == OFF or plan.scale1_share == 0.0 or no_stop:
        plan = replace(plan, scale1_r=OFF, scale1_share=0.0, scale1_stop_r=-OFF)
    if plan.scale2_r == OFF or plan.scale2_share == 0.0 or plan.scale1_r == OFF:
        plan = replace(plan, scale2_r=OFF, scale2_share=0.0, scale2_stop_r=-OFF)
    return plan


@st.composite
def models(draw: st.DrawFn, dynamic: bool = False) -> Model:
    """An entry model whose answers depend on the bar, the side and the account; always with a confidence, sometimes with a stop.

    With `dynamic` it has a stop for open positions too, which depends on all that it is told of them.
    """
    salt = draw(st.integers(1, 1000))
    stop = as_seen_by_a_hook(lambda bar, side, stop_atr, drawdown: 0.3 * (bar * salt % 9) + 0.1 * side + min(stop_atr, 3.0) * drawdown)
    margin = as_seen_by_a_hook(lambda bar, side, stop_atr, drawdown: (bar * salt % 11 - 3) / 4 - 0.2 * side - min(stop_atr, 3.0) * drawdown)
    entry_model = Model(
        stop if draw(st.booleans()) else None,
        margin,
        stop_low=0.4,
        stop_high=2.0,
        calibration_a=draw(st.sampled_from([1.0, -0.7])),
        calibration_b=draw(st.sampled_from([0.0, 0.4])),
        threshold=draw(st.sampled_from([0.0, 0.5, 0.6])),
    )
    return draw(dynamic_stops(entry_model)) if dynamic and draw(st.booleans()) else entry_model


@st.composite
def dynamic_stops(draw: st.DrawFn, entry_model: Model = Model()) -> Model:  # noqa: B008 - it is frozen
    """The same model with a stop for open positions, whose answers depend on all that it is told of them."""
    salt = draw(st.integers(1, 1000))
    low, high, regime_high = draw(st.sampled_from([0.1, 0.5, 1.0])), draw(st.sampled_from([1.5, 4.0])), draw(st.sampled_from([1.0, 2.0]))

    def answer(bar, side, stop_atr, drawdown, bars_held, open_atr, mae_atr, mfe_atr, stop_now_atr):  # noqa: PLR0917
        of_place = 0.2 * open_atr + 0.1 * mae_atr - 0.15 * mfe_atr + 0.05 * min(stop_now_atr, 5.0)
        return 0.4 * (bar * salt % 7) + 0.1 * side + 0.3 * min(stop_atr, 3.0) - drawdown - 0.1 * bars_held + of_place

    def regime(bar):
        return math.nan if bar * salt % 5 == 0 else float(np.float32(0.1 * (bar * salt % 30)))

    return replace(
        entry_model,
        dynamic=as_seen_by_a_hook(answer),
        dynamic_low=low,
        dynamic_high=high,
        smoothing=draw(st.sampled_from([1.0, 0.3, 0.7])),
        regime=regime if draw(st.booleans()) else None,
        regime_low=0.5,
        regime_high=regime_high,
        loosen=draw(st.booleans()),
    )
