"""The charts of the report, each a function from runs to a matplotlib Figure. Reads results, writes no file; canvas.py has the looks.

Every title says SYNTHETIC when a run's market is generated. A run with nothing to draw is left out of a chart, never invented.
To add one: a function here and a row in CHARTS; the page and the folder of PNG files follow.
"""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from esbt._drawdown import drawdowns
from esbt.metrics import SESSIONS_PER_YEAR
from esbt.report.canvas import (
    EVEN,
    LOST,
    THOUSANDS,
    WON,
    Chart,
    Floats,
    bin_edges,
    coloured,
    colours,
    decimate,
    decorate,
    name_bars,
    one_panel,
    say,
    sheet,
    timed,
    write_on_bars,
)
from esbt.report.run import RunLike, Runs
from esbt.report.tables import SHOWN, target_cell, wanted
from esbt.report.targets import TARGETS

POINTS = 1000  # buckets per line, about one a pixel
ROLLING_SESSIONS = 21
WILD_PERCENT = 200.0


def equity_chart(runs: Runs) -> Figure:
    """Equity at each bar's close, USD, with the start capital as a dotted line."""
    figure, axes = one_panel(runs, "Equity, marked at each bar's close")
    for colour, label, run in coloured(runs):
        if run.equity.is_empty():
            continue
        times, equity = decimate(run.equity["ts"].to_numpy(), run.equity["equity"].to_numpy(), POINTS)
        axes.plot(times, equity, color=colour, linewidth=1.2, label=label)
    for cash in {float(run.settings["cash"]) for run in runs.values() if "cash" in run.settings}:
        axes.axhline(cash, color="black", linestyle=":", linewidth=1, label="start capital")
    axes.set_ylabel("Equity, USD")
    axes.yaxis.set_major_formatter(THOUSANDS)
    return timed(figure, axes, "no bars")


