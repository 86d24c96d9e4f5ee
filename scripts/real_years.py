"""The full pipeline walked forward over the real five-minute years of ES (2015 to 2019, 2023 to 2024), all folds out of sample, into a
report: six targets, achieved or not, with intervals; deflated Sharpe; baseline against each phase. It says what it finds, whatever that is.

    python scripts/real_years.py out/real --workers 2     # long; goes on with --resume
    python scripts/real_years.py out/try --quick          # two years, few trees: only whether it runs

The file is that of ../shared/data (or $ESBT_DATA). Costs are those of the dates; no window spans the hole between the years.
"""

import argparse
import math
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

import esbt
from esbt.report.tables import SHOWN, written
from python_models import Learning
from python_models.walk import STEPS, pipeline_steps

DATA = Path(os.environ.get("ESBT_DATA", Path(__file__).parents[2] / "shared" / "data"))
FILE = "es_5min_contracts_2015_2019_and_2023_2024.parquet"
GRID = {"fast": [8, 12, 20], "slow": [26, 50], "stop_atr": [1.5, 2.0, 3.0], "target_r": [1.5, 2.0, 3.0]}
LEARNING = {"min_labels": 200, "embargo_bars": 24}  # a year of five-minute bars has some two thousand signals
QUICK = {"trees": 20, "min_labels": 100}
_QUICK_BARS = 140_000  # about two years


def main() -> None:
    """Run it, print the findings, write the report."""
    told = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    told.add_argument("out", type=Path, help="folder of the folds and the report")
    told.add_argument("--train", default="12mo")
    told.add_argument("--test", default="3mo")
    told.add_argument("--workers", type=int, default=1)
    told.add_argument("--resume", action="store_true")
    told.add_argument("--quick", action="store_true")
    words = told.parse_args()
    bars = esbt.load_bars(DATA / FILE, instrument="ES")
    bars = bars[:_QUICK_BARS] if words.quick else bars
    learning = Learning(**LEARNING | (QUICK if words.quick else {}))
    console = Console()
    with ProcessPoolExecutor(words.workers, mp_context=get_context("spawn")) if words.workers > 1 else nullcontext() as executor:
        result = esbt.walk_forward(
            bars,
            esbt.AtrStrategy(),
            GRID,
            train=words.train,
            test=words.test,
            models=pipeline_steps(learning),
            fee_table="historical",
            executor=executor,
            out=words.out,
            resume=words.resume,
            progress=console,
        )
    for line in findings(result):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"report: {result.report(words.out / 'report')}", markup=False, soft_wrap=True)


def findings(result: esbt.WalkForward) -> list[str]:
    """What was found, in sentences: every target of the full pipeline and the baseline, how much is luck, and what learning added."""
    full, lines = STEPS[-1], list(result.notes)
    for run in ("baseline", full):
        for row in result.targets.filter(pl.col("run") == run).iter_rows(named=True):
            label, unit = SHOWN[row["target"]]
            value, low, high, asked = (written(row[name], unit) for name in ("value", "low", "high", "threshold"))
            said = "achieved" if row["achieved"] else "not achieved"
            sure = ", the whole interval beyond it" if row["sure"] else ", the interval does not lie beyond it" if row["achieved"] else ""
            lines.append(f"{run}: {label} {value} (95 %: {low} to {high}), wanted {row['side']} {asked}: {said}{sure}.")
    luck = {row["run"]: row for row in result.luck.iter_rows(named=True)}
    for run, own in luck.items():
        lines.append(
            f"{run}: net {written(result.runs[run].net_profit, 'usd')} from {len(result.runs[run].raw_trades):,} trades, Sharpe "
            f"{own['sharpe']:.2f} (95 %: {own['sharpe_low']:.2f} to {own['sharpe_high']:.2f}), deflated by {own['trials']:,} trials: "
            f"{own['deflated_sharpe']:.3f}."
        )
    return [*lines, *_verdict(result, luck[full])]


def _verdict(result: esbt.WalkForward, own: dict[str, Any]) -> list[str]:
    """What learning added to the baseline, and whether its result is more than luck."""
    ours, theirs = result.result.net_profit, result.baseline.net_profit
    before, sharpe = result.baseline.metrics["sharpe"], own["sharpe"]
    lines = [f"Machine learning changed the net result from {written(theirs, 'usd')} to {written(ours, 'usd')}."]
    if math.isnan(before) or math.isnan(sharpe):
        lines.append("Sharpe ratios cannot be compared: one is undefined, as that of a ruined account or of one without trades.")
    else:
        lines.append(f"It {'raised' if sharpe > before else 'did not raise'} the Sharpe ratio, from {before:.2f} to {sharpe:.2f}.")
    sure = own["deflated_sharpe"] > 0.95
    lines.append(
        f"Its own is {'more than luck explains at 5 %' if sure else 'no more than luck may explain: deflated it is not above 0.95'}."
    )
    return lines


if __name__ == "__main__":
    main()
