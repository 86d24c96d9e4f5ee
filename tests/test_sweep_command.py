"""`esbt sweep config.toml`: what it runs is what `esbt.sweep` runs; --dry-run, --resume, Ctrl-C; bad input is one line and code 2."""

import signal
import subprocess
import time

import numpy as np
import polars as pl
import pytest
from command_helpers import CALL, ENVIRONMENT, main

import esbt
from esbt.errors import EsbtError
from esbt.report.html import cell
from esbt.sweep_config import load_sweep_config

GOOD = """
[synthetic]
days = 20
interval = "15min"
seed = 3
[account]
cash = 20_000
[space]
fast = [3, 5]
stop_atr = {low = 0.5, high = 2.0, step = 0.5}
target_r = [1, "off"]
size = [1, {risk = {fraction = 0.01}}]
[sweep]
minimum_trades = 5
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty working directory with a good configuration in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(GOOD)
    return tmp_path


def expected():
    bars = esbt.synthetic_bars(days=20, interval="15min", edge=0.3, seed=3)
    space = {
        "fast": [3, 5],
        "stop_atr": [0.5, 1.0, 1.5, 2.0],
        "target_r": [1.0, None],
        "size": [1, esbt.Risk(fraction=0.01)],
    }
    return esbt.sweep(bars, esbt.AtrStrategy(), space, cash=20_000.0)


def test_a_good_run_and_its_report(workplace, monkeypatch, capsys):
    code, out, err = main(monkeypatch, capsys, "sweep", "good.toml")
    assert (code, err) == (0, "")
    table = expected()
    assert pl.read_parquet("out/parts/*.parquet").sort("lane").equals(table.frame)
    best = table.best(minimum_trades=5)
    for words in ("SYNTHETIC MARKET", "Best of 32 lanes by sharpe", cell(best["net_profit"][0]), "report: out/report/index.html"):
        assert words in out
    assert f"lane {best['lane'][0]}" in (workplace / "out" / "report" / "index.html").read_text("utf-8")
    code, _, err = main(monkeypatch, capsys, "sweep", "good.toml")
    assert code == 2
    assert "--resume" in err
    assert main(monkeypatch, capsys, "sweep", "good.toml", "--resume")[0] == 0


def test_a_dry_run_writes_nothing(workplace, monkeypatch, capsys):
    code, out, _ = main(monkeypatch, capsys, "sweep", "good.toml", "--dry-run")
    assert code == 0
    assert "32 lanes in 2 groups on" in out
    assert [path.name for path in workplace.iterdir()] == ["good.toml"]


@pytest.mark.parametrize("method", ["random", "sobol", "optuna"])
def test_sampled(workplace, monkeypatch, capsys, method):
    text = GOOD.replace("minimum_trades", f'method = "{method}"\nlanes = 12\nseed = 2\nbatch = 4\ndaily = true\nminimum_trades')
    (workplace / "sampled.toml").write_text(text)
    code, out, err = main(monkeypatch, capsys, "sweep", "sampled.toml", "--out", "there")
    assert (code, err) == (0, "")
    assert pl.read_parquet("there/parts/*.parquet").height == 12
    assert np.load("there/daily.npy").shape == (12, 20)
    assert "no verdict on luck" in out or "lanes of 20 sessions" in out


def test_a_cut_off_over_a_file_of_predictions(workplace):
    bars = esbt.synthetic_bars(days=20, interval="15min", edge=0.3, seed=3)
    column = np.random.default_rng(1).random(len(bars))
    pl.DataFrame({"p": pl.Series(column).set(pl.Series(column < 0.1), None)}).write_parquet("p.parquet")
    text = GOOD.replace("[sweep]", 'confidence = [0.2, 0.6]\n[sweep]\npredictions = "p.parquet"\npredictions_column = "p"')
    (workplace / "cut.toml").write_text(text)
    config = load_sweep_config("cut.toml")
    table = esbt.sweep(bars, config.strategy, config.axes(), predictions=config.predictions())
    assert len(table) == 64
    first, second = (table.frame.filter(pl.col("confidence") == cut)["trades"].sum() for cut in (0.2, 0.6))
    assert first > second > 0


def test_ctrl_c_keeps_what_is_done(workplace):
    """SIGINT to the process itself: code 130, a line on how to go on; --resume ends at the table of an unbroken run."""
    (workplace / "slow.toml").write_text(GOOD + "part_lanes = 1\n")
    child = subprocess.Popen([*CALL, "sweep", "slow.toml"], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while child.poll() is None and len(list((workplace / "out" / "parts").glob("part-*"))) < 3:
        time.sleep(0.001)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "go on with --resume" in out
    kept = len(list((workplace / "out" / "parts").glob("part-*")))
    assert 3 <= kept < 32
    done = subprocess.run([*CALL, "sweep", "slow.toml", "--resume"], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet("out/parts/*.parquet").sort("lane").equals(expected().frame)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("fast = [3, 5]", "fats = [3, 5]"), "did you mean 'fast'"),
        (("fast = [3, 5]", "sl_stop = [3, 5]"), "it is stop_atr or stop_ticks here"),
        (("fast = [3, 5]", "fast = [3, 99]"), "fast must be below slow"),
        (("step = 0.5", "stepp = 0.5"), "unknown word 'stepp'"),
        ((", step = 0.5", ""), "give step"),
        (("low = 0.5, ", ""), "give low and high"),
        (("[sweep]", '[sweep]\nmethod = "random"'), "lanes is how many to draw"),
        (("[sweep]", '[sweep]\nmethd = "random"'), "did you mean 'method'"),
        (("{risk = {fraction = 0.01}}", "{risk = {fractoin = 0.01}}"), "did you mean 'fraction'"),
        (("[space]", "[spice]"), "space"),
    ],
)
def test_bad_configurations(workplace, monkeypatch, capsys, change, said):
    (workplace / "bad.toml").write_text(GOOD.replace(*change))
    code, _, err = main(monkeypatch, capsys, "sweep", "bad.toml")
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (workplace / "out").exists()


def test_finer_bars_need_a_file(workplace):
    (workplace / "bad.toml").write_text('finer = "x.parquet"\n' + GOOD)
    with pytest.raises(EsbtError, match=r"give market\.data"):
        load_sweep_config("bad.toml")
