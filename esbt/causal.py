"""Causality, tried out: `check` recomputes on prefixes of the bars, and with another future, and what was known before must not change.

It works on anything that turns bars into columns: names of features, user features, Polars expressions, Features, strategies, external
joins, and any function bars -> array or frame. What it cannot find is a function that carries the future inside itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt._subjects import Columns, as_function
from esbt.data.bars import Bars
from esbt.data.times import utc
from esbt.errors import EsbtError

CUTS = 12

Compute = Callable[[Bars], Columns]


@dataclass(frozen=True)
class Difference:
    """A column whose value at `bar` is `known` with all bars and `now` otherwise; `how` says on which bars."""

    column: str
    bar: int
    known: Any
    now: Any
    how: str


def check(subject: Any, bars: Bars, *, cuts: int | Sequence[int] = CUTS) -> int:
    """Raise EsbtError, naming the first bar and column that changed, where a value at some bar depends on later bars.

    subject: a function bars -> array (N values, or a matrix with one row a column), frame, Features, mapping, or strategy; a Polars
    expression over `bars.frame`; a feature's name, a UserFeature, or a list of both; Features (compared with what their names give on
    fewer bars); a strategy (its sides and its ATR); an `esbt.external.Join` (its file is cut back too).
    cuts: how many places to cut at (ends, seams and session opens first, then places spread over the bars), or the places: a cut at c keeps
    the bars before c. At each, the subject is computed on bars[:c], and on bars whose future from c on is another; both must equal, value
    by value and NaN by NaN, what all bars gave. The whole is computed twice, too: a subject that draws at random is refused.
    Returns how many values, NaN not counted, were compared. Subjects run 2 + 2 * cuts times.
    """
    if not isinstance(bars, Bars):
        raise EsbtError(f"causal.check(subject, bars): bars is {type(bars).__name__}, not Bars: load it with esbt.load_bars")
    compared = 0
    for found, count in comparisons(subject, bars, places(bars, cuts)):
        if found:
            worst = min(found, key=lambda one: one.bar)
            raise EsbtError(
                f"causal: column {worst.column!r} at bar {worst.bar} ({utc(bars.ts[worst.bar])}) is {worst.known} with all bars and "
                f"{worst.now} {worst.how}: it must be made of bars up to its own alone"
            )
        compared += count
    return compared


def comparisons(subject: Any, bars: Bars, at: Sequence[int]) -> Iterator[tuple[list[Difference], int]]:
    """For all bars once more, then for each cut without and with other later bars: the columns that differ, each with its first bar, and
    how many values were compared (of all bars once more: 0). Raises EsbtError where the subject fails or its columns change."""
    compute_as_known = as_function(subject)
    everything: Compute = compute_as_known(None)
    whole = _run(everything, bars, "all bars")
    again, _ = _compare(whole, _run(everything, bars, "all bars, once more"), len(bars), "on a second call with the same bars")
    yield again, 0
    for cut in at:
        compute = compute_as_known(int(bars.ts[cut - 1]) + _interval(bars)) if cut else everything
        yield _compare(whole, _run(compute, _prefix(bars, cut), f"the first {cut} bars"), cut, f"without the bars from {cut} on")
        other = other_future(bars, cut)
        yield _compare(whole, _run(compute, other, f"another future from bar {cut} on"), cut, f"with other bars from {cut} on")


def other_future(bars: Bars, cut: int) -> Bars:
    """The same bars before `cut`; from there on the past again, run backwards and then to and fro, up to 5 ticks higher, so that the next
    bar differs in each of its prices, and with 7 more contracts a bar. Times stay.

    Nothing but the future changes, and it stays a market: prices near those seen before, no impossible bar. `cut` 0: no change.
    """
    if not 0 < cut < len(bars):
        return bars
    step = np.arange(len(bars) - cut) % (2 * cut)
    backwards = step < cut
    row = np.where(backwards, cut - 1 - step, step - cut)
    fields: dict[str, npt.NDArray[Any]] = {
        "open": np.where(backwards, bars.close[row], bars.open[row]),
        "high": bars.high[row],
        "low": bars.low[row],
        "close": np.where(backwards, bars.open[row], bars.close[row]),
    }
    taken = {int(getattr(bars, name)[cut]) - int(later[0]) for name, later in fields.items()}
    up = next(ticks for ticks in range(1, 6) if ticks not in taken)
    fields = {name: later + up for name, later in fields.items()}
    fields["volume"] = bars.volume[row] + 7
    for name in ("spread", "buys"):
        if getattr(bars, name) is not None:
            fields[name] = getattr(bars, name)[row]
    joined = {name: np.concatenate((getattr(bars, name)[:cut], later)) for name, later in fields.items()}
    changed: Any = replace
    return _of_the_same_interval(changed(bars, **joined, truth=None), bars)


def places(bars: Bars, cuts: int | Sequence[int]) -> list[int]:
    """The bars to cut before, ascending: `cuts` of them, or those given. Raises EsbtError for what is no place in the bars."""
    n = len(bars)
    if isinstance(cuts, bool) or (isinstance(cuts, int) and cuts < 1):
        raise EsbtError(f"causal.check(cuts): cuts is {cuts!r}: give how many, 1 or more, or a list of bar numbers")
    if not isinstance(cuts, int):
        wrong = [cut for cut in cuts if not 0 <= cut <= n]
        if wrong or not len(cuts):
            raise EsbtError(f"causal.check(cuts): {wrong[0] if wrong else 'nothing'} is no place in {n} bars: give numbers from 0 to {n}")
        return sorted({int(cut) for cut in cuts})
    seams = (np.flatnonzero(np.diff(bars.segment)) + 1).tolist()
    opens = (np.flatnonzero(np.diff(bars.session)) + 1).tolist()
    spread = [round(n * share) for share in np.modf(np.arange(1, 4 * cuts + 1) * 0.618033988749895)[0].tolist()]
    wanted = [n - 1, *seams[:1], *opens[-1:], 1, *seams[-1:], *spread]
    kept = list(dict.fromkeys(cut for cut in wanted if 0 < cut < n))
    return sorted(kept[:cuts])


def _interval(bars: Bars) -> int:
    return bars.interval_ns if len(bars) > 1 else 0


def _prefix(bars: Bars, cut: int) -> Bars:
    return _of_the_same_interval(bars[:cut], bars)


def _of_the_same_interval(part: Bars, bars: Bars) -> Bars:
    """That the bars are of one minute was known before them: a few bars, with gaps perhaps, need not find out anew."""
    if len(bars) > 1:
        vars(part)["interval_ns"] = bars.interval_ns
    return part


def _run(compute: Compute, bars: Bars, what: str) -> Columns:
    try:
        return compute(bars)
    except EsbtError as error:
        raise EsbtError(f"causal.check: on {what}: {error}") from error
    except Exception as error:
        raise EsbtError(f"causal.check: on {what} it failed with {type(error).__name__}: {error}") from error


def _compare(whole: Columns, part: Columns, cut: int, how: str) -> tuple[list[Difference], int]:
    """Columns that differ before the cut, and how many values were compared."""
    if list(part) != list(whole):
        raise EsbtError(f"causal: the columns change {how}: {', '.join(whole)} become {', '.join(part)}")
    compared, found = 0, []
    for name, known in whole.items():
        before, now = known[:cut], part[name][:cut]
        missing, missing_now = is_missing(before), is_missing(now)
        same = (missing & missing_now) | (~(missing | missing_now) & (before == now))
        compared += int(same.size - np.count_nonzero(missing))
        if not same.all():
            bar = int(np.argmin(same))
            found.append(Difference(name, bar, known[bar], now[bar], how))
    return found, compared


def is_missing(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a column has no value: NaN among numbers, None elsewhere."""
    if values.dtype.kind in "fc":
        return np.asarray(np.isnan(values), dtype=np.bool_)
    return np.array([value is None for value in values] if values.dtype == object else np.zeros(values.size), dtype=np.bool_)
