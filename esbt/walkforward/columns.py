"""Signals and ATR of every strategy of a walk-forward, computed once over all bars and cut for each window. Runs nothing.

They are causal, so a cut holds nothing of what follows it, and a window begins warm: its first bars have signals too.
"""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.account import Account
from esbt.backtest import in_open_hours, open_hours
from esbt.signals import AtrArray, Exits, Signals
from esbt.sweep.lanes import BoundSpace, Group
from esbt.sweep.market import Kept, Market

BASE = -1  # in place of a lane: the strategy and account as given, whatever the axes are


class Columns:
    """The columns of the lanes of a space. Sides are kept by place, for few bars have one; threads may ask side by side."""

    def __init__(self, bound: BoundSpace) -> None:
        self.bound = bound
        self._sides: dict[tuple[Any, ...], tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]] = {}
        self._atr = Kept(4)
        self._lock = threading.Lock()

    def strategy(self, lane: int, rows: slice) -> Signals:
        """The strategy of a lane (or BASE) on the bars of a slice, with the sides and the ATR of all bars."""
        if lane == BASE:
            return self._cut(self.bound.base, None, ("base",), rows)
        [group] = self.bound.groups(np.array([lane], dtype=np.int64))
        return self._cut(self.bound.rules(lane), lane, group.key, rows)

    def account(self, lane: int) -> Account:
        """The account of a lane, or of BASE."""
        return self.bound.base_account if lane == BASE else self.bound.account(lane)

    def market(self, group: Group, rows: slice) -> Market:
        """What the lanes of a group share, on the bars of a slice."""
        bars = self.bound.bars[rows]
        strategy = self._cut(self.bound.rules(group.lane), group.lane, group.key, rows)
        account = self.bound.account(group.lane)
        core, closed = open_hours(bars, strategy)
        sides, outside = in_open_hours(strategy.signals(bars), closed)
        fees, slips = account.fees_by_bar(bars), account.slips_by_bar(bars)
        return Market(bars, core, sides, strategy.atr(bars), fees, slips, None, None, outside)

    def _cut(self, rules: Exits, lane: int | None, key: tuple[Any, ...], rows: slice) -> Signals:
        bars = self.bound.bars
        with self._lock:
            if key not in self._sides:
                whole = (rules if lane is None else self.bound.strategy(lane)).signals(bars)
                places = np.flatnonzero(whole)
                self._sides[key] = (places, whole[places])
            atr: AtrArray = self._atr.get(rules.atr_period, lambda: rules.atr(bars))
            places, own = self._sides[key]
        start, stop, _ = rows.indices(len(bars))
        first, last = np.searchsorted(places, (start, stop))
        sides = np.zeros(stop - start, np.int8)
        sides[places[first:last] - start] = own[first:last]
        # checked already, as a whole: a fold has too many strategies to look at every side again
        return Signals.model_construct(values=sides, atr_ticks=np.ascontiguousarray(atr[start:stop]), **rules.exits())
