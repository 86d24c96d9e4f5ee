"""What bars must satisfy before anything is computed from them: one clear error each. Knows no file formats and no calendars.

To add a check: one line in `check_prices` or `check_times` with the rows at fault, the words, and what to do about it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.instruments import Instrument
from esbt.data.times import utc
from esbt.errors import EsbtError

MAX_TICKS = 1 << 26  # |price| in ticks stays below, so that sums and distances of the core fit its integers
GRID_TOLERANCE = 0.01  # of a tick: room for float32 prices, far below any real error
PRICES = ("open", "high", "low", "close")

Rows = npt.NDArray[np.int64]
Ticks = dict[str, npt.NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where bars come from: a name for messages, and the row (from 0) and UTC time of each bar in it."""

    source: str
    rows: Rows
    ts: Rows

    def error(self, column: str, i: int, what: str, todo: str) -> EsbtError:
        return EsbtError(f"{self.source}: column {column!r} has {what} at row {self.rows[i]} ({utc(self.ts[i])}): {todo}")


def check_dtypes(frame: pl.DataFrame, source: str) -> None:
    """Raises EsbtError for price or volume columns that hold no numbers."""
    for name in (*PRICES, "volume"):
        if not frame[name].dtype.is_numeric():
            raise EsbtError(f"{source}: column {name!r} has dtype {frame[name].dtype}: give numbers (a text such as '1,234.50' is none)")


def check_times(place: Place) -> None:
    """Raises EsbtError unless bar opens strictly ascend."""
    bad = np.flatnonzero(np.diff(place.ts) <= 0)
    if bad.size == 0:
        return
    i = int(bad[0]) + 1
    if place.ts[i] == place.ts[i - 1]:
        raise EsbtError(
            f"{place.source}: rows {place.rows[i - 1]} and {place.rows[i]} have the same time, {utc(place.ts[i])}: keep one bar per time"
        )
    raise EsbtError(
        f"{place.source}: times are not sorted: row {place.rows[i]} ({utc(place.ts[i])}) comes after row {place.rows[i - 1]} "
        f"({utc(place.ts[i - 1])}): sort the rows by time"
    )


def check_prices(frame: pl.DataFrame, place: Place, instrument: Instrument) -> Ticks:
    """open high low close as int32[N] whole ticks. Raises EsbtError for NaN, infinite, too large or off-grid prices and impossible bars."""
    ticks = {name: _whole_ticks(frame[name], place, instrument) for name in PRICES}
    high, low = ticks["high"], ticks["low"]
    body_high, body_low = np.maximum(ticks["open"], ticks["close"]), np.minimum(ticks["open"], ticks["close"])
    for bad, column, other, values, relation in (
        (high < low, "high", "low", low, "below"),
        (high < body_high, "high", "max(open, close)", body_high, "below"),
        (low > body_low, "low", "min(open, close)", body_low, "above"),
    ):
        if bad.any():
            i = int(bad.argmax())
            seen, limit = (float(instrument.points(x[i])) for x in (ticks[column], values))
            raise place.error(column, i, f"{seen}, {relation} {other} = {limit},", "mend or drop the bar")
    return ticks


def check_volume(column: pl.Series, place: Place) -> npt.NDArray[np.int64]:
    """int64[N] contracts. Raises EsbtError for a volume that is missing, negative or no whole number."""
    _check_present(column, place, "drop the bar or fill it with 0")
    values = column.to_numpy()
    if values.dtype.kind == "f":
        _first_bad(column, place, ~np.isfinite(values) | (values != np.rint(values)), "volume is a whole number of contracts")
    _first_bad(column, place, values < 0, "volume is 0 or more")
    return np.asarray(values, dtype=np.int64)


def _whole_ticks(column: pl.Series, place: Place, instrument: Instrument) -> npt.NDArray[np.int32]:
    _check_present(column, place, "drop or fill it")
    in_ticks = column.cast(pl.Float64).to_numpy() / instrument.tick
    most = float(instrument.points(MAX_TICKS))
    _first_bad(
        column,
        place,
        ~(np.abs(in_ticks) < MAX_TICKS),
        f"prices of {instrument.symbol} must be finite and below {most:,.10g} points (2^26 ticks of {instrument.tick})",
    )
    whole = np.rint(in_ticks)
    _first_bad(
        column,
        place,
        np.abs(in_ticks - whole) > GRID_TOLERANCE,
        f"not a whole tick of {instrument.symbol} ({instrument.tick} points): give raw, unadjusted prices or another instrument",
    )
    return whole.astype(np.int32)


def _check_present(column: pl.Series, place: Place, todo: str) -> None:
    missing = column.is_null()
    if column.dtype.is_float():
        missing = missing | column.is_nan().fill_null(False)
    if missing.any():
        i = int(missing.arg_max() or 0)
        raise place.error(column.name, i, "null" if column[i] is None else "NaN", todo)


def _first_bad(column: pl.Series, place: Place, bad: npt.NDArray[np.bool_], todo: str) -> None:
    if bad.any():
        i = int(bad.argmax())
        raise place.error(column.name, i, str(column[i]), todo)
