"""What the lanes of a group share: bars, sides, ATR, fees and spreads by bar. Made from the settings of one of its lanes; what groups share
in turn (an ATR, crossings, times of day) is made once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt import _core
from esbt.backtest import finer_rows, in_open_hours, open_hours
from esbt.data import Bars
from esbt.signals import Exits
from esbt.sweep.axes import CONFIDENCE
from esbt.sweep.lanes import BoundSpace, Group

_CLOCK = ("entry_from", "entry_until", "flat_at")


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
    """Markets by group; the last few are kept, for a group may go on in the next block. users: threads that ask side by side."""

    def __init__(self, bound: BoundSpace, *, users: int = 1) -> None:
        self._bound = bound
        self._markets, self._columns = Kept(1 + users), Kept(8)
        self._lock = threading.Lock()
        self._own_axes = [name for name, place in bound.places.items() if place == "strategy" and name in bound.market_axes]
        self.finer_rows = finer_rows(bound.bars, bound.finer)

    def of(self, group: Group) -> Market:
        """The market of a group."""
        with self._lock:
            market: Market = self._markets.get(group.key, lambda: self._make(group.lane))
            return market

    def _make(self, lane: int) -> Market:
        bound, bars = self._bound, self._bound.bars
        rules, account, values = bound.rules(lane), bound.account(lane), bound.space.lane(lane)
        core, closed = self._columns.get(tuple(getattr(rules, name) for name in _CLOCK), lambda: open_hours(bars, rules))
        own = tuple(values[name] for name in self._own_axes if name not in _CLOCK)
        sides = self._columns.get(("sides", *own), lambda: rules.signals(bars))
        cut = values.get(CONFIDENCE)
        if cut is not None and bound.predictions is not None:
            sides = np.where(bound.predictions >= cut, sides, np.int8(0))
        sides, outside = in_open_hours(sides, closed)
        atr_of = ("atr", rules.atr_period) if type(rules).atr is Exits.atr else ("atr", *own)
        return Market(
            bars=bars,
            core=core,
            sides=sides,
            atr=self._columns.get(atr_of, lambda: rules.atr(bars)),
            fees_e4=account.fees_by_bar(bars),
            slips=account.slips_by_bar(bars),
            finer=bound.finer.core if bound.finer is not None else None,
            finer_first=self.finer_rows,
            outside=outside,
        )


class Kept:
    """The last `most` things made or asked for again, by key. For one thread at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept under the key, made now if it is not."""
        if key not in self._things:
            made = make()
            while len(self._things) >= self._most:
                self._things.popitem(last=False)
            self._things[key] = made
        self._things.move_to_end(key)
        return self._things[key]
