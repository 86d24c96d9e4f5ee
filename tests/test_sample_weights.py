"""Sample weights: the worked numbers of Lopez de Prado 2018, chapter 4, twins written from the definitions, and scikit-learn's balance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learning_helpers import quick_run, spans
from sklearn.utils.class_weight import compute_sample_weight

from esbt.errors import EsbtError
from python_models.labels import label_trades
from python_models.sample_weights import average_uniqueness, class_weights, mean_one, return_attribution, time_decay

BARS = 200
BOOK = ([0, 2, 4], [2, 3, 5])  # section 4.5.3: y1 of returns 1 to 3, y2 of 3 and 4, y3 of 5 and 6


def alive(start, end, bar):
    return sum(s <= bar <= e for s, e in zip(start, end, strict=True))


def naive_uniqueness(start, end):
    """Section 4.4, bar by bar."""
    return [np.mean([1 / alive(start, end, bar) for bar in range(s, e + 1)]) for s, e in zip(start, end, strict=True)]


def test_uniqueness_of_the_book():
    """Section 4.5.3: average uniqueness 5/6, 3/4 and 1."""
    assert average_uniqueness(*BOOK) == pytest.approx([5 / 6, 3 / 4, 1.0], rel=1e-14)


@settings(deadline=None)
@given(spans(BARS))
def test_uniqueness_is_the_definition(labels):
    start, end = labels.signal_bar.tolist(), labels.end_bar.tolist()
    own = average_uniqueness(labels.signal_bar, labels.end_bar)
    assert own == pytest.approx(naive_uniqueness(start, end), rel=1e-10)
    assert ((own > 0) & (own <= 1 + 1e-12)).all()


@settings(deadline=None)
@given(spans(BARS), st.integers(-1000, 10**9), st.integers(0, 2**32))
def test_uniqueness_asks_neither_where_nor_in_which_order(labels, by, seed):
    """Shifted spans have the same uniqueness, shuffled ones the same shuffled; twice the labels, half of it."""
    start, end = labels.signal_bar, labels.end_bar
    own, order = average_uniqueness(start, end), np.random.default_rng(seed).permutation(labels.count)
    assert average_uniqueness(start + by, end + by) == pytest.approx(own, rel=1e-12)
    assert average_uniqueness(start[order], end[order]) == pytest.approx(own[order], rel=1e-10)
    assert average_uniqueness(np.tile(start, 2), np.tile(end, 2)) == pytest.approx(np.tile(own / 2, 2), rel=1e-10)


def test_uniqueness_of_real_labels():
    """Of the labels that learning uses: one position a signal, so they overlap, and some stand alone."""
    config, *_, training, _, _ = quick_run()
    labels = label_trades(training.bars, config.strategy, config.account)
    own = average_uniqueness(labels.signal_bar, labels.end_bar)
    assert own == pytest.approx(naive_uniqueness(labels.signal_bar.tolist(), labels.end_bar.tolist()), rel=1e-9)
    assert own.min() < 0.6
    assert own.max() == pytest.approx(1.0)


@settings(deadline=None)
@given(spans(BARS), st.integers(0, 2**32))
def test_return_attribution_is_the_definition(labels, seed):
    """Section 4.6, bar by bar; weights average 1."""
    returns = np.random.default_rng(seed).normal(size=2 * BARS + 1)
    start, end = labels.signal_bar.tolist(), labels.end_bar.tolist()
    naive = [abs(sum(returns[b] / alive(start, end, b) for b in range(s, e + 1))) for s, e in zip(start, end, strict=True)]
    own = return_attribution(start, end, returns)
    assert own == pytest.approx(np.array(naive) * len(naive) / sum(naive) if naive else [], rel=1e-7, abs=1e-9)


def test_return_attribution_by_hand():
    """The book's spans, returns of 1 % a bar, then -4 % and 1 %: 2.5 %, 1.5 %, 3 %."""
    own = return_attribution(*BOOK, np.array([0.01, 0.01, 0.01, 0.01, -0.04, 0.01]))
    assert own == pytest.approx(np.array([2.5, 1.5, 3.0]) * 3 / 7)


def snippet_4_11(uniqueness, oldest):
    """getTimeDecay of the book, as printed."""
    total = np.cumsum(uniqueness)
    slope = (1.0 - oldest) / total[-1] if oldest >= 0 else 1.0 / ((oldest + 1) * total[-1])
    return np.maximum(1.0 - slope * total[-1] + slope * total, 0)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=50), st.floats(-0.99, 1.0))
def test_time_decay_is_the_books(uniqueness, oldest):
    own = time_decay(uniqueness, oldest)
    assert own == pytest.approx(snippet_4_11(uniqueness, oldest), abs=1e-9)
    assert own[-1] == 1.0
    assert (np.diff(own) >= 0).all()


def test_time_decay_by_hand():
    assert time_decay(np.ones(4), 1.0).tolist() == [1, 1, 1, 1]
    assert time_decay(np.ones(4), 0.0) == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert time_decay(np.ones(4), -0.5) == pytest.approx([0.0, 0.0, 0.5, 1.0])  # the oldest half


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 2**32))
def test_class_weights_balance(classes, seed):
    """Without weights, scikit-learn's; with them, each class has the same sum, and the total stays."""
    assert class_weights(classes) == pytest.approx(compute_sample_weight("balanced", classes), rel=1e-12)
    first = np.random.default_rng(seed).uniform(0.1, 1.0, len(classes))
    both = first * class_weights(classes, first)
    sums = [both[np.array(classes) == c].sum() for c in set(classes)]
    assert sums == pytest.approx([first.sum() / len(sums)] * len(sums), rel=1e-10)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=20).filter(any))
def test_mean_one(weights):
    own = mean_one(weights)
    assert own.mean() == pytest.approx(1.0, rel=1e-9)
    assert own * max(weights) == pytest.approx(np.array(weights) * own.max(), rel=1e-9)


def test_no_labels_no_weights():
    none = np.zeros(0, np.int64)
    assert average_uniqueness(none, none).size == time_decay([], 0.5).size == mean_one([]).size == 0
    assert return_attribution(none, none, [0.1]).size == class_weights([]).size == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: average_uniqueness([3], [2]), "the last not before the first"),
        (lambda: average_uniqueness([3, 4], [5]), "labels need a first and a last bar each"),
        (lambda: return_attribution([0], [3], [0.1, 0.2]), "labels must span bars 0 to 1 of returns, got 0 to 3"),
        (lambda: return_attribution([0], [1], [0.1, np.nan]), r"returns\[1\] is not finite"),
        (lambda: return_attribution([0], [1], [0.0, 0.0]), "not all 0, got 0.0 to 0.0"),
        (lambda: time_decay([1.0], -1.0), r"oldest must be in \(-1, 1\], got -1.0"),
        (lambda: time_decay([1.0, 0.0], 0.5), "all above 0"),
        (lambda: class_weights([0, 1], [1.0]), r"got shapes \(2,\) and \(1,\)"),
        (lambda: class_weights([0, 1], [1.0, 0.0]), "a class has no weight left"),
        (lambda: mean_one([1.0, -0.5]), "got -0.5 to 1.0"),
        (lambda: mean_one([np.inf]), "finite"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(EsbtError, match=message):
        make()
