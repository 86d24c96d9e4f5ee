"""The one self-contained page: turns runs, charts and notes into text for templates/report.html.j2. Computes no metric, writes no file."""

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import jinja2
import polars as pl

from esbt.files import jsonable
from esbt.report.certainty import certainty_rows
from esbt.report.run import RunLike, Runs, any_synthetic
from esbt.report.tables import metric_row, shown_names, target_cell, verdict, wanted, written
from esbt.report.targets import TARGETS

TRADES_SHOWN = 50  # first and last

CAPTIONS = {
    "equity": "Equity in USD, marked to market at every bar's close. The dotted line is the start capital.",
    "drawdown": "How far equity lies below the highest equity so far, in percent.",
    "metrics": "The six target metrics of each run. The dashed line is the target.",
    "trades": "Distribution of profit and loss per trade, after costs. All rows share the same bins.",
    "win_loss": "Winning and losing trades: how many, and how large on average.",
    "volatility": "Standard deviation of the last 21 sessions' returns, a year, in percent.",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as the page shows it: header cells, rows of text, and which columns hold numbers (set right)."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as the page shows it: its PNG bytes, what it says, and the heading it stands under."""

    png: bytes
    caption: str
    section: str


_NO_PICTURES: Mapping[str, Shown] = MappingProxyType({})


def render_page(
    runs: Runs,
    charts: Mapping[str, bytes],
    *,
    title: str,
    notes: Sequence[str],
    tables: Mapping[str, pl.DataFrame],
    pictures: Mapping[str, Shown] = _NO_PICTURES,
) -> str:
    """The page as HTML. `charts` maps a chart's name to its PNG bytes, embedded as base64, as are `pictures`; all text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("esbt.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html.j2").render(
        title=title,
        synthetic=any_synthetic(runs),
        headlines=[headline(label, run) for label, run in runs.items()],
        labels=list(runs),
        targets=_targets(runs),
        metrics=_side_by_side(runs, [metric_row(runs, name) for name in shown_names(runs)], "Metric"),
        certainty=_side_by_side(runs, certainty_rows(runs), "Fills and risk"),
        charts=[(name, CAPTIONS.get(name, name), b64encode(png).decode()) for name, png in charts.items()],
        settings=_side_by_side(runs, _settings(runs), "Setting", numeric=False),
        skipped=_side_by_side(runs, _skipped(runs), "Reason"),
        notes=list(notes),
        tables={name: grid(frame) for name, frame in tables.items()},
        sections=_sections(pictures),
        trades=[(label, len(run.trades), _some_trades(run.trades)) for label, run in runs.items()],
    )


def _sections(pictures: Mapping[str, Shown]) -> dict[str, list[tuple[str, str, str]]]:
    """Heading -> name, caption and base64 of its pictures, in the order of their first."""
    sections: dict[str, list[tuple[str, str, str]]] = {}
    for name, own in pictures.items():
        sections.setdefault(own.section, []).append((name, own.caption, b64encode(own.png).decode()))
    return sections


def headline(label: str, run: RunLike) -> tuple[str, str, str, str]:
    """One plain sentence a run, the same words for a gain and a loss: label, net result and trades, span, drawdown and targets."""
    metrics = run.metrics
    daily = run.daily
    span = f"{daily['session'][0]} to {daily['session'][-1]}" if len(daily) else "no data"
    net = written(float(run.trades["pnl"].sum()), "usd")
    total, fall = (written(float(metrics.get(name, math.nan)), "fraction") for name in ("total_return", "max_drawdown"))
    hit = sum(target.achieved(metrics) for target in TARGETS)
    before = f"net result {net} ({total} of the start capital) from {len(run.trades):,} trades,"
    return label, before, span, f"({len(daily):,} sessions); deepest drawdown {fall}; {hit} of {len(TARGETS)} targets achieved."


def grid(frame: pl.DataFrame) -> Grid:
    """A frame as text: floats to at most four decimals, times to the second, missing values empty."""
    numeric = [dtype.is_numeric() for dtype in frame.dtypes]
    return Grid(frame.columns, [[cell(value) for value in row] for row in frame.rows()], numeric)


def cell(value: Any) -> str:
    """One value as text: None is empty, NaN 'n/a', floats lose trailing zeros, times their sub-seconds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return written(value, "ratio")
        text = f"{value:,.4f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.3g}"
        return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    if isinstance(value, int):
        return f"{value:,}"
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value)


def _targets(runs: Runs) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
    """Per target: label, what it asks for, and per run the number, the verdict and whether it is achieved."""
    rows = []
    for target in TARGETS:
        hits = [target.achieved(run.metrics) for run in runs.values()]
        numbers = [target_cell(target, run.metrics.get(target.name, math.nan)) for run in runs.values()]
        rows.append((target.label, wanted(target), [(n, verdict(h), h) for n, h in zip(numbers, hits, strict=True)]))
    return rows


def _side_by_side(runs: Runs, rows: Sequence[tuple[str, Sequence[str]]], first: str, *, numeric: bool = True) -> Grid:
    return Grid([first, *runs], [[name, *cells] for name, cells in rows], [False, *[numeric] * len(runs)])


def _settings(runs: Runs) -> list[tuple[str, list[str]]]:
    """What was charged and assumed, nested names joined by a dot, and first the source and the costs that the trades really bore."""
    flat = [_flat(jsonable(dict(run.settings))) for run in runs.values()]
    rows = [
        ("bars", [run.bars_source + (" (SYNTHETIC)" if run.synthetic else "") for run in runs.values()]),
        ("costs charged on all trades", [_costs(run.trades) for run in runs.values()]),
    ]
    return rows + [(name, [_setting(one, name) for one in flat]) for name in dict.fromkeys(name for one in flat for name in one)]


def _setting(flat: Mapping[str, Any], name: str) -> str:
    """'none' for a setting that is off, empty for one that the run does not have."""
    return "none" if name in flat and flat[name] is None else cell(flat.get(name))


def _costs(trades: pl.DataFrame) -> str:
    return written(float(trades["costs"].sum()), "usd") if "costs" in trades.columns else ""


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        out: dict[str, Any] = {}
        for key, item in value.items():
            out |= _flat(item, f"{prefix}.{key}" if prefix else key)
        return out
    return {prefix: ", ".join(cell(item) for item in value) if isinstance(value, list) else value}


def _skipped(runs: Runs) -> list[tuple[str, list[str]]]:
    reasons = dict.fromkeys(reason for run in runs.values() for reason in run.skipped)
    return [(reason.replace("_", " "), [cell(run.skipped.get(reason)) for run in runs.values()]) for reason in reasons]


def _some_trades(trades: pl.DataFrame) -> list[tuple[str, Grid]]:
    if len(trades) <= 2 * TRADES_SHOWN:
        return [("all", grid(trades))] if len(trades) else []
    return [(f"first {TRADES_SHOWN}", grid(trades.head(TRADES_SHOWN))), (f"last {TRADES_SHOWN}", grid(trades.tail(TRADES_SHOWN)))]
