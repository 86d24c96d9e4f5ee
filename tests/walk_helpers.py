"""What the tests of walk-forward share: small markets, models whose outcome hangs on every value they were given, and comparisons."""

import json
from functools import partial
from pathlib import Path

import numpy as np

import esbt
from esbt.entry_model import Ask, EntryModel
from esbt.walkforward import folds_of, windows_of

BARS = esbt.synthetic_bars(days=90, interval="15min", edge=0.3, seed=5)  # 2022-01-03 to 2022-05-09
STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)
GRID = {"fast": [2, 3], "stop_atr": [0.5, 1.0, 2.0], "target_r": [1.0, None]}
WORDS = {"train": "30 sessions", "test": "12 sessions", "minimum_trades": 5}
FOLDS, _ = folds_of(BARS, windows_of(WORDS["train"], WORDS["test"]))
FEATURES = esbt.features(BARS, ["rsi(14)"])


def above(level, x):
    return x[:, 0].astype(np.float64) - level


class MeanTrained(esbt.Trained):
    def __init__(self, level, contracts):
        self.level, self.contracts = level, contracts
        self.facts = {"level": level}
        self.notes = (f"trades up to {contracts} contracts",)

    def model(self, features):
        return EntryModel(features, confidence=Ask(partial(above, self.level), ["rsi(14)"]), threshold=0.5)

    def account(self, account):
        return account.model_copy(update={"size": esbt.Risk(fraction=0.01, max_contracts=self.contracts)})


class MeanTrainer(esbt.Trainer):
    """Takes signals whose RSI is above the mean of training, which is moved by every price, feature and signal there."""

    features = ("rsi(14)",)

    def __init__(self, name="mean", shift=0.0):
        self.name, self.shift = name, shift

    def train(self, bars, features, strategy, account):
        sides = strategy.signals(bars)
        moved = sum(float(np.sum(np.asarray(v, np.float64) % 7)) for v in (bars.open, bars.high, bars.low, bars.close, bars.volume, sides))
        level = float(np.nanmean(features.matrix[0])) + self.shift + moved * 1e-9 + float(np.nanmean(strategy.atr(bars))) * 1e-6
        return MeanTrained(level, 5)


class FiledTrained(MeanTrained):
    def save(self, folder):
        (folder / "deep").mkdir()
        (folder / "deep" / "level.json").write_text(json.dumps([self.level, self.contracts]))


class FiledTrainer(MeanTrainer):
    """The same, and travels between processes as files."""

    def train(self, bars, features, strategy, account):
        own = super().train(bars, features, strategy, account)
        return FiledTrained(own.level, own.contracts)

    def load(self, folder: Path):
        return FiledTrained(*json.loads((folder / "deep" / "level.json").read_text()))


def walked(bars=BARS, grid=GRID, **words):
    return esbt.walk_forward(bars, STRATEGY, grid, **{**WORDS, "progress": False} | words)


def same(a, b):
    """Equal in every number of every run."""
    assert list(a.runs) == list(b.runs)
    assert a.folds.equals(b.folds, null_equal=True)
    assert a.luck.equals(b.luck)
    assert a.facts.equals(b.facts)
    for name in a.runs:
        assert a.trades_of(name).equals(b.trades_of(name))
        assert np.array_equal(a.runs[name].equity_e4, b.runs[name].equity_e4)
        assert a.runs[name].metrics.keys() == b.runs[name].metrics.keys()
        assert a.runs[name].skipped == b.runs[name].skipped


def cut(wf, fold, run):
    """The trades of one run in one fold."""
    return wf.trades_of(run).filter(fold=fold)


def sliced(strategy, rows, bars=BARS):
    return esbt.Signals(values=strategy.signals(bars)[rows], atr_ticks=strategy.atr(bars)[rows], **strategy.exits())


def lanes():
    grid = esbt.Grid(GRID)
    return [STRATEGY.model_copy(update=grid.lane(lane)) for lane in range(len(grid))]
