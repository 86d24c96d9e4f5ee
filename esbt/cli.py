"""The command line: the top of the house, and the one place in `esbt` that knows `python_models`. Errors end with code 2 and one line."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from esbt.errors import EsbtError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Backtester for futures on minute bars.")


@app.callback()
def root() -> None:
    """Backtester for futures on minute bars, with machine learning in the loop."""


@app.command()
def run(
    data: Annotated[Path | None, typer.Option(help="Parquet or CSV of bars; without it a synthetic market is made")] = None,
    instrument: Annotated[str | None, typer.Option(help="symbol of the instrument table, such as ES")] = None,
    contract: Annotated[str | None, typer.Option(help="take only this contract of the file")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML with the sections market, synthetic, strategy, account, learning")] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the report (default: out)")] = None,
) -> None:
    """Baseline against ML, out of sample: the whole pipeline, ending in a report."""
    from python_models import RunConfig, TradingSystemPipeline, load_config

    given = load_config(config) if config else RunConfig()
    words = {"data": str(data) if data else None, "instrument": instrument, "contract": contract}
    market = given.market.model_copy(update={name: word for name, word in words.items() if word is not None})
    chosen = given.model_copy(update={"market": market} | ({"out": str(out)} if out else {}))
    TradingSystemPipeline(chosen).run_complete_pipeline()


@app.command()
def backtest(
    config: Annotated[Path, typer.Argument(help="TOML with the sections market, synthetic, strategy, account")],
    out: Annotated[Path | None, typer.Option(help="folder of the report (default: out)")] = None,
    data: Annotated[Path | None, typer.Option(help="Parquet or CSV of bars, over what the configuration says")] = None,
) -> None:
    """One backtest of one strategy, nothing learned: metrics, how sure the fills are, and a report."""
    from esbt.backtest_command import run_backtest
    from esbt.backtest_config import load_backtest_config

    words = {"data": str(data) if data else None, "out": str(out) if out else None}
    run_backtest(load_backtest_config(config, **words))


@app.command()
def sweep(
    config: Annotated[Path, typer.Argument(help="TOML with the sections market, synthetic, strategy, account, space, sweep")],
    out: Annotated[Path | None, typer.Option(help="folder of the results and their report (default: out)")] = None,
    data: Annotated[Path | None, typer.Option(help="Parquet or CSV of bars, over what the configuration says")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with what is in the folder")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check the space and say what it would cost; nothing is written")] = False,
) -> None:
    """Every combination of a space of parameters: a table of lanes, the best of them, and a report."""
    from esbt.sweep_command import run_sweep
    from esbt.sweep_config import load_sweep_config

    words = {"data": str(data) if data else None, "out": str(out) if out else None}
    run_sweep(load_sweep_config(config, **words), resume=resume, dry_run=dry_run)


@app.command("walk-forward")
def walk_forward(
    config: Annotated[
        Path, typer.Argument(help="TOML with the sections market, synthetic, strategy, account, space, learning, walk_forward")
    ],
    out: Annotated[Path | None, typer.Option(help="folder of the folds and their report (default: out)")] = None,
    data: Annotated[Path | None, typer.Option(help="Parquet or CSV of bars, over what the configuration says")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with what is in the folder")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say how time would be cut; nothing is run or written")] = False,
) -> None:
    """Choose and learn on a window of time, trade the next, move on: one out-of-sample record over all folds, and a report."""
    from esbt.walk_forward_command import run_walk_forward
    from esbt.walk_forward_config import load_walk_forward_config
    from python_models.walk import models_of

    given = load_walk_forward_config(config, data=str(data) if data else None, out=str(out) if out else None)
    run_walk_forward(given, models_of(given.learning), resume=resume, dry_run=dry_run)


@app.command()
def audit(
    config: Annotated[Path, typer.Argument(help="TOML as `esbt run` takes it")],
    data: Annotated[Path | None, typer.Option(help="Parquet or CSV of bars, over what the configuration says")] = None,
    strategy: Annotated[str | None, typer.Option(help="FILE.py:NAME, a function bars -> sides of your own, in place of the run")] = None,
    cuts: Annotated[int, typer.Option(min=1, help="places at which the future is cut off")] = 12,
    shuffles: Annotated[int, typer.Option(min=3, help="trainings on shuffled labels")] = 5,
) -> None:
    """Look for leaks from the future in the configured run, or in a strategy of your own: exit code 1 where one is found."""
    from esbt.audit import audit as audited
    from esbt.audit_command import print_audit, user_function
    from esbt.market_config import market_bars
    from python_models import load_config
    from python_models.audited import audit_run

    given, console = load_config(config), Console()
    market = given.market.model_copy(update={"data": str(data)} if data else {})
    bars = market_bars(market, given.synthetic)
    if strategy is not None:
        found = audited(bars, user_function(strategy), account=given.account, cuts=cuts, console=console)
    else:
        found = audit_run(given, bars=bars, cuts=cuts, shuffles=shuffles, console=console)
    raise typer.Exit(print_audit(found, console))


def main() -> None:
    """Entry point: one clear line for bad input, code 2; 130 after Ctrl-C."""
    try:
        app()
    except EsbtError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(2) from None
