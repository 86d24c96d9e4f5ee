"""How features are named and asked for: spellings, groups, errors with "did you mean", the matrix, its names, its frame, its first row."""

from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from feature_facts import bits, other_columns
from feature_markets import random_market

from esbt import _core
from esbt.errors import EsbtError
from esbt.features import feature_groups, feature_names, feature_table, features
from esbt.features.registry import column, column_of, default_columns, kinds

NAMES = feature_names()
SMALL = random_market(80, lengths=(20,))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("rsi", "rsi(14)"),
        ("rsi()", "rsi(14)"),
        ("rsi(14)", "rsi(14)"),
        (" rsi ( 21 ) ", "rsi(21)"),
        ("rsi(21.0)", "rsi(21)"),
        ("rsi(1e1)", "rsi(10)"),
        ("macd", "macd(12, 26)"),
        ("macd(5)", "macd(5, 26)"),
        ("macd(5,35)", "macd(5, 35)"),
        ("bollinger_width(20, 2.5)", "bollinger_width(20, 2.5)"),
        ("vwap_distance", "vwap_distance"),
        ("vwap_distance()", "vwap_distance"),
    ],
)
def test_spellings(spelling: str, name: str):
    assert column(spelling).name == name
    assert features(SMALL, [spelling]).names == (name,)
    assert features(SMALL, spelling).names == (name,)


def test_a_canonical_name_is_a_spelling_of_its_column():
    for c in (*default_columns(), *other_columns(1), *other_columns(2, longest=9_000)):
        assert column(c.name) == c
        assert column_of(c.kind, {p.name: v for p, v in zip(c.kind.parameters, c.values, strict=True)}) == c


def test_a_canonical_name_has_all_digits_of_its_parameters():
    """Two columns of different values never have the same name."""
    a, b = column("bollinger_width(20, 2.0000001)"), column("bollinger_width(20, 2)")
    assert a.values != b.values
    assert a.name != b.name
    assert column(a.name) == a


def test_groups_stand_for_their_columns_in_the_default_set():
    for group in feature_groups():
        found = features(SMALL, [group]).names
        assert found == tuple(c.name for c in default_columns(group))
        assert found == tuple(feature_table().filter(pl.col("group") == group)["name"])
        assert len(found) > 1
        assert features(SMALL, group).names == found
    assert features(SMALL, list(feature_groups())).names == NAMES == features(SMALL).names
    mixed = features(SMALL, ["rsi(9)", "clock", "atr"]).names
    assert mixed == ("rsi(9)", *(c.name for c in default_columns("clock")), "atr(14)")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["rzi"], r"unknown feature 'rzi'; did you mean 'rsi'\?"),
        (["rsi_14"], r"unknown feature 'rsi_14'"),
        (["volatilty"], r"unknown feature 'volatilty'; did you mean 'volatility'\?"),
        (["rsi(14"], r"unknown feature 'rsi\(14'"),
        (["RSI"], r"unknown feature 'RSI'"),
        ([""], r"unknown feature ''"),
        (["rsi(14, 3)"], r"'rsi\(14, 3\)' has 2 parameters, rsi takes 1: bars"),
        (["vwap_distance(5)"], r"'vwap_distance\(5\)' has 1 parameters, vwap_distance takes 0: none"),
        (["rsi(0)"], r"bars is 0: give a whole number from 1 to 10000"),
        (["rsi(-3)"], r"bars is -3: give a whole number from 1 to 10000"),
        (["rsi(10001)"], r"bars is 10001: give a whole number from 1 to 10000"),
        (["rsi(14.5)"], r"bars is 14.5: give a whole number from 1 to 10000"),
        (["rsi(nan)"], r"bars is nan: give a whole number"),
        (["rsi(inf)"], r"bars is inf: give a whole number"),
        (["rsi(many)"], r"'rsi\(many\)': bars is 'many', not a number"),
        (["macd(, 26)"], r"fast is '', not a number"),
        (["bollinger_width(20, 0)"], r"deviations is 0: give a number from 0.1 to 10"),
        (["rsi", "rsi(14)"], r"'rsi\(14\)' is named twice"),
        (["trend", "rsi"], r"'rsi\(14\)' is named twice"),
        ([], "names is empty"),
        ([14], "14 is no name"),
    ],
)
def test_bad_names(names: list, message: str):
    with pytest.raises(EsbtError, match=message):
        features(SMALL, names)


@pytest.mark.parametrize("threads", [0, -1, 257, 1.0, True, "2", None])
def test_bad_threads(threads: object):
    with pytest.raises(EsbtError, match=r"threads is .*: give a whole number from 1 to 256"):
        features(SMALL, threads=threads)


def test_bad_parameter_words():
    with pytest.raises(EsbtError, match=r"unknown parameter of rsi 'bar'; did you mean 'bars'\?"):
        column_of(kinds()["rsi"], {"bar": 3})


def test_bad_bars_and_columns():
    with pytest.raises(EsbtError, match="bars is DataFrame, not Bars: load it"):
        features(pl.DataFrame({"close": [1.0]}))
    with pytest.raises(EsbtError, match=r"unknown feature 'move\(5\)'"):
        features(SMALL, ["move(1)"]).column("move(5)")


def test_the_core_checks_for_itself():
    for columns, message in (
        ([(9_999, [])], "no feature has number 9999"),
        ([(-1, [])], "no feature has number -1"),
        ([(kinds()["rsi"].number, [])], "rsi has another number of parameters"),
        ([(kinds()["rsi"].number, [0.0])], "rsi's bars is out of range"),
        ([(kinds()["rsi"].number, [float("nan")])], "rsi's bars is out of range"),
    ):
        with pytest.raises(ValueError, match=message):
            _core.compute_features(SMALL.core, columns)
        with pytest.raises(ValueError, match=message):
            _core.FeatureStream(columns)


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
    np.testing.assert_array_equal(f.frame["rsi(14)"].to_numpy(), f.column("rsi(14)"))
    assert f.frame["ts"].to_physical().to_list() == m.ts.tolist()


def test_a_chosen_column_equals_its_row_in_the_whole_matrix():
    m = random_market(70)
    whole, chosen = features(m), NAMES[::-2]
    some = features(m, chosen)
    assert some.names == chosen
    for name in chosen:
        assert bits(some.column(name)) == bits(whole.column(name)), name


def test_first_valid_is_the_first_row_without_nan():
    warm = max(c.warm_up for c in default_columns())
    for lengths in ((5, warm + 300), (warm + 1,), (warm, warm - 1, warm + 50), (20, 30), (warm,), (1,)):
        m = random_market(72, lengths=lengths)
        f = features(m)
        rows = np.flatnonzero(~np.isnan(f.matrix).any(axis=0))
        assert f.first_valid == (rows[0] if len(rows) else len(m))
        np.testing.assert_array_equal(np.flatnonzero(f.valid), rows)
        for a, b in pairwise((0, len(m) // 3, len(m))):
            part = np.flatnonzero(~np.isnan(f.matrix[:, a:b]).any(axis=0))
            assert f[a:b].first_valid == (part[0] if len(part) else b - a)
    assert features(m, ["close_in_bar"]).first_valid == 0
    assert features(m[:0]).first_valid == 0
    assert features(m[:0]).matrix.shape == (len(NAMES), 0)


@pytest.mark.parametrize("bought", [True, False])
def test_real_bars_enter_as_they_are(bought: bool):
    from esbt.data.bars import Bars
    from esbt.data.instruments import instrument

    m = random_market(90, lengths=(120, 200))
    m = m if bought else type(m)(*m.columns[:8], np.full(len(m), -1, np.int64))
    told = {"buys": m.buys} if bought else {}
    bars = Bars(*m.columns[:8], instrument=instrument("ES"), contracts=("H", "M"), source="test", **told)
    epoch = date(1970, 1, 1).toordinal()
    assert bars.frame["session"][0].toordinal() - epoch == m.session[0]
    assert bits(features(bars).matrix) == bits(features(m).matrix)
