"""Settings of a whole run: market, strategy, account, learning; from Python or from a TOML file with the same names."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from esbt.account import Account, Contracts, Fraction
from esbt.contradictions import parts_too_small
from esbt.errors import EsbtError
from esbt.features.matrix import columns
from esbt.market_config import Market, Synthetic
from esbt.settings import Settings, read_toml
from esbt.signals import AtrStrategy, Period, Positive, Share

FEATURES = (  # few on purpose: each further one is more to overfit
    "move(1)",
    "move(5)",
    "move(30)",
    "macd(12, 26)",
    "relative_volatility(14)",
    "volatility_ratio(14, 100)",
    "bar_range",
    "close_in_bar",
    "volume_ratio(60)",
    "volume_balance(30)",
    "efficiency_ratio(30)",
    "rsi(14)",
    "resistance_distance(60)",
    "support_distance(60)",
    "vwap_distance",
    "session_open_distance",
    "session_range_position",
    "minutes_since_open",
)

Count = Annotated[int, Field(ge=0, le=100_000_000)]


class Learning(Settings):
    """How the three phases learn.

    features: what they learn from, names and groups as `esbt.features` takes them, such as ["rsi(21)", "volume"]. test_fraction: last part
    of time, never learned from. calibration_fraction: last part of the training time, held out for calibration, threshold and payoff.
    embargo_bars: bars left out before each cut. stop_quantile: of winners' adverse excursion. stop_low, stop_high: bounds of the stop in
    ATR. min_labels: a phase with fewer training labels is left out. folds: of the cross-fitted stop.
    """

    features: Annotated[tuple[str, ...], Field(strict=False)] = FEATURES
    test_fraction: Share = 0.2
    calibration_fraction: Share = 0.25
    embargo_bars: Count = 120
    stop_quantile: Share = 0.8
    stop_low: Positive = 0.75
    stop_high: Positive = 4.0
    min_labels: Annotated[int, Field(ge=50)] = 1000
    folds: Annotated[int, Field(ge=2, le=20)] = 4
    kelly_fraction: Fraction = 0.25
    heat_cap: Fraction = 0.06
    max_contracts: Contracts = 10
    trees: Period = 150
    learning_rate: Share = 0.03
    leaves: Annotated[int, Field(ge=2, le=255)] = 15
    rows_per_leaf: Period = 100
    seed: Annotated[int, Field(ge=0)] = 42

    @field_validator("features")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        columns(names)
        return names

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.stop_low >= self.stop_high:
            raise ValueError(f"stop_low must be below stop_high, got {self.stop_low} and {self.stop_high}")
        if self.heat_cap > 0.06:
            raise ValueError(f"heat_cap may be 0.06 at most, got {self.heat_cap}")
        return self


class RunConfig(Settings):
    """Everything `esbt run` can be told."""

    market: Market = Field(default_factory=Market)
    synthetic: Synthetic = Field(default_factory=Synthetic)
    strategy: AtrStrategy = Field(default_factory=AtrStrategy)
    account: Account = Field(default_factory=Account)
    learning: Learning = Field(default_factory=Learning)
    out: str = "out"

    @model_validator(mode="after")
    def _baseline_has_a_stop(self) -> Self:
        if self.strategy.stop_atr is None:
            raise ValueError("strategy.stop_atr cannot be off in a run: the stop is what phase 1 learns")
        if not isinstance(self.account.size, int):
            raise ValueError("account.size must be whole contracts in a run: phase 3 decides the size")
        if fault := parts_too_small(self.strategy, self.account.size):
            raise ValueError(fault)
        if self.account.path == "finer":
            raise ValueError("account.path 'finer' needs finer bars, which a run does not take: use esbt.backtest(..., finer=bars)")
        return self


def load_config(path: str | Path) -> RunConfig:
    """Read a TOML file. Raises EsbtError for a file that is missing, not TOML, or has unknown or wrong settings, naming the file."""
    data = read_toml(path)
    try:
        return RunConfig(**data)
    except EsbtError as error:
        raise EsbtError(f"config {str(path)!r}: {error}") from None
