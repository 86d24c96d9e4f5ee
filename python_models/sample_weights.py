"""Weights of labels that overlap: what a label shares with others it does not teach twice. Knows no model and no market.

Source: Lopez de Prado 2018, Advances in Financial Machine Learning, chapter 4. A label spans the bars [start, end], both counted. Sums over
spans are differences of prefix sums: O(n log n) in labels, and bars where returns count. Multiply weights, then `mean_one` what goes into a
fit, so that settings such as rows per leaf keep their meaning.
"""

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def average_uniqueness(start: npt.ArrayLike, end: npt.ArrayLike) -> Floats:
    """Mean over a label's bars of 1 / (labels alive in the bar): float64[n] in (0, 1], 1 for a label alone (section 4.4).

    start, end: int64[n], any order. Raises EsbtError for spans that end before they begin.
    """
    first, last = _spans(start, end)
    points, alive = _alive(first, last)
    share = np.divide(np.diff(points), alive, out=np.zeros(alive.size), where=alive > 0)
    return _between(share, points, first, last) / (last - first + 1)


def return_attribution(start: npt.ArrayLike, end: npt.ArrayLike, returns: npt.ArrayLike) -> Floats:
    """|sum over a label's bars of return / (labels alive in the bar)|, scaled to mean 1: float64[n] (section 4.6).

    returns: float64[bars], log return from the close before into each bar; start, end: bars of it. Raises EsbtError for spans outside of
    it, NaN, and where nothing moved.
    """
    first, last = _spans(start, end)
    moved = np.asarray(returns, dtype=np.float64)
    if moved.ndim != 1 or (first.size and (first.min() < 0 or last.max() >= moved.size)):
        raise EsbtError(f"labels must span bars 0 to {moved.size - 1} of returns, got {first.min(initial=0)} to {last.max(initial=0)}")
    if not np.isfinite(moved).all():
        raise EsbtError(f"returns[{int(np.flatnonzero(~np.isfinite(moved))[0])}] is not finite: give 0 where a bar has no return")
    change = np.zeros(moved.size + 1)
    np.add.at(change, first, 1.0)
    np.add.at(change, last + 1, -1.0)
    alive = np.cumsum(change[:-1])
    shared = np.concatenate([[0.0], np.cumsum(np.divide(moved, alive, out=np.zeros(moved.size), where=alive > 0))])
    return mean_one(np.abs(shared[last + 1] - shared[first]))


def time_decay(uniqueness: npt.ArrayLike, oldest: float) -> Floats:
    """Weights that fall with age, counted in uniqueness rather than time: float64[n], 1 for the newest (section 4.7).

    uniqueness: float64[n], oldest label first. oldest: in (-1, 1], what age leaves in the limit: 1 no decay, 0 linear to nothing;
    -0.3: the oldest 30 % get nothing. Raises EsbtError for another value.
    """
    own = np.asarray(uniqueness, dtype=np.float64)
    if not -1 < oldest <= 1:
        raise EsbtError(f"oldest must be in (-1, 1], got {oldest}")
    if own.ndim != 1 or not (own > 0).all():
        raise EsbtError("time_decay needs the uniqueness of each label, all above 0: give average_uniqueness(start, end)")
    age = np.cumsum(own[::-1])[::-1] - own  # uniqueness that came after
    slope = (1 - oldest if oldest >= 0 else 1 / (1 + oldest)) / max(own.sum(), 1e-300)
    return np.asarray(np.maximum(0.0, 1.0 - slope * age), dtype=np.float64)


def class_weights(y: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Weights that give every class of y the same sum: total / (classes * weight of the class), float64[n].

    weights: float64[n], what the weights will be multiplied with, such as uniqueness; 1 by default: then scikit-learn's "balanced" (King
    and Zeng 2001). Raises EsbtError where a class has no weight.
    """
    classes = np.asarray(y)
    own = np.ones(classes.size) if weights is None else np.asarray(weights, dtype=np.float64)
    if classes.ndim != 1 or own.shape != classes.shape:
        raise EsbtError(f"class weights need a class and a weight a row, got shapes {classes.shape} and {own.shape}")
    _, code = np.unique(classes, return_inverse=True)
    sums = np.bincount(code, weights=own)
    if not (sums > 0).all():
        raise EsbtError("a class has no weight left: balance before its rows are weighted to 0")
    return np.asarray((own.sum() / (sums.size * sums))[code], dtype=np.float64)


def mean_one(weights: npt.ArrayLike) -> Floats:
    """Weights scaled to a mean of 1. Raises EsbtError where one is negative or not finite, or all are 0."""
    own = np.asarray(weights, dtype=np.float64)
    if not own.size:
        return own
    if not (np.isfinite(own).all() and own.min() >= 0 and own.max() > 0):
        raise EsbtError(f"weights must be 0 or more, finite, and not all 0, got {own.min()} to {own.max()}")
    scaled = own / own.max()
    return np.asarray(scaled / scaled.mean(), dtype=np.float64)


def _spans(start: npt.ArrayLike, end: npt.ArrayLike) -> tuple[Ints, Ints]:
    first, last = np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
    if first.ndim != 1 or first.shape != last.shape or (last < first).any():
        raise EsbtError("labels need a first and a last bar each, the last not before the first: give signal_bar and end_bar")
    return first, last


def _alive(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Bars at which a span begins or has just ended, ascending, and how many spans are alive from each to the next: int64[m], [m - 1]."""
    points = np.unique(np.concatenate([first, last + 1]))
    change = np.bincount(np.searchsorted(points, first), minlength=points.size)
    change -= np.bincount(np.searchsorted(points, last + 1), minlength=points.size)
    return points, np.cumsum(change)[:-1].astype(np.int64)


def _between(amount: Floats, points: Ints, first: Ints, last: Ints) -> Floats:
    """Sum of what each stretch between points amounts to, over each span."""
    sums = np.concatenate([[0.0], np.cumsum(amount)])
    return np.asarray(sums[np.searchsorted(points, last + 1)] - sums[np.searchsorted(points, first)], dtype=np.float64)
