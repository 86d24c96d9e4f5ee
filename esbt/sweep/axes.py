"""Names and values of the axes of a sweep: where a name belongs, and whether each value is one that its setting takes. Knows no lanes.

An axis is any field of the strategy or of the account, a word of the account's size rule ("size.fraction"), or `confidence`, the cut-off
over a column of predictions. Types and ranges are those of the settings themselves, so a new rule is an axis at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from esbt.account import Account
from esbt.errors import EsbtError, did_you_mean
from esbt.settings import Settings
from esbt.signals import Exits

Place = Literal["strategy", "account", "size", "confidence"]
CONFIDENCE = "confidence"
_ARRAYS = ("values", "atr_ticks")  # of Signals: data, not parameters
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def strategy_axes(strategy: Exits) -> tuple[str, ...]:
    """Fields of the strategy that can be axes."""
    return tuple(name for name in type(strategy).model_fields if name not in _ARRAYS)


def place_of_axis(name: str, strategy: Exits, account: Account) -> Place:
    """Where the axis `name` belongs. Raises EsbtError for an unknown name, with what was probably meant."""
    if name in strategy_axes(strategy):
        return "strategy"
    if name in Account.model_fields:
        return "account"
    if name == CONFIDENCE:
        return "confidence"
    if name.startswith("size.") and isinstance(account.size, int):
        raise EsbtError(f"axis {name!r} is a word of a size rule, size is {account.size!r}: give size = Risk(...) or another rule")
    known = {*strategy_axes(strategy), *Account.model_fields, CONFIDENCE} | {f"size.{word}" for word in _size_words(account)}
    if name in known:
        return "size"
    raise EsbtError(f"unknown axis {name!r}{did_you_mean(name, known)}")


def checked_values(name: str, values: Sequence[Any], strategy: Exits, account: Account) -> list[Any]:
    """The values as their setting has them (whole numbers of a real setting become floats, "off" None), in the same order.

    Raises EsbtError for a value of another type or out of range, saying which.
    """
    place = place_of_axis(name, strategy, account)
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    if place == "strategy":
        plain = [None if isinstance(value, str) and value == "off" else value for value in plain]
    if place == "confidence":
        return _through(TypeAdapter(list[float | None], config=_STRICT), name, plain)
    owner, field = _owner(name, place, strategy, account)
    if any(field in of.info.fields for of in owner.__pydantic_decorators__.field_validators.values()):
        for k, value in enumerate(plain):
            _by_the_model(owner, field, name, k, value)
        return plain
    annotation: Any = owner.model_fields[field].rebuild_annotation()
    return _through(TypeAdapter(list[annotation], config=_STRICT), name, plain)


def listed(name: str, values: object) -> list[Any]:
    """The values of an axis as a list. Raises EsbtError for one that is empty or no series."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise EsbtError(f"axis {name!r} is {values!r}: give a list of values, such as [1.0, 2.0]")
    out = list(values)
    if not out:
        raise EsbtError(f"axis {name!r} is empty: give at least one value, or leave it out")
    return out


def _size_words(account: Account) -> tuple[str, ...]:
    return () if isinstance(account.size, int) else tuple(type(account.size).model_fields)


def _owner(name: str, place: Place, strategy: Exits, account: Account) -> tuple[type[Settings], str]:
    if place == "size":
        return type(account.size), name.removeprefix("size.")  # type: ignore[return-value]
    if place == "account":
        return Account, name
    return (Exits if name in Exits.model_fields else type(strategy)), name


def _through(adapter: TypeAdapter[list[Any]], name: str, values: list[Any]) -> list[Any]:
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        fault = error.errors()[0]
        k = int(fault["loc"][0])
        raise _wrong(name, k, str(fault["msg"]), values[k]) from None


def _by_the_model(owner: type[Settings], field: str, name: str, k: int, value: Any) -> None:
    """Faults of this field alone: what the value contradicts is asked a combination, not a value."""
    try:
        owner.__pydantic_validator__.validate_python({field: value}, self_instance=owner.__new__(owner))
    except ValidationError as error:
        for fault in error.errors():
            if fault["loc"][:1] == (field,):
                raise _wrong(name, k, str(fault["msg"]), value) from None


def _wrong(name: str, k: int, message: str, value: object) -> EsbtError:
    return EsbtError(f"axis {name!r}: value {k} {message.removeprefix('Value error, ').removeprefix('Input ')}, got {value!r}")
