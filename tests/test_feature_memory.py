"""What computing the features takes: the matrix and little beside it, for the default set over ten years of minutes (1.8 GB of values).

Measured in a process of its own, by the kernel's highest mark of resident memory.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from esbt.features import feature_names

ROOT = Path(__file__).parents[1]
MIB = 1 << 20
BARS = 3_500_000

CALL = """
import sys
from pathlib import Path
import numpy as np
from feature_markets import long_market
from esbt.features import features

def of(word):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(word)))

bars, threads = int(sys.argv[1]), int(sys.argv[2])
m = long_market(bars)
features(m[:100_000], threads=threads)  # code, tables and stacks are there
Path("/proc/self/clear_refs").write_text("5")  # the highest mark begins anew
before = of("VmRSS:")
found = features(m, threads=threads)
print(before, of("VmHWM:"), found.matrix.nbytes, sum(column.nbytes for column in m.columns))
"""


def measured(threads: int) -> tuple[int, int, int, int]:
    """Bytes resident before the call (inputs among them), at most during it, of the outputs, and of the inputs."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    words = [sys.executable, "-c", CALL, str(BARS), str(threads)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    before, most, outputs, inputs = map(int, done.stdout.split())
    return before, most, outputs, inputs


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the mark is Linux's own")
@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_than_inputs_and_outputs_and_64_mib(threads: int):
    before, most, outputs, inputs = measured(threads)
    assert outputs == 4 * BARS * len(feature_names())
    assert before > inputs > 40 * BARS
    assert most > before + 0.9 * outputs  # the mark sees the matrix
    assert most <= before + outputs + 64 * MIB, f"{(most - before - outputs) / MIB:.0f} MiB beside the matrix"
