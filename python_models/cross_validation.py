"""Cross-validators for scikit-learn over labels that last: never shuffled, purged, embargoed, and with the paths of a combinatorial split.

Rows are labels in order of their first bar. They are cut into contiguous blocks; the test window of a block runs from its first bar to the
last bar any label in it looks at. A row is trained on where its whole span [start, end] misses every test window and does not begin within
`embargo_bars` after one. Source: Lopez de Prado 2018, Advances in Financial Machine Learning, sections 7.4 and 12.3 (there the embargo is
a share of the rows, here it is bars). Knows no model. Any object with `split` and `get_n_splits` is a cross-validator to scikit-learn.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError

Rows = npt.NDArray[np.int64]
Fold = tuple[Rows, Rows]


class _Blocks:
    """What both share: the spans, the cut into blocks, the purge.

    start, end: int64[n], first and last bar each row looks at, start never falling. stratify: blocks hold equally many rows (within one) of
    the rarest class of `y` instead of equally many rows; each edge then lies as near to the even one as that allows. What contiguous blocks
    cannot have is a class at the same rate everywhere: they differ in length, other classes come as they come, and purging takes from the
    training rows what it must.
    """

    def __init__(self, start: npt.ArrayLike, end: npt.ArrayLike, blocks: int, embargo_bars: int, stratify: bool) -> None:
        self.start, self.end = _bars("start", start), _bars("end", end)
        if self.start.shape != self.end.shape:
            raise EsbtError(f"each row needs a first and a last bar, got {self.start.size} starts and {self.end.size} ends")
        if (self.end < self.start).any() or (np.diff(self.start) < 0).any():
            raise EsbtError("rows must be in order of their first bar, none ending before it begins: sort the labels by signal_bar")
        if embargo_bars < 0:
            raise EsbtError(f"embargo_bars must be 0 or more, got {embargo_bars}")
        if blocks > self.start.size:
            raise EsbtError(f"{self.start.size} rows cannot be cut into {blocks} blocks: give more rows or fewer blocks")
        self.embargo_bars, self.stratify, self._blocks = embargo_bars, stratify, blocks

    def within(self, rows: npt.ArrayLike) -> Self:
        """The same splitter over some of its rows (ascending numbers), which are then numbered from 0: for tuning inside a training set.

        Raises EsbtError for rows it does not have and for fewer rows than blocks.
        """
        chosen = _bars("rows", rows)
        if chosen.size and (chosen[0] < 0 or chosen[-1] >= self.start.size or (np.diff(chosen) <= 0).any()):
            raise EsbtError(f"rows must ascend within 0 to {self.start.size - 1}: give the training rows as split() gives them")
        return self._like(self.start[chosen], self.end[chosen])

    def _like(self, start: Rows, end: Rows) -> Self:
        raise NotImplementedError

    def edges(self, y: npt.ArrayLike | None = None) -> Rows:
        """First row of each block, then the number of rows: int64[blocks + 1]. y: classes of the rows, for `stratify`."""
        n, blocks = self.start.size, self._blocks
        even = np.array([n * b // blocks for b in range(blocks + 1)], dtype=np.int64)
        if not self.stratify:
            return even
        if y is None or len(classes := np.asarray(y)) != n:
            raise EsbtError(f"stratify=True needs y, the class of each of the {n} rows")
        names, counts = np.unique(classes, return_counts=True)
        rare = np.flatnonzero(classes == names[np.argmin(counts)])
        if rare.size < blocks:
            raise EsbtError(
                f"class {names[np.argmin(counts)]} has {rare.size} rows, too few for {blocks} blocks: give fewer blocks or stratify=False"
            )
        first = [rare.size * b // blocks for b in range(1, blocks)]  # of the rare rows, which opens each block but the first
        inner = [np.clip(even[b + 1], rare[i - 1] + 1, rare[i]) for b, i in enumerate(first)]
        return np.array([0, *inner, n], dtype=np.int64)

    def _fold(self, edges: Rows, tested: Sequence[int]) -> Fold:
        test = np.concatenate([np.arange(edges[b], edges[b + 1]) for b in tested])
        windows = [(int(self.start[edges[b]]), int(self.end[edges[b] : edges[b + 1]].max())) for b in tested]
        train = np.flatnonzero(apart(self.start, self.end, windows, self.embargo_bars))
        if not train.size:
            raise EsbtError(f"nothing is left to train on beside rows {test[0]} to {test[-1]}: give more rows or a smaller embargo_bars")
        return train, test

    def _checked_edges(self, X: Any, y: Any) -> Rows:
        given = X if X is not None else y
        n = self.start.size if given is None else given.shape[0] if hasattr(given, "shape") else len(given)
        if n != self.start.size:
            raise EsbtError(f"the splitter was made for {self.start.size} rows, got {n}: for a part of them give splitter.within(rows)")
        return self.edges(y)


class PurgedKFold(_Blocks):
    """K-fold over contiguous blocks, purged and embargoed: split i tests block i. start, end, stratify: see `_Blocks`; of labels,
    signal_bar and end_bar.

    Raises EsbtError for fewer than 2 folds or fewer rows than folds, spans out of order, a negative embargo.
    """

    def __init__(
        self, start: npt.ArrayLike, end: npt.ArrayLike, n_splits: int = 5, *, embargo_bars: int = 0, stratify: bool = False
    ) -> None:
        if n_splits < 2:
            raise EsbtError(f"n_splits must be 2 or more, got {n_splits}")
        super().__init__(start, end, n_splits, embargo_bars, stratify)
        self.n_splits = n_splits

    def __repr__(self) -> str:
        return f"PurgedKFold(rows={self.start.size}, n_splits={self.n_splits}, embargo_bars={self.embargo_bars}, stratify={self.stratify})"

    def _like(self, start: Rows, end: Rows) -> Self:
        return type(self)(start, end, self.n_splits, embargo_bars=self.embargo_bars, stratify=self.stratify)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """n_splits."""
        return self.n_splits

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Row numbers to train on and to test on, int64, ascending. Raises EsbtError where X has other rows or no training row is left."""
        edges = self._checked_edges(X, y)
        for block in range(self.n_splits):
            yield self._fold(edges, [block])


