"""A tight numba loop of the same rules: what a good quant writes for this one strategy in an afternoon.

Float64 points, trades into columns made once per run, one thread, no fastmath (it must give the same trades). It skips to the next signal
while flat and tests a held bar with two compares. It knows this one strategy: no trailing, time or model exits, no MAE and MFE.
"""

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from agreement import Trades
from workload import CASH, Workload


@numba.njit(error_model="numpy")
def trade_loop(open_, high, low, close, flat, side, atr, stop_atr, target_r, tick, slip, usd_per_point, fee, capacity):  # noqa: PLR0912, PLR0917
    """Columns of the trades, each of the number of trades; `capacity` is an upper bound of it."""
    entry_bar, exit_bar = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    sides, entry_price = np.empty(capacity, np.int64), np.empty(capacity)
    exit_price, pnl = np.empty(capacity), np.empty(capacity)
    trades = 0
    t = 0
    last = len(open_) - 1
    while t < last:
        s = side[t]
        if s == 0 or flat[t] or math.isnan(atr[t]):
            t += 1
            continue
        j = t + 1
        entry = open_[j] + s * slip
        risk = stop_atr * atr[t]
        stop = entry - s * tick * max(1.0, math.ceil(risk))
        target = entry + s * tick * max(1.0, math.ceil(target_r * risk))
        if s > 0:
            while low[j] > stop and high[j] < target and not flat[j]:
                j += 1
            if open_[j] <= stop:
                price = open_[j] - slip
            elif open_[j] >= target:
                price = open_[j]
            elif low[j] <= stop:
                price = stop - slip
            elif high[j] >= target:
                price = target
            else:
                price = close[j] - slip
        else:
            while high[j] < stop and low[j] > target and not flat[j]:
                j += 1
            if open_[j] >= stop:
                price = open_[j] + slip
            elif open_[j] <= target:
                price = open_[j]
            elif high[j] >= stop:
                price = stop + slip
            elif low[j] <= target:
                price = target
            else:
                price = close[j] + slip
        entry_bar[trades], exit_bar[trades], sides[trades] = t + 1, j, s
        entry_price[trades], exit_price[trades] = entry, price
        pnl[trades] = s * (price - entry) * usd_per_point - 2.0 * fee
        trades += 1
        t = j
    return entry_bar[:trades], exit_bar[:trades], sides[:trades], entry_price[:trades], exit_price[:trades], pnl[:trades]


@numba.njit(error_model="numpy")
def mark(close, entry_bar, exit_bar, sides, entry_price, pnl, cash, usd_per_point, fee):  # noqa: PLR0917
    """Equity at each bar's close, float64[N] in USD; the entry's fee is paid at entry."""
    equity = np.empty(len(close))
    closed, row = cash, 0
    for i in range(len(entry_bar)):
        equity[row : entry_bar[i]] = closed
        for j in range(entry_bar[i], exit_bar[i]):
            equity[j] = closed - fee + sides[i] * (close[j] - entry_price[i]) * usd_per_point
        closed += pnl[i]
        row = exit_bar[i]
    equity[row:] = closed
    return equity


class NumbaLoop:
    """Both functions compile on their first call, before any timing."""

    name = "numba loop"

    def __init__(self, w: Workload) -> None:
        at, p = w.bars.instrument, w.points
        bars = (p["open"], p["high"], p["low"], p["close"], w.flat, w.strategy.values, w.strategy.atr_ticks)
        costs = (w.slippage_ticks * at.tick, at.multiplier, w.fee_usd)
        self.arguments = (*bars, w.strategy.stop_atr, w.strategy.target_r, at.tick, *costs, int(np.count_nonzero(w.strategy.values)))
        self.marking = (CASH, at.multiplier, w.fee_usd)
        self.close = p["close"]

    def run_trades(self) -> Any:
        return trade_loop(*self.arguments)

    def run_equity(self) -> Any:
        found = trade_loop(*self.arguments)
        entry_bar, exit_bar, sides, entry_price, _, pnl = found
        return found, mark(self.close, entry_bar, exit_bar, sides, entry_price, pnl, *self.marking)

    def trades(self, outcome: Any) -> Trades:
        return Trades(*(outcome[0] if len(outcome) == 2 else outcome))

    def equity(self, outcome: Any) -> npt.NDArray[np.float64]:
        equity: npt.NDArray[np.float64] = outcome[1]
        return equity
