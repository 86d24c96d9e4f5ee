"""Results made from a seeded random walk, for tests of the report: the right columns and types, no backtest behind them."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from esbt import metrics

REASONS = ("stop", "target", "session_close")
NS_PER_MINUTE = 60_000_000_000
MONDAY = (date(2024, 3, 4) - date(1970, 1, 1)).days


@dataclass
class FakeRun:
    """Has what `esbt.report.RunLike` asks for."""

    trades: pl.DataFrame
    equity: pl.DataFrame
    daily: pl.DataFrame
    metrics: dict[str, float]
    skipped: dict[str, int] = field(default_factory=lambda: {"boundary": 3, "in_position": 1200})
    settings: dict[str, Any] = field(default_factory=dict)
    bars_source: str = "es_5m.parquet"
    synthetic: bool = False


def fake_run(sessions=60, bars_per_session=78, edge=0.0, trades=200, seed=1, **fields):
    """A run of `trades` evenly spaced trades with mean `edge` in USD; equity moves on a straight line inside each trade."""
    rng = np.random.default_rng(seed)
    count = sessions * bars_per_session
    session = np.repeat(MONDAY + np.arange(sessions) + 2 * (np.arange(sessions) // 5), bars_per_session).astype(np.int32)
    ts = session.astype(np.int64) * 86_400_000_000_000 + (14 * 60 + 30 + 5 * np.tile(np.arange(bars_per_session), sessions)) * NS_PER_MINUTE
    entry = np.linspace(0, count - 6, trades).astype(np.int64) if trades else np.zeros(0, np.int64)
    pnl = np.round((edge + 250 * rng.standard_t(4, trades)) / 12.5) * 12.5 - 4.5
    pnl[::17] = 0.0  # scratch trades
    steps = np.zeros(count)
    np.add.at(steps, entry + 2, pnl)
    equity = 100_000.0 + np.cumsum(steps)
    times = pl.Series("ts", ts).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    frame = pl.DataFrame(
        {
            "entry_time": times.gather(entry), "exit_time": times.gather(entry + 2), "entry_bar": entry, "exit_bar": entry + 2,
            "side": np.where(rng.random(trades) < 0.5, 1, -1).astype(np.int8), "contracts": np.ones(trades, np.int32),
            "entry_price": 5000 + rng.integers(-200, 200, trades) * 0.25, "exit_price": 5000 + rng.integers(-200, 200, trades) * 0.25,
            "stop_price": np.full(trades, 4990.25), "target_price": np.full(trades, np.nan), "pnl": pnl, "pnl_ticks": pnl / 12.5,
            "costs": np.full(trades, 4.5), "mae_ticks": rng.integers(0, 40, trades), "mfe_ticks": rng.integers(0, 40, trades),
            "bars_held": np.full(trades, 3), "exit_reason": rng.choice(REASONS, trades).tolist(), "ambiguous": rng.random(trades) < 0.02,
            "confidence": np.full(trades, np.nan),
        },
        schema_overrides={"exit_reason": pl.String},
    )  # fmt: skip
    settings = {"instrument": "ES", "cash": 100_000.0, "fee_usd": 2.25, "slippage_ticks": 1, "path": "worst", "size": 1}
    settings |= {"strategy": {"name": "AtrStrategy", "fast": 12, "slow": 26, "stop_atr": 2.0, "trail_atr": None, "flat_at_close": True}}
    return FakeRun(
        trades=frame,
        equity=pl.DataFrame({"ts": times, "equity": equity}),
        daily=metrics.daily_table(equity, session, 100_000.0),
        metrics=metrics.summarize(equity, session, 100_000.0, frame),
        **({"settings": settings} | fields),
    )
