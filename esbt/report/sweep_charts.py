"""The pictures of a sweep: heatmap, relief, plateau, parallel coordinates, each a function from frames to a matplotlib Figure.

Every title says SYNTHETIC when the market is generated. Knows no lanes and runs nothing; canvas.py has the looks.
"""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, MaxNLocator, ScalarFormatter

from esbt.files import write_bytes
from esbt.report.canvas import OKABE_ITO, THOUSANDS, blank, decorate, png, say
from esbt.report.tables import SHOWN

Floats = npt.NDArray[np.float64]
_WRITTEN = 144  # cells of a heatmap up to which each has its number
_LABELS = 12  # along an axis
_SHOWN = 40  # lanes of the plateau's left panel
_UNITS = {"fraction": "fraction", "usd": "USD", "days": "days", "count": "count", "ratio": ""}
_OF_SWEEPS = {"net_profit": ("Net profit", "usd"), "costs": ("Costs", "usd"), "ambiguous_share": ("Ambiguous trades", "fraction")}


def save(figure: Figure, path: str | Path) -> Path:
    """The figure as a PNG file, written whole or not at all; returns its path."""
    return write_bytes(path, png(figure))


def label_of(metric: str) -> str:
    """A metric's name for people."""
    name, unit = (SHOWN | _OF_SWEEPS).get(metric, (f"{metric[:1].upper()}{metric[1:]}".replace("_", " "), "ratio"))
    return f"{name}, {_UNITS[unit]}" if _UNITS[unit] else name


def heatmap_chart(frame: pl.DataFrame, x: str, y: str, metric: str, over: str, *, synthetic: bool) -> Figure:
    """A metric over two axes, as `SweepTable.heatmap` gives it; cells without a value stay white. Colours are centred on zero where the
    metric has both signs."""
    xs, ys, values = _matrix(frame, x, y, metric)
    figure = blank(f"{label_of(metric)} ({over} over all other axes)", 5.6, synthetic=synthetic)
    axes = figure.subplots()
    norm, cmap = _colours(values)
    axes.imshow(values, origin="lower", aspect="auto", norm=norm, cmap=cmap, interpolation="nearest")
    _ticks(axes, "x", xs)
    _ticks(axes, "y", ys)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    if values.size <= _WRITTEN:
        decimals = _decimals(values)
        for (row, column), value in np.ndenumerate(values):
            if math.isfinite(value):
                dark = np.dot(cmap(norm(value))[:3], (0.299, 0.587, 0.114)) < 0.5
                axes.text(column, row, f"{value:,.{decimals}f}", ha="center", va="center", fontsize=8, color="white" if dark else "black")
    figure.colorbar(ScalarMappable(norm, cmap), ax=axes, label=label_of(metric), format=_format(values))
    return figure


def surface_chart(frame: pl.DataFrame, x: str, y: str, metric: str, over: str, *, synthetic: bool) -> Figure:
    """The same as a relief; cells without a value are left out of it."""
    xs, ys, values = _matrix(frame, x, y, metric)
    figure = blank(f"{label_of(metric)} ({over} over all other axes)", 6.4, synthetic=synthetic)
    if min(values.shape) < 2:
        say(figure.subplots(), "a relief needs two values on each axis")
        return figure
    axes: Any = figure.add_subplot(projection="3d")
    norm, cmap = _colours(values)
    columns, rows = np.meshgrid(np.arange(len(xs), dtype=float), np.arange(len(ys), dtype=float))
    axes.plot_surface(columns, rows, values, cmap=cmap, norm=norm, edgecolor="#00000030", linewidth=0.4, rcount=60, ccount=60)
    _ticks(axes, "x", xs)
    _ticks(axes, "y", ys)
    axes.set_xlabel(x, labelpad=8)
    axes.set_ylabel(y, labelpad=8)
    axes.zaxis.set_major_formatter(_format(values))
    axes.tick_params(labelsize=8)
    axes.view_init(elev=32, azim=-125)
    figure.colorbar(ScalarMappable(norm, cmap), ax=axes, label=label_of(metric), format=_format(values), shrink=0.7, pad=0.1)
    return figure


