"""The pipeline under audit (`esbt audit`): its stages as functions of the bars, its learning with another future and on shuffled labels.

Labels are made inside learning, so here the features move against the bars, in sessions, in the training time alone: that shuffles labels
and leaves every label what it is. Knows of learning only `learn`, and of what was learned only the entry model it gives.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from esbt.audit.delay import DELAYS, delay_test
from esbt.audit.labels import LEAST_ROWS, LEVEL, block_order, rank_correlation, shuffles_of, survives
from esbt.audit.prefix import CUTS, prefix_test
from esbt.audit.result import DELAY, LABELS, PREFIX, Audit, Check, Finding
from esbt.audit.stages import (
    DECISIONS,
    FEATURES,
    SIGNALS,
    TRADES,
    decision_columns,
    decisions,
    signal_columns,
    strategy_maker,
    trade_columns,
)
from esbt.causal import other_future
from esbt.data import Bars
from esbt.features import Features, features
from esbt.market_config import market_bars
from esbt.running import steps_shown
from esbt.signals import Signals
from python_models.config import RunConfig
from python_models.labels import label_trades
from python_models.learn import Learned, Training, learn
from python_models.splits import Window, last_part

LEARNING = "learning"
SHUFFLES = 5
Floats = npt.NDArray[np.float64]


def audit_run(
    config: RunConfig,
    *,
    bars: Bars | None = None,
    cuts: int = CUTS,
    shuffles: int = SHUFFLES,
    level: float = LEVEL,
    seed: int = 0,
    console: Console | None = None,
) -> Audit:
    """Audit a configured run: features, signals, what was learned and its trades. bars: instead of those the configuration names.

    Learns 2 + shuffles times. The prefix test covers all bars, the delayed-entry test and the scores the test time only: a model knows the
    outcomes it was fitted to. Raises EsbtError for what a run refuses.
    """
    bars = market_bars(config.market, config.synthetic) if bars is None else bars
    with steps_shown(console or Console(quiet=True), (LEARNING, PREFIX, DELAY, LABELS)) as step:
        run = _Run.of(config, bars)
        learned = run.learned(run.columns)
        asks = learned.model(run.columns)
        nothing = asks.stop is None and asks.confidence is None
        make_model = None if nothing else (lambda other: learned.model(run.features(other)))
        strategy = strategy_maker(config.strategy)
        stages: dict[str, Any] = {FEATURES: run.features, SIGNALS: signal_columns(strategy)}
        if make_model is not None:
            stages[DECISIONS] = decision_columns(strategy, make_model)
        stages[TRADES] = trade_columns(strategy, make_model, config.account)
        step(PREFIX)
        found = prefix_test(stages, bars, cuts, {})
        if make_model is None:
            text = " ".join(learned.notes) or "nothing was learned"
            learning = Audit(tuple(Check(test, LEARNING, None, text) for test in (PREFIX, LABELS)))
            return found.joined(learning).joined(run.delayed(None, level))
        found = found.joined(run.other_future(learned))
        step(DELAY)
        found = found.joined(run.delayed(learned, level))
        step(LABELS)
        return found.joined(run.shuffled(learned, shuffles, level, np.random.default_rng(seed)))


@dataclass(frozen=True)
class _Run:
    """Bars, their features, the end of the training time and the test time."""

    config: RunConfig
    bars: Bars
    columns: Features
    training: int
    test: Window

    @classmethod
    def of(cls, config: RunConfig, bars: Bars) -> "_Run":
        part, test = last_part(Window(0, len(bars)), config.learning.test_fraction, config.learning.embargo_bars)
        return cls(config, bars, features(bars, config.learning.features), part.stop, test)

    def features(self, bars: Bars) -> Features:
        return features(bars, self.config.learning.features)

    def learned(self, columns: Features, bars: Bars | None = None) -> Learned:
        """What the training time teaches, with these features of it."""
        config, seen = self.config, slice(0, self.training)
        return learn(Training((bars or self.bars)[seen], columns[seen], config.strategy, config.account, config.learning))

    def says(self, learned: Learned) -> dict[str, Floats]:
        """Decisions on every signal of all bars."""
        columns = decision_columns(strategy_maker(self.config.strategy), lambda _: learned.model(self.columns))
        return columns(self.bars)

    def other_future(self, learned: Learned) -> Audit:
        """The prefix test of learning: with another future after the training time, and all computed anew, the decisions are the same."""
        other = other_future(self.bars, self.training)
        again = self.says(self.learned(self.features(other), other))
        known = self.says(learned)
        differ = {name: np.flatnonzero(_unlike(values, again[name])) for name, values in known.items()}
        if not any(bars.size for bars in differ.values()):
            asked = int(np.count_nonzero(~np.isnan(known["stop_atr"])))
            text = f"with other bars after the training time the same is learned: {asked:,} signals, each decision equal"
            return Audit((Check(PREFIX, LEARNING, True, text, float(asked), "signals"),))
        name, at = next((name, int(bars[0])) for name, bars in differ.items() if bars.size)
        repeats = self.says(self.learned(self.columns))
        randomly = any(_unlike(values, repeats[name]).any() for name, values in known.items())
        why = (
            "learning draws at random: it gives another model for the same bars, give it a seed"
            if randomly
            else f"with other bars after bar {self.training}, where the training time ends, another model is learned: it looks ahead"
        )
        text = f"{name} at bar {at} is {known[name][at]}, then {again[name][at]}: {why}"
        check = Check(PREFIX, LEARNING, False, text, float(differ[name].size), "signals")
        return Audit((check,), (Finding(PREFIX, LEARNING, text, name, at),))

    def delayed(self, learned: Learned | None, level: float) -> Audit:
        """The delayed-entry test on the test time, one contract."""
        cut = slice(self.test.start, self.test.stop) if learned is not None else slice(0, len(self.bars))
        strategy = self.config.strategy
        signals = Signals(values=strategy.signals(self.bars)[cut], atr_ticks=strategy.atr(self.bars)[cut], **strategy.exits())
        model: Callable[[Bars], Any] | None = None if learned is None else partial(_same, learned.model(self.columns[cut]))
        return delay_test(strategy_maker(signals), model, self.bars[cut], self.config.account, delays=DELAYS, level=level)

    def shuffled(self, learned: Learned, shuffles: int, level: float, rng: np.random.Generator) -> Audit:
        """Confidence after training on shuffled labels against the outcomes of the test time's signals under the strategy's own stop."""
        cut = slice(self.test.start, self.test.stop)
        seen = self.bars[cut]
        strategy = self.config.strategy
        signals = Signals(values=strategy.signals(self.bars)[cut], atr_ticks=strategy.atr(self.bars)[cut], **strategy.exits())
        labels = label_trades(seen, signals, self.config.account)

        def scores(own: Learned) -> Floats | None:
            model = own.model(self.columns[cut])
            if model.confidence is None:
                return None
            at, _, confidence = decisions(seen, signals, model)
            return np.asarray(confidence[np.searchsorted(at, labels.signal_bar)])

        mixed = [self.learned(self._mixed(rng)) for _ in range(shuffles)]
        found = [scores(own) for own in (learned, *mixed)]
        given = [one for one in found if one is not None]
        known = given[0] if found[0] is not None else np.empty(0)
        there = ~np.isnan(np.stack(given)).any(axis=0) if len(given) > 1 and found[0] is not None else np.zeros(0, dtype=np.bool_)
        if len(given) < 4 or there.sum() < LEAST_ROWS:
            text = (
                f"{max(len(given) - 1, 0)} of {shuffles} trainings on shuffled labels gave a confidence, for {int(there.sum())} signals of "
                f"the test time: 3 and {LEAST_ROWS} can be judged"
            )
            return Audit((Check(LABELS, "edge", None, text),))
        outcomes, blocks = labels.pnl[there], seen.session[labels.signal_bar[there]]
        truly = rank_correlation(known[there], outcomes)
        return survives([one[there] for one in given[1:]], outcomes, shuffles_of(outcomes, blocks, rng), known=truly, level=level)

    def _mixed(self, rng: np.random.Generator) -> Features:
        """The features of all bars, those of the training time moved among its bars in sessions, warm ones only."""
        warm = min(self.columns.first_valid, self.training - 1)
        order = warm + block_order(self.bars.session[warm : self.training], rng)
        matrix = np.array(self.columns.matrix)
        matrix[:, warm : self.training] = self.columns.matrix[:, order]
        return replace(self.columns, matrix=matrix)


def _same(model: Any, _: Bars) -> Any:
    return model


def _unlike(a: Floats, b: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(~((a == b) | (np.isnan(a) & np.isnan(b))))
