"""Any frame as a Polars one: Polars itself, lazy or not, or whatever offers the Arrow C stream. Knows no columns and no files."""

from typing import Any

import polars as pl

from esbt.errors import EsbtError


class _Stream:
    """Only the Arrow C stream of a frame, so that all frames come in by one way (and a pandas index as a column)."""

    def __init__(self, frame: Any) -> None:
        self.__arrow_c_stream__ = frame.__arrow_c_stream__


def polars_frame(source: Any, what: str, also: str = "") -> tuple[pl.DataFrame, str]:
    """The frame, and what to call it in errors: "the pandas DataFrame".

    what: names the argument in errors, "external.join: the frame"; also: what else the caller would have taken, "a path".
    Raises EsbtError for what is no frame, and for a frame whose stream cannot be read.
    """
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if isinstance(source, pl.DataFrame):
        return source, "the Polars frame"
    if not hasattr(source, "__arrow_c_stream__"):
        taken = ", ".join(filter(None, (also, "a Polars frame", "or a frame with the Arrow C stream")))
        raise EsbtError(f"{what} is of type {type(source).__name__}: give {taken}")
    name = f"the {type(source).__module__.split('.')[0]} {type(source).__name__}"
    try:
        return pl.DataFrame(_Stream(source)), name
    except (ImportError, TypeError, ValueError, pl.exceptions.PolarsError) as error:  # pandas needs pyarrow for its stream
        taken = " or ".join(filter(None, ("a Polars frame", also)))
        raise EsbtError(f"{what}, {name}, cannot be read through the Arrow C stream ({error}): pass {taken}") from error
