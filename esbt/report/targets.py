"""The six targets a trading system is held to. A target is a metric, a side and a number; it knows nothing of runs or pages.

To add one: a row in TARGETS. Strictly beyond the threshold counts; equal does not, and NaN never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """`name` of the metric, `label` for people, `threshold` in the metric's own unit (fractions, not percent), and the side that counts."""

    name: str
    label: str
    threshold: float
    side: Literal["above", "below"] = "above"

    def achieved(self, metrics: Mapping[str, float]) -> bool:
        """True when the metric lies strictly beyond the threshold. A missing or NaN metric is not achieved."""
        value = float(metrics.get(self.name, float("nan")))
        return value > self.threshold if self.side == "above" else value < self.threshold


TARGETS = (
    Target("sharpe", "Sharpe ratio", 1.0),
    Target("calmar", "Calmar ratio", 2.0),
    Target("profit_factor", "Profit factor", 1.7),
    Target("win_rate", "Win rate", 0.55),
    Target("max_drawdown", "Max drawdown", 0.10, "below"),
    Target("win_loss_ratio", "Average win / loss", 2.0),
)
