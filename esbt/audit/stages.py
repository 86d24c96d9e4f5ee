"""What an audited subject consists of: for each stage of the line a function bars -> columns that computes it anew. Compares nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt._subjects import Columns
from esbt.account import Account
from esbt.backtest import run, simulate
from esbt.data.bars import Bars
from esbt.entry_model import EntryModel
from esbt.errors import EsbtError
from esbt.signals import Exits, Signals

FEATURES, SIGNALS, DECISIONS, TRADES = "features", "signals", "model decisions", "trades"
FOLLOWS = {DECISIONS: (FEATURES, SIGNALS), TRADES: (FEATURES, SIGNALS, DECISIONS)}  # what a stage is made of: its leak may be theirs
_WHOLE = {"reverse": False} | {f"scale{k}_{word}": None for k in (1, 2) for word in ("r", "share", "stop_r")}
MakesStrategy = Callable[[Bars], Exits]
MakesModel = Callable[[Bars], EntryModel]


def strategy_maker(strategy: Any) -> MakesStrategy:
    """A strategy, or a user's function bars -> strategy or sides (int8[N] in {-1, 0, +1}), as bars -> strategy."""
    if isinstance(strategy, Exits):
        return lambda bars: strategy
    if not callable(strategy):
        raise EsbtError(f"audit(strategy): {type(strategy).__name__}: give a strategy, or a function bars -> strategy or sides")

    def made(bars: Bars) -> Exits:
        found = strategy(bars)
        return found if isinstance(found, Exits) else Signals(values=found)

    return made


def model_maker(model: Any) -> MakesModel:
    """A user's function bars -> EntryModel, checked."""
    if not callable(model):
        raise EsbtError(
            f"audit(model): {type(model).__name__} holds the features of some bars: give a function bars -> esbt.EntryModel, such as "
            "lambda bars: learned.model(esbt.features(bars, names))"
        )

    def made(bars: Bars) -> EntryModel:
        found = model(bars)
        if not isinstance(found, EntryModel):
            raise EsbtError(f"audit(model): the function gave {type(found).__name__}, not an esbt.EntryModel")
        return found

    return made


def signal_columns(strategy: MakesStrategy) -> Callable[[Bars], Columns]:
    """Side and ATR of each bar."""

    def columns(bars: Bars) -> Columns:
        made = strategy(bars)
        return {"side": made.signals(bars), "atr": made.atr(bars)}

    return columns


def decision_columns(strategy: MakesStrategy, model: MakesModel, account: Account) -> Callable[[Bars], Columns]:
    """What the model says of each signal, at the bar it would be entered in: stop and target distance in ticks, confidence; NaN elsewhere.

    Every signal is a position of its own, and none is filtered, so that one decision cannot hide another.
    """

    def columns(bars: Bars) -> Columns:
        records = decisions(bars, strategy(bars), model(bars), account)
        at = records["entry_bar"]
        return {name: _at(at, records[name], len(bars)) for name in ("stop_distance", "target_distance", "confidence")}

    return columns


def decisions(bars: Bars, strategy: Exits, model: EntryModel, account: Account) -> npt.NDArray[np.void]:
    """The core's records of positions, one a signal, with what the model says of it; nothing is filtered by confidence."""
    single = account.model_copy(update={"size": 1})
    plan = single.plan(strategy.model_copy(update=_WHOLE), bars.instrument)
    records, _ = simulate(
        bars,
        strategy,
        plan,
        model=replace(model, threshold=0.0),
        each=True,
        fees_e4=account.fees_by_bar(bars),
        slips=account.slips_by_bar(bars),
    )
    return records


def trade_columns(strategy: MakesStrategy, model: MakesModel | None, account: Account) -> Callable[[Bars], Columns]:
    """Entries at their bar, and exits at the bar AFTER theirs, for a position that is open where bars are cut off ends there for want of
    bars. Prices and distances in ticks, P&L in 1e-4 USD."""

    def columns(bars: Bars) -> Columns:
        raw = run(bars, strategy(bars), account, model=model(bars) if model else None).raw_trades
        n, entry, left = len(bars), raw["entry_bar"], raw["exit_bar"].astype(np.int64) + 1
        names = ("side", "entry_price", "stop_distance", "target_distance")
        entered = {f"entry {name}": _at(entry, raw[name], n) for name in names}
        over = left < n
        exits = {f"exit {name}": _at(left[over], raw[name][over], n) for name in ("exit_price", "reason", "pnl_e4")}
        return entered | exits

    return columns


def _at(bars: npt.NDArray[Any], values: npt.NDArray[Any], n: int) -> npt.NDArray[np.float64]:
    out = np.full(n, np.nan)
    out[bars] = values
    return out
