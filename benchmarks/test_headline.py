"""The headline, ESBT_HEADLINE=1: a million lanes (entry, filter, stop, target, trailing axes) x 3.5 million bars, claimed to take under
60 s on two cores and under 2 GiB. In a process of its own, by headline.py, which says what is swept and holds lanes to their own runs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from claims import HEADLINE
from timing import measure, settled

ENGINE = "esbt, two threads"
SCRIPT = Path(__file__).parent / "headline.py"
ONE_THREAD = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")


def headline() -> dict[str, object]:
    """What the script says. conftest.py's hold on threads is for comparisons and is let go."""
    own = {name: value for name, value in os.environ.items() if name not in ONE_THREAD} | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, SCRIPT], env=own, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


@settled
@pytest.mark.skipif(not os.environ.get("ESBT_HEADLINE"), reason="takes minutes: ESBT_HEADLINE=1 runs it")
def test_headline(benchmark):
    found = []
    measure(benchmark, lambda: found.append(headline()), HEADLINE, ENGINE, rounds=1, unit="bar and lane", count=1)
    own = found[-1]
    where = ", ".join(f"{place} {share:.0%}" for place, share in own["where"].items())
    sizes = f"{own['lanes']:,} lanes x {own['bars']:,} bars, {own['trades']:,.0f} trades a lane"
    said = f"{sizes}; {own['lanes_per_second']:,.0f} lanes/s; peak {own['peak_mib']:,.0f} MiB; main thread: {where}"
    benchmark.extra_info.update(own | {"count": own["lanes"] * own["bars"], "note": said})
