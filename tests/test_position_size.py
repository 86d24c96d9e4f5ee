"""Phase 3: Kelly through the core against published coins and a twin, the heat cap, sizes of zero, and heat of a portfolio."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_helpers import labels_of, market, plain_features, quick, quick_run

import esbt
from esbt.errors import EsbtError
from python_models.position_sizer import Book, PositionSizer, Trade, kelly_size, payoff_of, portfolio_heat

ATR_TICKS = 10.0  # a stop of one ATR is 10 ticks: 125 USD of ES
BARS = market(days=2, edge=0.0, seed=5, interval="5min")
FIRST = 30


def logit(p):
    return math.log(p / (1 - p))


def sized(p, size, *, cash=100_000.0, fee_usd=2.25, atr=ATR_TICKS, bars=BARS):
    """One long trade at bar 31, with probability p, a stop of one ATR and no target."""
    values = np.zeros(len(bars), np.int8)
    values[FIRST] = 1
    signals = esbt.Signals(values=values, atr_ticks=np.full(len(bars), atr), stop_atr=1.0, target_r=None)
    coin = esbt.Ask(lambda x: np.full(len(x), logit(p)), ["side"])
    model = esbt.EntryModel(plain_features(one=np.ones(len(bars))), confidence=coin)
    return esbt.backtest(bars, signals, cash=cash, size=size, fee_usd=fee_usd, model=model)


# Kelly 1956 for even money: f = 2 p - 1. Thorp 2006, section 2, for odds b to 1: f = p - (1 - p) / b.
COINS = [(0.6, 1.0, 0.2), (0.55, 2.0, 0.325), (0.53, 1.0, 0.06), (0.5, 2.0, 0.25), (0.75, 1.0, 0.5)]


@pytest.mark.parametrize(("p", "payoff", "full"), COINS)
@pytest.mark.parametrize("fraction", [1.0, 0.5, 0.25])
def test_published_coins(p, payoff, full, fraction):
    """The share of equity at risk is the published fraction: contracts = floor(equity * f / (125 USD + two fees)), of a large account."""
    cash = 10_000_000.0
    result = sized(p, esbt.Kelly(fraction=fraction, payoff=payoff, heat_cap=1.0), cash=cash)
    (contracts,) = result.trades["contracts"]
    unit = 10 * 12.5 + 2 * 2.25
    assert contracts in {math.floor(cash * fraction * full / unit + nudge) for nudge in (-1e-6, 1e-6)}
    assert contracts * unit / cash == pytest.approx(fraction * full, abs=unit / cash)
    assert result.trades["confidence"][0] == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize(("p", "payoff"), [(0.5, 1.0), (0.3, 2.0), (1 / 3 - 1e-9, 2.0), (0.01, 5.0)])
def test_without_an_edge_there_is_no_trade_and_it_is_counted(p, payoff):
    result = sized(p, esbt.Kelly(fraction=1.0, payoff=payoff, heat_cap=1.0), cash=10_000_000.0)
    assert len(result.trades) == 0
    assert result.skipped["size"] == 1
    assert (result.equity["equity"] == 10_000_000.0).all()


def test_less_than_one_contract_is_no_trade():
    """A fifth of 640 USD is 128, a contract needs 129.50; a fifth of 650 is enough."""
    even = esbt.Kelly(fraction=1.0, payoff=1.0, heat_cap=1.0)
    small, enough = sized(0.6, even, cash=640.0), sized(0.6, even, cash=650.0)
    assert (len(small.trades), small.skipped["size"]) == (0, 1)
    assert (enough.trades["contracts"].to_list(), enough.skipped["size"]) == ([1], 0)


@pytest.mark.parametrize(("ratio", "share"), [(0.5, 0.1), (1.0, 0.2), (4.0, 0.2)])
def test_wild_markets_shrink_the_size_and_calm_ones_do_not_raise_it(ratio, share):
    """volatility_ref is `ratio` times the signal bar's ATR / close."""
    reference = ratio * ATR_TICKS / abs(int(BARS.close[FIRST]))
    rule = esbt.Kelly(fraction=1.0, payoff=1.0, heat_cap=1.0, volatility_ref=reference)
    (contracts,) = sized(0.6, rule, cash=10_000_000.0).trades["contracts"]
    assert contracts == pytest.approx(share * 10_000_000 / 129.5, abs=1.01)


def test_caps():
    sure = {"fraction": 1.0, "payoff": 2.0}
    (by_heat,) = sized(0.9, esbt.Kelly(**sure, heat_cap=0.06)).trades["contracts"]
    (by_count,) = sized(0.9, esbt.Kelly(**sure, heat_cap=0.06, max_contracts=10)).trades["contracts"]
    assert by_heat == math.floor(100_000 * 0.06 / 129.5) == 46
    assert by_count == 10


