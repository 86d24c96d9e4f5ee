"""How every chart looks: sheets, colours, axes, labels on bars, and thinning of long lines. Knows no metric.

Figures are built without pyplot, so nothing stays open and threads may draw side by side. Colours are Okabe and Ito's (2008, "Color
Universal Design"), which the colour-blind can tell apart.
"""

import io
import textwrap
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from esbt.report.run import RunLike, Runs, any_synthetic, check_runs

Floats = npt.NDArray[np.float64]
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
WON, LOST, EVEN = "#0072B2", "#D55E00", "#999999"
THOUSANDS = FuncFormatter(lambda x, _: f"{x:,.0f}" if float(x).is_integer() else f"{x:,.1f}")
WARNING = "#B00020"


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """A figure as the page takes it: a caption in plain words, and the heading under which it stands (pictures of one heading together)."""

    figure: Figure
    caption: str
    section: str = "More charts"


def sheet(runs: Runs, title: str, height: float) -> Figure:
    """An empty figure for these runs."""
    check_runs(runs)
    return blank(title, height, synthetic=any_synthetic(runs))


def blank(title: str, height: float, *, synthetic: bool) -> Figure:
    """An empty figure, 9 inches wide, with its title; the title says SYNTHETIC, in red, for a generated market."""
    figure = Figure(figsize=(9.0, height), dpi=120, layout="constrained")
    figure.suptitle(f"SYNTHETIC market: {title}" if synthetic else title, fontsize=13, color=WARNING if synthetic else "black")
    return figure


def one_panel(runs: Runs, title: str) -> tuple[Figure, Axes]:
    """A sheet with one decorated panel."""
    figure = sheet(runs, title, height=4.4)
    axes = figure.subplots()
    decorate(axes)
    return figure, axes


def decorate(axes: Axes) -> None:
    """Grid lines behind the data, no frame on top and right."""
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def timed(figure: Figure, axes: Axes, why_empty: str) -> Figure:
    """Legend and time axis; where no line was drawn, the sentence `why_empty` instead."""
    if not axes.get_legend_handles_labels()[0]:
        say(axes, why_empty)
        return figure
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("Time, UTC")
    axes.margins(x=0.01)
    axes.legend(frameon=False, fontsize=9, loc="best")
    return figure


def say(axes: Axes, text: str) -> None:
    """A sentence in the middle of an empty panel."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=12, color="#666666")
    axes.set_yticks([])


def colours(count: int) -> list[str]:
    """A colour for each of `count` runs, the same in every chart."""
    return [OKABE_ITO[i % len(OKABE_ITO)] for i in range(count)]


def coloured(runs: Runs) -> Iterator[tuple[str, str, RunLike]]:
    """(colour, label, run) of each run in order."""
    for colour, (label, run) in zip(colours(len(runs)), runs.items(), strict=True):
        yield colour, label, run


def name_bars(axes: Axes, runs: Collection[str], panels: int = 1) -> None:
    """Labels (of runs) under bars at 0, 1, 2 .., folded so that they do not touch; panels: beside one another on the sheet."""
    size, width = (7.5, 9) if len(runs) * panels > 8 else (9, 16) if len(runs) < 4 else (8, 10)
    if len(runs) * panels > 12:  # too many to fold: they lean
        axes.set_xticks(range(len(runs)), list(runs), fontsize=size, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.6, len(runs) - 0.4)
        return
    axes.set_xticks(range(len(runs)), ["\n".join(textwrap.wrap(label, width, break_long_words=False)) for label in runs], fontsize=size)
    axes.set_xlim(-0.6, len(runs) - 0.4)


def write_on_bars(axes: Axes, heights: Floats, texts: Sequence[str]) -> None:
    """Each bar's number at its end: above it, or below a bar that hangs down."""
    size = 8.0 if len(texts) < 5 else 6.5
    for place, (height, text) in enumerate(zip(heights, texts, strict=True)):
        up = bool(height >= 0)
        offset = (0.0, 3.0 if up else -3.0)
        va: Literal["bottom", "top"] = "bottom" if up else "top"
        mark = axes.annotate(text, (place, float(height)), offset, textcoords="offset points", fontsize=size, zorder=5, ha="center", va=va)
        mark.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.5})  # readable where the target line passes


def bin_edges(values: Floats, bins: int = 40) -> tuple[Floats, bool]:
    """Edges with one at exactly zero, so that no bar mixes wins and losses, and whether values lie beyond the outermost edges.

    Spans the 0.5 % to 99.5 % quantiles: one huge trade must not press all others into one bar.
    """
    if len(values) == 0:
        return np.array([-1.0, 0.0, 1.0]), False
    low, high = np.quantile(values, [0.005, 0.995])
    width = (max(high, 0.0) - min(low, 0.0)) / bins or 1.0
    first, last = np.floor(min(low, 0.0) / width), np.ceil(max(high, 0.0) / width)
    edges = np.arange(first, max(last, first + 1) + 1) * width
    return edges, bool(values.min() < edges[0] or values.max() > edges[-1])


def decimate(times: npt.NDArray[Any], values: Floats, buckets: int) -> tuple[npt.NDArray[Any], Floats]:
    """At most 2 * buckets + 2 points that look like the whole line: each bucket's lowest and highest, and both ends, in order of time."""
    count = len(values)
    if count <= 2 * buckets:
        return times, values
    size = -(-count // buckets)
    full = count // size * size
    grid = values[:full].reshape(-1, size)
    start = np.arange(len(grid)) * size
    keep = [[0, count - 1], start + grid.argmin(axis=1), start + grid.argmax(axis=1)]
    if full < count:
        keep.append([full + int(values[full:].argmin()), full + int(values[full:].argmax())])
    index = np.unique(np.concatenate(keep))
    return times[index], values[index]


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, 1,080 pixels wide."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")  # Agg, whatever backend is set
    return buffer.getvalue()


Chart = Callable[[Runs], Figure]
