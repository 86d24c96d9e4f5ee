"""What the features cost: one pass over the bars, per feature and bar. No rival; tests/test_features.py holds the values to naive twins."""

import numpy as np
import pytest
from timing import measure, settled
from workload import N_BARS, market

import esbt


@settled
@pytest.mark.parametrize("count", [len(esbt.feature_names()), 1])
def test_features(benchmark, count):
    bars = market(N_BARS)
    chosen = esbt.feature_names()[:count]
    found = esbt.features(bars, chosen)
    assert np.isfinite(found.matrix[:, found.first_valid :]).all()
    measure(
        benchmark,
        lambda: esbt.features(bars, chosen),
        "Features, written as float32[F, N]",
        f"esbt, {count} feature{'s' if count > 1 else ''}",
        unit="feature and bar",
        count=count * len(bars),
        reference=count > 1,
    )
