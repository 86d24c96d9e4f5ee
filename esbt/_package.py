"""A package that is the function of its name too, such as `esbt.sweep(...)` beside `esbt.sweep.Grid`. Knows neither."""

import sys
from collections.abc import Callable
from inspect import signature
from types import ModuleType
from typing import Any


def call_as(name: str, function: Callable[..., Any]) -> None:
    """The package `name` called is the function, with its docstring and its signature."""
    package = sys.modules[name]
    package.__class__ = type("_Package", (ModuleType,), {"__call__": staticmethod(function)})
    vars(package)["__signature__"] = signature(function)  # without it `inspect` takes the first parameter for a self
