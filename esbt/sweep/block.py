"""One part of a sweep: a block of lanes run group by group, as a frame of parameters and metrics. The unit of work, of storage and of
distribution: what it gives depends on its number alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.sweep.engine import COLUMNS, LaneBlock, run_lanes
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.market import Markets
from esbt.sweep.space import Lanes


@dataclass(frozen=True, eq=False)
class Part:
    """Outcome of part `number`. frame: lane (Int64), parameters, metrics, in the order run. daily: int64[rows, S], 1e-4 USD, or None."""

    number: int
    frame: pl.DataFrame
    daily: npt.NDArray[np.int64] | None


def part_count(bound: BoundSpace, part_lanes: int) -> int:
    """Parts of the whole space."""
    return -(-len(bound) // part_lanes)


def run_part(bound: BoundSpace, markets: Markets, number: int, part_lanes: int, *, daily: bool, threads: int) -> Part:
    """Run the lanes at places number * part_lanes and following of the order of `BoundSpace.ordered`."""
    lanes = bound.ordered(number * part_lanes, min(len(bound), (number + 1) * part_lanes))
    return run_block(bound, markets, lanes, number=number, daily=daily, threads=threads)


def run_block(bound: BoundSpace, markets: Markets, lanes: Lanes, *, number: int, daily: bool, threads: int) -> Part:
    """Run these lanes."""
    plans = bound.plans(lanes)
    columns: dict[str, npt.NDArray[Any]] = {}
    profit = np.empty((len(lanes), bound.sessions), np.int64) if daily else None
    for group in bound.groups(lanes):
        block: LaneBlock = run_lanes(markets.of(group), plans[group.rows], daily=daily, threads=threads)
        for name in COLUMNS:
            own = block.columns[name]
            columns.setdefault(name, np.empty(len(lanes), own.dtype))[group.rows] = own
        if profit is not None and block.daily is not None:
            profit[group.rows] = block.daily
    frame = pl.DataFrame(
        [pl.Series("lane", lanes, dtype=pl.Int64), *bound.space.columns(lanes), *(pl.Series(n, columns[n]) for n in COLUMNS)]
    )
    return Part(number, frame, profit)
