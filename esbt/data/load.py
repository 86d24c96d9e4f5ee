"""`load_bars`: Parquet, CSV or any Arrow frame into validated, session-stamped Bars. Knows columns; validate.py knows what bars must be.

To add a column name, one word in _ALIASES; to add a file format, one suffix in _read.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.bars import Bars
from esbt.data.calendar import session_of
from esbt.data.frames import polars_frame
from esbt.data.instruments import Instrument
from esbt.data.instruments import instrument as find_instrument
from esbt.data.quotes import quoted_spread
from esbt.data.taken import bought
from esbt.data.times import to_utc_ns, utc
from esbt.data.validate import Place, check_dtypes, check_prices, check_times, check_volume
from esbt.errors import EsbtError, did_you_mean

# What a column may be called (any case), best name first. `__index_level_0__` is a pandas index without a name.
_ALIASES = {
    "ts": ("ts_event", "ts", "timestamp", "datetime", "time", "date", "__index_level_0__"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close", "last"),
    "volume": ("volume", "vol"),
    "contract": ("contract", "symbol"),
    "instrument": ("instrument",),
    "bid": ("bid_close", "bid"),
    "ask": ("ask_close", "ask"),
    "ask_volume": ("ask_volume",),
    "bid_volume": ("bid_volume",),
}
_OPTIONAL = ("contract", "instrument", "bid", "ask", "ask_volume", "bid_volume")
_PARQUET, _CSV = (".parquet", ".pq"), (".csv", ".txt")


def load_bars(source: Any, instrument: str | Instrument = "ES", *, contract: str | None = None, timezone: str = "UTC") -> Bars:
    """Read bars from a Parquet or CSV path, a Polars frame, or any frame with the Arrow C stream (pandas, pyarrow, DuckDB).

    Columns, in any case and order: a time (ts_event, ts, timestamp, datetime, time or date), open, high, low, close in points, volume in
    contracts; optionally `contract` (or symbol), `instrument`, and the quotes at the bar's close, bid_close and ask_close (or bid and ask),
    of which `Bars.spread` is made; and ask_volume, bid_volume, the contracts traded at the ask and at the bid, of which `Bars.buys` is
    made. Times are the bars' OPEN; without a zone they are taken in `timezone`. The interval is free, and missing
    bars are fine. Several contracts become segments; where they overlap in time, pass `contract=`.
    Returns Bars in whole ticks with the trade date of each bar. Raises EsbtError, with row and UTC time, for anything that is not a
    clean series of bars of `instrument`: see validate.py.
    """
    which = find_instrument(instrument)
    frame, name = _read(source)
    frame, time_column = _named(frame, name)
    if frame.height == 0:
        raise EsbtError(f"{name}: there are no rows: give at least one bar")
    check_dtypes(frame, name)
    _check_instrument(frame, name, which)
    place = Place(name, np.arange(frame.height), to_utc_ns(frame["ts"].alias(time_column), timezone, name))
    labels = _labels(frame, name)
    if contract is not None:
        keep = _rows_of(labels, contract, name)
        frame, labels = frame[keep], None if labels is None else labels.gather(keep)
        place = Place(name, place.rows[keep], place.ts[keep])
    segment, contracts = _segments(labels, place, which)
    check_times(place)
    ticks = check_prices(frame, place, which)
    volume = check_volume(frame["volume"], place)
    session = session_of(place.ts, which.calendar)
    return Bars(
        place.ts,
        ticks["open"],
        ticks["high"],
        ticks["low"],
        ticks["close"],
        volume=volume,
        session=session,
        segment=segment,
        instrument=which,
        contracts=contracts,
        source=name,
        spread=quoted_spread(frame, ticks["low"], segment, place, which),
        buys=bought(frame, volume, place),
    )


def _read(source: Any) -> tuple[pl.DataFrame, str]:
    if isinstance(source, str | Path):
        path = Path(source)
        suffix = path.suffix.lower()
        if suffix not in (*_PARQUET, *_CSV):
            raise EsbtError(f"{path}: suffix {suffix!r} is not known: give a {', '.join((*_PARQUET, *_CSV))} file, or a frame")
        if not path.is_file():
            raise EsbtError(f"{path}: there is no such file (looked in {path.absolute().parent})")
        return _read_file(path, suffix), str(path)
    return polars_frame(source, "source", also="a path")


def _read_file(path: Path, suffix: str) -> pl.DataFrame:
    kind = "Parquet" if suffix in _PARQUET else "CSV"
    try:
        if kind == "Parquet":
            lazy = pl.scan_parquet(path, glob=False)
            wanted = {alias for aliases in _ALIASES.values() for alias in aliases}
            return lazy.select([c for c in lazy.collect_schema().names() if c.strip().lower() in wanted]).collect()
        with path.open(encoding="utf-8", errors="replace") as lines:
            separator = ";" if ";" in lines.readline() else ","
        return pl.read_csv(path, separator=separator, infer_schema_length=10_000, glob=False)
    except pl.exceptions.NoDataError:
        raise EsbtError(f"{path}: the file is empty: give at least one bar") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise EsbtError(f"{path}: cannot be read as {kind} ({str(error).splitlines()[0]}): check that the file is whole") from error


def _named(frame: pl.DataFrame, name: str) -> tuple[pl.DataFrame, str]:
    """The columns esbt uses, under esbt's names, and what the time column was called."""
    present: dict[str, str] = {}
    for column in frame.columns:
        key = column.strip().lower()
        if key in present:
            raise EsbtError(f"{name}: columns {present[key]!r} and {column!r} differ only in case: keep one")
        present[key] = column
    found = {}
    for wanted, aliases in _ALIASES.items():
        alias = next((a for a in aliases if a in present), None)
        if alias is not None:
            found[wanted] = present[alias]
        elif wanted not in _OPTIONAL:
            word = "time" if wanted == "ts" else wanted
            known = f" (known names: {', '.join(aliases[:-1])})" if wanted == "ts" else ""
            has = f"it has {', '.join(map(repr, frame.columns))}" if frame.columns else "none of its columns is known"
            raise EsbtError(f"{name}: there is no {word} column{known}; {has}: rename or add one")
    return frame.select(pl.col(column).alias(wanted) for wanted, column in found.items()), found["ts"]


