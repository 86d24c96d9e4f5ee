"""Features: what the registry promises, and core against twin.

Driven by the registry, as are its neighbours (test_features_laws, _stream, _names): a new feature is tested here without a line of its own.
"""

import numpy as np
import pytest
from feature_facts import FEW_VALUES, other_columns
from feature_markets import Market, random_market, wild_market
from reference import features as reference
from reference.features.base import disagrees

from esbt.features import feature_groups, feature_table, features
from esbt.features.registry import Column, default_columns, kinds

DEFAULT = default_columns()
OTHERS = other_columns(7, longest=120)


def test_at_least_eighty_five_features():
    assert len(kinds()) >= 85
    assert len(DEFAULT) >= 85
    assert len({column.name for column in DEFAULT}) == len(DEFAULT)
    assert {column.kind.name for column in DEFAULT} == set(kinds())  # each has a column in the default set
    for group in ("returns", "volume", "volatility", "trend", "microstructure", "session", "clock", "regime"):
        assert group in feature_groups()


def test_every_column_has_name_formula_unit_warm_up_and_source():
    table = feature_table()
    assert table.columns == ["name", "group", "unit", "warm_up", "formula", "source"]
    assert tuple(table["name"]) == tuple(column.name for column in DEFAULT)
    assert table["warm_up"].min() == 0
    assert table["warm_up"].to_list() == [column.warm_up for column in DEFAULT]
    assert (table["formula"].str.len_chars() >= 10).all()
    assert (table["unit"].str.len_chars() >= 3).all()
    assert (table["source"].str.len_chars() >= 4).all()
    for column in ("name", "formula", "unit", "source"):
        assert (table[column] == table[column].str.strip_chars()).all()


def test_every_kind_is_a_word_and_knows_its_parameters():
    for name, kind in kinds().items():
        assert name.isidentifier()
        assert name == name.lower()
        assert name not in feature_groups()
        for p in kind.parameters:
            assert p.low <= p.initial <= p.high, name
            if p.whole:
                assert {p.low, p.initial, p.high} == {int(p.low), int(p.initial), int(p.high)}, name
        for values in kind.standard:
            assert len(values) == len(kind.parameters), name
            assert all(p.low <= v <= p.high for v, p in zip(values, kind.parameters, strict=True)), name


def test_every_feature_has_a_twin():
    assert set(reference.TWINS) == set(kinds()) == set(reference.TOLERANCE)


def lengths_for(column: Column) -> tuple[int, ...]:
    """Contracts too short for it, just long enough, and much longer."""
    return (1, 2, 14, column.warm_up + 300, max(1, column.warm_up), column.warm_up + 1, 60, column.warm_up + 120)


def require_twin(column: Column, m: Market) -> np.ndarray:
    """Raises AssertionError where core and twin differ; gives the values there are."""
    name = column.kind.name
    core = features(m, [column.name]).matrix[0]
    twin = reference.per_segment(name, column.values, m)
    warm = m.ages >= column.warm_up
    if name in reference.SETTLES:
        twin = np.where(warm, twin, np.nan)
    np.testing.assert_array_equal(np.isnan(core), ~warm, err_msg=f"{column.name} warms up otherwise than declared")
    np.testing.assert_array_equal(np.isnan(twin), ~warm, err_msg=f"{column.name}: the twin warms up differently")
    apart = disagrees(name, core, twin)
    if apart.any():
        error = np.where(warm, np.abs(core - twin), 0.0)
        worst = int(np.argmax(np.where(apart, error, -1.0)))
        said = f"bar {worst}, number {m.ages[worst]} of its contract: core {core[worst]!r}, twin {twin[worst]!r}, error {error[worst]:.3g}"
        raise AssertionError(f"{column.name} differs in {apart.sum()} of {warm.sum()} bars, most in {said}")
    if warm.any():  # a tolerance that is wide beside the values would prove nothing
        size = np.maximum(np.abs(twin[warm]), np.abs(twin[warm]).mean())
        assert (np.abs(core - twin)[warm] <= 2e-3 * size).all(), f"{column.name}: a wide tolerance for values of about {size.mean():.2g}"
    return core[warm]


@pytest.mark.parametrize("column", [*DEFAULT, *OTHERS], ids=lambda column: column.name)
def test_core_equals_twin(column: Column):
    seen = require_twin(column, random_market(1, lengths_for(column)))
    assert len(seen) > 300
    if column in DEFAULT:
        enough = 2 if column.kind.unit in FEW_VALUES else 9
    else:  # a mean of one bar, a regime that takes years: constants by their nature
        enough = 4 if min(column.values) >= 3.0 and column.kind.unit not in FEW_VALUES else 1
    assert len(np.unique(seen)) >= enough  # a constant would prove nothing


UGLY = {"through zero": lambda: random_market(2, (30, 500, 90), level=0), "wild": lambda: wild_market(3, 1_400)}


@pytest.mark.parametrize("market", UGLY)
@pytest.mark.parametrize("column", DEFAULT, ids=lambda column: column.name)
def test_core_equals_twin_in_ugly_markets(column: Column, market: str):
    require_twin(column, UGLY[market]())
