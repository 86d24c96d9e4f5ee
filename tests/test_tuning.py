"""Tuning: the same for the same seed, stopped anywhere and gone on, from training rows alone; and the learners it tunes."""

import lightgbm as lgb
import numpy as np
import optuna
import pytest
import xgboost as xgb
from sklearn.metrics import mean_pinball_loss, roc_auc_score

from esbt.errors import EsbtError
from python_models import learners
from python_models.cross_validation import PurgedKFold
from python_models.learners import Learner, Sample
from python_models.tuning import tune

N = 400
RNG = np.random.default_rng(5)
START = np.arange(N)
X = RNG.normal(size=(N, 4)).astype(np.float32)
WON = (X[:, 0] + 0.5 * X[:, 1] + RNG.normal(size=N) > 0).astype(np.float64)
DISTANCE = np.exp(0.4 * X[:, 0] + 0.3 * RNG.normal(size=N))
FOLDS = PurgedKFold(START, START + 3, 3, embargo_bars=5)
BINARY, QUANTILE = Sample(X, WON), Sample(X, DISTANCE)
KINDS = pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few trees, so that a trial takes a hundredth of a second."""
    for kind, own in learners.KINDS.items():
        space, first = own.space() | {"trees": optuna.distributions.IntDistribution(5, 30, step=5)}, own.first | {"trees": 15}
        if kind == "lightgbm":
            space["min_data_in_leaf"], first["min_data_in_leaf"] = optuna.distributions.IntDistribution(5, 60, log=True), 20
        monkeypatch.setitem(learners.KINDS, kind, learners._Kind(lambda space=space: space, first, own.train, own.margins))


def broken_after(monkeypatch, kind, fits):
    """The machine stops in the middle of a trial: the fit after so many others raises."""
    own, left = learners.KINDS[kind], [fits]

    def train(*args):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return own.train(*args)

    monkeypatch.setitem(learners.KINDS, kind, learners._Kind(own.space, own.first, train, own.margins))


@KINDS
def test_equal_seeds_give_equal_studies_and_others_other_ones(kind):
    first, again, other = (tune(Learner(kind, seed=seed), BINARY, FOLDS, trials=8) for seed in (1, 1, 2))
    assert repr(first) == repr(again)
    assert first.parameters != other.parameters
    assert first.value == np.nanmax(first.values)
    assert len(first.values) == 8
    assert first.fit(BINARY).content == again.fit(BINARY).content


@KINDS
@pytest.mark.parametrize("fits", [0, 1, 10, 17])
def test_a_killed_study_goes_on_to_what_it_would_have_been(kind, fits, tmp_path, monkeypatch):
    """Killed in its first trial or later, between folds; with the lock of the killed run left behind."""
    journal = tmp_path / "tuning.journal"
    with monkeypatch.context() as patch:
        broken_after(patch, kind, fits)
        with pytest.raises(KeyboardInterrupt):
            tune(Learner(kind), BINARY, FOLDS, trials=9, storage=journal)
    (tmp_path / "tuning.journal.lock").write_text("")
    went_on = tune(Learner(kind), BINARY, FOLDS, trials=9, storage=journal)
    assert repr(went_on) == repr(tune(Learner(kind), BINARY, FOLDS, trials=9))


@pytest.mark.parametrize("cut", [1, 10, 150, 1000, 10**9])
def test_half_a_line_is_no_harm(cut, tmp_path):
    """The journal of four trials cut off somewhere, as by a power cut: it goes on to the same six."""
    journal = tmp_path / "tuning.journal"
    tune(Learner(), BINARY, FOLDS, trials=4, storage=journal)
    content = journal.read_bytes()
    journal.write_bytes(content[: max(5, len(content) - cut)])
    assert repr(tune(Learner(), BINARY, FOLDS, trials=6, storage=journal)) == repr(tune(Learner(), BINARY, FOLDS, trials=6))


def test_more_trials_go_on_and_fewer_look_back(tmp_path, monkeypatch):
    journal = tmp_path / "tuning.journal"
    tune(Learner(), BINARY, FOLDS, trials=4, storage=journal)
    nine = tune(Learner(), BINARY, FOLDS, trials=9, storage=journal)
    assert repr(nine) == repr(tune(Learner(), BINARY, FOLDS, trials=9))
    broken_after(monkeypatch, "lightgbm", 0)  # nothing is fitted again
    assert repr(tune(Learner(), BINARY, FOLDS, trials=9, storage=journal)) == repr(nine)
    assert tune(Learner(), BINARY, FOLDS, trials=4, storage=journal).values == pytest.approx(nine.values[:4], nan_ok=True)


def test_trials_are_pruned():
    """Hopeless trials stop after a fold; the first four never; and the best is no pruned one."""
    tuned = tune(Learner(seed=3), BINARY, FOLDS, trials=14)
    assert 2 <= tuned.pruned < 10
    assert np.isfinite(tuned.values[:4]).all()


@KINDS
def test_scores_are_of_the_folds_and_nothing_else_is_seen(kind, monkeypatch):
    """Every fit is on the training rows of a purged fold; the best value is the mean AUC over the folds, as the library itself has it."""
    own, seen = learners.KINDS[kind], set()

    def train(learner, sample, parameters):
        seen.add(sample.x.tobytes())
        return own.train(learner, sample, parameters)

    monkeypatch.setitem(learners.KINDS, kind, learners._Kind(own.space, own.first, train, own.margins))
    weighted = Sample(X, WON, np.linspace(0.5, 1.5, N))
    tuned = tune(Learner(kind, seed=7), weighted, FOLDS, trials=5)
    folds = list(FOLDS.split(X))
    assert seen == {X[train].tobytes() for train, _ in folds}
    scores = []
    for train, test in folds:
        parameters = {name: value for name, value in tuned.parameters.items() if name != "trees"}
        rounds, weights = tuned.parameters["trees"], np.linspace(0.5, 1.5, N)[train]
        if kind == "lightgbm":
            settings = {"objective": "binary", "seed": 7, "deterministic": True, "num_threads": 1, "force_row_wise": True, "verbosity": -1}
            booster = lgb.train(settings | parameters, lgb.Dataset(X[train], WON[train], weight=weights), rounds)
            scores.append(roc_auc_score(WON[test], booster.predict(X[test])))
        else:
            settings = {"objective": "binary:logistic", "seed": 7, "nthread": 1, "tree_method": "hist"}
            booster = xgb.train(settings | parameters, xgb.DMatrix(X[train], WON[train], weight=weights), rounds)
            scores.append(roc_auc_score(WON[test], booster.predict(xgb.DMatrix(X[test]))))
    assert tuned.value == pytest.approx(np.mean(scores), rel=1e-9)
    assert tuned.value > 0.65


@KINDS
def test_quantiles(kind):
    """The least pinball loss, below that of a constant; the share below is near alpha; the forest says what the library says."""
    learner = Learner(kind, "quantile", alpha=0.8)
    tuned = tune(learner, QUANTILE, FOLDS, trials=8)
    assert tuned.value == np.nanmin(tuned.values)
    assert tuned.value < mean_pinball_loss(DISTANCE, np.full(N, np.quantile(DISTANCE, 0.8)), alpha=0.8)
    said = tuned.fit(QUANTILE).predict(X)
    assert np.mean(said >= DISTANCE) == pytest.approx(0.8, abs=0.1)
    assert said == pytest.approx(learner.margins(QUANTILE, tuned.parameters, X), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: Learner("catboost"), "a learner is lightgbm or xgboost, binary, quantile or mean, got 'catboost' and 'binary'"),
        (lambda path: Learner(objective="ranking"), "got 'lightgbm' and 'ranking'"),
        (lambda path: Learner(alpha=1.0), r"alpha must be in \(0, 1\) and seed 0 or more, got 1.0 and 0"),
        (lambda path: Sample(X.astype(np.float64), WON), r"float32\[n, k\], n targets, n weights, got float64\(400, 4\)"),
        (lambda path: Sample(X, WON[:-1]), r"\(399,\) and \(400,\)"),
        (lambda path: Sample(X, np.full(N, np.nan)), "must be finite"),
        (lambda path: tune(Learner(), BINARY, FOLDS, trials=0), "trials must be 1 or more, got 0"),
        (lambda path: tune(Learner(), Sample(X, START < 300), FOLDS), "a fold does not hold both classes"),
        (lambda path: tune(Learner(), QUANTILE, FOLDS), "a fold does not hold both classes"),
        (lambda path: tune(Learner(), BINARY, FOLDS.within(START[:50])), "the splitter was made for 50 rows, got 400"),
        (lambda path: tune(Learner(seed=1), BINARY, FOLDS, trials=1, storage=path), "is of other rows, folds or settings"),
        (lambda path: tune(Learner(), Sample(-X, WON), FOLDS, trials=1, storage=path), "is of other rows, folds or settings"),
        (lambda path: tune(Learner(), BINARY, FOLDS, storage=path.parent / "none" / "a"), "cannot be used"),
        (lambda path: path.write_text("rubbish\n") and tune(Learner(), BINARY, FOLDS, storage=path), "cannot be used"),
    ],
)
def test_bad_input(make, message, tmp_path):
    path = tmp_path / "tuning.journal"
    if "other rows" in message:
        tune(Learner(), BINARY, FOLDS, trials=1, storage=path)
    with pytest.raises(EsbtError, match=message):
        make(path)
