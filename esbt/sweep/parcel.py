"""A bound space as it travels: the large arrays apart from the small rest, so that they travel once and the rest with every task. No pickle
of our own: arrays are .npy files or messages, the rest is plain data that the executor carries.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.account import Account
from esbt.data import Bars, Instrument
from esbt.signals import Exits
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.space import Coded, Grid, Space

Arrays = dict[str, npt.NDArray[Any]]
_BARS = ("ts", "open", "high", "low", "close", "volume", "session", "segment", "spread", "buys")
_LONG = 64  # values of an axis that still travel with every task


@dataclass(frozen=True)
class BarsBrief:
    """What bars are besides their arrays."""

    instrument: Instrument
    contracts: tuple[str, ...]
    source: str
    synthetic: bool


@dataclass(frozen=True)
class Brief:
    """All of a bound space but its arrays. values: axis -> values, None where they are an array."""

    bars: BarsBrief
    finer: BarsBrief | None
    strategy: type[Exits]
    rules: dict[str, Any]
    account: dict[str, Any]
    grid: bool
    values: dict[str, list[Any] | None]


def packed(bound: BoundSpace) -> tuple[Brief, Arrays]:
    """The small part and the arrays of a bound space."""
    arrays: Arrays = {f"bars.{name}": getattr(bound.bars, name) for name in _BARS if getattr(bound.bars, name) is not None}
    if bound.finer is not None:
        arrays |= {f"finer.{name}": getattr(bound.finer, name) for name in _BARS if getattr(bound.finer, name) is not None}
    if bound.predictions is not None:
        arrays["predictions"] = bound.predictions
    rules = {name: getattr(bound.base, name) for name in type(bound.base).model_fields}
    arrays |= {f"rules.{name}": value for name, value in rules.items() if isinstance(value, np.ndarray)}
    space, values = bound.space, {}
    if isinstance(space, Coded):
        arrays |= {f"codes.{name}": codes for name, codes in space.all_codes.items()}
    for name, own in space.values.items():
        plain = len(own) > _LONG and {type(value) for value in own} in ({int}, {float})
        values[name] = None if plain else own
        if plain:
            arrays[f"values.{name}"] = np.array(own)
    account = {name: getattr(bound.base_account, name) for name in Account.model_fields}
    rules = {name: value for name, value in rules.items() if not isinstance(value, np.ndarray)}
    finer = None if bound.finer is None else _market(bound.finer)
    return Brief(_market(bound.bars), finer, type(bound.base), rules, account, isinstance(space, Grid), values), arrays


def unpacked(brief: Brief, arrays: Arrays) -> BoundSpace:
    """The bound space; it was checked where it was packed."""
    values = {name: arrays[f"values.{name}"].tolist() if own is None else own for name, own in brief.values.items()}
    space: Space = Grid(values) if brief.grid else Coded(values, {name: arrays[f"codes.{name}"] for name in values}, repeats=True)
    return BoundSpace(
        _bars(brief.bars, arrays, "bars."),
        brief.strategy(**brief.rules | _under(arrays, "rules.")),
        Account(**brief.account),
        space,
        predictions=arrays.get("predictions"),
        finer=None if brief.finer is None else _bars(brief.finer, arrays, "finer."),
        checked=False,
    )


def save_arrays(arrays: Arrays, folder: Path) -> None:
    """One .npy file an array."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load_arrays(folder: Path) -> Arrays | None:
    """The arrays, memory-mapped, so that processes of one machine share them; None where this machine does not see the folder."""
    if not folder.is_dir():
        return None
    return {path.name.removesuffix(".npy"): np.load(path, mmap_mode="r", allow_pickle=False) for path in folder.glob("*.npy")}


def _market(bars: Bars) -> BarsBrief:
    return BarsBrief(bars.instrument, bars.contracts, bars.source, bars.synthetic)


def _bars(market: BarsBrief, arrays: Arrays, prefix: str) -> Bars:
    own: dict[str, Any] = {name: np.asarray(array) for name, array in _under(arrays, prefix).items()}
    return Bars(**own, instrument=market.instrument, contracts=market.contracts, source=market.source, synthetic=market.synthetic)


def _under(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
