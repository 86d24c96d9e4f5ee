"""Rules of a strategy that contradict one another, each in one sentence that says what was given and what to do. Knows no fills.

To add one: a `yield` below. Types and ranges of a single rule are those of its field in `esbt.signals`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esbt.signals import Exits

NEARLY = 1e-9  # shares such as 0.7 and 0.3 may miss 1 by a rounding


def contradictions(rules: "Exits") -> Iterator[str]:
    """Every contradiction among the rules, in words; the first is what the user is told."""
    if not _has_stop(rules) and rules.target_r is not None:
        yield "target_r is a multiple of the stop distance: give stop_atr or stop_ticks, or set target_r to None"
    first, last = rules.entry_from, rules.entry_until
    if (first is None) != (last is None) or (first is not None and first == last):
        yield f"a window needs two times: got entry_from={first!r} and entry_until={last!r}"
    if rules.flat_at is not None and not rules.flat_at_close:
        yield "flat_at needs flat_at_close=True"
    if rules.reverse and rules.latency_bars:
        yield f"reverse and latency_bars exclude each other, got latency_bars={rules.latency_bars}"
    yield from _of_the_entry(rules)
    yield from _of_the_parts(rules)


def parts_too_small(rules: "Exits", contracts: int) -> str | None:
    """What is wrong with parts of a fixed number of contracts: the first that would hold none of them, in words."""
    for k, share in enumerate((rules.scale1_share, rules.scale2_share), start=1):
        if share is not None and share * contracts < 1.0:
            return f"scale{k}_share={share} of {contracts} contract{'s' * (contracts != 1)} is less than one: give a larger size"
    return None


def _has_stop(rules: "Exits") -> bool:
    return rules.stop_atr is not None or rules.stop_ticks is not None


def _of_the_entry(rules: "Exits") -> Iterator[str]:
    resting = rules.entry != "market"
    offsets = [name for name in ("entry_offset_atr", "entry_offset_ticks") if getattr(rules, name) is not None]
    if resting and not offsets:
        yield f"entry={rules.entry!r} needs its distance from the close (0: at it): give entry_offset_atr or entry_offset_ticks"
    if offsets and not resting:
        yield f"{offsets[0]} is the distance of a stop or limit entry: set entry to 'stop' or 'limit', or leave {offsets[0]} out"
    if rules.entry_bars != 1 and not resting:
        yield f"entry_bars is how long a stop or limit entry waits, got entry_bars={rules.entry_bars} with entry='market'"
    if rules.entry_through_ticks and rules.entry != "limit":
        yield f"entry_through_ticks is of a limit entry, got entry_through_ticks={rules.entry_through_ticks} with entry={rules.entry!r}"
    if resting and rules.reverse:
        yield f"reverse needs market entries, got entry={rules.entry!r}: set entry to 'market' or reverse to False"


def _of_the_parts(rules: "Exits") -> Iterator[str]:
    for k in (1, 2):
        level, share, stop = (getattr(rules, f"scale{k}_{word}") for word in ("r", "share", "stop_r"))
        if level is None and (share is not None or stop is not None):
            yield f"scale{k}_{'share' if share is not None else 'stop_r'} needs scale{k}_r, where the part leaves, in stop distances"
        if level is not None and share is None:
            yield f"scale{k}_r needs scale{k}_share, how much of the position leaves there"
        if level is not None and rules.target_r is not None and level > rules.target_r:
            yield f"a part beyond the target never leaves, got scale{k}_r={level} and target_r={rules.target_r}"
    if rules.scale1_r is None:
        if rules.scale2_r is not None:
            yield "scale2_r needs scale1_r: the first part to leave is scale1"
        return
    if not _has_stop(rules):
        yield "scale1_r is a multiple of the stop distance: give stop_atr or stop_ticks"
    if rules.scale2_r is not None and rules.scale1_r >= rules.scale2_r:
        yield f"scale1_r must be below scale2_r, got scale1_r={rules.scale1_r} and scale2_r={rules.scale2_r}"
    first, second = rules.scale1_share or 0.0, rules.scale2_share or 0.0
    if first + second > 1.0 - NEARLY:
        yield f"scale1_share and scale2_share must leave something for the target, got {first} and {second}: together less than 1"
