"""Which combinations of a space cannot be traded: asked of the settings themselves, once for each kind of combination, before any work.

Most rules ask only whether another rule is on, off, 0 or 1, so values fall into few classes, and one lane of each combination of classes
stands for all. A test holds the names below to what `esbt.contradictions` reads, and the verdict to every lane's own settings.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError
from esbt.settings import Settings
from esbt.signals import Exits
from esbt.sweep.space import Space, said

Make = Callable[[dict[str, Any]], object]
READ = (
    "stop_atr", "stop_ticks", "target_r", "entry_from", "entry_until", "flat_at", "flat_at_close", "reverse", "latency_bars", "entry",
    "entry_offset_atr", "entry_offset_ticks", "entry_bars", "entry_through_ticks", "scale1_r", "scale1_share", "scale1_stop_r", "scale2_r",
    "scale2_share", "scale2_stop_r", "size", "fee_usd", "fee_table",
)  # fmt: skip
_COMPARED = ("target_r", "scale1_r", "scale1_share", "scale2_r", "scale2_share", "size")  # by value, where parts leave


def refuse_contradictions(space: Space, strategy: Exits, rules_of: Make, plan_of: Make) -> None:
    """Raise EsbtError for the first kind of lane that its own settings refuse, naming lane, parameters and fault.

    rules_of, plan_of: make the strategy of a lane's parameters, and its account and plan besides; they raise EsbtError where settings
    contradict one another.
    """
    parts = any(_ever_on(name, space.values, strategy) for name in ("scale1_r", "scale2_r"))
    own = {name: _classes(values, by_value=True) for name, values in space.values.items() if _is_own(name, strategy)}
    rules = {
        name: _classes(values, by_value=parts and name in _COMPARED)
        for name, values in space.values.items()
        if name in READ or name.startswith("size.")
    }
    for classes, made in ((own, rules_of), (rules, plan_of)):
        lanes = space.combinations(classes)
        codes = space.codes(lanes)
        for row, lane in enumerate(lanes.tolist()):
            parameters = {name: values[codes[name][row]] for name, values in space.values.items()}
            try:
                made(parameters)
            except EsbtError as error:
                told = ", ".join(f"{name}={said(value)}" for name, value in parameters.items())
                hint = "leave such lanes out, as esbt.Rows(esbt.Grid(...).frame.filter(...))"
                raise EsbtError(f"lane {lane} ({told}): {error}; {hint}") from None


def _is_own(name: str, strategy: Exits) -> bool:
    """Fields that only this kind of strategy has, and what it checks itself: compared by value."""
    return name in type(strategy).model_fields and name not in Exits.model_fields


def _ever_on(name: str, values: Mapping[str, Sequence[Any]], strategy: Exits) -> bool:
    return any(value is not None for value in values.get(name, [getattr(strategy, name)]))


def _classes(values: Sequence[Any], *, by_value: bool) -> npt.NDArray[np.intp]:
    """The class of each value: None, 0, 1, any other number, and every word and switch its own; rules of size by their kind."""
    seen: dict[Any, int] = {}

    def kind(value: Any) -> Any:
        if isinstance(value, Settings):
            return type(value)
        if by_value or value is None or isinstance(value, (bool, str)):
            return (type(value), value)
        return value if value in (0, 1) else "number"

    return np.array([seen.setdefault(kind(value), len(seen)) for value in values], dtype=np.intp)
