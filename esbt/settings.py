"""Checked, frozen settings: the base of every group of parameters a user may write in Python or in TOML.

Types and ranges are pydantic's; the error is esbt's own, one line a fault, with "did you mean" for unknown words.
"""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from esbt.errors import EsbtError, did_you_mean


class Settings(BaseModel):
    """Base class: frozen, no unknown names, no NaN or infinity, no silent conversion of types (whole numbers pass as floats)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True, arbitrary_types_allowed=True)

    def __init__(self, **data: Any) -> None:
        plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in data.items()}
        try:
            super().__init__(**plain)
        except ValidationError as error:
            raise EsbtError("; ".join(_line(type(self), fault) for fault in error.errors())) from None


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises EsbtError for a file that is missing or not TOML, naming it."""
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EsbtError(f"config {str(path)!r} cannot be read: {error}") from None


def _line(model: type[Settings], fault: Any) -> str:
    """One fault in words: where, what is wrong, the value seen. (Settings inside settings have already told theirs: a value_error.)"""
    where = ".".join(str(part) for part in fault["loc"]) or model.__name__
    if fault["type"] == "extra_forbidden":
        return f"unknown parameter {where!r}{did_you_mean(where, model.model_fields)}"
    if fault["type"] == "value_error":
        message = str(fault["msg"]).removeprefix("Value error, ")
        return f"{where}: {message}" if fault["loc"] else message
    return f"{where}: {str(fault['msg']).removeprefix('Input ')}, got {fault['input']!r}"
