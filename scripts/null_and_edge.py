"""Does the complete pipeline find an edge where there is none, and how much of one where there is? Many made-up markets, one row each.

    python scripts/null_and_edge.py out/null_and_edge                 goes on with what is there; two processes
    python scripts/null_and_edge.py out/null_and_edge --seeds 10 --page

Cases. "null": edge 0, real costs. "free": edge 0, no costs at all, the sharper null: nothing drags the mean below zero. "edge": a planted
edge, real costs. Each seed is one market, one learning, one claim (python_models/claim.py). A row is written as soon as it is there, the
whole file atomically, and carries a sum of the settings: rows of other settings are refused, not mixed in. With --page the table is written
into docs/null_and_edge.md. Exit code 1 where a verdict over all rows fails.
"""

import argparse
import hashlib
import multiprocessing
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.progress import track
from scipy import stats

import esbt
from esbt.errors import EsbtError
from esbt.files import write_csv, write_text
from python_models import Learning, RunConfig, Training, learn
from python_models.claim import LEVEL, claim
from python_models.pipeline import judge
from python_models.splits import Window, last_part

PAGE = Path(__file__).parents[1] / "docs" / "null_and_edge.md"
CASES = ("null", "free", "edge")
HALF, SHARE, SURE = 0.5, 0.8, 0.01
# A strategy that can follow the planted trend to its end: reversed by the next crossing, a wide stop, no target. One contract at most, as
# the oracle has, and cash that never forbids it.
STRATEGY = {"fast": 8, "slow": 30, "stop_atr": 5.0, "target_r": None, "reverse": True}
LEARNING = {"test_fraction": 0.4, "min_labels": 100, "stop_low": 3.0, "stop_high": 8.0, "max_contracts": 1}
# Of tuned ensembles, where learning has them: so that 120 markets take minutes.
LIGHT = {"models": ("lightgbm", "xgboost"), "trials": 2, "folds": 2}
LEARNING |= LIGHT
CASH = 1_000_000.0


@dataclass(frozen=True)
class Settings:
    """What a row depends on, besides its case and seed."""

    days: int = 80
    interval: str = "1min"
    edge: float = 0.7
    learning: tuple[tuple[str, Any], ...] = tuple(LEARNING.items())

    def sum(self, case: str) -> str:
        """Of the settings that the rows of this case depend on."""
        own = asdict(self) | {"edge": self.edge if case == "edge" else 0.0, "strategy": STRATEGY, "cash": CASH}
        return hashlib.sha256(repr(sorted(own.items())).encode()).hexdigest()[:12]


def row(case: str, seed: int, settings: Settings) -> dict[str, Any]:
    """One market from bars to claim."""
    edge = settings.edge if case == "edge" else 0.0
    bars = esbt.synthetic_bars(days=settings.days, interval=settings.interval, edge=edge, seed=seed)
    free = {"fee_usd": 0.0, "slippage_ticks": 0} if case == "free" else {}
    config = RunConfig(
        strategy=esbt.AtrStrategy(**STRATEGY), account=esbt.Account(cash=CASH, **free), learning=Learning(**dict(settings.learning))
    )
    columns = esbt.features(bars, config.learning.features)
    part, test = last_part(Window(0, len(bars)), config.learning.test_fraction, config.learning.embargo_bars)
    learned = learn(Training(bars[: part.stop], columns[: part.stop], config.strategy, config.account, config.learning))
    runs = judge(config, bars, columns, test, learned)
    name, ml = list(runs.items())[-1]
    found = claim(ml, runs["baseline"])
    profits = {key: float(run.trades["pnl"].sum()) for key, run in runs.items()}
    seen = bars[test.start :]
    fee = 0.0 if free else float(config.account.fees(bars.instrument).total_e4(seen.session).min()) / 10_000
    oracle = seen.truth.best_profit_usd(fee, slippage_ticks=0)
    share = profits[name] / oracle if oracle > 0 else float("nan")
    return {
        "case": case,
        "seed": seed,
        "settings": settings.sum(case),
        "last_phase": name,
        "sessions": found.sessions,
        "trades": ml.trades.height,
        "baseline_usd": profits["baseline"],
        "phase1_usd": profits.get("phase 1: stop", float("nan")),
        "phase2_usd": profits.get("phase 2: + confidence", float("nan")),
        "ml_usd": profits[name],
        "no_costs_usd": _before_costs(ml),
        "oracle_usd": oracle,
        "share": share,
        "p_above_zero": found.above_zero,
        "p_above_baseline": found.above_baseline,
        "edge": found.edge,
        "improvement": found.improvement,
    }


def _before_costs(run: esbt.Result) -> float:
    """P&L without fees and slippage of the same trades: a tick at entry, a tick at exit except at targets."""
    slipped = (1 + (run.trades["exit_reason"] != "target").cast(pl.Int64)) * run.settings["slippage_ticks"]
    ticks = (run.trades["pnl_ticks"] + slipped) * run.trades["contracts"]
    return float(ticks.sum()) * run.bars.instrument.tick_value


