"""The table of contracts: tick, multiplier, session calendar and dated fees. Knows no bars.

To add an instrument: one row in instruments.csv, or an `Instrument` of your own passed where a symbol is taken.
"""

import csv
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from importlib.resources import files
from math import isfinite

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError, unknown


@dataclass(frozen=True, slots=True)
class Instrument:
    """One futures contract. Fees are USD per contract and side, as they stood on `as_of`; `source` says where they come from.

    `calendar` is a name of pandas_market_calendars ("CME Globex Equity", "24/7" for markets that never close).
    Raises EsbtError for a tick or multiplier that is not positive, or a fee that is negative.
    """

    symbol: str
    name: str
    exchange: str
    tick: float  # points
    multiplier: float  # USD per point
    calendar: str
    commission_usd: float
    exchange_fee_usd: float
    regulatory_fee_usd: float
    as_of: date
    source: str

    def __post_init__(self) -> None:
        for name in ("tick", "multiplier"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise EsbtError(f"instrument {self.symbol!r}: {name} is {value!r}: give a number above 0")
        for name in ("commission_usd", "exchange_fee_usd", "regulatory_fee_usd"):
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0):
                raise EsbtError(f"instrument {self.symbol!r}: {name} is {value!r}: give USD per contract and side, 0 or more")

    @property
    def tick_value(self) -> float:
        """USD per tick and contract."""
        return self.tick * self.multiplier

    @property
    def fee_usd(self) -> float:
        """All-in USD per contract and side: commission + exchange + regulatory, rounded to the core's 1e-4 USD."""
        return round(self.commission_usd + self.exchange_fee_usd + self.regulatory_fee_usd, 4)

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
        values["as_of"] = date.fromisoformat(row["as_of"])
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
