"""What is learned about a position, as the loop asks it, through hooks, with features and account state; and never with anything later.

At the close of the signal bar: a stop model replaces the strategy's stop_atr within bounds; a confidence model gives a margin that its
calibration turns into a probability, and the threshold decides. At the close of each bar that the position lives through: a dynamic stop
says where the stop stands from the next bar on. Knows no training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from esbt import _core
from esbt.errors import EsbtError, unknown
from esbt.features import Features
from esbt.hooks import Hook, as_hook

# ids of csrc/esbt/decide.hpp; those of a position are known only while one is open
STATE_INPUTS = {"side": -1, "stop_atr": -2, "drawdown": -3}
POSITION_INPUTS = {"bars_held": -4, "open_atr": -5, "mae_atr": -6, "mfe_atr": -7, "stop_now_atr": -8}
NO_REGIME, WIDE = (1.0, 1.0), (0.5, 2.0)


@dataclass(frozen=True)
class Ask:
    """One question to a hook: `hook` is a Hook, a Forest or a callable float32[n, k] -> float64[n]; `inputs` are k names, each a feature's
    or one of "side" (+1, -1), "stop_atr" (in ATR, after the stop model), "drawdown" (of closed equity, a fraction).

    A `DynamicStop` may ask for these too, all of them at the bar's close and in ATR of that bar, but for the first: "bars_held" (the entry
    bar counts as one), "open_atr" (open gain), "mae_atr", "mfe_atr" (greatest loss and gain so far, in market prices, never negative),
    "stop_now_atr" (from the stop to the close; huge without a stop). Its "stop_atr" is the multiple now in force.
    """

    hook: Any
    inputs: Sequence[str]

    def resolved(self) -> Hook:
        """The hook itself. Raises EsbtError where the number of inputs differs."""
        return as_hook(self.hook, len(self.inputs))


@dataclass(frozen=True)
class DynamicStop:
    """A stop that is decided again at the close of every bar, once a position is open.

    ask: gives the distance of the stop from the close, in ATR of the bar. It is multiplied by the value of the feature `regime` in that
    bar, clamped to regime_bounds (NaN: by 1); then clamped to `bounds`; then smoothed, m = smoothing * k + (1 - smoothing) * m_before,
    first with the entry's own stop in ATR. The stop moves there only if that tightens it, or with `loosen` in any case. It holds from the
    next bar on. A bar whose ATR is unknown or 0 asks nothing.
    """

    ask: Ask
    bounds: tuple[float, float] = (0.5, 4.0)
    smoothing: float = 1.0
    regime: str | None = None
    regime_bounds: tuple[float, float] = WIDE
    loosen: bool = False

    def checked(self) -> "DynamicStop":
        """Itself. Raises EsbtError for bounds that are no interval and a smoothing that is no weight."""
        if not isinstance(self.ask, Ask):
            raise EsbtError(f"DynamicStop needs esbt.Ask(hook, inputs), got {type(self.ask).__name__}")
        _require_interval("DynamicStop.bounds", self.bounds)
        _require_interval("DynamicStop.regime_bounds", self.regime_bounds)
        if self.regime is None and self.regime_bounds != WIDE:
            raise EsbtError(f"DynamicStop.regime_bounds={self.regime_bounds} needs regime, the name of the feature that it bounds")
        if not 0 < self.smoothing <= 1:
            raise EsbtError(f"DynamicStop.smoothing is the weight of the new answer in (0, 1], got {self.smoothing}")
        if not isinstance(self.loosen, bool):
            raise EsbtError(f"DynamicStop.loosen must be True or False, got {self.loosen!r}")
        return self


@dataclass(frozen=True)
class EntryModel:
    """Learned decisions in the loop.

    features: columns aligned with the bars of the backtest. stop: predicts the stop distance in ATR, clamped to stop_bounds; of this and
    the strategy's stop_ticks, where that is set, the nearer counts. confidence: raw margin m; p = 1 / (1 + exp(-(a * m + b))) with
    calibration = (a, b); signals with p < threshold are skipped and counted. dynamic: the stop of an open position, bar by bar.
    """

    features: Features
    stop: Ask | None = None
    stop_bounds: tuple[float, float] = (0.5, 4.0)
    confidence: Ask | None = None
    calibration: tuple[float, float] = (1.0, 0.0)
    threshold: float = 0.0
    dynamic: DynamicStop | None = None

    def prepare(self, n_bars: int) -> tuple["_core.EntryModel", list[Hook]]:
        """The core's model and the hooks it holds. Raises EsbtError for unknown inputs, a wrong length or bounds that are no interval."""
        if not isinstance(self.features, Features):
            raise EsbtError(f"the model's features must be esbt.features(bars), got {type(self.features).__name__}")
        if self.features.matrix.shape[1] != n_bars:
            raise EsbtError(f"the model's features have {self.features.matrix.shape[1]} bars, the backtest has {n_bars}: slice them alike")
        _require_interval("stop_bounds", self.stop_bounds)
        if not 0 <= self.threshold <= 1:
            raise EsbtError(f"threshold is a probability in [0, 1], got {self.threshold}")
        if self.dynamic is not None and not isinstance(self.dynamic, DynamicStop):
            raise EsbtError(f"dynamic must be esbt.DynamicStop(ask), got {type(self.dynamic).__name__}")
        dynamic = self.dynamic.checked() if self.dynamic else None
        asks = (self.stop, self.confidence, dynamic.ask if dynamic else None)
        stop, confidence, moving = (ask.resolved() if ask else None for ask in asks)
        core = _core.EntryModel(
            stop_hook=stop.capsule if stop else None,
            stop_ids=self._ids(self.stop),
            stop_bounds=self.stop_bounds,
            confidence_hook=confidence.capsule if confidence else None,
            confidence_ids=self._ids(self.confidence),
            calibration=self.calibration,
            threshold=self.threshold,
            features=np.ascontiguousarray(self.features.matrix),
            **self._moving(moving, dynamic),
        )
        return core, [hook for hook in (stop, confidence, moving) if hook]

    def _moving(self, hook: Hook | None, dynamic: DynamicStop | None) -> dict[str, Any]:
        """The core's words for the dynamic stop; none without one."""
        if hook is None or dynamic is None:
            return {}
        columns = {name: row for row, name in enumerate(self.features.names)}
        if dynamic.regime is not None and dynamic.regime not in columns:
            raise unknown("feature", dynamic.regime, columns)
        return {
            "dynamic_hook": hook.capsule,
            "dynamic_ids": self._ids(dynamic.ask, POSITION_INPUTS),
            "dynamic_bounds": dynamic.bounds,
            "smoothing": dynamic.smoothing,
            "regime_id": -1 if dynamic.regime is None else columns[dynamic.regime],
            "regime_bounds": NO_REGIME if dynamic.regime is None else dynamic.regime_bounds,
            "loosen": dynamic.loosen,
        }

    def _ids(self, ask: Ask | None, further: dict[str, int] | None = None) -> list[int]:
        columns = {name: i for i, name in enumerate(self.features.names)} | STATE_INPUTS | (further or {})
        names = ask.inputs if ask else ()
        for name in names:
            if name in columns:
                continue
            if name in POSITION_INPUTS:
                raise EsbtError(f"model input {name!r} is of an open position: only EntryModel(dynamic=DynamicStop(...)) may ask for it")
            raise unknown("model input", name, columns)
        return [columns[name] for name in names]


def _require_interval(name: str, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if not 0 < low <= high < float("inf"):
        raise EsbtError(f"{name} must be 0 < low <= high, got {bounds}")
