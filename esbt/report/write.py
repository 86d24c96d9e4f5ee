"""Puts a report into a folder: charts, trades, metrics, and last the page, so that a page that is there has all it names beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import polars as pl

from esbt.errors import EsbtError
from esbt.files import make_folder, write_bytes, write_csv, write_json, write_parquet, write_text
from esbt.report.canvas import Picture, png
from esbt.report.certainty import certainty
from esbt.report.charts import CHARTS
from esbt.report.html import Shown, render_page
from esbt.report.run import Runs, any_synthetic, check_runs, file_name
from esbt.report.targets import TARGETS

_NO_TABLES: Mapping[str, pl.DataFrame] = MappingProxyType({})
_NO_FIGURES: Mapping[str, Picture] = MappingProxyType({})


def write_report(
    out: str | Path,
    runs: Runs,
    *,
    title: str,
    notes: Sequence[str] = (),
    tables: Mapping[str, pl.DataFrame] = _NO_TABLES,
    figures: Mapping[str, Picture] = _NO_FIGURES,
) -> Path:
    """Write the report of `runs` (label -> result; the first is the baseline, the last the fullest) into the folder `out`.

    Files: index.html (self-contained), charts/<chart>.png, <run>_trades.parquet and .csv, metrics.json. Each is written whole or not at
    all. `notes` are sentences, `tables` further frames for the page, `figures` further pictures: each under its heading after the tables,
    and charts/<name>.png. Returns the path of index.html. Raises EsbtError for no runs, labels or names that would share a file or give
    none, and an `out` that is a file or cannot be written.
    """
    check_runs(runs)
    _check_names(figures)
    out = make_folder(out)
    charts = {name: png(chart(runs)) for name, chart in CHARTS.items()}
    pictures = {file_name(name): Shown(png(own.figure), own.caption, own.section) for name, own in figures.items()}
    for name, picture in (charts | {name: own.png for name, own in pictures.items()}).items():
        write_bytes(out / "charts" / f"{name}.png", picture)
    for label, run in runs.items():
        write_parquet(out / f"{file_name(label)}_trades.parquet", run.trades)
        write_csv(out / f"{file_name(label)}_trades.csv", run.trades)
    write_json(out / "metrics.json", summary(runs, title=title, notes=notes))
    return write_text(out / "index.html", render_page(runs, charts, title=title, notes=notes, tables=tables, pictures=pictures))


def _check_names(figures: Mapping[str, Picture]) -> None:
    seen = dict.fromkeys(CHARTS, "the report's own")
    for name in figures:
        if not (file := file_name(name)):
            raise EsbtError(f"figure {name!r} has no letter or digit to name a file by: rename it")
        if file in seen:
            raise EsbtError(f"figure {name!r} would be saved as {file!r}, as is {seen[file]}: rename it")
        seen[file] = f"figure {name!r}"


def summary(runs: Runs, *, title: str, notes: Sequence[str] = ()) -> dict[str, object]:
    """What metrics.json holds: per run its metrics, targets, settings, skipped signals and source, and where the run has them
    ambiguous_share, band and risk. Rates are fractions, money is USD.
    """
    return {
        "title": title,
        "synthetic": any_synthetic(runs),
        "notes": list(notes),
        "runs": {
            label: {
                "metrics": dict(run.metrics),
                "targets": {
                    t.name: {
                        "value": run.metrics.get(t.name),
                        "side": t.side,
                        "threshold": t.threshold,
                        "achieved": t.achieved(run.metrics),
                    }
                    for t in TARGETS
                },
                "settings": dict(run.settings),
                "skipped": dict(run.skipped),
                "bars_source": run.bars_source,
                "synthetic": run.synthetic,
                "sessions": len(run.daily),
            }
            | certainty(run)
            for label, run in runs.items()
        },
    }
