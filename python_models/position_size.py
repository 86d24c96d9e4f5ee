"""Phase 3, the size: fractional Kelly from the calibrated probability and the payoff seen in training, shrunk in volatile markets, capped
by portfolio heat. The rule itself runs in the core (csrc/esbt/size.hpp); here its numbers are estimated, and heat is defined.
"""

import math

import numpy as np
import numpy.typing as npt

from esbt.account import Kelly
from esbt.errors import EsbtError
from python_models.config import Learning
from python_models.labels import Labels


def payoff_of(labels: Labels) -> float:
    """Mean win over mean loss, in multiples of the money at the stop. Raises EsbtError where there are no wins or no losses."""
    multiples = labels.pnl / labels.risk
    wins, losses = multiples[multiples > 0], -multiples[multiples < 0]
    if not wins.size or not losses.size:
        raise EsbtError(f"a payoff needs wins and losses, got {wins.size} and {losses.size}")
    return float(wins.mean() / losses.mean())


def kelly_size(taken: Labels, relative_volatility: npt.NDArray[np.float64], learning: Learning) -> Kelly:
    """The sizing rule from training trades the filter would take; ATR / price at training signals (median: the reference)."""
    return Kelly(
        fraction=learning.kelly_fraction,
        payoff=payoff_of(taken),
        heat_cap=learning.heat_cap,
        volatility_ref=float(np.median(relative_volatility)),
        max_contracts=learning.max_contracts,
    )


def portfolio_heat(signed_risk: npt.ArrayLike, correlation: npt.ArrayLike | None = None) -> float:
    """Open risk of a portfolio as a fraction of equity: sqrt(r' C r), r the signed risk at the stop of each position (+ long, - short).

    signed_risk: float64[P], fractions of equity. correlation: float64[P, P], identity by default. The sign of the correlation is kept: a
    hedge lowers heat, a double-up raises it. One position: its own risk. Source: variance of a sum of correlated risks.
    Raises EsbtError for shapes that do not fit.
    """
    r = np.asarray(signed_risk, dtype=np.float64)
    c = np.eye(r.size) if correlation is None else np.asarray(correlation, dtype=np.float64)
    if r.ndim != 1 or c.shape != (r.size, r.size):
        raise EsbtError(f"heat needs risks of shape (P,) and correlations of shape (P, P), got {r.shape} and {c.shape}")
    return math.sqrt(max(0.0, float(r @ c @ r)))
