"""Sweeps: many lanes of one strategy on one market, as a table. The package is the function too: `esbt.sweep(bars, strategy, space)`.

To add a kind of space, see space.py and samples.py; the engine is behind engine.py, and nothing else knows it.
"""

from esbt._package import call_as
from esbt.sweep.engine import COLUMNS, LaneBlock, run_lanes
from esbt.sweep.estimate import Estimate
from esbt.sweep.run import sweep, sweep_estimate
from esbt.sweep.samples import Random, Sobol, Uniform
from esbt.sweep.space import Grid, Rows, Space
from esbt.sweep.study import Optuna
from esbt.sweep.table import SweepTable
from esbt.totals import METRICS

__all__ = [
    "COLUMNS",
    "METRICS",
    "Estimate",
    "Grid",
    "LaneBlock",
    "Optuna",
    "Random",
    "Rows",
    "Sobol",
    "Space",
    "SweepTable",
    "Uniform",
    "run_lanes",
    "sweep",
    "sweep_estimate",
]

call_as(__name__, sweep)
