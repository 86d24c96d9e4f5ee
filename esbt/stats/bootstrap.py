"""The stationary bootstrap: resampled indices, the block length that suits a series, the variance it implies, and confidence intervals.

Blocks keep the dependence between neighbouring sessions, which drawing single sessions would destroy. Source: Politis and Romano 1994, "The
Stationary Bootstrap", J. American Statistical Association 89: blocks begin anywhere, wrap around the end, and have geometric lengths.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esbt._series import Floats, vector
from esbt.errors import EsbtError
from esbt.stats._checks import at_least, fraction, whole
from esbt.stats._rows import Rows

LEAST_SESSIONS = 10
_SAMPLED_LANES = 64

Indices = npt.NDArray[np.int64]


def stationary_indices(sessions: int, block: float, rng: np.random.Generator) -> Indices:
    """int64[sessions] of one replicate; `block` is the mean length, from 1 (independent draws) up."""
    at = np.arange(sessions)
    begins = rng.random(sessions) < 1.0 / block
    begins[0] = True
    begun = np.maximum.accumulate(np.where(begins, at, 0))
    start: Indices = rng.integers(sessions, size=sessions)
    return (start[begun] + at - begun) % sessions


def bootstrap_weights(sessions: int, block: float, replications: int, seed: int) -> Floats:
    """How often each session is drawn, over sessions: float64[sessions, replications], so that `lanes @ weights` are replicates' means."""
    rng = np.random.default_rng(seed)
    out = np.empty((sessions, replications))
    for k in range(replications):
        out[:, k] = np.bincount(stationary_indices(sessions, block, rng), minlength=sessions)
    return out / sessions


def optimal_block_length(series: npt.ArrayLike) -> float:
    """Mean block length, in periods, that suits the mean of float64[S]: 0 and up, where anything up to 1 says "no dependence seen".

    Source: Politis and White 2004, "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric Reviews 23, as corrected by
    Patton, Politis and White 2009, Econometric Reviews 28 (`(2 G^2 / D)^(1/3) S^(1/3)` with D = 2 g(0)^2). Their tuning: the first of
    `max(5, log10 S)` autocorrelations in a row inside +-2 sqrt(log10(S) / S) ends the window; at most min(3 sqrt(S), S / 3). NaN where
    the series does not vary.
    """
    values = vector(series, "series")
    if len(values) < LEAST_SESSIONS:
        raise EsbtError(f"series has {len(values)} periods: a block length needs at least {LEAST_SESSIONS}")
    count = len(values)
    in_a_row = max(5, int(math.log10(count)))
    lags = min(math.ceil(math.sqrt(count)) + in_a_row, count - 2)
    centred = values - values.mean()
    products = np.array([centred[lag:] @ centred[: count - lag] for lag in range(lags + 1)])
    if not products[0] > 1e-28 * count * np.abs(values).max() ** 2:
        return float("nan")
    energy = np.concatenate(([0.0], np.cumsum(centred**2)))
    # Each autocorrelation has the energy of its own overlap, less one period at either end.
    ends = [math.sqrt((energy[-1] - energy[lag + 1]) * energy[count - lag - 1]) for lag in range(lags + 1)]
    small = np.abs(products) < 2.0 * math.sqrt(math.log10(count) / count) * np.array(ends)
    runs = np.flatnonzero(np.convolve(small, np.ones(in_a_row), "valid")[: lags - in_a_row + 1] > in_a_row - 0.5)
    window = min(2 * max(int(runs[0]), 1), lags) if len(runs) else lags
    lag = np.arange(1, window + 1)
    taper = np.minimum(1.0, 2.0 * (1.0 - lag / window)) * products[1 : window + 1] / count
    spectrum = products[0] / count + 2.0 * taper.sum()
    slope = 2.0 * (taper * lag).sum()
    if spectrum == 0.0:
        return float(_longest_block(count))
    return float(min(((slope / spectrum) ** 2 * count) ** (1.0 / 3.0), _longest_block(count)))


