"""Source bars for the tests of resampling: a few ES sessions on either side of a clock change, with holes, seams, quotes and buys.

The scheduled opens come from Chicago's clock by zoneinfo, not from the calendar under test.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st
from reference.resample import SourceBar

from esbt.data import Bars, instrument
from esbt.data.resample import Resampled

MINUTE = 60_000_000_000
DAYS = [date(2024, 3, 7), date(2024, 3, 8), date(2024, 3, 11), date(2024, 3, 12)]  # Chicago's clocks went forward on Sunday the 10th
KINDS = ("minutes", "volume", "dollars", "range_ticks", "session")
USD_PER_TICK = 12.5  # ES, one contract


def number(day: date) -> int:
    """Trade date as bars.session has it."""
    return (day - date(1970, 1, 1)).days


def session_open(day: date) -> int:
    """17:00 Chicago of the day before (Sunday for Monday), ns UTC."""
    before = datetime(day.year, day.month, day.day, 17, tzinfo=ZoneInfo("America/Chicago")) - timedelta(days=1)
    return int(before.timestamp()) * 1_000_000_000


OPENS = {number(day): session_open(day) for day in DAYS}
COLUMNS = ("ts", "open", "high", "low", "close", "volume", "session", "segment", "spread", "buys")


def as_bars(drawn: Sequence[SourceBar]) -> Bars:
    """esbt.Bars of the twin's."""
    columns = {name: np.array([getattr(b, name) for b in drawn], np.int64) for name in COLUMNS}
    labels = tuple(f"contract {k}" for k in range(int(columns["segment"].max(initial=0)) + 1))
    return Bars(**columns, instrument=instrument("ES"), contracts=labels, source="drawn bars")


def as_drawn(bars: Bars) -> list[SourceBar]:
    """The twin's of esbt.Bars, to compare."""
    return [SourceBar(*map(int, row)) for row in zip(*(getattr(bars, name) for name in COLUMNS), strict=True)]


def words(kind: str, amount: int) -> dict[str, object]:
    """The twin's kind and amount in the words of esbt.resample."""
    return {kind: {"minutes": amount // MINUTE, "dollars": amount * USD_PER_TICK, "session": True}.get(kind, amount)}


def rows(first: np.ndarray) -> list[range]:
    """The source rows of each bar."""
    return [range(a, b) for a, b in zip(first[:-1].tolist(), first[1:].tolist(), strict=True)]


def same(a: Bars, b: Bars, but: Sequence[str] = ()) -> bool:
    """Equal in every column, `first` apart."""
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in COLUMNS if name not in but)


@st.composite
def markets(draw: st.DrawFn) -> list[SourceBar]:
    """Up to four sessions of up to 12 bars. Holes have lengths of their own, so that a minute is the commonest step of every beginning."""
    drawn: list[SourceBar] = []
    price, segment, hole = draw(st.sampled_from([20_000, 3, -40])), 0, 1
    for day in DAYS[: draw(st.integers(1, len(DAYS)))]:
        ts = session_open(day) + MINUTE * (draw(st.integers(0, 9)) if drawn else 0)
        for _ in range(draw(st.integers(0, 12)) if drawn else draw(st.integers(5, 12))):
            opened = price + draw(st.integers(-2, 2))
            price = opened + draw(st.integers(-6, 6))
            high, low = max(opened, price) + draw(st.integers(0, 3)), min(opened, price) - draw(st.integers(0, 3))
            volume = draw(st.sampled_from([0, 1, 5, 40, 1000]))
            buys = draw(st.sampled_from([volume // 2, volume // 2, volume // 2, -1]))
            drawn.append(SourceBar(ts, opened, high, low, price, volume, number(day), segment, draw(st.integers(-2, 3)), buys))
            hole += 1
            ts += MINUTE * (hole if len(drawn) > 5 and draw(st.integers(0, 5)) == 5 else 1)
            segment += draw(st.integers(0, 11)) == 11
    return drawn


def amounts(kind: str) -> st.SearchStrategy[int]:
    """Amounts as the core counts them; small ones, so that bars close often."""
    return {
        "minutes": st.integers(1, 12).map(lambda m: m * MINUTE) | st.sampled_from([30 * MINUTE, 1440 * MINUTE]),
        "volume": st.integers(1, 2500),
        "dollars": st.integers(1, 60_000_000),
        "range_ticks": st.integers(1, 30),
        "session": st.just(1),
    }[kind]


@st.composite
def cases(draw: st.DrawFn, kinds: Sequence[str] = KINDS) -> tuple[list[SourceBar], str, int]:
    """A market, a kind and an amount."""
    kind = draw(st.sampled_from(kinds))
    return draw(markets()), kind, draw(amounts(kind))


def check_whole(made: Resampled, source: Bars) -> None:
    """What holds for any kind: every source row in one bar, no bar across a seam, times that rise and lead to the rows."""
    assert made.first[0] == 0
    assert made.first[-1] == len(source)
    assert (np.diff(made.first) > 0).all()
    assert (np.diff(made.ts) > 0).all()
    assert np.array_equal(np.searchsorted(source.ts, made.ts), made.first[:-1])
    for k, part in enumerate(rows(made.first)):
        assert set(source.session[part].tolist()) == {made.session[k]}
        assert set(source.segment[part].tolist()) == {made.segment[k]}
    assert made.volume.sum() == source.volume.sum()
