"""The sizing rules on given exposures: published numbers, by hand, and the laws that hold for any trade and any book."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from esbt.errors import EsbtError
from python_models.position_sizer import (
    Book,
    PositionSizer,
    Trade,
    conviction,
    drawdown_scale,
    heat_room,
    heat_shares,
    kelly_share,
    portfolio_heat,
    shrinkage,
)

COIN = Trade(side=1, probability=0.6, payoff=1.0, risk=124.9)  # no whole number lies within rounding
MILLION = Book(equity=1_000_000.0)

# --- numbers -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "payoff", "full"), [(0.6, 1.0, 0.2), (0.55, 2.0, 0.325), (0.53, 1.0, 0.06), (0.5, 1.0, 0.0), (0.2, 2.0, 0.0)]
)
def test_published_coins(p, payoff, full):
    """Kelly 1956, Thorp 2006 section 2."""
    assert kelly_share(p, payoff) == pytest.approx(full)


def test_bet_size_of_the_book():
    """Lopez de Prado 2018, section 10.3: p = 0.6 has z = 0.2041 and a size of 0.1617; even odds have none, certainty has all."""
    assert conviction(0.6, 1.0) == pytest.approx(0.1617, abs=5e-5)
    assert (conviction(0.5, 1.0), conviction(1.0, 1.0), conviction(1 / 3, 2.0)) == (0.0, 1.0, 0.0)


def test_shrinkage_is_where_mean_growth_is_greatest():
    """Bets on noisy estimates of a small edge: the multiple of Kelly that grew most in a simulation is the formula's, of the true edge."""
    p, error = 0.53, 0.02
    estimates = np.random.default_rng(3).normal(p, error, 20_000)
    bets = 2 * estimates - 1  # even money; a bet below 0 is one on the other side
    tried = np.linspace(0.3, 1.0, 141)
    growth = [np.mean(p * np.log1p(k * bets) + (1 - p) * np.log1p(-k * bets)) for k in tried]
    assert tried[np.argmax(growth)] == pytest.approx(shrinkage(p, 1.0, error), abs=0.02)
    assert shrinkage(p, 1.0, error) == pytest.approx(0.06**2 / (0.06**2 + 0.04**2))
    assert (shrinkage(0.6, 2.0, 0.0), shrinkage(0.3, 1.0, 0.1), shrinkage(1.0, 5e-324, 0.0)) == (1.0, 0.0, 1.0)


def test_drawdown_scale_by_hand():
    """A floor at 80 % of the peak: at the peak a fifth of equity is above it; 10 % down a ninth is."""
    assert drawdown_scale(0.1, 0.2) == pytest.approx((1 / 9) / (1 / 5))
    assert (drawdown_scale(0.0, 0.2), drawdown_scale(0.2, 0.2), drawdown_scale(0.5, 0.2), drawdown_scale(1.0, 0.2)) == (1.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("rules", "trade", "book", "contracts", "bound"),
    [
        # a quarter of 0.2 of a million over 124.9
        ({}, {}, {}, 400, "kelly"),
        ({"kelly_fraction": 0.5}, {}, {}, 480, "heat"),
        ({"kelly_fraction": 0.5, "max_contracts": 300}, {}, {}, 300, "contracts"),
        ({}, {"probability": 0.4}, {}, 0, "kelly"),
        ({}, {"probability_error": 0.1}, {}, 200, "kelly"),  # an edge as large as its error: half
        ({"confidence": True}, {}, {}, 77, "confidence"),  # 0.1617 of 6 %
        ({"volatility_target": 0.10}, {"volatility": 1000.0}, {}, 6, "volatility"),  # 100,000 over 1000 x sqrt(252)
        ({"drawdown_limit": 0.2}, {}, {"drawdown": 0.1}, 222, "drawdown"),
        ({"drawdown_limit": 0.2}, {}, {"drawdown": 0.25}, 0, "drawdown"),
        ({}, {"risk": 50_000.1}, {}, 0, "kelly"),  # less than one contract: never floored up
        ({}, {"risk": 49_999.9}, {}, 1, "kelly"),
        # heat of 5 % already: independent sqrt(0.06^2 - 0.05^2), the same market 1 %, a hedge all of it
        ({"kelly_fraction": 1.0}, {}, {"risks": [50_000.0], "correlation": [[1, 0], [0, 1]]}, 265, "heat"),
        ({"kelly_fraction": 1.0}, {}, {"risks": [50_000.0], "correlation": [[1, 1], [1, 1]]}, 80, "heat"),
        ({"kelly_fraction": 1.0}, {"side": -1}, {"risks": [50_000.0], "correlation": [[1, 1], [1, 1]]}, 480, "heat"),
        ({"kelly_fraction": 1.0}, {}, {"risks": [70_000.0], "correlation": [[1, 0], [0, 1]]}, 0, "heat"),
    ],
)
def test_rules_by_hand(rules, trade, book, contracts, bound):
    sized = PositionSizer(**rules).size(Trade(**(vars(COIN) | trade)), Book(**(vars(MILLION) | book)))
    assert (sized.contracts, sized.bound) == (contracts, bound)
    assert sized.limits[bound] == min(sized.limits.values())


