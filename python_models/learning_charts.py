"""Pictures of what was learned, each a function from plain data to a matplotlib Figure, in the looks of the report (esbt/report/canvas.py).

They show training time, but for `ablation_chart`. Every title says SYNTHETIC when the market is generated. Nothing is computed here but
what a picture needs to be drawn.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from esbt.report import TARGETS
from esbt.report.canvas import EVEN, LOST, OKABE_ITO, WON, blank, colours, decorate, say
from esbt.report.tables import SHOWN
from python_models.explain import Shap
from python_models.trials import Trials

Floats = npt.NDArray[np.float64]
_FEATURES, _DOTS = 15, 400  # shown at most: features of a picture, rows of a feature
_POINT = 0.01
_BLUE, _ORANGE = OKABE_ITO[:2]


def shap_chart(model: str, shap: Shap, gain: pl.DataFrame | None = None, *, synthetic: bool) -> Figure:
    """Left: each feature's share of the mean |SHAP value|, and of the gain where that is given. Right: a dot a row, right of zero where the
    feature lifts the margin in that row, coloured by the feature's value."""
    table = shap.table.head(_FEATURES)
    names = table["feature"].to_list()
    figure = blank(f"{model}: what its answers come from", _height(len(names)), synthetic=synthetic)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 3])
    left.set_title(_of(len(names), len(shap.names)), fontsize=10, loc="left")
    bars = {"mean |SHAP|": (_BLUE, table["share"].to_list())}
    if gain is not None:
        shares = dict(zip(gain["feature"], gain["share"], strict=True))
        bars["gain in training"] = (_ORANGE, [shares[name] for name in names])
    width = 0.8 / len(bars)
    for k, (label, (colour, values)) in enumerate(bars.items()):
        left.barh(np.arange(len(names)) + (k - (len(bars) - 1) / 2) * width, values, width, color=colour, label=label)
    _named_rows(left, names)
    left.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    left.set_xlabel("share of all features")
    left.legend(frameon=False, fontsize=9, loc="lower right")
    cmap = colormaps["viridis"]
    chosen = np.unique(np.linspace(0, len(shap.rows) - 1, min(_DOTS, len(shap.rows))).round().astype(np.int64))
    for row, name in enumerate(names):
        column = shap.names.index(name)
        size, value = shap.values[chosen, column], shap.rows[chosen, column]
        seen = [cmap(v) if math.isfinite(v) else EVEN for v in _ranks(value).tolist()]
        right.scatter(size, row + _spread(size), c=seen, s=7, linewidths=0)
    right.axvline(0.0, color="black", linewidth=0.8)
    right.set_xlabel("SHAP value, in units of the margin")
    right.tick_params(left=False)
    decorate(right)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), cmap), ax=right, pad=0.02, aspect=40)
    bar.set_ticks([0.03, 0.97], labels=["low", "high"], fontsize=9)
    bar.set_label("value of the feature (grey: missing)", fontsize=9, labelpad=-14)
    return figure


def permutation_chart(model: str, table: pl.DataFrame, score: str, *, synthetic: bool) -> Figure:
    """Fall of the score where one feature is shuffled, with a line of two standard deviations of the shuffles either way."""
    shown = table.head(_FEATURES)
    figure = blank(f"{model}: what it loses without a feature", _height(len(shown)), synthetic=synthetic)
    axes = figure.subplots()
    axes.set_title(_of(len(shown), len(table)), fontsize=10, loc="left")
    axes.barh(np.arange(len(shown)), shown["drop"].to_list(), 0.6, color=_BLUE)
    axes.errorbar(
        shown["drop"], np.arange(len(shown)), xerr=2 * shown["sd"].to_numpy(), fmt="none", ecolor="black", elinewidth=1.2, capsize=3
    )
    axes.axvline(0.0, color="black", linewidth=0.8)
    _named_rows(axes, shown["feature"].to_list())
    axes.set_xlabel(f"fall of {score}, held-out training time; line: two standard deviations of the shuffles")
    return figure


