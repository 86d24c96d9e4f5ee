"""What the tests of the learning part share: small markets, quick settings, a pipeline on given bars, labels from plain numbers.

Trees are grown on one thread: a few hundred rows are done sooner than threads agree on, above all on a busy machine.
"""

import io
import os
import sys
from functools import cache
from pathlib import Path

import numpy as np
import threadpoolctl
from hypothesis import strategies as st
from rich.console import Console

import esbt
from esbt.data import Bars
from esbt.features import Features
from python_models import Labels, Learned, Learning, RunConfig, Synthetic, TradingSystemPipeline, Training, learn
from python_models.splits import Window, last_part

threadpoolctl.threadpool_limits(1, user_api="openmp")

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
LEARN = sys.modules["python_models.learn"]  # the module; the package's own name `learn` is the function
QUICK = {
    "min_labels": 50, "trees": 40, "embargo_bars": 24, "models": ("lightgbm", "xgboost"), "trials": 1, "folds": 3, "network_epochs": 4,
    "stop_target": "excursion",
}  # fmt: skip


def quick(**changes) -> Learning:
    """Settings of learning that take a fraction of a second on a few hundred trades."""
    return Learning(**(QUICK | changes))


@cache
def market(days=40, edge=1.0, seed=1, interval="1min") -> Bars:
    """A synthetic market, made once a session of tests."""
    return esbt.synthetic_bars(days=days, interval=interval, edge=edge, seed=seed)


@cache
def quick_run(days=40, edge=1.0, seed=1, interval="1min", **learning) -> tuple[RunConfig, Bars, Features, Training, Learned, Window]:
    """Everything up to the test window of such a market: settings, bars, features, training, what was learned, test window."""
    config = RunConfig(learning=quick(**learning))
    bars = market(days, edge, seed, interval)
    columns = esbt.features(bars, config.learning.features)
    part, test = last_part(Window(0, len(bars)), config.learning.test_fraction, config.learning.embargo_bars)
    training = Training(bars[: part.stop], columns[: part.stop], config.strategy, config.account, config.learning)
    return config, bars, columns, training, learn(training), test


def small_config(out: Path, **learning) -> RunConfig:
    """A run of a few seconds, report included."""
    return RunConfig(synthetic=Synthetic(days=40, edge=1.0, seed=1), learning=quick(**learning), out=str(out))


def silent() -> Console:
    """A console that shows nothing."""
    return Console(file=io.StringIO(), width=200)


class GivenBars(TradingSystemPipeline):
    """The pipeline itself, on bars of the test's own."""

    def __init__(self, bars: Bars, config: RunConfig) -> None:
        super().__init__(config, console=silent())
        self.given = bars

    def load(self) -> Bars:
        return self.given


def without_report(monkeypatch) -> None:
    """The pipeline writes nothing: drawing takes longer than all else in a small run."""
    pipeline = sys.modules["python_models.pipeline"]
    monkeypatch.setattr(pipeline, "write_report", lambda out, runs, **words: Path(out) / "index.html")


def changed_bars(bars: Bars, start: int, stop: int | None = None, seed: int = 0) -> Bars:
    """The same times, other prices and volumes in bars [start, stop)."""
    rng = np.random.default_rng(seed)
    rows = slice(start, stop)
    base = bars.open[rows].astype(np.int64) + np.cumsum(rng.integers(-30, 31, bars.open[rows].size))
    close = base + rng.integers(-20, 21, base.size)
    new = {
        "open": base,
        "high": np.maximum(base, close) + rng.integers(0, 9, base.size),
        "low": np.minimum(base, close) - rng.integers(0, 9, base.size),
        "close": close,
        "volume": rng.integers(1, 9999, base.size),
    }
    fields = {name: getattr(bars, name).copy() for name in ("ts", "open", "high", "low", "close", "volume", "session", "segment")}
    for name, values in new.items():
        fields[name][rows] = values
    return Bars(**fields, instrument=bars.instrument, contracts=bars.contracts, source="changed", synthetic=bars.synthetic)


def labels_of(signal_bar, end_bar, pnl=None, mae_atr=None, side=None) -> Labels:
    """Labels of plain numbers: one contract, 100 USD at the stop, long unless told."""
    n = len(signal_bar)
    return Labels(
        signal_bar=np.asarray(signal_bar, np.int64),
        end_bar=np.asarray(end_bar, np.int64),
        side=np.ones(n, np.int64) if side is None else np.asarray(side, np.int64),
        pnl=np.ones(n) if pnl is None else np.asarray(pnl, np.float64),
        risk=np.full(n, 100.0),
        mae_atr=np.ones(n) if mae_atr is None else np.asarray(mae_atr, np.float64),
    )


def plain_features(**columns) -> Features:
    """Features of the test's own making, one row a bar."""
    matrix = np.ascontiguousarray(list(columns.values()), np.float32)
    return Features(matrix, tuple(columns), 0, np.arange(matrix.shape[1], dtype=np.int64))


def spans(bars: int = 200) -> st.SearchStrategy[Labels]:
    """Labels in order of signal bar, short and long, nested, crossing and equal; up to the end of `bars` and beyond. Few, drawn one by one,
    or many from a seed."""
    length = st.one_of(st.integers(1, 5), st.integers(1, bars))
    few = st.lists(st.tuples(st.integers(0, bars - 1), length), max_size=12).map(sorted)
    pairs = st.one_of(few, st.integers(0, 2**32).map(lambda seed: many_spans(seed, bars)))
    return pairs.map(lambda found: labels_of([s for s, _ in found], [s + n for s, n in found]))


def many_spans(seed: int, bars: int) -> list[tuple[int, int]]:
    """60 pairs of signal bar and length; one in ten is long."""
    rng = np.random.default_rng(seed)
    length = np.where(rng.random(60) < 0.1, rng.integers(1, bars // 2, 60), rng.integers(1, 6, 60))
    return sorted(zip(rng.integers(0, bars, 60).tolist(), length.tolist(), strict=True))


def same_model(a: Learned, b: Learned, rows: int = 200) -> bool:
    """Whether two learnings gave the same models: equal answers on fixed rows, equal calibration, threshold and size."""
    if (a.stop is None, a.confidence is None, a.size) != (b.stop is None, b.confidence is None, b.size):
        return False
    return bool(np.array_equal(fixed_answers(a, rows), fixed_answers(b, rows)))


def fixed_answers(learned: Learned, rows: int = 200) -> np.ndarray:
    """Answers of the learned models on fixed random rows, then calibration and threshold."""
    out = [np.zeros(0)]
    for own in (learned.stop, learned.confidence):
        if own is not None:
            x = np.random.default_rng(7).normal(size=(rows, len(own.inputs))).astype(np.float32)
            out.append(own.ensemble.predict(x))
    if learned.stop is not None and learned.stop.moving is not None:
        out.append(np.array([learned.stop.moving.smoothing, *learned.stop.moving.multipliers]))
    if learned.confidence is not None:
        c = learned.confidence
        out += [c.calibrator.log_odds(np.linspace(-4, 4, rows)), np.array([c.threshold])]
    return np.concatenate(out)
