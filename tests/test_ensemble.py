"""Ensembles: weights against trying all of them, members fitted to purged rows alone, and the blend in the loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_helpers import market, plain_features
from scipy.special import expit, logit

import esbt
from esbt.errors import EsbtError
from python_models.cross_validation import PurgedKFold
from python_models.ensemble import Blend, pinball_weights, squared_weights, stack
from python_models.learners import Learner, Sample
from python_models.tuning import Tuned

GRID = [(a / 40, b / 40, 1 - (a + b) / 40) for a in range(41) for b in range(41 - a)]  # weights of three members
seeds = st.integers(0, 2**32)


def pinball(said, y, alpha):
    return np.mean(np.where(y > said, alpha * (y - said), (1 - alpha) * (said - y)))


@settings(deadline=None, max_examples=50)
@given(seeds, st.integers(1, 60))
def test_no_weights_have_a_smaller_squared_error(seed, n):
    rng = np.random.default_rng(seed)
    p, y = rng.random((n, 3)), rng.integers(0, 2, n).astype(float)
    w = np.array(squared_weights(p, y))
    assert w.sum() == pytest.approx(1.0)
    assert w.min() >= 0
    assert np.mean((p @ w - y) ** 2) <= min(np.mean((p @ np.array(g) - y) ** 2) for g in GRID) + 1e-9


@settings(deadline=None, max_examples=50)
@given(seeds, st.integers(1, 60), st.floats(0.05, 0.95))
def test_no_weights_have_a_smaller_pinball_loss(seed, n, alpha):
    rng = np.random.default_rng(seed)
    y = rng.exponential(size=n)
    m = y[:, None] + rng.normal(size=(n, 3))
    w = np.array(pinball_weights(m, y, alpha))
    assert w.sum() == pytest.approx(1.0)
    assert w.min() >= 0
    assert pinball(m @ w, y, alpha) <= min(pinball(m @ np.array(g), y, alpha) for g in GRID) + 1e-9


def test_weights_by_hand():
    """Errors that cancel are mixed; what is always right, or nearer everywhere, takes all."""
    y = np.array([0.0, 1.0, 0.0, 1.0])
    up, down = y + 0.2, y - 0.2
    assert squared_weights(np.column_stack([up, down]), y) == pytest.approx((0.5, 0.5))
    assert squared_weights(np.column_stack([up, y]), y) == pytest.approx((0.0, 1.0))
    assert squared_weights(np.column_stack([up, y + 0.4]), y) == pytest.approx((1.0, 0.0))
    assert sum(squared_weights(np.column_stack([up, up]), y)) == pytest.approx(1.0)
    assert pinball_weights(np.column_stack([up, down]), y, 0.5) == pytest.approx((0.5, 0.5))
    assert squared_weights(up[:, None], y) == pinball_weights(up[:, None], y, 0.3) == (1.0,)


def test_blends_by_hand():
    """Probabilities of 0.2 and 0.6 at a quarter and three quarters: 0.5; distances likewise; certainty stays finite."""
    assert Blend((0.25, 0.75)).combine([[logit(0.2), logit(0.6)]]) == pytest.approx([0.0], abs=1e-12)
    assert Blend((0.25, 0.75), "quantile").combine([[1.0, 3.0]]) == pytest.approx([2.5])
    assert Blend((1.0,)).combine([[-2.0], [0.5]]) == pytest.approx([-2.0, 0.5])
    assert np.isfinite(Blend((0.5, 0.5)).combine([[900.0, 900.0], [-900.0, -900.0]])).all()


def test_members_without_an_answer_leave_it_to_the_others():
    """Weights of those that answer scaled to 1; of those without weight equal ones; none, NaN; other rows to the bit as alone."""
    nan, blend = np.nan, Blend((0.2, 0.3, 0.5, 0.0), "quantile")
    rows = np.array([[1.0, 2.0, 3.0, 9.0], [1.0, 2.0, nan, 9.0], [nan, nan, nan, 9.0], [nan] * 4, [0.1, 0.7, 0.3, 5.0]])
    said = blend.combine(rows)
    assert said[:3] == pytest.approx([2.3, (0.2 + 0.6) / 0.5, 9.0])
    assert np.isnan(said[3])
    assert all(blend.combine(rows[k : k + 1])[0] == said[k] for k in (0, 1, 2, 4))
    assert Blend((0.5, 0.5)).combine([[nan, logit(0.3)]]) == pytest.approx([logit(0.3)])


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(1, 30))
def test_a_row_of_weight_two_is_two_rows(seed, n):
    rng = np.random.default_rng(seed)
    p, y, times = rng.random((n, 3)), rng.integers(0, 2, n).astype(float), rng.integers(1, 4, n)
    often = np.repeat(np.arange(n), times)
    for loss, given_weights, repeated in (
        (lambda w: np.mean((p[often] @ w - y[often]) ** 2), squared_weights(p, y, times * 1.0), squared_weights(p[often], y[often])),
        (
            lambda w: pinball(p[often] @ w, y[often], 0.8),
            pinball_weights(p, y, 0.8, times * 1.0),
            pinball_weights(p[often], y[often], 0.8),
        ),
    ):
        assert loss(np.array(given_weights)) == pytest.approx(loss(np.array(repeated)), abs=1e-9)


N = 400
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 4)).astype(np.float32)
TRUE = (X[:, 0] + X[:, 1] * X[:, 2]).astype(np.float64)
SAMPLE = Sample(X, (RNG.random(N) < expit(TRUE)).astype(np.float64))
FOLDS = PurgedKFold(np.arange(N), np.arange(N) + 3, 4, embargo_bars=5)
FEW = {"trees": 20, "max_depth": 3}


def test_members_are_fitted_to_purged_rows_alone():
    """Each fold's training rows, no others; and a row's margin is of the model that was not fitted to it."""
    seen = []

    def recorded(sample, x):
        seen.append(sample.x.tobytes())
        return np.full(len(x), float(len(seen)))

    stacked = stack([recorded], SAMPLE, FOLDS)
    folds = list(FOLDS.split(X))
    assert seen == [X[train].tobytes() for train, _ in folds]
    assert [set(stacked.out_of_fold[test, 0]) for _, test in folds] == [{1.0}, {2.0}, {3.0}, {4.0}]


def test_tuned_members_and_a_useless_one():
    """Two libraries and noise: the noise gets next to nothing; the blend is no worse than the best on these rows; the same each time."""

    def noise(sample, x):
        return np.random.default_rng(len(sample.x)).normal(scale=2.0, size=len(x))

    members = [
        Tuned(Learner("lightgbm"), {"trees": 20, "num_leaves": 7}, 0.0, ()).margins,
        Tuned(Learner("xgboost"), FEW, 0.0, ()).margins,
        noise,
    ]
    stacked = stack(members, SAMPLE, FOLDS)
    again = stack(members, SAMPLE, FOLDS)
    assert stacked.blend == again.blend
    assert stacked.blend.weights[2] < 0.1
    assert stacked.losses[3] <= min(stacked.losses[:3]) + 1e-12
    assert stacked.losses[3] < 0.25 < stacked.losses[2]


def test_quantile_members():
    distance = np.exp(0.5 * X[:, 0] + 0.3 * RNG.normal(size=N))
    members = [Tuned(Learner(kind, "quantile", alpha=0.8), FEW, 0.0, ()).margins for kind in ("lightgbm", "xgboost")]
    stacked = stack([*members, lambda sample, x: np.full(len(x), 9.0)], Sample(X, distance), FOLDS, objective="quantile", alpha=0.8)
    assert stacked.losses[3] <= min(stacked.losses[:3]) + 1e-12
    assert stacked.blend.weights[2] < 0.05
    own = stacked.blend.combine(stacked.out_of_fold)
    assert stacked.losses[3] == pytest.approx(pinball(own, distance, 0.8))


def test_the_blend_in_the_loop():
    """Every trade's confidence is the weighted mean of the members' probabilities."""
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    rng = np.random.default_rng(1)
    columns = plain_features(a=rng.normal(size=len(bars)), b=rng.normal(size=len(bars)))
    asks = [esbt.Ask(lambda x, i=i: x[:, i].astype(np.float64), ["a", "b"]) for i in (0, 1)]
    model = esbt.EntryModel(columns, confidence=Blend((0.3, 0.7)).ask(asks), threshold=0.5)
    trades = esbt.backtest(bars, esbt.AtrStrategy(fast=5, slow=12), model=model).raw_trades
    a, b = (expit(columns.column(name)[trades["signal_bar"]].astype(np.float64)) for name in "ab")
    assert len(trades) > 20
    assert trades["confidence"] == pytest.approx(0.3 * a + 0.7 * b, rel=1e-9)
    assert trades["confidence"].min() >= 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: stack([], SAMPLE, FOLDS), "an ensemble needs one member or more"),
        (
            lambda: stack([lambda s, x: np.zeros(len(x)), lambda s, x: np.full(len(x), np.inf)], SAMPLE, FOLDS),
            "member 1 gave a margin that",
        ),
        (lambda: stack([lambda s, x: np.full(len(x), np.nan)], SAMPLE, FOLDS), "member 0 gave a margin of no row: leave it out"),
        (lambda: Blend((1.0,)).combine([[1.0, 2.0]]), r"the blend has 1 members, got margins of shape \(1, 2\)"),
        (lambda: Blend((1.0,)).ask([]), "a blend of 1 needs as many members with equal inputs, got 0"),
        (lambda: Blend((0.5, 0.5)).ask([esbt.Ask(len, ["a"]), esbt.Ask(len, ["b"])]), "with equal inputs, got 2"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(EsbtError, match=message):
        make()
