"""The table: best lanes, surfaces, plateaus, pictures and the page, against sums done by hand."""

import inspect
import math

import numpy as np
import polars as pl
import pytest
from sweep_helpers import BARS

import esbt
from esbt.errors import EsbtError
from esbt.sweep.neighbours import neighbours_mean

STRATEGY = esbt.AtrStrategy(fast=3, slow=9, atr_period=5)
SPACE = {"stop_atr": [1.0, 0.5, 2.0], "target_r": [0.5, 1.0, None], "side": ["both", "long"]}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def table():
    return esbt.sweep(BARS, STRATEGY, SPACE, daily=True)


def test_best(table):
    """Sorted by the metric in its own sense, enough trades, undefined left out."""
    rows = [row for row in table.frame.iter_rows(named=True) if row["trades"] >= 20]
    assert 3 < len(rows) < len(table)
    assert table.best("sharpe", 3, minimum_trades=20)["lane"].to_list() == [
        row["lane"] for row in sorted(rows, key=lambda row: (-row["sharpe"], row["lane"]))[:3]
    ]
    shallow = min(rows, key=lambda row: (row["max_drawdown"], row["lane"]))
    assert table.best("max_drawdown", minimum_trades=20)["lane"][0] == shallow["lane"]
    with pytest.raises(EsbtError, match="no lane has a sharpe from 9999 trades or more, the busiest has"):
        table.best(minimum_trades=9999)
    with pytest.raises(EsbtError, match="did you mean 'sharpe'"):
        table.best("sharp")


@pytest.mark.parametrize(("over", "of"), [("mean", np.mean), ("median", np.median), ("best", np.max), ("worst", np.min)])
def test_heatmap_and_surface(table, over, of):
    heat = table.heatmap("stop_atr", "target_r", "net_profit", over=over)
    wide = table.surface("stop_atr", "target_r", "net_profit", over=over)
    assert wide.columns == ["target_r", "0.5", "1.0", "2.0"]
    assert heat["lanes"].to_list() == [2] * 9
    for stop, target, value, _ in heat.iter_rows():
        own = [row["net_profit"] for row in table.frame.iter_rows(named=True) if row["stop_atr"] == stop and row["target_r"] == target]
        assert value == pytest.approx(of(own), rel=1e-12)
        [row] = [row for row in wide.iter_rows(named=True) if row["target_r"] == target]
        assert row[str(stop)] == value
    worst = table.heatmap("stop_atr", "side", "max_drawdown", over="worst")
    assert worst["max_drawdown"].max() == table.frame["max_drawdown"].max()
    with pytest.raises(EsbtError, match="did you mean 'stop_atr'"):
        table.heatmap("stop", "side")
    with pytest.raises(EsbtError, match="give two axes"):
        table.heatmap("side", "side")


def test_bins_of_a_sampled_space():
    table = esbt.sweep(BARS, STRATEGY, esbt.Random(100, {"stop_atr": (0.5, 3.0), "target_r": (0.5, 3.0)}, seed=1))
    heat = table.heatmap("stop_atr", "target_r", "trades")
    assert heat["lanes"].sum() == 100
    assert heat["stop_atr"].n_unique() == 5
    low, high = table.frame["stop_atr"].min(), table.frame["stop_atr"].max()
    assert heat["stop_atr"].min() == pytest.approx(low + (high - low) / 10)


def test_neighbours_of_a_grid_by_hand():
    """stop_atr in order of size is 0.5, 1.0, 2.0; words have no neighbours; an undefined neighbour is left out."""
    grid = esbt.Grid({"stop_atr": [1.0, 0.5, 2.0], "side": ["both", "long"], "fast": [1, 2]})
    values = np.arange(12.0)
    values[7] = math.nan  # 0.5, long, 2
    mean, count = neighbours_mean(grid, values)
    assert mean[0] == (4 + 8 + 1) / 3  # stops 0.5 and 2.0, fast 2
    assert mean[4] == (0 + 5) / 2
    assert mean[3] == (11 + 2) / 2  # its neighbour of stop 0.5 is undefined
    assert count[[0, 4, 3, 7]].tolist() == [3, 2, 2, 2]


def test_neighbours_of_points():
    """On a line of 30 points, the ten nearest of an inner one are five on each side; the lane itself is not among them."""
    rows = esbt.Rows([{"stop_atr": 0.1 * (k + 1)} for k in range(30)])
    values = np.arange(30.0) ** 2
    mean, count = neighbours_mean(rows, values)
    assert count.tolist() == [10] * 30
    assert mean[15] == pytest.approx(np.mean([(15 + d) ** 2 for d in range(-5, 6) if d]))


