"""What is backtested: one-minute ES bars without edge, signals and ATR ready, and the rules that both sides of a comparison must follow.

Three workloads. `full_rules`: the rulebook as users run it. `common_rules` and `bracket_rules`: the same market with the rules taken away
that a rival cannot express, from BOTH sides; which, and why, is said in each function. A rule goes in one of two ways: by a setting (no
slippage), or by leaving out the signals whose own trade would meet it (`Signals` are independent of the account here: one contract, cash
without end), found with esbt's one-trade-per-signal loop. Rivals get float64 points; esbt its own whole ticks.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

import esbt
from esbt.account import Account
from esbt.backtest import simulate
from esbt.plan import REASONS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

N_BARS = int(os.environ.get("ESBT_BENCH_BARS", "1000000"))
N_BARS_SLOW = 50_000  # for rivals that take microseconds a bar
SEED, STOP_ATR, TARGET_R = 20_260, 2.0, 2.0
CASH = 1e7  # no rival may refuse an order for want of margin


@dataclass(frozen=True, eq=False)
class Workload:
    """Bars, a strategy whose sides int8[N] and ATR float64[N] (ticks) are ready, and the costs: slippage in ticks, USD per side."""

    name: str
    bars: esbt.Bars
    strategy: esbt.Signals
    slippage_ticks: int
    fee_usd: float

    def __len__(self) -> int:
        return len(self.bars)

    @property
    def account(self) -> Account:
        """The account of esbt.backtest."""
        return Account(cash=CASH, slippage_ticks=self.slippage_ticks, fee_usd=self.fee_usd)

    @cached_property
    def points(self) -> dict[str, Floats]:
        """open, high, low, close: float64[N] in points."""
        return {name: getattr(self.bars, name) * self.bars.instrument.tick for name in ("open", "high", "low", "close")}

    @cached_property
    def flat(self) -> Flags:
        """bool[N]: at this bar's close every position must end (a session's last bar where the rules say so, and the last bar)."""
        session = self.bars.session
        ends = np.append(session[1:] != session[:-1], True)
        return ends if self.strategy.flat_at_close else np.arange(len(session)) == len(session) - 1

    @cached_property
    def distances(self) -> tuple[Floats, Floats]:
        """Stop and target distances in points, float64[N], of a signal at each bar (rulebook: whole ticks, rounded up, at least one)."""
        tick, risk = self.bars.instrument.tick, self.strategy.stop_atr * self.strategy.atr_ticks
        return np.fmax(1.0, np.ceil(risk)) * tick, np.fmax(1.0, np.ceil(self.strategy.target_r * risk)) * tick


@lru_cache(maxsize=2)
def market(n_bars: int) -> esbt.Bars:
    """Exactly `n_bars` bars of the synthetic market without edge."""
    days = n_bars // 1200 + 2  # a session has 1380 bars, a short one fewer
    return esbt.synthetic_bars(days=days, instrument="ES", edge=0.0, seed=SEED)[:n_bars]


def full_rules(n_bars: int = N_BARS) -> Workload:
    """The default rulebook: next open, one tick of slippage, gaps at the open, stop before target, flat at the session's close, fees."""
    return _workload("full rules", market(n_bars), slippage_ticks=1, flat_at_close=True)


def common_rules(n_bars: int = N_BARS) -> Workload:
    """What vectorbt's `from_signals` can express too. Taken away from both sides:

    - slippage: vectorbt's is a fraction of the price, charged on targets as well when it is charged on stops;
    - trades that end in the bar they began in: vectorbt looks at stops from the bar after the entry, one order a bar;
    - opens beyond the target in a bar that also touches the stop: vectorbt tests the stop first and books it;
    - the trade cut off by the end of the data, and signals that the session's end drops: vectorbt would fill them a session later.
    """
    return _reduced(_workload("common rules", market(n_bars), slippage_ticks=0, flat_at_close=True), vectorbt_knows)


def bracket_rules(n_bars: int = N_BARS) -> Workload:
    """What backtesting.py's orders with `sl` and `tp` can express too. Taken away from both sides:

    - slippage: its spread is a fraction, charged at entries only;
    - flat at the session's close: its market orders fill either all at closes or all at opens;
    - opens beyond the target in a bar that also touches the stop: it tests the stop first;
    - the trade cut off by the end of the data;
    - signals whose levels the gap to the next open puts on the wrong side of the signal bar's close: it refuses such an order.
    """
    return _reduced(_workload("bracket rules", market(n_bars), slippage_ticks=0, flat_at_close=False), _backtesting_knows)


def _workload(name: str, bars: esbt.Bars, *, slippage_ticks: int, flat_at_close: bool) -> Workload:
    ready = esbt.AtrStrategy(stop_atr=STOP_ATR, target_r=TARGET_R)
    rules: dict[str, Any] = ready.exits() | {"flat_at_close": flat_at_close}
    strategy = esbt.Signals(values=ready.signals(bars), atr_ticks=ready.atr(bars), **rules)
    return Workload(name, bars, strategy, slippage_ticks, bars.instrument.fee_usd)


def own_trades(w: Workload) -> npt.NDArray[np.void]:
    """The trade of each signal as if it stood alone, in order."""
    return simulate(w.bars, w.strategy, w.account.plan(w.strategy, w.bars.instrument), each=True)[0]


def _reduced(w: Workload, known: Callable[[Workload, npt.NDArray[np.void]], Flags]) -> Workload:
    """The same workload with only those signals whose own trade both sides can express."""
    trades = own_trades(w)
    rows = trades["entry_bar"][known(w, trades)] - 1
    kept = np.zeros_like(w.strategy.values)
    kept[rows] = w.strategy.values[rows]
    return Workload(w.name, w.bars, w.strategy.model_copy(update={"values": kept}), w.slippage_ticks, w.fee_usd)


def vectorbt_knows(w: Workload, trades: npt.NDArray[np.void]) -> Flags:
    """Which of these own trades vectorbt can express, see `common_rules`."""
    known: Flags = (trades["exit_bar"] > trades["entry_bar"]) & ~target_in_a_stop_bar(w, trades) & ~cut_off(trades)
    return known


def _backtesting_knows(w: Workload, trades: npt.NDArray[np.void]) -> Flags:
    seen = trades["side"] * (w.bars.close[trades["entry_bar"] - 1] - trades["entry_price"])  # ticks from the fill to the signal's close
    accepted = (-trades["stop_distance"] < seen) & (seen < trades["target_distance"])
    known: Flags = accepted & ~target_in_a_stop_bar(w, trades) & ~cut_off(trades)
    return known


def target_in_a_stop_bar(w: Workload, trades: npt.NDArray[np.void]) -> Flags:
    """With path "worst" a target in a bar that touches the stop can only have been reached at the open."""
    side, j = trades["side"], trades["exit_bar"]
    adverse = np.where(side > 0, w.bars.low[j], w.bars.high[j])
    touched = side * (adverse - trades["entry_price"]) <= -trades["stop_distance"]
    found: Flags = touched & (trades["reason"] == REASONS.index("target"))
    return found


def target_beyond(trades: npt.NDArray[np.void]) -> Flags:
    """Trades that an open beyond their target ends."""
    gained = trades["side"] * (trades["exit_price"] - trades["entry_price"])
    found: Flags = (trades["reason"] == REASONS.index("target")) & (gained > trades["target_distance"])
    return found


def cut_off(trades: npt.NDArray[np.void]) -> Flags:
    """Trades that the end of the data ends."""
    found: Flags = trades["reason"] == REASONS.index("end_of_data")
    return found
