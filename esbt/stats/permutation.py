"""Markets without a pattern, made from a real one by permuting its moves; and the p-value of a strategy, or a whole search, against them.

What is permuted. A bar is two moves: the GAP from the close before to its open, and its BODY: close, high and low from the open, which stay
together. Each is put in place of another's of the same slot of the session (minutes since its scheduled open), gaps and bodies separately,
so that a slot keeps its own moves over all sessions: volatility by time of day, fat tails and drift remain, the order is lost. Gaps into a
session are permuted among themselves, those over a weekend or holiday apart. Times, sessions, volume, spread and what was bought stay where
they are; so do the first price and the price's jump where a contract begins. Moves are relative to the price and rounded to whole ticks.
Source: Masters 2020, "Permutation and Randomization Tests for Trading System Development", who permutes over all bars; slots and
what follows are added here, for minutes.
With `keep_volatility` a move is measured in its session's mean absolute body and given back in that of the session it goes to: calm weeks
stay calm. Without, volatility comes in no clusters, and a strategy that merely waits for lively days is tested against too weak a market.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from esbt._series import Floats
from esbt.data.bars import Bars
from esbt.data.calendar import sessions_between
from esbt.data.times import DAY_NS, utc
from esbt.data.validate import MAX_TICKS
from esbt.errors import EsbtError
from esbt.stats._checks import whole

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PermutationTest:
    """p_value = (1 + count of permuted >= observed) / (permutations + 1). permuted float64[permutations]; NaN there counts as at least
    observed.
    """

    p_value: float
    observed: float
    permuted: Floats


def permutation_test(
    statistic: Callable[[Bars], float],
    bars: Bars,
    permutations: int = 100,
    seed: int = 0,
    *,
    keep_volatility: bool = True,
    console: Console | None = None,
) -> PermutationTest:
    """Probability that a market without a pattern, of the same session shape, gives `statistic` as high a value as these bars do.

    statistic: any function Bars -> float, greater is better. Give it the WHOLE search, such as the best metric of a sweep: then the luck of
    having searched is in the p-value; a single strategy that was found on these bars is not judged by this test. Permutation k is
    `permuted_bars(bars, (seed, k))`. `console`: shows progress there. Raises EsbtError if the statistic of the bars is no number.
    """
    count = whole(permutations, "permutations", 1)
    shuffle = _Shuffle(_checked(bars), keep_volatility)
    observed = float(statistic(bars))
    if not np.isfinite(observed):
        raise EsbtError(f"the statistic of the bars is {observed}: give a function that is finite on {bars!r}")
    permuted = np.empty(count)
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=console is None) as progress:
        task = progress.add_task("permuted markets", total=count)
        for k in range(count):
            permuted[k] = float(statistic(shuffle.bars((whole(seed, "seed", 0), k))))
            progress.advance(task)
    reached = count - int(np.count_nonzero(permuted < observed))
    return PermutationTest((1.0 + reached) / (count + 1.0), observed, permuted)


def permuted_bars(bars: Bars, seed: int | tuple[int, ...] = 0, *, keep_volatility: bool = True) -> Bars:
    """The same bars with their moves permuted, as above; same seed, same bars. `.synthetic` is True and `.source` tells.

    Raises EsbtError for fewer than two bars, prices at or below zero (moves are relative to them), sessions that the instrument's calendar
    does not know, and a price that leaves the range of ticks.
    """
    return _Shuffle(_checked(bars), keep_volatility).bars(seed)


class _Shuffle:
    """What all permutations of the same bars share."""

    def __init__(self, bars: Bars, keep_volatility: bool) -> None:
        self.source = bars
        opens, closes = np.log(bars.open), np.log(bars.close)
        self.first = float(opens[0])
        self.gap = np.concatenate(([0.0], opens[1:] - closes[:-1]))
        self.body = np.stack([closes - opens, np.log(bars.high) - opens, np.log(bars.low) - opens])
        self.scale = _session_volatility(bars, self.body[0]) if keep_volatility else np.ones(len(bars))

    @cached_property
    def slots(self) -> tuple[Places, Places]:
        """int64[N] group of each bar's gap and of its body. A gap whose group is its own stays: the first, and those across a seam."""
        bars = self.source
        body = bars.ts - _scheduled_opens(bars)
        gap = body.copy()
        starts = np.concatenate(([True], np.diff(bars.session) != 0))
        closed = np.diff(bars.ts, prepend=bars.ts[0])
        far = np.int64(1 << 62)  # beyond any slot
        gap[starts] = np.where(closed[starts] < DAY_NS, far, far + 1)
        seams = np.concatenate(([True], np.diff(bars.segment) != 0))
        gap[seams] = np.flatnonzero(seams) - far
        return gap, body

    @cached_property
    def places(self) -> tuple[Places, Places]:
        """Bars sorted by group, for gaps and for bodies."""
        gap, body = self.slots
        return np.argsort(gap, kind="stable"), np.argsort(body, kind="stable")

    def bars(self, seed: int | tuple[int, ...]) -> Bars:
        rng = np.random.default_rng(seed)
        bars = self.source
        from_gap, from_body = (self._permutation(slot, place, rng) for slot, place in zip(self.slots, self.places, strict=True))
        gap = self.gap[from_gap] * self.scale / self.scale[from_gap]
        body = self.body[:, from_body] * (self.scale / self.scale[from_body])
        steps = np.concatenate(([self.first], body[0, :-1] + gap[1:]))
        opens = np.cumsum(steps)
        prices = {"open": opens, "close": opens + body[0], "high": opens + body[1], "low": opens + body[2]}
        if float(prices["low"].min()) < 0.0 or float(prices["high"].max()) > np.log(MAX_TICKS - 1):
            raise EsbtError(f"a permuted price left the range of ticks (seed {seed}): {bars!r} moves too much to be permuted")
        ticks = {name: np.rint(np.exp(path)).astype(np.int32) for name, path in prices.items()}
        return replace(
            bars,
            **ticks,
            source=f"{bars.source}, moves permuted (seed {seed})",
            synthetic=True,
            truth=None,
        )

    @staticmethod
    def _permutation(slot: Places, place: Places, rng: np.random.Generator) -> Places:
        """Which bar each bar takes its move from: a random permutation inside every group."""
        drawn = np.lexsort((rng.random(len(slot)), slot))
        out = np.empty_like(place)
        out[place] = drawn
        return out


