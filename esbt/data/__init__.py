"""Bars and what they need: instruments, loading with validation, session stamping, and the synthetic market."""

from esbt.data.bars import Bars
from esbt.data.calendar import Sessions, session_of, sessions_between
from esbt.data.fee_table import DatedFee
from esbt.data.instruments import Instrument, instrument, instruments
from esbt.data.load import load_bars
from esbt.data.synthetic import synthetic_bars
from esbt.data.synthetic_truth import Truth

__all__ = [
    "Bars",
    "DatedFee",
    "Instrument",
    "Sessions",
    "Truth",
    "instrument",
    "instruments",
    "load_bars",
    "session_of",
    "sessions_between",
    "synthetic_bars",
]
