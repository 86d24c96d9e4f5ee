"""The delayed-entry test: what is left of the profit when orders go out one bar later, and later still?

Who knows something at a bar's close loses little by acting a bar late; who knows the next bar, or trades at a price that was gone when the
signal was known, loses all. THE RULE, on profit before costs (fees and slippage would make a thin, honest profit look fragile), summed by
session of the signal: a leak is found where all of these hold:

1. there is a profit to explain: the sessions' mean with no delay is above 0, p <= level;
2. the first bar of delay costs much of it: the mean of "no delay less one bar" is above 0, p <= level;
3. what one bar of delay keeps is under half.

p as `mean_above_zero`: Student's t or the stationary bootstrap, whichever is greater. So a strategy without edge is blamed in at most
`level` of cases (rule 1), one with an edge that decays over several bars by rule 3 not at all. An honest edge that truly lives for one bar
is blamed: from bars alone nobody can show that it can be had.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.account import Account
from esbt.audit.result import DELAY, Audit, Check, Finding
from esbt.audit.stages import MakesModel, MakesStrategy
from esbt.backtest import run
from esbt.data.bars import Bars
from esbt.entry_model import EntryModel
from esbt.errors import EsbtError
from esbt.plan import USD
from esbt.signals import Exits, Signals
from esbt.stats._mean import mean_above_zero
from esbt.stats.bootstrap import LEAST_SESSIONS

DELAYS = (0, 1, 2, 3, 5, 10)
KEPT = 0.5
STAGE = "trades"
_FREE = {"fee_usd": 0.0, "fee_table": None, "slippage_ticks": 0, "slippage_atr": 0.0, "slippage_spread": False}


def delay_test(
    strategy: MakesStrategy, model: MakesModel | None, bars: Bars, account: Account, *, delays: Sequence[int], level: float
) -> Audit:
    """The rule, and profit by delay in `Audit.delays`: delay (bars), trades, before_costs_usd, net_usd, kept (of before_costs_usd)."""
    if list(delays[:2]) != [0, 1] or list(delays) != sorted(set(delays)):
        raise EsbtError(f"audit(delays): {tuple(delays)!r}: give bars of delay in ascending order that begin with 0, 1")
    own, asked = strategy(bars), model(bars) if model else None
    free = account.model_copy(update=_FREE)
    by_session: list[npt.NDArray[np.float64]] = []
    rows: list[tuple[int, int, float, float, float]] = []
    for delay in delays:
        late, known = _late(own, asked, bars, delay)
        before = run(bars, late, free, model=known).raw_trades
        by_session.append(_by_session(before, bars))
        usd = float(before["pnl_e4"].sum()) / USD
        net = float(run(bars, late, account, model=known).raw_trades["pnl_e4"].sum()) / USD
        rows.append((delay, len(before), usd, net, usd / rows[0][2] if rows and rows[0][2] > 0 else (1.0 if usd > 0 else float("nan"))))
    frame = pl.DataFrame(rows, schema=["delay", "trades", "before_costs_usd", "net_usd", "kept"], orient="row")
    return _judged(by_session[0], by_session[1], rows[1][4], level, frame)


def _judged(now: npt.NDArray[np.float64], late: npt.NDArray[np.float64], kept: float, level: float, frame: pl.DataFrame) -> Audit:
    trades, usd = frame["trades"][0], frame["before_costs_usd"]
    if np.count_nonzero(now) < LEAST_SESSIONS:
        text = f"{trades} trades in {np.count_nonzero(now)} sessions: {LEAST_SESSIONS} sessions with trades can be judged"
        return Audit((Check(DELAY, STAGE, None, text, kept, "share kept"),), delays=frame)
    profit, lost = mean_above_zero(now), mean_above_zero(now - late)
    text = (
        f"{usd[0]:,.0f} USD before costs (above 0: p {profit:.4f}), {usd[1]:,.0f} one bar later (the loss: p {lost:.4f}), level {level:g}"
    )
    if profit > level:
        return Audit((Check(DELAY, STAGE, True, f"no profit to explain: {text}", kept, "share kept"),), delays=frame)
    if lost > level or kept >= KEPT:
        return Audit((Check(DELAY, STAGE, True, text, kept, "share kept"),), delays=frame)
    why = f"one bar's delay leaves {kept:.0%} of the profit: it lives on look-ahead or on prices that could not be had; {text}"
    return Audit((Check(DELAY, STAGE, False, text, kept, "share kept"),), (Finding(DELAY, STAGE, why),), frame)


def _late(own: Exits, model: EntryModel | None, bars: Bars, delay: int) -> tuple[Exits, EntryModel | None]:
    """The strategy and its model, so many bars late. `reverse` knows no latency: there signals, ATR and features themselves come later,
    within their session."""
    if not own.reverse or delay == 0:
        return own.model_copy(update={"latency_bars": own.latency_bars + delay}), model
    sides, atr = np.zeros(len(bars), np.int8), np.full(len(bars), np.nan)
    sides[delay:], atr[delay:] = own.signals(bars)[:-delay], own.atr(bars)[:-delay]
    sides[delay:][bars.session[delay:] != bars.session[:-delay]] = 0
    late = Signals(values=sides, atr_ticks=atr, **own.exits())
    if model is None:
        return late, None
    matrix = np.full_like(model.features.matrix, np.nan)
    matrix[:, delay:] = model.features.matrix[:, :-delay]
    return late, replace(model, features=replace(model.features, matrix=matrix))


def _by_session(trades: npt.NDArray[np.void], bars: Bars) -> npt.NDArray[np.float64]:
    """USD by the session of the signal, over all sessions of the bars."""
    sessions, which = np.unique(bars.session, return_inverse=True)
    return np.bincount(which[trades["signal_bar"]], trades["pnl_e4"] / USD, minlength=len(sessions)).astype(np.float64)
