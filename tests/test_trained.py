"""Ensembles of a question: nothing is weighed by what its tuning or fitting saw, categories are native, and a rerun goes on."""

import sys

import numpy as np
import pytest
from learning_helpers import quick
from scipy.special import expit

import esbt
from esbt.errors import EsbtError
from python_models import tuning
from python_models.ensemble import fit_blend
from python_models.learners import Learner, Sample
from python_models.trained import Ensemble, fit_ensemble

TRAINED = sys.modules["python_models.trained"]
N = 800
RNG = np.random.default_rng(5)
START = np.arange(N) * 2
END = START + RNG.integers(1, 40, N)
CODE = RNG.integers(0, 5, N)
X = np.column_stack([RNG.normal(size=(N, 3)), CODE]).astype(np.float32)
NAMES = ("a", "b", "c", "day_of_week")
TRUE = X[:, 0] + np.where(np.isin(CODE, (0, 3)), 1.5, -1.0)
SAMPLE = Sample(X, (RNG.random(N) < expit(TRUE)).astype(np.float64), None, START, END)
ALL = quick(models=("lightgbm", "xgboost", "network"), trials=2, network_epochs=3, embargo_bars=7)


def fitted(learning=ALL, sample=SAMPLE, **words):
    return fit_ensemble("confidence", sample, NAMES, learning, **({"objective": "binary"} | words))


@pytest.fixture(scope="module")
def trained():
    return fitted()


def test_no_model_is_weighed_by_rows_it_saw(monkeypatch, trained):
    """What each tuning is given is a fold's training rows, or all rows at the very end; what it tries is of inner folds of these; and each
    out-of-fold margin is of a model fitted to training rows that miss the tested rows' bars by the embargo."""
    given = []
    real = TRAINED.tune

    def spy(learner, sample, splitter, **words):
        given.append((sample.start.copy(), splitter, sample.y))
        return real(learner, sample, splitter, **words)

    monkeypatch.setattr(TRAINED, "tune", spy)
    again = fitted()
    folds = again.evidence.folds
    assert [starts.tolist() for starts, *_ in given] == [START[train].tolist() for train, _ in folds for _ in range(3)] + [
        START.tolist()
    ] * 3
    for starts, splitter, y in given:
        assert splitter.start.tolist() == starts.tolist()
        for train, test in splitter.split(y=y):
            for row in test:
                assert ((splitter.end[train] < splitter.start[row]) | (splitter.start[train] > splitter.end[row] + 7)).all()
    for train, test in folds:
        for row in test:
            assert ((END[train] < START[row]) | (START[train] > END[row] + 7)).all()
    assert again.evidence.losses == trained.evidence.losses


def test_folds_are_what_the_evidence_says(trained):
    """Out-of-fold margins are those of the folds' own members; their blends are weighed by all other rows; losses and names fit."""
    own = trained.evidence
    assert list(own.weights) == list(own.tuned) == ["lightgbm", "xgboost", "network"]
    assert list(own.losses) == ["lightgbm", "xgboost", "network", "blend"]
    assert own.losses["blend"] <= min(own.losses.values()) + 1e-12
    assert len(own.epochs) == 3
    for ensemble, (_, test) in zip(trained.folds, own.folds, strict=True):
        said = np.column_stack([member.predict(X[test]) for member in ensemble.members.values()])
        assert said == pytest.approx(own.stacked.out_of_fold[test], rel=1e-6, abs=1e-6)
        others = np.setdiff1d(np.arange(N), test)
        assert ensemble.blend == fit_blend(own.stacked.out_of_fold[others], SAMPLE.take(others), "binary")
    assert {name: len(found) for name, found in own.tuned_in_folds.items()} == dict.fromkeys(own.tuned, 3)
    assert all(len(found.tried) == len(found.values) == 2 for found in own.tuned.values())


def test_the_loop_says_what_the_ensemble_says(trained):
    """One question for all members, each in the core; row by row the same bits as all rows at once."""
    hook = trained.ensemble.ask(NAMES).resolved()
    rows = X[:50].copy()
    rows[7, 1] = np.nan  # the network has no answer, the forests do
    together = trained.ensemble.predict(rows)
    assert np.isfinite(together).all()
    assert [hook(rows[k : k + 1])[0] for k in range(50)] == together.tolist()
    with pytest.raises(EsbtError, match="takes 4 inputs"):
        trained.ensemble.ask(NAMES[:3])


