"""The shuffled-label test: what reads labels of test rows is named, what knows without learning is found, honest learners pass."""

import os
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

import esbt
from esbt.audit import Learner
from esbt.audit.labels import block_order
from esbt.errors import EsbtError

ROWS, FIRST_TEST, SESSIONS = 600, 400, 30
Labels = np.ndarray
Predict = Callable[[Labels], np.ndarray]


class Market:
    """Rows with noise columns, one weak true one, labels that lean on their neighbours."""

    def __init__(self, seed: int, columns: int = 8, edge: float = 0.3) -> None:
        self.rng = np.random.default_rng(seed)
        self.x = self.rng.normal(size=(ROWS, columns))
        noise = self.rng.normal(size=ROWS + 4)
        self.labels = edge * self.x[:, 0] + np.convolve(noise, np.ones(5), "valid") / np.sqrt(5)
        self.blocks = np.arange(ROWS) * SESSIONS // ROWS

    def learner(self, predict: Predict, features=None) -> Learner:
        return Learner(self.labels, predict, FIRST_TEST, self.blocks, features)

    def linear(self, x: np.ndarray, labels: Labels, rows: slice = slice(0, FIRST_TEST)) -> np.ndarray:
        """Least squares on `rows`, predictions of the test rows."""
        a = np.column_stack([x, np.ones(len(x))])
        weights, *_ = np.linalg.lstsq(a[rows], labels[rows], rcond=None)
        return a[FIRST_TEST:] @ weights

    def honest(self, labels: Labels) -> np.ndarray:
        return self.linear(self.x, labels)


def audited(learner: Learner, **words) -> esbt.audit.Audit:
    return esbt.audit(learner=learner, **words)


@pytest.mark.parametrize("seed", range(5))
def test_an_honest_learner_passes_and_its_edge_on_true_labels_is_told(seed: int) -> None:
    market = Market(seed)
    found = audited(market.learner(market.honest, {"x0": market.x[:, 0]}))
    assert found.passed, str(found)
    assert found.frame["stage"].to_list() == ["features", "learning", "edge"]
    assert "with other labels for the 200 test rows every prediction is the same" in str(found)
    assert abs(found.checks[-1].measured) < 0.2


def with_label_in_the_features(market: Market) -> Learner:
    """A column that holds its own row's label, in noise."""
    noise = 2.0 * market.rng.normal(size=ROWS)

    def features(labels: Labels) -> dict[str, np.ndarray]:
        return {"good": market.x[:, 0], "leak": labels + noise}

    return market.learner(lambda labels: market.linear(np.column_stack(list(features(labels).values())), labels), features)


def with_a_target_mean(market: Market) -> Learner:
    """Rows of a kind get the mean label of their kind over ALL rows."""
    kind = market.rng.integers(0, 60, ROWS)

    def features(labels: Labels) -> dict[str, np.ndarray]:
        return {"kind_mean": (np.bincount(kind, labels) / np.maximum(np.bincount(kind), 1))[kind]}

    return market.learner(lambda labels: features(labels)["kind_mean"][FIRST_TEST:], features)


@pytest.mark.parametrize(("make", "column"), [(with_label_in_the_features, "leak"), (with_a_target_mean, "kind_mean")])
@pytest.mark.parametrize("seed", range(3))
def test_a_feature_made_of_labels_is_named_and_its_edge_survives(make, column: str, seed: int) -> None:
    found = audited(make(Market(seed)))
    assert [(one.stage, one.column) for one in found.findings if one.column] == [("features", column)]
    assert any("an edge survives where labels are shuffled" in one.text for one in found.findings)


def test_columns_chosen_over_all_rows_are_found() -> None:
    """Hastie, Tibshirani and Friedman 2009, section 7.10.2, "the wrong way": of many noise columns those that fit all labels best."""
    market = Market(3, columns=400, edge=0.0)

    def predict(labels: Labels, rows: slice) -> np.ndarray:
        strength = np.abs((market.x[rows] - market.x[rows].mean(axis=0)).T @ labels[rows])
        return market.linear(market.x[:, np.argsort(-strength)[:10]], labels)

    leaking = audited(market.learner(lambda labels: predict(labels, slice(None))))
    assert [one.stage for one in leaking.findings] == ["learning", "learning"]
    assert "these reach the learner" in leaking.findings[0].text
    assert "an edge survives where labels are shuffled" in leaking.findings[1].text
    assert audited(market.learner(lambda labels: predict(labels, slice(0, FIRST_TEST)))).passed


def test_fitting_on_the_test_rows_is_found() -> None:
    market = Market(1)
    found = audited(market.learner(lambda labels: market.linear(market.x, labels, slice(None))))
    assert "these reach the learner" in found.findings[0].text


