"""What a walk-forward gives: for each run the test windows of all folds as one backtest, a table of folds, and how much of it may be luck.

Runs: "baseline", the strategy and account as given; "chosen", the best lane of each fold, where there is a grid; and each model on the
chosen lane. The last one is the result's own `trades`, `equity` and `metrics`.
"""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.data import Bars
from esbt.errors import unknown
from esbt.plan import TRADE_DTYPE, USD, Plan
from esbt.result import Result
from esbt.signals import e4
from esbt.sweep.space import said
from esbt.walkforward.fold import BASELINE, NO_LANE, FoldWork, metric_of
from esbt.walkforward.ledger import Piece, pieces_of, runs_of
from esbt.walkforward.luck import lane_ratios, luck_frame, target_intervals
from esbt.walkforward.windows import Fold, Windows, windows_frame

_ARRAYS = ("ts", "open", "high", "low", "close", "volume", "session", "segment", "spread", "buys")


class WalkForward:
    """Outcome of `esbt.walk_forward`. bars: those of all test windows, one after another. notes: sentences for the reader."""

    def __init__(self, work: FoldWork, frame: pl.DataFrame, windows: Windows, notes: tuple[str, ...], *, folder: Path | None) -> None:
        self._work, self._frame, self.windows, self.folder = work, frame, windows, folder
        self._folds, self._bound = list(work.folds), work.columns.bound
        names = runs_of(work)
        self._pieces = sorted(pieces_of(frame), key=lambda piece: (piece.fold, names.index(piece.run)))
        self.metric = work.choice.metric
        self._by_run = {name: [piece for piece in self._pieces if piece.run == name] for name in names}
        self.notes = (*_about(self._folds, windows), *notes, *self._notes_of_folds())

    def __repr__(self) -> str:
        return (
            f"WalkForward({len(self._folds)} folds, train {self.windows.train}, test {self.windows.test}, runs {', '.join(self._by_run)})"
        )

    @cached_property
    def bars(self) -> Bars:
        """Bars of all test windows."""
        whole = self._bound.bars
        if all(a.test_stop == b.test_start for a, b in zip(self._folds, self._folds[1:], strict=False)):
            return whole[self._folds[0].test_start : self._folds[-1].test_stop]
        own = {name: getattr(whole, name) for name in _ARRAYS}
        return replace(whole, truth=None, **{name: array[self.rows] for name, array in own.items() if array is not None})

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """Place of each of `bars` among the bars given, int64[N]."""
        return np.concatenate([np.arange(fold.test_start, fold.test_stop) for fold in self._folds])

    @cached_property
    def runs(self) -> dict[str, Result]:
        """Each run's folds as one `Result` on `bars`, whose equity carries over from fold to fold; the baseline first, the fullest last."""
        return {name: self._stitched(pieces) for name, pieces in self._by_run.items()}

    @property
    def result(self) -> Result:
        """The last of `runs`."""
        return self.runs[list(self._by_run)[-1]]

    @property
    def baseline(self) -> Result:
        """The strategy as given, over the same windows."""
        return self.runs[next(iter(self._by_run))]

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics of the last run over all folds, by name."""
        return self.result.metrics

    @property
    def equity(self) -> pl.DataFrame:
        """Marked equity in USD at the close of each bar of all test windows; `ts` is the bar's open, UTC."""
        return self.result.equity

    @property
    def trades(self) -> pl.DataFrame:
        """`fold`, then the columns of `Result.trades`, with entry_bar and exit_bar counted among the bars given."""
        return self.trades_of(list(self._by_run)[-1])

    def trades_of(self, run: str) -> pl.DataFrame:
        """The same of any run. Raises EsbtError for an unknown one."""
        if run not in self._by_run:
            raise unknown("run", run, self._by_run)
        folds = [np.full(len(piece.trades), piece.fold) for piece in self._by_run[run]]
        trades = self.runs[run].trades
        bars = {name: self.rows[trades[name].to_numpy()] for name in ("entry_bar", "exit_bar")}
        return trades.with_columns(**bars).insert_column(0, pl.Series("fold", np.concatenate(folds), dtype=pl.Int64))

    @cached_property
    def folds(self) -> pl.DataFrame:
        """One row a fold and run.

        fold, run, the windows (see `windows_frame`), lane and its parameters (null for the baseline, and where none was chosen), in_sample
        and out_of_sample (the metric chosen by, over the training and the test window), profit_in and profit_out (USD), trades_in and
        trades_out, efficiency (profit a session out of sample over profit a session in it, Pardo 2008, "The Evaluation and Optimization of
        Trading Strategies", ch. 11; NaN where training lost), cash (USD at its start).
        """
        windows = windows_frame(self._bound.bars, self._folds)
        rows = pl.DataFrame([self._row(piece) for piece in self._pieces], schema_overrides={"lane": pl.Int64})
        lanes = rows["lane"].unique().drop_nulls().to_numpy().astype(np.int64)
        axes = pl.DataFrame([pl.Series("lane", lanes, dtype=pl.Int64), *(self._bound.space.columns(lanes) if len(lanes) else ())])
        made = windows.join(rows, on="fold", how="inner", maintain_order="left_right")
        if len(self._bound) > 1:
            made = made.join(axes, on="lane", how="left", maintain_order="left")
        first = ["fold", "run"]
        return made.select(*first, *(name for name in made.columns if name not in first))

    @cached_property
    def luck(self) -> pl.DataFrame:
        """How much may be luck, a row a run: see `esbt.walkforward.luck.luck_frame`."""
        return luck_frame(self.runs, self.lane_ratios(), self.trials)

    @cached_property
    def targets(self) -> pl.DataFrame:
        """The six targets with confidence intervals, a row a run and target: see `esbt.walkforward.luck.target_intervals`."""
        return target_intervals(self.runs)

    @property
    def facts(self) -> pl.DataFrame:
        """What the models said of themselves: fold, run, fact, value (String)."""
        rows = [(p.fold, p.run, str(name), said(value)) for p in self._pieces for name, value in p.facts.items()]
        return pl.DataFrame(rows, schema={"fold": pl.Int64, "run": pl.String, "fact": pl.String, "value": pl.String}, orient="row")

    def report(self, out: str | Path) -> Path:
        """Write the report (all runs side by side, folds, targets with intervals, luck) into the folder `out`; returns the page's path."""
        from esbt.report import write_report  # slow to import

        tables = {"Folds": self.folds, "Targets out of sample, with 95 % intervals": self.targets, "How much is luck": self.luck}
        if len(self.facts):
            tables["What was learned"] = self.facts
        title = f"Walk-forward of {self._bound.bars.instrument.symbol}, {len(self._folds)} folds, all out of sample"
        return write_report(out, self.runs, title=title, notes=self.notes, tables=tables)

    def fold_result(self, fold: int, run: str) -> Result | None:
        """One run in one fold as a backtest of its own; None where it stood aside."""
        piece = self._by_run[run][fold]
        return None if piece.plan is None else self._result(self._bound.bars[self._folds[fold].test], piece.trades, piece.plan, piece)

    def _stitched(self, pieces: list[Piece]) -> Result:
        lengths = [fold.test_stop - fold.test_start for fold in self._folds]
        starts = np.cumsum([0, *lengths[:-1]])
        trades = [piece.trades.copy() for piece in pieces]
        for own, start in zip(trades, starts, strict=True):
            for name in ("signal_bar", "entry_bar", "exit_bar"):
                own[name] += start
        plans = [piece.plan for piece in pieces if piece.plan is not None]
        plan: Plan = plans[-1].copy() if plans else self._bound.base_account.plan(self._bound.base, self._bound.bars.instrument)
        plan["cash_e4"] = e4(self._bound.base_account.cash, "cash")
        joined = np.concatenate(trades) if trades else np.zeros(0, TRADE_DTYPE)
        return self._result(self.bars, joined.astype(TRADE_DTYPE), plan, *pieces)

    def _result(self, bars: Bars, trades: npt.NDArray[np.void], plan: Plan, *pieces: Piece) -> Result:
        account, base = self._bound.base_account, self._bound.base
        reasons = dict.fromkeys(reason for piece in pieces for reason in piece.skipped)
        sizes = list(dict.fromkeys(piece.size for piece in pieces if piece.size))
        rules = {name: value for name, value in base.model_dump().items() if name not in ("values", "atr_ticks")}
        settings: dict[str, Any] = account.described(bars.instrument, bars) | {"strategy": type(base).__name__} | rules
        if len(self._bound) > 1 and pieces[0].run != BASELINE:
            settings |= dict.fromkeys(self._bound.places, "chosen in each fold")
        settings |= {"size": sizes[0] if len(sizes) == 1 else f"{len(sizes)} sizes, one a fold"} | self.windows.described()
        swept = {"fee_usd", "fee_table"} & set(self._bound.places)  # then no one schedule has the costs of all folds
        return Result(
            bars=bars,
            raw_trades=trades,
            plan=plan,
            skipped={reason: sum(piece.skipped.get(reason, 0) for piece in pieces) for reason in reasons},
            cash=int(plan["cash_e4"][0]) / USD,
            settings=settings,
            fees=None if swept else account.fees(bars.instrument),
        )

    def _row(self, piece: Piece) -> dict[str, Any]:
        fold = self._folds[piece.fold]
        result, nan = self.fold_result(piece.fold, piece.run), float("nan")
        out = nan if result is None else metric_of(result, self.metric)
        sessions = [len(np.unique(self._bound.bars.session[rows])) for rows in (fold.train, fold.test)]
        profit_in, profit_out = piece.in_sample["net_profit"], piece.net_e4 / USD
        return {
            "fold": piece.fold,
            "run": piece.run,
            "lane": piece.lane if piece.lane >= 0 and len(self._bound) > 1 else None,
            "in_sample": piece.in_sample["metric"],
            "out_of_sample": out,
            "profit_in": profit_in,
            "profit_out": profit_out,
            "trades_in": piece.in_sample["trades"],
            "trades_out": float(len(piece.trades)),
            "efficiency": (profit_out / sessions[1]) / (profit_in / sessions[0]) if profit_in > 0 else nan,
            "cash": piece.cash_e4 / USD,
        }

    def _notes_of_folds(self) -> list[str]:
        """What folds said, once each, with the runs and folds that said it."""
        by_text: dict[str, dict[str, list[int]]] = {}
        for piece in self._pieces:
            for note in dict.fromkeys(piece.notes):
                by_text.setdefault(note, {}).setdefault(piece.run, []).append(piece.fold)
        return [f"{'; '.join(f'{run}, {_folds_said(folds)}' for run, folds in runs.items())}: {note}" for note, runs in by_text.items()]

    def lane_ratios(self) -> npt.NDArray[np.float64]:
        """Sharpe ratio a session of every lane traded unchanged through all test windows, float64[L]."""
        return lane_ratios(self._frame, len(self.result.daily))

    @property
    def trials(self) -> int:
        """Every lane with every model and with none."""
        return len(self._bound) * (1 + len(self._work.models))

    def lane_chosen(self, fold: int) -> int | None:
        """The lane chosen in a fold; None where none had trades enough."""
        lane = self._by_run[list(self._by_run)[-1]][fold].lane
        return None if lane == NO_LANE else max(lane, 0)


def _folds_said(folds: list[int]) -> str:
    """'fold 3', 'folds 3 to 9', 'folds 1, 4'."""
    if len(folds) == 1:
        return f"fold {folds[0]}"
    unbroken = folds[-1] - folds[0] == len(folds) - 1
    return f"folds {folds[0]} to {folds[-1]}" if unbroken else f"folds {', '.join(str(fold) for fold in folds)}"


def _about(folds: list[Fold], windows: Windows) -> list[str]:
    kind = "from the first session on" if windows.anchored else "rolling"
    return [
        f"{len(folds)} folds: train {windows.train} ({kind}), embargo {windows.embargo}, test {windows.test}. Every figure but in_sample, "
        "profit_in and trades_in is of test windows, which nothing was chosen or learned from.",
        "Each fold begins flat with the closed equity of the one before it, and is flat again at its last close.",
    ]
