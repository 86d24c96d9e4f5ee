"""Bars: the struct of arrays every later step starts from. Knows neither files nor calendars.

`load_bars` and `synthetic_bars` make them.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from esbt.data.instruments import Instrument
from esbt.data.quotes import NO_QUOTE
from esbt.data.times import utc
from esbt.errors import EsbtError

if TYPE_CHECKING:
    import numpy.typing as npt

    from esbt.data.synthetic_truth import Truth

_DTYPES: dict[str, type[np.signedinteger[Any]]] = {
    "ts": np.int64,
    "open": np.int32,
    "high": np.int32,
    "low": np.int32,
    "close": np.int32,
    "volume": np.int64,
    "session": np.int32,
    "segment": np.int32,
}
_OPTIONAL_DTYPES: dict[str, type[np.signedinteger[Any]]] = {"spread": np.int32, "buys": np.int64}


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """N bars of one instrument, ascending in time. Arrays are C-contiguous and read-only; prices are whole ticks.

    ts int64[N] ns UTC of the bar's OPEN; open high low close int32[N] ticks; volume int64[N] contracts; session int32[N] trade date as
    days since 1970-01-01; segment int32[N] index into `contracts`: a new value is a new contract, a seam nothing is taken across.
    spread int32[N] ticks, ask less bid at the bar's close, or the contract's last one before, negative where there is none (see quotes.py);
    None for bars without quotes. buys int64[N] contracts bought at the ask, -1 where that is not known; None where no bar tells (see
    taken.py). `source` tells in words where they come from; `synthetic` bars carry their `truth`.
    Raises EsbtError for arrays that are not whole numbers, not one-dimensional, not of one length, or beyond their dtype.
    """

    ts: "npt.NDArray[np.int64]"
    open: "npt.NDArray[np.int32]"
    high: "npt.NDArray[np.int32]"
    low: "npt.NDArray[np.int32]"
    close: "npt.NDArray[np.int32]"
    volume: "npt.NDArray[np.int64]"
    session: "npt.NDArray[np.int32]"
    segment: "npt.NDArray[np.int32]"
    instrument: Instrument
    contracts: tuple[str, ...]
    source: str
    synthetic: bool = False
    truth: "Truth | None" = None
    spread: "npt.NDArray[np.int32] | None" = None
    buys: "npt.NDArray[np.int64] | None" = None

    def __post_init__(self) -> None:
        n = np.size(self.ts)
        for name, dtype in _DTYPES.items():
            object.__setattr__(self, name, _column(name, getattr(self, name), np.dtype(dtype), n))
        for name, dtype in _OPTIONAL_DTYPES.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _column(name, getattr(self, name), np.dtype(dtype), n))
        if n and not 0 <= int(self.segment.min()) <= int(self.segment.max()) < len(self.contracts):
            raise EsbtError(
                f"bars.segment runs from {self.segment.min()} to {self.segment.max()} but bars.contracts has {len(self.contracts)} "
                "labels: give one label per segment value"
            )

    def __len__(self) -> int:
        return int(self.ts.size)

    def __getitem__(self, rows: slice) -> "Bars":
        """`bars[a:b]`: views of these rows, of the optional columns' too. Raises EsbtError for anything but a slice of step 1."""
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise EsbtError(f"bars[{rows!r}]: bars take a slice of step 1, such as bars[100:200]; single values are in bars.close etc.")
        names = (*_DTYPES, *_OPTIONAL_DTYPES, "truth")
        return replace(self, **{name: getattr(self, name)[rows] for name in names if getattr(self, name) is not None})

    def __repr__(self) -> str:
        span = f", {utc(self.ts[0])} to {utc(self.ts[-1])}" if len(self) else ""
        return f"Bars({len(self):,} of {self.instrument.symbol}{span}, {len(self.contracts)} contract(s), from {self.source})"

    @property
    def frame(self) -> pl.DataFrame:
        """Polars: ts Datetime[ns, UTC], open high low close Float64 points, volume Int64, session Date, contract String.

        Bars with quotes have a column spread: Float64 points, null before the first quote, negative where the ask is below the bid.
        Bars that know what was bought have ask_volume: Int64 contracts, null where it is not known.
        """
        prices = {name: self.instrument.points(getattr(self, name)) for name in ("open", "high", "low", "close")}
        labels = pl.Series("contract", self.contracts, dtype=pl.String)
        frame = pl.DataFrame(
            {
                "ts": pl.Series(self.ts).cast(pl.Datetime("ns", "UTC")),
                **prices,
                "volume": self.volume,
                "session": pl.Series(self.session).cast(pl.Date),
                "contract": labels.gather(pl.Series(self.segment)),
            }
        )
        if self.spread is not None:
            shown = np.where(self.spread < NO_QUOTE, self.spread - NO_QUOTE, self.spread)
            points = pl.Series("spread", self.instrument.points(shown))
            frame = frame.with_columns(points.set(pl.Series(self.spread == NO_QUOTE), None))
        if self.buys is not None:
            frame = frame.with_columns(pl.Series("ask_volume", self.buys).set(pl.Series(self.buys < 0), None))
        return frame

    @cached_property
    def interval_ns(self) -> int:
        """The commonest step from bar to bar, in ns (the smaller of two equally common). Raises EsbtError below two bars."""
        if len(self) < 2:
            raise EsbtError(f"{len(self)} bar(s) of {self.source} have no interval: give two bars or more")
        steps = np.diff(self.ts)
        least = int(steps.min())
        if 2 * np.count_nonzero(steps == least) >= steps.size:  # nearly always; spares sorting millions of steps
            return least
        values, counts = np.unique(steps, return_counts=True)
        return int(values[counts.argmax()])

    @cached_property
    def core(self) -> Any:
        """The core's view of these bars (borrows the arrays; nothing is copied)."""
        from esbt import _core  # here, so that data can be read and checked without the compiled core

        return _core.CoreBars(self.ts, self.open, self.high, self.low, self.close, self.volume, self.session, self.segment, self.buys)


def _column(name: str, values: Any, dtype: "np.dtype[Any]", n: int) -> "npt.NDArray[Any]":
    array = np.asarray(values)
    if array.ndim != 1 or array.size != n:
        raise EsbtError(f"bars.{name} has shape {array.shape}: give one value per bar, {n} as in bars.ts")
    if array.dtype != dtype:
        if array.size and array.dtype.kind not in "iu":
            raise EsbtError(f"bars.{name} has dtype {array.dtype}: give whole numbers ({dtype}); load_bars turns points into ticks")
        limits = np.iinfo(dtype)
        if array.size and not limits.min <= int(array.min()) <= int(array.max()) <= limits.max:
            raise EsbtError(f"bars.{name} runs from {array.min()} to {array.max()}: beyond {dtype}")
    view = np.ascontiguousarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view
