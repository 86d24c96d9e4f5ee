"""One backtest: bars and a strategy in, trades, marked equity and metrics out. The loop itself is csrc/esbt/simulate.hpp."""

from functools import partial
from typing import Any, Never

import numpy as np
import numpy.typing as npt

from esbt import _core
from esbt.account import Account, Kelly, Path, Risk, Volatility
from esbt.data import Bars
from esbt.data.resample import source_rows
from esbt.entry_model import EntryModel
from esbt.errors import EsbtError, unknown
from esbt.plan import TRADE_DTYPE, Plan
from esbt.result import Result
from esbt.signals import Exits
from esbt.windows import after_flat, entry_window


def backtest(
    bars: Bars,
    strategy: Exits,
    *,
    cash: float = 100_000.0,
    size: int | Risk | Volatility | Kelly = 1,
    slippage_ticks: int = 1,
    slippage_atr: float = 0.0,
    slippage_spread: bool = False,
    fee_usd: float | None = None,
    fee_table: str | None = None,
    path: Path = "worst",
    target_through_ticks: int = 0,
    volume_share: float | None = None,
    finer: Bars | None = None,
    model: EntryModel | None = None,
    **unknown_words: Never,
) -> Result:
    """Backtest one strategy on bars, by the rulebook (docs/rulebook.md): a signal at a bar's close is acted on from the next bar's open.

    bars: esbt.Bars of N bars. strategy: `AtrStrategy`, or `Signals` with sides of your own. cash: USD. size: whole contracts, `Risk`,
    `Volatility` or `Kelly`. slippage_ticks, slippage_atr, slippage_spread (half the quoted spread): on market and stop fills, never on
    targets and limit entries; volume_share: see `Account`. fee_usd: per contract and side, None for the instrument table's; fee_table:
    "historical" or a CSV of fees by date. path: "worst", "best", "nearest" or "finer" decides where two levels lie inside one bar; "finer"
    looks at `finer`, bars of a shorter interval on the same instrument. model: learned decisions on entries and stops.
    Returns a `Result`.
    Raises EsbtError for settings that are unknown, of a wrong type or in contradiction, before any work starts.
    """
    for word in unknown_words:
        raise unknown("parameter", word, set(backtest.__annotations__) - {"return", "unknown_words"})
    if not isinstance(bars, Bars):
        raise EsbtError(f"bars must be esbt.Bars, got {type(bars).__name__}: use esbt.load_bars(...)")
    if not isinstance(strategy, Exits):
        raise EsbtError(f"strategy must be an AtrStrategy or Signals, got {type(strategy).__name__}")
    if model is not None and not isinstance(model, EntryModel):
        raise EsbtError(f"model must be an esbt.EntryModel, got {type(model).__name__}")
    account = Account(
        cash=cash,
        size=size,
        slippage_ticks=slippage_ticks,
        slippage_atr=slippage_atr,
        slippage_spread=slippage_spread,
        fee_usd=fee_usd,
        fee_table=fee_table,
        path=path,
        target_through_ticks=target_through_ticks,
        volume_share=volume_share,
    )
    if isinstance(size, Kelly) and (model is None or model.confidence is None):
        raise EsbtError("size Kelly needs a probability: give a model with a confidence hook")
    return run(bars, strategy, account, finer=finer, model=model)


def run(bars: Bars, strategy: Exits, account: Account, *, finer: Bars | None = None, model: EntryModel | None = None) -> Result:
    """`backtest` with its account already checked."""
    plan, fees = account.plan(strategy, bars.instrument), account.fees(bars.instrument)
    trades, skipped = simulate(
        bars,
        strategy,
        plan,
        finer=finer,
        model=model,
        fees_e4=account.fees_by_bar(bars, fees),
        slips=account.slips_by_bar(bars),
    )
    settings = account.described(bars.instrument, bars, fees) | {"strategy": type(strategy).__name__} | _described(strategy)
    rerun = partial(_under_path, bars, strategy, account, finer=finer, model=model)
    return Result(
        bars=bars,
        raw_trades=trades,
        plan=plan,
        skipped=skipped,
        cash=account.cash,
        settings=settings,
        rerun=rerun,
        fees=fees,
    )


def _under_path(bars: Bars, strategy: Exits, account: Account, path: str, *, finer: Bars | None, model: EntryModel | None) -> Result:
    """The same run under another path: an end of `Result.band`."""
    return run(bars, strategy, account.model_copy(update={"path": path}), finer=finer, model=model)


