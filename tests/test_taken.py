"""Contracts traded at the ask and at the bid: from the file into the bars, their slices and frame, and into the order-flow feature."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from data_helpers import small_frame

import esbt
from esbt.errors import EsbtError

ASKS = [60, 0, None, 103, 40, 52]
KNOWN = [60, 0, -1, 103, 40, 52]


def test_the_column_becomes_buys_with_unknown_as_minus_one() -> None:
    for asks in (ASKS, pl.Series(ASKS, dtype=pl.Float32), [float("nan") if a is None else float(a) for a in ASKS]):
        bars = esbt.load_bars(small_frame(ask_volume=asks))
        assert bars.buys is not None
        assert bars.buys.dtype == np.int64
        assert bars.buys.tolist() == KNOWN
        assert not bars.buys.flags.writeable
        assert bars[1:4].buys.tolist() == KNOWN[1:4]
        assert bars.frame["ask_volume"].to_list() == ASKS
        assert esbt.load_bars(bars.frame).buys.tolist() == KNOWN


def test_bars_that_do_not_tell_have_none() -> None:
    for extra in ({}, {"bid_volume": [1] * 6}):
        bars = esbt.load_bars(small_frame(**extra))
        assert bars.buys is None
        assert bars[1:3].buys is None
        assert "ask_volume" not in bars.frame.columns
    nothing = esbt.load_bars(small_frame(ask_volume=pl.Series([None] * 6, dtype=pl.Int64)))
    assert nothing.buys.tolist() == [-1] * 6


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"ask_volume": [60, 0, 103, 1, 1, 1]}, r"'ask_volume' has 103, above the bar's volume 102, at row 2 \(2024-03-04 15:02 UTC\)"),
        ({"ask_volume": [60] * 6, "bid_volume": [40, 42, 1, 1, 1, 1]}, r"'ask_volume' has 60, with bid_volume 42, above .* at row 1"),
        ({"ask_volume": [-1, 0, 1, 1, 1, 1]}, "'ask_volume' has -1 at row 0"),
        ({"ask_volume": [0.0, 0.5, 1.0, 1.0, 1.0, 1.0]}, "'ask_volume' has 0.5 at row 1"),
        ({"ask_volume": ["1"] * 6}, "'ask_volume' has dtype String"),
        ({"ask_volume": [1] * 6, "bid_volume": [float("inf"), 1, 1, 1, 1, 1]}, "'bid_volume' has inf at row 0"),
    ],
)
def test_counts_that_cannot_be_are_refused(columns: dict[str, list[float]], message: str) -> None:
    with pytest.raises(EsbtError, match=message):
        esbt.load_bars(small_frame(**columns))


def test_true_volume_replaces_the_estimate_where_it_is_known() -> None:
    n, rng = 200, np.random.default_rng(3)
    base = small_frame()
    close = 5100 + 0.25 * np.cumsum(rng.integers(-3, 4, n))
    frame = pl.DataFrame(
        {
            "ts": pl.datetime_range(base["ts_event"][0], base["ts_event"][0] + timedelta(minutes=n - 1), "1m", eager=True),
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": rng.integers(50, 90, n),
        }
    )
    asks = rng.integers(0, 50, n)
    told, silent = esbt.load_bars(frame.with_columns(ask_volume=asks)), esbt.load_bars(frame)
    flow = esbt.features(told, ["order_flow_imbalance(30)"]).matrix[0]
    bought, volume = asks[-30:].sum(), frame["volume"].to_numpy()[-30:].sum()
    assert flow[-1] == pytest.approx((2 * bought - volume) / volume, rel=1e-6)
    unknown = esbt.load_bars(frame.with_columns(ask_volume=pl.Series([None] * n, dtype=pl.Int64)))
    estimate = esbt.features(silent, ["order_flow_imbalance(30)"]).matrix
    assert np.array_equal(estimate, esbt.features(unknown, ["order_flow_imbalance(30)"]).matrix, equal_nan=True)
    assert not np.array_equal(estimate[0], flow, equal_nan=True)
