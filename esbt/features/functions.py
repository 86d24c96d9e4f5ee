"""Every feature as a function of its own name, made from the registry: `rsi(bars, 14)`. Names no feature itself.

The functions are attributes of this module and of `esbt.features`. What editors and type checkers see of them is functions.pyi, written by
scripts/stubs.py from the same `signature_of` and `words_about`.
"""

from collections.abc import Callable
from inspect import Parameter as Argument
from inspect import Signature
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from esbt import _core
from esbt.errors import EsbtError
from esbt.features.matrix import core_of
from esbt.features.registry import Column, Kind, column_of, kinds

if TYPE_CHECKING:
    from esbt.data.bars import Bars

FeatureFunction = Callable[..., NDArray[np.float32]]

OF = "of"  # what the first argument is called; it is positional-only, for "bars" is the name of a parameter of many features


def initial_of(parameter: Any) -> float:
    """A parameter's initial value as Python has it: an int where it is a whole number."""
    return int(parameter.initial) if parameter.whole else parameter.initial


def signature_of(kind: Kind) -> Signature:
    """(of: Bars, /, its parameters by name) -> float32[N]."""
    first = Argument(OF, Argument.POSITIONAL_ONLY, annotation="Bars")
    rest = [
        Argument(p.name, Argument.POSITIONAL_OR_KEYWORD, default=initial_of(p), annotation="int" if p.whole else "float")
        for p in kind.parameters
    ]
    return Signature([first, *rest], return_annotation="NDArray[np.float32]")


def words_about(kind: Kind) -> str:
    """The docstring: formula, unit, warm-up, parameters, source."""
    column = column_of(kind, {})
    given = f" for {column.name}" if kind.parameters else ""
    lines = [
        f"{kind.name}: {kind.formula}.",
        "",
        f"Unit: {kind.unit}. Warm-up{given}: {column.warm_up} bars of each contract segment are NaN. Source: {kind.source}.",
    ]
    if kind.parameters:
        lines += [f"{p.name}: {'whole number' if p.whole else 'number'} from {p.low:g} to {p.high:g}." for p in kind.parameters]
    lines.append(f"Group: {kind.group}. Gives float32[N], read-only: the column {column.name!r} of `esbt.features(bars, ...)`.")
    lines.append("Raises EsbtError for something that is not Bars, and for parameters out of range.")
    return "\n".join(lines)


def _function(kind: Kind) -> FeatureFunction:
    def compute(of: "Bars", /, *values: float, **named: float) -> NDArray[np.float32]:
        matrix: NDArray[np.float32] = _core.compute_features(core_of(of, kind.name), [_column(kind, values, named).request], 1)
        matrix.flags.writeable = False
        row: NDArray[np.float32] = matrix[0]
        return row

    compute.__name__ = compute.__qualname__ = kind.name
    compute.__doc__ = words_about(kind)
    compute.__module__ = __name__
    vars(compute)["__signature__"] = signature_of(kind)
    return compute


def _column(kind: Kind, values: tuple[float, ...], named: dict[str, float]) -> Column:
    names = [p.name for p in kind.parameters]
    if len(values) > len(names):
        raise EsbtError(f"{kind.name}(bars, ...) takes {len(names)} parameters ({', '.join(names) or 'none'}), got {len(values)}")
    given = dict(zip(names, values, strict=False))
    for word, value in named.items():
        if word in given:
            raise EsbtError(f"{kind.name}(bars, ...): {word} is given twice, {given[word]!r} and {value!r}")
    return column_of(kind, given | named)


FUNCTIONS: dict[str, FeatureFunction] = {name: _function(kind) for name, kind in kinds().items()}
globals().update(FUNCTIONS)
__all__ = list(FUNCTIONS)
