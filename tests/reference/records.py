"""What the twin takes, holds and gives, as plain records by the core's names: bars, rules, a model; orders, positions, exits; trades."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

FAR = 2**28  # a distance that no price crosses: "off"
OFF = math.inf
NEVER = 2**31 - 1
NO_LIMIT = 2**63 - 1


@dataclass(frozen=True)
class Bar:
    """Four prices in ticks, the session and the contract (segment) it belongs to, how many contracts were traded in it, the fee per
    contract and side of its date (None: the rules' own), and the extra ticks that a market or stop fill in it pays."""

    open: int
    high: int
    low: int
    close: int
    session: int = 0
    segment: int = 0
    volume: int = 1_000_000
    fee_e4: int | None = None
    slip: int = 0


@dataclass(frozen=True)
class Rules:
    """What a plan holds, by the plan's names; path, entry and sizing are words here."""

    stop_atr: float = 2.0
    stop_ticks: int = FAR
    target_r: float = 2.0
    target_atr: float = OFF
    target_ticks: int = FAR
    trail_atr: float = OFF
    trail_ticks: int = FAR
    chandelier_atr: float = OFF
    break_even_r: float = OFF
    break_even_offset_ticks: int = 0
    max_bars: int = NEVER
    slippage_ticks: int = 1
    slippage_atr: float = 0.0
    target_through_ticks: int = 0
    path: str = "worst"  # worst, best, nearest, finer
    entry: str = "market"  # market, stop, limit
    entry_offset_atr: float = OFF
    entry_offset_ticks: int = FAR
    entry_bars: int = 1
    entry_through_ticks: int = 0
    scale1_r: float = OFF
    scale1_share: float = 0.0
    scale1_stop_r: float = -OFF
    scale2_r: float = OFF
    scale2_share: float = 0.0
    scale2_stop_r: float = -OFF
    flat_at_close: bool = True
    reverse: bool = False
    latency_bars: int = 0
    cooldown_bars: int = 0
    max_trades: int = NEVER  # a session
    daily_loss_e4: int = NO_LIMIT
    daily_profit_e4: int = NO_LIMIT
    volume_share: float = OFF
    sizing: str = "fixed"  # fixed, risk, kelly, volatility
    contracts: int = 1
    max_contracts: int = NEVER
    risk_fraction: float = 0.0
    kelly_fraction: float = 0.0
    payoff: float = 1.0
    heat_cap: float = 0.06
    volatility_ref: float = OFF
    volatility_target: float = 0.0
    cash_e4: int = 1_000_000_000
    tick_value_e4: int = 125_000
    fee_e4: int = 0


@dataclass(frozen=True)
class Model:
    """The entry model as plain functions of (bar, side, stop_atr, drawdown); the confidence is asked second, with the new stop.

    `dynamic` is asked for the stop of an open position: (bar, side, stop_atr, drawdown, bars_held, open_atr, mae_atr, mfe_atr,
    stop_now_atr); `regime` is a column of features: its value in the row of a bar.
    """

    stop: Callable[[int, int, float, float], float] | None = None
    confidence: Callable[[int, int, float, float], float] | None = None  # a raw margin
    stop_low: float = 0.0
    stop_high: float = OFF
    calibration_a: float = 1.0
    calibration_b: float = 0.0
    threshold: float = 0.0
    dynamic: Callable[..., float] | None = None
    dynamic_low: float = 0.5
    dynamic_high: float = 4.0
    smoothing: float = 1.0
    regime: Callable[[int], float] | None = None
    regime_low: float = 1.0
    regime_high: float = 1.0
    loosen: bool = False


@dataclass(frozen=True)
class Order:
    """What the signal of one bar asks of later bars. `enter` is False where only a reversal's closing half is left."""

    side: int
    signal_bar: int
    first_bar: int  # the first in which it works
    atr: float  # of the signal bar, ticks
    close: int  # of the signal bar
    stop_atr: float
    confidence: float = math.nan
    enter: bool = True


@dataclass(frozen=True)
class Part:
    """Contracts that leave before the target, at a level (price) of their own."""

    level: int
    contracts: int
    distance: int  # of the level from the fill, ticks
    stop_after: int | None  # where the stop moves once the part has left, a price; None: stays


@dataclass
class Position:
    """An open position: its levels are prices in ticks."""

    side: int
    contracts: int  # that are left
    signal_bar: int
    entry_bar: int
    filled_at: int  # the market's price of the fill
    entry: int  # the same after slippage
    slip: int  # a bar's own comes on top
    stop: int
    target: int
    stop_distance: int
    target_distance: int
    trail_distance: int
    fee_e4: int  # per contract, paid at entry
    confidence: float
    multiple: float  # the stop in ATR that is in force, for the dynamic stop
    parts: tuple[Part, ...] = ()  # not yet left, in the order of their levels
    stop_reason: str = "stop"
    ambiguous: bool = False  # whatever comes later
    seen: list[int] = field(default_factory=list)  # market prices of the bars that it survived


@dataclass(frozen=True)
class Exit:
    """Where and why a position leaves, or the part of it, and the market prices of the exit bar that it lived to see."""

    price: int
    reason: str
    seen: tuple[int, ...]
    ambiguous: bool = False
    part: Part | None = None


@dataclass(frozen=True)
class Trade:
    """One finished trade, by the trade record's names; reason is the rulebook's word. A part that left is a trade of its own."""

    signal_bar: int
    entry_bar: int
    exit_bar: int
    side: int
    contracts: int
    entry_price: int
    exit_price: int
    stop_distance: int
    target_distance: int
    reason: str
    ambiguous: bool
    mae_ticks: int
    mfe_ticks: int
    pnl_e4: int
    costs_e4: int
    confidence: float
