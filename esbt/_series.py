"""Input checks that the metric modules share: turn what a user hands in into one float64 vector, or say what is wrong with it."""

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError

Floats = npt.NDArray[np.float64]


def vector(values: npt.ArrayLike, name: str, *, finite: bool = True) -> Floats:
    """`values` as float64[K]. Raises EsbtError if it is not one-dimensional, not numbers, or (with `finite`) holds NaN or infinity."""
    try:
        out = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EsbtError(f"{name} must be a sequence of numbers, got {type(values).__name__} ({error})") from error
    if out.ndim != 1:
        raise EsbtError(f"{name} must be one-dimensional, got shape {out.shape}: pass one series at a time")
    if finite and not np.isfinite(out).all():
        row = int(np.flatnonzero(~np.isfinite(out))[0])
        raise EsbtError(f"{name} has {out[row]} at row {row}: drop or fill it")
    return out


def equity_vector(equity: npt.ArrayLike) -> Floats:
    """`equity` as float64[K], K >= 1, USD. Raises EsbtError as `vector` does, or if it is empty or does not start above zero."""
    out = vector(equity, "equity")
    if len(out) == 0:
        raise EsbtError("equity is empty: its first value must be the start capital")
    if out[0] <= 0:
        raise EsbtError(f"equity starts at {out[0]}: the start capital must be above zero")
    return out


def spread_is_zero(values: Floats) -> bool:
    """True when the values differ by no more than rounding: a deviation of such a series is noise, and a ratio over it means nothing."""
    return bool(np.ptp(values) <= 1e-14 * np.abs(values).max())