class CombinatorialPurgedCV(_Blocks):
    """Combinatorial purged cross-validation: N contiguous groups, each choice of k of them tested once: C(N, k) splits in lexicographic
    order, which make phi = k / N * C(N, k) complete backtest paths. start, end, stratify: see `_Blocks`.

    Raises EsbtError unless 1 <= n_test_groups < n_groups <= rows, for spans out of order, a negative embargo.
    """

    def __init__(
        self,
        start: npt.ArrayLike,
        end: npt.ArrayLike,
        n_groups: int = 6,
        n_test_groups: int = 2,
        *,
        embargo_bars: int = 0,
        stratify: bool = False,
    ) -> None:
        if not 1 <= n_test_groups < n_groups:
            raise EsbtError(f"n_test_groups must be from 1 to n_groups - 1, got {n_test_groups} of {n_groups}")
        super().__init__(start, end, n_groups, embargo_bars, stratify)
        self.n_groups, self.n_test_groups = n_groups, n_test_groups

    def __repr__(self) -> str:
        own = f"n_groups={self.n_groups}, n_test_groups={self.n_test_groups}, embargo_bars={self.embargo_bars}, stratify={self.stratify}"
        return f"CombinatorialPurgedCV(rows={self.start.size}, {own})"

    def _like(self, start: Rows, end: Rows) -> Self:
        return type(self)(start, end, self.n_groups, self.n_test_groups, embargo_bars=self.embargo_bars, stratify=self.stratify)

    @property
    def n_paths(self) -> int:
        """phi = k / N * C(N, k) = C(N - 1, k - 1): in so many splits each group is tested."""
        return math.comb(self.n_groups - 1, self.n_test_groups - 1)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """C(n_groups, n_test_groups)."""
        return math.comb(self.n_groups, self.n_test_groups)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Row numbers to train on and to test on, int64, ascending. Raises EsbtError where X has other rows or no training row is left."""
        edges = self._checked_edges(X, y)
        for tested in self._choices():
            yield self._fold(edges, tested)

    def paths(self) -> Rows:
        """int64[n_paths, n_groups]: which split tests group g in path p. Each split's result on a group is used in one path alone."""
        where: list[list[int]] = [[] for _ in range(self.n_groups)]
        for number, tested in enumerate(self._choices()):
            for group in tested:
                where[group].append(number)
        return np.array(where, dtype=np.int64).T

    def backtest_paths(self, predictions: Sequence[npt.ArrayLike], y: npt.ArrayLike | None = None) -> npt.NDArray[np.float64]:
        """float64[n_paths, n]: what each path predicts for each row.

        predictions: of each split in order, for its test rows in order. y: the classes given to split(), where it stratifies. Raises
        EsbtError where they do not fit the splits.
        """
        edges, choices = self.edges(y), list(self._choices())
        given = [np.asarray(p, dtype=np.float64) for p in predictions]
        want = [sum(int(edges[g + 1] - edges[g]) for g in tested) for tested in choices]
        if [p.shape for p in given] != [(n,) for n in want]:
            raise EsbtError(f"paths need one prediction per test row of each of {len(want)} splits, got {[p.shape for p in given][:4]}...")
        out = np.empty((self.n_paths, self.start.size))
        used = [0] * self.n_groups
        for values, tested in zip(given, choices, strict=True):
            at = 0
            for group in tested:
                rows = slice(int(edges[group]), int(edges[group + 1]))
                out[used[group], rows] = values[at : at + rows.stop - rows.start]
                at += rows.stop - rows.start
                used[group] += 1
        return out

    def _choices(self) -> Iterator[tuple[int, ...]]:
        return combinations(range(self.n_groups), self.n_test_groups)


Splitter = PurgedKFold | CombinatorialPurgedCV


def apart(start: Rows, end: Rows, windows: Sequence[tuple[int, int]], embargo_bars: int) -> npt.NDArray[np.bool_]:
    """bool[n]: spans [start, end] that miss every window [first, last] and begin in none of the `embargo_bars` bars after one."""
    kept = np.ones(start.size, dtype=np.bool_)
    for first, last in windows:
        kept &= (end < first) | (start > last + embargo_bars)
    return kept


def nested(outer: Splitter, inner: Splitter, y: npt.ArrayLike | None = None) -> Iterator[tuple[Rows, Rows, Splitter]]:
    """For each outer split: training rows, test rows, and the inner splitter over the training rows alone, numbered as X[train] is.

    Tune with `GridSearchCV(model, grid, cv=inner).fit(X[train], y[train])` and judge on X[test]: what judges was never seen in tuning.
    outer, inner: made for the same rows. y: classes, where the outer one stratifies. Raises EsbtError for different rows.
    """
    if not (np.array_equal(outer.start, inner.start) and np.array_equal(outer.end, inner.end)):
        raise EsbtError("the outer and the inner splitter must be made for the same rows: give both the same start and end")
    for train, test in outer.split(y=y):
        yield train, test, inner.within(train)


def _bars(name: str, values: npt.ArrayLike) -> Rows:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise EsbtError(f"{name} must be whole numbers of shape (n,), got {array.dtype}{list(array.shape)}")
    return array.astype(np.int64)
