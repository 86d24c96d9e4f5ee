"""The account a backtest trades with: cash, costs, fill assumptions and size. Turns itself and a strategy into the core's plan.

There is no silent zero: fees come from the instrument table and slippage is one tick unless the user says otherwise, and the report
prints what was charged.
"""

import math
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from esbt.contradictions import parts_too_small
from esbt.data import Bars, Instrument
from esbt.data.fees import FeeSchedule, flat_fee, latest_fees, load_fees, table_fees
from esbt.data.quotes import half_spread
from esbt.errors import EsbtError
from esbt.plan import PATHS, SIZINGS, USD, Plan, make_plan
from esbt.settings import Settings
from esbt.signals import Exits, Positive, Ticks, e4

HISTORICAL = "historical"  # a fee_table: the instrument table, by date
Path = Literal["worst", "best", "nearest", "finer"]
Contracts = Annotated[int, Field(ge=1, le=1_000_000)]
Fraction = Annotated[float, Field(gt=0, le=1)]


class Risk(Settings):
    """Risk a fraction of closed equity on each trade: contracts = floor(equity * fraction / (stop distance * tick value)).

    Whole contracts; zero skips the trade and is counted, it is never floored up to one.
    """

    fraction: Fraction = 0.01
    max_contracts: Contracts | None = None

    def fields(self) -> dict[str, float]:
        """The core's plan fields."""
        return {"sizing": SIZINGS.index("risk"), "risk_fraction": self.fraction} | _cap(self.max_contracts)


class Kelly(Settings):
    """Fractional Kelly from the entry model's calibrated probability p and the payoff b = mean win / mean loss.

    Share of closed equity at risk: fraction * max(0, p - (1 - p) / b) * min(1, volatility_ref / (ATR / price)), at most heat_cap
    (Kelly 1956; Thorp 2006, "The Kelly criterion in blackjack, sports betting and the stock market", section 2). Needs a confidence model.
    """

    fraction: Fraction = 0.25
    payoff: Positive = 1.0
    heat_cap: Fraction = 0.06
    volatility_ref: Positive | None = None
    max_contracts: Contracts | None = None

    def fields(self) -> dict[str, float]:
        """The core's plan fields."""
        volatility = {} if self.volatility_ref is None else {"volatility_ref": self.volatility_ref}
        own = {"sizing": SIZINGS.index("kelly"), "kelly_fraction": self.fraction, "payoff": self.payoff, "heat_cap": self.heat_cap}
        return own | volatility | _cap(self.max_contracts)


class Volatility(Settings):
    """Size to a volatility target: contracts = floor(equity * daily / sqrt(bars_per_session) / (ATR * tick value)).

    daily: share of closed equity an average session may move, such as 0.01; a bar's share follows from the square root of time.
    bars_per_session: of the bars traded (1380 one-minute bars in a full ES session). Whole contracts; zero skips the trade and is counted.
    """

    daily: Fraction = 0.01
    bars_per_session: Annotated[int, Field(ge=1, le=100_000)] = 1380
    max_contracts: Contracts | None = None

    def fields(self) -> dict[str, float]:
        """The core's plan fields."""
        own = {"sizing": SIZINGS.index("volatility"), "volatility_target": self.daily / math.sqrt(self.bars_per_session)}
        return own | _cap(self.max_contracts)


def _cap(max_contracts: int | None) -> dict[str, float]:
    return {} if max_contracts is None else {"max_contracts": max_contracts}