def bootstrap_variance(lanes: Floats, block: float) -> Floats:
    """Variance of sqrt(S) times the replicates' mean, float64[k], of lanes float64[k, S]: exact, nothing is drawn.

    `sum over k of (1 - k / S) (1 - 1 / block)^k c_k`, c the CIRCULAR autocovariance, both signs of k. Source: Politis and Romano 1994,
    lemma 1; the estimate of Hansen 2005. Computed in the frequency domain.
    """
    count = lanes.shape[1]
    lag = np.arange(count)
    weight = (1.0 - lag / count) * (1.0 - 1.0 / block) ** lag
    weight[1:] += weight[1:][::-1].copy()
    power = np.abs(np.fft.rfft(lanes - lanes.mean(axis=1, keepdims=True), axis=1)) ** 2
    gain = np.fft.rfft(weight).real
    twice = np.full(len(gain), 2.0)  # frequencies that stand for their conjugate too
    twice[0] = 1.0
    if count % 2 == 0:
        twice[-1] = 1.0
    return np.asarray(np.sum(power * (gain * twice), axis=1) / count**2)


def block_length(rows: Rows, block: float | None) -> float:
    """`block`, or by default the mean of the optimal lengths of up to 64 lanes spread over the rows, at least 1."""
    if block is not None:
        if at_least(block, "block", 1.0) > rows.sessions:
            raise EsbtError(f"block is {block!r}: at most the {rows.sessions} sessions")
        return float(block)
    spread = np.unique(np.linspace(0, len(rows) - 1, _SAMPLED_LANES).astype(np.int64))
    lengths = [optimal_block_length(rows.read(slice(at, at + 1))[0]) for at in spread.tolist()]
    known = [length for length in lengths if not math.isnan(length)]
    return max(1.0, math.fsum(known) / len(known)) if known else 1.0


@dataclass(frozen=True)
class Interval:
    """A confidence interval: `low` and `high` around `estimate`; `block` in periods; `undefined` replicates make both ends NaN."""

    estimate: float
    low: float
    high: float
    level: float
    block: float
    undefined: int


def confidence_interval(
    metric: Callable[[Floats], float],
    returns: npt.ArrayLike,
    *,
    level: float = 0.95,
    replications: int = 1000,
    block: float | None = None,
    basic: bool = False,
    seed: int = 0,
) -> Interval:
    """Interval of any metric of returns float64[S], such as `esbt.metrics.sharpe`, by the stationary bootstrap.

    Percentile interval: quantiles (1 -+ level) / 2 of the metric over `replications` resampled series; `basic=True` reflects them about the
    estimate (Davison and Hinkley 1997, "Bootstrap Methods and their Application", ch. 5), which corrects a biased metric but may
    leave its range. `block`: mean block length, `optimal_block_length` by default. A metric of the ORDER of returns (drawdown) sees order
    kept inside blocks only. A replicate whose metric is NaN is never dropped: both ends are NaN then, and `undefined` says how many there
    were.
    """
    values = vector(returns, "returns")
    outside = (1.0 - fraction(level, "level")) / 2.0
    count = whole(replications, "replications", 100)
    length = block_length(Rows(values[None, :], "returns", LEAST_SESSIONS), block)
    rng = np.random.default_rng(whole(seed, "seed", 0))
    drawn = np.array([float(metric(values[stationary_indices(len(values), length, rng)])) for _ in range(count)])
    estimate, undefined = float(metric(values)), int(np.isnan(drawn).sum())
    low, high = (float("nan"),) * 2 if undefined else (float(x) for x in np.quantile(drawn, [outside, 1.0 - outside]))
    if basic:
        low, high = 2.0 * estimate - high, 2.0 * estimate - low
    return Interval(estimate, low, high, level, length, undefined)


def _longest_block(count: int) -> int:
    return math.ceil(min(3.0 * math.sqrt(count), count / 3.0))
