"""A matrix with one row a lane, read in blocks so that memory stays flat, and the threads that share the blocks. Knows no statistic.

Every matrix of `esbt.stats` is float64[lanes, sessions]: an array, a nested list or a `numpy.memmap`, of which one block a thread is in
memory at a time; a thread goes through the file from one place on. Blocks and shares depend on the matrix alone and BLAS runs in one thread
inside a block, so that results are the same for any number of threads.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cache
from itertools import pairwise
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from esbt._series import Floats
from esbt.errors import EsbtError

Lanes = npt.NDArray[np.int64]
R = TypeVar("R")

_BLOCK_VALUES = 1 << 19  # 4 MiB of float64: the block, its transform and the replicates stay near the cache
_MOST_LANES = 1024  # of a block: short series have few values but as many replicates
_SHARES = 16  # fixed, not the number of cores: what a share returns does not depend on the machine


class Rows:
    """Some lanes of a matrix: `read(block)` is float64[k, sessions]. Raises EsbtError for a matrix that is not two-dimensional numbers."""

    def __init__(self, values: npt.ArrayLike, name: str, least_sessions: int) -> None:
        self.values, self.name = _matrix(values, name), name
        self.lanes = np.arange(len(self.values), dtype=np.int64)
        self.sessions = int(self.values.shape[1])
        if len(self.lanes) == 0 or self.sessions < least_sessions:
            raise EsbtError(
                f"{name} has {len(self.lanes)} lanes of {self.sessions} sessions: give at least one row, a lane, of {least_sessions}"
            )

    def __len__(self) -> int:
        return len(self.lanes)

    @property
    def blocks(self) -> list[slice]:
        """Slices of `lanes`, in order."""
        size = min(max(1, _BLOCK_VALUES // self.sessions), _MOST_LANES)
        return [slice(first, min(first + size, len(self))) for first in range(0, len(self), size)]

    def subset(self, which: npt.NDArray[np.bool_] | Lanes) -> Self:
        """The same matrix with these of its lanes only, by mask or by place among `lanes`; nothing is read."""
        found = copy(self)
        found.lanes = self.lanes[which]
        return found

    def read(self, block: slice) -> Floats:
        """A copy of a block's lanes. Raises EsbtError for NaN or infinity, naming lane and session."""
        lanes = self.lanes[block]
        first, last = int(lanes[0]), int(lanes[-1])
        in_a_row = last - first == len(lanes) - 1  # lanes ascend: then one copy, not one by lane
        out = np.array(self.values[first : last + 1] if in_a_row else self.values[lanes], dtype=np.float64)
        if not np.isfinite(out).all():
            lane, session = np.argwhere(~np.isfinite(out))[0]
            raise EsbtError(f"{self.name} has {out[lane, session]} at lane {lanes[lane]}, session {session}: drop the lane or fill it")
        return out

    def shared(self, work: Callable[[list[slice]], R]) -> list[R]:
        """`work(blocks)` on each of at most 16 shares of the blocks, in the order of the shares; threads take share by share."""
        blocks = self.blocks
        edges = np.linspace(0, len(blocks), min(len(blocks), _SHARES) + 1).astype(np.int64).tolist()
        shares = [blocks[a:b] for a, b in pairwise(edges)]
        with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(min(len(shares), os.cpu_count() or 1)) as pool:
            return list(pool.map(work, shares))


class SessionReturns(Rows):
    """Session P&L (USD) read as returns on the equity before the session, as `metrics.daily_table` has them, from `cash` on.

    An account that a session's end finds at zero or below is ruined: its later returns are 0, for there is nothing left to trade.
    """

    def __init__(self, pnl: npt.ArrayLike, cash: float, least_sessions: int) -> None:
        super().__init__(pnl, "pnl", least_sessions)
        if not (np.isfinite(cash) and cash > 0):
            raise EsbtError(f"cash is {cash}: the start capital must be above zero")
        self.cash = float(cash)

    def read(self, block: slice) -> Floats:
        return self.read_accounts(block)[0]

    def read_accounts(self, block: slice) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Returns as `read`, and whether each account is ruined, the last session's end included."""
        pnl = super().read(block)
        equity = np.cumsum(pnl, axis=1)
        equity += self.cash
        ruined: npt.NDArray[np.bool_] = equity.min(axis=1) <= 0
        equity -= pnl  # before the session
        fallen = np.flatnonzero(equity.min(axis=1) <= 0)
        alive = np.logical_and.accumulate(equity[fallen] > 0, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            pnl /= equity
        pnl[fallen] = np.where(alive, pnl[fallen], 0.0)
        return pnl, ruined


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all loaded libraries: once is enough, numpy's is among them


def rows_of(matrix: npt.ArrayLike | Rows, name: str, least_sessions: int) -> Rows:
    """A matrix as Rows; Rows as they are."""
    return matrix if isinstance(matrix, Rows) else Rows(matrix, name, least_sessions)


def _matrix(values: npt.ArrayLike, name: str) -> npt.NDArray[np.generic]:
    try:
        out = np.asanyarray(values)
    except ValueError as error:
        raise EsbtError(f"{name} is no matrix ({error}): give one row a lane, all of one length") from error
    if out.ndim != 2 or out.dtype.kind not in "fiu":
        raise EsbtError(f"{name} has shape {out.shape} and dtype {out.dtype}: give numbers, one row a lane, one column a session")
    return out
