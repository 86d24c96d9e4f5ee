"""Times of day: entry windows and flat times are read off the exchange's clock, daylight saving included, and hold in the loop."""

import numpy as np
import polars as pl
import pytest

import esbt
from esbt.windows import after_flat, entry_window, seconds_of, time_of_day


@pytest.fixture(scope="module")
def bars() -> esbt.Bars:
    """Two months around the change to daylight saving of March 2022."""
    return esbt.synthetic_bars(days=40, start="2022-02-14", seed=3)


def chicago(bars: esbt.Bars, rows: pl.Series) -> pl.Series:
    return pl.Series(bars.ts[rows.to_numpy()]).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone("America/Chicago").dt.time()


def test_clock_is_the_exchanges_on_both_sides_of_the_change(bars: esbt.Bars) -> None:
    starts = np.flatnonzero(np.diff(bars.session, prepend=bars.session[0] - 1))
    assert set(time_of_day(bars)[starts].tolist()) == {17 * 3600}
    utc_hours = {int(t // 3_600_000_000_000 % 24) for t in bars.ts[starts]}
    assert utc_hours == {22, 23}  # the change is among them


def test_entry_window(bars: esbt.Bars) -> None:
    strategy = esbt.AtrStrategy(entry_from="08:30", entry_until="15:00")
    result, free = esbt.backtest(bars, strategy), esbt.backtest(bars, esbt.AtrStrategy())
    signal_times = chicago(bars, result.trades["entry_bar"] - 1)
    assert 0 < len(result.trades) < len(free.trades)
    assert str(signal_times.min()) >= "08:30:00"
    assert str(signal_times.max()) < "15:00:00"
    signals = strategy.signals(bars)
    outside = ~entry_window(bars, "08:30", "15:00")
    assert result.skipped["window"] == np.count_nonzero(signals[outside]) > 0
    assert free.skipped["window"] == 0


def test_window_over_midnight(bars: esbt.Bars) -> None:
    night, day = entry_window(bars, "22:00", "02:00"), entry_window(bars, "02:00", "22:00")
    assert night.any()
    assert (night ^ day).all()
    assert set(time_of_day(bars)[night] // 3600) == {22, 23, 0, 1}


def test_flat_at(bars: esbt.Bars) -> None:
    result = esbt.backtest(bars, esbt.AtrStrategy(flat_at="15:10", stop_atr=20.0))
    late = after_flat(bars, "15:10")
    trades = result.trades
    assert not late[trades["entry_bar"].to_numpy()].any()
    assert not late[trades["exit_bar"].to_numpy()].any()
    at_flat = trades.filter(pl.col("exit_reason") == "session_close")
    assert len(at_flat) >= 30
    assert {str(t) for t in chicago(bars, at_flat["exit_bar"])} == {"15:09:00", "11:59:00"}  # Presidents' Day ends at noon
    assert result.equity["equity"][-1] == result.cash + trades["pnl"].sum()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"entry_from": "08:30"}, "a window needs two times"),
        ({"entry_from": "08:30", "entry_until": "08:30"}, "a window needs two times"),
        ({"flat_at": "25:00"}, 'must be a time such as "15:55"'),
        ({"flat_at": "15:00", "flat_at_close": False}, "flat_at needs flat_at_close"),
        ({"reverse": True, "latency_bars": 1}, "exclude each other"),
        ({"stop_atr": None, "target_r": 2.0}, "give stop_atr or stop_ticks"),
    ],
)
def test_contradictions(settings: dict[str, object], words: str) -> None:
    with pytest.raises(esbt.EsbtError, match=words):
        esbt.AtrStrategy(**settings)


def test_seconds() -> None:
    assert seconds_of("15:55") == 57_300
    with pytest.raises(ValueError, match=r"."):
        seconds_of("noon")
