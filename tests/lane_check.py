"""Lanes against their own single runs, for one target: `python -m lane_check FIRST COUNT` tries so many random cases and all that are
drawn, and prints what happened in them as JSON. ESBT_TARGET is read once a process, so each target is a process of its own.
"""

import hashlib
import json
import sys
from collections import Counter, defaultdict
from typing import Any

import numpy as np
from lane_cases import Case, drawn_cases, random_case

import esbt
from esbt import _core

THREADS = (1, 2, 3)


def alone(case: Case, lane: int) -> tuple[np.ndarray, np.ndarray]:
    """The totals of a lane's own run, one record, and its P&L a day, int64[S]."""
    m, plan = case.market, case.plans[lane : lane + 1]
    trades, skipped = _core.simulate(m.core, m.signals, m.atr, plan, **m.costs)
    totals = _core.totals(m.core, m.day, trades, plan)
    for reason, count in skipped.items():
        totals["skipped"][reason] = count
    ends = np.flatnonzero(np.diff(m.day, append=m.day[-1:] + 1))
    return totals, np.diff(_core.mark_equity(m.core, trades, plan)[ends], prepend=plan["cash_e4"])


def bits(column: np.ndarray) -> bytes:
    """Of numbers; every NaN is the same."""
    return (np.where(np.isnan(column), np.nan, column) if column.dtype.kind == "f" else np.ascontiguousarray(column)).tobytes()


def run(case: Case, threads: int) -> tuple[np.ndarray, np.ndarray, int]:
    m = case.market
    return _core.run_lanes(m.core, m.day, m.signals, m.atr, case.plans, daily=True, threads=threads, **m.costs)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    names = a.dtype.names or ()
    return all(same_bits(a[name], b[name]) for name in names) if names else bits(a) == bits(b)


def check(case: Case) -> tuple[np.ndarray, np.ndarray, int]:
    """Totals, daily P&L and how many lanes were stepped, the same for all threads; AssertionError where a lane is not its own run."""
    totals, daily, stepped = run(case, THREADS[0])
    for threads in THREADS[1:]:
        again = run(case, threads)
        assert same_bits(again[0], totals), (case.name, threads)
        assert np.array_equal(again[1], daily), (case.name, threads)
        assert again[2] == stepped, (case.name, threads)
    for lane, axes in enumerate(case.lanes):
        own, own_daily = alone(case, lane)
        for name in own.dtype.names:
            assert same_bits(own[name], totals[name][lane : lane + 1]), (case.name, lane, axes, name, own[name], totals[name][lane])
        assert np.array_equal(own_daily, daily[lane]), (case.name, lane, axes)
    assert stepped == case.stepped, (case.name, stepped, case.stepped)
    return totals, daily, stepped


def axes_that_moved(case: Case, totals: np.ndarray) -> set[str]:
    """Axes along which two lanes, alike in all others, differ in trades, money, doubtful bars or depth."""
    moved: set[str] = set()
    for axis in case.lanes[0]:
        found: defaultdict[Any, set[Any]] = defaultdict(set)
        for lane, total in zip(case.lanes, totals, strict=True):
            others = tuple(value for name, value in lane.items() if name != axis)
            found[others].add(tuple(total[["trades", "net_e4", "ambiguous", "deepest"]].tolist()))
        if any(len(results) > 1 for results in found.values()):
            moved.add(axis)
    return moved


def digest_of_a_table(threads: int) -> str:
    """Of a public sweep, dense lanes and stepped ones: every column, and the session P&L."""
    bars = esbt.synthetic_bars(days=20, interval="5min", edge=0.3, seed=5)
    space = {"fast": [3, 5], "stop_atr": [0.5, 1.0, 2.0], "target_r": [1.0, None], "trail_atr": [1.0, None], "break_even_r": [0.5, None]}
    table = esbt.sweep(bars, esbt.AtrStrategy(slow=13), space, daily=True, threads=threads)
    assert table.frame["net_profit"].n_unique() > 20
    digest = hashlib.sha256(np.ascontiguousarray(table.daily).tobytes())
    for column in table.frame.iter_columns():
        digest.update(bits(column.to_numpy()))
    return digest.hexdigest()


def main(first: int, count: int) -> dict[str, Any]:
    digest, moved, seen = hashlib.sha256(), Counter(), Counter()
    for k in range(first, first + count):
        case = random_case(k)
        totals, daily, stepped = check(case)
        digest.update(bits(totals["net_e4"]) + bits(totals["m4"]) + bits(totals["ulcer"]) + daily.tobytes())
        moved.update(axes_that_moved(case, totals))
        trades = totals["trades"]
        ruined = int(totals["ruined"].sum())
        seen.update(cases=1, traded=int(trades.any()), lanes=len(totals), stepped=stepped, trades=int(trades.sum()), ruined=ruined)
    drawn = {}
    for case in drawn_cases():
        totals, daily, stepped = check(case)
        digest.update(daily.tobytes())
        drawn[case.name] = {"stepped": stepped} | {name: totals[name].tolist() for name in ("trades", "ruined", "net_e4", "won_e4")}
    told = {"random": seen, "moved": moved, "drawn": drawn, "core": _core.__file__}
    return told | {"digest": digest.hexdigest(), "table": digest_of_a_table(2)}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
