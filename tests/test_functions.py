"""Every feature is a function of its own name, and esbt.features is the function and the package; the stub says the same."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import esbt
import esbt.features.registry
from esbt.errors import EsbtError
from esbt.features.functions import FUNCTIONS
from esbt.features.registry import column_of, kinds

BARS = esbt.synthetic_bars(days=3, seed=6)[:2_600]
STUB = Path(esbt.features.__file__).with_name("functions.pyi")


@pytest.mark.parametrize("name", kinds())
def test_a_function_gives_the_column_of_its_name(name: str) -> None:
    kind = kinds()[name]
    function = getattr(esbt.features, name)
    values = function(BARS)
    assert values.dtype == np.float32
    assert not values.flags.writeable
    assert np.array_equal(values, esbt.features(BARS, [name]).matrix[0], equal_nan=True)
    words = inspect.getdoc(function)
    for part in (name, kind.formula, kind.unit, kind.source, f"{column_of(kind, {}).warm_up} bars", *(p.name for p in kind.parameters)):
        assert part in words
    first, *rest = inspect.signature(function).parameters.values()
    assert first.kind is inspect.Parameter.POSITIONAL_ONLY
    assert [(p.name, p.default) for p in rest] == [(p.name, p.initial) for p in kind.parameters]
    assert function.__name__ == name


def test_parameters_by_place_and_by_name() -> None:
    by_place = esbt.features.macd(BARS, 5, 9)
    assert np.array_equal(by_place, esbt.features.macd(BARS, slow=9, fast=5), equal_nan=True)
    assert np.array_equal(by_place, esbt.features(BARS, ["macd(5, 9)"]).matrix[0], equal_nan=True)
    assert np.array_equal(esbt.features.rsi(BARS, bars=7), esbt.features.rsi(BARS, 7), equal_nan=True)
    assert not np.array_equal(esbt.features.rsi(BARS, 7), esbt.features.rsi(BARS), equal_nan=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.rsi(BARS, 0), "feature 'rsi': bars is 0: give a whole number from 1 to 10000"),
        (lambda f: f.rsi(BARS, 2.5), "bars is 2.5: give a whole number"),
        (lambda f: f.rsi(BARS, "x"), "bars is 'x', not a number"),
        (lambda f: f.rsi(BARS, period=3), "unknown parameter of rsi 'period'"),
        (lambda f: f.rsi(BARS, 3, bars=4), "bars is given twice, 3 and 4"),
        (lambda f: f.rsi(BARS, 3, 4), r"takes 1 parameters \(bars\), got 2"),
        (lambda f: f.bar_range(BARS, 4), r"takes 0 parameters \(none\), got 1"),
        (lambda f: f.rsi(BARS.frame), r"rsi\(bars\): bars is DataFrame, not Bars"),
    ],
)
def test_bad_calls(call: object, message: str) -> None:
    with pytest.raises(EsbtError, match=message):
        call(esbt.features)


def test_the_package_is_the_function_too() -> None:
    assert inspect.ismodule(esbt.features)
    assert esbt.features.registry.kinds is kinds
    assert np.array_equal(esbt.features(BARS, ["rsi"]).matrix, esbt.features.features(BARS, ["rsi"]).matrix, equal_nan=True)
    assert inspect.signature(esbt.features).parameters.keys() == inspect.signature(esbt.features.features).parameters.keys()
    assert set(FUNCTIONS) == set(kinds()) <= set(esbt.features.__all__)
    with pytest.raises(AttributeError, match="rsi_14"):
        _ = esbt.features.rsi_14


def test_no_feature_is_called_like_a_module_or_a_name_of_the_package() -> None:
    own = {path.stem for path in STUB.parent.glob("*.py")} | {path.stem for path in STUB.parent.parent.glob("*.py")}
    taken = own | {name for name in esbt.features.__all__ if name not in kinds()} | set(dir(esbt))
    assert not taken & set(kinds())


def test_the_stub_has_every_function_with_its_words() -> None:
    tree = ast.parse(STUB.read_text("utf-8"))
    written = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, function in FUNCTIONS.items():
        node = written[name]
        assert inspect.cleandoc(ast.get_docstring(node)) == inspect.getdoc(function)
        assert [a.arg for a in node.args.args] == [p.name for p in kinds()[name].parameters]
        assert [ast.literal_eval(d) for d in node.args.defaults] == [p.initial for p in kinds()[name].parameters]
    [package] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert {target.id for node in package.body if isinstance(node, ast.Assign) for target in node.targets} == set(FUNCTIONS)
