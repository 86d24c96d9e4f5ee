"""The standard normal distribution's upper tail, where 1 - Phi would round."""

import numpy as np
import numpy.typing as npt

from esbt._series import Floats


def above(z: npt.ArrayLike) -> Floats:
    """P(Z > z), float64 of z's shape; NaN stays NaN."""
    from scipy.special import ndtr  # a tenth of a second, here rather than at every import of esbt

    return np.asarray(ndtr(-np.asarray(z, dtype=np.float64)), dtype=np.float64)


def quantile_above(probability: float) -> float:
    """The z with P(Z > z) = probability, in (0, 1)."""
    from scipy.special import ndtri

    return -float(ndtri(probability))
