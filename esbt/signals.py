"""Strategies: which side each bar asks for, and the exit rules a position then lives by.

A strategy gives a side per bar, int8[N] in {-1, 0, +1}, known at that bar's close and acted on at the next open; and Wilder's ATR in
ticks. It never sees fills or money. To add an exit: a field in `Exits`, the same in `esbt.plan`, the rule in csrc/esbt/step.hpp.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from esbt import _core
from esbt.data import Bars
from esbt.errors import EsbtError
from esbt.settings import Settings
from esbt.windows import seconds_of

Positive = Annotated[float, Field(gt=0)]
Period = Annotated[int, Field(ge=1, le=1_000_000)]
Ticks = Annotated[int, Field(ge=0, le=100_000)]
PositiveTicks = Annotated[int, Field(ge=1, le=1_000_000)]
Money = Annotated[float, Field(gt=0, le=1e11)]
SideArray = npt.NDArray[np.int8]
AtrArray = npt.NDArray[np.float64]


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
    def _target_needs_stop(self) -> Self:
        if self.stop_atr is None and self.stop_ticks is None and self.target_r is not None:
            raise ValueError("target_r is a multiple of the stop distance: give stop_atr or stop_ticks, or set target_r to None")
        if (self.entry_from is None) != (self.entry_until is None) or (self.entry_from is not None and self.entry_from == self.entry_until):
            raise ValueError(f"a window needs two times: got entry_from={self.entry_from!r} and entry_until={self.entry_until!r}")
        if self.flat_at is not None and not self.flat_at_close:
            raise ValueError("flat_at needs flat_at_close=True")
        if self.reverse and self.latency_bars:
            raise ValueError(f"reverse and latency_bars exclude each other, got latency_bars={self.latency_bars}")
        return self

    def exits(self) -> dict[str, Any]:
        """The exit rules alone, as keywords for another strategy."""
        return {name: getattr(self, name) for name in Exits.model_fields}

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
