"""Markets and random spaces for the tests of sweeps: every axis there is, with values that often contradict; and a kill."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import esbt
from esbt.data import Bars
from esbt.errors import EsbtError

BARS = esbt.synthetic_bars(days=6, interval="15min", edge=0.3, seed=5)
PREDICTIONS = np.where(np.arange(len(BARS)) % 7 == 0, np.nan, np.random.default_rng(1).random(len(BARS)))

VALUES: dict[str, list[Any]] = {
    "fast": [2, 3, 5],
    "slow": [4, 8, 13],
    "side": ["long", "short", "both"],
    "atr_period": [3, 7, 14],
    "stop_atr": [0.5, 1, 2.0, None],
    "target_r": [0.5, 1.0, 3.0, None],
    "stop_ticks": [4, 20, None],
    "target_atr": [0.7, 2.0, None],
    "target_ticks": [3, 30, None],
    "trail_atr": [0.5, 1.5, None],
    "trail_ticks": [6, None],
    "chandelier_atr": [1.0, 2.5, None],
    "break_even_r": [0.3, 1.0, None],
    "break_even_offset_ticks": [-2, 0, 3],
    "max_bars": [1, 5, 40, None],
    "flat_at_close": [True, False],
    "reverse": [True, False],
    "latency_bars": [0, 1, 3],
    "cooldown_bars": [0, 2, 9],
    "max_trades": [1, 3, None],
    "daily_loss": [50.0, 200.5, None],
    "daily_profit": [100.0, 1000.0, None],
    "entry": ["market", "stop", "limit"],
    "entry_offset_atr": [0.0, 0.4, None],
    "entry_offset_ticks": [0, 5, None],
    "entry_bars": [1, 4, None],
    "entry_through_ticks": [0, 1],
    "scale1_r": [0.4, 1.0, None],
    "scale1_share": [0.3, 0.5, None],
    "scale1_stop_r": [0.0, -0.5, None],
    "scale2_r": [0.8, 2.0, None],
    "scale2_share": [0.2, 0.5, None],
    "scale2_stop_r": [0.2, None],
    "entry_from": ["08:30", None],
    "entry_until": ["12:00", "15:00", None],
    "flat_at": ["14:55", None],
    "cash": [10_000, 50_000.5],
    "size": [1, 5, esbt.Risk(fraction=0.02), esbt.Risk(fraction=0.01, max_contracts=3), esbt.Volatility(daily=0.02)],
    "slippage_ticks": [0, 1, 4],
    "slippage_atr": [0.0, 0.15],
    "slippage_spread": [False],
    "fee_usd": [0.0, 2.25, 4.1, None],
    "fee_table": [None, "historical"],
    "path": ["worst", "best", "nearest"],
    "target_through_ticks": [0, 2],
    "volume_share": [0.001, 0.5, None],
    "confidence": [0.2, 0.5, 0.9],
}


def axes(most: int = 5, least: int = 1, names: list[str] | None = None) -> st.SearchStrategy[dict[str, list[Any]]]:
    """A space: some axes, some values of each, both in any order."""
    chosen = st.lists(st.sampled_from(names or sorted(VALUES)), min_size=least, max_size=most, unique=True)
    return chosen.flatmap(
        lambda picked: st.fixed_dictionaries(
            {
                name: st.lists(st.integers(0, len(VALUES[name]) - 1), min_size=1, max_size=3, unique=True).map(
                    lambda places, name=name: [VALUES[name][k] for k in places]
                )
                for name in picked
            }
        )
    )


def single(bars: Bars, strategy: esbt.Exits, parameters: dict[str, Any], account: dict[str, Any]) -> esbt.Result:
    """The backtest of one lane, put together without the sweep's own code."""
    given, words = dict(parameters), dict(account)
    cut = given.pop("confidence", None)
    words |= {name: given.pop(name) for name in list(given) if name in esbt.Account.model_fields}
    size_words = {name.removeprefix("size."): given.pop(name) for name in list(given) if name.startswith("size.")}
    if size_words:
        words["size"] = words["size"].model_copy(update=size_words)
    rules = type(strategy)(**{name: getattr(strategy, name) for name in type(strategy).model_fields} | given)
    if cut is not None:
        sides = rules.signals(bars).copy()
        sides[~(cut <= PREDICTIONS)] = 0
        rules = esbt.Signals(values=sides, atr_ticks=rules.atr(bars), **rules.exits())
    return esbt.backtest(bars, rules, **words)


def contradicts(bars: Bars, strategy: esbt.Exits, parameters: dict[str, Any], account: dict[str, Any]) -> bool:
    """Whether a lane's own settings refuse it."""
    try:
        single(bars, strategy, parameters, account)
    except EsbtError:
        return True
    return False


def killed_after(child: subprocess.Popen[bytes], parts: Path, count: int, pause: float) -> bool:
    """Whether kill -9 found the process alive, once the folder holds this many parts (-1: before there is one) and the pause is over."""
    while child.poll() is None and (len(list(parts.glob("part-*"))) if parts.exists() else -1) < count:
        time.sleep(0.001)
    time.sleep(pause)
    child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL
