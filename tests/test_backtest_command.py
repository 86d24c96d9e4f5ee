"""`esbt backtest config.toml`: what it runs is what `esbt.backtest` runs; what it prints and writes; bad input is one line and code 2."""

import json
import subprocess

import polars as pl
import pytest
from command_helpers import CALL, ENVIRONMENT, main

import esbt
from esbt.backtest_config import SIZE_RULES, BacktestConfig, load_backtest_config
from esbt.errors import EsbtError
from esbt.market_config import Market, Synthetic

GOOD = """
[synthetic]
days = 20
interval = "15min"
seed = 3
[strategy]
stop_atr = 0.5
target_r = 1
[account]
cash = 20_000
path = "nearest"
size = {risk = {fraction = 0.01}}
"""
STRATEGY = esbt.AtrStrategy(stop_atr=0.5, target_r=1.0)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty working directory with a good configuration in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(GOOD)
    return tmp_path


def contents(folder):
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_good_run(workplace, monkeypatch, capsys):
    """Code 0; metrics, ambiguous share, band, skipped signals and exits are printed; the report is the run's of `esbt.backtest`."""
    code, out, err = main(monkeypatch, capsys, "backtest", "good.toml", "--out", "report")
    assert (code, err) == (0, "")
    bars = esbt.synthetic_bars(days=20, interval="15min", edge=0.3, seed=3)
    result = esbt.backtest(bars, STRATEGY, cash=20_000.0, path="nearest", size=esbt.Risk(fraction=0.01))
    assert result.ambiguous_share > 0
    assert result.skipped["size"] > 0
    said = json.loads((workplace / "report" / "metrics.json").read_text("utf-8"))["runs"]["backtest"]
    assert said["metrics"]["sharpe"] == result.metrics["sharpe"]
    assert list(said["band"].values()) == list(result.band)
    assert said["skipped"] == result.skipped
    assert pl.read_parquet(workplace / "report" / "backtest_trades.parquet").equals(result.trades)
    worst, best = (f"{end:,.2f}" for end in result.band)
    for words in ("SYNTHETIC MARKET", "Sharpe", worst, best, f"{100 * result.ambiguous_share:.2f} %", "Skipped"):
        assert words in out
    assert [line.split() for line in out.splitlines() if line.split()[:1] == ["size"]] == [["size", str(result.skipped["size"])]]
    assert "4/4" in out
    assert (workplace / "report" / "index.html").exists()


def test_a_good_run_in_a_process_on_a_file(workplace):
    """--data over what the configuration says; nothing synthetic about it; the folder is the configuration's."""
    frame = esbt.synthetic_bars(days=6, interval="15min", seed=1).frame
    frame.select("ts", "open", "high", "low", "close", "volume").rename({"ts": "ts_event"}).write_parquet("bars.parquet")
    (workplace / "mes.toml").write_text('out = "there"\n[market]\ndata = "missing.parquet"\ninstrument = "MES"\n')
    words = [*CALL, "backtest", "mes.toml", "--data", "bars.parquet"]
    done = subprocess.run(words, cwd=workplace, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SYNTHETIC" not in done.stdout + (workplace / "there" / "index.html").read_text("utf-8")
    said = json.loads((workplace / "there" / "metrics.json").read_text("utf-8"))
    assert said["runs"]["backtest"]["settings"]["instrument"] == "MES"
    assert "bars.parquet" in said["runs"]["backtest"]["bars_source"]


def test_finer_bars_of_a_file(workplace, monkeypatch, capsys):
    """path = "finer" with 5-minute bars inside 15-minute ones that are made of them: the result is that of `esbt.backtest`."""
    small = esbt.synthetic_bars(days=6, interval="5min", seed=1).frame.select("ts", "open", "high", "low", "close", "volume")
    wide = small.group_by_dynamic("ts", every="15m").agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(), pl.col("volume").sum()
    )
    for name, frame in (("small", small), ("wide", wide)):
        frame.rename({"ts": "ts_event"}).write_parquet(f"{name}.parquet")
    (workplace / "finer.toml").write_text(
        'finer = "small.parquet"\n[market]\ndata = "wide.parquet"\n[strategy]\nstop_atr = 0.5\ntarget_r = 1\n[account]\npath = "finer"\n'
    )
    code, _, err = main(monkeypatch, capsys, "backtest", "finer.toml")
    assert (code, err) == (0, "")
    wide_bars, small_bars = esbt.load_bars("wide.parquet"), esbt.load_bars("small.parquet")
    result = esbt.backtest(wide_bars, STRATEGY, path="finer", finer=small_bars)
    said = json.loads((workplace / "out" / "metrics.json").read_text("utf-8"))["runs"]["backtest"]
    assert said["metrics"]["trades"] == len(result.trades) > 0
    assert said["metrics"]["total_return"] == result.metrics["total_return"]


EVERYTHING = """
[market]
data = "quoted.parquet"
[strategy]
fast = 5
slow = 12
stop_atr = 1.5
target_r = 3
entry = "limit"
entry_offset_atr = 0.5
entry_offset_ticks = 4
entry_bars = "off"
entry_through_ticks = 1
scale1_r = 0.5
scale1_share = 0.5
scale1_stop_r = 0
scale2_r = 1
scale2_share = 0.25
scale2_stop_r = 0.5
[account]
size = 4
slippage_spread = true
"""


def test_stop_and_limit_entries_parts_and_quotes(workplace, monkeypatch, capsys):
    """All of it from TOML, on bars with bid and ask: the trades of `esbt.backtest` with the same words."""
    frame = esbt.synthetic_bars(days=6, interval="5min", seed=1).frame.select("ts", "open", "high", "low", "close", "volume")
    bid = pl.col("close") - 0.25 * (pl.int_range(pl.len()) % 3)
    frame.rename({"ts": "ts_event"}).with_columns(bid_close=bid, ask_close=bid + 0.75).write_parquet("quoted.parquet")
    (workplace / "all.toml").write_text(EVERYTHING)
    code, out, err = main(monkeypatch, capsys, "backtest", "all.toml")
    assert (code, err) == (0, "")
    bars = esbt.load_bars("quoted.parquet")
    words = {"fast": 5, "slow": 12, "stop_atr": 1.5, "target_r": 3.0, "entry": "limit", "entry_offset_atr": 0.5, "entry_offset_ticks": 4}
    words |= {"entry_bars": None, "entry_through_ticks": 1, "scale1_r": 0.5, "scale1_share": 0.5, "scale1_stop_r": 0.0}
    strategy = esbt.AtrStrategy(**words, scale2_r=1.0, scale2_share=0.25, scale2_stop_r=0.5)
    result = esbt.backtest(bars, strategy, size=4, slippage_spread=True)
    saved = pl.read_parquet(workplace / "out" / "backtest_trades.parquet")
    assert saved.equals(result.trades)
    assert {"scale_out", "break_even", "target", "stop"} <= set(saved["exit_reason"])
    assert result.skipped["expired"] > 0
    assert result.net_profit < esbt.backtest(bars, strategy, size=4).net_profit  # half of three ticks, rounded up: two more a stop
    assert ["expired", str(result.skipped["expired"])] in [line.split() for line in out.splitlines()]
    assert "scale out" in out
    settings = json.loads((workplace / "out" / "metrics.json").read_text("utf-8"))["runs"]["backtest"]["settings"]
    assert {name: settings[name] for name in words} == words
    assert settings["slippage_spread"] is True


