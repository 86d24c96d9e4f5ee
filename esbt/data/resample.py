"""`resample`: Bars of another kind (time, volume, dollar, range, session), made of whole source bars. The loop is csrc/esbt/resample.hpp.

Knows the words and their units, the calendar's session opens, and how the result refers back to its source. To add a kind: a word here, a
rule there.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Never

import numpy as np
import numpy.typing as npt

from esbt.data.bars import Bars
from esbt.data.calendar import sessions_between
from esbt.data.times import DAY_NS, utc
from esbt.errors import EsbtError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_MINUTE_NS = 60_000_000_000
_MOST = 2**62
_KINDS = "minutes, volume, dollars, range_ticks or session"


@dataclass(frozen=True, eq=False, repr=False)
class Resampled(Bars):
    """Bars that are made of others: bar k is the source's rows first[k] to first[k + 1] - 1. first int64[M + 1], read-only."""

    first: "npt.NDArray[np.int64]" = field(kw_only=True)

    def __getitem__(self, rows: slice) -> "Resampled":
        """`bars[a:b]`, as of Bars; `first` still counts the whole source's rows."""
        part: Any = super().__getitem__(rows)
        start, stop, _ = rows.indices(len(self))
        made: Resampled = replace(part, first=self.first[start : max(start, stop) + 1])
        return made


def resample(
    bars: Bars,
    *,
    minutes: float | None = None,
    volume: int | None = None,
    dollars: float | None = None,
    range_ticks: int | None = None,
    session: bool = False,
    **unknown_words: Never,
) -> Resampled:
    """Bars made of whole source bars (a source bar is never split), never across a contract or a session. Give one kind:

    minutes: slots of so many minutes, counted from the session's scheduled open, so 17:00, 17:05, ... Chicago on either side of a clock
    change; a source bar belongs to the slot it opens in. volume: contracts; dollars: |close| x contracts x multiplier, USD, of each source
    bar; range_ticks: high - low. A bar of these three closes with the source bar that reaches the amount; what goes beyond is not carried
    over, and a session's last bar may stay short of it. session: True, one bar a session.
    Returns `Resampled`, M Bars: ts of the scheduled open for time and session bars, of the first source bar's for the others (and for a
    contract's first bar where the one before traded in the same slot); no bar where there is no source bar; open, high, low, close, volume
    exact; spread of the last source bar; buys the sum, -1 where one is unknown; no `truth`, which is bar by bar. Its `first`, int64[M + 1],
    are the source's rows: `esbt.backtest(resampled, ..., path="finer", finer=bars)`.
    No bar but the last ever changes when source bars are appended; the last may still be open (`[:-1]` leaves it out).
    Raises EsbtError for none or several kinds, an amount that is not above 0 (or no whole number), and minutes that are no multiple of the
    source's interval or more than a day's.
    """
    for word in unknown_words:
        raise unknown("parameter", word, set(resample.__annotations__) - {"return", "unknown_words", "bars"})
    if not isinstance(bars, Bars):
        raise EsbtError(f"bars must be esbt.Bars, got {type(bars).__name__}: use esbt.load_bars(...)")
    words = {"minutes": minutes, "volume": volume, "dollars": dollars, "range_ticks": range_ticks, "session": _flag(session)}
    kind, value = _one_kind(words)
    amount = _amount(bars, kind, value)
    days, opens = _session_opens(bars) if kind in ("minutes", "session") else (np.empty(0, np.int32), np.empty(0, np.int64))

    from esbt import _core  # here, so that data can be read and checked without the compiled core

    columns = _core.resample(bars.core, kind, amount, days, opens)
    first, last = columns["first"][:-1], columns["first"][1:] - 1
    columns["first"].flags.writeable = False
    named: dict[str, Any] = {f.name: getattr(bars, f.name) for f in fields(Bars)}
    named |= {"session": bars.session[first], "segment": bars.segment[first], "truth": None, **columns}
    named["spread"] = None if bars.spread is None else bars.spread[last]
    named["source"] = f"{bars.source}, resampled by {kind}={value}"
    return Resampled(**named)


