"""A third opinion: backtesting.py, which shares no line and no author with core or twin, makes the same long trades to the tick.

Long, one contract, a market order at the next open with a stop and a target: what both can say. Left out, for backtesting.py says
something else there by design: a target reached at the open of a bar that also touches the stop (it tests the stop first), an order whose
stop or target lies on the wrong side of the signal bar's close (it refuses those), a trade that the data's end cuts off, and a signal in
the very first bar (it starts at the second).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from backtesting import Backtest, Strategy

import esbt

TICK, MULTIPLIER, FEE = 0.25, 50, 2.25
PRICES = ("open", "high", "low", "close")


@dataclass
class Case:
    """Bars int[N, 4] in ticks; the signal bars; stop and target distance of each bar's signal in ticks."""

    bars: np.ndarray
    signals: list[int]
    stop: np.ndarray
    target: np.ndarray


def ours(case: Case) -> pl.DataFrame:
    """Trades of esbt.backtest. The ATR is the stop distance; the target is a multiple of it, the same for all signals of a case."""
    start = datetime(2024, 1, 2, 0, 0)
    points = dict(zip(PRICES, (case.bars * TICK).T, strict=True))
    times = [start + timedelta(minutes=j) for j in range(len(case.bars))]
    bars = esbt.load_bars(pl.DataFrame({"ts": times, **points, "volume": np.ones(len(times))}), "ES")
    values = np.zeros(len(bars), np.int8)
    values[case.signals] = 1
    [ratio] = set(case.target / case.stop)
    strategy = esbt.Signals(values=values, atr_ticks=case.stop.astype(float), stop_atr=1.0, target_r=ratio, flat_at_close=False)
    result = esbt.backtest(bars, strategy, cash=1e8, slippage_ticks=0, fee_usd=FEE)
    raw = result.raw_trades
    columns = {"entry_bar": raw["entry_bar"], "exit_bar": raw["exit_bar"]}
    prices = {name: raw[name] * TICK for name in ("entry_price", "exit_price")}
    return pl.DataFrame(columns | prices | {"pnl": result.trades["pnl"].to_numpy()})


def theirs(case: Case) -> pl.DataFrame:
    """Trades of backtesting.py; 50 units stand for one contract. Levels are placed with the order, from the open that will fill it."""
    wanted, fills = set(case.signals), case.bars[:, 0]

    class Prepared(Strategy):
        def init(self):
            pass

        def next(self):
            t = len(self.data) - 1
            if t in wanted and not self.position:
                fill = int(fills[t + 1])
                self.buy(size=MULTIPLIER, sl=(fill - int(case.stop[t])) * TICK, tp=(fill + int(case.target[t])) * TICK)

    frame = pd.DataFrame(
        case.bars * TICK, columns=["Open", "High", "Low", "Close"], index=pd.date_range("2024-01-02", periods=len(fills), freq="min")
    )
    trades = Backtest(frame, Prepared, cash=1e8, commission=(FEE, 0.0)).run()["_trades"].sort_values("EntryBar")
    names = {"EntryBar": "entry_bar", "ExitBar": "exit_bar", "EntryPrice": "entry_price", "ExitPrice": "exit_price", "PnL": "pnl"}
    return pl.DataFrame({new: trades[old].to_numpy() for old, new in names.items()})


def both_can_say(case: Case, t: int) -> bool:
    """Walks the signal's own trade on the plain bars: is it one of those that the two engines have in common?"""
    if not 0 < t < len(case.bars) - 1:
        return False
    fill = case.bars[t + 1, 0]
    stop, target = fill - case.stop[t], fill + case.target[t]
    if not stop < case.bars[t, 3] < target:
        return False
    for start, high, low, _ in case.bars[t + 1 :]:
        if low <= stop or high >= target:
            return not (start >= target and low <= stop)
    return False


