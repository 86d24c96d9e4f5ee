"""Laws of every feature, driven by the registry: warm-up, no future, no seam, ranges, shifted and mirrored prices."""

import re
from dataclasses import replace

import numpy as np
import pytest
from feature_facts import FEELS_LEVEL, MIRROR, NOT_MIRRORED, PRICES, RANGE, bits, bounds, mirrored, other_columns, require_same_bits
from feature_markets import Market, flat_market, random_market, wild_market

from esbt import _core
from esbt.features import features
from esbt.features.registry import Column, default_columns, kinds

DEFAULT = default_columns()
ALL = (*DEFAULT, *other_columns(1))
NAMES = [column.name for column in ALL]
LONG = (1, 2, 14, 150, 13, 60, 820, 79)  # bars of each contract; the volatility percentile warms up for 402


def test_every_feature_has_a_range_and_a_mirror_rule():
    assert set(RANGE) == set(kinds())
    assert set(MIRROR) | set(NOT_MIRRORED) == set(kinds())
    assert not set(MIRROR) & set(NOT_MIRRORED)
    for kind in kinds().values():
        if of_unit := re.fullmatch(r"(-?\d+)\.\.(-?\d+)", kind.unit):
            assert RANGE[kind.name] == tuple(map(float, of_unit.groups())), kind.name


@pytest.mark.parametrize("seed", [10, 11])
def test_warm_up_is_as_declared_in_every_segment(seed: int):
    m = random_market(seed, LONG)
    values = features(m, NAMES)
    for column in ALL:
        np.testing.assert_array_equal(np.isnan(values.column(column.name)), m.ages < column.warm_up, err_msg=column.name)


def test_warm_up_of_long_windows():
    """Longer than the blocks a batch computes in, and than what a stream holds."""
    m = random_market(12, (1_500, 2_600))
    for kind in kinds().values():
        most = tuple(min(p.high, 1_100.0) if p.whole else p.initial for p in kind.parameters)
        column = Column(kind, most)
        values = features(m, [column.name]).matrix[0]
        np.testing.assert_array_equal(np.isnan(values), m.ages < column.warm_up, err_msg=column.name)


CUTS = (0, 1, 2, 13, 17, 100, 166, 167, 255, 256, 257, 300, 511, 512, 513, 600, 751, 752, 753, 1_000)


@pytest.mark.parametrize("make", [lambda seed: random_market(seed, LONG), lambda seed: wild_market(seed, 1_139)], ids=["random", "wild"])
def test_the_future_does_not_change_the_past(make):
    m, other_future = make(20), make(21)
    whole = features(m, NAMES).matrix
    assert len(m) == len(other_future) == sum(LONG)
    for cut in (*CUTS, len(m) - 1):
        past = whole[:, :cut]
        require_same_bits(features(m[:cut], NAMES).matrix, past, ALL, cut)
        other = Market(*(np.concatenate((a[:cut], b[cut:])) for a, b in zip(m.columns, other_future.columns, strict=True)))
        require_same_bits(features(other, NAMES).matrix[:, :cut], past, ALL, cut)


def test_nothing_crosses_a_contract_seam():
    m = random_market(30, LONG)
    whole = features(m, NAMES).matrix
    starts = np.flatnonzero(m.ages == 0)
    assert len(starts) == 8
    for start, end in zip(starts, [*starts[1:], len(m)], strict=True):
        require_same_bits(features(m[start:end], NAMES).matrix, whole[:, start:end], ALL, start)


def test_a_session_begins_anew():
    """What looks at its session only is the same without the sessions before."""
    m = random_market(31, lengths=(700,))
    names = ["session_range_position", "opening_range_position", "minutes_since_open", "session_vwap"]
    start = int(np.flatnonzero(np.diff(m.session))[2]) + 1
    alone, whole = features(m[start:], names).matrix, features(m, names).matrix[:, start:]
    assert bits(alone[:3]) == bits(whole[:3])
    np.testing.assert_allclose(alone[3], whole[3], rtol=1e-6)  # anchored at another price


MARKETS = {
    "random": lambda: random_market(40, LONG),
    "through zero": lambda: random_market(41, LONG, level=0),
    "below zero": lambda: random_market(42, LONG, level=-5_000),
    "wild": lambda: wild_market(43),
    "wild, of millions": lambda: wild_market(2, 3_000, jump=1_000_000),
    "flat": flat_market,
    "flat, far": lambda: flat_market(price=-3),
    "flat after wild": lambda: flat_market(price=20_000, wild_bars=200),
    "long flat after wild": lambda: flat_market(n=40_000, wild_bars=200),
    "bars alone": lambda: random_market(44, lengths=(1,) * 50),
    "untraded": lambda: replace(random_market(45, LONG), volume=np.zeros(sum(LONG), np.int64), buys=np.full(sum(LONG), -1)),
    "all bought": lambda: all_bought(random_market(46, LONG)),
}


