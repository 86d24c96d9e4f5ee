"""From values of axes to columns of plans: each distinct value once into the core's units, a block of lanes by taking from those. Knows
no space and no bars.

`Account.plan` says what a plan is, for one lane; a test holds these columns to it byte for byte. To add a rule whose plan field has another
name or unit than the rule itself: a branch in `_fields`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.data import Instrument
from esbt.errors import EsbtError
from esbt.plan import ENTRIES, PATHS, PLAN_DTYPE, USD, make_plan
from esbt.settings import Settings
from esbt.signals import e4

Column = npt.NDArray[Any]
Columns = dict[str, dict[str, Column]]  # axis -> plan field -> one number per value of the axis
_DEFAULT = make_plan()
_OFF = {"stop_atr": np.inf, "target_r": np.inf, "entry_bars": int(np.iinfo(np.int32).max)}  # on in the core's own defaults
_SIZE_FIELDS = (
    "sizing", "contracts", "max_contracts", "risk_fraction", "kelly_fraction", "payoff", "heat_cap", "volatility_ref", "volatility_target",
)  # fmt: skip


def plan_columns(values: Mapping[str, Sequence[Any]], instrument: Instrument) -> Columns:
    """The plan fields that each axis sets, a number per value, in the plan's dtypes. Axes of signals and costs by date set none.

    values: axis -> its checked values. Raises EsbtError for money finer than 1e-4 USD.
    """
    columns = {name: _fields(name, own, instrument) for name, own in values.items() if not name.startswith("size.")}
    return {name: fields for name, fields in columns.items() if fields}


def size_columns(codes: Mapping[str, npt.NDArray[np.intp]], values: Mapping[str, Sequence[Any]], size: Settings) -> dict[str, Column]:
    """The plan fields of lanes whose size rule has words as axes ("size.fraction"), of the shape of the codes.

    The rule itself turns words into fields, on columns: its fields are arithmetic.
    """
    words = [name.removeprefix("size.") for name in codes]
    fields: dict[str, float] = size.fields()  # type: ignore[attr-defined]
    out: dict[str, Column] = {}
    for word in words:
        if word not in ("daily", "bars_per_session"):
            field = word if word != "fraction" else "risk_fraction" if "risk_fraction" in fields else "kelly_fraction"
            out[field] = _numbers(word, values[f"size.{word}"], field)[codes[f"size.{word}"]]
    if {"daily", "bars_per_session"} & set(words):
        daily, bars = (
            np.array(values[f"size.{word}"], dtype=np.float64)[codes[f"size.{word}"]] if word in words else getattr(size, word)
            for word in ("daily", "bars_per_session")
        )
        out["volatility_target"] = daily / np.sqrt(bars)
    return out


def _fields(name: str, values: Sequence[Any], instrument: Instrument) -> dict[str, Column]:
    no_limit = {f"{name}_e4": int(_DEFAULT[f"{name}_e4"][0]) for name in ("daily_loss", "daily_profit")}
    money = {"cash": ("cash_e4", None), "fee_usd": ("fee_e4", e4(instrument.fee_usd, "fee_usd"))}
    money |= {field.removesuffix("_e4"): (field, off) for field, off in no_limit.items()}
    if name == "size":
        return _sizes(values)
    if name in money:
        field, off = money[name]
        return {field: _money(name, values, off)}
    if name in ("entry", "path"):
        words = ENTRIES if name == "entry" else PATHS
        return {name: np.array([words.index(value) for value in values], dtype=PLAN_DTYPE[name])}
    return {name: _numbers(name, values, name)} if name in (PLAN_DTYPE.names or ()) else {}


def _numbers(name: str, values: Sequence[Any], field: str) -> Column:
    off = _OFF.get(name, _DEFAULT[field][0])
    return np.array([off if value is None else value for value in values], dtype=PLAN_DTYPE[field])


def _money(name: str, values: Sequence[Any], off: int | None) -> Column:
    """USD in 1e-4 USD, by the rule of `esbt.signals.e4`."""
    usd = np.array([0.0 if value is None else value for value in values], dtype=np.float64)
    units = np.rint(usd * USD)
    wrong = np.flatnonzero(np.abs(usd * USD - units) > 1e-6 * np.maximum(1.0, np.abs(units)))
    if wrong.size:
        k = int(wrong[0])
        raise EsbtError(f"axis {name!r}: value {k} is {values[k]!r} USD, finer than 0.0001 USD: round it")
    units = units.astype(np.int64)
    if off is not None:
        units[[value is None for value in values]] = off
    return units


def _sizes(values: Sequence[Any]) -> dict[str, Column]:
    fields = [{"contracts": value} if isinstance(value, int) else value.fields() for value in values]
    return {field: np.array([own.get(field, _DEFAULT[field][0]) for own in fields], dtype=PLAN_DTYPE[field]) for field in _SIZE_FIELDS}
