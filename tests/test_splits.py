"""Windows of time: in order, embargoed, purged. The twin here is written from the definition, span by span."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning_helpers import labels_of, spans

from esbt.errors import EsbtError
from python_models.splits import Window, last_part, purged_folds

BARS = 200
windows = st.one_of(
    st.just(Window(0, BARS)),
    st.tuples(st.integers(0, BARS), st.integers(0, BARS)).map(lambda ends: Window(min(ends), max(ends))),
)


def pairs(labels):
    return list(zip(labels.signal_bar.tolist(), labels.end_bar.tolist(), strict=True))


@given(windows, st.floats(0.01, 0.99), st.integers(0, 50))
def test_last_part_is_in_order_with_the_embargo_between(window, fraction, embargo):
    """Every bar of the earlier part lies before every bar of the later, `embargo` bars apart; or there is an error, never an overlap."""
    size = round(fraction * len(window))
    if size == 0 or len(window) - size - embargo <= 0:
        with pytest.raises(EsbtError, match="cannot be split"):
            last_part(window, fraction, embargo)
        return
    earlier, later = last_part(window, fraction, embargo)
    assert (earlier.start, later.stop) == (window.start, window.stop)
    assert len(later) == size
    assert later.start - earlier.stop == embargo


@pytest.mark.parametrize(
    ("bars", "fraction", "embargo"),
    [(0, 0.2, 0), (1, 0.2, 0), (2, 0.2, 0), (10, 0.2, 8), (10, 0.99, 0), (100, 0.2, 120)],
)
def test_too_few_bars_is_an_error_that_says_what_was_asked(bars, fraction, embargo):
    with pytest.raises(EsbtError, match=f"^{bars} bars cannot be split .* with an embargo of {embargo} bars$"):
        last_part(Window(0, bars), fraction, embargo)


@pytest.mark.parametrize(("start", "stop"), [(5, 3), (-1, 3)])
def test_a_window_that_is_none(start, stop):
    with pytest.raises(EsbtError, match=f"got {start}, {stop}"):
        Window(start, stop)


@given(spans(BARS), windows)
def test_within_keeps_whole_spans_only(labels, window):
    """The purge: a label belongs to a window only when all it looked at does."""
    kept = [(s, e) for s, e in pairs(labels) if window.start <= s and e < window.stop]
    assert pairs(labels.within(window.start, window.stop)) == kept


@given(spans(BARS), windows, st.integers(2, 6), st.integers(0, 40))
def test_purged_folds_keep_no_span_that_touches_the_held_out(labels, window, folds, embargo):
    """Against the definition: no training span meets the stretch or a span that begins in it; none starts inside the embargo after them;
    and nothing else is thrown away."""
    inside = [(s, e) for s, e in pairs(labels) if window.start <= s and e < window.stop]
    stretches = []
    for train, stretch in purged_folds(labels, window, folds, embargo):
        stretches.append(stretch)
        held_out = [(s, e) for s, e in inside if stretch.start <= s < stretch.stop]
        seen = set(range(stretch.start, stretch.stop)).union(*(range(s, e + 1) for s, e in held_out))
        for s, e in pairs(train):
            assert seen.isdisjoint(range(s, e + 1))
            assert not any(stretch.stop <= s <= end + embargo for end in [stretch.stop - 1, *(end for _, end in held_out)])
        last = max(seen, default=stretch.stop - 1)
        assert pairs(train) == [(s, e) for s, e in inside if e < stretch.start or s > last + embargo]
    assert [s.start for s in stretches] == [window.start, *(s.stop for s in stretches[:-1])]
    assert stretches[-1].stop == window.stop
    assert max(map(len, stretches)) - min(map(len, stretches)) <= 1


def test_a_long_label_pushes_the_training_back():
    """By hand: a label that begins in [50, 100) and ends at 130, an embargo of 10: training starts again at 141, not at 111."""
    labels = labels_of([0, 40, 48, 60, 105, 120, 140, 141], [5, 49, 50, 130, 106, 121, 145, 150])
    folds = list(purged_folds(labels, Window(0, 200), 4, 10))
    assert folds[1][1] == Window(50, 100)
    assert pairs(folds[1][0]) == [(0, 5), (40, 49), (141, 150)]


def test_folds_are_in_order_of_time():
    """Nothing is shuffled: signal bars rise within each training set, and the stretches follow one another."""
    labels = labels_of(np.arange(0, 190, 2), np.arange(0, 190, 2) + 3)
    starts = []
    for train, stretch in purged_folds(labels, Window(0, BARS), 5, 4):
        assert train.count
        assert (np.diff(train.signal_bar) > 0).all()
        starts.append(stretch.start)
    assert starts == sorted(starts)
