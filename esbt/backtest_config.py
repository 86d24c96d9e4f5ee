"""Settings of `esbt backtest`: market, strategy and account from a TOML file with the same names as in Python. Runs nothing.

The size is a whole number or a table named after its rule, `size = {risk = {fraction = 0.01}}`; rules are those `Account.size` knows.
TOML has no None: a rule that is on by default is switched off by the word, `target_r = "off"`.
"""

from pathlib import Path
from typing import Any, Self, TypeVar, get_args

from pydantic import Field, field_validator, model_validator

from esbt.account import Account, Kelly
from esbt.errors import EsbtError, unknown
from esbt.market_config import Market, Synthetic
from esbt.settings import Settings, read_toml
from esbt.signals import AtrStrategy

SIZE_RULES: dict[str, Any] = {
    kind.__name__.lower(): kind
    for kind in get_args(Account.model_fields["size"].annotation)
    if isinstance(kind, type) and issubclass(kind, Settings)
}


class BacktestConfig(Settings):
    """Everything `esbt backtest` can be told. finer: a file of bars of a shorter interval, for path = "finer"; out: the report's folder."""

    market: Market = Field(default_factory=Market)
    synthetic: Synthetic = Field(default_factory=Synthetic)
    strategy: AtrStrategy = Field(default_factory=AtrStrategy)
    account: Account = Field(default_factory=Account)
    finer: str | None = None
    out: str = "out"

    @field_validator("account", mode="before")
    @classmethod
    def _size_by_its_rule(cls, account: object) -> object:
        if isinstance(account, dict) and isinstance(account.get("size"), dict):
            return account | {"size": size_rule(account["size"])}
        return account

    @model_validator(mode="after")
    def _fills_can_be_decided(self) -> Self:
        if isinstance(self.account.size, Kelly):
            raise ValueError("account.size kelly needs a probability, which comes from a model: use esbt.backtest(..., model=...)")
        if (self.account.path == "finer") != (self.finer is not None):
            raise ValueError("account.path = 'finer' and finer = 'FILE' (bars of a shorter interval) go together: give both or neither")
        if self.finer is not None and self.market.data is None:
            raise ValueError("finer bars need the bars of a file: give market.data")
        return self


C = TypeVar("C", bound=BacktestConfig)


def load_backtest_config(path: str | Path, *, data: str | None = None, out: str | None = None) -> BacktestConfig:
    """`load_config` for `esbt backtest`."""
    return load_config(BacktestConfig, path, data=data, out=out)


def load_config(kind: type[C], path: str | Path, *, data: str | None = None, out: str | None = None) -> C:
    """Read a TOML file of this kind of settings; `data` and `out` go over what it says.

    Raises EsbtError for a file that is missing, not TOML, or has unknown or wrong settings, naming the file.
    """
    given = read_toml(path)
    if data is not None and isinstance(given.get("market", {}), dict):
        given["market"] = given.get("market", {}) | {"data": data}
    try:
        return kind(**given | ({} if out is None else {"out": out}))
    except EsbtError as error:
        raise EsbtError(f"config {str(path)!r}: {error}") from None


def size_rule(table: dict[str, Any]) -> Any:
    """The rule of a table such as {risk = {fraction = 0.01}}."""
    if len(table) != 1:
        raise EsbtError(f"size must be whole contracts or a table of one rule, {{{'|'.join(SIZE_RULES)} = {{...}}}}, got {table!r}")
    [(name, words)] = table.items()
    if name not in SIZE_RULES:
        raise unknown("size rule", name, SIZE_RULES)
    if not isinstance(words, dict):
        raise EsbtError(f"size.{name} must be a table, such as {name} = {{fraction = 0.01}}, got {words!r}")
    try:
        return SIZE_RULES[name](**words)
    except EsbtError as error:
        raise EsbtError(f"size.{name}: {error}") from None
