"""What the synthetic market hides: its drift, and the best profit that drift allows. Knows nothing of how prices are drawn."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError


@dataclass(frozen=True, eq=False)
class Truth:
    """drift_ticks float64[N]: expected move in ticks from the close of bar t-1 to the close of bar t, given the hidden state of bar t (its
    direction, activity and volatility, all fixed before the bar is drawn); 0 at a session's first bar. tick_value: USD per tick.
    """

    drift_ticks: npt.NDArray[np.float64]
    tick_value: float

    def __post_init__(self) -> None:
        view = np.ascontiguousarray(self.drift_ticks, dtype=np.float64).view()
        view.flags.writeable = False
        object.__setattr__(self, "drift_ticks", view)

    def __len__(self) -> int:
        return int(self.drift_ticks.size)

    def __getitem__(self, rows: slice) -> "Truth":
        return Truth(self.drift_ticks[rows], self.tick_value)

    def best_profit_usd(self, fee_usd: float, slippage_ticks: float) -> float:
        """Best expected USD of a one-contract trader who is shown the whole hidden path; `fee_usd` and `slippage_ticks` are per side.

        An upper bound on the expected profit, of at most one contract, of every strategy on these bars that pays at least these costs on
        each side: within a bar all sub-steps drift the same way, so no better moment to switch exists than the bars' edges. (Target exits
        pay no slippage: for a bound that covers them too, pass slippage_ticks=0.) A dynamic programme over position -1, 0, +1, flat at
        both ends. Exactly 0 without drift. Raises EsbtError for a cost that is negative or not finite.
        """
        for name, value in (("fee_usd", fee_usd), ("slippage_ticks", slippage_ticks)):
            if not (isfinite(value) and value >= 0):
                raise EsbtError(f"{name} is {value!r}: give a cost per side, 0 or more")
        cost = fee_usd + slippage_ticks * self.tick_value
        drift = self.drift_ticks[self.drift_ticks != 0.0]
        if drift.size == 0:
            return 0.0
        # Only at a change of sign can a switch pay, so bars of one sign (and the driftless ones between) are one step of the programme.
        starts = np.flatnonzero(np.diff(np.sign(drift), prepend=0.0))
        short, flat, long = -cost, 0.0, -cost
        for move in (np.add.reduceat(drift, starts) * self.tick_value).tolist():
            short, flat, long = (
                max(short, flat - cost, long - 2.0 * cost) - move,
                max(short - cost, flat, long - cost),
                max(short - 2.0 * cost, flat - cost, long) + move,
            )
        return max(flat, short - cost, long - cost)