def test_categories_are_native():
    """LightGBM splits {0, 3} from the other codes at once, and the core's forest walks it to the same margin."""
    parameters = {"trees": 1, "num_leaves": 2, "min_data_in_leaf": 1, "learning_rate": 1.0, "feature_fraction": 1.0}
    parameters |= {"min_data_per_group": 1, "cat_smooth": 0.0, "cat_l2": 0.0}
    y = np.isin(CODE, (0, 3)).astype(np.float64)
    forest = Learner("lightgbm", categories=(3,)).fit(Sample(X, y), parameters)
    assert b"decision_type=1" in forest.content
    said = forest.predict(X)
    assert len(np.unique(said)) == 2
    assert (said > 0).tolist() == (y > 0).tolist()
    plain = Learner("lightgbm").fit(Sample(X, y), parameters).predict(X)
    assert ((plain > 0) != (y > 0)).any()


def test_categories_are_found_by_name(trained):
    assert trained.evidence.tuned["lightgbm"].learner.categories == (3,)
    assert b"cat_threshold" in trained.ensemble.members["lightgbm"].content


def test_too_few_rows_leave_the_network_out():
    """It must have rows to stop by in every inner fold; a note says so. Without one all is as told to."""
    few = SAMPLE.take(np.arange(500))
    found = fitted(sample=few)
    assert list(found.ensemble.members) == ["lightgbm", "xgboost"]
    (note,) = found.notes
    assert note == "The confidence network was left out: it needs 600 rows with all features, there are 500."
    assert fitted(quick(trials=1), sample=few).notes == ()


def test_the_order_of_models_is_the_users():
    own = fitted(quick(models=("network", "xgboost"), network_epochs=2))
    assert list(own.ensemble.members) == list(own.evidence.weights) == ["network", "xgboost"]
    assert len(own.evidence.epochs) == 2


def test_a_rerun_fits_no_trial_again(tmp_path, monkeypatch):
    """Journals in a folder; with them the same result without one trial; another seed has journals of its own."""
    first = fitted(journals=tmp_path / "tuning")
    names = sorted(path.name for path in (tmp_path / "tuning").iterdir() if path.suffix == ".journal")
    assert len(names) == 3 * 4
    assert {name.split("_")[1] for name in names} == {"lightgbm", "xgboost", "network"}
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "_run_trial", lambda *args: pytest.fail("a trial ran again"))
        again = fitted(journals=tmp_path / "tuning")
    assert again.evidence.losses == first.evidence.losses
    assert again.ensemble.predict(X).tobytes() == first.ensemble.predict(X).tobytes()
    fitted(ALL.model_copy(update={"seed": 1, "trials": 1}), journals=tmp_path / "tuning")
    assert len([path for path in (tmp_path / "tuning").iterdir() if path.suffix == ".journal"]) == 2 * len(names)


@pytest.mark.parametrize(("objective", "alpha"), [("mean", 0.5), ("quantile", 0.8)])
def test_distances(objective, alpha):
    """Blends of distances: the mean, or the quantile, out of fold better than the constant."""
    y = np.exp(0.4 * X[:, 0] + 0.3 * RNG.normal(size=N))
    own = fitted(quick(trees=100), sample=Sample(X, y, None, START, END), objective=objective, alpha=alpha)
    short = y - (y.mean() if objective == "mean" else np.quantile(y, alpha))
    constant = np.mean(short**2) if objective == "mean" else np.mean(np.maximum(alpha * short, (alpha - 1) * short))
    assert own.evidence.losses["blend"] < 0.9 * constant
    assert own.ensemble.blend.objective == objective
    assert isinstance(own.ensemble, Ensemble)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fitted(sample=Sample(X, SAMPLE.y)), "needs the spans of its rows, for purged folds"),
        (lambda: fitted(sample=SAMPLE.take(np.flatnonzero(SAMPLE.y == 1))), "too few|both classes"),
        (lambda: quick(models=("network",)), r"one of them a forest \(lightgbm or xgboost\), got network"),
        (lambda: quick(models=("lightgbm", "lightgbm")), "models must be different"),
        (lambda: quick(models=()), "got none"),
        (lambda: quick(models=("catboost",)), "'lightgbm', 'xgboost' or 'network'"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(esbt.EsbtError, match=message):
        make()
