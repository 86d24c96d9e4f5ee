"""What an audited subject consists of: for each stage of the line a function bars -> columns that computes it anew. Compares nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt._subjects import Columns
from esbt.account import Account
from esbt.backtest import run
from esbt.data.bars import Bars
from esbt.entry_model import Ask, EntryModel
from esbt.errors import EsbtError
from esbt.features.matrix import Features
from esbt.signals import Exits, Signals

FEATURES, SIGNALS, INPUTS, DECISIONS, TRADES = "features", "signals", "model features", "model decisions", "trades"
FOLLOWS = {  # what a stage is made of: its leak may be theirs
    INPUTS: (FEATURES,),
    DECISIONS: (FEATURES, SIGNALS, INPUTS),
    TRADES: (FEATURES, SIGNALS, INPUTS, DECISIONS),
}
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


def input_columns(model: MakesModel) -> Callable[[Bars], Columns]:
    """The features the model is given."""
    return lambda bars: dict(zip((own := model(bars).features).names, own.matrix, strict=True))


def decision_columns(strategy: MakesStrategy, model: MakesModel) -> Callable[[Bars], Columns]:
    """What the model says of each signal at its bar, NaN elsewhere; none is filtered, so that one decision cannot hide another."""

    def columns(bars: Bars) -> Columns:
        at, stop_atr, confidence = decisions(bars, strategy(bars), model(bars))
        return {"stop_atr": _at(at, stop_atr, len(bars)), "confidence": _at(at, confidence, len(bars))}

    return columns


def decisions(bars: Bars, strategy: Exits, model: EntryModel) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[Any]]:
    """Signal bars int64[S], stop in ATR and calibrated confidence float64[S] (NaN without that phase), as csrc/esbt/decide.hpp has them
    before the first trade: a drawdown of 0."""
    sides, atr = strategy.signals(bars), strategy.atr(bars)
    at = np.flatnonzero((sides != 0) & ~np.isnan(atr))
    state = {"side": sides[at].astype(np.float64), "drawdown": np.zeros(at.size)}
    fixed = np.nan if strategy.stop_atr is None else strategy.stop_atr
    state["stop_atr"] = np.full(at.size, fixed)
    if model.stop is not None:
        state["stop_atr"] = np.clip(_answers(model.stop, model.features, at, state), *model.stop_bounds)
    if model.confidence is None:
        return at, state["stop_atr"], np.full(at.size, np.nan)
    from scipy.special import expit  # slow to import

    a, b = model.calibration
    return at, state["stop_atr"], expit(a * _answers(model.confidence, model.features, at, state) + b)


def _answers(ask: Ask, features: Features, at: npt.NDArray[np.int64], state: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    columns = [state[name] if name in state else features.column(name)[at] for name in ask.inputs]
    return np.asarray(ask.resolved()(np.ascontiguousarray(np.column_stack(columns), dtype=np.float32)))


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
