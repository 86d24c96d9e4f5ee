"""Fees by date: what a contract and side cost on each trade date, part by part. The instrument table's single row, or a CSV of the user's.

Money is whole 1e-4 USD, as in the core, so that the parts add up to the total exactly. Knows no trades and no slippage.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.instruments import Instrument
from esbt.errors import EsbtError, did_you_mean

PARTS = ("commission_usd", "exchange_usd", "clearing_usd", "regulatory_usd")
UNIT = 10_000  # the core counts in 1e-4 USD


@dataclass(frozen=True, eq=False)
class FeeSchedule:
    """Fees in force from each date on.

    first_day: int32[K], days since 1970-01-01, rising. parts_e4: name -> int64[K], 1e-4 USD per contract and side. source: where from.
    """

    first_day: npt.NDArray[np.int32]
    parts_e4: dict[str, npt.NDArray[np.int64]]
    source: str

    def rows(self, session: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Row in force on each trade date (days since 1970-01-01). Raises EsbtError for a date before the first row."""
        early = np.flatnonzero(session < self.first_day[0])
        if early.size:
            day, first = (np.datetime64(int(d), "D") for d in (session[early[0]], self.first_day[0]))
            raise EsbtError(f"fees of {self.source} begin on {first}, there are bars of {day}: add a row for the time before")
        return np.searchsorted(self.first_day, session, side="right") - 1

    def total_e4(self, session: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """All-in fee on each trade date, int64, 1e-4 USD per contract and side."""
        rows = self.rows(session)
        return np.asarray(sum(part[rows] for part in self.parts_e4.values()), dtype=np.int64)


def table_fees(instrument: Instrument) -> FeeSchedule:
    """The instrument table's fees, the same on every date."""
    usd = {
        "commission_usd": instrument.commission_usd,
        "exchange_usd": instrument.exchange_fee_usd,
        "regulatory_usd": instrument.regulatory_fee_usd,
    }
    parts = {name: np.array([round(value * UNIT)], dtype=np.int64) for name, value in usd.items()}
    return FeeSchedule(np.array([np.iinfo(np.int32).min], dtype=np.int32), parts, f"the instrument table, as of {instrument.as_of}")


def flat_fee(fee_usd: float) -> FeeSchedule:
    """One all-in fee on every date."""
    day = np.array([np.iinfo(np.int32).min], dtype=np.int32)
    return FeeSchedule(day, {"fee_usd": np.array([round(fee_usd * UNIT)], dtype=np.int64)}, "fee_usd")


def load_fees(path: str | Path) -> FeeSchedule:
    """Read a CSV with a column `from` (YYYY-MM-DD, the first trade date of a row) and at least one of commission_usd, exchange_usd,
    clearing_usd, regulatory_usd: USD per contract and side.

    Raises EsbtError for a file that cannot be read, unknown or missing columns, dates that do not rise, fees that are missing, negative or
    finer than 1e-4 USD.
    """
    where = f"fee table {str(path)!r}"
    try:
        frame = pl.read_csv(path, try_parse_dates=False, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise EsbtError(f"{where} cannot be read: {str(error).splitlines()[0]}") from None
    for name in frame.columns:
        if name not in ("from", *PARTS):
            raise EsbtError(f"{where} has an unknown column {name!r}{did_you_mean(name, ('from', *PARTS))}")
    parts = [name for name in PARTS if name in frame.columns]
    if "from" not in frame.columns or not parts or frame.is_empty():
        raise EsbtError(
            f"{where} needs a column 'from', one of {', '.join(PARTS)}, and a row: it has {frame.height} rows of {frame.columns}"
        )
    days = [_day(text, row, where) for row, text in enumerate(frame["from"])]
    for row in range(1, len(days)):
        if days[row] <= days[row - 1]:
            raise EsbtError(f"{where}: 'from' does not rise at row {row} ({frame['from'][row]}): sort the rows, one a date")
    values = {name: np.array([_units(text, name, row, where) for row, text in enumerate(frame[name])], dtype=np.int64) for name in parts}
    return FeeSchedule(np.array(days, dtype=np.int32), values, str(path))


def _day(text: str | None, row: int, where: str) -> int:
    try:
        return (date.fromisoformat((text or "").strip()) - date(1970, 1, 1)).days
    except ValueError:
        raise EsbtError(f"{where}: 'from' is {text!r} at row {row}: give a date such as 2024-01-02") from None


def _units(text: str | None, name: str, row: int, where: str) -> int:
    try:
        units = float(text or "nan") * UNIT
    except ValueError:
        units = float("nan")
    if not (0 <= units <= 1e9 and abs(units - round(units)) < 1e-6):
        raise EsbtError(f"{where}: {name} is {text!r} at row {row}: give USD of 0 or more, in steps of 0.0001")
    return round(units)
