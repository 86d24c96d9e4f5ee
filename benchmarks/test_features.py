"""What the features cost: the whole default set in one pass, the indicators that TA-Lib and Polars have too, and one bar at a time.

Claims: the default set at 1.0 ns a feature and bar on one thread, and 1.7 times as fast on two; 4 times as fast as TA-Lib and 10 times as
fast as Polars' rolling functions over what both have; a bar pushed into the stream of the default set in a microsecond.
tests/test_features.py holds the values to naive twins; a rival's are compared here before it is timed. One contract, warm, ready arrays:
ours are float32, the rivals' float64 as they come.
"""

import numpy as np
import pytest
from rivals.feature_agreement import require_same_values
from rivals.feature_polars import PolarsRolling
from rivals.feature_talib import TaLib
from timing import measure, settled
from workload import N_BARS, market

import esbt
from esbt import _core
from esbt.features.registry import default_columns

RIVALS = {"TA-Lib": TaLib, "Polars": PolarsRolling}


@settled
@pytest.mark.parametrize("threads", [1, 2])
def test_default_set(benchmark, threads):
    bars = market(N_BARS)
    found = esbt.features(bars, threads=threads)
    assert np.isfinite(found.matrix[:, found.first_valid :]).all()
    measure(
        benchmark,
        lambda: esbt.features(bars, threads=threads),
        "Features: the default set, written as float32[F, N]",
        f"esbt, {threads} thread{'s' if threads > 1 else ''}",
        unit="feature and bar",
        count=len(found.names) * len(bars),
        reference=threads == 1,
        note=f"{len(found.names)} columns",
    )


@settled
@pytest.mark.parametrize("engine", ["esbt", "the rival"])
@pytest.mark.parametrize("rival", RIVALS)
def test_what_both_have(benchmark, rival, engine):
    bars = market(N_BARS)
    theirs = RIVALS[rival](bars)
    require_same_values(bars, theirs)
    ours = engine == "esbt"
    measure(
        benchmark,
        (lambda: esbt.features(bars, theirs.columns)) if ours else theirs.run,
        f"Features that {rival} has too",
        engine if ours else rival,
        unit="feature and bar",
        count=len(theirs.columns) * len(bars),
        reference=ours,
        rival=not ours,
        note=f"{len(theirs.columns)} columns",
    )


@settled
def test_stream(benchmark):
    bars = market(N_BARS)
    columns = default_columns()
    requests = [column.request for column in columns]
    rows = _core.FeatureStream(requests).replay(bars[:20_000].core)
    assert np.ascontiguousarray(rows.T).tobytes() == esbt.features(bars[:20_000]).matrix.tobytes()
    stream = _core.FeatureStream(requests)
    measure(
        benchmark,
        lambda: stream.replay(bars.core),
        "Features bar by bar, the default set, pushed from C++",
        "esbt",
        unit="bar",
        count=len(bars),
        reference=True,
        note=f"{len(columns)} columns",
    )