class Account(Settings):
    """What a backtest trades with.

    cash: USD. size: whole contracts, `Risk`, `Volatility` or `Kelly`. Slippage on market and stop fills: slippage_ticks plus slippage_atr
    times the ATR of the signal bar, rounded up to ticks; with slippage_spread, half the quoted spread of the fill's own bar on top, rounded
    up to ticks. fee_usd: per contract and side (None: the instrument table's latest, on every date); or fee_table: "historical", the
    instrument table's fees as they were by date, or a CSV of your own (columns from, commission_usd, exchange_usd, clearing_usd,
    regulatory_usd). path: who wins when stop and target lie inside one bar. target_through_ticks: how far the market must trade through a
    target to fill it. volume_share: of the entry bar's volume that may be filled (None: any size).
    """

    cash: Positive = 100_000.0
    size: Contracts | Risk | Volatility | Kelly = 1
    slippage_ticks: Ticks = 1
    slippage_atr: Annotated[float, Field(ge=0, le=100)] = 0.0
    slippage_spread: bool = False
    fee_usd: Annotated[float, Field(ge=0)] | None = None
    fee_table: str | None = None
    path: Path = "worst"
    target_through_ticks: Ticks = 0
    volume_share: Fraction | None = None

    @field_validator("size", mode="before")
    @classmethod
    def _whole_or_rule(cls, size: object) -> object:
        if isinstance(size, (Risk, Volatility, Kelly)) or (isinstance(size, int) and not isinstance(size, bool) and size >= 1):
            return size
        raise ValueError(f"must be whole contracts (1 or more), Risk(...), Volatility(...) or Kelly(...), got {size!r}")

    @model_validator(mode="after")
    def _one_fee(self) -> Self:
        if self.fee_usd is not None and self.fee_table is not None:
            raise ValueError("give fee_usd or fee_table, not both")
        return self

    def fee(self, instrument: Instrument) -> float:
        """USD per contract and side: fee_usd, or the instrument's latest; with a table, dates may pay others, see `fees_by_bar`."""
        return instrument.fee_usd if self.fee_usd is None else self.fee_usd

    def fees(self, instrument: Instrument) -> FeeSchedule:
        """Fees by trade date, part by part. Raises EsbtError for a table that cannot be read."""
        if self.fee_usd is not None:
            return flat_fee(self.fee_usd)
        if self.fee_table is None:
            return latest_fees(instrument)
        return table_fees(instrument) if self.fee_table == HISTORICAL else load_fees(self.fee_table)

    def fees_by_bar(self, bars: Bars, fees: FeeSchedule | None = None) -> npt.NDArray[np.int64] | None:
        """Fee at each bar, int64[N], 1e-4 USD per contract and side; None where it is the plan's own throughout. fees: if at hand."""
        if self.fee_usd is not None:
            return None
        fees, own = fees or self.fees(bars.instrument), e4(self.fee(bars.instrument), "fee_usd")
        return None if fees.range_e4(bars.session) == (own, own) else fees.total_e4(bars.session)

    def slips_by_bar(self, bars: Bars) -> npt.NDArray[np.int32] | None:
        """Half the quoted spread at each bar, int32[N] ticks, rounded up; None without slippage_spread. Raises EsbtError without quotes."""
        return half_spread(bars) if self.slippage_spread else None

    def plan(self, exits: Exits, instrument: Instrument) -> Plan:
        """The core's plan of one lane. Raises EsbtError where sizing needs a stop and there is none, or a part no contract."""
        size: dict[str, float] = {"contracts": self.size} if isinstance(self.size, int) else self.size.fields()
        if isinstance(self.size, (Risk, Kelly)) and exits.stop_atr is None and exits.stop_ticks is None:
            raise EsbtError(f"size {type(self.size).__name__} needs the stop distance: give stop_atr or stop_ticks")
        if isinstance(self.size, int) and (fault := parts_too_small(exits, self.size)):
            raise EsbtError(fault)
        rules = exits.plan_fields()
        if self.volume_share is not None:
            rules["volume_share"] = self.volume_share
        return make_plan(
            **rules,
            **size,
            slippage_ticks=self.slippage_ticks,
            slippage_atr=self.slippage_atr,
            target_through_ticks=self.target_through_ticks,
            path=PATHS.index(self.path),
            cash_e4=e4(self.cash, "cash"),
            tick_value_e4=e4(instrument.tick_value, "tick value"),
            fee_e4=e4(self.fee(instrument), "fee_usd"),
        )

    def described(self, instrument: Instrument, bars: Bars | None = None, fees: FeeSchedule | None = None) -> dict[str, Any]:
        """What was charged and assumed, for the report: fees on the dates of the bars, or without bars of every row. fees: if at hand."""
        size = self.size if isinstance(self.size, int) else f"{type(self.size).__name__}({self.size})"
        shown = ("cash", "slippage_ticks", "slippage_atr", "slippage_spread", "path", "target_through_ticks", "volume_share")
        own = {name: getattr(self, name) for name in shown}
        fees = fees or self.fees(instrument)
        least, most = (units / USD for units in fees.range_e4(np.zeros(0, np.int32) if bars is None else bars.session))
        fee = least if least == most else f"{least:g} to {most:g} by date, {fees.source}"
        return {"instrument": instrument.symbol, "fee_usd": fee, "size": size} | own