def random_case(seed: int, n: int = 400) -> Case:
    """A walk of ticks with a gap at every third open, signals at one bar in four."""
    rng = np.random.default_rng(seed)
    bars, close = np.empty((n, 4), int), 16_000
    for j in range(n):
        start = close + (rng.integers(-12, 13) if rng.random() < 0.3 else 0)
        close = start + rng.integers(-6, 7)
        bars[j] = start, max(start, close) + rng.integers(0, 4), min(start, close) - rng.integers(0, 4), close
    stop = rng.integers(2, 16, n)
    case = Case(bars, [], stop, stop * int(rng.integers(1, 4)))
    case.signals = [int(t) for t in np.flatnonzero(rng.random(n) < 0.25) if both_can_say(case, int(t))]
    return case


# Bars in ticks after a bar that closes at 100; a long signal there, filled at the next open, 100 but for gaps; stop 4 ticks, target 8.
# The exit expected: bars after the signal bar, price.
DRAWN = {
    "target inside a bar": ([(100, 103, 99, 102), (102, 109, 101, 107)], 2, 108),
    "stop inside a bar": ([(100, 103, 99, 102), (102, 102, 95, 97)], 2, 96),
    "stop touched exactly": ([(100, 100, 96, 99)], 1, 96),
    "target touched exactly": ([(100, 108, 99, 99)], 1, 108),
    "missed by a tick, both ways": ([(100, 107, 97, 100), (100, 108, 98, 108)], 2, 108),
    "gap through the stop": ([(100, 103, 99, 102), (90, 98, 88, 97)], 2, 90),
    "gap through the target": ([(100, 103, 99, 102), (115, 116, 110, 111)], 2, 115),
    "gap onto the stop": ([(100, 103, 99, 102), (96, 99, 95, 97)], 2, 96),
    "both inside one bar: the stop": ([(100, 103, 99, 102), (102, 109, 95, 103)], 2, 96),
    "both inside the entry bar": ([(100, 110, 90, 100)], 1, 96),
    "gap at the entry": ([(103, 104, 102, 103), (103, 111, 103, 110)], 2, 111),
    "gap down at the entry": ([(97, 98, 94, 95), (95, 96, 92, 94)], 2, 93),
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn_trades(name):
    rows, after, price = DRAWN[name]
    quiet = (100, 100, 100, 100)
    bars = np.array([quiet, quiet, *rows, *[(rows[-1][3],) * 4] * 2])
    case = Case(bars, [1], np.full(len(bars), 4), np.full(len(bars), 8))
    mine, other = ours(case), theirs(case)
    assert mine.rows() == [
        (2, 1 + after, rows[0][0] * TICK, price * TICK, pytest.approx((price - rows[0][0]) * TICK * MULTIPLIER - 2 * FEE))
    ]
    assert_same(mine, other)


def assert_same(mine: pl.DataFrame, other: pl.DataFrame) -> None:
    """Bars and prices equal, USD within float rounding."""
    for column in ("entry_bar", "exit_bar", "entry_price", "exit_price"):
        assert mine[column].to_list() == other[column].to_list(), column
    np.testing.assert_allclose(other["pnl"].to_numpy(), mine["pnl"].to_numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_random_long_trades(seed):
    case = random_case(seed)
    mine = ours(case)
    assert len(mine) > 15
    assert_same(mine, theirs(case))


def test_the_random_cases_hold_what_matters():
    """Gaps through stops and targets, exits in the entry bar, wins and losses."""
    cases = [random_case(seed) for seed in range(8)]
    trades = [ours(case) for case in cases]
    first_bar = sum(int((t["entry_bar"] == t["exit_bar"]).sum()) for t in trades)
    gaps = {"stop": 0, "target": 0}
    for case, table in zip(cases, trades, strict=True):
        for entry, out, bought, sold, _ in table.iter_rows():
            moved = round((sold - bought) / TICK)
            gaps["stop"] += moved < -case.stop[entry - 1] and sold == case.bars[out, 0] * TICK
            gaps["target"] += moved > case.target[entry - 1] and sold == case.bars[out, 0] * TICK
    assert first_bar > 5
    assert min(gaps.values()) > 3, gaps
    assert all((t["pnl"] > 0).any() and (t["pnl"] < 0).any() for t in trades)