def drawdown_chart(runs: Runs) -> Figure:
    """Fall below the highest equity so far, percent, drawn downwards."""
    figure, axes = one_panel(runs, "Drawdown from the highest equity so far")
    for colour, label, run in coloured(runs):
        if run.equity.is_empty():
            continue
        equity = run.equity["equity"].to_numpy()
        path = np.concatenate(([float(run.settings.get("cash", equity[0]))], equity))
        times, fall = decimate(run.equity["ts"].to_numpy(), -100.0 * drawdowns(path)[1:], POINTS)
        axes.plot(times, fall, color=colour, linewidth=1.0, label=label)
        axes.fill_between(times, fall, 0.0, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_ylabel("Drawdown, %")
    return timed(figure, axes, "no bars")


def volatility_chart(runs: Runs) -> Figure:
    """Standard deviation of session returns over a rolling window, annualised, percent."""
    figure, axes = one_panel(runs, f"Rolling volatility, {ROLLING_SESSIONS} sessions, annualised")
    for colour, label, run in coloured(runs):
        returns = run.daily["return"].to_numpy()
        if len(returns) < ROLLING_SESSIONS:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(returns, ROLLING_SESSIONS)
        rolling = 100.0 * windows.std(axis=1, ddof=1) * math.sqrt(SESSIONS_PER_YEAR)
        axes.plot(run.daily["session"].to_numpy()[ROLLING_SESSIONS - 1 :], rolling, color=colour, linewidth=1.2, label=label)
    cut = axes.get_ylim()[1] > WILD_PERCENT  # an account near zero has returns without bound; it must not flatten the others
    axes.set_ylim(0.0, WILD_PERCENT if cut else None)
    axes.set_ylabel(f"Volatility, % a year{f' (cut off at {WILD_PERCENT:.0f})' if cut else ''}")
    return timed(figure, axes, f"fewer than {ROLLING_SESSIONS} sessions")


def trades_chart(runs: Runs) -> Figure:
    """How the P&L of single trades is distributed, USD net of costs; one row a run, same bins."""
    figure = sheet(runs, "P&L per trade, net of costs", height=1.6 + 1.9 * len(runs))
    bins, clipped = bin_edges(np.concatenate([_pnl(run) for run in runs.values()]))
    rows: list[Axes] = list(np.atleast_1d(figure.subplots(len(runs), 1, sharex=True)))
    for axes, (colour, label, run) in zip(rows, coloured(runs), strict=True):
        pnl = _pnl(run)
        decorate(axes)
        mean = f", mean {pnl.mean():,.2f} USD (dashed)" if len(pnl) else ""
        axes.set_title(f"{label}: {len(pnl):,} trades{mean}", fontsize=10, loc="left")
        axes.set_ylabel("Trades")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.yaxis.set_major_formatter(THOUSANDS)
        if len(pnl) == 0:
            say(axes, "no trades")
            continue
        axes.hist(np.clip(pnl, bins[0], bins[-1]), bins=bins.tolist(), color=colour, edgecolor="white", linewidth=0.4)
        axes.axvline(0.0, color="black", linewidth=0.8)
        axes.axvline(float(pnl.mean()), color="black", linestyle="--", linewidth=1.2)
    note = " (the outermost bars hold everything beyond)" if clipped else ""
    rows[-1].set_xlabel(f"P&L of one trade, USD{note}")
    rows[-1].xaxis.set_major_formatter(THOUSANDS)
    return figure


def metrics_chart(runs: Runs) -> Figure:
    """The six target metrics of each run beside the number each is held to (dashed)."""
    figure = sheet(runs, "Metrics against their targets (dashed line)", height=6.4)
    for axes, target in zip(figure.subplots(2, 3).flat, TARGETS, strict=True):
        decorate(axes)
        scale = 100.0 if SHOWN[target.name][1] == "fraction" else 1.0
        values = np.array([float(run.metrics.get(target.name, math.nan)) for run in runs.values()])
        heights = np.where(np.isfinite(values), values * scale, 0.0)
        axes.bar(np.arange(len(values)), heights, color=colours(len(runs)), width=0.65)
        axes.axhline(target.threshold * scale, color="black", linestyle="--", linewidth=1.2)
        axes.axhline(0.0, color="black", linewidth=0.8)
        axes.set_title(f"{target.label}  ({wanted(target)})", fontsize=10)
        axes.set_ylabel("%" if scale == 100.0 else "ratio", fontsize=9)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        name_bars(axes, runs, panels=3)
        axes.margins(y=0.2)
        write_on_bars(axes, heights, [target_cell(target, value) for value in values])
    return figure


def win_loss_chart(runs: Runs) -> Figure:
    """Counts of winning, losing and scratch trades, and the average win and loss in USD."""
    figure = sheet(runs, "Wins and losses", height=4.6)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2] if len(runs) < 5 else [1, 1])
    size = 8 if len(runs) < 4 else 7
    place, width = np.arange(len(runs)), 0.27
    pnls = [_pnl(run) for run in runs.values()]
    counts = {
        "won": (WON, [int((pnl > 0).sum()) for pnl in pnls]),
        "lost": (LOST, [int((pnl < 0).sum()) for pnl in pnls]),
        "scratch (0 USD)": (EVEN, [int((pnl == 0).sum()) for pnl in pnls]),
    }
    for shift, (name, (colour, values)) in zip((-width, 0.0, width), counts.items(), strict=True):
        left.bar_label(left.bar(place + shift, values, width, color=colour, label=name), fmt="{:,.0f}", fontsize=size, padding=2)
    money = {"average win": (WON, "avg_win", 1.0), "average loss (size)": (LOST, "avg_loss", -1.0)}
    for shift, (name, (colour, metric, sign)) in zip((-width / 2, width / 2), money.items(), strict=True):
        usd = np.array([sign * float(run.metrics.get(metric, math.nan)) for run in runs.values()])
        bars = right.bar(place + shift, np.nan_to_num(usd), width, color=colour, label=name)
        right.bar_label(bars, [f"{v:,.0f}" if math.isfinite(v) else "n/a" for v in usd], fontsize=size, padding=2)
    for axes, ylabel in ((left, "Trades"), (right, "USD per trade, net of costs")):
        decorate(axes)
        axes.set_ylabel(ylabel)
        name_bars(axes, runs, panels=2)
        axes.margins(y=0.15)
        axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
        axes.yaxis.set_major_formatter(THOUSANDS)
    return figure


def _pnl(run: RunLike) -> Floats:
    return run.trades["pnl"].to_numpy().astype(np.float64)


CHARTS: dict[str, Chart] = {
    "equity": equity_chart,
    "drawdown": drawdown_chart,
    "metrics": metrics_chart,
    "trades": trades_chart,
    "win_loss": win_loss_chart,
    "volatility": volatility_chart,
}
