"""The dated fees of the instrument table: what a contract and side cost from a date on, part by part. Knows no bars and no trades.

fees.csv has a row per instrument and date; each names its source. Where a source gives a fee but not the day it came into force, the row
starts on the day after the last source of the fee before it: while it is not known which of two held, the later and dearer one is charged,
rather too much than too little. The commission is one broker's rate of today on every date. Fees announced after an instrument's `as_of`
(CME: some from 2026-10-01, report SER-9799) are not in it. To add a fee: one row, in order of date.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from math import isfinite

from esbt.errors import EsbtError

PARTS = ("commission_usd", "exchange_usd", "clearing_usd", "regulatory_usd")
UNIT = 10_000  # the core counts in 1e-4 USD


@dataclass(frozen=True, slots=True)
class DatedFee:
    """USD per contract and side from trade date `since` on, part by part; `source` says where it is from.

    Raises EsbtError for a part that is negative, not finite, or finer than 1e-4 USD.
    """

    since: date
    commission_usd: float
    exchange_usd: float
    clearing_usd: float
    regulatory_usd: float
    source: str

    def __post_init__(self) -> None:
        for name in PARTS:
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0 and abs(value * UNIT - round(value * UNIT)) < 1e-6):
                raise EsbtError(f"{name} from {self.since} on is {value!r}: give USD per contract and side, 0 or more, in steps of 0.0001")

    @property
    def total_usd(self) -> float:
        """All parts together, in the core's steps of 1e-4 USD."""
        return round(self.commission_usd + self.exchange_usd + self.clearing_usd + self.regulatory_usd, 4)


@cache
def fee_table() -> dict[str, tuple[DatedFee, ...]]:
    """The rows of fees.csv by symbol, in the order of the file."""
    rows = csv.DictReader(files("esbt.data").joinpath("fees.csv").read_text(encoding="utf-8").splitlines())
    table: dict[str, list[DatedFee]] = defaultdict(list)
    for row in rows:
        parts = {name: float(row[name]) for name in PARTS}
        table[row["symbol"]].append(DatedFee(date.fromisoformat(row["from"]), source=row["source"], **parts))
    return {symbol: tuple(fees) for symbol, fees in table.items()}
