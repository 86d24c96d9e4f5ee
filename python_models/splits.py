"""Windows of time and the rules that keep them apart: never shuffled, purged of labels that reach over an edge, and embargoed after it.

Source of purge and embargo: Lopez de Prado 2018, Advances in Financial Machine Learning, section 7.4. Knows no model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from esbt.errors import EsbtError
from python_models.labels import Labels


@dataclass(frozen=True)
class Window:
    """Bars [start, stop)."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise EsbtError(f"a window of bars needs 0 <= start <= stop, got {self.start}, {self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start


def last_part(window: Window, fraction: float, embargo_bars: int) -> tuple[Window, Window]:
    """Split a window by time: an earlier part and the last `fraction` of it, `embargo_bars` before the cut belonging to neither.

    Raises EsbtError where nothing would be left on one side.
    """
    cut = window.stop - round(fraction * len(window))
    earlier, later = Window(window.start, max(window.start, cut - embargo_bars)), Window(cut, window.stop)
    if not len(earlier) or not len(later):
        raise EsbtError(f"{len(window)} bars cannot be split {1 - fraction:.0%} to {fraction:.0%} with an embargo of {embargo_bars} bars")
    return earlier, later


def purged_folds(labels: Labels, window: Window, folds: int, embargo_bars: int) -> Iterator[tuple[Labels, Window]]:
    """For each of `folds` equal stretches of the window: labels of the others fit to train on, and the stretch itself.

    A training label is kept where its whole span [signal_bar, end_bar] lies in the window and away from the stretch: it ends before the
    stretch begins, or starts more than `embargo_bars` after the stretch and after every label that begins in it has ended.
    """
    inside = labels.within(window.start, window.stop)
    edges = [window.start + len(window) * i // folds for i in range(folds + 1)]
    for start, stop in pairwise(edges):
        held_out = (inside.signal_bar >= start) & (inside.signal_bar < stop)
        last_end = int(inside.end_bar[held_out].max(initial=stop - 1))
        apart = (inside.end_bar < start) | (inside.signal_bar > last_end + embargo_bars)
        yield inside.where(apart), Window(start, stop)
