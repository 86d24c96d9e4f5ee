"""The prefix test: with the future cut off, or another one in its place, nothing up to the cut may change, stage by stage, by value.

A leak at one stage shows in all that follow, so a later stage is named only where those it is made of are clean.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt._subjects import as_function
from esbt.audit.result import PREFIX, Audit, Check, Finding
from esbt.audit.stages import FOLLOWS
from esbt.causal import Difference, comparisons, is_missing, places
from esbt.data.bars import Bars
from esbt.data.times import utc
from esbt.errors import EsbtError

CUTS = 12
RARE = 0.2  # of the bars
LEAST_BARS = 100  # kept by a cut: rules of a user's own may need some bars to run at all


def prefix_test(stages: Mapping[str, Any], bars: Bars, cuts: int | Sequence[int], first: Mapping[str, int]) -> Audit:
    """One check a stage. stages: subjects of `esbt.causal.check` by name, in the order of the line. first: by stage, the first bar that may
    be cut before: a model that learns from the bars before it changes with them by right."""
    found = Audit(())
    leaking: set[str] = set()
    for stage, subject in stages.items():
        at = _cuts(subject, bars, cuts, first.get(stage, 0))
        if not at:
            found = found.joined(Audit((Check(PREFIX, stage, None, f"no cut lies after bar {first.get(stage, 0)}"),)))
            continue
        worst, compared, randomly = _worst(subject, bars, at)
        if not worst:
            text = f"{compared:,} values at {len(at)} cuts, the same without and with another future"
            found = found.joined(Audit((Check(PREFIX, stage, True, text, float(compared), "values"),)))
            continue
        leaking.add(stage)
        sources = [source for source in FOLLOWS.get(stage, ()) if source in leaking]
        told = [_told(one, bars, randomly) for one in worst.values()]
        check = Check(PREFIX, stage, False, f"follows from {sources[0]}" if sources else "; ".join(told), float(len(worst)), "columns")
        new = [Finding(PREFIX, stage, text, one.column, one.bar) for one, text in zip(worst.values(), told, strict=True)]
        found = found.joined(Audit((check,), () if sources else tuple(new)))
    return found


def _worst(subject: Any, bars: Bars, at: Sequence[int]) -> tuple[dict[str, Difference], int, bool]:
    """By column that ever differs, the difference at the earliest bar; how many values were compared; whether it is chance, not the future.

    A subject that draws at random differs everywhere: nothing more is asked of it.
    """
    worst: dict[str, Difference] = {}
    compared = 0
    for k, (differences, count) in enumerate(comparisons(subject, bars, at)):
        compared += count
        for one in differences:
            if one.column not in worst or one.bar < worst[one.column].bar:
                worst[one.column] = one
        if k == 0 and differences:
            return worst, compared, True
    return dict(sorted(worst.items(), key=lambda item: item[1].bar)), compared, False


def _told(one: Difference, bars: Bars, randomly: bool) -> str:
    where = f"column {one.column!r} at bar {one.bar} ({utc(int(bars.ts[one.bar]))})"
    if randomly:
        return f"{where} is {one.known}, then {one.now} on a second call with the same bars: it draws at random, give it a seed"
    return f"{where} is {one.known} with all bars and {one.now} {one.how}: it looks ahead"


def _cuts(subject: Any, bars: Bars, cuts: int | Sequence[int], first: int) -> list[int]:
    """Places to cut before: those given; or `cuts` spread over the bars, and as many where a rare value (a signal, an entry) is the last
    one known. A signal that looks one bar ahead shows nowhere else."""
    if not isinstance(cuts, int):
        return [cut for cut in places(bars, cuts) if cut >= first]
    if len(bars) <= LEAST_BARS:
        raise EsbtError(f"audit: {len(bars)} bars: the prefix test needs more than {LEAST_BARS}")
    spread = places(bars, cuts + 1)
    columns = as_function(subject)(None)(bars)
    rare = [found for values in columns.values() if 0 < (found := _rare(values)).size < RARE * len(bars)]
    aimed: set[int] = set()
    for bar in rare:
        late = bar[(bar + 1 >= max(first, LEAST_BARS)) & (bar + 1 < len(bars))]
        count = min(late.size, max(2, -(-cuts // len(rare))))
        aimed |= set((late[np.linspace(0, late.size - 1, count).astype(np.int64)] + 1).tolist()) if count else set()
    return sorted({cut for cut in spread if cut >= max(first, LEAST_BARS)} | aimed)


def _rare(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Bars at which a column is not what it mostly is, int64[k]."""
    known = values[~is_missing(values)]
    if known.size < RARE * len(values):
        return np.flatnonzero(~is_missing(values))
    kinds, counts = np.unique(known, return_counts=True) if known.dtype != object else (known[:0], np.zeros(0))
    return np.flatnonzero(values != kinds[counts.argmax()]) if kinds.size else np.arange(len(values))
