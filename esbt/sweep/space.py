"""Spaces: which lanes a sweep has, numbered 0 .. L - 1, and the code of each lane on each axis. Knows neither settings nor bars.

A lane is never a dictionary until one is asked for: a space holds the distinct values of each axis, and gives the place of a lane's value
among them; of a grid by arithmetic, of rows and samples from an array. To add a kind of space: make the codes and return `Coded`.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.errors import EsbtError
from esbt.sweep.axes import listed

Codes = npt.NDArray[np.intp]
Lanes = npt.NDArray[np.int64]
MOST_LANES = 1 << 40


class Space:
    """Lanes over named axes. `values`: axis -> its distinct values, in order."""

    values: dict[str, list[Any]]

    def __len__(self) -> int:
        raise NotImplementedError

    def codes(self, lanes: Lanes) -> dict[str, Codes]:
        """Axis -> place of each lane's value among `values[axis]`, intp of the shape of `lanes`."""
        raise NotImplementedError

    def ordered(self, first: Sequence[str], start: int, stop: int) -> Lanes:
        """Lanes at places start .. stop - 1 of the order in which the axes `first` change slowest, int64."""
        raise NotImplementedError

    def with_values(self, values: dict[str, list[Any]]) -> "Space":
        """The same lanes with the values as their settings have them. Raises EsbtError where two became one."""
        raise NotImplementedError

    def combinations(self, classes: Mapping[str, npt.NDArray[np.intp]]) -> Lanes:
        """One lane for each combination of classes that occurs. classes: axis -> the class of each of its values."""
        raise NotImplementedError

    def described(self) -> dict[str, Any]:
        """The space as JSON can hold it: long axes by their digest."""
        return {"kind": type(self).__name__, "lanes": len(self), "axes": {name: short(values) for name, values in self.values.items()}}

    def lane(self, lane: int) -> dict[str, Any]:
        """Axis -> value of one lane. Raises EsbtError for a number that is no lane."""
        if not 0 <= lane < len(self):
            raise EsbtError(f"lane is {lane!r}: lanes run from 0 to {len(self) - 1}")
        codes = self.codes(np.array([lane], dtype=np.int64))
        return {name: values[int(codes[name][0])] for name, values in self.values.items()}

    def columns(self, lanes: Lanes) -> list[pl.Series]:
        """The parameters of these lanes, a series an axis."""
        codes = self.codes(lanes)
        return [series(name, values).gather(codes[name]) for name, values in self.values.items()]

    @property
    def frame(self) -> pl.DataFrame:
        """All lanes' parameters, a row a lane: for a look, or to filter and hand to `Rows`."""
        return pl.DataFrame(self.columns(np.arange(len(self), dtype=np.int64)))


class Grid(Space):
    """Every combination of the axes' values, the last axis changing fastest.

    axes: name -> list of values. Raises EsbtError for no axes, an empty axis or a value given twice.
    """

    def __init__(self, axes: Mapping[str, Iterable[Any]]) -> None:
        if not isinstance(axes, Mapping) or not axes:
            raise EsbtError(f"space is {axes!r}: give at least one axis, such as {{'stop_atr': [1.0, 2.0]}}")
        self.values = {str(name): listed(str(name), values) for name, values in axes.items()}
        for name, values in self.values.items():
            _require_distinct(name, values)
        self.shape = tuple(len(values) for values in self.values.values())
        if math.prod(self.shape) > MOST_LANES:
            raise EsbtError(f"space has {math.prod(self.shape):,} lanes: at most {MOST_LANES:,}; sample it with esbt.Random or esbt.Sobol")

    def __len__(self) -> int:
        return math.prod(self.shape)

    def codes(self, lanes: Lanes) -> dict[str, Codes]:
        """See Space: mixed radix."""
        return dict(zip(self.values, np.unravel_index(lanes, self.shape), strict=True))

    def ordered(self, first: Sequence[str], start: int, stop: int) -> Lanes:
        """See Space: the mixed radix of the permuted axes."""
        names = list(self.values)
        order = sorted(range(len(names)), key=lambda k: names[k] not in first)
        codes = np.unravel_index(np.arange(start, stop), tuple(self.shape[k] for k in order))
        own = [codes[order.index(k)] for k in range(len(names))]
        return np.asarray(np.ravel_multi_index(tuple(own), self.shape), dtype=np.int64)

    def with_values(self, values: dict[str, list[Any]]) -> "Grid":
        """See Space."""
        return Grid(values)

    def combinations(self, classes: Mapping[str, npt.NDArray[np.intp]]) -> Lanes:
        """See Space: the product of the classes' first members, without a look at the lanes."""
        first = [np.unique(classes[name], return_index=True)[1] if name in classes else np.zeros(1, np.intp) for name in self.values]
        return np.sort(np.ravel_multi_index(tuple(np.meshgrid(*first, indexing="ij")), self.shape).ravel()).astype(np.int64)


