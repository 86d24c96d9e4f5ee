"""`esbt.audit`: the tests that fit what it is given, joined into one verdict."""

from collections.abc import Sequence
from typing import Any, Never

from rich.console import Console

from esbt.account import Account
from esbt.audit.delay import DELAYS, delay_test
from esbt.audit.labels import LEVEL, Learner, label_test
from esbt.audit.prefix import CUTS, prefix_test
from esbt.audit.result import DELAY, LABELS, PREFIX, Audit, Check
from esbt.audit.stages import (
    DECISIONS,
    FEATURES,
    INPUTS,
    SIGNALS,
    TRADES,
    MakesModel,
    MakesStrategy,
    decision_columns,
    input_columns,
    model_maker,
    signal_columns,
    strategy_maker,
    trade_columns,
)
from esbt.audit.stamps import stamp_test
from esbt.data.bars import Bars
from esbt.errors import EsbtError, unknown
from esbt.running import steps_shown
from esbt.signals import Signals


def audit(
    bars: Bars | None = None,
    strategy: Any = None,
    *,
    features: Any = None,
    model: Any = None,
    decisions: Any = None,
    learner: Learner | None = None,
    account: Account | None = None,
    first_test: int = 0,
    cuts: int | Sequence[int] = CUTS,
    delays: Sequence[int] = DELAYS,
    shuffles: int = 5,
    level: float = LEVEL,
    seed: int = 0,
    console: Console | None = None,
    **unknown_words: Never,
) -> Audit:
    """Look for leaks: prefix test, shuffled-label test, delayed-entry test, those that fit what is given (docs/audit.md).

    strategy: a strategy, or a function bars -> strategy or sides (int8[N]); `Signals` are values, and can only be delayed. features: names,
    a UserFeature, a Polars expression, an `esbt.external.Join`, or a function bars -> columns. model: a function bars -> EntryModel, for a
    strategy. decisions: a function bars -> columns, what a trained model of your own says. learner: an `esbt.audit.Learner`.
    account: as `esbt run` has it; defaults without. first_test: first bar from which models do not learn any more; decisions and trades are
    cut after it only. cuts: how many, or where. delays: bars, beginning with 0, 1. shuffles: trainings on shuffled labels. level: of each
    statistical test, one-sided. seed: of the shuffles. console: where progress is shown.
    Returns an `Audit`. Raises EsbtError for what cannot be audited, and what the subjects raise.
    """
    for word in unknown_words:
        raise unknown("parameter", word, set(audit.__annotations__) - {"return", "unknown_words"})
    _require(bars, (strategy, features, decisions), learner, level)
    traded = account or Account()
    maker = None if strategy is None else strategy_maker(strategy)
    asked = None if model is None else model_maker(model)
    if asked is not None and (maker is None or decisions is not None):
        raise EsbtError("audit(model): a model decides on the signals of a strategy: give that too, and no decisions beside it")
    stages: dict[str, Any] = {} if features is None else {FEATURES: features}
    if decisions is not None:
        stages[DECISIONS] = decisions
    if maker is not None and not isinstance(strategy, Signals):
        stages |= _of_strategy(maker, asked, traded)
    learned = dict.fromkeys((INPUTS, DECISIONS, TRADES), first_test)

    found = Audit(())
    if isinstance(strategy, Signals):
        text = "Signals are values, not what makes them: give the function bars -> sides"
        found = found.joined(Audit((Check(PREFIX, SIGNALS, None, text),)))
    with steps_shown(console or Console(quiet=True), (PREFIX, LABELS, DELAY)) as step:
        if bars is not None and stages:
            found = found.joined(stamp_test(features)).joined(prefix_test(stages, bars, cuts, learned))
        if learner is not None:
            step(LABELS)
            found = found.joined(label_test(learner, shuffles, level, seed))
        if maker is not None and bars is not None:
            step(DELAY)
            found = found.joined(delay_test(maker, asked, bars, traded, delays=delays, level=level))
    return found


def _of_strategy(maker: MakesStrategy, asked: MakesModel | None, account: Account) -> dict[str, Any]:
    decided = {} if asked is None else {INPUTS: input_columns(asked), DECISIONS: decision_columns(maker, asked)}
    return {SIGNALS: signal_columns(maker)} | decided | {TRADES: trade_columns(maker, asked, account)}


def _require(bars: Any, on_bars: Sequence[Any], learner: Any, level: float) -> None:
    """Raises EsbtError for nothing to audit, no bars where they are needed, and a level that is none."""
    wants_bars = any(given is not None for given in on_bars)
    if learner is None and not wants_bars:
        raise EsbtError("audit: give what is to be audited: a strategy, features, decisions or a learner")
    if learner is not None and not isinstance(learner, Learner):
        raise EsbtError(f"audit(learner): {type(learner).__name__}: give an esbt.audit.Learner")
    if wants_bars and not isinstance(bars, Bars):
        raise EsbtError(f"audit(bars): {type(bars).__name__}, not Bars: load them with esbt.load_bars")
    if isinstance(level, bool) or not 0 < level < 1:
        raise EsbtError(f"audit(level): {level!r}: give a fraction between 0 and 1, such as 0.01")