def _check_instrument(frame: pl.DataFrame, name: str, which: Instrument) -> None:
    if "instrument" not in frame.columns:
        return
    labels = frame["instrument"].cast(pl.String).str.strip_chars().str.to_uppercase()
    other = (labels != which.symbol.upper()).fill_null(True)
    if other.any():
        row = int(other.arg_max() or 0)
        raise EsbtError(
            f"{name}: column 'instrument' has {frame['instrument'][row]!r} at row {row} but {which.symbol!r} was asked for: "
            f"pass instrument={frame['instrument'][row]!r}, or drop the column or those rows"
        )


def _labels(frame: pl.DataFrame, name: str) -> pl.Series | None:
    if "contract" not in frame.columns:
        return None
    labels = frame["contract"].cast(pl.String).str.strip_chars()
    if labels.null_count():
        row = int(labels.is_null().arg_max() or 0)
        raise EsbtError(f"{name}: column 'contract' has no value at row {row}: name the contract of every bar, or drop the column")
    return labels


def _rows_of(labels: pl.Series | None, contract: str, name: str) -> npt.NDArray[np.int64]:
    if labels is None:
        raise EsbtError(f"{name}: contract={contract!r} was asked for but there is no contract column: leave contract out")
    rows = np.flatnonzero((labels == str(contract)).to_numpy())
    if rows.size == 0:
        raise EsbtError(f"{name}: unknown contract {contract!r}{did_you_mean(contract, labels.unique().to_list())}")
    return rows


def _segments(labels: pl.Series | None, place: Place, which: Instrument) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Run number of each bar's contract and the runs' labels; a contract that is there beside another, or comes back, is an error."""
    if labels is None:
        return np.zeros(place.ts.size, np.int32), (which.symbol,)
    run = labels.rle_id().to_numpy().astype(np.int32)
    starts = np.flatnonzero(np.diff(run, prepend=-1))
    names = labels.gather(starts).to_list()
    if len(set(names)) < len(names) or (len(names) > 1 and (np.diff(place.ts) <= 0).any()):
        _refuse_overlap(labels, place)
    return run, tuple(names)


def _refuse_overlap(labels: pl.Series, place: Place) -> None:
    spans = pl.DataFrame({"contract": labels, "ts": place.ts}).group_by("contract").agg(first=pl.col("ts").min(), last=pl.col("ts").max())
    before: tuple[str, int, int] | None = None
    for name, first, last in spans.sort("first", "contract").iter_rows():
        if before is not None and first <= before[2]:
            raise EsbtError(
                f"{place.source}: contracts {before[0]!r} and {name!r} overlap in time, from {utc(first)} to {utc(min(last, before[2]))}: "
                f"pass contract={before[0]!r} or contract={name!r}, or leave each only the time when it is the front contract"
            )
        before = (name, first, last)