class Coded(Space):
    """Lanes given by arrays: axis -> distinct values, and axis -> int32[L] codes. What rows and samples become."""

    kind = "Rows"

    def __init__(self, values: dict[str, list[Any]], codes: dict[str, npt.NDArray[np.int32]], *, repeats: bool = False) -> None:
        self.values, self._codes, self._repeats = values, codes, repeats
        self._order: tuple[tuple[str, ...], Lanes] | None = None
        if not repeats:
            self._require_distinct_lanes()

    def __len__(self) -> int:
        return len(next(iter(self._codes.values())))

    @property
    def all_codes(self) -> dict[str, npt.NDArray[np.int32]]:
        """Axis -> codes of all lanes, int32[L]."""
        return self._codes

    def codes(self, lanes: Lanes) -> dict[str, Codes]:
        """See Space."""
        return {name: codes[lanes].astype(np.intp) for name, codes in self._codes.items()}

    def ordered(self, first: Sequence[str], start: int, stop: int) -> Lanes:
        """See Space: a stable sort, made once."""
        names = tuple(name for name in self._codes if name in first)
        if self._order is None or self._order[0] != names:
            keys = tuple(self._codes[name] for name in reversed(names))
            self._order = (names, np.lexsort(keys).astype(np.int64) if keys else np.arange(len(self), dtype=np.int64))
        return self._order[1][start:stop]

    def with_values(self, values: dict[str, list[Any]]) -> "Coded":
        """See Space."""
        distinct, codes = {}, {}
        for name, own in self._codes.items():
            distinct[name], places = coded(values[name])
            codes[name] = places[own]
        out = Coded(distinct, codes, repeats=self._repeats)
        out.kind = self.kind
        return out

    def combinations(self, classes: Mapping[str, npt.NDArray[np.intp]]) -> Lanes:
        """See Space."""
        keys = lane_keys({name: of[self._codes[name]] for name, of in classes.items() if name in self._codes}, len(self))
        return np.sort(np.unique(keys, return_index=True)[1]).astype(np.int64)

    def described(self) -> dict[str, Any]:
        """See Space; the codes by their digest."""
        digest = hashlib.blake2b(digest_size=16)
        for codes in self._codes.values():
            digest.update(np.ascontiguousarray(codes).tobytes())
        return super().described() | {"kind": self.kind, "rows": digest.hexdigest()}

    def _require_distinct_lanes(self) -> None:
        keys = lane_keys(self._codes, len(self))
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        twice = np.flatnonzero(first[inverse] != np.arange(len(keys)))
        if twice.size:
            row = int(twice[0])
            raise EsbtError(f"row {row} repeats row {int(first[inverse[row]])}, {self.lane(row)}: give each combination once")


def Rows(rows: Any) -> Coded:
    """A space of lanes given one by one.

    rows: a Polars frame (or what has the Arrow C stream: pandas, pyarrow) with a column an axis, or a list of dicts with the same keys.
    Raises EsbtError for no rows, rows with different axes, and a row given twice.
    """
    columns = _columns_of(rows)
    values, codes = {}, {}
    for name, column in columns.items():
        values[name], codes[name] = coded(listed(name, column))
    return Coded(values, codes)


def coded(values: Sequence[Any]) -> tuple[list[Any], npt.NDArray[np.int32]]:
    """Distinct values in order of appearance, and the place of each among them, int32."""
    places: dict[Any, int] = {}
    codes = np.fromiter((places.setdefault(_key(value), len(places)) for value in values), np.int32, len(values))
    return [key[1] for key in places], codes


def lane_keys(codes: Mapping[str, npt.NDArray[Any]], n: int) -> npt.NDArray[np.int64]:
    """One number a lane, equal for equal codes on all these axes, int64[n]."""
    keys = np.zeros(n, dtype=np.int64)
    for own in codes.values():
        keys = keys * (int(own.max(initial=0)) + 1) + own
        keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)  # stays below n, so that nothing overflows
    return keys


def series(name: str, values: Sequence[Any]) -> pl.Series:
    """Values of an axis as a column: numbers as numbers, words as words, size rules as text; None is null."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or kinds <= {str} or kinds <= {bool}:
        dtype = pl.Float64 if float in kinds else pl.Int64 if int in kinds else pl.String if str in kinds else pl.Boolean
        return pl.Series(name, values, dtype=dtype, strict=False)
    return pl.Series(name, [None if value is None else said(value) for value in values], dtype=pl.String)


def said(value: object) -> str:
    """A value as a reader writes it: Risk(fraction=0.01 max_contracts=None) for a rule."""
    return f"{type(value).__name__}({value})" if hasattr(type(value), "model_fields") else str(value)


def short(values: Sequence[Any]) -> Any:
    """The values for a manifest: themselves, or of a long axis their number, ends and digest."""
    texts = [value if value is None or isinstance(value, (bool, int, float, str)) else said(value) for value in values]
    if len(texts) <= 64:
        return texts
    digest = hashlib.blake2b("\n".join(map(repr, texts)).encode(), digest_size=16).hexdigest()
    return {"values": len(texts), "first": texts[0], "last": texts[-1], "digest": digest}


def _key(value: Any) -> tuple[type, Any]:
    plain = value.item() if isinstance(value, np.generic) else value
    return (type(plain), plain)


def _require_distinct(name: str, values: Sequence[Any]) -> None:
    seen: dict[Any, int] = {}
    for k, value in enumerate(values):
        if seen.setdefault(_key(value), k) != k:
            raise EsbtError(f"axis {name!r} has {value!r} twice, at values {seen[_key(value)]} and {k}: give each value once")


def _columns_of(rows: Any) -> dict[str, Sequence[Any]]:
    if isinstance(rows, pl.DataFrame) or hasattr(rows, "__arrow_c_stream__"):
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
        columns: dict[str, Sequence[Any]] = {name: frame[name].to_list() for name in frame.columns}
    elif isinstance(rows, Sequence) and not isinstance(rows, (str, bytes)) and all(isinstance(row, Mapping) for row in rows):
        names = list(rows[0]) if rows else []
        for k, row in enumerate(rows):
            if set(row) != set(names):
                raise EsbtError(f"row {k} has the axes {sorted(row)}, row 0 {sorted(names)}: give each row all of them")
        columns = {str(name): [row[name] for row in rows] for name in names}
    else:
        raise EsbtError(f"Rows takes a frame or a list of dicts, got {type(rows).__name__}")
    if not columns or not len(next(iter(columns.values()))):
        raise EsbtError("Rows is empty: give at least one row with one axis")
    return columns