def plateau_chart(frame: pl.DataFrame, metric: str, *, synthetic: bool) -> Figure:
    """The best lanes beside the mean of their neighbours, and all lanes against theirs: what lies far off the diagonal stands alone.

    frame: as `SweepTable.plateau` gives it, best first.
    """
    figure = blank(f"{label_of(metric)}: each lane and the mean of its neighbours", 5.2, synthetic=synthetic)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    known = frame.filter(pl.col(metric).is_finite() & pl.col("neighbours_mean").is_finite())
    if known.is_empty():
        say(left, "no lane has a neighbour with a value")
        right.set_axis_off()
        return figure
    own, near = (known[name].to_numpy() for name in (metric, "neighbours_mean"))
    top = np.arange(min(_SHOWN, len(known)))
    left.vlines(top, np.minimum(own, near)[top], np.maximum(own, near)[top], color="#999999", linewidth=1)
    left.plot(top, own[top], "o", color=OKABE_ITO[0], markersize=5, label="lane")
    left.plot(top, near[top], "o", color=OKABE_ITO[1], markersize=5, label="mean of its neighbours")
    left.set_xticks(
        top[:: max(1, len(top) // 10)], [f"{lane:,}" for lane in known["lane"][: len(top) : max(1, len(top) // 10)]], rotation=45
    )
    left.set_xlabel(f"the best {len(top)} lanes, by number")
    left.set_ylabel(label_of(metric))
    left.legend(frameon=False, fontsize=9, loc="best")
    if len(known) <= 3000:
        right.plot(near, own, ".", color=OKABE_ITO[0], markersize=4, alpha=0.6)
    else:
        cells = right.hexbin(near, own, gridsize=45, bins="log", cmap="Blues", mincnt=1, linewidths=0.1)
        figure.colorbar(cells, ax=right, label="lanes")
    low, high = float(min(own.min(), near.min())), float(max(own.max(), near.max()))
    right.plot([low, high], [low, high], color="black", linewidth=0.8, linestyle="--", label="lane = neighbours")
    right.plot(near[0], own[0], "*", color=OKABE_ITO[1], markersize=12, label="best lane")
    right.set_xlabel("mean of its neighbours")
    right.xaxis.set_major_locator(MaxNLocator(5))  # more would touch
    for side in (left.yaxis, right.xaxis, right.yaxis):
        side.set_major_formatter(_format(own))
    right.legend(frameon=False, fontsize=9, loc="upper left")
    for axes in (left, right):
        decorate(axes)
    return figure


def parallel_chart(
    frame: pl.DataFrame,
    parameters: Sequence[str],
    metric: str,
    lower: bool,
    most: int,
    *,
    synthetic: bool,
    title: str = "",
    noun: str = "lane",
    log: Collection[str] = (),
) -> Figure:
    """Lanes as lines over all axes and the metric, coloured by it, best on top; numbers to scale, words and `off` at places of their own.

    Of more than `most` lanes an even choice of ranks is drawn. lower: whether less is better. title: begins it. noun: what a line is and
    the column of its number. log: axes of positive numbers to a logarithmic scale.
    """
    shown = [name for name in parameters if frame[name].n_unique() > 1]
    figure = blank(f"{title}{label_of(metric)} over all axes", 5.2, synthetic=synthetic)
    axes = figure.subplots()
    known = frame.filter(pl.col(metric).is_finite()).sort(metric, descending=lower)
    if known.is_empty() or not shown:
        say(axes, f"no {noun} has a value, or no axis more than one")
        return figure
    known = known[np.unique(np.linspace(0, len(known) - 1, min(most, len(known))).round().astype(np.int64))]
    heights, marks = zip(*(_heights(known[name], name in log) for name in (*shown, metric)), strict=True)
    lines = np.stack([np.column_stack([np.full(len(known), float(k)), height]) for k, height in enumerate(heights)], axis=1)
    values = known[metric].to_numpy()
    norm, cmap = _colours(values)
    alpha = min(1.0, max(0.12, 200.0 / len(known)))
    axes.add_collection(LineCollection(list(lines), colors=cmap(norm(values)), linewidths=1.0, alpha=alpha))
    axes.plot(range(len(heights)), lines[-1, :, 1], color="black", linewidth=2.2, label=f"best: {noun} {known[noun][-1]:,}")
    for k, own in enumerate(marks):
        axes.axvline(k, color="#666666", linewidth=0.8)
        for height, text in own:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
            axes.text(k + 0.02, height, text, fontsize=8, va="center", bbox=box, zorder=5)
    axes.set_xlim(-0.1, len(heights) - 0.75)
    axes.set_ylim(-0.06, 1.06)
    axes.set_xticks(range(len(heights)), [*shown, metric], fontsize=9)
    axes.set_yticks([])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.07))
    figure.colorbar(ScalarMappable(norm, cmap), ax=axes, label=label_of(metric), format=_format(values))
    return figure


