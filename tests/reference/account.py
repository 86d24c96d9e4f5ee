"""The twin's account: closed equity and its peak, what the session has seen so far, and how many contracts an entry gets.

Money is whole 1e-4 USD. Knows no exits and no signals. To add a sizing rule: its word in Rules and its formula in `size`.
"""

import math
from dataclasses import dataclass

from reference.records import OFF, Bar, Order, Position, Rules, Trade


@dataclass
class Account:
    """What the trades so far leave behind; the session's part of it begins anew with every session."""

    rules: Rules
    closed_e4: int  # cash and all closed trades net of costs
    peak_e4: int  # the highest it was
    session_began_e4: int  # marked equity at the last close of the session before
    halted: bool = False  # a daily limit took a position out in this session
    entered: int = 0  # trades that entered in this session
    last: Trade | None = None

    def begin_session(self, position: Position | None, last_close: int) -> None:
        """A session begins; `last_close` is the close of the bar before."""
        self.session_began_e4 = self.marked(position, last_close)
        self.halted = False
        self.entered = 0

    def marked(self, position: Position | None, close: int) -> int:
        """Equity at a close: an open position counts at that close, its entry fees paid."""
        if position is None:
            return self.closed_e4
        gained = position.side * (close - position.entry) * self.rules.tick_value_e4
        return self.closed_e4 + position.contracts * (gained - position.fee_e4)

    def limit_reached(self, position: Position | None, close: int) -> str | None:
        """The daily limit that the session's P&L is at or beyond at this close, or None."""
        pnl = self.marked(position, close) - self.session_began_e4
        if pnl <= -self.rules.daily_loss_e4:
            return "daily_loss"
        if pnl >= self.rules.daily_profit_e4:
            return "daily_profit"
        return None

    def book(self, trade: Trade) -> None:
        """A trade is closed."""
        self.closed_e4 += trade.pnl_e4
        self.peak_e4 = max(self.peak_e4, self.closed_e4)
        if trade.reason != "scale_out":  # the position goes on
            self.last = trade

    def cooling(self, j: int) -> bool:
        """True at bar j where the last trade's stop is too fresh."""
        stopped = self.last is not None and self.last.reason in {"stop", "trail", "break_even", "dynamic_stop"}
        return stopped and self.last.exit_bar > j - self.rules.cooldown_bars

    def drawdown(self) -> float:
        """Of closed equity, a fraction of its peak."""
        return (self.peak_e4 - self.closed_e4) / self.peak_e4


def opened(rules: Rules) -> Account:
    """An account that has not traded yet."""
    return Account(rules, rules.cash_e4, rules.cash_e4, rules.cash_e4)


def fee_at(bar: Bar, rules: Rules) -> int:
    """Per contract and side, on the bar's date."""
    return rules.fee_e4 if bar.fee_e4 is None else bar.fee_e4


def size(order: Order, stop_distance: int, equity_e4: int, fee_e4: int, rules: Rules) -> int:
    """Whole contracts from closed equity; zero or less means no trade."""
    if rules.sizing == "fixed":
        return rules.contracts
    if rules.sizing == "risk":
        return min(math.floor(equity_e4 * rules.risk_fraction / (stop_distance * rules.tick_value_e4)), rules.max_contracts)
    if rules.sizing == "volatility":
        if order.atr == 0:
            return 0
        return min(math.floor(equity_e4 * rules.volatility_target / (order.atr * rules.tick_value_e4)), rules.max_contracts)
    p, b = order.confidence, rules.payoff
    share = rules.kelly_fraction * max(0.0, p - (1.0 - p) / b)
    if rules.volatility_ref < OFF:
        # A price below zero is as volatile as one above it; beside a price of zero every ATR is boundless.
        share *= min(1.0, rules.volatility_ref / (order.atr / abs(order.close))) if order.close else 0.0
    share = min(share, rules.heat_cap)
    return min(math.floor(equity_e4 * share / (stop_distance * rules.tick_value_e4 + 2 * fee_e4)), rules.max_contracts)


def fillable(volume: int, rules: Rules) -> float:
    """How many contracts the entry bar's volume lets through; OFF where the rule is off."""
    return math.floor(rules.volume_share * volume) if rules.volume_share < OFF else OFF