def source_rows(bars: Bars, finer: Bars) -> "npt.NDArray[np.int64] | None":
    """Row of `finer` that each bar begins with, int64[N + 1], if `bars` were resampled from `finer` (or both are cut alike); else None."""
    if not isinstance(bars, Resampled) or not len(bars):
        return None
    starts = np.searchsorted(finer.ts, bars.ts, side="left")
    rows: npt.NDArray[np.int64] = bars.first - (bars.first[0] - starts[0])
    return rows if rows[-1] <= len(finer) and np.array_equal(rows[:-1], starts) else None


def _flag(session: object) -> bool | None:
    if not isinstance(session, bool | np.bool_):
        raise EsbtError(f"session is {session!r}: give True for one bar a session, or leave it out")
    return True if session else None


def _one_kind(words: "Mapping[str, object]") -> tuple[str, Any]:
    given = {word: value for word, value in words.items() if value is not None}
    if len(given) != 1:
        said = ", ".join(f"{word}={value!r}" for word, value in given.items()) or "none"
        raise EsbtError(f"resample takes one kind of bars, got {said}: give one of {_KINDS}")
    return next(iter(given.items()))


def _amount(bars: Bars, kind: str, value: Any) -> int:
    """The core's whole number of a kind: ns, contracts, ticks * contracts, ticks."""
    if kind == "session":
        return 1
    real = kind in ("minutes", "dollars")
    allowed: Any = (int, float, np.integer, np.floating) if real else (int, np.integer)
    number = isinstance(value, allowed) and not isinstance(value, bool)
    if not number or not value > 0 or (isinstance(value, float | np.floating) and not isfinite(value)):
        raise EsbtError(f"{kind} is {value!r}: give a {'number' if real else 'whole number'} above 0")
    if kind == "minutes":
        return _slot_ns(bars, value)
    amount = Fraction(value)
    if kind == "dollars":  # decimals as they are written: 0.1 is a tenth
        which = bars.instrument
        amount = Fraction(str(value)) / (Fraction(str(which.tick)) * Fraction(str(which.multiplier)))
    if amount > _MOST:
        raise EsbtError(f"{kind} is {value!r}: beyond what the core can count; session=True gives one bar a session")
    return ceil(amount)


def _slot_ns(bars: Bars, minutes: Any) -> int:
    width = Fraction(str(minutes)) * _MINUTE_NS
    if width > DAY_NS:
        raise EsbtError(f"minutes is {minutes!r}: a bar never crosses a session; give at most 1440, or session=True for one bar a session")
    interval = bars.interval_ns if len(bars) > 1 else 1
    if width % interval:
        has = f"{float(Fraction(interval, _MINUTE_NS)):g}"
        what = "finer than" if width < interval else "no multiple of"
        raise EsbtError(f"minutes is {minutes!r}: {what} the bars' own interval of {has} minutes ({bars.source}); give a multiple of {has}")
    return int(width)


def _session_opens(bars: Bars) -> "tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]":
    if not len(bars):
        return np.empty(0, np.int32), np.empty(0, np.int64)
    first, last = (date(1970, 1, 1) + timedelta(days=int(day)) for day in (bars.session.min(), bars.session.max()))
    found = sessions_between(bars.instrument.calendar, first, last)
    missing = ~np.isin(bars.session[np.flatnonzero(np.diff(bars.session, prepend=-1))], found.day)
    if missing.any():
        row = int(np.flatnonzero(~np.isin(bars.session, found.day))[0])
        day = date(1970, 1, 1) + timedelta(days=int(bars.session[row]))
        raise EsbtError(
            f"bars.session at row {row} ({utc(bars.ts[row])}) is {day}, on which calendar {bars.instrument.calendar!r} has no session: "
            "load the bars with the right calendar, or resample by volume, dollars or range_ticks"
        )
    return found.day, found.open_ns
