"""Times of a file into ns UTC, and ns UTC into words. Knows no calendar and no prices."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.errors import EsbtError

DAY_NS = 86_400_000_000_000
EARLIEST, LATEST = 0, 4_102_444_800  # seconds: 1970 to 2100; outside it, a unit or a column was mistaken

_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z")
_NAIVE = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%Y%m%d %H%M%S",
)


def utc(ns: int) -> str:
    """`2021-03-14 17:01 UTC`, with seconds only where there are any: how messages tell a time given in ns since 1970."""
    text = str(np.datetime64(int(ns), "ns").astype("datetime64[s]")).replace("T", " ")
    return f"{text.removesuffix(':00')} UTC"


def to_utc_ns(column: pl.Series, timezone: str, where: str) -> npt.NDArray[np.int64]:
    """int64[N] ns UTC of a time column: datetimes, dates, ISO text, or whole numbers since 1970 (s, ms, us or ns, told by their size).

    Times without a zone are taken in `timezone`. Raises EsbtError, naming `where`, column and row, for what is none of these.
    """
    _check_no_nulls(column, where)
    if column.dtype == pl.String:
        column = _parsed(column, where)
    elif column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    elif column.dtype.is_integer():
        column = _counted(column)
    if not isinstance(column.dtype, pl.Datetime):
        raise EsbtError(
            f"{where}: column {column.name!r} has dtype {column.dtype}: give times as datetimes, ISO text or whole numbers since 1970"
        )
    seconds = column.dt.epoch("s").to_numpy()
    if seconds.size and not EARLIEST <= int(seconds.min()) <= int(seconds.max()) < LATEST:
        row = int(np.flatnonzero((seconds < EARLIEST) | (seconds >= LATEST))[0])
        raise EsbtError(
            f"{where}: column {column.name!r} has {column[row]} at row {row}: times must lie between 1970 and 2100; check the column's unit"
        )
    if column.dtype.time_zone is None:
        column = _placed(column, timezone, where)
    return column.dt.cast_time_unit("ns").to_physical().to_numpy()


def _check_no_nulls(column: pl.Series, where: str) -> None:
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise EsbtError(f"{where}: column {column.name!r} has no time at row {row}: drop the row or give its time")


def _parsed(column: pl.Series, where: str) -> pl.Series:
    text = column.str.strip_chars().str.replace(r"Z$", "+0000")
    first = text.head(1)
    if first.str.to_date("%Y-%m-%d", strict=False).null_count() == 0:
        found = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    else:
        for form in (*_ZONED, *_NAIVE):
            if first.str.to_datetime(form, strict=False, time_unit="us").null_count() == 0:
                found = text.str.to_datetime(form, strict=False, time_unit="us")
                break
        else:
            raise EsbtError(
                f"{where}: column {column.name!r} has {column[0]!r} at row 0, which is no time this reads: give ISO text such as "
                "'2024-01-02 17:00:00' (date and time in one column), with an offset or in `timezone`"
            )
    if found.null_count():
        row = int(found.is_null().arg_max() or 0)
        raise EsbtError(
            f"{where}: column {column.name!r} has {column[row]!r} at row {row}, written otherwise than {column[0]!r} at row 0: "
            "write all times the same way"
        )
    return found.alias(column.name)


def _counted(column: pl.Series) -> pl.Series:
    largest = abs(int(cast(Any, column.max()) or 0))
    for limit, unit, factor in ((10**11, "us", 1_000_000), (10**14, "us", 1_000), (10**17, "us", 1)):
        if largest < limit:
            return (column.cast(pl.Int64) * factor).cast(pl.Datetime(cast(Any, unit), "UTC"))
    return column.cast(pl.Int64).cast(pl.Datetime("ns", "UTC"))


def _placed(column: pl.Series, timezone: str, where: str) -> pl.Series:
    try:
        return column.dt.replace_time_zone(timezone, ambiguous="raise", non_existent="raise").dt.convert_time_zone("UTC")
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise EsbtError(
            f"{where}: column {column.name!r} cannot be read in timezone {timezone!r} ({reason}): give an IANA name such as "
            "'America/Chicago', or times in UTC"
        ) from error