def _matrix(frame: pl.DataFrame, x: str, y: str, metric: str) -> tuple[list[Any], list[Any], Floats]:
    """Values of x and y in order, and the metric, float64[len(y), len(x)], NaN where there is none."""
    xs, ys = (frame[name].unique().sort(nulls_last=True).to_list() for name in (x, y))
    values = np.full((len(ys), len(xs)), np.nan)
    for a, b, value in frame.select(x, y, metric).iter_rows():
        values[ys.index(b), xs.index(a)] = value
    values[~np.isfinite(values)] = np.nan
    return xs, ys, values


def _colours(values: Floats) -> tuple[Normalize, Colormap]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if low < 0 < high:
        edge = max(-low, high)
        return Normalize(-edge, edge), colormaps["RdBu"]
    return Normalize(low, high if high > low else low + 1.0), colormaps["viridis"]


def _decimals(values: Floats) -> int:
    """How many show three digits of the greatest, the same for all."""
    greatest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    return min(6, max(0, 2 - math.floor(math.log10(greatest)))) if greatest > 0 else 0


def _format(values: Floats) -> Formatter:
    """Thousands with commas where there are thousands; else what matplotlib finds."""
    return THOUSANDS if np.abs(values[np.isfinite(values)]).max(initial=0.0) >= 1000 else ScalarFormatter()


def _ticks(axes: Axes, side: str, values: Sequence[Any]) -> None:
    step = max(1, -(-len(values) // _LABELS))
    places = range(0, len(values), step)
    texts = [_short(values[k]) for k in places]
    (axes.set_xticks if side == "x" else axes.set_yticks)(list(places), texts, fontsize=9)


def _heights(column: pl.Series, log: bool = False) -> tuple[Floats, list[tuple[float, str]]]:
    """Places of the values between 0 and 1, and what to write where."""
    values = column.unique().sort(nulls_last=True).to_list()
    if column.dtype.is_numeric() and column.dtype != pl.Boolean and column.null_count() == 0:
        numbers = column.to_numpy().astype(np.float64)
        scaled = np.log(numbers) if log else numbers
        low, high = float(scaled.min()), float(scaled.max())
        width = (high - low) or 1.0
        marks = values if len(values) <= _LABELS and not log else (np.exp if log else np.asarray)(np.linspace(low, high, 5)).tolist()
        places = (np.log(marks) if log else np.asarray(marks, np.float64)) - low
        return (scaled - low) / width, [(place / width, _short(mark)) for place, mark in zip(places.tolist(), marks, strict=True)]
    scale = max(1, len(values) - 1)
    place = {value: k / scale for k, value in enumerate(values)}
    step = max(1, -(-len(values) // _LABELS))
    return np.array([place[value] for value in column.to_list()]), [(place[value], _short(value)) for value in values[::step]]


def _short(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value) if len(str(value)) <= 18 else f"{str(value)[:17]}…"
