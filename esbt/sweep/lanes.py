"""A space bound to its bars, strategy and account: checked as a whole, then any block of lanes as plans, any lane as settings of its own.

Lanes whose signals, ATR and costs by date are the same make a group, a `Market`; the rest of a lane is a plan. Runs nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.account import Account, Kelly
from esbt.data import Bars
from esbt.errors import EsbtError
from esbt.plan import USD, Plan
from esbt.signals import Exits, Signals, e4
from esbt.sweep.axes import CONFIDENCE, checked_values, place_of_axis
from esbt.sweep.checks import refuse_contradictions
from esbt.sweep.columns import plan_columns, size_columns
from esbt.sweep.space import Lanes, Space

_OF_MARKET = ("atr_period", "entry_from", "entry_until", "flat_at", "slippage_spread", "fee_table", CONFIDENCE)


@dataclass(frozen=True)
class Group:
    """Lanes of one market: rows of the block they are in, and the lane that stands for them."""

    key: tuple[Any, ...]
    rows: npt.NDArray[np.intp]
    lane: int


class BoundSpace:
    """Lanes 0 .. L - 1 of a sweep.

    bars, strategy, account: what the axes go over. predictions: float64[N], for the axis `confidence`. finer: bars for path = "finer".
    checked: False where lanes are asked one by one whether they contradict themselves (`refuses`).
    Raises EsbtError for unknown axes, values out of range, and combinations that contradict one another, before any work.
    """

    def __init__(
        self,
        bars: Bars,
        strategy: Exits,
        account: Account,
        space: Space,
        *,
        predictions: npt.ArrayLike | None = None,
        finer: Bars | None = None,
        checked: bool = True,
    ) -> None:
        self.bars, self.base, self.finer = bars, strategy, finer
        self.base_account = account.model_copy(update={"cash": _countable(account.cash)})
        self.places = {name: place_of_axis(name, strategy, account) for name in space.values}
        if "size" in space.values and any(place == "size" for place in self.places.values()):
            raise EsbtError("axes 'size' and 'size.' exclude each other: give whole sizes, or words of one rule")
        values = {name: checked_values(name, own, strategy, account) for name, own in space.values.items()}
        if "cash" in values:
            values["cash"] = [_countable(cash) for cash in values["cash"]]
        self.space = space.with_values(values)
        self.predictions = _checked_predictions(predictions, len(bars), CONFIDENCE in self.places)
        self._require_settings_of_a_sweep()
        if checked:
            refuse_contradictions(self.space, strategy, self._rules, self._plan)
        self._columns = plan_columns(self.space.values, bars.instrument)
        self.market_axes = [name for name in self.space.values if self._is_of_market(name)]
        for axis in ("slippage_spread", "fee_table"):  # what a quote or a table lacks is told now
            for lane in self._one_lane_per_value(axis):
                self.account(lane).slips_by_bar(bars)
                self.account(lane).fees_by_bar(bars)

    def __len__(self) -> int:
        return len(self.space)

    def rules(self, lane: int) -> Exits:
        """The strategy of a lane, its `confidence` aside."""
        return self._rules(self.space.lane(lane))

    def strategy(self, lane: int) -> Exits:
        """The strategy of a lane as `esbt.backtest` takes it: `Signals` where a confidence cut-off takes signals out."""
        rules, cut = self.rules(lane), self.space.lane(lane).get(CONFIDENCE)
        if cut is None or self.predictions is None:
            return rules
        sides = np.where(self.predictions >= cut, rules.signals(self.bars), np.int8(0))
        return Signals(values=sides, atr_ticks=rules.atr(self.bars), **rules.exits())

    def account(self, lane: int) -> Account:
        """The account of a lane."""
        return self._account(self.space.lane(lane))

    def refuses(self, parameters: dict[str, Any]) -> bool:
        """Whether parameters of these axes contradict one another."""
        try:
            self._plan(parameters)
        except EsbtError:
            return True
        return False

    def plans(self, lanes: Lanes) -> Plan:
        """The core's plans of these lanes, PLAN_DTYPE[L]: equal to each lane's own `Account.plan`, byte for byte."""
        codes = self.space.codes(lanes)
        plans: Plan = np.repeat(self._plan(self.space.lane(int(lanes[0]))), len(lanes))  # what no axis sets is the same in all
        for name, fields in self._columns.items():
            for field, column in fields.items():
                plans[field] = column[codes[name]]
        if words := {name: codes[name] for name, place in self.places.items() if place == "size"}:
            for field, column in size_columns(words, self.space.values, self.base_account.size).items():  # type: ignore[arg-type]
                plans[field] = column
        return plans

    def ordered(self, start: int, stop: int) -> Lanes:
        """Lanes at places start .. stop - 1 of the order they are run in: those of one market together."""
        return self.space.ordered(self.market_axes, start, stop)

    def groups(self, lanes: Lanes) -> Iterator[Group]:
        """The groups among these lanes."""
        codes = self.space.codes(lanes)
        own = [codes[name] for name in self.market_axes]
        if "fee_usd" in codes:  # only whether there is one: then the dates do not matter
            own.append(np.array([value is not None for value in self.space.values["fee_usd"]], dtype=np.intp)[codes["fee_usd"]])
        if not own:
            yield Group((), np.arange(len(lanes)), int(lanes[0]))
            return
        keys, first, inverse = np.unique(np.stack(own, axis=1), axis=0, return_index=True, return_inverse=True)
        for k, key in enumerate(keys):
            yield Group(tuple(key.tolist()), np.flatnonzero(inverse.ravel() == k), int(lanes[first[k]]))

    @cached_property
    def sessions(self) -> int:
        """Sessions of the bars."""
        return int(np.count_nonzero(np.diff(self.bars.session))) + 1

    @cached_property
    def group_count(self) -> int:
        """Groups of the whole space."""
        names = [*self.market_axes, *(["fee_usd"] if "fee_usd" in self.space.values else [])]
        classes = {name: np.arange(len(self.space.values[name])) for name in self.market_axes}
        if "fee_usd" in names:
            classes["fee_usd"] = np.array([value is not None for value in self.space.values["fee_usd"]], dtype=np.intp)
        return len(self.space.combinations(classes)) if classes else 1

    def _rules(self, parameters: dict[str, Any]) -> Exits:
        given = self._of(parameters, "strategy")
        return type(self.base)(**{name: getattr(self.base, name) for name in type(self.base).model_fields} | given)

    def _account(self, parameters: dict[str, Any]) -> Account:
        given, base = self._of(parameters, "account"), self.base_account
        if words := self._of(parameters, "size"):
            own = {name: getattr(base.size, name) for name in type(base.size).model_fields}  # type: ignore[union-attr]
            given["size"] = type(base.size)(**own | {name.removeprefix("size."): value for name, value in words.items()})
        return Account(**{name: getattr(base, name) for name in Account.model_fields} | given)

    def _of(self, parameters: dict[str, Any], place: str) -> dict[str, Any]:
        return {name: value for name, value in parameters.items() if self.places[name] == place}

    def _plan(self, parameters: dict[str, Any]) -> Plan:
        return self._account(parameters).plan(self._rules(parameters), self.bars.instrument)

    def _is_of_market(self, name: str) -> bool:
        return name in _OF_MARKET or (self.places[name] == "strategy" and name not in Exits.model_fields)

    def _one_lane_per_value(self, axis: str) -> list[int]:
        if axis not in self.space.values:
            return [0]
        return [int(lane) for lane in self.space.combinations({axis: np.arange(len(self.space.values[axis]))})]

    def _require_settings_of_a_sweep(self) -> None:
        if any(isinstance(size, Kelly) for size in self.space.values.get("size", [self.base_account.size])):
            raise EsbtError("size Kelly needs a probability, which a sweep has not: use esbt.backtest(..., model=...)")
        if "finer" in self.space.values.get("path", [self.base_account.path]) and self.finer is None:
            raise EsbtError("path 'finer' needs bars of a shorter interval: give finer=")


def _countable(cash: float) -> float:
    """The cash that the core counts: metrics start from it too, in every engine. Raises EsbtError for money finer than 1e-4 USD."""
    return e4(cash, "cash") / USD


def _checked_predictions(values: npt.ArrayLike | None, n: int, wanted: bool) -> npt.NDArray[np.float64] | None:
    if (values is None) == wanted:
        said = "axis 'confidence' needs predictions" if wanted else "predictions need an axis 'confidence', the cut-offs"
        raise EsbtError(f"{said}: give both or neither")
    if values is None:
        return None
    out = np.ascontiguousarray(values, dtype=np.float64)
    if out.shape != (n,):
        raise EsbtError(f"predictions have shape {out.shape}, the bars have {n} rows: give one value a bar, NaN where there is none")
    return out
