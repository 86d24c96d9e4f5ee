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
        """Sum of the standardised trials, and their number."""
        total, count = np.zeros(rows.sessions), 0
        for block in blocks:
            centred = rows.read(block)
            widest = np.abs(centred).max(axis=1)
            varies = np.ptp(centred, axis=1) > 1e-14 * widest
            centred = centred[varies] / widest[varies, None]
            centred -= centred.mean(axis=1, keepdims=True)
            centred /= np.sqrt(np.sum(centred**2, axis=1, keepdims=True))
            total += centred.sum(axis=0)
            count += len(centred)
        return total, count

    shares = rows.shared(work)
    count = sum(share[1] for share in shares)
    if count < 2:
        return float(count) if count else float("nan")
    total = np.sum([share[0] for share in shares], axis=0)
    correlation = (float(total @ total) - count) / (count * (count - 1.0))
    correlation = min(max(correlation, 0.0), 1.0)
    return correlation + (1.0 - correlation) * count
