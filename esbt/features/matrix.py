"""The feature matrix: `features(bars)` and the type it gives. Knows no model and no label: every value at bar t is made of bars <= t."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from esbt import _core
from esbt.errors import EsbtError, unknown
from esbt.features.registry import Column, column, default_columns, feature_groups
from esbt.features.user import UserFeature

if TYPE_CHECKING:
    from esbt.data.bars import Bars

Chosen = Column | UserFeature
Names = str | UserFeature | Sequence[str | UserFeature] | None


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
        return Features(matrix, self.names, first_full(matrix), self.ts[rows])

    def column(self, name: str) -> NDArray[np.float32]:
        """float32[N], a read-only view of one feature. Raises EsbtError for a name that was not computed."""
        if name not in self.names:
            raise unknown("feature", name, self.names)
        row: NDArray[np.float32] = self.matrix[self.names.index(name)]
        return row

    def with_columns(self, extra: "Features | Mapping[str, ArrayLike]") -> "Features":
        """These columns and further ones after them: Features of the same bars (an external join), or arrays of N numbers by name.

        Stored as float32. Arrays are taken as they are: `esbt.causal.check` what made them. Raises EsbtError for columns of other bars, of
        another length, without numbers, or with a name that is already there.
        """
        if isinstance(extra, Features):
            if not np.array_equal(extra.ts, self.ts):
                theirs = f"the {len(extra)} bars of {', '.join(extra.names)}"
                raise EsbtError(f"with_columns: {theirs} are not these {len(self)}: make both of the same bars")
            names, rows = extra.names, list(extra.matrix)
        else:
            names, rows = tuple(extra), [_numbers(name, values, len(self)) for name, values in extra.items()]
        repeated((*self.names, *names))
        matrix = np.ascontiguousarray(np.vstack([self.matrix, *rows]), dtype=np.float32)
        matrix.flags.writeable = False
        return Features(matrix, (*self.names, *names), first_full(matrix), self.ts)

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


def _numbers(name: object, values: ArrayLike, n: int) -> NDArray[np.float32]:
    array = np.asarray(values)
    if not isinstance(name, str) or array.shape != (n,) or array.dtype.kind not in "biuf":
        raise EsbtError(
            f"with_columns: column {name!r} has shape {array.shape} and dtype {array.dtype}: give one number a bar, {n}, by name"
        )
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def features(
    bars: "Bars", names: Names = None, *, threads: int = 1, extra: "Features | Mapping[str, ArrayLike] | None" = None, checked: bool = True
) -> Features:
    """Compute features of bars, float32[F, N]: `names` in their order, or the whole default set (`feature_names()`).

    names: spellings such as "rsi", "rsi(21)", "macd(12, 26)", names of groups, "volume", which stand for their columns in the default set,
    and `UserFeature`s; columns get their canonical names, "rsi(14)". extra: columns put after them, see `Features.with_columns`. threads:
    columns are shared out among them, the values are the same. checked=False leaves out the trial of user features by `esbt.causal`.
    One pass over the bars, float64 state, float32 values, the GIL released. `feature_table()` has every formula, unit and source; values
    restart at each contract segment and are NaN while a feature warms up.
    Raises EsbtError for something that is not Bars; for unknown, repeated or no names, or parameters out of range; for a user feature that
    fails or looks ahead; for extra columns that do not fit.
    """
    core = core_of(bars, "features")
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= 256:
        raise EsbtError(f"features(threads): threads is {threads!r}: give a whole number from 1 to 256")
    wanted = chosen(names)
    ours = [c for c in wanted if isinstance(c, Column)]
    matrix: NDArray[np.float32] = _core.compute_features(core, [c.request for c in ours], threads)
    if len(ours) < len(wanted):
        matrix = _with_users(matrix, wanted, bars, checked)
        first_valid = first_full(matrix)
    else:
        first_valid = _first_valid(bars.segment, max(c.warm_up for c in ours))
    matrix.flags.writeable = False
    found = Features(matrix, tuple(c.name for c in wanted), first_valid, bars.ts)
    return found if extra is None else found.with_columns(extra)


def core_of(bars: Any, where: str) -> "_core.CoreBars":
    """The core's view of the bars. Raises EsbtError for something that is not Bars."""
    core = getattr(bars, "core", None)
    if not isinstance(core, _core.CoreBars):
        raise EsbtError(f"{where}(bars): bars is {type(bars).__name__}, not Bars: load it with esbt.load_bars")
    return core


def _with_users(matrix: NDArray[np.float32], wanted: tuple[Chosen, ...], bars: "Bars", checked: bool) -> NDArray[np.float32]:
    """The core's rows and the user features', in the order wanted."""
    whole = np.empty((len(wanted), len(bars)), dtype=np.float32)
    rows = iter(matrix)
    for row, c in zip(whole, wanted, strict=True):
        if isinstance(c, Column):
            row[:] = next(rows)
        else:
            if checked:
                c.check(bars)
            row[:] = c.values(bars)
    return whole


def columns(names: str | Sequence[str] | None) -> tuple[Column, ...]:
    """The columns that names, groups or None (the default set) stand for. Raises EsbtError as `features`, and for user features."""
    found = chosen(names)
    mine = [c.name for c in found if not isinstance(c, Column)]
    if mine:
        raise EsbtError(f"{mine[0]!r} is a user feature: here only names of esbt's own features go")
    return tuple(c for c in found if isinstance(c, Column))


def chosen(names: Names) -> tuple[Chosen, ...]:
    """The columns and user features that names, groups or None (the default set) stand for. Raises EsbtError as `features`."""
    if names is None:
        return default_columns()
    found: list[Chosen] = []
    for name in [names] if isinstance(names, str | UserFeature) else list(names):
        if isinstance(name, UserFeature):
            found.append(name)
        elif isinstance(name, str):
            found += default_columns(name) if name in feature_groups() else [column(name)]
        else:
            raise EsbtError(f"features(names): {name!r} is no name: give texts such as 'rsi(14)', or an esbt.UserFeature")
    if not found:
        raise EsbtError("features(names): names is empty: name a feature, or leave it out for all of them")
    repeated(c.name for c in found)
    return tuple(found)


def repeated(names: Iterable[str]) -> None:
    """Raises EsbtError for a name that is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise EsbtError(f"features(names): {name!r} is named twice: name each column once")
        seen.add(name)


def first_full(matrix: NDArray[np.float32]) -> int:
    """First column of the matrix without NaN; their number where there is none."""
    missing = np.zeros(matrix.shape[1], dtype=np.bool_)
    for row in matrix:
        missing |= np.isnan(row)
    return int(np.argmin(missing)) if not missing.all() else int(missing.size)


def _first_valid(segment: NDArray[np.int32], warm_up: int) -> int:
    """Bar number `warm_up` of the first segment that is long enough to have one."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(segment)) + 1, [len(segment)]))
    long_enough = np.flatnonzero(np.diff(edges) > warm_up)
    return int(edges[long_enough[0]]) + warm_up if len(long_enough) else len(segment)
