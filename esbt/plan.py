"""The plan and trade records Python shares with the core, field by field; layouts are compared when this module is imported.

To add a rule's parameter: the field here and in csrc/esbt/plan.hpp, in the same place. Knows no rule.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from esbt import _core
from esbt.errors import unknown

PATHS = ("worst", "best", "nearest", "finer")
ENTRIES = ("market", "stop", "limit")
SIZINGS = ("fixed", "risk", "kelly", "volatility")
REASONS = (
    "stop",
    "target",
    "trail",
    "break_even",
    "reverse",
    "max_bars",
    "session_close",
    "contract_end",
    "end_of_data",
    "daily_loss",
    "daily_profit",
    "scale_out",
    "dynamic_stop",
)
FAR = 1 << 28  # a distance in ticks that no price crosses: "off"
USD = 10_000  # the core counts money in 1e-4 USD

PLAN_DTYPE = np.dtype(
    [
        ("stop_atr", "f8"),
        ("target_r", "f8"),
        ("target_atr", "f8"),
        ("trail_atr", "f8"),
        ("chandelier_atr", "f8"),
        ("break_even_r", "f8"),
        ("risk_fraction", "f8"),
        ("kelly_fraction", "f8"),
        ("payoff", "f8"),
        ("heat_cap", "f8"),
        ("volatility_ref", "f8"),
        ("volatility_target", "f8"),
        ("slippage_atr", "f8"),
        ("volume_share", "f8"),
        ("entry_offset_atr", "f8"),
        ("scale1_r", "f8"),
        ("scale1_share", "f8"),
        ("scale1_stop_r", "f8"),
        ("scale2_r", "f8"),
        ("scale2_share", "f8"),
        ("scale2_stop_r", "f8"),
        ("stop_ticks", "i4"),
        ("target_ticks", "i4"),
        ("trail_ticks", "i4"),
        ("latency_bars", "i4"),
        ("cooldown_bars", "i4"),
        ("max_trades", "i4"),
        ("break_even_offset_ticks", "i4"),
        ("max_bars", "i4"),
        ("slippage_ticks", "i4"),
        ("target_through_ticks", "i4"),
        ("path", "i4"),
        ("entry", "i4"),
        ("entry_offset_ticks", "i4"),
        ("entry_bars", "i4"),
        ("entry_through_ticks", "i4"),
        ("flat_at_close", "i4"),
        ("reverse", "i4"),
        ("sizing", "i4"),
        ("contracts", "i4"),
        ("max_contracts", "i4"),
        ("cash_e4", "i8"),
        ("tick_value_e4", "i8"),
        ("fee_e4", "i8"),
        ("daily_loss_e4", "i8"),
        ("daily_profit_e4", "i8"),
    ],
    align=True,
)
TRADE_DTYPE = np.dtype(
    [
        ("signal_bar", "i8"),
        ("entry_bar", "i8"),
        ("exit_bar", "i8"),
        ("pnl_e4", "i8"),
        ("costs_e4", "i8"),
        ("entry_costs_e4", "i8"),
        ("confidence", "f8"),
        ("contracts", "i4"),
        ("entry_price", "i4"),
        ("exit_price", "i4"),
        ("stop_distance", "i4"),
        ("target_distance", "i4"),
        ("mae_ticks", "i4"),
        ("mfe_ticks", "i4"),
        ("side", "i1"),
        ("reason", "i1"),
        ("ambiguous", "i1"),
        ("pad", "i1"),
    ],
    align=True,
)


def _require_same_layout(name: str, ours: np.dtype[Any], core: np.dtype[Any]) -> None:
    def layout(d: np.dtype[Any]) -> list[tuple[str, str, int]]:
        fields: Any = d.fields or {}
        return [(n, fields[n][0].str, int(fields[n][1])) for n in d.names or ()]

    if layout(ours) != layout(core) or ours.itemsize != core.itemsize:
        raise ImportError(f"esbt._core was built from another layout of {name}: rebuild it (pip install -e .)")


_require_same_layout("Plan", PLAN_DTYPE, _core.plan_dtype())
_require_same_layout("Trade", TRADE_DTYPE, _core.trade_dtype())

Plan = npt.NDArray[np.void]


def make_plan(**fields: float) -> Plan:
    """One plan, structured array of shape (1,) and dtype PLAN_DTYPE: the core's defaults, with the given fields in the core's own units.

    Raises EsbtError for a field that a plan does not have.
    """
    plan: Plan = _core.default_plan().astype(PLAN_DTYPE)
    names = PLAN_DTYPE.names or ()
    for name, value in fields.items():
        if name not in names:
            raise unknown("plan field", name, names)
        plan[name] = value
    return plan
