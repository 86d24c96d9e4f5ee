"""How sure a run's fills are and what it risked: ambiguous share, band of the net profit, realised beside asked risk.

Runs need not have these (see `RunLike`): what a run lacks is left out, for the page, for the terminal and for metrics.json alike.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from esbt.report.run import RunLike, Runs
from esbt.report.tables import empty_table, written

ROWS = {
    "ambiguous_share": ("Trades with an ambiguous fill", "fraction"),
    "net_worst": ("Net profit, path = worst, USD", "usd"),
    "net_best": ("Net profit, path = best, USD", "usd"),
    "risk_asked": ("Risk asked a position, of equity", "fraction"),
    "risk_mean": ("Risk taken a position, mean", "fraction"),
    "risk_max": ("Risk taken a position, greatest", "fraction"),
}


def certainty(run: RunLike) -> dict[str, Any]:
    """ambiguous_share (fraction), band {worst, best} (USD), risk {sizing, asked, mean, max} (fractions of equity): those the run has."""
    share, band, risk = (getattr(run, name, None) for name in ("ambiguous_share", "band", "risk"))
    said: dict[str, Any] = {}
    if share is not None:
        said["ambiguous_share"] = float(share)
    if band is not None:
        said["band"] = {"worst": float(band[0]), "best": float(band[1])}
    if risk is not None and len(risk):
        said["risk"] = dict(risk.row(0, named=True))
    return said


def certainty_rows(runs: Runs) -> list[tuple[str, list[str]]]:
    """Label and one text a run, for each row that any run has a number for; empty text where this run has none, 'n/a' for NaN."""
    flat = [_flat(certainty(run)) for run in runs.values()]
    return [(label, [_text(one.get(name), unit) for one in flat]) for name, (label, unit) in ROWS.items() if _any(name, flat)]


def certainty_table(runs: Runs) -> Table:
    """The same for the terminal."""
    table = empty_table(runs, "Fills and risk", "")
    for label, texts in certainty_rows(runs):
        table.add_row(Text(label), *(Text(text) for text in texts))
    return table


def _flat(said: Mapping[str, Any]) -> dict[str, float | None]:
    band, risk = said.get("band", {}), said.get("risk", {})
    return {
        "ambiguous_share": said.get("ambiguous_share"),
        "net_worst": band.get("worst"),
        "net_best": band.get("best"),
        "risk_asked": risk.get("asked"),
        "risk_mean": risk.get("mean"),
        "risk_max": risk.get("max"),
    }


def _any(name: str, flat: Sequence[Mapping[str, float | None]]) -> bool:
    return any(one[name] is not None for one in flat)


def _text(value: float | None, unit: Any) -> str:
    if value is None:
        return ""
    return written(value, unit).removesuffix(" USD") if math.isfinite(value) else written(value, "ratio")