OFF = '[strategy]\nstop_atr = "off"\ntarget_r = "off"\n[account]\nsize = {risk = {}}'
BAD = {
    "no such config": ("missing.toml", None, "config 'missing.toml' cannot be read"),
    "no TOML": ("bad.toml", "[strategy", "config 'bad.toml' cannot be read"),
    "unknown section": ("bad.toml", "[stratgey]\nfast = 3", "did you mean 'strategy'"),
    "learning": ("bad.toml", "[learning]\ntrees = 3", "there is no 'learning': only `esbt run` learns"),
    "unknown parameter": ("bad.toml", "[strategy]\nfats = 3", "did you mean 'fast'"),
    "a rival's word": ("bad.toml", "[account]\ninit_cash = 3", "unknown parameter 'init_cash'; it is cash here"),
    "another section's word": ("bad.toml", "[strategy]\ncash = 3", "'cash' belongs to esbt.backtest(...) or [account]"),
    "contradiction": ("bad.toml", "[strategy]\nfast = 99", "fast must be below slow, got fast=99 and slow=26"),
    "kelly": ("bad.toml", "[account]\nsize = {kelly = {}}", "kelly needs a probability, which comes from a model: use esbt.backtest"),
    "unknown size rule": ("bad.toml", "[account]\nsize = {rsk = {}}", "unknown size rule 'rsk'; did you mean 'risk'?"),
    "unknown word of a size": ("bad.toml", "[account.size.risk]\nfracton = 1", "account: size.risk: unknown parameter 'fracton'; did you"),
    "a size without a rule": ("bad.toml", "[account]\nsize = {fraction = 0.01}", "unknown size rule 'fraction'"),
    "two sizes": ("bad.toml", "[account]\nsize = {risk = {}, volatility = {}}", "size must be whole contracts or a table of one rule"),
    "a number for a rule": ("bad.toml", "[account]\nsize = {risk = 0.01}", "size.risk must be a table, such as risk = {fraction = 0.01}"),
    "half a contract": ("bad.toml", "[account]\nsize = 0.5", "whole contracts"),
    "a limit without its level": ("bad.toml", '[strategy]\nentry = "limit"', "give entry_offset_atr or entry_offset_ticks"),
    "parts of no contract": ("bad.toml", "[strategy]\nscale1_r = 1\nscale1_share = 0.5", "scale1_share=0.5 of 1 contract is less than one"),
    "no quotes": ("bad.toml", "[account]\nslippage_spread = true", "slippage_spread needs quotes"),
    "a rival's entry": ("bad.toml", "[strategy]\nlimit_price = 3", "it is entry or entry_offset_ticks or entry_offset_atr here"),
    "risk without a stop": ("bad.toml", OFF, "needs the stop distance: give stop_atr or stop_ticks"),
    "finer path alone": ("bad.toml", '[account]\npath = "finer"', "go together: give both or neither"),
    "finer bars alone": ("bad.toml", 'finer = "x.parquet"', "go together: give both or neither"),
    "finer bars of a made-up market": ("bad.toml", 'finer = "x"\n[account]\npath = "finer"', "give market.data"),
    "no such data": ("bad.toml", '[market]\ndata = "missing.parquet"', "missing.parquet"),
    "data is no text": ("bad.toml", "[market]\ndata = 3", "market: data: should be a valid string, got 3"),
    "out is a file": ("bad.toml", 'out = "good.toml"', "out 'good.toml' is a file: name a folder"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_code_2(workplace, monkeypatch, capsys, name):
    file, text, expected = BAD[name]
    if text is not None:
        (workplace / file).write_text(text)
    before = contents(workplace)
    code, out, err = main(monkeypatch, capsys, "backtest", file)
    assert code == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert expected in err
    assert "Traceback" not in out + err
    assert contents(workplace) == before


def test_options_and_help(workplace, monkeypatch, capsys):
    code, out, _ = main(monkeypatch, capsys, "backtest", "--help")
    assert code == 0
    for option in ("config", "--data", "--out"):
        assert option in out.lower()
    for words in (["backtest"], ["backtest", "good.toml", "--dta", "x"]):
        code, out, err = main(monkeypatch, capsys, *words)
        assert code == 2
        assert "Traceback" not in out + err


# --- the configuration ---------------------------------------------------------------------------------------------------------------


def test_toml_has_the_names_of_python(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(GOOD)
    assert load_backtest_config(file) == BacktestConfig(
        synthetic=Synthetic(days=20, interval="15min", seed=3),
        strategy=STRATEGY,
        account=esbt.Account(cash=20_000.0, path="nearest", size=esbt.Risk(fraction=0.01)),
    )
    loaded = load_backtest_config(str(file), data="x.csv", out="y")
    assert (loaded.market, loaded.out) == (Market(data="x.csv"), "y")
    file.write_text("")
    assert load_backtest_config(file) == BacktestConfig()


SIZES = {
    "3": 3,
    "{risk = {}}": esbt.Risk(),
    "{risk = {fraction = 0.02, max_contracts = 4}}": esbt.Risk(fraction=0.02, max_contracts=4),
    "{volatility = {daily = 0.02}}": esbt.Volatility(daily=0.02),
}


@pytest.mark.parametrize("text", SIZES)
def test_every_size_without_a_model_can_be_written(tmp_path, text):
    file = tmp_path / "c.toml"
    file.write_text(f"[account]\nsize = {text}")
    assert load_backtest_config(file).account.size == SIZES[text]


def test_all_size_rules_are_known():
    assert {"risk", "kelly", "volatility"} == SIZE_RULES.keys()


def test_rules_that_are_on_by_default_can_be_switched_off(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('[strategy]\nstop_atr = "off"\ntarget_r = "off"\nstop_ticks = 8\n')
    assert load_backtest_config(file).strategy == esbt.AtrStrategy(stop_atr=None, target_r=None, stop_ticks=8)
    file.write_text('[strategy]\nfast = "off"')
    with pytest.raises(EsbtError, match="fast: should be a valid integer, got None"):
        load_backtest_config(file)