def learning_curve_chart(model: str, curve: pl.DataFrame, score: str, *, synthetic: bool) -> Figure:
    """Score against the rows fitted to: on those rows, and on the later, held-out ones. curve: of `learning_curves.learning_curve`."""
    figure = blank(f"{model}: {score} against training time", 4.4, synthetic=synthetic)
    axes = figure.subplots()
    rows = curve["rows"].to_list()
    axes.plot(rows, curve["train_score"], "o--", color=_ORANGE, label="on the rows it was fitted to")
    axes.plot(rows, curve["held_out_score"], "o-", color=_BLUE, label="on later, held-out training time")
    axes.set_xticks(rows, [f"{n:,}\n{share:.0%}" for n, share in zip(rows, curve["share"], strict=True)])
    axes.set_xlabel("rows fitted to, and their share of the training time before the held-out part")
    axes.set_ylabel(score)
    axes.legend(frameon=False, fontsize=9, loc="best")
    decorate(axes)
    return figure


def epochs_chart(model: str, losses: Sequence[float], loss: str, *, synthetic: bool) -> Figure:
    """Held-back loss after each epoch, counted from 1; the best, whose network is kept, is marked."""
    figure = blank(f"{model}: loss after each epoch", 4.4, synthetic=synthetic)
    axes = figure.subplots()
    best = int(np.argmin(losses))
    axes.plot(np.arange(1, len(losses) + 1), losses, "-", color=_BLUE, label="held-back training time", marker="o", markersize=3)
    axes.plot(best + 1, losses[best], "*", color=_ORANGE, markersize=14, label=f"kept: epoch {best + 1}, {losses[best]:.4g}")
    axes.axvline(best + 1, color=_ORANGE, linestyle=":", linewidth=1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel(loss)
    axes.legend(frameon=False, fontsize=9, loc="best")
    decorate(axes)
    return figure


def trials_chart(model: str, trials: Trials, *, synthetic: bool) -> Figure:
    """Score of each trial and the best so far; where the parameters are known, beside it how much of the score's variance each explains."""
    shares = trials.importance()
    values = np.asarray(trials.values, dtype=np.float64)
    figure = blank(f"{model}: tuning, {len(values)} trials", 4.4, synthetic=synthetic)
    panels = figure.subplots(1, 2 if shares else 1, width_ratios=[3, 2] if shares else [1], squeeze=False)[0]
    axes: Axes = panels[0]
    done = ~np.isnan(values)
    decorate(axes)
    axes.set_xlabel("trial")
    axes.set_ylabel(f"{trials.score}, mean over the inner folds")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if done.any():
        numbers = np.arange(len(values))
        axes.plot(numbers[done], values[done], "o", color=_BLUE, markersize=5, label="trial")
        axes.step(numbers, trials.best_so_far, where="post", color=_ORANGE, linewidth=1.6, label="best so far")
        if not done.all():
            axes.plot(
                numbers[~done], np.full((~done).sum(), axes.get_ylim()[0]), "|", color=EVEN, markersize=9, label="pruned", clip_on=False
            )
        axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
    else:
        say(axes, "every trial was pruned")
    if shares:
        panels[1].barh(np.arange(len(shares)), list(shares.values()), 0.6, color=_BLUE)
        _named_rows(panels[1], list(shares))
        panels[1].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panels[1].set_xlabel("of the score's variance, fANOVA")
    return figure


def reliability_chart(tables: Mapping[str, pl.DataFrame], *, synthetic: bool) -> Figure:
    """Said against happened, with 95 % intervals; the diagonal is the truth. Below, where the trades lie: a bar is the trades of one dot.
    tables: name -> `reliability.reliability_table`; two or three can be told apart."""
    figure = blank("Are the probabilities true?", 6.4, synthetic=synthetic)
    axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    edges = np.concatenate([table[name].to_numpy() for table in tables.values() for name in ("mean_p", "low", "high")])
    low, high = max(0.0, float(edges.min()) - 0.03), min(1.0, float(edges.max()) + 0.03)
    axes.plot([low, high], [low, high], color="black", linestyle="--", linewidth=1, label="true probabilities")
    for colour, (name, table) in zip(colours(len(tables)), tables.items(), strict=True):
        said, rate, below, above = (table[column].to_numpy() for column in ("mean_p", "win_rate", "low", "high"))
        axes.fill_between(said, below, above, color=colour, alpha=0.12, linewidth=0)
        axes.errorbar(said, rate, yerr=[rate - below, above - rate], fmt="o-", color=colour, markersize=5, elinewidth=0.8, label=name)
        start, width = table["from"].to_numpy(), np.maximum(table["to"].to_numpy() - table["from"].to_numpy(), _POINT)
        counts.bar(start, table["count"].to_numpy() * _POINT / width, width, align="edge", color=colour, alpha=0.45, edgecolor=colour)
    axes.set_ylabel("share of trades won")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    counts.set_ylabel("trades a point")
    counts.set_xlabel("probability said (a point: 0.01)")
    counts.set_xlim(low, high)
    for own in (axes, counts):
        decorate(own)
    return figure


def ablation_chart(table: pl.DataFrame, *, synthetic: bool) -> Figure:
    """Each run's difference from the baseline in the six targets, the Sharpe ratio's with its 95 % interval. table: of `ablation`."""
    runs = table["run"].to_list()[1:]
    figure = blank(f"What each phase adds to {table['run'][0]}, on the test time", 1.6 + 2 * _height(len(runs)) * 0.6, synthetic=synthetic)
    panels = figure.subplots(2, 3, sharey=True)
    for axes, target in zip(panels.flat, TARGETS, strict=True):
        percent = SHOWN[target.name][1] == "fraction"
        delta = table[f"delta_{target.name}"].to_numpy()[1:] * (100.0 if percent else 1.0)
        widths = np.where(np.isfinite(delta), delta, 0.0)
        better = np.sign(widths) * (1 if target.side == "above" else -1)
        axes.barh(np.arange(len(runs)), widths, 0.6, color=[{1: WON, -1: LOST}.get(int(sign), EVEN) for sign in better])
        axes.axvline(0.0, color="black", linewidth=0.8)
        axes.set_title(target.label + (", lower is better" if target.side == "below" else ""), fontsize=10)
        axes.set_xlabel("percentage points" if percent else "ratio", fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        _named_rows(axes, runs)
        ends = widths
        if target.name == "sharpe":
            low, high = (table[name].to_numpy()[1:] for name in ("sharpe_low", "sharpe_high"))
            for place in np.flatnonzero(np.isfinite(low)):
                axes.plot([low[place], high[place]], [place, place], color="black", linewidth=1.4, marker="|", markersize=8)
            ends = np.where(np.isfinite(low), np.where(widths < 0, np.fmin(low, widths), np.fmax(high, widths)), widths)
        for row, (end, value) in enumerate(zip(ends.tolist(), delta.tolist(), strict=True)):
            text = f"{round(value, 2) + 0.0:+.2f}" if abs(value) < 1000 else f"{value:+.1e}" if math.isfinite(value) else "n/a"
            away, ha = (-4, "right") if end < 0 else (4, "left")
            axes.annotate(text, (end, row), (away, 0), textcoords="offset points", fontsize=8, va="center", ha=ha)
        axes.margins(x=0.3)
    return figure


def _of(shown: int, there: int) -> str:
    return f"the first {shown} of {there} features" if shown < there else ""


def _height(rows: int) -> float:
    return 1.6 + 0.32 * max(rows, 4)


def _named_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names of bars that lie, the first on top."""
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    decorate(axes)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)


def _ranks(values: npt.NDArray[np.float32]) -> Floats:
    """Place of each value among them, from 0 to 1, equal ones sharing one; NaN stays NaN."""
    place = pl.Series(values.astype(np.float64)).fill_nan(None).rank("average").to_numpy().astype(np.float64)
    least, most = (np.nanmin(place), np.nanmax(place)) if np.isfinite(place).any() else (0.0, 1.0)
    return np.asarray((place - least) / (most - least) if most > least else place * 0.0 + 0.5, dtype=np.float64)


def _spread(values: Floats, bins: int = 60) -> Floats:
    """Heights within +-0.38 that set dots of nearly equal value side by side: the fuller a bin, the wider it lies."""
    span = np.ptp(values)
    if span == 0:
        return np.linspace(-0.3, 0.3, len(values))
    bin_of = np.minimum((values - values.min()) / span * bins, bins - 1).astype(np.int64)
    count = np.bincount(bin_of, minlength=bins)
    order = np.argsort(bin_of, kind="stable")
    within = np.empty(len(values))
    within[order] = np.arange(len(values)) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray((within - (count[bin_of] - 1) / 2) / int(count.max()) * 0.76, dtype=np.float64)
