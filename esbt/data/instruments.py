"""The table of contracts: tick, multiplier, session calendar and dated fees. Knows no bars.

To add an instrument: one row in instruments.csv and one in fees.csv, or an `Instrument` of your own passed where a symbol is taken.
"""

import csv
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import isfinite

import numpy as np
import numpy.typing as npt

from esbt.data.fee_table import DatedFee, fee_table
from esbt.errors import EsbtError, unknown


@dataclass(frozen=True, slots=True)
class Instrument:
    """One futures contract. `fees` are dated rows in order of their dates, the last of them in force on `as_of`.

    `calendar` is a name of pandas_market_calendars ("CME Globex Equity", "24/7" for markets that never close).
    Raises EsbtError for a tick or multiplier that is not positive, and for fees that are none or whose dates do not rise.
    """

    symbol: str
    name: str
    exchange: str
    tick: float  # points
    multiplier: float  # USD per point
    calendar: str
    fees: tuple[DatedFee, ...]
    as_of: date

    def __post_init__(self) -> None:
        for name in ("tick", "multiplier"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise EsbtError(f"instrument {self.symbol!r}: {name} is {value!r}: give a number above 0")
        if not self.fees:
            raise EsbtError(f"instrument {self.symbol!r}: fees is {self.fees!r}: give one esbt.data.DatedFee or more")
        for before, fee in pairwise(self.fees):
            if fee.since <= before.since:
                raise EsbtError(f"instrument {self.symbol!r}: fees from {fee.since} come after {before.since}: sort them, one a date")

    @property
    def tick_value(self) -> float:
        """USD per tick and contract."""
        return self.tick * self.multiplier

    @property
    def fee_usd(self) -> float:
        """The latest fee, all in: USD per contract and side, in the core's steps of 1e-4 USD."""
        return self.fees[-1].total_usd

    @property
    def commission_usd(self) -> float:
        """The broker's part of the latest fee, USD per contract and side."""
        return self.fees[-1].commission_usd

    @property
    def exchange_usd(self) -> float:
        """The exchange's part of the latest fee, USD per contract and side."""
        return self.fees[-1].exchange_usd

    @property
    def clearing_usd(self) -> float:
        """The clearing house's part of the latest fee, USD per contract and side; 0 where it is inside exchange_usd."""
        return self.fees[-1].clearing_usd

    @property
    def regulatory_usd(self) -> float:
        """The regulator's part of the latest fee (NFA), USD per contract and side."""
        return self.fees[-1].regulatory_usd

    @property
    def source(self) -> str:
        """Where the latest fee is from."""
        return self.fees[-1].source

    def points(self, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Prices in points, float64, of whole `ticks`. Divides where 1 / tick is whole, so that 7123 ticks of 0.01 are exactly 71.23."""
        whole = np.asarray(ticks, dtype=np.float64)
        per_point = round(1.0 / self.tick)
        if per_point >= 1 and abs(per_point * self.tick - 1.0) < 1e-12:
            return np.asarray(whole / per_point)
        return np.asarray(whole * self.tick)


@cache
def _table() -> dict[str, Instrument]:
    rows = csv.DictReader(files("esbt.data").joinpath("instruments.csv").read_text(encoding="utf-8").splitlines())
    numbers = {f.name for f in fields(Instrument) if f.type is float}
    table = {}
    for row in rows:
        values: dict[str, object] = {k: float(v) if k in numbers else v for k, v in row.items()}
        values |= {"as_of": date.fromisoformat(row["as_of"]), "fees": fee_table()[row["symbol"]]}
        table[row["symbol"]] = Instrument(**values)  # type: ignore[arg-type]
    return table


def instruments() -> dict[str, Instrument]:
    """The whole table, by symbol (a new dict: changing it changes nothing here)."""
    return dict(_table())


def instrument(x: str | Instrument) -> Instrument:
    """The table's row for a symbol (case does not matter), or the Instrument itself. Raises EsbtError for an unknown symbol."""
    if isinstance(x, Instrument):
        return x
    if not isinstance(x, str):
        raise EsbtError(f"instrument is {x!r} of type {type(x).__name__}: give a symbol such as 'ES' or an esbt.data.Instrument")
    found = _table().get(x.strip().upper())
    if found is None:
        raise unknown("instrument", x, _table())
    return found
