"""What resampling costs, per source bar. The rival on time bars is Polars' group_by_dynamic; the bars are compared before timing.

Polars groups by UTC time alone: enough here, where one contract's sessions open on whole five minutes, and less work than esbt does.
"""

import numpy as np
import polars as pl
import pytest
from timing import measure, settled
from workload import N_BARS, market

import esbt

TABLE = "Resampling one-minute bars"
COLUMNS = ("open", "high", "low", "close", "volume")


@settled
@pytest.mark.parametrize("words", [{"minutes": 5}, {"volume": 20_000}, {"range_ticks": 20}], ids=lambda words: next(iter(words)))
def test_esbt(benchmark, words):
    bars = market(N_BARS)
    made = esbt.resample(bars, **words)
    assert made.volume.sum() == bars.volume.sum()
    assert 1 < len(made) < len(bars) / 3
    kind = ", ".join(f"{name}={amount}" for name, amount in words.items())
    run = {"unit": "bar", "count": len(bars), "reference": "minutes" in words, "note": f"{len(made):,} bars"}
    measure(benchmark, lambda: esbt.resample(bars, **words), TABLE, f"esbt, {kind}", **run)


@settled
def test_polars(benchmark):
    bars = market(N_BARS)
    frame = pl.DataFrame({"ts": pl.Series(bars.ts).cast(pl.Datetime("ns")), **{name: getattr(bars, name) for name in COLUMNS}})
    first, high, low, close, volume = (pl.col(name) for name in COLUMNS)

    def run() -> pl.DataFrame:
        grouped = frame.group_by_dynamic("ts", every="5m")
        return grouped.agg(first.first(), high.max(), low.min(), close.last(), volume.sum())

    made, theirs = esbt.resample(bars, minutes=5), run()
    for name in ("ts", *COLUMNS):
        assert np.array_equal(theirs[name].to_physical().to_numpy(), getattr(made, name)), name
    measure(benchmark, run, TABLE, "Polars group_by_dynamic, 5 minutes", unit="bar", count=len(bars), rival=True)
