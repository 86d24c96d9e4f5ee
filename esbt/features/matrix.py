"""The feature matrix: `features(bars)` and the type it gives. Knows no model and no label: every value at bar t is made of bars <= t."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from esbt import _core
from esbt.errors import EsbtError, unknown
from esbt.features.registry import Column, column, default_columns, feature_groups

if TYPE_CHECKING:
    from esbt.data.bars import Bars


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Feature values at each bar's close.

    matrix: float32[F, N], C-contiguous, read-only; row k is feature names[k], column t is bar t. NaN while a feature warms up, which it
        does anew in every contract segment.
    names: the F names.
    first_valid: first bar at which no feature is NaN; N when there is none. Later segments warm up again: see `valid`.
    ts: int64[N], ns UTC, the bars' open times. A bar's values are known at its close.
    """

    matrix: NDArray[np.float32]
    names: tuple[str, ...]
    first_valid: int
    ts: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.matrix.shape[1])

    def __getitem__(self, rows: slice) -> "Features":
        """`features[a:b]`: the same columns on these bars, for `bars[a:b]`. Raises EsbtError for anything but a slice of step 1."""
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise EsbtError(f"features[{rows!r}]: features take a slice of step 1, such as features[100:200]; see column(name) for one")
        matrix = np.ascontiguousarray(self.matrix[:, rows])
        matrix.flags.writeable = False
        ts = self.ts[rows]
        full = np.flatnonzero(~np.isnan(matrix).any(axis=0))
        return Features(matrix, self.names, int(full[0]) if full.size else len(ts), ts)

    def column(self, name: str) -> NDArray[np.float32]:
        """float32[N], a read-only view of one feature. Raises EsbtError for a name that was not computed."""
        if name not in self.names:
            raise unknown("feature", name, self.names)
        row: NDArray[np.float32] = self.matrix[self.names.index(name)]
        return row

    @property
    def valid(self) -> NDArray[np.bool_]:
        """bool[N]: no feature of this bar is NaN."""
        ok = np.ones(len(self), dtype=np.bool_)
        for row in self.matrix:
            ok &= ~np.isnan(row)
        return ok

    @property
    def frame(self) -> pl.DataFrame:
        """Polars: `ts` (Datetime[ns, UTC], bar open) and one Float32 column a feature; warming up is NaN, not null."""
        ts = pl.Series("ts", self.ts).cast(pl.Datetime("ns", "UTC"))
        return pl.DataFrame([ts, *(pl.Series(name, row) for name, row in zip(self.names, self.matrix, strict=True))])


def features(bars: "Bars", names: str | Sequence[str] | None = None, *, threads: int = 1) -> Features:
    """Compute features of bars, float32[F, N]: `names` in their order, or the whole default set (`feature_names()`).

    names: spellings such as "rsi", "rsi(21)", "macd(12, 26)", and names of groups, "volume", which stand for their columns in the default
    set; columns get their canonical names, "rsi(14)". threads: columns are shared out among them, the values are the same.
    One pass over the bars, float64 state, float32 values, the GIL released. `feature_table()` has every formula, unit and source; values
    restart at each contract segment and are NaN while a feature warms up.
    Raises EsbtError for something that is not Bars, and for unknown, repeated or no names, or parameters out of range.
    """
    if not isinstance(getattr(bars, "core", None), _core.CoreBars):
        raise EsbtError(f"features(bars): bars is {type(bars).__name__}, not Bars: load it with esbt.load_bars")
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= 256:
        raise EsbtError(f"features(threads): threads is {threads!r}: give a whole number from 1 to 256")
    chosen = columns(names)
    matrix: NDArray[np.float32] = _core.compute_features(bars.core, [c.request for c in chosen], threads)
    matrix.flags.writeable = False
    return Features(matrix, tuple(c.name for c in chosen), _first_valid(bars.segment, max(c.warm_up for c in chosen)), bars.ts)


def columns(names: str | Sequence[str] | None) -> tuple[Column, ...]:
    """The columns that names, groups or None (the default set) stand for. Raises EsbtError as `features`."""
    if names is None:
        return default_columns()
    chosen: list[Column] = []
    for name in [names] if isinstance(names, str) else list(names):
        if not isinstance(name, str):
            raise EsbtError(f"features(names): {name!r} is no name: give texts such as 'rsi(14)'")
        chosen += default_columns(name) if name in feature_groups() else [column(name)]
    if not chosen:
        raise EsbtError("features(names): names is empty: name a feature, or leave it out for all of them")
    seen: set[str] = set()
    for c in chosen:
        if c.name in seen:
            raise EsbtError(f"features(names): {c.name!r} is named twice: name each column once")
        seen.add(c.name)
    return tuple(chosen)


def _first_valid(segment: NDArray[np.int32], warm_up: int) -> int:
    """Bar number `warm_up` of the first segment that is long enough to have one."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(segment)) + 1, [len(segment)]))
    long_enough = np.flatnonzero(np.diff(edges) > warm_up)
    return int(edges[long_enough[0]]) + warm_up if len(long_enough) else len(segment)
