"""The command line: a good run ends with 0 and a report; bad input with 2, one line on standard error, and nothing written; Ctrl-C with
130, and no half of a file.

Most bad input goes through `main` in this process; what only a process can show, exit codes and signals, through one of its own.
"""

import json
import signal
import subprocess
import sys
import textwrap

import pytest
from command_helpers import CALL, main
from learning_helpers import ONE_THREAD, market

SMALL = """
[synthetic]
days = 40
edge = 1
[learning]
min_labels = 50
trees = 40
trials = 2
folds = 2
network_epochs = 3
embargo_bars = 24
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty working directory with a good small configuration in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def call(*words, cwd):
    """(exit code, stdout, stderr) of a process of its own."""
    done = subprocess.run([*CALL, *words], cwd=cwd, env=ONE_THREAD, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def contents(folder):
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_good_run(workplace):
    """Exit code 0, tables on standard output, nothing on standard error, and a page in the folder named."""
    code, out, err = call("run", "--config", "small.toml", "--out", "report", cwd=workplace)
    assert (code, err) == (0, "")
    assert "SYNTHETIC MARKET" in out
    assert "Sharpe" in out
    assert "SYNTHETIC" in (workplace / "report" / "index.html").read_text("utf-8")
    assert json.loads((workplace / "report" / "metrics.json").read_text("utf-8"))["synthetic"] is True
    assert names(workplace) == ["report", "small.toml"]


def test_a_good_run_on_a_file(workplace, monkeypatch, capsys):
    """--data, --instrument and --out over what the configuration says; nothing synthetic about it."""
    frame = market(days=5, edge=0.0, seed=1, interval="5min").frame
    frame.select("ts", "open", "high", "low", "close", "volume").rename({"ts": "ts_event"}).write_parquet("bars.parquet")
    words = ("--config", "small.toml", "--data", "bars.parquet", "--instrument", "MES", "--out", "r")
    code, printed, err = main(monkeypatch, capsys, "run", *words)
    assert (code or 0, err) == (0, "")
    assert "SYNTHETIC" not in printed
    assert "SYNTHETIC" not in (workplace / "r" / "index.html").read_text("utf-8")
    said = json.loads((workplace / "r" / "metrics.json").read_text("utf-8"))
    assert said["synthetic"] is False
    baseline = said["runs"]["baseline"]
    assert baseline["settings"]["instrument"] == "MES"
    assert "bars.parquet" in baseline["bars_source"]


CSV = "ts_event,open,high,low,close,volume\n"
BAD = {
    "no such data": (["--data", "missing.parquet"], {}, "missing.parquet"),
    "data is a folder": (["--data", "."], {}, ""),
    "data of another kind": (["--data", "bars.xyz"], {"bars.xyz": "?"}, "bars.xyz"),
    "empty data": (["--data", "bars.csv"], {"bars.csv": CSV}, "bars.csv"),
    "high below low": (["--data", "bars.csv"], {"bars.csv": f"{CSV}2024-03-04T15:00:00Z,5000,4999,5001,5000,1\n"}, "high"),
    "brackets in the name": (["--data", "bars[es].parquet"], {}, "bars[es].parquet"),
    "a closing tag in the name": (["--data", "no[/such].parquet"], {}, "no[/such].parquet"),
    "unknown instrument": (["--instrument", "EZ"], {}, "unknown instrument 'EZ'"),
    "unknown instrument of a file": (["--data", "bars.csv", "--instrument", "EZ"], {"bars.csv": CSV}, "unknown instrument 'EZ'"),
    "no such config": (["--config", "missing.toml"], {}, "config 'missing.toml' cannot be read"),
    "config that is no TOML": (["--config", "bad.toml"], {"bad.toml": "[strategy"}, "config 'bad.toml' cannot be read"),
    "unknown parameter": (["--config", "bad.toml"], {"bad.toml": "[strategy]\nfats = 3"}, "did you mean 'fast'"),
    "contradiction": (["--config", "bad.toml"], {"bad.toml": "[strategy]\nfast = 99"}, "fast must be below slow, got fast=99 and slow=26"),
    "two faults": (["--config", "bad.toml"], {"bad.toml": "[strategy]\nfast = 0\nside = 'up'"}, "side: should be"),
    "out is a file": (["--out", "taken"], {"taken": "precious"}, "out 'taken' is a file: name a folder"),
    "out is below a file": (["--out", "taken/below"], {"taken": "precious"}, "taken"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_code_2(workplace, monkeypatch, capsys, name):
    """The words expected on standard error, in one line; nothing written; what was there untouched."""
    words, files, expected = BAD[name]
    for file, text in files.items():
        (workplace / file).write_text(text)
    before = contents(workplace)
    config = [] if "--config" in words else ["--config", "small.toml"]
    code, out, err = main(monkeypatch, capsys, "run", *config, *words)
    assert code == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert expected in err
    assert "Traceback" not in out + err
    assert contents(workplace) == before


def test_a_bad_configuration_in_a_process(workplace):
    (workplace / "bad.toml").write_text("[strategy]\nfats = 3\n")
    code, out, err = call("run", "--config", "bad.toml", cwd=workplace)
    assert (code, out) == (2, "")
    assert err.startswith("error: config 'bad.toml'")
    assert err.count("\n") == 1
    assert names(workplace) == ["bad.toml", "small.toml"]


@pytest.mark.parametrize("words", [["run", "--dta", "x"], ["rum"], ["run", "extra"]])
def test_unknown_words_of_the_command_line(workplace, monkeypatch, capsys, words):
    code, out, err = main(monkeypatch, capsys, *words)
    assert code == 2
    assert words[1] in err if len(words) > 1 else words[0] in err
    assert "Traceback" not in out + err
    assert names(workplace) == ["small.toml"]


def test_help(monkeypatch, capsys):
    code, out, _ = main(monkeypatch, capsys, "run", "--help")
    assert code == 0
    for option in ("--data", "--instrument", "--contract", "--config", "--out"):
        assert option in out


# --- Ctrl-C --------------------------------------------------------------------------------------------------------------------------


def test_ctrl_c_while_learning(workplace):
    """The signal comes from outside, in the middle of the work: code 130, no traceback, nothing written."""
    script = """
        import sys, python_models
        from esbt.cli import main
        pipeline = sys.modules["python_models.pipeline"]
        learn = pipeline.learn
        def slow(training):
            print("learning", flush=True)
            while True:
                learn(training)
        pipeline.learn = slow
        main()
    """
    words = [sys.executable, "-c", textwrap.dedent(script), "run", "--config", "small.toml", "--out", "report"]
    with subprocess.Popen(words, cwd=workplace, env=ONE_THREAD, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            while line and "learning" not in line:
                line = process.stdout.readline()
            assert line, process.stderr.read()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert names(workplace) == ["small.toml"]


@pytest.mark.parametrize("files", [0, 8])
def test_ctrl_c_while_writing(workplace, files):
    """The signal comes with half of a file written, after `files` whole ones: what is there is whole, there is no scrap and no page."""
    script = f"""
        import os, signal, pathlib
        from esbt.cli import main
        count, replace = 0, pathlib.Path.replace
        def half_then_signal(self, target):
            global count
            if count == {files}:
                content = self.read_bytes()
                self.write_bytes(content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGINT)
            count += 1
            return replace(self, target)
        pathlib.Path.replace = half_then_signal
        main()
    """
    words = [sys.executable, "-c", textwrap.dedent(script), "run", "--config", "small.toml", "--out", "report"]
    done = subprocess.run(words, cwd=workplace, env=ONE_THREAD, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    there = sorted(path for path in (workplace / "report").rglob("*") if path.is_file() and path.suffix != ".journal")
    assert len(there) == files
    assert not any(path.name.startswith(".") or path.name == "index.html" for path in there)
    for path in there:
        if path.suffix == ".png":
            assert path.read_bytes().endswith(b"IEND\xaeB`\x82")


def test_ctrl_c_leaves_the_last_report_as_it_was(workplace):
    """A second run into the same folder, stopped while it learns: the first report stands, byte for byte."""
    folder = workplace / "report"
    folder.mkdir()
    (folder / "index.html").write_text("the first")
    script = """
        import os, signal, sys, python_models
        from esbt.cli import main
        sys.modules["python_models.pipeline"].learn = lambda training: os.kill(os.getpid(), signal.SIGINT)
        main()
    """
    words = [sys.executable, "-c", textwrap.dedent(script), "run", "--config", "small.toml", "--out", "report"]
    done = subprocess.run(words, cwd=workplace, env=ONE_THREAD, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 130
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("index.html", "the first")]
