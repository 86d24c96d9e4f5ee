"""Settings of a whole run: market, strategy, account, learning; from Python or from a TOML file with the same names."""

from pathlib import Path
from typing import Annotated, Literal, Self

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
    "day_of_week",
    "volatility_regime(390)",
)

ModelName = Literal["lightgbm", "xgboost", "network"]
Count = Annotated[int, Field(ge=0, le=100_000_000)]


class Learning(Settings):
    """How the three phases learn (docs/learning.md).

    features: what they learn from, names and groups as `esbt.features` takes them, such as ["rsi(21)", "volume"]. test_fraction: last part
    of time, never learned from. calibration_fraction: last part of the training time, held out for calibration, threshold and payoff.
    embargo_bars: bars left out before each cut and around each fold. min_labels: a phase with fewer training labels is left out.

    models: of "lightgbm", "xgboost", "network", at least one forest. trials: of tuning, each model's; 1 is its own first guess. folds: of
    stacking; inner_folds: of tuning inside of each. trees: at most, of a forest. network_epochs: at most.

    stop_target: "excursion", "best" (`stop_targets`), or "choose": the one under which held-out training trades earn more. stop_quantile:
    of winners' adverse excursion. stop_low, stop_high: bounds of the stop in ATR, stop_steps distances between them for "best". reevaluate:
    decide the stop again at each close; stop_smoothing: weight of the newest answer; regime: a feature of codes whose every value gets a
    multiplier in [regime_low, regime_high], if it is among `features`.

    label: "meta" or "triple_barrier" with barrier_bars (`entry_confidence`). risk_fraction, risk_aversion: of `utility_threshold`.
    """

    features: Annotated[tuple[str, ...], Field(strict=False)] = FEATURES
    test_fraction: Share = 0.2
    calibration_fraction: Share = 0.25
    embargo_bars: Count = 120
    min_labels: Annotated[int, Field(ge=50)] = 1000
    models: Annotated[tuple[ModelName, ...], Field(strict=False)] = ("lightgbm", "xgboost", "network")
    trials: Annotated[int, Field(ge=1, le=10_000)] = 5
    folds: Annotated[int, Field(ge=2, le=20)] = 3
    inner_folds: Annotated[int, Field(ge=2, le=20)] = 2
    trees: Annotated[int, Field(ge=1, le=10_000)] = 150
    network_epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    stop_target: Literal["excursion", "best", "choose"] = "choose"
    stop_quantile: Share = 0.8
    stop_low: Positive = 0.75
    stop_high: Positive = 4.0
    stop_steps: Annotated[int, Field(ge=2, le=50)] = 6
    reevaluate: bool = True
    stop_smoothing: Fraction = 0.3
    regime: str | None = "volatility_regime(390)"
    regime_low: Fraction = 0.7
    regime_high: Annotated[float, Field(ge=1, le=10)] = 1.5
    label: Literal["meta", "triple_barrier"] = "meta"
    barrier_bars: Period = 60
    risk_fraction: Fraction = 0.01
    risk_aversion: Annotated[float, Field(ge=0, le=100)] = 1.0
    kelly_fraction: Fraction = 0.25
    heat_cap: Fraction = 0.06
    max_contracts: Contracts = 10
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
        if len(set(self.models)) < len(self.models) or not {"lightgbm", "xgboost"} & set(self.models):
            raise ValueError(
                f"models must be different, one of them a forest (lightgbm or xgboost), got {', '.join(self.models) or 'none'}"
            )
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
