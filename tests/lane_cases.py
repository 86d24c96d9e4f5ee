"""Markets and lanes for the tests of the sweep engine, in the core's own units: random ones from a seed, and a few drawn for what chance
does not meet. To add a plan's field: its values in AXES, those that must be stepped in STEPPED too.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from esbt import _core
from esbt.plan import ENTRIES, FAR, SIZINGS, Plan, make_plan

OFF, NEVER, NO_LIMIT = np.inf, 2**31 - 1, 2**63 - 1
BASE = {"cash_e4": 1_000_000_000, "tick_value_e4": 125_000, "fee_e4": 22_500, "contracts": 2}

AXES: dict[str, list[Any]] = {
    "stop_atr": [0.3, 0.5, 1.0, 1.7, 2.5, 4.0, 9.0, OFF],
    "stop_ticks": [3, 12, 60, FAR],
    "target_r": [0.3, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, OFF],
    "target_atr": [0.5, 1.0, 3.0, OFF],
    "target_ticks": [2, 5, 7, 11, 19, 30, 31, 90, 200, FAR],
    "trail_atr": [0.4, 1.0, 2.0, OFF],
    "trail_ticks": [2, 9, FAR],
    "max_bars": [1, 2, 7, 40, NEVER],
    "slippage_ticks": [0, 1, 3, 9],
    "latency_bars": [0, 1, 3],
    "target_through_ticks": [0, 1, 4],
    "path": [0, 1, 2],
    "fee_e4": [0, 22_500, 31_000, 400_000],
    "contracts": [1, 2, 7, 10_000],
    "cash_e4": [3_000_000, 15_000_000, 1_000_000_000],
    "tick_value_e4": [12_500, 125_000],
    "chandelier_atr": [1.0, OFF],
    "break_even_r": [0.5, OFF],
    "flat_at_close": [1, 0],
    "reverse": [0, 1],
    "cooldown_bars": [0, 6],
    "max_trades": [1, NEVER],
    "daily_loss_e4": [2_000_000, NO_LIMIT],
    "daily_profit_e4": [2_000_000, NO_LIMIT],
    "volume_share": [0.2, OFF],
    "slippage_atr": [0.0, 0.3],
    "entry": [ENTRIES.index("market"), ENTRIES.index("limit")],
    "sizing": [SIZINGS.index("fixed"), SIZINGS.index("risk")],
    "scale1_r": [0.5, OFF],
}
# Rules that know of one another, of the account or of more than the next bar; and a size whose money is beyond the kernel's numbers.
STEPPED: dict[str, list[Any]] = {
    "contracts": [10_000],
    "chandelier_atr": [1.0],
    "break_even_r": [0.5],
    "flat_at_close": [0],
    "reverse": [1],
    "cooldown_bars": [6],
    "max_trades": [1],
    "daily_loss_e4": [2_000_000],
    "daily_profit_e4": [2_000_000],
    "volume_share": [0.2],
    "slippage_atr": [0.3],
    "entry": [ENTRIES.index("limit")],
    "sizing": [SIZINGS.index("risk")],
    "scale1_r": [0.5],
}
COUPLED = [name for name in STEPPED if name != "contracts"]
WORDS = {"risk_fraction": 0.02, "max_contracts": 50, "scale1_share": 0.5, "entry_offset_ticks": 1, "entry_bars": 3}


@dataclass(frozen=True, eq=False)
class Market:
    """core: N bars. day: trade date of each, int32[N]. signals, atr (ticks), and fees_e4 and slips by bar where there are any: [N]."""

    core: "_core.CoreBars"
    day: np.ndarray
    signals: np.ndarray
    atr: np.ndarray
    fees_e4: np.ndarray | None = None
    slips: np.ndarray | None = None

    @property
    def costs(self) -> dict[str, np.ndarray | None]:
        return {"fees_e4": self.fees_e4, "slips": self.slips}


@dataclass(frozen=True, eq=False)
class Case:
    """name: tells which. lanes: the axes' values of each. plans: PLAN_DTYPE[L]. stepped: how many the engine should step."""

    name: str
    market: Market
    lanes: list[dict[str, Any]]
    plans: Plan
    stepped: int


