"""Many p-values at once: Benjamini-Hochberg and -Yekutieli for the share of false finds, Holm for any false find, and a lane's p-values."""

import numpy as np
import numpy.typing as npt

from esbt._series import Floats, vector
from esbt.errors import EsbtError
from esbt.stats import _normal
from esbt.stats._rows import Rows, rows_of
from esbt.stats.bootstrap import LEAST_SESSIONS, block_length, bootstrap_variance
from esbt.stats.sharpe import LEAST_RETURNS, lane_moments, sharpe_probability


def benjamini_hochberg(p_values: npt.ArrayLike, *, any_dependence: bool = False) -> Floats:
    """Adjusted p-values float64[L], in the order given: those at or below q are finds of which a share of at most q is false on average.

    `min over j >= i of p_(j) L / j`. Source: Benjamini and Hochberg 1995, J. Royal Statistical Society B 57; holds for independent and for
    positively dependent tests. `any_dependence` multiplies by 1 + 1/2 + ... + 1/L: Benjamini and Yekutieli 2001, Annals of Statistics 29.
    Raises EsbtError for NaN and for values outside [0, 1]: leave out lanes that have no p-value, they are no trials.
    """
    values = _checked(p_values)
    count = len(values)
    order = np.argsort(values, kind="stable")
    rank = np.arange(1, count + 1)
    factor = float(np.sum(1.0 / rank)) if any_dependence else 1.0
    steps = np.minimum.accumulate((values[order] * factor * count / rank)[::-1])[::-1]
    return _unsorted(steps, order)


def holm(p_values: npt.ArrayLike) -> Floats:
    """Adjusted p-values float64[L]: those at or below a are finds with any false one among them with probability at most a.

    `max over j <= i of (L - j + 1) p_(j)`. Source: Holm 1979, Scandinavian J. Statistics 6. Any dependence; `stepm` finds more.
    """
    values = _checked(p_values)
    order = np.argsort(values, kind="stable")
    return _unsorted(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), order)


def mean_p_values(pnl_by_lane: "npt.ArrayLike | Rows", *, block: float | None = None) -> Floats:
    """One-sided p-value of each lane's "mean P&L is not above 0", float64[lanes], from float64[lanes, sessions]; NaN for lanes that do not
    vary.

    `1 - Phi(sqrt(S) mean / deviation)` with the stationary bootstrap's deviation, which allows for autocorrelation. `block` as in `spa`.
    """
    rows = rows_of(pnl_by_lane, "pnl_by_lane", LEAST_SESSIONS)
    length = block_length(rows, block)
    out = np.full(len(rows), np.nan)

    def work(blocks: list[slice]) -> None:
        for one in blocks:
            lanes = rows.read(one)
            varies = np.ptp(lanes, axis=1) > 1e-14 * np.abs(lanes).max(axis=1)
            deviation = np.sqrt(bootstrap_variance(lanes[varies], length))
            out[one][varies] = _normal.above(np.sqrt(rows.sessions) * lanes[varies].mean(axis=1) / deviation)

    rows.shared(work)
    return out


def sharpe_p_values(returns_by_trial: "npt.ArrayLike | Rows", benchmark: float = 0.0) -> Floats:
    """One-sided p-value of each trial's "Sharpe ratio is not above `benchmark`" (per period): 1 - PSR, float64[trials]; NaN as there."""
    rows = rows_of(returns_by_trial, "returns_by_trial", LEAST_RETURNS)
    ratio, skew, raw = lane_moments(rows)
    # 1 - PSR as the PSR of the mirrored returns: exact for tiny p-values.
    return sharpe_probability(-ratio, rows.sessions, -skew, raw, -benchmark)


def _checked(p_values: npt.ArrayLike) -> Floats:
    values = vector(p_values, "p_values")
    bad = np.flatnonzero((values < 0) | (values > 1))
    if len(bad):
        raise EsbtError(f"p_values has {values[bad[0]]} at row {bad[0]}: a probability is between 0 and 1")
    return values


def _unsorted(values: Floats, order: npt.NDArray[np.int64]) -> Floats:
    out = np.empty_like(values)
    out[order] = np.minimum(values, 1.0)
    return out
