"""Windows of time and the rules that keep them apart: never shuffled, purged of labels that reach over an edge, and embargoed after it.

Source of purge and embargo: Lopez de Prado 2018, Advances in Financial Machine Learning, section 7.4. Knows no model.
"""

from dataclasses import dataclass

from esbt.errors import EsbtError


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
