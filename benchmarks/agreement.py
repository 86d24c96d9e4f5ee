"""Two engines must make the same trades before either is timed. Knows no engine."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

TOLERANCE = 1e-6  # points and USD; prices are multiples of 0.25, so a wrong tick cannot hide in it


class Trades(NamedTuple):
    """Closed trades in order of entry: bars int64[T], side +1 or -1, prices in points, pnl in USD net of fees."""

    entry_bar: npt.NDArray[np.int64]
    exit_bar: npt.NDArray[np.int64]
    side: npt.NDArray[np.int64]
    entry_price: npt.NDArray[np.float64]
    exit_price: npt.NDArray[np.float64]
    pnl: npt.NDArray[np.float64]


class Engine(Protocol):
    """One way to run a workload. Inputs are made in the constructor, which is not timed; the two runs are."""

    name: str

    def run_trades(self) -> object:
        """Timed: the trades, in the engine's own form."""

    def run_equity(self) -> object:
        """Timed: the trades and the equity marked at every bar's close."""

    def trades(self, outcome: object) -> Trades:
        """The trades of either outcome in the common form; not timed."""

    def equity(self, outcome: object) -> npt.NDArray[np.float64]:
        """The equity of `run_equity`'s outcome in USD, float64[N]; not timed."""


def require_same_trades(ours: Trades, theirs: Trades, name: str) -> None:
    """Raises AssertionError with the first trade that differs; and for no trades at all, for nothing would have been compared."""
    if len(ours.entry_bar) < 10:
        raise AssertionError(f"only {len(ours.entry_bar)} trades: the comparison with {name} says nothing, take more bars")
    both = min(len(ours.entry_bar), len(theirs.entry_bar))
    wrong = np.zeros(both, np.bool_)
    for a, b in zip(ours, theirs, strict=True):
        wrong |= ~(np.abs(a[:both] - b[:both]) <= TOLERANCE)
    if wrong.any():
        first = int(np.argmax(wrong))
        mine, other = (", ".join(f"{field}={column[first]}" for field, column in t._asdict().items()) for t in (ours, theirs))
        raise AssertionError(
            f"{name} differs in {wrong.sum()} of {both} trades, first in number {first}\n  esbt: {mine}\n  {name}: {other}"
        )
    if len(ours.entry_bar) != len(theirs.entry_bar):
        raise AssertionError(f"esbt made {len(ours.entry_bar)} trades, {name} {len(theirs.entry_bar)}")


def require_same_equity(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64], name: str) -> None:
    """USD at every bar, within a tenth of a cent: rivals sum floats. Raises AssertionError."""
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-3, err_msg=f"equity of {name}")


def require_same_lane(trades: Trades, count: float, net_profit: float, name: str) -> None:
    """A lane of a sweep's table has as many trades as the list, and its P&L in USD to a tenth of a cent. Raises AssertionError."""
    if count != len(trades.pnl) or not abs(net_profit - trades.pnl.sum()) <= 1e-3:
        said = f"{count:.0f} trades and {net_profit:.4f} USD"
        raise AssertionError(f"{name}: the sweep has {said}, the lane's own run {len(trades.pnl)} trades and {trades.pnl.sum():.4f} USD")
