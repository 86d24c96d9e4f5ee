"""esbt: a backtester for futures on one-minute bars, with a compiled core and machine learning in the loop."""

from esbt import metrics
from esbt.account import Account, Kelly, Risk, Volatility
from esbt.backtest import backtest
from esbt.data import Bars, Instrument, instrument, instruments, load_bars, synthetic_bars
from esbt.data.resample import resample
from esbt.entry_model import Ask, DynamicStop, EntryModel
from esbt.errors import EsbtError
from esbt.features import Features, feature_names, features
from esbt.forest import Forest
from esbt.hooks import Hook
from esbt.result import Result
from esbt.signals import AtrStrategy, Exits, Signals

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Ask",
    "AtrStrategy",
    "Bars",
    "DynamicStop",
    "EntryModel",
    "EsbtError",
    "Exits",
    "Features",
    "Forest",
    "Hook",
    "Instrument",
    "Kelly",
    "Result",
    "Risk",
    "Signals",
    "Volatility",
    "backtest",
    "feature_names",
    "features",
    "instrument",
    "instruments",
    "load_bars",
    "metrics",
    "resample",
    "synthetic_bars",
]
