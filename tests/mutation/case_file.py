"""Writes the case file of the mutation run: cases, and what the twin makes of them, for the runner beside it.

    PYTHONPATH=tests python -m mutation.case_file build/mutants/cases.bin [examples a family and market]

The file is a run of blocks, each an int64 count of bytes and the bytes; `blocks_of` has their order and case_file.hpp reads it.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from bridge import core_fees, core_plan, core_slips, too_much
from mutation.cases import Case, drawn_cases, random_cases
from mutation.edges import edge_cases
from mutation.recorded import STAGES, Answers, recorded
from reference.account import fee_at
from reference.records import Bar, Model, Rules, Trade
from reference.simulator import simulate

from esbt.plan import REASONS, TRADE_DTYPE

PLAN_HPP = Path(__file__).parents[2] / "csrc" / "esbt" / "plan.hpp"
SKIPPED = re.findall(r"^    std::int64_t (\w+) = 0;", PLAN_HPP.read_text("utf-8").split("struct Skipped")[1], re.MULTILINE)
MOST_STEPS_EACH = 4000  # bars the twin may walk for the trades of single signals


def trade_records(trades: Sequence[Trade], bars: Sequence[Bar], plan: Rules) -> np.ndarray:
    """The twin's trades as the core's records, what the twin leaves out worked out here."""
    records = np.zeros(len(trades), TRADE_DTYPE)
    for record, trade in zip(records, trades, strict=True):
        for name in Trade.__dataclass_fields__:
            value = getattr(trade, name)
            record[name] = REASONS.index(value) if name == "reason" else value
        record["entry_costs_e4"] = trade.contracts * fee_at(bars[trade.entry_bar], plan)
    return records


def trades_each(case: Case, model: Model | None) -> list[list[Trade]] | None:
    """The trades of every signal as if it were the only one; None where that is left out (too long, or a signal would meet another)."""
    asked = [j for j, side in enumerate(case.signals) if side]
    if not case.alone or case.rules.reverse or len(asked) * len(case.bars) > MOST_STEPS_EACH:
        return None
    n = len(case.signals)
    alone = ([case.signals[j] if i == j else 0 for i in range(n)] for j in asked)
    return [simulate(case.bars, signals, case.atr, case.rules, model, case.finer)[0] for signals in alone]


def columns(bars: Sequence[Bar]) -> list[np.ndarray]:
    """Open, high, low, close, session, segment; volume."""
    names = ("open", "high", "low", "close", "session", "segment")
    return [np.array([getattr(b, name) for b in bars], np.int32) for name in names] + [np.array([b.volume for b in bars], np.int64)]


def model_numbers(model: Model | None) -> list[float]:
    """Which stages there are, then their numbers, as core_under_test.hpp lists them."""
    if model is None:
        return []
    stages = [getattr(model, name) is not None for name in (*STAGES, "regime")]
    entry = [model.stop_low, model.stop_high, model.calibration_a, model.calibration_b, model.threshold]
    dynamic = [model.dynamic_low, model.dynamic_high, model.smoothing, model.regime_low, model.regime_high, model.loosen]
    return [*stages, *entry, *dynamic]


def features(model: Model | None, n: int) -> list[float]:
    """The regime's row, if the model has one, then that of the bar's number."""
    if model is None:
        return []
    return [*(map(model.regime, range(n)) if model.regime else ()), *range(n)]


def blocks_of(case: Case) -> list[np.ndarray]:
    """The case and the twin's answer, in the order of the file."""
    fees, slips = core_fees(case.bars, case.rules), core_slips(case.bars)
    use_finer = case.finer is not None and case.rules.path == "finer"
    flat = [small for group in case.finer for small in group] if use_finer else []
    first = np.cumsum([0, *(len(group) for group in case.finer)]) if use_finer else []
    model, answers = recorded(case.model)
    trades, skipped = simulate(case.bars, case.signals, case.atr, case.rules, model, case.finer)
    model_each, answers_each = recorded(case.model)
    each = trades_each(case, model_each)
    refused = too_much(trades, case.rules)
    refused_each = any(too_much(found, case.rules) for found in each or [])
    flat_each = [] if refused_each else [t for found in each or [] for t in found]
    return [
        np.frombuffer(case.name.encode(), np.uint8),
        core_plan(case.rules) if case.plan is None else case.plan,
        *columns(case.bars),
        np.array(case.signals, np.int8),
        np.array(case.atr, np.float64),
        np.array([] if fees is None else fees, np.int64),
        np.array([] if slips is None else slips, np.int32),
        *columns(flat),
        np.array(first, np.int64),
        np.array(model_numbers(case.model), np.float64),
        np.array(features(case.model, len(case.bars)), np.float32),
        *(np.array([word], np.int64) for word in (refused, each is not None, refused_each)),
        *tapes(answers),
        trade_records([] if refused else trades, case.bars, case.rules),
        np.array([skipped[name] for name in SKIPPED], np.int64),
        *tapes(answers_each),
        trade_records(flat_each, case.bars, case.rules),
    ]


def tapes(answers: Answers) -> list[np.ndarray]:
    """What each stage of the model was asked, rows of float32, and what it said."""
    found: list[np.ndarray] = []
    for stage in answers.values():
        found += [np.array([row for row, _ in stage], np.float32), np.array([said for _, said in stage], np.float64)]
    return found


def all_cases(examples: int) -> Iterator[Case]:
    yield from drawn_cases()
    yield from edge_cases()
    yield from random_cases(examples)


def write(out: Path, examples: int) -> int:
    """The case file; returns the number of cases."""
    count = 0
    with out.open("wb") as file:
        for case in all_cases(examples):
            count += 1
            for block in blocks_of(case):
                data = block.tobytes()
                file.write(len(data).to_bytes(8, "little") + data)
    return count


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 80), "cases")
