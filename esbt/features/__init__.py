"""Features: what is known at each bar's close, as one float32 matrix computed in C++ in one pass.

The package is the function too: `esbt.features(bars)` computes them, `esbt.features.rsi(bars, 14)` one of them, `feature_table()` says what
each is. `UserFeature` is one of your own, `FeatureStream` gives them bar by bar. To add one to the core, see the first paragraph of
csrc/esbt/features.hpp: this package follows the registry there and names no feature itself.
"""

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from esbt.features import functions
from esbt.features.functions import *  # noqa: F403
from esbt.features.matrix import Features, Names, features
from esbt.features.registry import feature_groups, feature_names, feature_table
from esbt.features.stream import Bar, FeatureStream, bars_one_by_one
from esbt.features.user import UserFeature, Window

if TYPE_CHECKING:
    from esbt.data.bars import Bars

__all__ = [
    "Bar",
    "FeatureStream",
    "Features",
    "UserFeature",
    "Window",
    "bars_one_by_one",
    "feature_groups",
    "feature_names",
    "feature_table",
    "features",
]
__all__ += functions.__all__


class _Package(ModuleType):
    """A package that is called like the function of its name; functions.pyi says so to type checkers."""

    def __call__(
        self,
        bars: "Bars",
        names: Names = None,
        *,
        threads: int = 1,
        extra: Features | Mapping[str, ArrayLike] | None = None,
        checked: bool = True,
    ) -> Features:
        return features(bars, names, threads=threads, extra=extra, checked=checked)


_Package.__call__.__doc__ = features.__doc__
sys.modules[__name__].__class__ = _Package