kellys = st.builds(
    esbt.Kelly,
    payoff=st.floats(0.2, 5.0),
    fraction=st.floats(0.01, 1.0),
    heat_cap=st.floats(0.005, 1.0),
    volatility_ref=st.none() | st.floats(0.0001, 0.01),
)


@settings(max_examples=60, deadline=None)
@given(p=st.floats(0.02, 0.98), rule=kellys, cash=st.integers(1_000, 500_000).map(float), atr=st.floats(0.3, 80.0))
def test_the_core_equals_the_formula(p, rule, cash, atr):
    """docs/rulebook.md, Size, written out; a whole number within rounding of the boundary may go either way. All of 500,000 USD at one tick
    is less than the core can count."""
    result = sized(p, rule, cash=cash, atr=atr)
    calm = 1.0 if rule.volatility_ref is None else min(1.0, rule.volatility_ref / (atr / abs(int(BARS.close[FIRST]))))
    share = min(rule.fraction * max(0.0, p - (1 - p) / rule.payoff) * calm, rule.heat_cap)
    affordable = cash * share / (max(1, math.ceil(atr)) * 12.5 + 2 * 2.25)
    contracts = result.trades["contracts"][0] if len(result.trades) else 0
    assert contracts in {math.floor(affordable * (1 - 1e-9)), math.floor(affordable * (1 + 1e-9))}
    assert result.skipped["size"] == (contracts == 0)


@settings(max_examples=60, deadline=None)
@given(
    p=st.floats(0.02, 0.98),
    rule=st.builds(
        esbt.Kelly,
        payoff=st.floats(0.2, 5.0),
        fraction=st.floats(0.01, 1.0),
        heat_cap=st.floats(0.005, 0.06),
        max_contracts=st.integers(1, 60),
    ),
    cash=st.integers(1_000, 5_000_000).map(float),
)
def test_the_core_agrees_with_the_sizer(p, rule, cash):
    """One position: the contracts of `PositionSizer` of the same fraction, cap and most, the risk with both fees; a whole number within
    rounding of the boundary may go either way."""
    result = sized(p, rule, cash=cash)
    sizer = PositionSizer(kelly_fraction=rule.fraction, heat_cap=rule.heat_cap, max_contracts=rule.max_contracts)
    trade = Trade(side=1, probability=1 / (1 + math.exp(-logit(p))), payoff=rule.payoff, risk=10 * 12.5 + 2 * 2.25)
    found = sizer.size(trade, Book(equity=cash))
    contracts = result.trades["contracts"][0] if len(result.trades) else 0
    least = min(found.limits.values())
    assert contracts in {found.contracts, math.floor(least * (1 - 1e-9)), math.floor(least * (1 + 1e-9))}
    assert found.contracts in {math.floor(least * (1 - 1e-9)), math.floor(least * (1 + 1e-9))}


def heats(result):
    """Risk at the stop over closed equity, at each entry: a fraction."""
    trades = result.trades
    before = result.cash + np.concatenate(([0.0], np.cumsum(trades["pnl"].to_numpy())[:-1]))
    risk = (
        np.abs(trades["entry_price"] - trades["stop_price"]).to_numpy() * result.bars.instrument.multiplier * trades["contracts"].to_numpy()
    )
    return risk / before


@pytest.mark.parametrize("seed", range(3))
def test_heat_at_entry_is_never_above_six_percent(seed):
    """Full Kelly of a reckless model that is sure of everything, on a market where it often loses: the cap holds at every entry."""
    bars = market(days=20, edge=0.0, seed=seed, interval="5min")
    columns = esbt.features(bars, ["move(1)"])
    sure = esbt.Ask(lambda x: 2.0 + np.nan_to_num(x[:, 0]), ["move(1)"])
    model = esbt.EntryModel(columns, confidence=sure)
    result = esbt.backtest(bars, esbt.AtrStrategy(fast=5, slow=12), size=esbt.Kelly(fraction=1.0, payoff=3.0), model=model)
    assert len(result.trades) > 100
    assert heats(result).max() <= 0.06
    assert heats(result).max() > 0.05  # the cap was met
    assert result.trades["contracts"].n_unique() > 5


def test_heat_of_what_was_learned():
    """The rule that learning gives, in the loop on the test time: under its cap and its most contracts, sizes vary."""
    config, bars, columns, _, learned, test = quick_run()
    cut = slice(test.start, test.stop)
    signals = esbt.Signals(values=config.strategy.signals(bars)[cut], atr_ticks=config.strategy.atr(bars)[cut])
    result = esbt.backtest(bars[cut], signals, size=learned.size, model=learned.model(columns[cut]))
    assert len(result.trades) > 20
    assert heats(result).max() <= config.learning.heat_cap == 0.06
    assert 1 <= result.trades["contracts"].min() <= result.trades["contracts"].max() <= config.learning.max_contracts