def test_a_hedge_brings_down_a_portfolio_that_is_too_hot():
    """7 % open; short the same market by 7 % would bring it to nothing, but 6 % is the most for one position: 1 % is left."""
    book = Book(1_000_000.0, risks=[70_000.0], correlation=[[1, 1], [1, 1]])
    sized = PositionSizer(kelly_fraction=1.0).size(Trade(-1, 0.9, 2.0, 125.0 * (1 - 1e-12)), book)
    assert sized.contracts == 480
    assert (sized.heat_before, sized.heat_after) == pytest.approx((0.07, 0.01))


def test_heat_shares_by_hand():
    """Risks of 3 % and 4 %, independent: 9/25 and 16/25 of 5 %; a hedge's is negative; they always sum to the heat."""
    assert heat_shares([0.03, 0.04], np.eye(2)) == pytest.approx([0.018, 0.032])
    hedged = heat_shares([0.03, -0.04], [[1, 0.9], [0.9, 1]])
    assert hedged[0] < 0 < hedged[1]
    assert hedged.sum() == pytest.approx(portfolio_heat([0.03, -0.04], [[1, 0.9], [0.9, 1]]))
    assert heat_shares([0.0], [[1.0]]).tolist() == [0.0]


# --- laws ----------------------------------------------------------------------------------------------------------------------------

sides = st.sampled_from([1, -1])
trades = st.builds(
    Trade,
    side=sides,
    probability=st.floats(0, 1),
    payoff=st.floats(0.1, 10),
    risk=st.floats(10, 5000),
    probability_error=st.just(0.0) | st.floats(0, 0.3),
    volatility=st.floats(10, 5000),
)
sizers = st.builds(
    PositionSizer,
    kelly_fraction=st.floats(0.05, 1.0),
    confidence=st.booleans(),
    volatility_target=st.none() | st.floats(0.01, 1.0),
    drawdown_limit=st.none() | st.floats(0.05, 0.5),
    heat_cap=st.floats(0.005, 0.06),
    max_contracts=st.none() | st.integers(1, 500),
)


@st.composite
def books(draw):
    """Books of 0 to 4 positions whose correlations are of random factors, some of them of one and the same."""
    n, rng = draw(st.integers(0, 4)), np.random.default_rng(draw(st.integers(0, 2**32)))
    loads = rng.normal(size=(n + 1, draw(st.integers(1, 4))))
    loads /= np.linalg.norm(loads, axis=1, keepdims=True)
    equity = draw(st.floats(50_000, 5_000_000))
    risks = equity * draw(st.sampled_from([0.01, 0.03])) * rng.normal(size=n)
    return Book(equity, draw(st.floats(0, 0.4)), risks.tolist(), loads @ loads.T)


def changed(record, **new):
    return type(record)(**(vars(record) | new))


@settings(deadline=None)
@given(sizers, trades, books())
def test_heat_is_never_above_the_cap(sizer, trade, book):
    """Of the portfolio with the new position; where it was above already, it does not rise. No rule is passed, and none floored up."""
    sized = sizer.size(trade, book)
    own = [*(r / book.equity for r in book.risks), trade.side * sized.contracts * trade.risk / book.equity]
    assert sized.heat_after == pytest.approx(portfolio_heat(own, book.correlation), rel=1e-9, abs=1e-12)
    assert sized.heat_after <= max(sized.heat_before, sizer.heat_cap)
    assert 0 <= sized.contracts <= min(sized.limits.values()) == sized.limits[sized.bound]
    assert sized.contracts * trade.risk <= sizer.heat_cap * book.equity * (1 + 1e-12)


@settings(deadline=None)
@given(sizers, trades, books())
def test_one_contract_more_would_pass_a_rule(sizer, trade, book):
    """Sizes are no smaller than the rules ask: the next whole number is above the least limit."""
    sized = sizer.size(trade, book)
    assert sized.contracts + 1 > sized.limits[sized.bound] * (1 - 1e-9)


@settings(deadline=None)
@given(sizers, trades, books(), st.floats(0, 1), st.floats(0.1, 10))
def test_more_edge_is_never_a_smaller_size(sizer, trade, book, probability, payoff):
    size = sizer.size(trade, book).contracts
    assert sizer.size(changed(trade, probability=max(probability, trade.probability)), book).contracts >= size
    assert sizer.size(changed(trade, payoff=max(payoff, trade.payoff)), book).contracts >= size


@settings(deadline=None)
@given(sizers, trades, books(), st.floats(0, 1))
def test_no_edge_no_trade(sizer, trade, book, share):
    """At and below the break-even probability."""
    sized = sizer.size(changed(trade, probability=share / (1 + trade.payoff) * (1 - 1e-12)), book)
    assert (sized.contracts, sized.kelly, sized.heat_after) == (0, 0.0, sized.heat_before)


