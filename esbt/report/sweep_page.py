"""The report of a sweep: its pictures, its best lanes and, through the report of a backtest, the best lane in full. Runs nothing but that
lane."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from matplotlib.figure import Figure

from esbt.files import make_folder, write_bytes, write_csv, write_json, write_parquet, write_text
from esbt.report.canvas import png
from esbt.report.charts import CHARTS
from esbt.report.html import CAPTIONS, render_page
from esbt.report.sweep_charts import heatmap_chart, parallel_chart, plateau_chart, surface_chart
from esbt.report.write import summary
from esbt.sweep.space import said

if TYPE_CHECKING:
    from esbt.stats import Overfitting
    from esbt.sweep.table import SweepTable

_BEST = 20
_HEATMAPS = 6
_METRICS = ("net_profit", "sharpe", "calmar", "max_drawdown", "profit_factor", "win_rate", "trades")

CAPTIONS |= {
    "plateau": "Is the peak a plateau? The best lanes beside the mean of their neighbours, and all lanes against theirs: far off "
    "the diagonal, a lane stands alone.",
    "parallel": "Every lane as a line over all axes, coloured by the metric; the best lane in black.",
    "surface": "The same metric over the first two axes, as a relief.",
}  # fmt: skip


def write_sweep_report(
    out: Path, table: "SweepTable", metric: str = "sharpe", *, minimum_trades: int = 30, luck: "Overfitting | None" = None
) -> Path:
    """Write index.html (self-contained), charts/*.png, lanes.parquet and .csv of the best lanes, the best lane's trades, metrics.json into
    the folder `out`. luck: what `SweepTable.overfitting` said. Returns the path of index.html. Raises EsbtError as `SweepTable.best`.
    """
    best = table.best(metric, _BEST, minimum_trades=minimum_trades)
    lane = int(best["lane"][0])
    runs = {f"lane {lane}": table.replay(lane)}
    title = f"Sweep of {table.bound.bars.instrument.symbol}, {len(table):,} lanes"
    notes = [_first_note(table, metric, lane), *([luck.verdict] if luck is not None else [])]
    shown = best.select("lane", *map(_parameter, best.select(table.parameters)), *dict.fromkeys((metric, *_METRICS)))
    tables = {f"Best lanes by {metric}": shown}
    if luck is not None:
        tables["How much is luck"] = pl.DataFrame(luck.rows, schema=["Test", "Result"], orient="row")
    make_folder(out)
    charts = {name: png(figure) for name, figure in sweep_figures(table, metric).items()}
    charts |= {name: png(chart(runs)) for name, chart in CHARTS.items()}
    for name, picture in charts.items():
        write_bytes(out / "charts" / f"{name}.png", picture)
    write_parquet(out / "best_lanes.parquet", best)
    write_csv(out / "best_lanes.csv", best)
    write_parquet(out / f"lane_{lane}_trades.parquet", runs[f"lane {lane}"].trades)
    write_json(out / "metrics.json", summary(runs, title=title, notes=notes))
    return write_text(out / "index.html", render_page(runs, charts, title=title, notes=notes, tables=tables))


def sweep_figures(table: "SweepTable", metric: str) -> dict[str, Figure]:
    """The pictures of a sweep by name: plateau, parallel, heatmaps of the axes side by side in their order, and the relief of the first."""
    from esbt.sweep.table import LOWER_IS_BETTER

    synthetic = table.bound.bars.synthetic
    axes = [name for name in table.parameters if table.frame[name].n_unique() > 1]
    pairs = [(x, y) for x, y in pairwise([*axes, *axes[:1]])][: _HEATMAPS if len(axes) > 2 else max(0, len(axes) - 1)]
    figures = {
        "plateau": plateau_chart(table.plateau(metric), metric, synthetic=synthetic),
        "parallel": parallel_chart(table.frame, table.parameters, metric, metric in LOWER_IS_BETTER, 2000, synthetic=synthetic),
    }
    for x, y in pairs:
        name = f"heatmap_{x}_{y}".replace(".", "_")
        CAPTIONS[name] = f"{metric} over {x} and {y}, the mean over all other axes; white: no lane has a value."
        figures[name] = heatmap_chart(table.heatmap(x, y, metric), x, y, metric, "mean", synthetic=synthetic)
    if pairs:
        x, y = pairs[0]
        figures["surface"] = surface_chart(table.heatmap(x, y, metric), x, y, metric, "mean", synthetic=synthetic)
    return figures


def _parameter(column: pl.Series) -> pl.Series:
    """The column for people: a rule that is off says so."""
    return pl.Series(column.name, [_told(value) for value in column.to_list()]) if column.null_count() else column


def _told(value: object) -> str:
    return "off" if value is None else said(value)


def _first_note(table: "SweepTable", metric: str, lane: int) -> str:
    parameters = ", ".join(f"{name} = {_told(value)}" for name, value in table.bound.space.lane(lane).items())
    return (
        f"{len(table):,} lanes over {', '.join(table.parameters)}; shown in full is the best by {metric}, lane {lane}: {parameters}. "
        "The best of many is better than it will be: see how much is luck before you believe it."
    )
