"""Strategies: which side each bar asks for, and the exit rules a position then lives by.

A strategy gives a side per bar, int8[N] in {-1, 0, +1}, known at that bar's close and acted on from the next open; and Wilder's ATR in
ticks. It never sees fills. To add a rule: a field in `Exits`, the same in `esbt.plan`, the rule in csrc/esbt/exits.hpp or fill.hpp,
and what it contradicts in `esbt.contradictions`.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from esbt import _core
from esbt.contradictions import contradictions
from esbt.data import Bars
from esbt.errors import EsbtError
from esbt.plan import ENTRIES, USD
from esbt.settings import Settings
from esbt.windows import seconds_of

Positive = Annotated[float, Field(gt=0)]
Period = Annotated[int, Field(ge=1, le=1_000_000)]
Ticks = Annotated[int, Field(ge=0, le=100_000)]
PositiveTicks = Annotated[int, Field(ge=1, le=1_000_000)]
Money = Annotated[float, Field(gt=0, le=1e11)]
Offset = Annotated[float, Field(ge=0, le=1e6)]
Share = Annotated[float, Field(gt=0, lt=1)]
StopR = Annotated[float, Field(ge=-1, le=1e6)]
SideArray = npt.NDArray[np.int8]
AtrArray = npt.NDArray[np.float64]
_OF_COLUMNS = ("atr_period", "entry_from", "entry_until", "flat_at")  # rules of the bars and signals, not of the loop
_FOR_EVER = int(np.iinfo(np.int32).max)


class Exits(Settings):
    """Exit and entry rules of docs/rulebook.md; `None` (in TOML "off") is off. Of rules that are combined the nearest level counts.

    stop_atr, stop_ticks: stop distance in ATR of the signal bar, in ticks. target_r, target_atr, target_ticks: target distance as a
    multiple of the stop distance, in ATR, in ticks. trail_atr, trail_ticks: trailing distance, ATR of the signal bar. chandelier_atr:
    trailing distance, ATR of the current bar. break_even_r: once so many R in favour the stop goes to the entry plus
    break_even_offset_ticks. max_bars: time stop, the entry bar counts as one. flat_at_close: out at each session's last close. reverse: an
    opposite signal closes the position at the next open and enters there.
    latency_bars: bars an order is late. cooldown_bars: no signal is taken in the bar of a stop-out and the bars after it, so many in all.
    max_trades: entries a session. daily_loss, daily_profit: USD of a session's marked P&L at which it is halted: out at that close, no
    entry until the next session. entry_from, entry_until ("HH:MM", exchange time): signals count in bars that open in this window. flat_at:
    out at the close of the session's last bar that opens before this time, and no signal counts after it.

    entry: "market" at the next open, or an order that rests from then on, "stop" beyond the signal's close or "limit" before it, the
    nearer of entry_offset_atr (ATR of the signal bar) and entry_offset_ticks away, rounded up. entry_bars: bars it waits (None: as long as
    the session lasts, or without flat_at_close the contract). entry_through_ticks: how far the market must trade through a limit entry.
    scale1_r, scale2_r: stop distances in favour at which a part of the position leaves, scale1_share, scale2_share of its contracts,
    rounded down to whole ones; scale1_stop_r, scale2_stop_r: where the stop then goes, in stop distances from the entry (0: the entry).
    """

    atr_period: Period = 14
    stop_atr: Positive | None = 2.0
    target_r: Positive | None = 2.0
    stop_ticks: PositiveTicks | None = None
    target_atr: Positive | None = None
    target_ticks: PositiveTicks | None = None
    trail_atr: Positive | None = None
    trail_ticks: PositiveTicks | None = None
    chandelier_atr: Positive | None = None
    break_even_r: Positive | None = None
    break_even_offset_ticks: Annotated[int, Field(ge=-100_000, le=100_000)] = 0
    max_bars: Period | None = None
    flat_at_close: bool = True
    reverse: bool = False
    latency_bars: Annotated[int, Field(ge=0, le=100_000)] = 0
    cooldown_bars: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    max_trades: Period | None = None
    daily_loss: Money | None = None
    daily_profit: Money | None = None
    entry: Literal["market", "stop", "limit"] = "market"
    entry_offset_atr: Offset | None = None
    entry_offset_ticks: Ticks | None = None
    entry_bars: Period | None = 1
    entry_through_ticks: Ticks = 0
    scale1_r: Positive | None = None
    scale1_share: Share | None = None
    scale1_stop_r: StopR | None = None
    scale2_r: Positive | None = None
    scale2_share: Share | None = None
    scale2_stop_r: StopR | None = None
    entry_from: str | None = None
    entry_until: str | None = None
    flat_at: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _off_is_none(cls, data: Any) -> Any:
        """TOML has no None: there the word "off" stands for it."""
        if not isinstance(data, dict):
            return data  # pydantic tells what is wrong with it
        return {name: None if isinstance(value, str) and value == "off" else value for name, value in data.items()}

    @field_validator("entry_from", "entry_until", "flat_at")
    @classmethod
    def _clock(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                seconds_of(text)
            except ValueError:
                raise ValueError(f'must be a time such as "15:55", got {text!r}') from None
        return text

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        for fault in contradictions(self):
            raise ValueError(fault)
        return self

    def exits(self) -> dict[str, Any]:
        """The exit rules alone, as keywords for another strategy."""
        return {name: getattr(self, name) for name in Exits.model_fields}

    def plan_fields(self) -> dict[str, float]:
        """The rules as the core's plan has them: words as numbers, money in 1e-4 USD, "off" as what no market reaches.

        Raises EsbtError for money finer than 1e-4 USD.
        """
        fields = {name: value for name, value in self.exits().items() if value is not None and name not in _OF_COLUMNS}
        for name in ("stop_atr", "target_r"):  # on in the core's own defaults
            fields.setdefault(name, float("inf"))
        for name in ("daily_loss", "daily_profit"):
            if name in fields:
                fields[f"{name}_e4"] = e4(fields.pop(name), name)
        return fields | {"entry": ENTRIES.index(self.entry), "entry_bars": _FOR_EVER if self.entry_bars is None else self.entry_bars}

    def atr(self, bars: Bars) -> AtrArray:
        """Wilder's ATR of each bar in ticks, float64[N], NaN while warming up; restarts at each contract."""
        return np.asarray(_core.wilder_atr(bars.core, self.atr_period))

    def signals(self, bars: Bars) -> SideArray:
        """Side asked for at each bar's close, int8[N]."""
        raise NotImplementedError


