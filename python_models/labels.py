"""Labels: what became of each signal. They look ahead by design, so they are a type of their own that fits nowhere else.

`Labels` is no array and no sequence: it cannot be given as signals or features. They are made by the trading kernel itself, one
independent trade per signal, on the training bars alone; a trade that the end of those bars cut short is no label.
"""

from dataclasses import dataclass, replace

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

    signal_bar, end_bar: int64[L], the span a label looks at: known only after end_bar. side: int64[L]. pnl, risk: float64[L], USD of one
    contract, net of costs, and at the stop. mae_atr: float64[L], greatest adverse excursion in ATR of the signal bar.
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
    """One label per signal of the strategy on these bars, by the rules it trades with, one contract each."""
    plan = account.model_copy(update={"size": 1}).plan(strategy.model_copy(update={"reverse": False}), bars.instrument)
    trades, _ = simulate(bars, strategy, plan, model=model, each=True, fees_e4=account.fees_by_bar(bars))
    trades = trades[trades["reason"] != REASONS.index("end_of_data")]
    signal_bar = trades["entry_bar"] - 1 - strategy.latency_bars
    atr = strategy.atr(bars)[signal_bar]
    return Labels(
        signal_bar=signal_bar,
        end_bar=trades["exit_bar"].copy(),
        side=trades["side"].astype(np.int64),
        pnl=trades["pnl_e4"] / USD,
        risk=trades["stop_distance"] * bars.instrument.tick_value,
        mae_atr=trades["mae_ticks"] / np.maximum(atr, 1e-9),
    )
