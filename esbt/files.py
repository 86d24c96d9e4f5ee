"""Writing files so that a reader never meets half of one: write beside the final name, then rename. Knows nothing of what is written.

A run that is stopped or fails leaves the old file as it was and no scrap. Everything esbt writes goes through `atomic_path`.
"""

import dataclasses
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from esbt.errors import EsbtError

_INLINE = 16  # arrays up to this length go into JSON as they are, longer ones as a description


@contextmanager
def atomic_path(final: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of `final`, same suffix; renamed to `final` when the block ends well, removed when it raises.

    The folder is made if it is missing. Raises EsbtError where it cannot be made or written, or `final` is a folder; what the block
    itself raises goes through unchanged.
    """
    final = Path(final)
    make_folder(final.parent)
    if final.is_dir():
        raise EsbtError(f"{final} is a folder: give the name of a file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{final.stem}.", suffix=final.suffix, dir=final.parent)
    except OSError as error:
        raise EsbtError(f"cannot write {final}: {error.strerror or error}; choose another folder or mend its rights") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files private; a report is to be shared like any other file
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(folder: str | Path) -> Path:
    """`folder`, made with its parents if missing. Raises EsbtError where a file is in the way or the right to make it is missing."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise EsbtError(f"{folder} cannot be a folder, a file is in the way: remove it or choose another folder") from error
    except OSError as error:
        raise EsbtError(f"cannot make the folder {folder}: {error.strerror or error}; choose another one or mend its rights") from error
    return folder


def write_text(final: str | Path, text: str) -> Path:
    """`text` as UTF-8 with plain newlines, atomically. Returns the path; raises EsbtError as `atomic_path`."""
    return write_bytes(final, text.encode())


def write_bytes(final: str | Path, content: bytes) -> Path:
    """`content` as it is, atomically. Returns the path; raises EsbtError as `atomic_path`."""
    with atomic_path(final) as temporary:
        temporary.write_bytes(content)
    return Path(final)


def write_json(final: str | Path, value: object) -> Path:
    """`value` as indented JSON, atomically, by the rules of `jsonable`: NaN and infinity become null."""
    return write_text(final, json.dumps(jsonable(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(final: str | Path, frame: pl.DataFrame) -> Path:
    """`frame` as Parquet (zstd), atomically."""
    with atomic_path(final) as temporary:
        frame.write_parquet(temporary)
    return Path(final)


def write_csv(final: str | Path, frame: pl.DataFrame) -> Path:
    """`frame` as CSV with a header, atomically; times in ISO 8601, UTC ones end in Z; missing values are empty."""
    stamp = "%Y-%m-%dT%H:%M:%S%.f"
    columns = [
        pl.col(name).dt.strftime(stamp + ("Z" if dtype.time_zone == "UTC" else ""))
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.Datetime)
    ]
    with atomic_path(final) as temporary:
        frame.with_columns(columns).write_csv(temporary)
    return Path(final)


def jsonable(value: object) -> Any:
    """`value` built of dict, list, str, int, float, bool and None only, so that any JSON reader takes it.

    NaN and infinity become None; numpy scalars become Python's; dates and times ISO 8601; dataclasses and pydantic models a dict of their
    fields; arrays and frames longer than 16 rows a description of their shape; anything else its `str`.
    """
    if value is None or isinstance(value, bool | int | str | float):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    elif isinstance(value, np.ndarray | pl.Series | pl.DataFrame):
        value = _rows(value) if len(value) <= _INLINE else _described(value)
    elif (fields := _fields(value)) is not None:
        value = fields
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    return [jsonable(item) for item in value] if isinstance(value, list | tuple) else str(value)


def _rows(value: np.ndarray[Any, Any] | pl.Series | pl.DataFrame) -> list[Any]:
    if isinstance(value, pl.DataFrame):
        return value.to_dicts()
    return list(value.tolist() if isinstance(value, np.ndarray) else value.to_list())


def _fields(value: object) -> dict[str, object] | None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    names = getattr(type(value), "model_fields", None)  # pydantic, without importing it
    return {name: getattr(value, name) for name in names} if isinstance(names, Mapping) else None


def _described(value: np.ndarray[Any, Any] | pl.Series | pl.DataFrame) -> str:
    if isinstance(value, pl.DataFrame):
        return f"table[{len(value)} rows: {', '.join(value.columns)}]"
    return f"{str(value.dtype).lower()}[{'x'.join(str(n) for n in value.shape)}]"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
