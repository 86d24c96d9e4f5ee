"""What kills mutants of the sweep engine's headers: the fuzz driver of lanes (tests/fuzz/fuzz_lanes.cpp), built with the mutant. It
compares lanes with their own single runs, and both with what trades and equity say.
"""

import os
import subprocess
from pathlib import Path

FUZZ = Path(__file__).parents[1] / "fuzz"
FLAGS = ["-std=c++20", "-O0", "-w", "-ffp-contract=off", "-D_GLIBCXX_ASSERTIONS"]
CHECKED = [*FLAGS, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]  # slow to build: for those that survive without
CASES, TIMEOUT_S = 1000, 300  # the fewest of which the driver asks that all happens in them


def verdict(folder: Path, core: Path) -> str:
    """`survives`, or what killed it. folder: holds the header that differs, and becomes the driver's place. core: the unchanged ones."""
    word = _verdict(folder, core, FLAGS)
    return _verdict(folder, core, CHECKED) if word == "survives" else word


def _verdict(folder: Path, core: Path, flags: list[str]) -> str:
    out = folder / "fuzz_lanes"
    words = [os.environ.get("CXX", "g++"), *flags, f"-I{folder}", f"-I{core}", f"-I{FUZZ}", str(FUZZ / "fuzz_lanes.cpp"), "-o", str(out)]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        return "does not compile"
    try:
        ran = subprocess.run([out, str(CASES)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return "killed, it never ends"
    if ran.returncode == 0:
        return "survives"
    if ran.returncode != 1 or "Sanitizer" in ran.stderr:
        return "killed, it broke down"
    return f"killed by lanes that broke a law: {ran.stderr.partition(': ')[2].strip() or 'all happens in a thousand cases'}"
