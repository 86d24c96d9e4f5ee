"""`esbt walk-forward config.toml` runs what `esbt.walk_forward` runs; --dry-run, --resume, Ctrl-C; bad input is one line and code 2."""

import signal
import subprocess
import time

import polars as pl
import pytest
from command_helpers import CALL, ENVIRONMENT, main

import esbt
from esbt.errors import EsbtError
from esbt.walk_forward_config import load_walk_forward_config
from python_models import Learning
from python_models.walk import STEPS, models_of, pipeline_steps

GOOD = """
[synthetic]
days = 60
interval = "15min"
seed = 3
[account]
cash = 20_000
[space]
fast = [3, 5]
target_r = [1, "off"]
[walk_forward]
train = "25 sessions"
test = "10 sessions"
minimum_trades = 5
"""
LEARNING = """
[strategy]
fast = 3
slow = 8
[learning]
min_labels = 50
trees = 5
trials = 1
models = ["lightgbm"]
embargo_bars = 4
features = ["rsi(14)", "move(5)"]
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty working directory with a good configuration in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(GOOD)
    return tmp_path


def expected(days=60, interval="15min", strategy=None, **words):
    bars = esbt.synthetic_bars(days=days, interval=interval, edge=0.3, seed=3)
    space = {"fast": [3, 5], "target_r": [1.0, None]}
    cut = {"train": 25, "test": 10, "minimum_trades": 5, "cash": 20_000.0, "progress": False}
    return esbt.walk_forward(bars, strategy or esbt.AtrStrategy(), space, **cut | words)


def test_a_good_run_and_its_report(workplace, monkeypatch, capsys):
    code, out, err = main(monkeypatch, capsys, "walk-forward", "good.toml")
    assert (code, err) == (0, "")
    wf = expected()
    assert pl.read_parquet("out/report/chosen_trades.parquet").equals(wf.runs["chosen"].trades)
    for words in ("SYNTHETIC MARKET", "Folds, chosen by sharpe in training", "How much is luck", "report: out/report/index.html", "chosen"):
        assert words in out
    code, _, err = main(monkeypatch, capsys, "walk-forward", "good.toml")
    assert code == 2
    assert "resume" in err
    assert main(monkeypatch, capsys, "walk-forward", "good.toml", "--resume")[0] == 0


def test_learning_and_workers(workplace, monkeypatch, capsys):
    """With the section learning the three steps of the pipeline run too; two processes give what one gives."""
    (workplace / "ml.toml").write_text(GOOD.replace("days = 60", "days = 45").replace("15min", "5min") + "workers = 2\n" + LEARNING)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code, out, err = main(monkeypatch, capsys, "walk-forward", "ml.toml", "--out", "ml")
    assert (code, err) == (0, "")
    learning = Learning(min_labels=50, trees=5, trials=1, models=("lightgbm",), embargo_bars=4, features=("rsi(14)", "move(5)"))
    wf = expected(45, "5min", esbt.AtrStrategy(fast=3, slow=8), models=pipeline_steps(learning))
    assert "1" in wf.facts["value"][0]
    for step in STEPS:
        assert step in out
    assert pl.read_parquet("ml/report/ml_size_trades.parquet").equals(wf.runs["ML: + size"].trades)


def test_a_dry_run_shows_the_windows_and_writes_nothing(workplace, monkeypatch, capsys):
    before = sorted(workplace.iterdir())
    code, out, _ = main(monkeypatch, capsys, "walk-forward", "good.toml", "--dry-run")
    assert code == 0
    assert "4 folds" in out
    assert "2022-01-03" in out
    assert sorted(workplace.iterdir()) == before


def test_models_of_the_section():
    assert models_of(None) == ()
    assert [model.phases for model in models_of({})] == [1, 2, 3]
    with pytest.raises(EsbtError, match="learning: unknown parameter 'treees'; did you mean 'trees'"):
        models_of({"treees": 5})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace('train = "25 sessions"', 'train = "24mo"'), "train=24mo, embargo=1 session and test=10 sessions do not fit the bars"),
        (GOOD.replace('train = "25 sessions"', 'trian = "25 sessions"'), "unknown parameter 'trian'; did you mean 'train'?"),
        (GOOD + 'metric = "sharp"', "unknown metric 'sharp'; did you mean 'sharpe'?"),
        (GOOD + 'method = "random"', "lanes is how many to draw"),
        (GOOD + "[learning]\ntrees = 0", "learning: trees"),
        (GOOD + '[strategy]\nstop_atr = "off"\nstop_ticks = 9\n[learning]\n', "learns the stop: stop_atr cannot be off"),
        (GOOD.replace("[space]", "[space]\nfats = [1]"), "unknown axis 'fats'"),
        ('finer = "f.csv"\n' + GOOD, "finer"),
    ],
)
def test_bad_input_is_one_line_and_code_2(workplace, monkeypatch, capsys, text, said):
    (workplace / "bad.toml").write_text(text)
    code, _, err = main(monkeypatch, capsys, "walk-forward", "bad.toml")
    assert code == 2
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not (workplace / "out").exists()


def test_a_missing_file(workplace, monkeypatch, capsys):
    code, _, err = main(monkeypatch, capsys, "walk-forward", "none.toml")
    assert code == 2
    assert "config 'none.toml' cannot be read" in err
    assert load_walk_forward_config("good.toml", out="b").out == "b"


def test_ctrl_c_keeps_finished_folds(workplace, monkeypatch, capsys):
    """SIGINT in the middle: code 130, a hint; --resume ends at the result of an undisturbed run."""
    slow = GOOD.replace("days = 60", "days = 400").replace(
        "fast = [3, 5]", "fast = [3, 4, 5, 6, 7, 8, 9, 10, 11]\nslow = [20, 22, 24, 26, 28]"
    )
    (workplace / "slow.toml").write_text(slow)
    child = subprocess.Popen([*CALL, "walk-forward", "slow.toml"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    folder = workplace / "out" / "parts"
    while child.poll() is None and len(list(folder.glob("part-*"))) < 2:
        time.sleep(0.001)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate()
    assert child.returncode == 130, said
    assert "go on with --resume" in said
    kept = len(list(folder.glob("part-*")))
    assert 2 <= kept < 38
    assert main(monkeypatch, capsys, "walk-forward", "slow.toml", "--resume")[0] == 0
    assert main(monkeypatch, capsys, "walk-forward", "slow.toml", "--out", "b")[0] == 0
    assert pl.read_parquet("out/report/chosen_trades.parquet").equals(pl.read_parquet("b/report/chosen_trades.parquet"))
