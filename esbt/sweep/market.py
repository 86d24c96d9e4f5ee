"""What the lanes of a group share: bars, sides, ATR, fees and spreads by bar. Made once a group, from the settings of one of its lanes."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt import _core
from esbt.backtest import by_the_clock, finer_rows
from esbt.data import Bars
from esbt.sweep.lanes import BoundSpace, Group


@dataclass(frozen=True, eq=False)
class Market:
    """The columns of one group of lanes over N bars.

    core: the bars as the loop sees them (sessions end at a flat time). sides: int8[N]. atr: float64[N] ticks. fees_e4: int64[N], 1e-4 USD
    per contract and side, None: the plan's own. slips: int32[N] ticks, None: none. finer, finer_first (int64[N + 1]): for path = "finer".
    outside: signals that the times of day took out.
    """

    bars: Bars
    core: "_core.CoreBars"
    sides: npt.NDArray[np.int8]
    atr: npt.NDArray[np.float64]
    fees_e4: npt.NDArray[np.int64] | None
    slips: npt.NDArray[np.int32] | None
    finer: "_core.CoreBars | None"
    finer_first: npt.NDArray[np.int64] | None
    outside: int


class Markets:
    """Markets by group; the last few are kept, for a group may go on in the next block."""

    def __init__(self, bound: BoundSpace, *, keep: int = 2) -> None:
        self._bound, self._keep = bound, keep
        self._kept: OrderedDict[tuple[Any, ...], Market] = OrderedDict()
        self._lock = threading.Lock()
        self.finer_rows = finer_rows(bound.bars, bound.finer)

    def of(self, group: Group) -> Market:
        """The market of a group; threads may ask side by side."""
        with self._lock:
            if group.key not in self._kept:
                while len(self._kept) >= self._keep:
                    self._kept.popitem(last=False)
                self._kept[group.key] = self._make(group.lane)
            self._kept.move_to_end(group.key)
            return self._kept[group.key]

    def _make(self, lane: int) -> Market:
        bound, bars = self._bound, self._bound.bars
        strategy, account = bound.strategy(lane), bound.account(lane)
        core, sides, outside = by_the_clock(bars, strategy)
        return Market(
            bars=bars,
            core=core,
            sides=sides,
            atr=strategy.atr(bars),
            fees_e4=account.fees_by_bar(bars),
            slips=account.slips_by_bar(bars),
            finer=bound.finer.core if bound.finer is not None else None,
            finer_first=self.finer_rows,
            outside=outside,
        )
