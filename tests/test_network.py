"""The network: its export equals torch, equal seeds give equal bits, early stopping looks at the last part of time alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_helpers import market, plain_features
from scipy.special import expit
from sklearn.metrics import roc_auc_score

import esbt
from esbt.errors import EsbtError
from python_models import network
from python_models.cross_validation import PurgedKFold
from python_models.ensemble import stack
from python_models.learners import Sample
from python_models.network import NetworkLearner
from python_models.tuning import tune

N = 600
RNG = np.random.default_rng(5)
START = np.arange(N) * 2
END = START + 5
X = (RNG.normal(size=(N, 4)) * [1.0, 100.0, 0.01, 1.0] + [0.0, 50.0, 0.0, -3.0]).astype(np.float32)
TRUE = X[:, 0] + (X[:, 1] - 50) / 100 * X[:, 2] * 100
WON = (RNG.random(N) < expit(2 * TRUE)).astype(np.float64)
SAMPLE = Sample(X, WON, start=START, end=END)
SMALL = {"hidden": (16, 8), "epochs": 40, "learning_rate": 0.01, "batch": 64}


def learner(**changes):
    return NetworkLearner(**(SMALL | changes))


def same(a, b):
    return all(
        np.array_equal(p, q) for one, two in zip(a.network.layers, b.network.layers, strict=True) for p, q in zip(one, two, strict=True)
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 9), st.integers(0, 2**32))
def test_folding_is_exact(hidden, inputs, seed):
    """Any shape, batch norms as training may leave them: the arrays say what torch says in eval mode, of raw features."""
    rng = np.random.default_rng(seed)
    model = network._model(NetworkLearner(hidden=hidden), inputs)
    for part in model:
        if isinstance(part, torch.nn.BatchNorm1d):
            for tensor, values in [
                (part.weight, rng.normal(size=part.num_features)),
                (part.bias, rng.normal(size=part.num_features)),
                (part.running_mean, rng.normal(size=part.num_features)),
                (part.running_var, rng.exponential(size=part.num_features)),
            ]:
                tensor.data = torch.from_numpy(values)
    model.eval()
    x = (50 * rng.normal(size=(20, inputs)) + 7).astype(np.float32)
    middle, scale = 7 * rng.normal(size=inputs), rng.uniform(0.1, 60, inputs)
    folded = network.TrainedNetwork(network._with_scaler(network._folded(model), middle, scale))
    with torch.no_grad():
        said = model(torch.from_numpy((x - middle) / scale))[:, 0].numpy()
    assert folded.predict(x) == pytest.approx(said, rel=1e-9, abs=1e-9)
    assert [w.shape for w, _ in folded.layers] == list(zip([*hidden, 1], [inputs, *hidden], strict=True))


def test_what_is_trained_is_what_is_exported(monkeypatch):
    """The margins of the torch model of the best epoch, within 1e-6."""
    models, own = [], network._folded

    def folded(model):
        with torch.no_grad():
            models.append(model(torch.from_numpy((X - middle) / scale))[:, 0].numpy().copy())
        return own(model)

    fitted = X[:476]
    middle, scale = fitted.mean(axis=0, dtype=np.float64), fitted.std(axis=0, dtype=np.float64)
    monkeypatch.setattr(network, "_folded", folded)
    fit = learner(embargo_bars=3).fit(SAMPLE)
    assert fit.fitted == 476
    assert len(models) > 1
    assert np.abs(fit.network.predict(X) - models[-1]).max() < 1e-6


def test_equal_seeds_give_equal_bits():
    """On any number of threads; and torch's own generator and threads are left as they were."""
    torch.manual_seed(1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        first = learner().fit(SAMPLE)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    again, other = learner().fit(SAMPLE), learner(seed=1).fit(SAMPLE)
    assert same(first, again)
    assert first.losses == again.losses
    assert not same(first, other)


def test_it_learns_what_a_line_cannot():
    """A product of two features: told apart on later rows, and better than by the straight line."""
    learned = learner(epochs=60).fit(SAMPLE.take(np.arange(450)))
    later = slice(453, None)
    auc = roc_auc_score(WON[later], learned.network.predict(X[later]))
    straight = roc_auc_score(WON[later], X[later, 0])
    assert auc > 0.75
    assert auc > straight


def test_the_last_part_of_time_stops_the_training():
    """Noise is soon overfitted: training ends `patience` after the best epoch, and gives the network that this many epochs alone give."""
    noise = Sample(X, RNG.integers(0, 2, N).astype(float), start=START, end=END)
    fit = learner(epochs=200, patience=5, dropout=0.0).fit(noise)
    assert len(fit.losses) == fit.best_epoch + 6 < 100
    assert fit.losses[fit.best_epoch] == min(fit.losses)
    assert same(learner(epochs=fit.best_epoch + 1, dropout=0.0).fit(noise), fit)


def test_held_back_rows_are_never_fitted_and_those_between_never_seen():
    """The last fifth is held back: rows 480 on, from bar 960. With an embargo of 20 a row may end before 940, so 468 are fitted. Whatever
    the rows between hold, nothing changes; whatever the held-back rows hold, the layers after one epoch do not."""
    fit = learner(embargo_bars=20).fit(SAMPLE)
    assert (fit.fitted, fit.held_back) == (468, 120)
    x, y = X.copy(), WON.copy()
    x[468:480] *= 1000
    y[468:480] = 1 - y[468:480]
    assert same(learner(embargo_bars=20).fit(Sample(x, y, start=START, end=END)), fit)
    once = learner(embargo_bars=20, epochs=1).fit(SAMPLE)
    y[480:] = 1 - y[480:]
    x[480:] += 9
    turned = learner(embargo_bars=20, epochs=1).fit(Sample(x, y, start=START, end=END))
    assert same(turned, once)
    assert turned.losses != once.losses


def test_weights_count_in_fitting_alone():
    """A weight of nothing is a row that only batch norm sees: wrong answers of such rows teach nothing."""
    silent = np.where(np.arange(N) % 3 == 0, 0.0, 1.0)
    turned = np.where(silent == 0, 1 - WON, WON)
    a, b = (learner(epochs=3).fit(Sample(X, np.where(np.arange(N) < 480, y, WON), silent, START, END)) for y in (WON, turned))
    assert same(a, b)
    assert not same(a, learner(epochs=3).fit(SAMPLE))


def test_quantiles():
    distance = np.exp(0.5 * X[:, 0] + 0.3 * RNG.normal(size=N))
    fit = learner(objective="quantile", alpha=0.8).fit(Sample(X, distance, start=START, end=END))
    said = fit.network.predict(X)
    assert np.mean(said >= distance) == pytest.approx(0.8, abs=0.08)
    assert np.corrcoef(said, np.exp(0.5 * X[:, 0]))[0, 1] > 0.85


def test_missing_features():
    """Rows with one are left out of training; asked, they have no answer."""
    x = X.copy()
    x[:50, 1] = np.nan
    fit = learner().fit(Sample(x, WON, start=START, end=END))
    assert fit.fitted + fit.held_back <= N - 50
    assert np.isfinite(fit.network.predict(x)).tolist() == [False] * 50 + [True] * (N - 50)


def test_a_member_of_an_ensemble():
    """Folds of a purged splitter keep their spans; the network beats a constant."""
    folds = PurgedKFold(START, END, 3, embargo_bars=5)
    stacked = stack(
        [lambda sample, x: learner(epochs=20).fit(sample).network.predict(x), lambda sample, x: np.zeros(len(x))], SAMPLE, folds
    )
    assert stacked.blend.weights[0] > 0.5
    assert stacked.losses[0] < stacked.losses[1] == 0.25


def test_a_network_is_tuned():
    """Its space is searched from where it says; what is fitted has the parameters found; rows with a missing feature are not scored."""
    x = X.copy()
    x[100:110, 1] = np.nan
    sample, folds = Sample(x, WON, start=START, end=END), PurgedKFold(START, END, 3, embargo_bars=5)
    own = learner(epochs=8)
    found = tune(own, sample, folds, trials=3)
    assert found.tried[0] == own.first()
    assert found.value == max(found.values) > 0.5
    best = own.tuned(found.parameters)
    assert best.hidden[1] == best.hidden[0] // 2
    assert same(best.fit(sample), own.tuned(found.parameters).fit(sample))
    assert tune(own, sample, folds, trials=3).values == found.values
    assert own.margins(sample, found.parameters, X) == pytest.approx(best.fit(sample).network.predict(X), abs=0)


def test_in_the_loop():
    """A callable of the network decides as its margins say, and takes no entry where a feature is missing."""
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    rng = np.random.default_rng(1)
    columns = plain_features(a=rng.normal(size=len(bars)), b=np.where(rng.random(len(bars)) < 0.3, np.nan, rng.normal(size=len(bars))))
    own = network.TrainedNetwork(((np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([0.1, 0.2])), (np.array([[1.0, -0.7]]), np.array([0.3]))))
    model = esbt.EntryModel(columns, confidence=esbt.Ask(own.predict, ["a", "b"]), threshold=0.4)
    trades = esbt.backtest(bars, esbt.AtrStrategy(fast=5, slow=12), model=model).raw_trades
    said = expit(own.predict(np.ascontiguousarray(columns.matrix.T)))[trades["signal_bar"]]
    assert len(trades) > 20
    assert np.isfinite(said).all()
    assert trades["confidence"] == pytest.approx(said, rel=1e-12)
    by_hand = max(0.1 + 2 - 3, 0) - 0.7 * max(0.2 + 1 + 6, 0) + 0.3
    assert own.predict(np.array([[2.0, 3.0]], np.float32)) == pytest.approx([by_hand])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: learner().fit(Sample(X, WON)), "needs the spans of its rows"),
        (lambda: learner().fit(Sample(X, WON, start=START[::-1], end=END[::-1])), "in order of time"),
        (lambda: Sample(X, WON, start=START[1:], end=END), "600 rows needs as many starts and ends"),
        (lambda: learner(embargo_bars=5000).fit(SAMPLE), "needs 30 rows to fit and as many held back, got 0 and 120"),
        (lambda: learner().fit(Sample(np.full_like(X, np.nan), WON, start=START, end=END)), "got 0 and 0"),
        (lambda: learner(held_back=0.01).fit(SAMPLE), "got 592 and 6"),
        (lambda: learner(objective="quantile", learning_rate=1e300).fit(SAMPLE), "diverged in its first epoch"),
        (lambda: learner(hidden=()), "hidden: "),
        (lambda: learner(dropout=1.0), "dropout: .* less than 1, got 1.0"),
        (lambda: learner(layers=3), "unknown parameter 'layers'"),
        (lambda: learner(epochs=1).fit(SAMPLE).network.predict(X[:, :2]), r"input has shape \(600, 2\): give float32\[n, 4\]"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(EsbtError, match=message):
        make()
