"""Lets the benchmarks import their neighbours, holds every engine to one thread, writes down what they ran on. Knows no engine."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # at the end: nothing installed may be shadowed

LOAD_BEFORE = os.getloadavg()[0]
for _threads in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_threads] = "1"  # read when the engines are first imported, after this file

PACKAGES = (
    "esbt", "numpy", "polars", "numba", "vectorbt", "vectorbt-rust", "raptorbt", "backtesting", "pandas", "lightgbm", "treelite", "TA-Lib",
    "optuna", "distributed", "xgboost", "tl2cgen", "torch",
)  # fmt: skip


def pytest_benchmark_update_machine_info(config, machine_info):
    """pytest-benchmark's hook: versions of what was measured, and how busy the machine was before the first run."""
    machine_info["versions"] = {name: _version(name) for name in PACKAGES}
    machine_info["cores"] = os.cpu_count()
    machine_info["load_before"] = LOAD_BEFORE


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from the source tree" if name == "esbt" else "not installed"
