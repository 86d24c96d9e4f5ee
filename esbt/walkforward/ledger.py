"""The ledger of a walk-forward: folds traded one after another, each run's account carried from fold to fold, and each fold as a frame of
one row a run, for a folder to keep. Chooses nothing and trains nothing.

A fold begins flat with the closed equity of the fold before it, so sizes see the true equity, and is flat again at its last close
(`end_of_data`). A run whose equity is gone stands aside from then on.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.backtest import run
from esbt.files import jsonable
from esbt.plan import PLAN_DTYPE, TRADE_DTYPE, USD, Plan
from esbt.signals import e4
from esbt.sweep.block import Part
from esbt.walkforward.columns import BASE
from esbt.walkforward.fold import BASELINE, CHOSEN, NO_LANE, FoldWork, Found, trained_of


@dataclass(frozen=True, eq=False)
class Piece:
    """One run in one fold. lane: BASE, a lane, or NO_LANE. cash_e4, in 1e-4 USD: closed equity at its start. trades: TRADE_DTYPE, bars
    counted from the test window's first. plan: what it traded by; None where it stood aside. in_sample: metric, net_profit, trades of the
    training window, NaN where there is none."""

    fold: int
    run: str
    lane: int
    cash_e4: int
    trades: npt.NDArray[np.void]
    plan: Plan | None
    skipped: dict[str, int]
    in_sample: dict[str, float]
    size: str
    facts: dict[str, Any]
    notes: list[str]

    @property
    def net_e4(self) -> int:
        """P&L of its trades, 1e-4 USD."""
        return int(self.trades["pnl_e4"].sum())


class Ledger:
    """Trades folds in their order. pieces: of the folds traded so far (of an earlier run of the program)."""

    def __init__(self, work: FoldWork, pieces: Sequence[Piece]) -> None:
        self._work, self._runs = work, runs_of(work)
        start = e4(work.columns.bound.base_account.cash, "cash")
        self._cash = dict.fromkeys(self._runs, start)
        for piece in pieces:
            self._cash[piece.run] += piece.net_e4

    def trade(self, found: Found) -> Part:
        """Trade the test window of the next fold, in every run."""
        pieces = [self._piece(found, name) for name in self._runs]
        for piece in pieces:
            self._cash[piece.run] += piece.net_e4
        return Part(found.number, frame_of(pieces, found), None)

    def _piece(self, found: Found, name: str) -> Piece:
        columns, fold, cash_e4 = self._work.columns, self._work.folds[found.number], self._cash[name]
        lane = BASE if name == BASELINE else found.lane
        notes = [] if name == BASELINE else list(found.notes)
        in_sample = found.in_sample.get(name, {"metric": float("nan"), "net_profit": float("nan"), "trades": float("nan")})
        if lane == NO_LANE or cash_e4 <= 0:
            notes += ["The equity is gone: nothing was traded."] if cash_e4 <= 0 else []
            return Piece(found.number, name, lane, cash_e4, np.zeros(0, TRADE_DTYPE), None, {}, in_sample, "", {}, notes)
        account, model, facts = columns.account(lane).model_copy(update={"cash": cash_e4 / USD}), None, {}
        if name in found.trained:
            kind = next(model for model in self._work.models if model.name == name)
            trained = trained_of(kind, found.trained[name])
            account, model = trained.account(account), trained.model(self._work.features[name][fold.test])
            notes, facts = notes + list(trained.notes), dict(trained.facts)
        result = run(columns.bound.bars[fold.test], columns.strategy(lane, fold.test), account, model=model)
        size = str(account.described(columns.bound.bars.instrument)["size"])
        return Piece(found.number, name, lane, cash_e4, result.raw_trades, result.plan, result.skipped, in_sample, size, facts, notes)


def runs_of(work: FoldWork) -> list[str]:
    """Names of the runs, the baseline first, the fullest last."""
    chosen = [CHOSEN] if len(work.columns.bound) > 1 else []
    return [BASELINE, *chosen, *(model.name for model in work.models)]


def frame_of(pieces: Sequence[Piece], found: Found) -> pl.DataFrame:
    """The pieces of one fold, a row each; the sums by lane stand in the first."""
    said = [json.dumps(jsonable({name: getattr(piece, name) for name in _SAID})) for piece in pieces]
    columns: dict[str, list[Any]] = {
        "lane": [piece.lane for piece in pieces],
        "fold": [piece.fold for piece in pieces],
        "run": [piece.run for piece in pieces],
        "cash_e4": [piece.cash_e4 for piece in pieces],
        "trades": [piece.trades.tobytes() for piece in pieces],
        "plan": [None if piece.plan is None else piece.plan.tobytes() for piece in pieces],
        "said": said,
    }
    columns |= {f"in_{name}": [piece.in_sample[name] for piece in pieces] for name in _IN}
    columns |= {f"lanes_{name}": [getattr(found.lanes, name).tolist(), *[None] * (len(pieces) - 1)] for name in _SUMS}
    return pl.DataFrame(columns, schema=_SCHEMA)


def pieces_of(frame: pl.DataFrame) -> list[Piece]:
    """What `frame_of` wrote, of all folds there, in their order; in a fold in any order."""
    pieces = []
    for row in frame.drop([name for name in frame.columns if name.startswith("lanes_")]).iter_rows(named=True):
        said = json.loads(row["said"])
        trades, plan = np.frombuffer(row["trades"], TRADE_DTYPE), row["plan"]
        pieces.append(
            Piece(
                fold=row["fold"],
                run=row["run"],
                lane=row["lane"],
                cash_e4=row["cash_e4"],
                trades=trades.copy(),
                plan=None if plan is None else np.frombuffer(plan, PLAN_DTYPE).copy(),
                in_sample={name: row[f"in_{name}"] for name in _IN},
                **{name: said[name] for name in _SAID},
            )
        )
    return sorted(pieces, key=lambda piece: piece.fold)


_SAID = ("skipped", "size", "facts", "notes")
_IN = ("metric", "net_profit", "trades")
_SUMS = ("metric", "trades", "test_sum", "test_squares")
_SCHEMA: dict[str, Any] = {
    "lane": pl.Int64, "fold": pl.Int64, "run": pl.String, "cash_e4": pl.Int64, "trades": pl.Binary, "plan": pl.Binary, "said": pl.String,
}  # fmt: skip
_SCHEMA |= {f"in_{name}": pl.Float64 for name in _IN} | {f"lanes_{name}": pl.List(pl.Float64) for name in _SUMS}
