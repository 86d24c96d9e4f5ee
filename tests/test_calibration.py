"""Calibration: each fit against an optimum found otherwise, the choice on time held out, and equal probabilities in the loop."""

import json

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_helpers import labels_of, market, plain_features
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from sklearn.isotonic import IsotonicRegression

import esbt
from esbt.errors import EsbtError
from python_models.calibration import (
    FITS,
    Beta,
    Isotonic,
    Platt,
    calibration_from,
    choose_calibration,
    fit_beta,
    fit_isotonic,
    fit_platt,
)

threadpoolctl.threadpool_limits(1)  # fits of two numbers: threads cost more than they bring
HERE = np.linspace(-6, 6, 241)


def drawn(truth, n=2000, seed=0):
    """Margins, and outcomes drawn with the probability that `truth` says of each."""
    rng = np.random.default_rng(seed)
    m = rng.normal(scale=2.0, size=n)
    return m, rng.random(n) < truth(m)


def loss(probability, won):
    return -np.mean(np.where(won, np.log(probability), np.log1p(-probability)))


@settings(deadline=None, max_examples=40)
@given(st.floats(-2, 2), st.floats(-1, 1), st.integers(0, 1000))
def test_platt_is_the_least_log_loss(a, b, seed):
    """The same minimum as a plain optimizer finds, whatever the slope."""
    m, won = drawn(lambda m: expit(a * m + b), n=300, seed=seed)
    own = fit_platt(m, won)
    other = minimize(lambda t: -log_expit(np.where(won, 1, -1) * (t[0] * m + t[1])).mean(), [0.0, 0.0])
    assert loss(own.probability(m), won) == pytest.approx(other.fun, rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.floats(-0.5, 2), st.floats(-0.5, 2), st.floats(-1, 1), st.integers(0, 1000))
def test_beta_is_the_least_log_loss_without_negative_slopes(a, b, c, seed):
    """Against scipy's bounded optimizer; truths with negative slopes push it onto the bounds."""
    m, won = drawn(lambda m: expit(a * log_expit(m) - b * log_expit(-m) + c), n=300, seed=seed)
    if won.all() or not won.any():
        return
    own = fit_beta(m, won)

    def objective(t):
        return -log_expit(np.where(won, 1, -1) * (t[0] * log_expit(m) - t[1] * log_expit(-m) + t[2])).mean()

    other = minimize(objective, [0.5, 0.5, 0.0], bounds=[(0, None), (0, None), (None, None)], method="L-BFGS-B")
    assert min(own.a, own.b) >= 0
    assert loss(own.probability(m), won) == pytest.approx(other.fun, rel=1e-4)


def test_beta_by_name():
    """Kull et al. 2017, section 3: a = b = 1, c = 0 is the identity; a = b is Platt of the log odds; the formula of a probability."""
    s = expit(HERE)
    assert Beta(1.0, 1.0, 0.0).probability(HERE) == pytest.approx(s, rel=1e-12)
    assert Beta(0.7, 0.7, -0.2).probability(HERE) == pytest.approx(Platt(0.7, -0.2).probability(HERE), rel=1e-12)
    formula = 1 / (1 + 1 / (np.exp(0.3) * s**2.0 / (1 - s) ** 0.5))
    assert Beta(2.0, 0.5, 0.3).probability(HERE) == pytest.approx(formula, rel=1e-12)
    assert (Beta(0.7, 0.7, -0.2).affine, Beta(0.7, 0.6, -0.2).affine) == ((0.7, -0.2), None)


def test_isotonic_by_hand_and_by_scikit_learn():
    """Pool adjacent violators: outcomes 0 1 0 1 1 are 0, 1/2, 1/2, 1, 1, kept 1/7 from the ends; between knots a straight line."""
    own = fit_isotonic([1, 2, 3, 4, 5], [0, 1, 0, 1, 1])
    assert own.probability([0, 1, 2, 2.5, 3, 4, 9]) == pytest.approx([1 / 7, 1 / 7, 0.5, 0.5, 0.5, 6 / 7, 6 / 7])
    assert own.probability([1.5, 3.5]) == pytest.approx([(1 / 7 + 0.5) / 2, (0.5 + 6 / 7) / 2])
    m, won = drawn(expit)
    edge = 1 / (len(m) + 2)
    other = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip").fit(m, won)
    assert fit_isotonic(m, won).probability(HERE) == pytest.approx(other.predict(HERE), rel=1e-9)


@pytest.mark.parametrize("kind", FITS)
def test_probabilities_come_near_the_truth(kind):
    """From margins twice too sure and shifted, the probability of each is recovered within 5 %, and never falls."""
    m, won = drawn(lambda m: expit(m / 2 - 0.4), n=20_000)
    own = FITS[kind](m, won)
    within = np.abs(HERE) < 4
    assert np.abs(own.probability(HERE) - expit(HERE / 2 - 0.4))[within].max() < 0.05
    assert (np.diff(own.probability(HERE)) >= 0).all()


# --- the choice ----------------------------------------------------------------------------------------------------------------------

TRUTHS = {
    "platt": lambda m: expit(0.8 * m - 0.3),
    "beta": lambda m: expit(3.0 * log_expit(m) - 0.1 * log_expit(-m) + 1.0),
    "isotonic": lambda m: np.where(m < -1, 0.1, np.where(m < 1.0, 0.5, 0.9)),
}


def held_out(m, won, length=1):
    bars = np.arange(len(m))
    return labels_of(bars, bars + length - 1, pnl=np.where(won, 50.0, -50.0))