def bars_of(close: np.ndarray, day: np.ndarray, *, reach: np.ndarray | int = 0, gap: np.ndarray | int = 0, segment: Any = 0) -> Any:
    """CoreBars from closes: each bar opens at the close before, `gap` ticks away; high and low reach beyond open and close."""
    close = np.asarray(close, np.int32)
    start = np.concatenate((close[:1], close[:-1])) + np.asarray(gap, np.int32)
    high, low = np.maximum(start, close) + reach, np.minimum(start, close) - reach
    volume = (np.arange(len(close), dtype=np.int64) * 7919) % 13
    columns = [np.ascontiguousarray(c, np.int32) for c in (start, high, low, close)]
    ts = np.arange(len(close), dtype=np.int64) * 60_000_000_000
    return _core.CoreBars(ts, *columns, volume, np.asarray(day, np.int32), np.broadcast_to(segment, len(close)).astype(np.int32))


def random_market(rng: np.random.Generator) -> Market:
    """Days of different lengths, wide gaps between them, contracts that end between days or within one, prices below zero too."""
    lengths = rng.integers(2, rng.choice([12, 60, 200]), rng.choice([1, 4, 25]))
    day = np.repeat(19_000 + np.cumsum(rng.integers(1, 4, len(lengths))), lengths).astype(np.int32)
    n, width = len(day), int(rng.choice([1, 3, 9]))
    fresh = np.diff(day, prepend=day[0] - 1) != 0
    gap = np.where(fresh, rng.integers(-8 * width, 8 * width + 1, n), rng.integers(-width, width + 1, n) * (rng.random(n) < 0.2))
    close = rng.choice([5_000, -30]) + np.cumsum(rng.integers(-width, width + 1, n) + gap)
    segment = np.cumsum(rng.random(n) < rng.choice([0.0, 0.01]))
    core = bars_of(close, day, reach=rng.integers(0, width + 1, n), gap=gap, segment=segment)
    if rng.random() < 0.5:
        signals = _core.ema_crossings(core, 2, int(rng.integers(3, 9)), 4)
    else:
        signals = rng.choice([-1, 1], n).astype(np.int8) * (rng.random(n) < rng.choice([0.03, 0.3, 1.0])).astype(np.int8)
    atr = _core.wilder_atr(core, int(rng.choice([2, 5, 14]))) * rng.choice([1.0, 0.2])  # small against its bars: both levels in one bar
    by_bar = rng.random() < 0.1
    fees = rng.choice([0, 9_900, 22_500], n).astype(np.int64) if by_bar else None
    return Market(core, day, signals, atr, fees, rng.integers(0, 3, n, dtype=np.int32) if by_bar and rng.random() < 0.5 else None)


def plans_of(lanes: list[dict[str, Any]]) -> Plan:
    return np.concatenate([make_plan(**(BASE | WORDS | lane)) for lane in lanes])


def must_be_stepped(market: Market, lane: dict[str, Any]) -> bool:
    by_bar = market.fees_e4 is not None or market.slips is not None
    return by_bar or any(lane[name] in values for name, values in STEPPED.items() if name in lane)


