"""esbt: a backtester for futures on one-minute bars, with a compiled core and machine learning in the loop."""

from typing import TYPE_CHECKING

from esbt import causal, external, metrics, stats
from esbt.account import Account, Kelly, Risk, Volatility
from esbt.backtest import backtest
from esbt.data import Bars, Instrument, instrument, instruments, load_bars, synthetic_bars
from esbt.data.resample import resample
from esbt.entry_model import Ask, DynamicStop, EntryModel
from esbt.errors import EsbtError
from esbt.features import Bar, Features, FeatureStream, UserFeature, feature_groups, feature_names, feature_table
from esbt.forest import Forest
from esbt.hooks import Hook
from esbt.network import Dense, Network
from esbt.result import Result
from esbt.signals import AtrStrategy, Exits, Signals
from esbt.sweep import Estimate, Grid, Optuna, Random, Rows, Sobol, SweepTable, Uniform, sweep_estimate
from esbt.walkforward import Trained, Trainer, WalkForward, WalkForwardGrid, walk_forward, walk_forward_grid

if TYPE_CHECKING:
    from esbt.audit.run import audit
    from esbt.features.functions import features
    from esbt.sweep import sweep
else:
    from esbt import audit, features, sweep  # packages, which are the functions of the same names too

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Ask",
    "AtrStrategy",
    "Bar",
    "Bars",
    "Dense",
    "DynamicStop",
    "EntryModel",
    "EsbtError",
    "Estimate",
    "Exits",
    "FeatureStream",
    "Features",
    "Forest",
    "Grid",
    "Hook",
    "Instrument",
    "Kelly",
    "Network",
    "Optuna",
    "Random",
    "Result",
    "Risk",
    "Rows",
    "Signals",
    "Sobol",
    "SweepTable",
    "Trained",
    "Trainer",
    "Uniform",
    "UserFeature",
    "Volatility",
    "WalkForward",
    "WalkForwardGrid",
    "audit",
    "backtest",
    "causal",
    "external",
    "feature_groups",
    "feature_names",
    "feature_table",
    "features",
    "instrument",
    "instruments",
    "load_bars",
    "metrics",
    "resample",
    "stats",
    "sweep",
    "sweep_estimate",
    "synthetic_bars",
    "walk_forward",
    "walk_forward_grid",
]
