"""The pipeline under audit: it passes, and a leak planted in its features or its learning is found at that stage; and the command."""

import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from command_helpers import main
from learning_helpers import market, quick

import esbt
from python_models import RunConfig
from python_models.audited import audit_run

AUDITED = sys.modules["python_models.audited"]
CONFIG = RunConfig(learning=quick(test_fraction=0.4))
FAST = {"cuts": 4, "shuffles": 3}


@pytest.fixture(scope="module")
def whole():
    return audit_run(CONFIG, bars=market(), **FAST)


def test_the_pipeline_passes_every_check(whole) -> None:
    assert whole.passed, str(whole)
    assert whole.frame.select("test", "stage").rows() == [
        ("prefix", "features"),
        ("prefix", "signals"),
        ("prefix", "model decisions"),
        ("prefix", "trades"),
        ("prefix", "learning"),
        ("delayed entry", "trades"),
        ("shuffled labels", "edge"),
    ]
    assert whole.frame["passed"].to_list() == [True] * 7
    assert whole.delays["trades"][0] > 20


def columns_with(column):
    """The pipeline's features, the first of them replaced by `column(bars)`."""

    def features(bars, names):
        own = esbt.features(bars, names)
        matrix = np.array(own.matrix)
        matrix[0] = column(bars)
        return replace(own, matrix=matrix)

    return features


def over_all(bars):
    return (bars.close - bars.close.mean()) / bars.close.std()


def outcome(bars):
    return np.sign(np.concatenate((bars.close[20:], np.full(20, bars.close[-1]))) - bars.close)


@pytest.mark.parametrize("column", [over_all, outcome])
def test_a_leaking_feature_is_named_and_what_follows_is_not(monkeypatch, column) -> None:
    monkeypatch.setattr(AUDITED, "features", columns_with(column))
    found = audit_run(CONFIG, bars=market(), **FAST)
    named = {(one.stage, one.column) for one in found.findings if one.test == "prefix" and one.stage != "learning"}
    assert named == {("features", CONFIG.learning.features[0])}


def test_learning_that_sees_the_test_time_is_named(monkeypatch) -> None:
    """A threshold moved by what the test time's last close was: no feature and no signal looks ahead, only learning."""
    real, all_bars = AUDITED.learn, {}

    def learn(training):
        learned = real(training)
        last = all_bars["now"].close[-1]
        model = learned.model
        learned.model = lambda columns, **words: replace(model(columns, **words), calibration=(1.0, float(last) / 1e4))
        return learned

    run = AUDITED._Run.learned

    def remembered(self, columns, bars=None):
        all_bars["now"] = bars or self.bars
        return run(self, columns, bars)

    monkeypatch.setattr(AUDITED._Run, "learned", remembered)
    monkeypatch.setattr(AUDITED, "learn", learn)
    found = audit_run(CONFIG, bars=market(), **FAST)
    [finding] = [one for one in found.findings if one.test == "prefix"]
    assert (finding.stage, finding.column) == ("learning", "confidence")
    assert "another model is learned: it looks ahead" in finding.text


def test_a_model_from_elsewhere_is_found_by_shuffled_labels(monkeypatch) -> None:
    """Learning that gives a model fitted to the test time, whatever it is taught: a cache that was never emptied."""
    bars, real = market(), AUDITED.learn
    late = CONFIG.learning.model_copy(update={"calibration_fraction": 0.3})

    def learn(training):
        own = training
        whole = esbt.features(bars, CONFIG.learning.features)
        return real(replace(own, bars=bars[30_000:], features=whole[30_000:], learning=late))

    monkeypatch.setattr(AUDITED, "learn", learn)
    found = audit_run(CONFIG, bars=bars, **FAST)
    assert ("shuffled labels", "edge") in {(one.test, one.stage) for one in found.findings}


def test_too_little_data_is_not_judged() -> None:
    found = audit_run(RunConfig(), bars=market()[:4_000], cuts=3)
    assert found.passed
    learning = found.frame.filter(pl.col("stage") == "learning")
    assert learning["passed"].to_list() == [None, None]
    assert "left out" in learning["text"][0]


# --- the command ---------------------------------------------------------------------------------------------------------------------

TOML = """
[synthetic]
days = 20
interval = "5min"
seed = 3
"""
RULES = """
import numpy as np
import esbt

def honest(bars):
    return esbt.AtrStrategy().signals(bars)

def early(bars):
    return np.append(honest(bars)[1:], np.int8(0))

number = 3
"""


@pytest.fixture
def files(tmp_path):
    config, rules = tmp_path / "run.toml", tmp_path / "rules.py"
    config.write_text(TOML)
    rules.write_text(RULES)
    return str(config), str(rules)


def test_the_command_ends_in_0_without_and_1_with_a_leak(files, monkeypatch, capsys) -> None:
    config, rules = files
    code, out, _ = main(monkeypatch, capsys, "audit", config, "--strategy", f"{rules}:honest")
    assert code == 0
    assert "No leak found" in out
    assert "Profit by delay of entry" in out
    code, out, _ = main(monkeypatch, capsys, "audit", config, "--strategy", f"{rules}:early")
    assert code == 1
    assert "LEAK: " in out
    assert "prefix, signals: column 'side' at bar" in out


def test_the_command_audits_the_configured_run(files, monkeypatch, capsys) -> None:
    code, out, _ = main(monkeypatch, capsys, "audit", files[0], "--cuts", "3")
    assert code == 0
    assert "prefix, features: passed" in out
    assert "prefix, learning: not judged" in out


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("rules", "give a file and a function in it"),
        ("none.py:f", "there is no file"),
        ("{rules}:honst", "did you mean 'honest'"),
        ("{rules}:number", "not a function"),
    ],
)
def test_bad_words_end_in_2(files, monkeypatch, capsys, word, message) -> None:
    code, _, err = main(monkeypatch, capsys, "audit", files[0], "--strategy", word.replace("{rules}", files[1]))
    assert code == 2
    assert message in " ".join(err.split())