def test_no_run_may_have_a_heat_cap_above_six_percent():
    with pytest.raises(EsbtError, match=r"heat_cap may be 0.06 at most, got 0.07"):
        quick(heat_cap=0.07)


def test_kelly_needs_a_probability():
    with pytest.raises(EsbtError, match="Kelly needs a probability: give a model with a confidence hook"):
        esbt.backtest(BARS, esbt.AtrStrategy(), size=esbt.Kelly())
    with pytest.raises(EsbtError, match="Kelly needs a probability"):
        esbt.backtest(BARS, esbt.AtrStrategy(), size=esbt.Kelly(), model=esbt.EntryModel(esbt.features(BARS)))


def test_kelly_needs_a_stop():
    signals = esbt.Signals(values=np.zeros(len(BARS), np.int8), stop_atr=None, target_r=None)
    model = esbt.EntryModel(esbt.features(BARS), confidence=esbt.Ask(lambda x: np.zeros(len(x)), ["side"]))
    with pytest.raises(EsbtError, match="size Kelly needs the stop distance: give stop_atr"):
        esbt.backtest(BARS, signals, size=esbt.Kelly(), model=model)


# --- its numbers, from training trades -----------------------------------------------------------------------------------------------


def test_payoff_is_mean_win_over_mean_loss_in_multiples_of_the_risk():
    """Wins of 2 R and 4 R, losses of 1 R and 0.5 R, a scratch that is neither: 3 / 0.75."""
    labels = labels_of(range(5), range(5), pnl=[200.0, 400.0, -100.0, -50.0, 0.0])
    assert payoff_of(labels) == 4.0
    size = kelly_size(labels, np.array([0.001, 0.002, 0.1]), quick(kelly_fraction=0.5, heat_cap=0.03, max_contracts=7))
    assert size == esbt.Kelly(fraction=0.5, payoff=4.0, heat_cap=0.03, volatility_ref=0.002, max_contracts=7)


@pytest.mark.parametrize("pnl", [[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0], []])
def test_a_payoff_needs_wins_and_losses(pnl):
    with pytest.raises(EsbtError, match="a payoff needs wins and losses"):
        payoff_of(labels_of(range(len(pnl)), range(len(pnl)), pnl=pnl))


# --- heat of several positions -------------------------------------------------------------------------------------------------------


@given(st.floats(-0.1, 0.1))
def test_heat_of_one_position_is_its_own_risk(risk):
    assert portfolio_heat([risk]) == pytest.approx(abs(risk), rel=1e-12, abs=1e-160)


def test_heat_by_hand():
    """Risks of 3 % and 4 %: 5 % apart, 7 % together, 1 % when one hedges the other."""
    assert portfolio_heat([0.03, 0.04]) == pytest.approx(0.05)
    together = [[1.0, 1.0], [1.0, 1.0]]
    assert portfolio_heat([0.03, 0.04], together) == pytest.approx(0.07)
    assert portfolio_heat([0.03, -0.04], together) == pytest.approx(0.01)


@given(st.floats(0.001, 0.1), st.floats(0.001, 0.1), st.floats(0.01, 0.99))
def test_a_hedge_lowers_heat_and_a_double_up_raises_it(a, b, rho):
    """The sign of the correlation and of the side both count: either turned over, the other way round; both, the same."""
    apart = portfolio_heat([a, b])
    plus, minus = [[1, rho], [rho, 1]], [[1, -rho], [-rho, 1]]
    assert portfolio_heat([a, b], plus) > apart > portfolio_heat([a, -b], plus)
    assert portfolio_heat([a, -b], minus) == pytest.approx(portfolio_heat([a, b], plus))
    assert portfolio_heat([a, b], minus) == pytest.approx(portfolio_heat([a, -b], plus))
    assert portfolio_heat([a, -a], [[1, 1], [1, 1]]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("risk", "correlation"),
    [(0.1, None), ([[0.1]], None), ([0.1, 0.2], [[1.0]]), ([0.1], [1.0]), ([0.1, 0.2], [[1.0, 0.5]]), ([0.1], [[1.0, 0.5], [0.5, 1.0]])],
)
def test_shapes_that_do_not_fit(risk, correlation):
    with pytest.raises(EsbtError, match=r"heat needs risks of shape \(P,\) and correlations of shape \(P, P\), got"):
        portfolio_heat(risk, correlation)
