"""Folds: which bars are trained on and which are traded next, cut where sessions begin. Knows bars' sessions, no strategy and no model.

A fold trains on `train` before its test window and trades `test`; the next fold's test window begins where this one's ends. Purge: training
is given no bar after its window, so nothing it learns can look past it. Embargo: `embargo` before the test window belongs to neither. No
window spans a hole of more than `longest_gap` days: behind it the walk begins anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data import Bars
from esbt.errors import EsbtError
from esbt.walkforward.spans import Span, span_of

Days = npt.NDArray[np.int64]
LONGEST_GAP = 31
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Fold:
    """Bars [train_start, train_stop) are trained on, [test_start, test_stop) traded. partial: the data ends inside the test window."""

    number: int
    train_start: int
    train_stop: int
    test_start: int
    test_stop: int
    partial: bool

    @property
    def train(self) -> slice:
        """Rows of the training window."""
        return slice(self.train_start, self.train_stop)

    @property
    def test(self) -> slice:
        """Rows of the test window."""
        return slice(self.test_start, self.test_stop)


@dataclass(frozen=True)
class Windows:
    """How a walk is cut, checked. partial: use a last test window that the data ends inside of; False drops it."""

    train: Span
    test: Span
    embargo: Span
    anchored: bool
    partial: bool
    longest_gap: int

    def described(self) -> dict[str, object]:
        """As JSON can hold it."""
        spans = {name: str(getattr(self, name)) for name in ("train", "test", "embargo")}
        return spans | {"anchored": self.anchored, "partial": self.partial, "longest_gap": self.longest_gap}


def windows_of(
    train: object,
    test: object,
    *,
    anchored: bool = False,
    embargo: object = "1 session",
    partial: bool = True,
    longest_gap: int = LONGEST_GAP,
) -> Windows:
    """The words of `walk_forward`, checked. Raises EsbtError for a span or switch that is none."""
    for name, value in (("anchored", anchored), ("partial", partial)):
        if not isinstance(value, bool):
            raise EsbtError(f"{name} is {value!r}: give True or False")
    if isinstance(longest_gap, bool) or not isinstance(longest_gap, int) or longest_gap < 1:
        raise EsbtError(f"longest_gap is {longest_gap!r}: give a whole number of days, 1 or more")
    return Windows(span_of("train", train), span_of("test", test), span_of("embargo", embargo, least=0), anchored, partial, longest_gap)


def folds_of(bars: Bars, windows: Windows) -> tuple[list[Fold], list[str]]:
    """The folds in order of time, and what a reader should know of them (windows dropped or cut short, stretches left out, holes).

    Raises EsbtError where the bars are too few for a single fold.
    """
    starts = np.flatnonzero(np.diff(bars.session, prepend=bars.session[:1] - 1))
    days, edges = bars.session[starts].astype(np.int64), np.append(starts, len(bars))
    holes = np.flatnonzero(np.diff(days) > windows.longest_gap) + 1
    folds: list[Fold] = []
    notes: list[str] = []
    for first, last in zip([0, *holes.tolist()], [*holes.tolist(), len(days)], strict=True):
        own = list(_stretch(days[first:last], windows))
        kept = [cut for cut in own if windows.partial or not cut[4]]
        stretch = f"{_day(days[first])} to {_day(days[last - 1])}"
        if first:
            notes.append(f"No session from {_day(days[first - 1])} to {_day(days[first])}: no window spans this hole.")
        if not kept:
            notes.append(f"The {last - first} sessions from {stretch} are too few for a fold and were left out.")
        elif own[-1][4]:
            what = "is shorter than the others and was used" if windows.partial else "would be cut short and was dropped"
            notes.append(f"The data ends inside a test window, from {_day(days[first + own[-1][2]])} on, which {what}.")
        for a, b, c, d, partial in kept:
            rows = [int(edges[first + cut]) for cut in (a, b, c, d)]
            folds.append(Fold(len(folds), rows[0], rows[1], rows[2], rows[3], partial))
    if not folds:
        span = f"{len(days)} sessions, {_day(days[0])} to {_day(days[-1])}" if len(days) else "no sessions"
        raise EsbtError(
            f"train={windows.train}, embargo={windows.embargo} and test={windows.test} do not fit the bars, which hold {span}: "
            "give shorter windows or more bars"
        )
    return folds, notes


def windows_frame(bars: Bars, folds: list[Fold]) -> pl.DataFrame:
    """One row a fold: fold, train_from, train_to, test_from, test_to (trade dates, Date, both ends included), train_bars, test_bars,
    partial."""

    def dates(rows: list[int]) -> pl.Series:
        return pl.Series(bars.session[rows].astype(np.int32)).cast(pl.Date)

    return pl.DataFrame(
        {
            "fold": [fold.number for fold in folds],
            "train_from": dates([fold.train_start for fold in folds]),
            "train_to": dates([fold.train_stop - 1 for fold in folds]),
            "test_from": dates([fold.test_start for fold in folds]),
            "test_to": dates([fold.test_stop - 1 for fold in folds]),
            "train_bars": [fold.train_stop - fold.train_start for fold in folds],
            "test_bars": [fold.test_stop - fold.test_start for fold in folds],
            "partial": [fold.partial for fold in folds],
        }
    )


def _stretch(days: Days, windows: Windows) -> Iterator[tuple[int, int, int, int, bool]]:
    """(train start, train stop, test start, test stop) as places among the sessions of one stretch, and whether the test is partial."""
    last = _day(days[-1])
    due = last + timedelta(days=3 if last.weekday() == 4 else 1)  # the next weekday: a window that ends there has all its sessions
    first = _Cut(days, windows.train.count) if windows.train.unit == "sessions" else _Cut(days, 0).moved(windows.train)
    if first.place >= len(days):
        return
    k = 0
    while (start := first.moved(windows.test, k)).place < len(days):
        stop = first.moved(windows.test, k + 1)
        train_start = 0 if windows.anchored or k == 0 else max(0, start.moved(windows.train, -1).place)
        train_stop = start.moved(windows.embargo, -1).place
        partial = stop.place > len(days) if windows.test.unit == "sessions" else stop.day > due
        if train_stop <= train_start:
            raise EsbtError(
                f"embargo={windows.embargo} leaves nothing of train={windows.train} before {start.day}: give less, or a longer train"
            )
        if stop.place > start.place:
            yield train_start, train_stop, start.place, min(stop.place, len(days)), partial
        k += 1


class _Cut:
    """A place among sessions and its day; the day may have no session, then the place is the next session's."""

    def __init__(self, days: Days, place: int, day: date | None = None) -> None:
        self._days, self.place = days, place
        self.day = day or _day(days[min(max(place, 0), len(days) - 1)])

    def moved(self, span: Span, times: int = 1) -> "_Cut":
        if span.unit == "sessions":
            return self if times == 0 else _Cut(self._days, self.place + times * span.count)
        day = span.from_day(self.day, times)
        return _Cut(self._days, int(np.searchsorted(self._days, (day - _EPOCH).days)), day)


def _day(session: int | np.int64) -> date:
    return _EPOCH + timedelta(days=int(session))
