"""Features: what is known at each bar's close, as one float32 matrix computed in C++ in one pass.

`features(bars)` computes them, `feature_table()` says what each is, and every feature is a function here too: `rsi(bars, bars_back)`. To
add one, see the first paragraph of csrc/esbt/features.hpp: this package follows the registry there and names no feature itself.
"""

from esbt.features.matrix import Features, features
from esbt.features.registry import feature_groups, feature_names, feature_table

__all__ = ["Features", "feature_groups", "feature_names", "feature_table", "features"]
