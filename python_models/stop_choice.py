"""Which definition of the right stop to learn from: the two compared on held-out training time by what trades under them earn.

Both are learned by the same single untuned forest on the earlier part of the fitting window, and judged on its last quarter, an embargo
later: the signals there traded by the core, one contract each, with the stop fixed at the entry and decided again at each close. What will
be fitted, calibrated and tested comes afterwards and is not looked at here.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from esbt.entry_model import EntryModel
from esbt.errors import EsbtError
from python_models.dynamic_stop import Moving, by_side, stop_model
from python_models.labels import Labels
from python_models.sample_weights import average_uniqueness
from python_models.splits import Window, last_part
from python_models.stop_targets import StopTarget
from python_models.trained import simple_model

if TYPE_CHECKING:
    from python_models.learn import Training

JUDGED = 0.25  # of the fitting window


def compare_targets(training: "Training", fitting: Window, targets: dict[str, StopTarget]) -> pl.DataFrame:
    """One row a stop: target ("baseline" first), reevaluated, trades, usd (net, one contract), usd_per_trade, error (standard, trades
    counted by their uniqueness), mean_r (net profit over the money at the stop). Raises EsbtError where a part of the window is too short.
    """
    learning, features = training.learning, training.features
    earlier, later = last_part(fitting, JUDGED, learning.embargo_bars)
    rows = [("baseline", False, *_earned(training.outcomes(None, later, later.stop)))]
    for name, target in targets.items():
        seen = target.within(earlier)
        if not seen.labels.count:
            raise EsbtError(
                f"no trade is left to compare stop targets on: give more bars or a smaller embargo_bars than {learning.embargo_bars}"
            )
        forest = simple_model(seen.sample(features), (*features.names, "side"), learning, target.objective, target.alpha)
        bounds = (learning.stop_low, learning.stop_high)
        sides = by_side(forest.predict, features, bounds)
        for moving in (None, Moving(learning.stop_smoothing)):
            model: EntryModel = stop_model(features, sides, bounds, moving)
            rows.append((name, moving is not None, *_earned(training.outcomes(model, later, later.stop))))
    return pl.DataFrame(rows, schema=["target", "reevaluated", "trades", "usd", "usd_per_trade", "error", "mean_r"], orient="row")


def chosen_target(table: pl.DataFrame, reevaluate: bool) -> str:
    """The target with the greatest usd_per_trade among those traded so; of equals the first."""
    own = table.filter((pl.col("target") != "baseline") & (pl.col("reevaluated") == reevaluate))
    return str(own["target"][int(np.argmax(own["usd_per_trade"].to_numpy()))])


def _earned(labels: Labels) -> tuple[int, float, float, float, float]:
    if not labels.count:
        return 0, 0.0, 0.0, 0.0, 0.0
    alone = average_uniqueness(labels.signal_bar, labels.end_bar).sum()
    mean_r = float(np.mean(labels.pnl / labels.risk))
    return labels.count, float(labels.pnl.sum()), float(labels.pnl.mean()), float(labels.pnl.std() / np.sqrt(alone)), mean_r