def test_a_model_that_had_seen_the_test_time_is_found() -> None:
    """A cached model: whatever labels it is given, it knows the true ones of the test rows. Nothing it is given reaches it."""
    market = Market(2)
    seen = market.labels[FIRST_TEST:] + 2.0 * market.rng.normal(size=ROWS - FIRST_TEST)
    found = audited(market.learner(lambda labels: seen))
    assert [one.stage for one in found.findings] == ["edge"]
    assert "it learns nothing from them" in found.findings[0].text
    half = audited(market.learner(lambda labels: market.honest(labels) + seen))
    assert "it was not learned from the labels" in half.findings[0].text


def test_a_fixed_column_that_is_the_label_is_named() -> None:
    """A matrix from a file: it cannot be made anew, but a column that alone tells wins from losses is no feature."""
    market = Market(4)
    columns = {"good": market.x[:, 0], "outcome": market.labels + 0.01 * market.x[:, 1]}
    found = audited(market.learner(lambda labels: market.linear(np.column_stack(list(columns.values())), labels), columns))
    assert [(one.stage, one.column) for one in found.findings] == [("features", "outcome")]


def test_a_learner_that_draws_is_judged_by_its_scores() -> None:
    """No seed: predictions differ from call to call. The honest one passes; one with the label in its features does not."""
    market, rng = Market(5), np.random.default_rng(1)
    honest = audited(market.learner(lambda labels: market.honest(labels) + 0.01 * rng.normal(size=ROWS - FIRST_TEST)))
    assert honest.passed
    assert [check.passed for check in honest.checks if check.stage == "learning"] == [None, True]
    leaking = audited(market.learner(lambda labels: labels[FIRST_TEST:] + 3.0 * rng.normal(size=ROWS - FIRST_TEST)))
    assert "an edge survives where labels are shuffled" in leaking.findings[0].text


def test_false_alarms_are_as_rare_as_the_level_says() -> None:
    """Honest learners at level 0.05, on labels that lean on their neighbours: alarms are no more than chance allows (99.9 %), by kind.

    A deterministic learner, a random one (its score decides), and one that mostly does not learn."""
    seeds = 400 if os.environ.get("ESBT_NIGHTLY") == "1" else 30
    most = stats.binom.ppf(0.999, seeds, 0.05)
    for kind in ("least squares", "with noise", "stubborn"):
        alarms = 0
        for seed in range(seeds):
            market = Market(1_000 + seed, columns=4)
            noise = market.rng.normal(size=ROWS - FIRST_TEST)

            def predict(labels: Labels, market=market, noise=noise, kind=kind) -> np.ndarray:
                if kind == "stubborn":
                    return noise + 0.05 * market.honest(labels)
                drawn = 0.3 * market.rng.normal(size=len(noise)) if kind == "with noise" else 0.0
                return market.honest(labels) + drawn

            alarms += not audited(market.learner(predict), level=0.05, seed=seed).passed
        assert alarms <= most, kind


def test_blocks_stay_together_and_every_row_comes_everywhere() -> None:
    blocks = np.repeat([0, 1, 2, 3], [5, 3, 8, 4])
    rng = np.random.default_rng(0)
    orders = np.stack([block_order(blocks, rng) for _ in range(4_000)])
    assert (np.sort(orders, axis=1) == np.arange(20)).all()
    neighbours = ((np.diff(orders, axis=1) == 1) & (blocks[orders[:, 1:]] == blocks[orders[:, :-1]])).sum(axis=1)
    assert neighbours.min() >= 20 - 4 - 1 - 1
    at_first = np.bincount(orders[:, 0], minlength=20)
    assert stats.chisquare(at_first).pvalue > 0.001


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        ({"first_test": 590}, {}, "30 rows or more on either side"),
        ({"blocks": np.zeros(3)}, {}, "one of each a row"),
        ({"labels": np.full(ROWS, np.nan)}, {}, "leave such rows out"),
        ({"predict": lambda labels: labels}, {}, "one value for each of 200 test rows"),
        ({"predict": lambda labels: np.full(200, np.nan)}, {}, "NaN for test row 0"),
        ({"features": {"short": np.zeros(5)}}, {}, "column 'short' has shape"),
        ({}, {"shuffles": 2}, "3 or more"),
    ],
)
def test_bad_learners_are_refused(change, words, message) -> None:
    market = Market(0)
    given = {"labels": market.labels, "predict": market.honest, "first_test": FIRST_TEST, "blocks": market.blocks} | change
    with pytest.raises(EsbtError, match=message):
        audited(Learner(**given), **words)
