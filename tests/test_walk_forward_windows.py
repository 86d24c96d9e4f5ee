"""Windows: cut where sessions begin, training strictly before testing, an embargo between, test windows end to end, no hole spanned."""

import dataclasses
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import esbt
from esbt.data import Bars
from esbt.errors import EsbtError
from esbt.walkforward import folds_of, windows_frame, windows_of

BARS = esbt.synthetic_bars(days=129, interval="15min", seed=1, start="2022-01-31")  # to 2022-07-29


def frame(bars=BARS, **words):
    folds, notes = folds_of(bars, windows_of(**{"train": "2mo", "test": "1mo"} | words))
    return windows_frame(bars, folds), notes


def dates(frame, name):
    return [str(day) for day in frame[name]]


def test_months_of_the_calendar():
    """From the last of January on: two months later is the last of March, three months the last of April; no day drifts."""
    got, notes = frame()
    assert dates(got, "test_from") == ["2022-03-31", "2022-05-02", "2022-05-31", "2022-06-30"]
    assert dates(got, "test_to") == ["2022-04-29", "2022-05-30", "2022-06-29", "2022-07-29"]
    assert dates(got, "train_from") == ["2022-01-31", "2022-02-28", "2022-03-31", "2022-05-02"]
    assert dates(got, "train_to") == ["2022-03-29", "2022-04-28", "2022-05-27", "2022-06-28"]
    assert got["partial"].to_list() == [False] * 4
    assert notes == []


def test_anchored_and_without_embargo():
    got, _ = frame(anchored=True, embargo=0)
    assert dates(got, "train_from") == ["2022-01-31"] * 4
    assert dates(got, "train_to") == ["2022-03-30", "2022-04-29", "2022-05-30", "2022-06-29"]


def test_sessions():
    got, notes = frame(train=39, test="30 sessions", embargo="3 sessions")
    days = np.unique(BARS.session)
    of = [pl.Series(days[rows]).cast(pl.Int32).cast(pl.Date).to_list() for rows in ([0, 30, 60], [35, 65, 95], [39, 69, 99], [68, 98, 128])]
    assert [got[name].to_list() for name in ("train_from", "train_to", "test_from", "test_to")] == of
    assert got["partial"].to_list() == [False] * 3
    assert notes == []


def test_a_last_window_that_is_cut_short():
    used, said = frame(train=40, test=40)
    assert used["partial"].to_list() == [False, False, True]
    assert "shorter than the others and was used" in said[0]
    dropped, said = frame(train=40, test=40, partial=False)
    assert len(dropped) == 2
    assert "was dropped" in said[0]
    by_month, said = frame(test="2mo")
    assert by_month["partial"].to_list() == [False, False]
    by_month, said = frame(BARS[:-400], test="2mo")
    assert by_month["partial"].to_list() == [False, True]


def with_hole(days=60):
    """The sessions after the 65th are `days` later."""
    late = BARS.session > np.unique(BARS.session)[64]
    step = days * 86_400_000_000_000
    fields = {field.name: getattr(BARS, field.name) for field in dataclasses.fields(BARS)}
    fields |= {"ts": BARS.ts + late * step, "session": BARS.session + late.astype(np.int32) * days, "truth": None}
    return Bars(**fields)


def test_no_window_spans_a_hole():
    bars = with_hole()
    got, notes = frame(bars, train="1mo", test="3w")
    hole = date(2022, 5, 20)
    spans = [tuple(row) for row in got.select("train_from", "test_to").rows()]
    assert all(not (first < hole < last) for first, last in spans)
    assert {first < hole for first, _ in spans} == {True, False}
    assert sum("no window spans this hole" in note for note in notes) == 1
    spanned, _ = frame(bars, train="3mo", test="3w", longest_gap=100)
    assert any(first < hole < last for first, last in spanned.select("train_from", "test_to").rows())


def test_a_stretch_too_short_is_said():
    got, notes = frame(with_hole(), train=66, test=10, longest_gap=100)
    assert len(got) == 7
    with pytest.raises(EsbtError, match="do not fit the bars, which hold 129 sessions, 2022-01-31 to"):
        frame(with_hole(), train=66, test=10)
    _, notes = frame(with_hole()[: -len(BARS) // 4], train=50, test=10)
    assert any("sessions from" in note and "left out" in note for note in notes)


SPANS = st.one_of(
    st.integers(1, 60), st.integers(1, 60).map(lambda n: f"{n} sessions"), st.integers(1, 80).map(lambda n: f"{n}d"),
    st.integers(1, 10).map(lambda n: f"{n}w"), st.integers(1, 4).map(lambda n: f"{n}mo"),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(SPANS, SPANS, st.one_of(st.integers(0, 4), st.just("3d")), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_the_laws_of_windows(train, test, embargo, switches):
    """Whatever the words: windows begin and end with sessions, training ends before testing begins, with the embargo between, test windows
    follow one another without a gap or an overlap, rolling ones are never longer than anchored ones."""
    anchored, partial, hole = switches
    bars = with_hole() if hole else BARS
    windows = windows_of(train, test, embargo=embargo, anchored=anchored, partial=partial)
    try:
        folds, _ = folds_of(bars, windows)
    except EsbtError:
        spans = [windows_of(span, 1).train for span in (train, test, embargo or 1)]
        length = [s.count * {"sessions": 1, "d": 0.6, "w": 4, "mo": 19, "y": 240}[s.unit] for s in spans]
        most = 0.8 * (65 if hole else 129)
        assert length[0] + (0 if partial else length[1]) > most or length[2] >= 0.3 * length[0]  # about too long, or all of it embargoed
        return
    edges = set(np.flatnonzero(np.diff(bars.session, prepend=-1)).tolist()) | {len(bars)}
    for number, fold in enumerate(folds):
        assert fold.number == number
        assert {fold.train_start, fold.train_stop, fold.test_start, fold.test_stop} <= edges
        assert fold.train_start < fold.train_stop <= fold.test_start < fold.test_stop
        between = len(np.unique(bars.session[fold.train_stop : fold.test_start]))
        assert between == embargo if isinstance(embargo, int) else between <= 3
        assert partial or not fold.partial
        days = bars.session[fold.train_start : fold.test_stop]
        assert np.diff(days).max() <= 31
    for one, two in pairwise(folds):
        assert one.test_stop == two.test_start or bars.session[two.train_start] - bars.session[one.test_stop - 1] > 31
        assert not one.partial or bars.session[two.train_start] > bars.session[one.test_stop - 1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"train": "24m"}, "train is '24m': unknown unit 'm'; months are 'mo'"),
        ({"train": "a while"}, "train is 'a while': give train such as '24mo'"),
        ({"train": "3 moons"}, "unknown unit 'moons'"),
        ({"test": 0}, "test is 0: must be 1 or more"),
        ({"test": 2.5}, "test is 2.5: give test such as"),
        ({"test": True}, "test is True"),
        ({"embargo": -1}, "embargo is -1: must be 0 or more"),
        ({"anchored": "yes"}, "anchored is 'yes': give True or False"),
        ({"partial": 1}, "partial is 1: give True or False"),
        ({"longest_gap": 0}, "longest_gap is 0"),
        ({"train": "24mo"}, "train=24mo, embargo=1 session and test=1mo do not fit"),
        ({"train": 5, "embargo": 5}, "embargo=5 sessions leaves nothing of train=5 sessions"),
    ],
)
def test_bad_words(words, said):
    with pytest.raises(EsbtError) as caught:
        frame(**words)
    assert said in str(caught.value)
