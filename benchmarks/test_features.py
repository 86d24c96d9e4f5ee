"""What the features cost: one pass over the bars, per feature and bar. No rival: the values are held to naive twins in tests/test_features.py."""

import numpy as np
import pytest
from timing import measure, settled
from workload import N_BARS, market

import esbt


@settled
@pytest.mark.parametrize("names", [None, ["atr_ratio"]], ids=["all", "one"])
def test_features(benchmark, names):
    bars = market(N_BARS)
    chosen = names if names is None else [esbt.feature_names()[0]]
    found = esbt.features(bars, chosen)
    assert np.isfinite(found.matrix[:, found.first_valid :]).all()
    count = len(found.names)
    measure(
        benchmark,
        lambda: esbt.features(bars, chosen),
        "Features, written as float32[F, N]",
        f"esbt, {count} feature{'s' if count > 1 else ''}",
        unit="feature and bar",
        count=count * len(bars),
        reference=names is None,
    )
