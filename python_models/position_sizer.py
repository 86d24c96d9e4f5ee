"""Phase 3, the size: every rule's own limit in contracts, the least of them, floored to whole contracts, and which rule bound.

`PositionSizer` is pure rules over a given trade and a given book, whatever instruments are in it; `kelly_size` estimates, from training
trades, the numbers of the rule that runs in the loop (csrc/esbt/size.hpp), which is the same where both define it (docs/learning.md). All
money is USD; risk is the money at the stop, costs included. A rule to add: one limit in `PositionSizer._limits`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.special import ndtr

from esbt.account import Contracts, Fraction, Kelly
from esbt.errors import EsbtError
from esbt.settings import Settings
from esbt.signals import Positive, Share
from python_models.config import Learning
from python_models.labels import Labels

Floats = npt.NDArray[np.float64]
DAYS = 252
MOST = 1e9  # contracts; more is a mistake of units
HeatCap = Annotated[float, Field(gt=0, le=0.06)]


@dataclass(frozen=True)
class Trade:
    """A trade asked for. side: +1 or -1. probability: of a win; payoff: mean win over mean loss, in multiples of the risk.
    probability_error: standard error of the probability. risk: of one contract. volatility: standard deviation of its daily profit, USD."""

    side: int
    probability: float
    payoff: float
    risk: float
    probability_error: float = 0.0
    volatility: float | None = None


@dataclass(frozen=True)
class Book:
    """The account it comes to. equity: USD, drawdown: from its peak, a fraction. risks: of each open position, + long, - short, USD.

    correlation: float64[P + 1, P + 1] of the instruments' price moves, the open positions' in order, then the trade's own; needed where
    anything is open.
    """

    equity: float
    drawdown: float = 0.0
    risks: Sequence[float] = ()
    correlation: npt.ArrayLike | None = None


@dataclass(frozen=True)
class Sized:
    """contracts: whole, 0 for no trade. bound: the rule that gave the least. limits: contracts each rule allows, before the floor.

    kelly, shrinkage, drawdown_scale: full Kelly share of equity and what it was multiplied with. heat_before, heat_after: of the portfolio.
    """

    contracts: int
    bound: str
    limits: dict[str, float] = field(repr=False)
    kelly: float
    shrinkage: float
    drawdown_scale: float
    heat_before: float
    heat_after: float


class PositionSizer(Settings):
    """The rules; one that is None is off. Each allows so many contracts, the least counts.

    "kelly": kelly_fraction x `shrinkage` x full Kelly share of equity at the stop. "confidence", with confidence=True: `conviction` x
    heat_cap at the stop. "volatility": the position's volatility at most volatility_target of equity, a year (Harvey et al. 2018, The
    Impact of Volatility Targeting). "drawdown": the least of these x `drawdown_scale`, nothing left from drawdown_limit on. "heat": the
    portfolio at most heat_cap, see `heat_room`. "contracts": at most max_contracts.
    """

    kelly_fraction: Fraction = 0.25
    confidence: bool = False
    volatility_target: Positive | None = None
    drawdown_limit: Share | None = None
    heat_cap: HeatCap = 0.06
    max_contracts: Contracts | None = None

    def size(self, trade: Trade, book: Book) -> Sized:
        """Contracts of this trade. Raises EsbtError for values that mean nothing; a trade without an edge is sized 0, not an error."""
        _check_trade(trade)
        risks, correlation = _checked_book(book, trade)
        full = kelly_share(trade.probability, trade.payoff)
        shrunk = shrinkage(trade.probability, trade.payoff, trade.probability_error)
        scale = 1.0 if self.drawdown_limit is None else drawdown_scale(book.drawdown, self.drawdown_limit)
        limits = self._limits(trade, book.equity, full * shrunk, scale)
        limits["heat"] = heat_room(risks, correlation, trade.side, self.heat_cap) * book.equity / trade.risk
        bound = min(limits, key=lambda rule: limits[rule])
        before = portfolio_heat(risks, correlation[:-1, :-1])

        def heat(contracts: int) -> float:
            if not contracts:
                return before
            return portfolio_heat([*risks, trade.side * contracts * trade.risk / book.equity], correlation)

        if limits[bound] > MOST:
            raise EsbtError(f"the rules allow {limits[bound]:.3g} contracts: is the risk of one contract {trade.risk} USD?")
        contracts = math.floor(limits[bound])
        while contracts and heat(contracts) > max(before, self.heat_cap):
            contracts -= 1  # the room was right up to rounding: the cap holds to the last bit
        return Sized(contracts, bound, limits, full, shrunk, scale, before, heat(contracts))

    def _limits(self, trade: Trade, equity: float, share: float, scale: float) -> dict[str, float]:
        """Contracts by every rule that knows nothing of the other positions."""
        limits = {"kelly": self.kelly_fraction * share * equity / trade.risk}
        if self.confidence:
            limits["confidence"] = conviction(trade.probability, trade.payoff) * self.heat_cap * equity / trade.risk
        if self.volatility_target is not None:
            if trade.volatility is None:
                raise EsbtError(
                    "volatility_target needs the trade's volatility: the daily standard deviation of one contract's profit, USD"
                )
            limits["volatility"] = self.volatility_target * equity / (trade.volatility * math.sqrt(DAYS))
        if scale < 1:
            limits["drawdown"] = scale * min(limits.values())
        if self.max_contracts is not None:
            limits["contracts"] = float(self.max_contracts)
        return limits


def payoff_of(labels: Labels) -> float:
    """Mean win over mean loss, in multiples of the money at the stop. Raises EsbtError where there are no wins or no losses."""
    multiples = labels.pnl / labels.risk
    wins, losses = multiples[multiples > 0], -multiples[multiples < 0]
    if not wins.size or not losses.size:
        raise EsbtError(f"a payoff needs wins and losses, got {wins.size} and {losses.size}")
    return float(wins.mean() / losses.mean())


def kelly_size(taken: Labels, relative_volatility: npt.NDArray[np.float64], learning: Learning) -> Kelly:
    """The sizing rule from training trades the filter would take; ATR / price at training signals (median: the reference)."""
    return Kelly(
        fraction=learning.kelly_fraction,
        payoff=payoff_of(taken),
        heat_cap=learning.heat_cap,
        volatility_ref=float(np.median(relative_volatility)),
        max_contracts=learning.max_contracts,
    )


def kelly_share(probability: float, payoff: float) -> float:
    """Full Kelly share of equity at risk, p - (1 - p) / b, 0 without an edge (Kelly 1956; Thorp 2006, section 2)."""
    return max(0.0, probability - (1 - probability) / payoff)


def shrinkage(probability: float, payoff: float, error: float) -> float:
    """What is left of a bet whose probability has a standard error: f^2 / (f^2 + ((b + 1) / b)^2 * error^2), f the full Kelly share.

    Growth near its peak is e k - v k^2 / 2; bet on an estimate of e with error s, its mean is greatest at e^2 / (e^2 + s^2) of the bet
    (Baker and McHale 2013, Decision Analysis 10(3), their approximation). 1 without error, 0 without an edge.
    """
    edge = kelly_share(probability, payoff)
    if not edge or not error:
        return 1.0 if edge else 0.0
    return (edge / math.hypot(edge, (payoff + 1) / payoff * error)) ** 2


def conviction(probability: float, payoff: float) -> float:
    """2 Phi(z) - 1, z = (p - q) / sqrt(p (1 - p)), q = 1 / (1 + b) the break-even probability; 0 below it. In [0, 1].

    Source: Lopez de Prado 2018, Advances in Financial Machine Learning, section 10.3, where b = 1.
    """
    over = probability - 1 / (1 + payoff)
    if over <= 0:
        return 0.0
    spread = math.sqrt(probability * (1 - probability))
    return float(2 * ndtr(over / spread) - 1) if spread > 0 else 1.0


def drawdown_scale(drawdown: float, limit: float) -> float:
    """Exposure in a drawdown d over exposure at the peak, so that the floor 1 - limit is not reached: (limit - d) / (limit * (1 - d)), 0
    from the limit on. It is in proportion to what is above the floor (Grossman and Zhou 1993, Mathematical Finance 3(3))."""
    return max(0.0, (limit - drawdown) / (limit * (1 - drawdown))) if drawdown < 1 else 0.0


def portfolio_heat(signed_risk: npt.ArrayLike, correlation: npt.ArrayLike | None = None) -> float:
    """Open risk of a portfolio as a fraction of equity: sqrt(r' C r), r the signed risk at the stop of each position (+ long, - short).

    signed_risk: float64[P], fractions of equity. correlation: float64[P, P], identity by default. The sign of the correlation is kept: a
    hedge lowers heat, a double-up raises it. One position: its own risk. Source: variance of a sum of correlated risks.
    Raises EsbtError for shapes that do not fit.
    """
    r = np.asarray(signed_risk, dtype=np.float64)
    c = np.eye(r.size) if correlation is None else np.asarray(correlation, dtype=np.float64)
    if r.ndim != 1 or c.shape != (r.size, r.size):
        raise EsbtError(f"heat needs risks of shape (P,) and correlations of shape (P, P), got {r.shape} and {c.shape}")
    return math.sqrt(max(0.0, float(r @ c @ r)))


def heat_room(signed_risk: npt.ArrayLike, correlation: npt.ArrayLike, side: int, cap: float) -> float:
    """The most risk a new position may have, as a share of equity, where portfolio heat sqrt(r' C r) must not pass the cap.

    signed_risk: float64[P], shares of equity. correlation: float64[P + 1, P + 1], the new position's last. The sign is kept: with b the
    new position's correlation with the portfolio times its heat H (side x sum of c_i r_i), the room is -b + sqrt(b^2 + cap^2 - H^2): more
    for a hedge (b below 0) than for an independent position, less for a double-up. Never more than the cap itself: should the correlation
    break, the hedge alone is not above it. Where H is above the cap already, a hedge may bring it down as far as it can, anything else
    has no room.
    """
    r, c = np.asarray(signed_risk, dtype=np.float64), np.asarray(correlation, dtype=np.float64)
    with_it = side * float(c[-1, :-1] @ r)
    free = cap**2 - float(r @ c[:-1, :-1] @ r)
    if free < 0 <= with_it:
        return 0.0
    return max(0.0, min(cap, math.sqrt(max(0.0, with_it**2 + free)) - with_it))


def heat_shares(signed_risk: npt.ArrayLike, correlation: npt.ArrayLike) -> Floats:
    """What each position adds to portfolio heat H: r_i (C r)_i / H, float64[P]; they sum to H, a hedge's is below 0 (Euler allocation,
    Tasche 1999). 0 each where H is 0."""
    r, c = np.asarray(signed_risk, dtype=np.float64), np.asarray(correlation, dtype=np.float64)
    heat = portfolio_heat(r, c)
    return np.asarray(r * (c @ r) / heat if heat > 0 else np.zeros(r.size), dtype=np.float64)


def _check_trade(trade: Trade) -> None:
    if trade.side not in (1, -1):
        raise EsbtError(f"a trade's side is 1 or -1, got {trade.side}")
    for name, least_is_fine in (("payoff", False), ("risk", False), ("probability_error", True), ("volatility", False)):
        value = getattr(trade, name)
        if value is not None and not (0 <= value < math.inf and (value > 0 or least_is_fine)):
            raise EsbtError(f"a trade's {name} must be {'0 or more' if least_is_fine else 'above 0'} and finite, got {value}")
    if not 0 <= trade.probability <= 1:
        raise EsbtError(f"a trade's probability must be in [0, 1], got {trade.probability}")


def _checked_book(book: Book, trade: Trade) -> tuple[Floats, Floats]:
    """Signed risks as shares of equity, float64[P], and the correlation matrix float64[P + 1, P + 1]."""
    if not 0 < book.equity < math.inf or not 0 <= book.drawdown <= 1:
        raise EsbtError(f"a book needs equity above 0 and a drawdown in [0, 1], got {book.equity} and {book.drawdown}")
    risks = np.asarray(book.risks, dtype=np.float64) / book.equity
    if book.correlation is None and risks.size:
        raise EsbtError(
            f"{risks.size} positions are open: give Book.correlation of their instruments and the trade's, {risks.size + 1} a side"
        )
    c = np.eye(1) if book.correlation is None else np.asarray(book.correlation, dtype=np.float64)
    if risks.ndim != 1 or c.shape != (risks.size + 1, risks.size + 1):
        raise EsbtError(f"a book of risks of shape {risks.shape} needs correlations one row and column larger, got {c.shape}")
    if not np.isfinite(risks).all() or not np.isfinite(c).all():
        raise EsbtError("a book's risks and correlations must be finite")
    off = np.abs(c - c.T).max() > 1e-9 or np.abs(np.diag(c) - 1).max() > 1e-9 or np.linalg.eigvalsh(c).min() < -1e-9
    if off:
        raise EsbtError("Book.correlation is no correlation matrix: it must be symmetric, 1 on the diagonal, with no negative eigenvalue")
    return risks, c
