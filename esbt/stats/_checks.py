"""Checks of plain arguments that the tests of luck share: levels, counts and seeds."""

import numbers

from esbt.errors import EsbtError


def fraction(value: float, name: str) -> float:
    """A probability strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < 1:
        raise EsbtError(f"{name} is {value!r}: give a fraction between 0 and 1, such as 0.05")
    return float(value)


def whole(value: int, name: str, least: int) -> int:
    """A whole number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise EsbtError(f"{name} is {value!r}: give a whole number, {least} or more")
    return int(value)


def at_least(value: float, name: str, least: float) -> float:
    """A finite number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not least <= value < float("inf"):
        raise EsbtError(f"{name} is {value!r}: give a number, {least:g} or more")
    return float(value)
