"""Where the bars of a configured run come from: a file, or, without one, a synthetic market. Never one in place of the other."""

from typing import Annotated

from pydantic import Field

from esbt.data import Bars, load_bars, synthetic_bars
from esbt.settings import Settings


class Market(Settings):
    """Where bars come from: a Parquet or CSV file, or, without `data`, the synthetic market of `Synthetic`."""

    data: str | None = None
    instrument: str = "ES"
    contract: str | None = None
    timezone: str = "UTC"


class Synthetic(Settings):
    """The made-up market of a run without data; `edge` plants a structure that can be learned (0: none, a martingale)."""

    days: Annotated[int, Field(ge=20, le=10_000)] = 500
    interval: str = "1min"
    edge: Annotated[float, Field(ge=0)] = 0.3
    seed: Annotated[int, Field(ge=0)] = 42


def market_bars(market: Market, made: Synthetic) -> Bars:
    """The bars of the file named, and only without one those of the synthetic market. A missing file is an error, as in `load_bars`."""
    if market.data is None:
        return synthetic_bars(days=made.days, instrument=market.instrument, interval=made.interval, edge=made.edge, seed=made.seed)
    return file_bars(market.data, market)


def file_bars(file: str, market: Market) -> Bars:
    """Bars of `file`, read by the words of `market`. Raises EsbtError as `load_bars`."""
    return load_bars(file, instrument=market.instrument, contract=market.contract, timezone=market.timezone)
