"""Quotes at the bars' closes: the spread in ticks from bid and ask, and what half of it costs a market or stop fill. Knows no fills.

A quote that is missing takes the last one before it of the same contract, never a later one. A missing quote is null, NaN, or 0 where the
market trades above 0 (as some vendors write it). An ask below its bid is kept as such: bars are traded without quotes as before, and the
error comes where the spread is asked for.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.instruments import Instrument
from esbt.data.times import utc
from esbt.data.validate import GRID_TOLERANCE, MAX_TICKS, Place
from esbt.errors import EsbtError

if TYPE_CHECKING:
    from esbt.data.bars import Bars

NO_QUOTE = -1  # before the first quote of a contract; an ask k ticks below its bid is NO_QUOTE - k

Ints = npt.NDArray[np.int32]


def quoted_spread(frame: pl.DataFrame, low: Ints, segment: Ints, place: Place, instrument: Instrument) -> Ints | None:
    """Ask less bid at each bar's close, int32[N] ticks, rounded up: NO_QUOTE or below where there is none, or a faulty one.

    frame: columns bid and ask, points; None where it has not both. low: ticks. segment: the contract of each bar. Raises EsbtError for
    columns that hold no numbers and for quotes that are infinite or too large.
    """
    if not {"bid", "ask"} <= set(frame.columns):
        return None
    quotes = [_in_ticks(frame[side], place, instrument) for side in ("bid", "ask")]
    known = np.logical_and.reduce([~np.isnan(side) & ((side != 0.0) | (low <= 0)) for side in quotes])
    gap = np.where(known, quotes[1] - quotes[0], 0.0)
    crossed = gap < -GRID_TOLERANCE
    spread = np.ceil(np.maximum(gap, 0.0) - GRID_TOLERANCE).astype(np.int32)
    row = np.arange(gap.size)
    last = np.maximum.accumulate(np.where(known & ~crossed, row, -1))
    first = np.maximum.accumulate(np.where(np.diff(segment, prepend=-1) != 0, row, 0))  # of the row's contract
    held = np.where(last >= first, spread[last], NO_QUOTE)
    return np.where(crossed, NO_QUOTE - np.ceil(-gap - GRID_TOLERANCE), held).astype(np.int32)


def half_spread(bars: "Bars") -> Ints:
    """Half the spread at each bar's close, int32[N] ticks, rounded up. Raises EsbtError where some bar has no quote, or a faulty one."""
    if bars.spread is None:
        raise EsbtError(
            f"slippage_spread needs quotes, {bars.source} has none: give bars with columns bid_close and ask_close, or slippage_ticks alone"
        )
    bad = np.flatnonzero(bars.spread < 0)
    if bad.size:
        i = int(bad[0])
        where, below = f"bars.spread at row {i} ({utc(bars.ts[i])})", NO_QUOTE - int(bars.spread[i])
        if below > 0:
            raise EsbtError(f"{where}: the ask is below the bid, by {below} tick(s): mend or empty that quote in {bars.source}")
        later = np.flatnonzero(bars.spread[i:] != NO_QUOTE)
        rows = f"rows {i} to {i + int(later[0]) - 1}" if later.size else f"the bars from row {i} on"
        raise EsbtError(f"{where}: {bars.contracts[bars.segment[i]]} has no quote yet: leave out {rows}, or set slippage_spread to False")
    return np.asarray((bars.spread + 1) // 2, dtype=np.int32)


def _in_ticks(column: pl.Series, place: Place, instrument: Instrument) -> npt.NDArray[np.float64]:
    if column.dtype != pl.Null and not column.dtype.is_numeric():
        raise EsbtError(f"{place.source}: column {column.name!r} has dtype {column.dtype}: give numbers, or drop the column")
    ticks = column.cast(pl.Float64).to_numpy() / instrument.tick
    far = ~np.isnan(ticks) & ~(np.abs(ticks) < MAX_TICKS)
    if far.any():
        i = int(far.argmax())
        most = float(instrument.points(MAX_TICKS))
        raise place.error(
            column.name, i, str(column[i]), f"quotes of {instrument.symbol} are below {most:,.10g} points; leave a missing one empty"
        )
    return ticks