def rows(out: Path, cases: tuple[str, ...], seeds: int, settings: Settings, *, workers: int, console: Console) -> pl.DataFrame:
    """All rows of seeds 1 to `seeds`, those missing made in `workers` processes and written one by one.

    Raises EsbtError for a file with rows of other settings."""
    file = out / "rows.csv"
    done = pl.read_csv(file).to_dicts() if file.exists() else []
    for known in done:
        if known["settings"] != settings.sum(known["case"]):
            raise EsbtError(f"{file} has rows of other settings (case {known['case']}, seed {known['seed']}): name another folder")
    have = {(known["case"], known["seed"]) for known in done}
    todo = [(case, seed) for seed in range(1, seeds + 1) for case in cases if (case, seed) not in have]
    for new in track(made(todo, settings, workers), "markets", total=len(todo), console=console):
        done.append(new)
        write_csv(file, frame_of(done))
    return frame_of([known for known in done if known["case"] in cases and known["seed"] <= seeds])


def made(todo: list[tuple[str, int]], settings: Settings, workers: int) -> Iterator[dict[str, Any]]:
    """Rows as they come; with one worker in this process."""
    if workers == 1:
        yield from (row(case, seed, settings) for case, seed in todo)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(row, case, seed, settings) for case, seed in todo]):
            yield future.result()


def frame_of(found: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(found, infer_schema_length=None).sort("case", "seed") if found else pl.DataFrame()


def most_false_claims(markets: int, level: float = LEVEL, sure: float = SURE) -> int:
    """The most claims that chance allows among so many markets without edge: more come with probability under `sure` at the level."""
    return int(stats.binom.ppf(1 - sure, markets, level))


def verdicts(frame: pl.DataFrame) -> dict[str, tuple[bool, str]]:
    """By case: whether it holds, and the sentence."""
    found: dict[str, tuple[bool, str]] = {}
    for case in frame["case"].unique(maintain_order=True) if frame.height else []:
        own = frame.filter(pl.col("case") == case)
        claims, better, n = int(own["edge"].sum()), int(own["improvement"].sum()), own.height
        if case == "edge":
            enough = int((own["share"] >= HALF).sum())
            found[case] = (
                enough >= SHARE * n,
                f"{enough} of {n} markets: at least half of the oracle's profit (needed: {SHARE:.0%}); an edge claimed in {claims}, "
                f"an improvement on the baseline in {better}",
            )
        else:
            most = most_false_claims(n)
            traded = int((own["trades"] > 0).sum())
            found[case] = (
                claims <= most,
                f"an edge claimed in {claims} of {n} markets without one (chance at {LEVEL:.0%} allows {most}), "
                f"an improvement in {better}; the last phase traded in {traded}",
            )
    return found


def table(frame: pl.DataFrame) -> str:
    """Markdown: one row a case, means over its markets."""
    head = (
        "| case | markets | baseline | + stop | + confidence | ML | ML before costs | oracle | share: median | least "
        "| edges claimed | improvements |\n"
    )
    lines = [head + "|---|" + "---:|" * 11]
    for case in CASES:
        own = frame.filter(pl.col("case") == case)
        if own.height:
            names = ("baseline_usd", "phase1_usd", "phase2_usd", "ml_usd", "no_costs_usd", "oracle_usd")
            usd = [_mean(own[name]) for name in names]
            shares = [f"{own['share'].median():.2f}", f"{own['share'].min():.2f}"] if case == "edge" else ["", ""]
            lines.append(
                f"| {case} | {own.height} | {' | '.join(usd + shares)} | {int(own['edge'].sum())} | {int(own['improvement'].sum())} |"
            )
    return "\n".join(lines)


def _mean(usd: pl.Series) -> str:
    """Over markets in which the phase was learned; nothing where it never was."""
    known = usd.drop_nans()
    return f"{known.mean():,.0f}" if len(known) else ""


def write_page(text: str) -> None:
    """Put the text between the markers of the page."""
    page = PAGE.read_text("utf-8")
    new = re.sub(r"(?<=<!-- rows -->\n).*?(?=<!-- end -->)", lambda _: text + "\n", page, flags=re.DOTALL)
    write_text(PAGE, new)


def main(arguments: list[str] | None = None) -> int:
    """The command: rows, table, verdicts."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("out", type=Path, help="folder of rows.csv and table.md")
    words.add_argument("--seeds", type=int, default=40)
    words.add_argument("--cases", default=",".join(CASES))
    words.add_argument("--edge", type=float, default=Settings.edge, help="strength of the planted edge")
    words.add_argument("--days", type=int, default=Settings.days)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--page", action="store_true", help="write the table into docs/null_and_edge.md")
    given = words.parse_args(arguments)
    console = Console()
    settings = Settings(days=given.days, edge=given.edge)
    frame = rows(given.out, tuple(given.cases.split(",")), given.seeds, settings, workers=given.workers, console=console)
    found = verdicts(frame)
    text = table(frame) + "\n\n" + "\n".join(f"- {case}: {'holds' if ok else 'FAILS'}: {said}." for case, (ok, said) in found.items())
    write_text(given.out / "table.md", text + "\n")
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    if given.page:
        write_page(text)
    return 0 if all(ok for ok, _ in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