@settings(deadline=None)
@given(sizers, trades, books(), st.floats(0, 0.3), st.floats(0, 1))
def test_more_doubt_or_drawdown_is_never_a_larger_size(sizer, trade, book, error, drawdown):
    size = sizer.size(trade, book).contracts
    assert sizer.size(changed(trade, probability_error=max(error, trade.probability_error)), book).contracts <= size
    assert sizer.size(trade, changed(book, drawdown=max(drawdown, book.drawdown))).contracts <= size


@settings(deadline=None)
@given(sizers, trades, books())
def test_a_hedge_gets_at_least_what_an_independent_position_gets(sizer, trade, book):
    """And a double-up no more: the same trade, its correlations with what is open kept, or set to 0."""
    c = np.array(book.correlation)
    alone = c.copy()
    alone[-1, :-1] = alone[:-1, -1] = 0.0
    lean = trade.side * float(c[-1, :-1] @ np.array(book.risks, dtype=float))
    assume(abs(lean) > 1e-6)
    with_it, without = (sizer.size(trade, changed(book, correlation=m)).contracts for m in (c, alone))
    assert with_it >= without if lean < 0 else with_it <= without
    other = sizer.size(changed(trade, side=-trade.side), book).contracts
    assert other <= with_it if lean < 0 else other >= with_it


@settings(deadline=None)
@given(sizers, trades, books(), st.integers(-10, 10))
def test_units_of_money_do_not_matter(sizer, trade, book, power):
    """All money times a power of two: the same contracts, to the bit. Long and short of everything: the same too."""
    k = 2.0**power
    scaled = changed(book, equity=k * book.equity, risks=[k * r for r in book.risks])
    sized = sizer.size(trade, book)
    assert sizer.size(changed(trade, risk=k * trade.risk, volatility=k * trade.volatility), scaled) == sized
    mirror = sizer.size(changed(trade, side=-trade.side), changed(book, risks=[-r for r in book.risks]))
    assert mirror == sized


@settings(deadline=None)
@given(books(), sides, st.floats(0.005, 0.06))
def test_heat_room_is_exact(book, side, cap):
    """Filled to the room, heat is the cap where the room is not the cap itself; a thousandth more passes it."""
    risks = np.array(book.risks) / book.equity
    assume(portfolio_heat(risks, np.array(book.correlation)[:-1, :-1]) < cap)
    room = heat_room(risks, book.correlation, side, cap)
    heat = [portfolio_heat([*risks, side * x], book.correlation) for x in (room, room * 1.001 + 1e-6)]
    assert heat[0] <= cap * (1 + 1e-9)
    assert room == cap or (heat[0] == pytest.approx(cap, rel=1e-6) and heat[1] > cap)


# --- bad input -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "trade", "book", "message"),
    [
        ({"heat_cap": 0.07}, {}, {}, "heat_cap: .*less than or equal to 0.06, got 0.07"),
        ({"kelly": 0.3}, {}, {}, "unknown parameter 'kelly'"),
        ({}, {"side": 0}, {}, "side is 1 or -1, got 0"),
        ({}, {"probability": math.nan}, {}, r"probability must be in \[0, 1\], got nan"),
        ({}, {"payoff": 0.0}, {}, "payoff must be above 0 and finite, got 0.0"),
        ({}, {"risk": math.inf}, {}, "risk must be above 0 and finite, got inf"),
        ({}, {"risk": 1e-9}, {}, "the rules allow 5e[+]13 contracts: is the risk of one contract 1e-09 USD"),
        ({}, {"probability_error": -0.1}, {}, "probability_error must be 0 or more and finite, got -0.1"),
        ({"volatility_target": 0.1}, {}, {}, "volatility_target needs the trade's volatility"),
        ({}, {}, {"equity": 0.0}, "equity above 0 and a drawdown in .* got 0.0 and 0.0"),
        ({}, {}, {"equity": math.inf}, "equity above 0 and a drawdown in .* got inf and 0.0"),
        ({}, {}, {"drawdown": 1.1}, "got 1000000.0 and 1.1"),
        ({}, {}, {"risks": [1.0]}, "1 positions are open: give Book.correlation of their instruments and the trade's, 2 a side"),
        ({}, {}, {"risks": [1.0], "correlation": [[1.0]]}, r"one row and column larger, got \(1, 1\)"),
        ({}, {}, {"risks": [math.nan], "correlation": np.eye(2)}, "must be finite"),
        ({}, {}, {"risks": [1.0], "correlation": [[1, 0.5], [0.4, 1]]}, "no correlation matrix"),
        ({}, {}, {"risks": [1.0], "correlation": [[1, 1.5], [1.5, 1]]}, "no negative eigenvalue"),
    ],
)
def test_bad_input(rules, trade, book, message):
    with pytest.raises(EsbtError, match=message):
        PositionSizer(**rules).size(Trade(**(vars(COIN) | trade)), Book(**(vars(MILLION) | book)))