def _session_volatility(bars: Bars, body: Floats) -> Floats:
    """float64[N]: mean absolute body over the bar's session, in units of the mean session; 1 where a session does not move."""
    _, which = np.unique(bars.session, return_inverse=True)
    mean = np.bincount(which, np.abs(body)) / np.bincount(which)
    if not mean.any():
        return np.ones(len(bars))
    return np.asarray(np.where(mean > 0, mean / mean.mean(), 1.0)[which])


def _scheduled_opens(bars: Bars) -> Places:
    """int64[N] ns UTC: when the bar's session was due to open."""
    first, last = (date(1970, 1, 1) + timedelta(days=int(day)) for day in (bars.session.min(), bars.session.max()))
    found = sessions_between(bars.instrument.calendar, first, last)
    at = np.searchsorted(found.day, bars.session)
    known = (
        (at < len(found.day)) & (found.day[np.minimum(at, len(found.day) - 1)] == bars.session)
        if len(found.day)
        else np.zeros(len(bars), bool)
    )
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        day = date(1970, 1, 1) + timedelta(days=int(bars.session[row]))
        raise EsbtError(
            f"bars.session at row {row} ({utc(int(bars.ts[row]))}) is {day}, on which "
            f"calendar {bars.instrument.calendar!r} has no session: load the bars with the right calendar"
        )
    return np.asarray(found.open_ns[at])


def _checked(bars: Bars) -> Bars:
    if not isinstance(bars, Bars):
        raise EsbtError(f"bars must be esbt.Bars, got {type(bars).__name__}: use esbt.load_bars(...)")
    if len(bars) < 2:
        raise EsbtError(f"{len(bars)} bar(s) of {bars.source}: two or more can be permuted")
    low = np.flatnonzero(bars.low <= 0)
    if len(low):
        row = int(low[0])
        raise EsbtError(
            f"bars.low is {bars.low[row]} ticks at row {row} ({utc(int(bars.ts[row]))}): relative moves need prices above zero; "
            "leave these bars out"
        )
    return bars
