"""Features: core against twin, and the laws every kernel obeys (causal, no seam, warm-up as declared, finite, shift, mirror).

Driven by the registry: a new feature is tested here without a line of its own, except for its range and what a mirror does to it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from feature_markets import Market, flat_market, random_market
from reference import features as reference

from esbt import _core
from esbt.errors import EsbtError
from esbt.features import feature_names, feature_table, features

NAMES = feature_names()
WARM_UP = dict(feature_table().select("name", "warm_up").iter_rows())
FEELS_PRICE_LEVEL = {"relative_volatility"}  # ATR / price, on purpose
MIRROR: dict[str, str | Callable[[np.ndarray], np.ndarray]] = {
    **dict.fromkeys(
        ("return_1", "return_5", "return_30", "ema_gap", "volume_balance", "vwap_distance", "session_open_distance"), np.negative
    ),
    **dict.fromkeys(("close_in_bar", "session_range_position"), lambda x: 1.0 - x),
    **dict.fromkeys(("volatility_ratio", "bar_range", "volume_ratio", "efficiency_ratio", "minutes_since_open"), lambda x: x),
    "rsi_14": lambda x: 100.0 - x,
    "high_60_distance": "low_60_distance",
    "low_60_distance": "high_60_distance",
}
RANGE = {
    "volatility_ratio": (0.0, 100.0 / 14.0),
    "relative_volatility": (0.0, np.inf),
    "bar_range": (0.0, np.inf),
    "close_in_bar": (0.0, 1.0),
    "volume_ratio": (0.0, 60.0),
    "volume_balance": (-1.0, 1.0),
    "efficiency_ratio": (0.0, 1.0),
    "rsi_14": (0.0, 100.0),
    "high_60_distance": (0.0, np.inf),
    "low_60_distance": (0.0, np.inf),
    "session_range_position": (0.0, 1.0),
    "minutes_since_open": (0.0, 24.0 * 60.0),
    **dict.fromkeys(("return_1", "return_5", "return_30", "ema_gap", "vwap_distance", "session_open_distance"), (-np.inf, np.inf)),
}


def bits(matrix: np.ndarray) -> bytes:
    return np.ascontiguousarray(matrix).tobytes()


def test_every_feature_has_a_twin_a_range_and_a_name_of_its_own():
    assert 14 <= len(NAMES) == len(set(NAMES))
    assert set(NAMES) == set(reference.TWINS) == set(RANGE)
    assert set(MIRROR) == set(NAMES) - FEELS_PRICE_LEVEL


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", NAMES)
def test_core_equals_twin(name: str, seed: int):
    m = random_market(seed)
    core = features(m, [name]).column(name)
    twin = reference.per_segment(name, m)
    np.testing.assert_array_equal(np.isnan(core), np.isnan(twin), err_msg=f"{name}: the twin warms up differently")
    seen = core[~np.isnan(core)]
    assert len(seen) > 300
    assert len(np.unique(seen)) > 50  # a constant would prove nothing
    tolerance = reference.TOLERANCE[name]
    if tolerance == reference.EXACT:
        np.testing.assert_array_equal(core, twin.astype(np.float32), err_msg=name)
    else:
        error = np.abs(core - twin) / np.maximum(1.0, np.abs(twin))
        assert np.nanmax(error) <= tolerance, f"{name}: bar {np.nanargmax(error)} is off by {np.nanmax(error)}"


@pytest.mark.parametrize("seed", [10, 11])
def test_warm_up_is_as_declared_in_every_segment(seed: int):
    m = random_market(seed)
    all_features = features(m)
    for name in NAMES:
        np.testing.assert_array_equal(np.isnan(all_features.column(name)), m.ages < WARM_UP[name], err_msg=name)


def test_the_future_does_not_change_the_past():
    m = random_market(20)
    whole = features(m).matrix
    for cut in (0, 1, 2, 13, 17, 100, 166, 167, 255, 256, 257, 300, 511, 512, 513, 600, len(m) - 1):
        assert bits(features(m[:cut]).matrix) == bits(whole[:, :cut]), cut
        other_future = random_market(21)  # another future, not only none
        other = Market(*(np.concatenate((a[:cut], b[cut:])) for a, b in zip(m.columns, other_future.columns, strict=True)))
        assert bits(features(other).matrix[:, :cut]) == bits(whole[:, :cut]), cut


def test_nothing_crosses_a_contract_seam():
    m = random_market(30)
    whole = features(m).matrix
    starts = np.flatnonzero(m.ages == 0)
    assert len(starts) == 8
    for start, end in zip(starts, [*starts[1:], len(m)], strict=True):
        assert bits(features(m[start:end]).matrix) == bits(whole[:, start:end]), start


def test_session_features_see_only_their_session():
    m = random_market(31, lengths=(700,))
    names = ["session_range_position", "minutes_since_open"]
    start = int(np.flatnonzero(np.diff(m.session))[2]) + 1
    assert bits(features(m[start:], names).matrix) == bits(features(m, names).matrix[:, start:])


def test_values_lie_in_their_ranges_and_are_finite():
    markets = [random_market(seed) for seed in (40, 41)]
    markets += [flat_market(), flat_market(price=-3), flat_market(price=20_000, wild_bars=200), flat_market(n=40_000, wild_bars=200)]
    for m in markets:
        all_features = features(m)
        for name in NAMES:
            values = all_features.column(name)[m.ages >= WARM_UP[name]]
            assert np.isfinite(values).all(), name
            low, high = RANGE[name]
            assert values.min() >= np.float32(low), name
            assert values.max() <= np.float32(high), name


def test_a_flat_market_has_the_documented_values():
    last = {name: float(features(flat_market(), [name]).matrix[0, -1]) for name in NAMES}
    half, one = ("close_in_bar", "session_range_position"), ("volatility_ratio", "volume_ratio")
    expected = {**dict.fromkeys(NAMES, 0.0), **dict.fromkeys(half, 0.5), **dict.fromkeys(one, 1.0), "rsi_14": 50.0}
    assert last == {**expected, "minutes_since_open": float((2_500 - 1) % 1_380)}


@pytest.mark.parametrize("shift", [-25_000, -1, 7, 1_000_003])
def test_shifted_prices_give_the_same_bits(shift: int):
    m = random_market(50)
    shifted = replace(m, **{p: getattr(m, p) + np.int32(shift) for p in ("open", "high", "low", "close")})
    names = [name for name in NAMES if name not in FEELS_PRICE_LEVEL]
    assert bits(features(m, names).matrix) == bits(features(shifted, names).matrix)


@pytest.mark.parametrize("name", sorted(MIRROR))
def test_mirrored_prices_mirror_the_feature(name: str):
    m = random_market(51)
    mirrored = replace(m, open=-m.open, high=-m.low, low=-m.high, close=-m.close)
    rule = MIRROR[name]
    expected = features(m, [rule]).column(rule) if isinstance(rule, str) else rule(features(m, [name]).column(name))
    np.testing.assert_allclose(features(mirrored, [name]).column(name), expected, rtol=1e-6, atol=1e-4 if name == "rsi_14" else 1e-6)


def test_the_atr_is_the_strategys_own():
    m = random_market(60)
    atr = _core.wilder_atr(m.core, 14)
    np.testing.assert_array_equal(features(m, ["relative_volatility"]).column("relative_volatility"), (atr / m.close).astype(np.float32))


def test_a_chosen_feature_equals_its_row_in_the_whole_matrix():
    m = random_market(70)
    whole = features(m)
    chosen = NAMES[::-2]
    some = features(m, chosen)
    assert some.names == chosen
    for name in chosen:
        assert bits(some.column(name)) == bits(whole.column(name))


def test_matrix_names_and_frame():
    m = random_market(71, lengths=(5, 300))
    f = features(m)
    assert f.matrix.dtype == np.float32
    assert f.matrix.shape == (len(NAMES), len(m))
    assert f.matrix.flags.c_contiguous
    assert not f.matrix.flags.writeable
    assert f.names == NAMES
    assert len(f) == len(m)
    assert f.frame.columns == ["ts", *NAMES]
    assert f.frame.schema["ts"] == pl.Datetime("ns", "UTC")
    np.testing.assert_array_equal(f.frame["rsi_14"].to_numpy(), f.column("rsi_14"))
    assert f.frame["ts"].to_physical().to_list() == m.ts.tolist()


def test_first_valid_is_the_first_row_without_nan():
    for lengths in ((5, 300), (300,), (99, 100, 50), (20, 30), (1,)):
        m = random_market(72, lengths=lengths)
        f = features(m)
        rows = np.flatnonzero(~np.isnan(f.matrix).any(axis=0))
        assert f.first_valid == (rows[0] if len(rows) else len(m))
        np.testing.assert_array_equal(np.flatnonzero(f.valid), rows)
    assert features(m, ["close_in_bar"]).first_valid == 0
    assert features(m[:0]).first_valid == 0
    assert features(m[:0]).matrix.shape == (len(NAMES), 0)


def test_table_lists_what_is_computed():
    table = feature_table()
    assert table.columns == ["name", "unit", "warm_up", "formula"]
    assert tuple(table["name"]) == NAMES
    assert table["warm_up"].min() == 0
    assert all(table["formula"].str.len_chars() > 10)
    assert all(table["unit"].str.len_chars() > 2)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["rsi_41"], r"unknown feature 'rsi_41'; did you mean 'rsi_14'\?"),
        (["rsi_14", "rsi_14"], "'rsi_14' is named twice"),
        ([], "names is empty"),
        ("rsi_14", r"give a list, \['rsi_14'\]"),
    ],
)
def test_bad_names(names: object, message: str):
    with pytest.raises(EsbtError, match=message):
        features(random_market(80, lengths=(20,)), names)


def test_bad_bars_and_columns():
    with pytest.raises(EsbtError, match="bars is DataFrame, not Bars: load it"):
        features(pl.DataFrame({"close": [1.0]}))
    with pytest.raises(EsbtError, match="unknown feature 'return_5'"):
        features(random_market(81, lengths=(20,)), ["return_1"]).column("return_5")
    with pytest.raises(ValueError, match="no feature has number 99"):
        _core.compute_features(random_market(81, lengths=(20,)).core, [99])


def test_real_bars_enter_as_they_are():
    from esbt.data.bars import Bars
    from esbt.data.instruments import instrument

    m = random_market(90, lengths=(120, 200))
    epoch = date(1970, 1, 1).toordinal()
    bars = Bars(*m.columns, instrument=instrument("ES"), contracts=("H", "M"), source="test")
    assert bars.frame["session"][0].toordinal() - epoch == m.session[0]
    assert bits(features(bars).matrix) == bits(features(m).matrix)