def random_lanes(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Some axes and values, lanes in the order of a grid or any, contradictions left out."""
    names = [name for name in AXES if name not in COUPLED]
    chosen = list(rng.choice(names, rng.integers(1, 5), replace=False))
    if rng.random() < 0.4:
        chosen += list(rng.choice(COUPLED, rng.integers(1, 3), replace=False))
    in_row = rng.random() < 0.3  # eight targets of one stop, one after another: eight lanes read them at once
    if in_row:
        target = rng.choice(["target_r", "target_ticks"])
        chosen = [name for name in chosen if name != target] + [target]
    values = [[AXES[name][k] for k in rng.permutation(len(AXES[name]))[: rng.integers(1, 11)]] for name in chosen]
    if in_row:
        values[-1] = AXES[chosen[-1]]
    grid = [dict(zip(chosen, combination, strict=True)) for combination in itertools.product(*values)]
    grid = [lane for lane in grid if not (lane.get("reverse") and (lane.get("latency_bars") or lane.get("entry")))]
    if len(grid) <= 50:
        return grid
    start = int(rng.integers(0, len(grid) - 40))
    return grid[start : start + 40] if in_row or rng.random() < 0.5 else [grid[k] for k in rng.choice(len(grid), 40, replace=False)]


def random_case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    market, lanes = random_market(rng), random_lanes(rng)
    return Case(f"seed {seed}", market, lanes, plans_of(lanes), sum(must_be_stepped(market, lane) for lane in lanes))


def rising_days(days: int, *, climb: int, first: int = 1, second: int = -1) -> Market:
    """Days of ten bars that climb so many ticks a bar, with a signal on the second bar and one on the sixth, 1, -1 or 0."""
    place = np.tile(np.arange(10), days)
    day = np.repeat(np.arange(days, dtype=np.int32), 10)
    core = bars_of(climb * place + 5_000, day, gap=np.where(place == 0, -9 * climb, 0))
    signals = np.where(place == 1, first, np.where(place == 5, second, 0)).astype(np.int8)
    return Market(core, day, signals, np.full(10 * days, 4.0))


def drawn(name: str, market: Market, lanes: list[dict[str, Any]], stepped: int) -> Case:
    return Case(name, market, lanes, plans_of(lanes), stepped)


def drawn_cases() -> Iterator[Case]:
    """What a random case does not meet: see test_sweep_engine.py."""
    # This fee and a tick are multiples of 8e-4 USD and no more: 15,625 units a tick. A trade of 300 ticks is one of 115 that sum to 2^29.
    by_time = {"stop_atr": OFF, "target_r": OFF}
    fine = [by_time | {"stop_ticks": stop, "max_bars": 3, "fee_e4": 22_504, "contracts": k} for stop in (500, 600) for k in (1, 2, 3)]
    plain = [by_time | {"stop_ticks": 500, "max_bars": k} for k in range(1, 8)]
    for word, first, second in (("won", 1, 0), ("lost", -1, 0), ("won and lost", 1, -1)):
        for days, stepped in ((60, 0), (400, len(fine))):
            yield drawn(f"{word}, {days} days", rising_days(days, climb=100, first=first, second=second), fine + plain, stepped)
    stops = [{"stop_ticks": 500, "max_bars": 3, "cash_e4": cash} for cash in (1, 500_000, 300_000_000, 5_000_000_000)]
    yield drawn("ruined", rising_days(60, climb=9, first=-1), stops, 0)
    mixed = [{"stop_ticks": k, "break_even_r": 0.5 if k % 3 == 0 else OFF} for k in range(1, 31)]
    yield drawn("mixed", rising_days(30, climb=3), mixed, 10)
    yield drawn("wide", rising_days(5, climb=4_000), [{"stop_atr": k} for k in (0.5, 1.0, OFF)], 3)
    quiet = rising_days(5, climb=2)
    yield drawn("no signal", Market(quiet.core, quiet.day, np.zeros(50, np.int8), quiet.atr), plain, 0)
    yield drawn("no bars", rising_days(0, climb=2), plain, len(plain))
    odd = [{"stop_atr": k, "fee_e4": 22_501} for k in (0.5, 1.0)]  # a tick of 125,000 units
    yield drawn("odd fee", quiet, odd, len(odd))
    yield drawn("no exits", rising_days(3, climb=1), [{"stop_atr": OFF, "target_r": OFF}], 0)
