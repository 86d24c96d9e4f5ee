"""What distribution costs: the same sweep here, by two processes and on a Dask cluster on loopback, each on two cores. No claim: the cost.

See distribution.py. What it is made of: docs/sweeps.md. Every way first gives the same table.
"""

import pytest
from distribution import HERE, PART_LANES, ROUNDS, WAYS, same, sweep
from timing import measure, settled
from workload import N_BARS

TABLE = "Sweep of 65,536 lanes, by what it is run"


@settled
@pytest.mark.parametrize("way", [HERE, *WAYS])
def test_way(benchmark, way):
    whole = sweep()
    lanes = len(whole.frame)
    note = f"{lanes:,} lanes x {N_BARS:,} bars, {-(-lanes // PART_LANES)} parts"
    labels = {"unit": "lane", "count": lanes, "rounds": ROUNDS, "note": note}
    if way == HERE:
        measure(benchmark, sweep, TABLE, way, reference=True, **labels)
        return
    make, files = WAYS[way]
    with make() as executor:
        assert same(sweep(executor, files=files), whole)
        measure(benchmark, lambda: sweep(executor, files=files), TABLE, way, overhead=True, **labels)
