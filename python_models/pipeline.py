"""The main job: bars in, three phases learned on the first part of time, baseline and ML judged on the last part, a report out.

The test time is touched once, at the end, by the same loop for every run. Features and signals are computed once over all bars (they are
causal: a value at bar t depends on bars up to t), learning sees the training bars alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
from rich.console import Console

from esbt.account import Account
from esbt.backtest import run as run_backtest
from esbt.data import Bars
from esbt.features import Features, features
from esbt.market_config import market_bars
from esbt.plan import USD
from esbt.report import metrics_table, target_table, write_report
from esbt.result import Result
from esbt.running import require_folder, steps_shown
from esbt.signals import Signals
from python_models.claim import claim
from python_models.config import RunConfig
from python_models.learn import Learned, Training, learn
from python_models.run_pages import run_pages
from python_models.splits import Window, last_part

STEPS = ("bars", "features", "learning", "backtests", "report")


@dataclass(frozen=True)
class PipelineResult:
    """What a run gave: results on the test time by name ("baseline" first), what was learned, notes for the reader, the report's page."""

    runs: dict[str, Result]
    learned: Learned
    notes: list[str]
    page: Path
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)


class TradingSystemPipeline:
    """The complete system: static baseline, dynamic stop, entry confidence, adaptive size, each judged out of sample.

    config: a RunConfig, defaults without. console: where progress and tables are printed; None for the terminal.
    """

    def __init__(self, config: RunConfig | None = None, *, console: Console | None = None) -> None:
        self.config = config or RunConfig()
        self.console = console or Console()

    def run_complete_pipeline(self) -> PipelineResult:
        """Run everything and write the report into `config.out`. Raises EsbtError for bad input before any work starts."""
        out = require_folder(self.config.out)
        with steps_shown(self.console, STEPS) as step:
            result = self._run(out, step)
        self._print(result)
        return result

    def _run(self, out: Path, step: Callable[[str], None]) -> PipelineResult:
        config = self.config
        step("bars")
        bars = self.load()
        window = Window(0, len(bars))
        training_part, test = last_part(window, config.learning.test_fraction, config.learning.embargo_bars)
        step("features")
        columns = features(bars, config.learning.features)
        step("learning")
        seen = bars[: training_part.stop]
        journals = out / "tuning"
        learned = learn(Training(seen, columns[: training_part.stop], config.strategy, config.account, config.learning, journals))
        step("backtests")
        judged = test if learned.stop is not None else window
        runs = judge(config, bars, columns, judged, learned)
        step("report")
        notes = [*_about(bars, judged, config.account), *_claimed(runs), *learned.notes]
        pages = run_pages(learned, runs, seen, config.learning)
        what = "static ATR baseline against machine learning, out of sample" if judged.start else "static ATR baseline, nothing learned"
        title = f"{bars.instrument.symbol}: {what}"
        page = write_report(out, runs, title=title, notes=notes, tables=pages.tables, figures=pages.figures)
        return PipelineResult(runs, learned, notes, page, pages.tables)

    def load(self) -> Bars:
        """The bars of the run: from the file named, and only without one from the synthetic market. A missing file is an error."""
        return market_bars(self.config.market, self.config.synthetic)

    def _print(self, result: PipelineResult) -> None:
        if next(iter(result.runs.values())).synthetic:
            self.console.print("[bold red]SYNTHETIC MARKET: these bars were made up; nothing here says anything about a real market.[/]")
        self.console.print(metrics_table(result.runs))
        self.console.print(target_table(result.runs))
        for note in result.notes:
            self.console.print(f"- {note}", markup=False)
        self.console.print(f"report: {result.page}", markup=False)


def judge(config: RunConfig, bars: Bars, columns: Features, test: Window, learned: Learned) -> dict[str, Result]:
    """The ablation on a window, the same signals and costs for all; phases left out give no run.

    "baseline"; "phase 1: stop"; "phase 2 alone: confidence", its filter under the baseline's stop; "phase 3 alone: size", the Kelly size
    under the baseline's stop, no signal refused but those it sizes at 0; "phase 2: + confidence", phases 1 and 2; "ML: + size", all three.
    """
    cut = slice(test.start, test.stop)
    strategy = config.strategy
    signals = Signals(values=strategy.signals(bars)[cut], atr_ticks=strategy.atr(bars)[cut], **strategy.exits())
    judged, seen = bars[cut], columns[cut]
    runs = {"baseline": run_backtest(judged, signals, config.account)}
    if learned.stop is None:
        return runs
    whole = learned.model(seen)
    stop, filtered = replace(whole, confidence=None, threshold=0.0), replace(whole, stop=None, dynamic=None)
    runs["phase 1: stop"] = run_backtest(judged, signals, config.account, model=stop)
    if learned.confidence is None:
        return runs
    sized = config.account if learned.size is None else config.account.model_copy(update={"size": learned.size})
    runs["phase 2 alone: confidence"] = run_backtest(judged, signals, config.account, model=filtered)
    if learned.size is not None:
        runs["phase 3 alone: size"] = run_backtest(judged, signals, sized, model=replace(filtered, threshold=0.0))
    runs["phase 2: + confidence"] = run_backtest(judged, signals, config.account, model=whole)
    if learned.size is not None:
        runs["ML: + size"] = run_backtest(judged, signals, sized, model=whole)
    return runs


def _about(bars: Bars, judged: Window, account: Account) -> list[str]:
    """Where the bars come from, what was learned from and what was judged; on a synthetic market, the best anyone could have done."""
    dates = bars.session.astype("datetime64[D]")
    notes = [f"{len(bars):,} bars of {bars.instrument.symbol} from {bars.source}, trade dates {dates[0]} to {dates[-1]}."]
    if judged.start:
        notes.append(
            f"Learned from bars before {dates[judged.start]}; every figure is of the last {len(judged):,} bars, trade dates "
            f"{dates[judged.start]} to {dates[-1]}, which no model, threshold or calibration has seen."
        )
    else:
        notes.append("Nothing was learned: the figures are of the baseline on all bars.")
    seen = bars[judged.start : judged.stop]
    if seen.truth is not None:
        least_fee = int(account.fees(bars.instrument).total_e4(seen.session).min()) / USD
        best = seen.truth.best_profit_usd(least_fee, slippage_ticks=0)
        notes.append(f"Synthetic market: a trader of one contract who saw its hidden state could have expected at most {best:,.0f} USD.")
    return notes


def _claimed(runs: dict[str, Result]) -> list[str]:
    """What the last phase claims against the baseline; nothing where nothing was learned."""
    *_, last = runs.values()
    return [str(claim(last, runs["baseline"]))] if len(runs) > 1 else []