@pytest.mark.parametrize("kind", TRUTHS)
def test_the_kind_that_fits_is_chosen(kind):
    m, won = drawn(TRUTHS[kind], n=6000)
    choice = choose_calibration(m, held_out(m, won), embargo_bars=10)
    assert choice.calibration.kind == kind
    assert choice.calibration == FITS[kind](m, won)
    assert choice.reason.startswith(f"{kind}: log loss {choice.log_loss[kind]:.4f} on the last 2000 held-out labels")


def test_log_losses_are_of_the_later_part_from_the_earlier_alone():
    """Labels of five bars, an embargo of 10: the earlier part ends where a label ends before bar 1990."""
    m, won = drawn(TRUTHS["platt"], n=3000)
    choice = choose_calibration(m, held_out(m, won, length=5), embargo_bars=10)
    for kind, fit in FITS.items():
        assert choice.log_loss[kind] == pytest.approx(loss(fit(m[:1986], won[:1986]).probability(m[2000:]), won[2000:]), rel=1e-9)
    won[1986:2000] = True
    assert choose_calibration(m, held_out(m, won, length=5), embargo_bars=10).log_loss == choice.log_loss


def test_a_scratch_is_no_win():
    """A label of exactly nothing counts with the losses."""
    m, won = drawn(expit, n=300)
    labels = labels_of(range(300), range(300), pnl=np.where(won, 50.0, 0.0))
    assert choose_calibration(m, labels, embargo_bars=0) == choose_calibration(m, held_out(m, won), embargo_bars=0)


def test_a_small_lead_is_no_reason():
    """Where Platt is true, a richer kind is chosen in less than one in ten of 30 markets, though often its loss is less."""
    chosen, led = [], 0
    for seed in range(30):
        m, won = drawn(TRUTHS["platt"], n=600, seed=seed)
        choice = choose_calibration(m, held_out(m, won), embargo_bars=0)
        chosen.append(choice.calibration.kind)
        led += min(choice.log_loss, key=lambda kind: choice.log_loss[kind]) != "platt"
    assert led > 6
    assert chosen.count("platt") > 27


def test_too_few_to_compare_is_platt():
    m, won = drawn(expit, n=30)
    won[-10:] = True
    choice = choose_calibration(m, held_out(m, won), embargo_bars=0)
    assert (choice.calibration, choice.log_loss) == (fit_platt(m, won), {})
    assert choice.reason == "platt: too few labels to compare, 20 earlier and 10 later ones"


# --- in the loop ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [Platt(0.8, -0.1), Beta(2.0, 0.4, 0.3), Isotonic((-1.0, 0.0, 2.0), (0.2, 0.5, 0.9))])
def test_the_loop_says_the_same_probability(own):
    """Every trade's confidence is the calibrated margin of its signal bar, and none is below the threshold."""
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    columns = plain_features(noise=np.random.default_rng(1).normal(scale=1.5, size=len(bars)))
    ask, calibration = own.in_loop(esbt.Ask(lambda x: x[:, 0].astype(np.float64), ["noise"]))
    model = esbt.EntryModel(columns, confidence=ask, calibration=calibration, threshold=0.45)
    trades = esbt.backtest(bars, esbt.AtrStrategy(fast=5, slow=12), model=model).raw_trades
    said = own.probability(columns.column("noise")[trades["signal_bar"]].astype(np.float64))
    assert len(said) > 20
    assert trades["confidence"] == pytest.approx(said, rel=1e-12)
    assert 0.45 <= said.min() < 0.6 < said.max()


# --- as data -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FITS)
def test_described_and_back_without_loss(kind):
    own = FITS[kind](*drawn(TRUTHS["beta"], n=400))
    assert calibration_from(json.loads(json.dumps(own.described()))) == own


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "a calibration is a table with 'kind'"),
        ({"kind": 3}, "a calibration is a table with 'kind'"),
        ({"kind": "plat"}, "unknown calibration 'plat'; did you mean 'platt'"),
        ({"kind": "platt", "a": 1.0}, "'platt' needs a, b, finite numbers, nothing else"),
        ({"kind": "platt", "a": 1.0, "b": float("nan")}, "finite numbers"),
        ({"kind": "platt", "a": True, "b": 0.0}, "finite numbers"),
        ({"kind": "platt", "a": 10**400, "b": 0.0}, "finite numbers"),
        ({"kind": "beta", "a": 1.0, "b": "1", "c": 0.0}, "finite numbers"),
        ({"kind": "isotonic", "margins": [0.0], "probabilities": 0.5}, "finite numbers in lists"),
        ({"kind": "isotonic", "margins": [], "probabilities": []}, "as many margins as probabilities"),
        ({"kind": "isotonic", "margins": [1.0, 0.0], "probabilities": [0.1, 0.2]}, "both ascending"),
        ({"kind": "isotonic", "margins": [0.0, 1.0], "probabilities": [0.2, 0.1]}, "both ascending"),
        ({"kind": "isotonic", "margins": [0.0, 1.0], "probabilities": [0.2, 1.0]}, r"probabilities in \(0, 1\)"),
    ],
)
def test_data_that_is_no_calibration(data, message):
    with pytest.raises(EsbtError, match=message):
        calibration_from(data)


@pytest.mark.parametrize("fit", FITS.values())
@pytest.mark.parametrize(
    ("margins", "won", "message"),
    [
        ([0.0, 1.0], [1, 1], "needs wins .1. and losses .0., got 2 wins among 2 rows"),
        ([], [], "got 0 wins among 0 rows"),
        ([0.0, 1.0], [1], r"got shapes \(2,\) and \(1,\)"),
        ([0.0, np.nan], [0, 1], r"margins\[1\] is not finite"),
        ([0.0, 1.0, 2.0], [0, 2, 0], "got 2 wins among 3 rows"),
    ],
)
def test_bad_input(fit, margins, won, message):
    with pytest.raises(EsbtError, match=message):
        fit(margins, won)
