"""Who took: contracts traded at the ask (buyers took) and at the bid (sellers did), where the data tells. Knows no prices.

A trade at neither side counts in the bar's volume alone, so the two may add up to less than the volume, never to more.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data.validate import Place
from esbt.errors import EsbtError

UNKNOWN = -1

Counts = npt.NDArray[np.int64]


def bought(frame: pl.DataFrame, volume: Counts, place: Place) -> Counts | None:
    """Contracts traded at the ask in each bar, int64[N], UNKNOWN where the file is silent; None where it has no column ask_volume.

    frame: columns ask_volume and bid_volume; the second alone tells too little and is left unread. Raises EsbtError, with row and time, for
    counts that are no whole numbers of contracts, negative, or together above the bar's volume.
    """
    if "ask_volume" not in frame.columns:
        return None
    asks = _counts(frame["ask_volume"], place)
    bids = _counts(frame["bid_volume"], place) if "bid_volume" in frame.columns else np.full_like(asks, UNKNOWN)
    both = np.maximum(asks, 0) + np.maximum(bids, 0)
    if (both > volume).any():
        i = int((both > volume).argmax())
        told = f"{asks[i]}, with bid_volume {bids[i]}," if bids[i] > 0 else f"{asks[i]},"
        todo = "give contracts traded at the ask and at the bid; rename columns that hold the size of quotes"
        raise place.error("ask_volume", i, f"{told} above the bar's volume {volume[i]},", todo)
    return asks


def _counts(column: pl.Series, place: Place) -> Counts:
    if column.dtype != pl.Null and not column.dtype.is_numeric():
        raise EsbtError(f"{place.source}: column {column.name!r} has dtype {column.dtype}: give numbers, or drop the column")
    known = (column.is_not_null() & column.cast(pl.Float64).is_not_nan()).fill_null(False).to_numpy()
    values: npt.NDArray[Any] = column.fill_null(0).to_numpy() if column.dtype != pl.Null else np.zeros(len(column))
    with np.errstate(invalid="ignore"):
        bad = known & ~((values >= 0) & (values <= 2**53) & (values == np.rint(values)))
    if bad.any():
        i = int(bad.argmax())
        raise place.error(column.name, i, str(column[i]), "give a whole number of contracts, 0 or more, and leave an unknown one empty")
    return np.where(known, np.where(known, values, 0).astype(np.int64), UNKNOWN)
