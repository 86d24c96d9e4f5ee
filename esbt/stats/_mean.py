"""Is a mean above zero? One careful p-value for a single series of sessions, for the tests that ask it once."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from esbt.stats.bootstrap import LEAST_SESSIONS
from esbt.stats.multiple import mean_p_values


def mean_above_zero(sessions: npt.ArrayLike) -> float:
    """One-sided p-value of "the mean is not above 0" from float64[S]; 1 under `LEAST_SESSIONS` and where nothing varies.

    The greater of two: Student's t, right for few independent sessions, and the stationary bootstrap's (`mean_p_values`), right where
    neighbouring sessions lean on each other.
    """
    values = np.asarray(sessions, dtype=np.float64)
    if values.size < LEAST_SESSIONS or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return 1.0
    return max(float(mean_p_values(values[None, :])[0]), float(stats.ttest_1samp(values, 0.0, alternative="greater").pvalue))