class AtrStrategy(Exits):
    """The static baseline: EMA crossings in, ATR stop and target out.

    Long when EMA(fast) crosses above EMA(slow), short on the mirror; EMA_t = a * close_t + (1 - a) * EMA_(t-1), a = 2 / (n + 1), seeded
    with the contract's first close, running through sessions; a cross up is fast_t > slow_t and fast_(t-1) <= slow_(t-1). The first bar
    of a contract that may carry a signal is number 3 * max(slow, atr_period), counted from 0. `side` limits the sides taken.
    Raises EsbtError for unknown names, wrong types or ranges.
    """

    fast: Period = 12
    slow: Period = 26
    side: Literal["long", "short", "both"] = "both"

    @model_validator(mode="after")
    def _fast_below_slow(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast must be below slow, got fast={self.fast} and slow={self.slow}")
        return self

    def signals(self, bars: Bars) -> SideArray:
        """Crossings, int8[N], known at each bar's close."""
        side: SideArray = np.asarray(_core.ema_crossings(bars.core, self.fast, self.slow, 3 * max(self.slow, self.atr_period)))
        if self.side == "long":
            side[side < 0] = 0
        elif self.side == "short":
            side[side > 0] = 0
        return side


class Signals(Exits):
    """A strategy whose sides are given: `values` int8[N] in {-1, 0, +1} known at each bar's close, and exit rules by name.

    `atr_ticks` float64[N] replaces the ATR computed from the bars, for bars cut out of a longer run that was already warm.
    Raises EsbtError for values of another kind; the length is checked against the bars.
    """

    values: Any
    atr_ticks: Any = None

    @model_validator(mode="before")
    @classmethod
    def _arrays(cls, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        out["values"] = _sides(data.get("values"))
        if data.get("atr_ticks") is not None:
            atr = np.ascontiguousarray(data["atr_ticks"], dtype=np.float64)
            wrong = np.flatnonzero(~(np.isnan(atr) | ((atr >= 0) & np.isfinite(atr))))
            if wrong.size:
                raise ValueError(f"atr_ticks must be 0 or more, or NaN while warming up, got {atr.flat[wrong[0]]} at row {wrong[0]}")
            out["atr_ticks"] = atr
        return out

    def signals(self, bars: Bars) -> SideArray:
        """The given sides."""
        side: SideArray = _of_length(self.values, len(bars), "values")
        return side

    def atr(self, bars: Bars) -> AtrArray:
        """The given ATR, or the bars' own."""
        if self.atr_ticks is None:
            return super().atr(bars)
        atr: AtrArray = _of_length(self.atr_ticks, len(bars), "atr_ticks")
        return atr


def e4(usd: float, name: str) -> int:
    """USD as the core counts it; a value finer than 1e-4 USD is refused with an EsbtError, for sums must be exact."""
    units = round(usd * USD)
    if abs(usd * USD - units) > 1e-6 * max(1.0, abs(units)):
        raise EsbtError(f"{name} {usd!r} USD is finer than 0.0001 USD: round it")
    return units


def _sides(values: object) -> SideArray:
    if values is None or isinstance(values, (str, bytes)) or not isinstance(values, (np.ndarray, Iterable)):
        raise ValueError(f"values must be an array of sides -1, 0, +1, got {type(values).__name__}")
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise ValueError(f"values must be one-dimensional numbers, got shape {array.shape} of {array.dtype}")
    wrong = np.flatnonzero(~np.isin(array, (-1, 0, 1)))
    if wrong.size:
        raise ValueError(f"values must be -1, 0 or +1, got {array[wrong[0]]} at row {wrong[0]}")
    return np.ascontiguousarray(array, dtype=np.int8)


def _of_length(array: Any, n: int, name: str) -> Any:
    if array.shape != (n,):
        raise EsbtError(f"{name} has shape {array.shape}, the bars have {n} rows: give one value a bar")
    return array
