"""How sure a Sharpe ratio is, and how high luck alone would have brought it: PSR, DSR, track record and backtest length.

UNITS. Every Sharpe ratio here is PER PERIOD, that of the returns given (a session, for session returns): an annual one is divided by
sqrt(252) first, an annual variance of Sharpe ratios by 252. `metrics.sharpe` is annual; only `minimum_backtest_length` speaks of years.
MOMENTS. Skewness m3 / m2^1.5 and RAW kurtosis m4 / m2^2 (normal = 3) are plain moments over S; the deviation in the ratio has ddof=1.
`metrics.kurtosis` is excess: passed here it would understate the doubt. Undefined (under 3 returns, no variation, NaN) is NaN.
"""

import math

import numpy as np
import numpy.typing as npt

from esbt._series import Floats, spread_is_zero, vector
from esbt.errors import EsbtError
from esbt.stats import _normal
from esbt.stats._checks import at_least, fraction
from esbt.stats._rows import Rows, rows_of

LEAST_RETURNS = 3


def probabilistic_sharpe(returns: npt.ArrayLike, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio is above `benchmark` (per period), given returns float64[S].

    `Phi((SR - b) sqrt(S - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2))`. Source: Bailey and Lopez de Prado 2012, "The Sharpe Ratio Efficient
    Frontier", J. Risk 15(2). Takes returns as independent: positive autocorrelation makes it too sure.
    """
    ratio, periods, skew, raw = _moments(returns)
    return float(sharpe_probability(ratio, periods, skew, raw, benchmark))


def sharpe_probability(
    sharpe: npt.ArrayLike, periods: int, skewness: npt.ArrayLike, kurtosis: npt.ArrayLike, benchmark: npt.ArrayLike = 0.0
) -> Floats:
    """`probabilistic_sharpe` from moments, elementwise: Sharpe ratios per period, plain skewness, raw kurtosis; NaN where undefined."""
    ratio, skew, raw, mark = (np.asarray(x, dtype=np.float64) for x in (sharpe, skewness, kurtosis, benchmark))
    if periods < LEAST_RETURNS:
        return np.full(np.broadcast_shapes(ratio.shape, skew.shape, raw.shape, mark.shape), np.nan)
    return _normal.above((mark - ratio) * math.sqrt(periods - 1.0) / np.sqrt(_spread(ratio, skew, raw)))


def expected_max_sharpe(trials: float, trials_variance: float = 1.0) -> float:
    """The greatest Sharpe ratio to expect among `trials` independent trials without skill, whose ratios have this variance.

    `sqrt(V) ((1 - c) Z(1 - 1/N) + c Z(1 - 1/(N e)))`, c = 0.5772 (Euler), Z the normal quantile; 0 for one trial, and nowhere below. In the
    unit of the variance's root. Within 3 % of the true mean from 10 trials on. Source: Bailey and Lopez de Prado 2014, "The Deflated Sharpe
    Ratio", J. Portfolio Management 40(5). Raises EsbtError for under one trial or a negative variance.
    """
    count, variance = at_least(trials, "trials", 1.0), at_least(trials_variance, "trials_variance", 0.0)
    if count == 1.0:
        return 0.0
    highest = (1.0 - np.euler_gamma) * _normal.quantile_above(1.0 / count) + np.euler_gamma * _normal.quantile_above(1.0 / (count * math.e))
    return math.sqrt(variance) * max(float(highest), 0.0)


def deflated_sharpe(returns: npt.ArrayLike, trials: float, trials_variance: float) -> float:
    """Probability that the true Sharpe ratio of the BEST of `trials` is above what luck alone would have brought.

    `probabilistic_sharpe` with `expected_max_sharpe(trials, trials_variance)` as benchmark. returns float64[S] are the best trial's;
    `trials_variance` is that of all trials' Sharpe ratios PER PERIOD: `np.var(sharpe_ratios(returns_by_trial), ddof=1)`. Every trial
    counts, those thrown away too. Source: Bailey and Lopez de Prado 2014.
    """
    return probabilistic_sharpe(returns, expected_max_sharpe(trials, trials_variance))


def minimum_track_record(returns: npt.ArrayLike, benchmark: float = 0.0, alpha: float = 0.05) -> float:
    """How many PERIODS a record with these moments must have for PSR(benchmark) to reach 1 - alpha: `inf` if the ratio is not above it.

    `1 + (1 - g3 SR + (g4 - 1) / 4 SR^2) (Z(1 - alpha) / (SR - b))^2`. Source: Bailey and Lopez de Prado 2012. Compare with S.
    """
    ratio, _, skew, raw = _moments(returns)
    return track_record_length(ratio, skew, raw, benchmark, alpha)


def track_record_length(sharpe: float, skewness: float, kurtosis: float, benchmark: float = 0.0, alpha: float = 0.05) -> float:
    """`minimum_track_record` from moments: Sharpe ratio and benchmark per period, plain skewness, raw kurtosis; periods."""
    z = _normal.quantile_above(fraction(alpha, "alpha"))
    spread = float(_spread(np.asarray(sharpe), np.asarray(skewness), np.asarray(kurtosis)))
    if math.isnan(spread):
        return float("nan")
    return 1.0 + spread * (z / (sharpe - benchmark)) ** 2 if sharpe > benchmark else float("inf")


def minimum_backtest_length(trials: float, annual_sharpe: float = 1.0) -> float:
    """YEARS below which the best of `trials` without skill is expected to show this ANNUAL Sharpe ratio or more; `inf` for 0 and below.

    `(E[max_N] / SR)^2`, less than `2 ln(N) / SR^2`. Source: Bailey, Borwein, Lopez de Prado and Zhu 2014, "Pseudo-Mathematics and Financial
    Charlatanism", Notices of the AMS 61(5): five years allow 45 trials before a Sharpe ratio of 1 is to be expected from luck.
    """
    if math.isnan(annual_sharpe):
        raise EsbtError("annual_sharpe is nan: give the annual Sharpe ratio of the best trial")
    highest = expected_max_sharpe(trials)
    return float((highest / annual_sharpe) ** 2) if annual_sharpe > 0 else float("inf")


def sharpe_ratios(returns_by_trial: "npt.ArrayLike | Rows") -> Floats:
    """Sharpe ratio PER PERIOD of each trial, float64[trials], from returns float64[trials, sessions]; NaN where returns do not vary."""
    ratios: Floats = lane_moments(rows_of(returns_by_trial, "returns_by_trial", LEAST_RETURNS))[0]
    return ratios


def lane_moments(rows: Rows) -> Floats:
    """float64[3, lanes]: Sharpe ratio per period, plain skewness, raw kurtosis; NaN for lanes that do not vary."""
    out = np.full((3, len(rows)), np.nan)

    def work(blocks: list[slice]) -> None:
        for block in blocks:
            out[:, block] = moments_of(rows.read(block))

    rows.shared(work)
    return out


def moments_of(returns: Floats) -> Floats:
    """The same of float64[k, S] in memory."""
    mean = returns.mean(axis=1)
    widest = np.abs(returns).max(axis=1)
    varies = np.ptp(returns, axis=1) > 1e-14 * widest  # as metrics.sharpe: less is rounding
    scale = np.where(varies, widest, 1.0)
    centred = (returns - mean[:, None]) / scale[:, None]  # scaled, so that tiny returns do not underflow
    squares = centred * centred  # products: numpy's power is ten times slower
    square = np.where(varies, squares.mean(axis=1), np.nan)
    count = returns.shape[1]
    ratio = mean / scale / np.sqrt(square * count / (count - 1.0))
    return np.stack([ratio, np.mean(squares * centred, axis=1) / square**1.5, np.mean(squares * squares, axis=1) / square**2])


def _moments(returns: npt.ArrayLike) -> tuple[float, int, float, float]:
    values = vector(returns, "returns", finite=False)
    if len(values) < LEAST_RETURNS or not np.isfinite(values).all() or spread_is_zero(values):
        return float("nan"), len(values), float("nan"), float("nan")
    ratio, skew, raw = (float(x) for x in moments_of(values[None, :])[:, 0])
    return ratio, len(values), skew, raw


def _spread(ratio: Floats, skew: Floats, raw: Floats) -> Floats:
    """S - 1 times the variance of the estimated ratio (Mertens 2002). Never negative for moments of real returns; 0 has no quantile."""
    out = 1.0 - skew * ratio + (raw - 1.0) / 4.0 * ratio**2
    return np.asarray(np.where(out > 0, out, np.nan))
