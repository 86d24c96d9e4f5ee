"""Lengths of time as users write them: "24mo", "3mo", "2y", "8w", "60d", "250 sessions", or a number of sessions. Knows dates, no bars.

Months are calendar months, from a day to the same day, or to the month's last where it is shorter (Polars' offset).
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from esbt.errors import EsbtError

Unit = Literal["sessions", "d", "w", "mo", "y"]
_UNITS: dict[str, Unit] = {
    "session": "sessions", "sessions": "sessions", "d": "d", "day": "d", "days": "d", "w": "w", "week": "w", "weeks": "w",
    "mo": "mo", "month": "mo", "months": "mo", "y": "y", "yr": "y", "year": "y", "years": "y",
}  # fmt: skip
_TEXT = re.compile(r"\s*(\d{1,5})\s*([a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """So many sessions, or so many days, weeks, months or years of the calendar."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        if self.unit != "sessions":
            return f"{self.count}{self.unit}"
        return "1 session" if self.count == 1 else f"{self.count} sessions"

    def from_day(self, day: date, times: int = 1) -> date:
        """The day this span, taken so many times, after `day` (before it where `times` is negative). Not for sessions."""
        moved: date = pl.Series([day]).dt.offset_by(f"{times * self.count}{self.unit}").item()
        return moved


def span_of(name: str, value: object, *, least: int = 1) -> Span:
    """The span a user wrote for the parameter `name`. Raises EsbtError for what is none, or under `least`."""
    hint = f"give {name} such as '24mo', '60d', '250 sessions' or a whole number of sessions"
    if isinstance(value, int) and not isinstance(value, bool):
        span = Span(value, "sessions")
    elif isinstance(value, str) and (found := _TEXT.fullmatch(value)):
        unit = _UNITS.get(found[2].lower())
        if unit is None:
            meant = "; months are 'mo'" if found[2].lower() == "m" else ""
            raise EsbtError(f"{name} is {value!r}: unknown unit {found[2]!r}{meant}: {hint}")
        span = Span(int(found[1]), unit)
    else:
        raise EsbtError(f"{name} is {value!r}: {hint}")
    if span.count < least:
        raise EsbtError(f"{name} is {value!r}: must be {least} or more; {hint}")
    return span
