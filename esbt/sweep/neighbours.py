"""Lanes beside a lane, and their mean: a peak that stands alone is luck more often than one on a plateau. Knows no metric."""

import numpy as np
import numpy.typing as npt

from esbt.sweep.space import Grid, Space

Floats = npt.NDArray[np.float64]
_NEAREST = 10


def neighbours_mean(space: Space, values: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Mean of each lane's neighbours, float64[L], and how many have a value, int64[L]; NaN without any.

    values: float64[L] by lane. In a grid the neighbours are one step away on one axis of numbers, in order of size; words and switches
    have no order, so none there. In another space they are the ten nearest over all axes of numbers, each scaled to 0 .. 1.
    """
    total, count = _of_grid(space, values) if isinstance(space, Grid) else _of_points(space, values)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0), count


def _of_grid(space: Grid, values: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    known = np.isfinite(values).reshape(space.shape)
    clean = np.where(known, values.reshape(space.shape), 0.0)
    total, count = np.zeros(space.shape), np.zeros(space.shape, np.int64)
    for axis, own in enumerate(space.values.values()):
        if not all(_is_number(value) for value in own):
            continue
        order = np.argsort(np.array(own, dtype=np.float64))
        for here, there in ((order[1:], order[:-1]), (order[:-1], order[1:])):
            at: list[slice | npt.NDArray[np.intp]] = [slice(None)] * len(space.shape)
            at[axis] = here
            total[tuple(at)] += np.take(clean, there, axis=axis)
            count[tuple(at)] += np.take(known, there, axis=axis)
    return total.ravel(), count.ravel()


def _of_points(space: Space, values: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    codes = space.codes(np.arange(len(space), dtype=np.int64))
    columns = [np.array(own, dtype=np.float64)[codes[name]] for name, own in space.values.items() if all(map(_is_number, own))]
    total, count = np.zeros(len(values)), np.zeros(len(values), np.int64)
    if not columns or len(values) < 2:
        return total, count
    from scipy.spatial import cKDTree  # slow to import

    points = np.stack([(column - column.min()) / (np.ptp(column) or 1.0) for column in columns], axis=1)
    _, near = cKDTree(points).query(points, k=min(_NEAREST + 1, len(points)))
    others = near != np.arange(len(points))[:, None]
    others[others.all(axis=1), -1] = False  # lanes at one point may hide a lane from itself
    known = np.isfinite(values)[near] & others
    return np.where(known, values[near], 0.0).sum(axis=1), known.sum(axis=1).astype(np.int64)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
