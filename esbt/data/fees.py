"""Fees by date: what a contract and side cost on each trade date, part by part. The instrument's dated rows, or a CSV of the user's.

Money is whole 1e-4 USD, as in the core, so that the parts add up to the total exactly. Knows no trades and no slippage.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.fee_table import PARTS, UNIT
from esbt.data.instruments import Instrument
from esbt.errors import EsbtError, did_you_mean

EPOCH = date(1970, 1, 1)
EARLIEST = np.iinfo(np.int32).min  # of days


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
        starts = _starts(session)
        return np.repeat(self._totals_e4()[self.rows(session[starts])], np.diff(starts, append=session.size))

    def range_e4(self, session: npt.NDArray[np.int32]) -> tuple[int, int]:
        """The least and the greatest all-in fee on these trade dates, 1e-4 USD per contract and side; of the whole table without dates."""
        totals = self._totals_e4()
        if session.size and not self._one_for_all:
            totals = totals[self.rows(session[_starts(session)])]
        return int(totals.min()), int(totals.max())

    @property
    def _one_for_all(self) -> bool:
        return len(self.first_day) == 1 and self.first_day[0] == EARLIEST

    def _totals_e4(self) -> npt.NDArray[np.int64]:
        return np.asarray(np.sum(list(self.parts_e4.values()), axis=0, dtype=np.int64))


def table_fees(instrument: Instrument) -> FeeSchedule:
    """The instrument's fees as they were, by date; dates before its first row pay the first row."""
    fees = instrument.fees
    days = np.array([EARLIEST, *((fee.since - EPOCH).days for fee in fees[1:])], dtype=np.int32)
    parts = {name: np.array([round(getattr(fee, name) * UNIT) for fee in fees], dtype=np.int64) for name in PARTS}
    early = f"dates before {fees[0].since} pay its first row"
    return FeeSchedule(days, parts, f"the instrument table of {instrument.symbol} as of {instrument.as_of}, {early}")


def latest_fees(instrument: Instrument) -> FeeSchedule:
    """The instrument's latest fees, on every date: what an account is charged that says nothing else."""
    latest = instrument.fees[-1]
    parts = {name: np.array([round(getattr(latest, name) * UNIT)], dtype=np.int64) for name in PARTS}
    source = f"the instrument table of {instrument.symbol} as of {instrument.as_of}, its latest row on every date"
    return FeeSchedule(np.array([EARLIEST], dtype=np.int32), parts, source)


def flat_fee(fee_usd: float) -> FeeSchedule:
    """One all-in fee on every date."""
    day = np.array([EARLIEST], dtype=np.int32)
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


def _starts(session: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The first bar of each run of one trade date: fees are looked up a session, not a bar."""
    return np.flatnonzero(np.concatenate([[True] * (session.size > 0), session[1:] != session[:-1]]))


def _day(text: str | None, row: int, where: str) -> int:
    try:
        return (date.fromisoformat((text or "").strip()) - EPOCH).days
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
