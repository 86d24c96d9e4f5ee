"""A rival's indicators must be ours before either is timed. Knows no rival."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

import esbt

SETTLE = 1_500  # bars that a rival may want before its seeds are forgotten


class FeatureRival(Protocol):
    """One way to compute some of our columns over bars of one contract. Inputs are made in the constructor, which is not timed."""

    name: str
    columns: tuple[str, ...]

    def run(self) -> object:
        """Timed: the indicators in the rival's own form."""

    def values(self, said: object) -> dict[str, npt.NDArray[np.float64]]:
        """`run`'s answer as our columns, float64[N]; not timed."""

    def comparable(self) -> npt.NDArray[np.bool_]:
        """bool[N]: bars at which both define the same thing."""

    def tolerance(self, name: str) -> float:
        """Of |difference| / max(|the rival's|, its mean size), for a column."""


def require_same_values(bars: esbt.Bars, rival: FeatureRival) -> None:
    """Raises AssertionError where a column of ours differs from the rival's; and when there were too few bars to compare."""
    ours, theirs, where = esbt.features(bars, rival.columns), rival.values(rival.run()), rival.comparable()
    if where.sum() < max(1_000, 0.8 * (len(bars) - SETTLE)):
        raise AssertionError(f"only {where.sum()} of {len(bars)} bars can be compared with {rival.name}: take more bars")
    for name in rival.columns:
        mine, other = ours.column(name)[where].astype(float), theirs[name][where]
        error = np.abs(mine - other) / np.maximum(np.abs(other), np.abs(other).mean())
        if not (error <= rival.tolerance(name)).all():
            worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
            at = int(np.flatnonzero(where)[worst])
            said = f"bar {at}: esbt {mine[worst]!r}, {rival.name} {other[worst]!r}, error {error[worst]:.2g}"
            raise AssertionError(f"{name} differs from {rival.name}'s, most in {said}")
