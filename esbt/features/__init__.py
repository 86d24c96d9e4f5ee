"""Features: what is known at each bar's close, as one float32 matrix computed in C++ in one pass.

The package is the function too: `esbt.features(bars)` computes them, `esbt.features.rsi(bars, 14)` one of them, `feature_table()` says what
each is. `UserFeature` is one of your own, `FeatureStream` gives them bar by bar. To add one to the core, see the first paragraph of
csrc/esbt/features.hpp: this package follows the registry there and names no feature itself.
"""

from esbt._package import call_as
from esbt.features import functions
from esbt.features.functions import *  # noqa: F403
from esbt.features.matrix import Features, features
from esbt.features.registry import feature_groups, feature_names, feature_table
from esbt.features.stream import Bar, FeatureStream, bars_one_by_one
from esbt.features.user import UserFeature, Window

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

call_as(__name__, features)  # functions.pyi says so to type checkers
