"""Windows of time: in order, embargoed, purged. The twin here is written from the definition, span by span."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning_helpers import spans

from esbt.errors import EsbtError
from python_models.splits import Window, last_part

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
