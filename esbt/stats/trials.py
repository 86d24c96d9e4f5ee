"""How many independent trials a set of correlated ones is worth."""

import numpy as np
import numpy.typing as npt

from esbt._series import Floats
from esbt.stats._rows import Rows, rows_of


def effective_trials(returns_by_trial: "npt.ArrayLike | Rows") -> float:
    """`r + (1 - r) M`: M trials (float64[M, sessions]) with average correlation r, counted as independent ones; r is kept in [0, 1].

    Source: Bailey and Lopez de Prado 2014, "The Deflated Sharpe Ratio", appendix 3. It is a lenient count beside the observed variance of
    the trials' Sharpe ratios, which correlation has made smaller already: deflate by all trials first, and see this as the other bound.
    Trials that do not vary are left out; NaN if none varies. Cost: one pass.
    """
    rows = rows_of(returns_by_trial, "returns_by_trial", 3)

    def work(blocks: list[slice]) -> tuple[Floats, int]:
        total, count = np.zeros(rows.sessions), 0
        for block in blocks:
            added = standardised_sum(rows.read(block))
            total, count = total + added[0], count + added[1]
        return total, count

    shares = rows.shared(work)
    return effective_count(np.sum([share[0] for share in shares], axis=0), sum(share[1] for share in shares))


def standardised_sum(lanes: Floats) -> tuple[Floats, int]:
    """Sum of the standardised trials among float64[k, S], float64[S], and how many vary: what `effective_count` adds up."""
    widest = np.abs(lanes).max(axis=1)
    varies = np.ptp(lanes, axis=1) > 1e-14 * widest
    centred = lanes[varies] / widest[varies, None]
    centred -= centred.mean(axis=1, keepdims=True)
    weight = 1.0 / np.sqrt(np.einsum("ij,ij->i", centred, centred))
    return weight @ centred, len(centred)


def effective_count(total: Floats, count: int) -> float:
    """The number from the sum of all `count` standardised trials, whose square is the sum of all correlations."""
    if count < 2:
        return float(count) if count else float("nan")
    correlation = (float(total @ total) - count) / (count * (count - 1.0))
    correlation = min(max(correlation, 0.0), 1.0)
    return correlation + (1.0 - correlation) * count
