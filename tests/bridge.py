"""Carries one case of the twin to the core and its trades back, so that a test can compare the two field by field. Knows no rule."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from reference.records import Bar, Model, Rules, Trade

from esbt import _core
from esbt.hooks import Hook
from esbt.plan import ENTRIES, PATHS, REASONS, SIZINGS, make_plan

Stage = Callable[..., float]  # of the bar's number, the side, and state inputs
STATE_INPUTS = [0, -1, -2, -3]  # row 0 of the features (the bar's number), side, stop_atr, drawdown: see csrc/esbt/decide.hpp
DYNAMIC_INPUTS = [*STATE_INPUTS, -4, -5, -6, -7, -8]  # and bars_held, open_atr, mae_atr, mfe_atr, stop_now_atr
REGIME_ROW = 1  # of the features
MOST_PER_TICK, MOST_MONEY = 2**33, 2**61  # of plan.hpp: beyond them a run ends with an error


def core_bars(bars: Sequence[Bar]) -> "_core.CoreBars":
    """CoreBars of the twin's bars, a minute apart, from the year 2020 on."""
    n = len(bars)
    columns = [np.array([getattr(b, name) for b in bars], np.int32) for name in ("open", "high", "low", "close")]
    session, segment = (np.array([getattr(b, name) for b in bars], np.int32) for name in ("session", "segment"))
    ts = 1_577_836_800_000_000_000 + 60_000_000_000 * np.arange(n, dtype=np.int64)
    return _core.CoreBars(ts, *columns, np.array([b.volume for b in bars], np.int64), session, segment)


def core_plan(rules: Rules) -> np.ndarray:
    """The core's plan of the twin's rules: words become the core's numbers."""
    fields = dict(rules.__dict__)
    fields["path"] = PATHS.index(rules.path)
    fields["entry"] = ENTRIES.index(rules.entry)
    fields["sizing"] = SIZINGS.index(rules.sizing)
    return make_plan(**fields)


def too_much(trades: Sequence[Trade], plan: Rules) -> bool:
    """Whether the core must refuse to count on: a position too large for a tick, or closed trades too large for their sum."""
    entered: dict[int, int] = {}
    closed = 0
    for t in trades:
        entered[t.entry_bar] = entered.get(t.entry_bar, 0) + t.contracts
        closed += t.pnl_e4
        if entered[t.entry_bar] * plan.tick_value_e4 > MOST_PER_TICK or abs(closed) > MOST_MONEY:
            return True
    return False


def core_fees(bars: Sequence[Bar], rules: Rules) -> np.ndarray | None:
    """Fees by bar, where a bar's date has one of its own."""
    if all(b.fee_e4 is None for b in bars):
        return None
    return np.array([rules.fee_e4 if b.fee_e4 is None else b.fee_e4 for b in bars], np.int64)


def core_slips(bars: Sequence[Bar]) -> np.ndarray | None:
    """Extra slippage by bar, where any bar has some."""
    return np.array([b.slip for b in bars], np.int32) if any(b.slip for b in bars) else None


def as_seen_by_a_hook(stage: Stage) -> Stage:
    """The same function on inputs rounded to float32, as the rows of a hook are: what twin and core must both be asked."""
    return lambda bar, side, *state: stage(bar, side, *(float(np.float32(x)) for x in state))


def core_model(model: Model, n_bars: int) -> "tuple[_core.EntryModel, object]":
    """The core's entry model that asks the twin's functions through the hook, and the hooks, which must outlive it."""

    def hook(stage: Stage | None, inputs: list[int]) -> Hook | None:
        if stage is None:
            return None
        return Hook.from_callable(lambda rows: np.array([stage(int(r[0]), int(r[1]), *map(float, r[2:])) for r in rows]), len(inputs))

    stop, confidence = hook(model.stop, STATE_INPUTS), hook(model.confidence, STATE_INPUTS)
    dynamic = hook(model.dynamic, DYNAMIC_INPUTS)
    features = [np.arange(n_bars)] + ([[model.regime(j) for j in range(n_bars)]] if model.regime else [])
    return _core.EntryModel(
        stop.capsule if stop else None,
        STATE_INPUTS if stop else [],
        (model.stop_low, model.stop_high),
        confidence.capsule if confidence else None,
        STATE_INPUTS if confidence else [],
        (model.calibration_a, model.calibration_b),
        model.threshold,
        np.array(features, np.float32),
        dynamic_hook=dynamic.capsule if dynamic else None,
        dynamic_ids=DYNAMIC_INPUTS if dynamic else [],
        dynamic_bounds=(model.dynamic_low, model.dynamic_high),
        smoothing=model.smoothing,
        regime_id=REGIME_ROW if model.regime else -1,
        regime_bounds=(model.regime_low, model.regime_high),
        loosen=model.loosen,
    ), (stop, confidence, dynamic)


Finer = Sequence[Sequence[Bar]] | None


def core_finer(finer: Finer) -> "tuple[_core.CoreBars | None, np.ndarray | None]":
    """All finer bars in a row, and where each bar's begin."""
    if finer is None:
        return None, None
    first = np.cumsum([0, *(len(group) for group in finer)]).astype(np.int64)
    return core_bars([small for group in finer for small in group]), first


def simulate_core(  # noqa: PLR0917 - the twin's own arguments
    bars: Sequence[Bar],
    signals: Sequence[int],
    atr: Sequence[float],
    rules: Rules,
    model: Model | None = None,
    finer: Finer = None,
) -> tuple[list[Trade], dict[str, int]]:
    """The core's answer in the twin's words; arguments as `reference.simulator.simulate`."""
    entry_model, _alive = core_model(model, len(bars)) if model else (None, None)
    columns = core_bars(bars), np.array(signals, np.int8), np.array(atr, np.float64), core_plan(rules)
    records, skipped = _core.simulate(*columns, *core_finer(finer), entry_model, core_fees(bars, rules), core_slips(bars))
    return [trade_of(r) for r in records], dict(skipped)


def simulate_each_in_core(
    bars: Sequence[Bar], signals: Sequence[int], atr: Sequence[float], rules: Rules, finer: Finer = None
) -> list[Trade]:
    """The same of `reference.simulator.simulate_each`."""
    columns = core_bars(bars), np.array(signals, np.int8), np.array(atr, np.float64), core_plan(rules)
    records, _ = _core.simulate_each(*columns, *core_finer(finer), fees_e4=core_fees(bars, rules), slips=core_slips(bars))
    return [trade_of(r) for r in records]


def trade_of(record: np.void) -> Trade:
    """One trade record of the core as the twin's trade."""
    words = {"reason": REASONS[record["reason"]], "ambiguous": bool(record["ambiguous"]), "confidence": float(record["confidence"])}
    numbers = {name: int(record[name]) for name in Trade.__dataclass_fields__ if name not in words}
    return Trade(**numbers, **words)


def comparable(trade: Trade) -> tuple[object, ...]:
    """The trade as a tuple in which an absent confidence equals another."""
    return tuple(None if isinstance(v, float) and math.isnan(v) else v for v in trade.__dict__.values())
