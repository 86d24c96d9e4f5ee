"""Labels: what became of each signal. They look ahead by design, so they are a type of their own that fits nowhere else.

`Labels` is no array and no sequence: it cannot be given as signals or features. They are made by the trading kernel itself, one
independent position per signal, on the training bars alone; a position that the end of those bars cut short is no label, nor is a stop or
limit order that was never filled. A position that leaves in parts is one label: a signal is taken whole or not at all.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.account import Account
from esbt.backtest import simulate
from esbt.data import Bars
from esbt.entry_model import EntryModel
from esbt.plan import REASONS, USD
from esbt.signals import Exits

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labels:
    """L labels in order of signal_bar.

    signal_bar, end_bar: int64[L], the span a label looks at: known only after end_bar, when the last part left. side: int64[L]. pnl, risk:
    float64[L], USD of one contract, net of costs, and at the stop; where parts leave, pnl is the mean over the contracts that entered, so
    that pnl / risk is the position's R. mae_atr: float64[L], greatest adverse excursion of any contract in ATR of the signal bar.
    """

    signal_bar: Ints
    end_bar: Ints
    side: Ints
    pnl: Floats
    risk: Floats
    mae_atr: Floats

    @property
    def count(self) -> int:
        """L."""
        return int(self.signal_bar.size)

    def where(self, mask: npt.NDArray[np.bool_]) -> "Labels":
        """The labels of a boolean mask of shape (L,)."""
        return replace(self, **{name: getattr(self, name)[mask] for name in self.__dataclass_fields__})

    def within(self, start: int, stop: int) -> "Labels":
        """Labels whose whole span lies in bars [start, stop): the purge."""
        return self.where((self.signal_bar >= start) & (self.end_bar < stop))

    def joined(self, other: "Labels") -> "Labels":
        """These labels, then the other's."""
        return replace(self, **{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__dataclass_fields__})


def label_trades(bars: Bars, strategy: Exits, account: Account, model: EntryModel | None = None) -> Labels:
    """One label per signal of the strategy that becomes a position on these bars, by the rules it trades with, money of one contract.

    Parts are shares of whole contracts: of the account's own number where that is fixed, else of 1,000, near the shares themselves.
    """
    sized = account.model_copy(update={"size": _contracts(strategy, account)})
    plan = sized.plan(strategy.model_copy(update={"reverse": False}), bars.instrument)
    trades, _ = simulate(
        bars,
        strategy,
        plan,
        model=model,
        each=True,
        fees_e4=account.fees_by_bar(bars),
        slips=account.slips_by_bar(bars),
    )
    first = np.flatnonzero(np.diff(trades["signal_bar"], prepend=-1))  # the trades of a signal follow one another, in order of exit
    last = np.append(first[1:], len(trades)) - 1 if first.size else first
    over = trades["reason"][last] != REASONS.index("end_of_data")
    signal_bar = trades["signal_bar"][first]
    contracts = _by_signal(np.add, trades["contracts"].astype(np.int64), first)
    return Labels(
        signal_bar=signal_bar,
        end_bar=trades["exit_bar"][last],
        side=trades["side"][first].astype(np.int64),
        pnl=_by_signal(np.add, trades["pnl_e4"], first) / contracts / USD,
        risk=trades["stop_distance"][first] * bars.instrument.tick_value,
        mae_atr=_by_signal(np.maximum, trades["mae_ticks"], first) / np.maximum(strategy.atr(bars)[signal_bar], 1e-9),
    ).where(over)


def _contracts(strategy: Exits, account: Account) -> int:
    if strategy.scale1_r is None:
        return 1
    return account.size if isinstance(account.size, int) else 1000


def _by_signal(combine: np.ufunc, values: npt.NDArray[Any], first: Ints) -> npt.NDArray[Any]:
    return np.asarray(combine.reduceat(values, first)) if first.size else values
