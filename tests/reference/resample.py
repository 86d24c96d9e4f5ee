"""The slow twin of resampling: group source bars one by one, then join each group, straight from the words of docs/bars.md.

Times are ns UTC; `opens` are the scheduled session opens by trade date. Knows neither the core nor the calendar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceBar:
    """One bar, prices in ticks."""

    ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    session: int
    segment: int
    spread: int = 1
    buys: int = -1  # unknown


def slot_of(bar: SourceBar, width_ns: int, opens: Mapping[int, int]) -> int:
    """The scheduled open of the slot in which a bar opens."""
    opened = opens[bar.session]
    return opened + (bar.ts - opened) // width_ns * width_ns


def is_full(group: Sequence[SourceBar], kind: str, amount: int) -> bool:
    """Whether a group has reached its amount and takes no further bar."""
    if kind == "volume":
        return sum(b.volume for b in group) >= amount
    if kind == "dollars":
        return sum(abs(b.close) * b.volume for b in group) >= amount
    if kind == "range_ticks":
        return max(b.high for b in group) - min(b.low for b in group) >= amount
    return False


def groups(bars: Sequence[SourceBar], kind: str, amount: int, opens: Mapping[int, int]) -> list[list[SourceBar]]:
    """Source bars that make one bar each."""
    found: list[list[SourceBar]] = []
    for bar in bars:
        before = found[-1][-1] if found else None
        follows = before is not None and (before.session, before.segment) == (bar.session, bar.segment)
        if follows and kind == "minutes":
            follows = slot_of(before, amount, opens) == slot_of(bar, amount, opens)
        if follows and not is_full(found[-1], kind, amount):
            found[-1].append(bar)
        else:
            found.append([bar])
    return found


def resample(bars: Sequence[SourceBar], kind: str, amount: int, opens: Mapping[int, int]) -> list[SourceBar]:
    """The bars that the groups make. A scheduled open is kept only where no source bar before the group opened at or after it."""
    made: list[SourceBar] = []
    before = None
    for group in groups(bars, kind, amount, opens):
        head = group[0]
        ts = head.ts
        if kind in ("minutes", "session"):
            scheduled = slot_of(head, amount, opens) if kind == "minutes" else opens[head.session]
            if before is None or before < scheduled:
                ts = scheduled
        made.append(
            SourceBar(
                ts=ts,
                open=head.open,
                high=max(b.high for b in group),
                low=min(b.low for b in group),
                close=group[-1].close,
                volume=sum(b.volume for b in group),
                session=head.session,
                segment=head.segment,
                spread=group[-1].spread,
                buys=sum(b.buys for b in group) if all(b.buys >= 0 for b in group) else -1,
            )
        )
        before = group[-1].ts
    return made