def simulate(
    bars: Bars,
    strategy: Exits,
    plan: Plan,
    *,
    finer: Bars | None = None,
    model: EntryModel | None = None,
    each: bool = False,
    fees_e4: npt.NDArray[np.int64] | None = None,
    slips: npt.NDArray[np.int32] | None = None,
) -> tuple[npt.NDArray[np.void], dict[str, int]]:
    """The core's loop: raw trades (TRADE_DTYPE, ticks and 1e-4 USD) and counts of skipped signals.

    each: one independent position per signal, overlaps allowed, for labels. fees_e4: int64[N], 1e-4 USD per contract and side, where they
    differ by date. slips: int32[N], further ticks that a market or stop fill in that bar pays, such as half a quoted spread.
    Raises what a hook's own callable raised, and EsbtError where a hook failed or gave a stop of NaN.
    """
    core_model, hooks = model.prepare(len(bars)) if model else (None, [])
    loop = _core.simulate_each if each else _core.simulate
    core_bars, closed = open_hours(bars, strategy)
    sides, outside = in_open_hours(strategy.signals(bars), closed)
    try:
        trades, skipped = loop(
            core_bars,
            sides,
            strategy.atr(bars),
            plan,
            finer=finer.core if finer is not None else None,
            finer_first=finer_rows(bars, finer),
            model=core_model,
            fees_e4=fees_e4,
            slips=slips,
        )
    except OverflowError as error:
        raise EsbtError(f"money beyond what the core can count exactly: {error}; give a smaller size or max_contracts") from None
    except RuntimeError as error:
        for hook in hooks:
            hook.raise_pending()
        raise EsbtError(f"the entry model failed: {error}") from error
    return trades.astype(TRADE_DTYPE, copy=False), skipped | {"window": outside}


def open_hours(bars: Bars, strategy: Exits) -> tuple["_core.CoreBars", npt.NDArray[np.bool_] | None]:
    """The bars for the core, and those closed to signals by the strategy's times of day, bool[N]; None for none.

    A flat time ends the session early: for the core its later bars are a session of their own, in which no signal stands.
    """
    core = bars.core
    if strategy.entry_from is None and strategy.flat_at is None:
        return core, None
    closed = np.zeros(len(bars), dtype=np.bool_)
    if strategy.entry_from is not None and strategy.entry_until is not None:
        closed |= ~entry_window(bars, strategy.entry_from, strategy.entry_until)
    if strategy.flat_at is not None:
        late = after_flat(bars, strategy.flat_at)
        closed |= late
        session = 2 * bars.session + late.astype(np.int32)
        core = _core.CoreBars(bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume, session, bars.segment)
    return core, closed


def in_open_hours(sides: npt.NDArray[np.int8], closed: npt.NDArray[np.bool_] | None) -> tuple[npt.NDArray[np.int8], int]:
    """The signals of bars that are not closed, int8[N], and how many were taken out."""
    if closed is None:
        return sides, 0
    outside = int(np.count_nonzero(sides[closed]))
    return (np.where(closed, np.int8(0), sides) if outside else sides), outside


def finer_rows(bars: Bars, finer: Bars | None) -> npt.NDArray[np.int64] | None:
    """Row of the first finer bar of each bar, int64[N + 1]. Raises EsbtError where finer bars are not finer or leave their bar's range."""
    if finer is None:
        return None
    if finer.instrument.symbol != bars.instrument.symbol:
        raise EsbtError(f"finer bars are {finer.instrument.symbol}, the bars are {bars.instrument.symbol}: give the same instrument")
    own = source_rows(bars, finer)  # of bars made of these finer bars, which may be of any length
    if own is None and len(bars) and len(finer) and finer.interval_ns >= bars.interval_ns:
        raise EsbtError(f"finer bars have interval {finer.interval_ns} ns, not below the bars' {bars.interval_ns} ns")
    starts = np.searchsorted(finer.ts, bars.ts, side="left") if own is None else own[:-1]
    ends = np.searchsorted(finer.ts, bars.ts + bars.interval_ns, side="left") if own is None else own[1:]
    counts = ends - starts
    inside = np.repeat(np.arange(len(bars)), counts)
    rows = np.arange(inside.size) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
    wrong = np.flatnonzero((finer.high[rows] > bars.high[inside]) | (finer.low[rows] < bars.low[inside]))
    if wrong.size:
        raise EsbtError(f"finer bar at row {rows[wrong[0]]} leaves the range of bar {inside[wrong[0]]}: the two files disagree")
    if rows.size != len(finer):
        raise EsbtError(f"{len(finer) - rows.size} finer bars lie outside every bar: cut both files to the same span")
    return np.append(starts, len(finer)).astype(np.int64)


def _described(strategy: Exits) -> dict[str, Any]:
    return {name: value for name, value in strategy.model_dump().items() if name not in ("values", "atr_ticks")}