def test_plateau(table):
    frame = table.plateau("net_profit")
    assert frame["net_profit"].is_sorted(descending=True)
    mean, count = neighbours_mean(table.bound.space, table.frame["net_profit"].to_numpy())
    assert frame.sort("lane")["neighbours_mean"].to_list() == mean.tolist()
    assert frame.sort("lane")["neighbours"].to_list() == count.tolist()
    assert set(count) == {1, 2}  # only stop_atr is an axis of numbers alone


def test_pictures_and_page(table, tmp_path):
    """Every picture is a PNG of its own; the page shows them, the best lanes, the verdict, and says SYNTHETIC."""
    table.heatmap("stop_atr", "target_r", png=tmp_path / "h.png")
    table.surface("stop_atr", "side", png=tmp_path / "s.png")
    table.plateau(png=tmp_path / "p.png")
    table.parallel(png=tmp_path / "l.png")
    pictures = [(tmp_path / f"{name}.png").read_bytes() for name in "hspl"]
    assert all(picture.startswith(PNG) for picture in pictures)
    assert len(set(pictures)) == 4
    page = table.report(tmp_path / "report", minimum_trades=5)
    text = page.read_text("utf-8")
    best = table.best(minimum_trades=5)["lane"][0]
    for words in (f"lane {best}", "SYNTHETIC MARKET", "Best lanes by sharpe", "chart-heatmap_stop_atr_target_r", "chart-plateau"):
        assert words in text
    assert table.best(n=20, minimum_trades=5)["target_r"].null_count()
    assert "<td>off</td>" in text
    assert pl.read_parquet(tmp_path / "report" / "best_lanes.parquet")["lane"][0] == best
    assert pl.read_parquet(tmp_path / "report" / f"lane_{best}_trades.parquet").equals(table.replay(best).trades)


@pytest.mark.parametrize(
    ("space", "metric"),
    [
        ({"stop_atr": [1.0]}, "sharpe"),
        ({"stop_atr": [1.0, 2.0]}, "sharpe"),
        ({"side": ["long", "short"], "size": [1, esbt.Risk()]}, "max_drawdown"),
        ({"stop_atr": [50.0, 60.0], "target_r": [90.0, 95.0], "entry_from": ["08:30"], "entry_until": ["08:31"]}, "profit_factor"),
    ],
)
def test_pictures_of_odd_spaces(space, metric, tmp_path):
    """One lane, words only, no trade at all: a sentence in place of a picture, never an error."""
    table = esbt.sweep(BARS, STRATEGY, space)
    table.plateau(metric, png=tmp_path / "p.png")
    table.parallel(metric, png=tmp_path / "l.png")
    names = list(space)
    if len(names) > 1:
        table.surface(*names[:2], metric, png=tmp_path / "s.png")
        table.heatmap(*names[:2], metric, png=tmp_path / "h.png")
    assert all(path.read_bytes().startswith(PNG) for path in tmp_path.glob("*.png"))


def test_luck():
    """The verdict is that of `esbt.stats` on the lanes' session P&L in USD."""
    table = esbt.sweep(esbt.synthetic_bars(days=30, interval="15min", seed=2), STRATEGY, SPACE, daily=True)
    said = table.overfitting(replications=100, blocks=2)
    own = esbt.stats.overfitting(table.daily / 10_000, 100_000.0, replications=100, blocks=2)
    assert said.best_lane == own.best_lane == int(table.frame["sharpe"].arg_max())
    assert said.sharpe == pytest.approx(own.sharpe, rel=1e-9)
    assert said.sharpe == pytest.approx(table.frame["sharpe"].max(), rel=1e-9)
    assert said.spa == own.spa
    with pytest.raises(EsbtError, match="daily=True"):
        esbt.sweep(BARS, STRATEGY, {"fast": [2]}).overfitting()
    with pytest.raises(EsbtError, match="one start capital"):
        esbt.sweep(BARS, STRATEGY, {"cash": [1e4, 1e5]}, daily=True).overfitting()


def test_the_package_is_the_function_too():
    assert inspect.ismodule(esbt.sweep)
    assert inspect.signature(esbt.sweep) == inspect.signature(esbt.sweep.sweep)
    assert esbt.sweep.__call__.__doc__ == esbt.sweep.sweep.__doc__
    with pytest.raises(TypeError, match=r"sweep\(\) missing 2 required"):
        esbt.sweep(BARS)
