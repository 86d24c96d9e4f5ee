"""Sampled spaces: lanes drawn at random, or by a Sobol sequence, from ranges, lists and distributions. Knows no settings.

An axis is a list (each value equally likely), a pair (low, high) of two whole or two real numbers, both ends possible, `Uniform` with a
step or on a logarithmic scale, or a frozen distribution of scipy.stats. To add a kind of axis: a branch in `_drawn`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError
from esbt.sweep.axes import listed
from esbt.sweep.space import Coded, coded, lane_keys

Floats = npt.NDArray[np.float64]
_ROUNDS = 6  # of twice the points each, before a space is called too small for its lanes


@dataclass(frozen=True)
class Uniform:
    """Numbers from low to high, both possible: whole where both ends are. step: the distance of values; log: even in the logarithm.

    Raises EsbtError for ends that are no numbers or do not rise, a step that is not above 0, and a logarithm of what is not above 0.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise EsbtError(f"Uniform {name} is {value!r}: give a number")
        if not self.low < self.high:
            raise EsbtError(f"Uniform runs from {self.low!r} to {self.high!r}: give low below high, or a list of one value")
        if self.step is not None and not self.step > 0:
            raise EsbtError(f"Uniform step is {self.step!r}: give a number above 0")
        if self.log and (self.low <= 0 or self.step is not None):
            raise EsbtError(f"Uniform with log needs low above 0 and no step, got low={self.low!r}, step={self.step!r}")

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, (int, type(None)))

    @property
    def _step(self) -> float | None:
        return self.step if self.step is not None else 1 if self.whole and not self.log else None

    def _count(self, step: float) -> int:
        return math.floor((self.high - self.low) / step * (1 + 1e-12)) + 1

    def every(self) -> list[int] | list[float]:
        """Every value from low to high, for a grid. Raises EsbtError for real numbers without a step."""
        step = self._step
        if step is None:
            raise EsbtError(f"{self} has no end of values: give step, or sample the space")
        return [self.low + step * k if self.whole else round(self.low + step * k, 12) for k in range(self._count(step))]

    def at(self, u: Floats) -> npt.NDArray[Any]:
        """Values at the quantiles u in [0, 1), int64 or float64 of the same shape."""
        step = self._step
        if step is not None:
            return np.asarray(self.low + step * np.floor(u * self._count(step)).astype(np.int64 if self.whole else np.float64))
        if not self.log:
            return np.asarray(self.low + u * (self.high - self.low))
        width = 0.5 if self.whole else 0.0  # a whole number owns the half steps around it
        low, high = math.log(self.low - width), math.log(self.high + width)
        real = np.clip(np.exp(low + u * (high - low)), self.low, self.high)
        return np.rint(real).astype(np.int64) if self.whole else np.asarray(real)


def Random(lanes: int, axes: Mapping[str, Any], seed: int = 0) -> Coded:
    """`lanes` different combinations drawn at random. axes: see this module. A seed gives the same lanes; more lanes go on from them.

    Raises EsbtError for an axis that cannot be drawn from, and where there are fewer different combinations than lanes.
    """
    return _sampled("Random", lanes, axes, seed, lambda count, d: np.random.default_rng(seed).random((count, d)))


def Sobol(lanes: int, axes: Mapping[str, Any], seed: int = 0) -> Coded:
    """`lanes` different combinations of a scrambled Sobol sequence: even coverage (Owen 1998, J. Complexity 14; scipy.stats.qmc).

    Balanced where lanes is a power of two. Arguments and errors as in `Random`.
    """
    return _sampled("Sobol", lanes, axes, seed, lambda count, d: _sobol(count, d, seed))


def range_of(name: str, axis: Any) -> Any:
    """The axis as a `Uniform`, a list, or a distribution with `ppf`. Raises EsbtError for another thing, naming the axis."""
    if isinstance(axis, Uniform) or hasattr(axis, "ppf"):
        return axis
    if isinstance(axis, tuple) and len(axis) == 2:
        return Uniform(*axis)
    if isinstance(axis, tuple):
        raise EsbtError(f"axis {name!r} is {axis!r}: give a pair (low, high), a list of values, or esbt.Uniform(...)")
    return listed(name, axis)


def _sampled(kind: str, lanes: int, axes: Mapping[str, Any], seed: int, points: Callable[[int, int], Floats]) -> Coded:
    if isinstance(lanes, bool) or not isinstance(lanes, int) or lanes < 1:
        raise EsbtError(f"{kind} lanes is {lanes!r}: give a whole number above 0")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise EsbtError(f"{kind} seed is {seed!r}: give a whole number, 0 or more")
    if not isinstance(axes, Mapping) or not axes:
        raise EsbtError(f"{kind} axes is {axes!r}: give at least one axis, such as {{'stop_atr': (0.5, 4.0)}}")
    ranges = {str(name): range_of(str(name), axis) for name, axis in axes.items()}
    count = 1 << max(0, lanes - 1).bit_length()
    for _ in range(_ROUNDS):
        u = points(count, len(ranges))
        drawn = {name: _drawn(axis, u[:, k]) for k, (name, axis) in enumerate(ranges.items())}
        first = np.sort(np.unique(lane_keys({name: codes for name, (_, codes) in drawn.items()}, count), return_index=True)[1])
        if len(first) >= lanes:
            space = Coded({name: v for name, (v, _) in drawn.items()}, {name: c[first[:lanes]] for name, (_, c) in drawn.items()})
            space.kind = kind
            return space
        count *= 2
    raise EsbtError(f"{kind}: {lanes:,} lanes asked, only {len(first):,} different ones came of {count // 2:,} draws: use esbt.Grid")


def _drawn(axis: Any, u: Floats) -> tuple[list[Any], npt.NDArray[np.int32]]:
    """Distinct values, and the code of each draw."""
    if isinstance(axis, list):
        values, places = coded(axis)
        return values, places[np.floor(u * len(axis)).astype(np.intp)]
    if isinstance(axis, Uniform):
        column = axis.at(u)
    else:
        real = np.asarray(axis.ppf(u), dtype=np.float64)
        column = real.astype(np.int64) if hasattr(axis, "pmf") else real
    distinct, codes = np.unique(column, return_inverse=True)
    return distinct.tolist(), codes.astype(np.int32)


def _sobol(count: int, d: int, seed: int) -> Floats:
    from scipy.stats import qmc  # slow to import

    return np.asarray(qmc.Sobol(d, scramble=True, seed=np.random.default_rng(seed)).random(count))
