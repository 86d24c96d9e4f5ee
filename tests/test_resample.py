"""Resampled bars against their naive twin, and the laws: whole, causal, split and composed alike; Polars as a third opinion."""

import numpy as np
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from reference import resample as twin
from resample_markets import KINDS, MINUTE, OPENS, as_bars, as_drawn, cases, check_whole, markets, rows, same, words

import esbt
from esbt import _core
from esbt.data import Bars

LAW = settings(derandomize=True, deadline=None, database=None, max_examples=60, phases=(Phase.explicit, Phase.generate, Phase.shrink))
POINTS = ("open", "high", "low", "close")


@pytest.mark.parametrize("kind", KINDS)
def test_core_equals_the_twin(kind):
    met = {"joined": 0, "cut": 0, "own open": 0}

    @settings(LAW, max_examples=100)
    @given(cases([kind]))
    def compare(case):
        drawn, _, amount = case
        made = esbt.resample(as_bars(drawn), **words(kind, amount))
        expected = twin.resample(drawn, kind, amount, OPENS)
        assert as_drawn(made) == expected
        groups = twin.groups(drawn, kind, amount, OPENS)
        assert np.diff(made.first).tolist() == [len(group) for group in groups]
        check_whole(made, as_bars(drawn))
        met["joined"] += len(made) < len(drawn)
        met["cut"] += len({(b.session, b.segment) for b in drawn}) > 2
        met["own open"] += any(bar.ts != group[0].ts for bar, group in zip(expected, groups, strict=True))

    compare()
    assert met["joined"] > 20
    assert met["cut"] > 20
    assert (met["own open"] > 20) == (kind in ("minutes", "session"))


@LAW
@given(cases())
def test_appended_bars_never_change_a_closed_bar(case):
    drawn, kind, amount = case
    source = as_bars(drawn)
    whole = esbt.resample(source, **words(kind, amount))
    for n in range(len(source) + 1):
        part = esbt.resample(source[:n], **words(kind, amount))
        closed = max(len(part) - 1, 0)
        assert same(part[:closed], whole[:closed]), n
        assert np.array_equal(part.first[: closed + 1], whole.first[: closed + 1])
        if n in whole.first:
            assert same(part, whole[: len(part)]), n


@LAW
@given(cases())
def test_a_split_source_gives_a_split_result(case):
    drawn, kind, amount = case
    source = as_bars(drawn)
    whole = esbt.resample(source, **words(kind, amount))
    for k, row in enumerate(whole.first.tolist()):
        head, tail = (esbt.resample(part, **words(kind, amount)) for part in (source[:row], source[row:]))
        assert same(head, whole[:k])
        # The rest does not know what traded before it in the slot of its first bar: that one gets its scheduled open.
        assert same(tail, whole[k:], but=("ts",))
        assert np.array_equal(tail.ts[1:], whole.ts[k + 1 :])
        assert np.array_equal(tail.first + row, whole.first[k:])


@LAW
@given(markets(), st.integers(1, 6), st.integers(1, 6))
def test_bars_of_bars_are_the_bars_themselves(drawn, few, times):
    source = as_bars(drawn)
    small = esbt.resample(source, minutes=few)
    if len(small) > 1 and small.interval_ns != few * MINUTE:
        return  # too few bars to tell their interval
    direct, composed = esbt.resample(source, minutes=few * times), esbt.resample(small, minutes=few * times)
    assert same(direct, composed, but=("ts",))
    assert np.array_equal(small.first[composed.first], direct.first)
    by_session = esbt.resample(source, session=True)
    assert same(by_session, esbt.resample(small, session=True), but=("ts",))
    assert same(by_session, esbt.resample(source, minutes=1440))


@pytest.fixture(scope="module")
def holey() -> Bars:
    """Two months of synthetic minutes, over the change of clocks, one in ten missing, cut into two contracts in mid-session."""
    bars = esbt.synthetic_bars(days=60, seed=3)
    keep = np.flatnonzero(np.random.default_rng(5).random(len(bars)) < 0.9)
    columns = {name: getattr(bars, name)[keep] for name in ("ts", *POINTS, "volume", "session")}
    segment = (np.arange(keep.size) > 30_007).astype(np.int32)
    return Bars(**columns, segment=segment, instrument=bars.instrument, contracts=("A", "B"), source="holes")


@pytest.mark.parametrize("minutes", [1, 5, 7, 60, 405])
def test_polars_groups_alike(holey, minutes):
    """group_by_dynamic, on the time since 17:00 Chicago of the evening before."""
    clock = pl.col("ts").dt.convert_time_zone("America/Chicago")
    evening = pl.col("session").cast(pl.Datetime("ns")).dt.offset_by("-7h").dt.replace_time_zone("America/Chicago")
    frame = holey.frame.with_columns(opened=evening).with_columns(since=(clock - pl.col("opened")).cast(pl.Int64).cast(pl.Datetime("ns")))
    expected = (
        frame.group_by_dynamic("since", every=f"{minutes}m", group_by=["contract", "session"])
        .agg(
            pl.col("opened").first(),
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            head=pl.col("ts").min(),
            rows=pl.len(),
        )
        .sort("head")
    )
    made = esbt.resample(holey, minutes=minutes)
    columns = [*POINTS, "volume", "session", "contract"]
    assert made.frame.select(columns).equals(expected.select(columns))
    assert np.array_equal(np.diff(made.first), expected["rows"].to_numpy())
    scheduled = expected.select((pl.col("opened") + pl.col("since").cast(pl.Int64).cast(pl.Duration("ns"))).dt.convert_time_zone("UTC"))
    moved = np.flatnonzero(made.ts != scheduled.to_series().dt.epoch("ns").to_numpy())
    seam = int(np.flatnonzero(np.diff(made.segment))[0]) + 1
    assert moved.tolist() == ([] if minutes == 1 else [seam])
    assert made.ts[seam] == holey.ts[30_008]


def test_volumes_beyond_an_int64_close_their_bar():
    """|close| * volume is held at what an int64 holds, a sum at the amount."""
    n, huge = 6, 2**62
    prices = [np.full(n, 2_000_000_000, np.int32)] * 4
    volume = np.array([huge, 1, 1, huge, huge, 0], np.int64)
    bars = _core.CoreBars(np.arange(n, dtype=np.int64), *prices, volume, np.zeros(n, np.int32), np.zeros(n, np.int32))
    none = np.empty(0, np.int32), np.empty(0, np.int64)
    assert _core.resample(bars, "dollars", huge, *none)["first"].tolist() == [0, 1, 4, 5, 6]
    assert _core.resample(bars, "volume", huge, *none)["first"].tolist() == [0, 1, 4, 5, 6]
    assert _core.resample(bars, "range_ticks", 1, *none)["first"].tolist() == [0, 6]
    with pytest.raises(ValueError, match="no such kind"):
        _core.resample(bars, "ticks", 1, *none)
    with pytest.raises(ValueError, match="at least 1"):
        _core.resample(bars, "volume", 0, *none)
    with pytest.raises(IndexError, match="no session of day 0"):
        _core.resample(bars, "minutes", MINUTE, *none)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_and_one_bar(kind):
    bars = esbt.synthetic_bars(days=3, seed=1)
    none = esbt.resample(bars[:0], **words(kind, MINUTE))
    assert len(none) == 0
    assert none.first.tolist() == [0]
    one = esbt.resample(bars[:1], **words(kind, MINUTE))
    assert (len(one), one.first.tolist()) == (1, [0, 1])
    assert [rows(one.first)[0].stop, int(one.close[0])] == [1, int(bars.close[0])]