def all_bought(m: Market) -> Market:
    return replace(m, buys=m.volume.copy())


@pytest.mark.parametrize("market", MARKETS)
def test_values_are_finite_and_lie_in_their_ranges(market: str):
    m = MARKETS[market]()
    values = features(m, NAMES)
    bad = []
    for column in ALL:
        seen = values.column(column.name)[m.ages >= column.warm_up].astype(float)
        low, high = bounds(column)
        room = 1e-6 * max(1.0, *(abs(x) if np.isfinite(x) else 0.0 for x in (low, high)))  # the bound itself may be rounded
        if not np.isfinite(seen).all() or (seen < low - room).any() or (seen > high + room).any():
            bad.append((column.name, np.nanmin(seen), np.nanmax(seen), int(np.isnan(seen).sum()), (low, high)))
    assert not bad


def test_a_flat_market_has_the_values_that_the_formulas_name():
    """Each formula says what stands where nothing moves and nothing is traded; without such words it is zero."""
    last = {column.name: float(features(flat_market(), [column.name]).matrix[0, -1]) for column in DEFAULT}
    by_itself = {"aroon_up": 100.0, "aroon_down": 100.0, "still_share": 1.0, "volatility_percentile": 0.5, "volatility_regime": 1.0}
    by_itself |= {"supertrend_side": -1.0, "stochastic_d": 50.0}
    for column in DEFAULT:
        if column.kind.group == "clock":
            continue
        named = re.search(r"; (-?[\d.]+) (?:without|where|when|in a|at price)", column.kind.formula)
        expected = by_itself.get(column.kind.name, float(named[1]) if named else 0.0)
        assert last[column.name] == expected, column.name


@pytest.mark.parametrize("shift", [-25_000, -1, 7, 1_000_003])
def test_shifted_prices_give_the_same_bits(shift: int):
    m = random_market(50, LONG)
    shifted = replace(m, **{p: getattr(m, p) + np.int32(shift) for p in ("open", "high", "low", "close")})
    kept = tuple(column for column in ALL if column.kind.name not in FEELS_LEVEL)
    assert len(kept) > 100
    names = [column.name for column in kept]
    require_same_bits(features(shifted, names).matrix, features(m, names).matrix, kept, shift)


def test_what_feels_the_level_does_so():
    m = random_market(50, LONG)
    shifted = replace(m, **{p: getattr(m, p) + np.int32(1_000_003) for p in ("open", "high", "low", "close")})
    felt = tuple(column for column in DEFAULT if column.kind.name in FEELS_LEVEL)
    names = [column.name for column in felt]
    here, there = features(m, names), features(shifted, names)
    for column in felt:
        assert bits(here.column(column.name)) != bits(there.column(column.name)), f"{column.name} does not feel the level: say so"
        if column.kind.name in PRICES:
            seen = m.ages >= column.warm_up
            np.testing.assert_allclose(there.column(column.name)[seen] - 1_000_003.0, here.column(column.name)[seen], atol=0.1)


@pytest.mark.parametrize("level", [20_000, 0])
@pytest.mark.parametrize("name", sorted(MIRROR))
def test_mirrored_prices_mirror_the_feature(name: str, level: int):
    m = random_market(51, LONG, level)
    rule = MIRROR[name]
    other, change = rule if isinstance(rule, tuple) else (name, rule)
    for column in (c for c in ALL if c.kind.name == name):
        settled = m.ages >= max(column.warm_up, 400 if name.startswith("supertrend") else 0)  # it begins below its line on both sides
        assert settled.sum() > 150
        expected = change(features(m, [Column(kinds()[other], column.values).name]).matrix[0][settled].astype(float))
        found = features(mirrored(m), [column.name]).matrix[0][settled]
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6 * max(1.0, np.abs(expected).max()), err_msg=column.name)


def test_the_atr_is_the_strategys_own():
    m = random_market(60)
    for bars in (1, 14, 37):
        own = _core.wilder_atr(m.core, bars)
        np.testing.assert_array_equal(features(m, [f"atr({bars})"]).matrix[0], own.astype(np.float32))
        np.testing.assert_array_equal(features(m, [f"relative_volatility({bars})"]).matrix[0], (own / m.close).astype(np.float32))
