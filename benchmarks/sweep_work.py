"""What is swept: a strategy and a space over one-minute bars without edge, and lanes out of it that a rival runs too.

A rival is a hundred to thousands of times slower, so it runs a few lanes spread over the whole space, and times are compared per bar and
lane. Whatever a rival cannot express is taken away from BOTH sides, as in workload.py: a signal is left out where its own trade, in any
lane that is compared, would meet the rule. Signal density is part of the claim: EMA(24, 60) crosses about 16,500 times in a million bars,
EMA(12, 26), the default, about 35,000 times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from workload import CASH, N_BARS, Flags, Workload, cut_off, market, own_trades, target_beyond, target_in_a_stop_bar, vectorbt_knows

import esbt
from esbt.plan import REASONS

Axes = Mapping[str, Sequence[Any]]
SESSION_CLOSE = REASONS.index("session_close")
SPARSE, DENSE = {"fast": 24, "slow": 60}, {"fast": 12, "slow": 26}


def steps(first: float, step: float, count: int) -> list[float]:
    """`count` values from `first`, rounded as a user would write them."""
    return [round(first + step * k, 10) for k in range(count)]


GRID: Axes = {"stop_atr": steps(1.0, 0.1, 32), "target_r": steps(0.5, 0.1, 32)}
TRAILING: Axes = {"stop_atr": steps(1.0, 0.2, 16), "target_r": steps(0.5, 0.2, 16), "trail_atr": steps(2.0, 1.0, 4)}
ENTRIES: Axes = {"fast": [16, 24], "slow": [60, 90], "stop_atr": steps(1.0, 0.2, 16), "target_r": steps(0.5, 0.2, 16)}
LARGE: Axes = {**GRID, "trail_atr": steps(1.5, 0.5, 8)}


@dataclass(frozen=True, eq=False)
class SweepWork:
    """A sweep: bars, strategy, axes, and costs as in `Workload`."""

    bars: esbt.Bars
    strategy: Any
    axes: Axes
    slippage_ticks: int
    fee_usd: float

    @cached_property
    def space(self) -> esbt.sweep.Grid:
        """The lanes."""
        return esbt.sweep.Grid(self.axes)

    @property
    def cells(self) -> int:
        """Bars times lanes."""
        return len(self.bars) * len(self.space)

    def run(self, threads: int = 1) -> esbt.sweep.SweepTable:
        """Timed: the public call, from bars to the table of all metrics."""
        costs = {"cash": CASH, "slippage_ticks": self.slippage_ticks, "fee_usd": self.fee_usd}
        return esbt.sweep(self.bars, self.strategy, self.axes, threads=threads, **costs)

    def lane(self, lane: int) -> Workload:
        """One lane as a backtest with its signals and ATR ready."""
        rules = self.strategy.model_copy(update=self.space.lane(lane))
        ready = esbt.Signals(values=rules.signals(self.bars), atr_ticks=rules.atr(self.bars), **rules.exits())
        return Workload(f"lane {lane}", self.bars, ready, self.slippage_ticks, self.fee_usd)

    def spread(self, count: int) -> list[int]:
        """Lanes spread over every axis (a Sobol sequence over the places of the values), `count` different ones, in order."""
        chosen = esbt.sweep.Sobol(count, {name: list(range(len(values))) for name, values in self.axes.items()}, seed=1)
        places = [tuple(chosen.lane(k).values()) for k in range(count)]
        return sorted(int(np.ravel_multi_index(place, self.space.shape)) for place in places)


@lru_cache(maxsize=8)
def full_work(axes: str = "grid", signals: str = "sparse", n_bars: int = N_BARS) -> SweepWork:
    """The default rulebook over axes "grid", "trailing", "entries" or "large"."""
    strategy = esbt.AtrStrategy(**(SPARSE if signals == "sparse" else DENSE))
    bars = market(n_bars)
    own = {"grid": GRID, "trailing": TRAILING, "entries": ENTRIES, "large": LARGE}[axes]
    return SweepWork(bars, strategy, own, slippage_ticks=1, fee_usd=bars.instrument.fee_usd)


@lru_cache(maxsize=1)
def vectorbt_work(lanes: int, n_bars: int = N_BARS) -> SweepWork:
    """The grid with what `workload.common_rules` takes away, in each of `spread(lanes)`."""
    work = _plain("both", market(n_bars), market(n_bars).instrument.fee_usd)
    known = np.ones(n_bars, np.bool_)
    for lane in work.spread(lanes):
        known &= _known(w := work.lane(lane), vectorbt_knows(w, own_trades(w)))
    return _only(work, known)


@lru_cache(maxsize=1)
def raptorbt_work(lanes: int, n_bars: int = N_BARS) -> SweepWork:
    """The grid with what raptorbt's batch cannot express taken away, in each of `spread(lanes)`:

    - shorts (an item has one direction), slippage and fees (fractions of the price; a size of whole contracts besides);
    - flat at the session's close, the end of the data: trades that end there;
    - opens beyond the target: it fills at the level, and tests the stop first;
    - signals while in position: its entries are deaf after a stop or target until an exit signal, so each signal here comes after
      the end of the trade before it, in each of these lanes.
    """
    work = _plain("long", market(n_bars), 0.0)
    known, ends = np.ones(n_bars, np.bool_), np.zeros(n_bars, np.int64)
    for lane in work.spread(lanes):
        w = work.lane(lane)
        trades = own_trades(w)
        other = target_beyond(trades) | target_in_a_stop_bar(w, trades) | cut_off(trades) | (trades["reason"] == SESSION_CLOSE)
        known &= _known(w, ~other)
        np.maximum.at(ends, trades["entry_bar"] - 1, trades["exit_bar"])
    free = 0
    for row in np.flatnonzero(known):
        known[row] = row > free
        free = ends[row] if row > free else free
    return _only(work, known)


def _plain(side: str, bars: esbt.Bars, fee_usd: float) -> SweepWork:
    rules = esbt.AtrStrategy(**SPARSE, side=side)
    ready = esbt.Signals(values=rules.signals(bars), atr_ticks=rules.atr(bars), **rules.exits())
    return SweepWork(bars, ready, GRID, slippage_ticks=0, fee_usd=fee_usd)


def _known(w: Workload, which: Flags) -> Flags:
    """bool[N]: bars whose signal's own trade is one of `which`."""
    rows: Flags = np.zeros(len(w), np.bool_)
    rows[own_trades(w)["entry_bar"][which] - 1] = True
    return rows


def _only(work: SweepWork, known: Flags) -> SweepWork:
    values = np.where(known, work.strategy.values, np.int8(0))
    strategy = work.strategy.model_copy(update={"values": values})
    return SweepWork(work.bars, strategy, work.axes, work.slippage_ticks, work.fee_usd)
