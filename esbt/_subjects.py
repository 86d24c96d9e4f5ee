"""What `esbt.causal.check` can be asked about, each as a function bars -> columns. Compares nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.bars import Bars
from esbt.errors import EsbtError

Columns = dict[str, npt.NDArray[Any]]
AsKnown = Callable[[int | None], Callable[[Bars], Columns]]


def as_function(subject: Any) -> AsKnown:
    """Time in ns UTC (None: the end of time) -> function bars -> columns, made of what had been published before it.

    Raises EsbtError for what cannot be computed anew.
    """
    known_at = getattr(subject, "known_at", None)
    if callable(known_at):
        return lambda ns: _columns_by(subject if ns is None else known_at(ns))
    compute = _columns_by(_callable(subject))
    return lambda ns: compute


def _callable(subject: Any) -> Callable[[Bars], Any]:
    from esbt.features.matrix import Features, features
    from esbt.features.user import UserFeature
    from esbt.signals import Exits, Signals

    if isinstance(subject, pl.Expr):
        return UserFeature("expression", subject).values
    if isinstance(subject, UserFeature):
        return lambda bars: {subject.name: subject.values(bars)}
    if isinstance(subject, Features):
        whole = subject
        return lambda bars: whole if len(bars) == len(whole) and np.array_equal(bars.ts, whole.ts) else features(bars, whole.names)
    if isinstance(subject, str | list | tuple):
        return lambda bars: features(bars, subject, checked=False)
    if isinstance(subject, Signals):
        raise EsbtError("causal.check: Signals are values, not what makes them: give the function bars -> Signals, or bars -> sides")
    if isinstance(subject, Exits):
        return lambda bars: subject
    if callable(subject):
        return subject  # type: ignore[no-any-return]
    raise EsbtError(
        f"causal.check: {type(subject).__name__} cannot be computed anew: give a function of bars, a Polars expression, names of features, "
        "a UserFeature, a strategy or an esbt.external.Join"
    )


def _columns_by(compute: Callable[[Bars], Any]) -> Callable[[Bars], Columns]:
    def run(bars: Bars) -> Columns:
        columns = _columns(compute(bars), bars)
        for name, values in columns.items():
            if values.shape != (len(bars),):
                raise EsbtError(f"column {name!r} has shape {values.shape}: give one value a bar, {len(bars)}")
        return columns

    return run


def _columns(found: Any, bars: Bars) -> Columns:
    """Any result as arrays by name."""
    if isinstance(found, Mapping):
        return {str(name): np.asarray(values) for name, values in found.items()}
    if callable(getattr(found, "signals", None)) and callable(getattr(found, "atr", None)):
        return {"signals": found.signals(bars), "atr": found.atr(bars)}
    if hasattr(found, "matrix") and hasattr(found, "names"):
        return dict(zip(found.names, found.matrix, strict=True))
    if isinstance(found, pl.Series):
        found = found.to_frame(found.name or "values")
    elif isinstance(found, pl.LazyFrame):
        found = found.collect()
    elif not isinstance(found, pl.DataFrame) and hasattr(found, "__arrow_c_stream__"):
        found = pl.DataFrame(found)
    if isinstance(found, pl.DataFrame):
        return {column.name: _array(column) for column in found}
    array = np.asarray(found)
    if array.ndim == 2:
        return {f"row {k}": row for k, row in enumerate(array)}
    return {"values": array}


def _array(column: pl.Series) -> npt.NDArray[Any]:
    """Nulls are NaN in numbers, None elsewhere."""
    if column.dtype.is_numeric() or column.null_count() == 0:
        return column.to_numpy()
    return np.array(column.to_list(), dtype=object)
