"""The learning part of the report: ablation deltas are the metrics', pictures are those of what is given, and they are drawn."""

import contextlib
import io
import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from fake_runs import fake_run
from sklearn.metrics import roc_auc_score

import esbt
from esbt.errors import EsbtError
from esbt.report import TARGETS, write_report
from python_models.ablation import ablation, ablation_table, sharpe_difference
from python_models.cross_validation import PurgedKFold
from python_models.ensemble import Blend, Stacked
from python_models.learners import Learner, Sample
from python_models.learning_pages import CAPTIONS, TRAINING, ModelFacts, blend_table, explained, learning_pages
from python_models.network import NetworkLearner
from python_models.question_facts import question_facts
from python_models.reliability import reliability_table
from python_models.trials import Trials
from python_models.tuning import Tuned

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def runs():
    return {"baseline": fake_run(seed=3), "+1": fake_run(seed=3, edge=40.0), "all": fake_run(seed=4, edge=200.0)}


@pytest.fixture(scope="module")
def facts():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    y = (x[:, 1] + rng.normal(size=300) > 0).astype(float)
    forest = Learner("xgboost").fit(Sample(x, y), {"trees": 10, "eta": 0.3, "max_depth": 2})
    curve = pl.DataFrame({"share": [0.5, 1.0], "rows": [50, 100], "train_score": [0.9, 0.8], "held_out_score": [0.6, 0.7]})
    tried = [{"trees": float(k), "eta": 10.0**-k} for k in range(6)]
    trials = Trials([0.5, math.nan, 0.6, 0.55, 0.7, 0.65], True, "ROC AUC", tried, frozenset({"eta"}))
    one = explained("Phase 2, XGBoost", forest, x, NAMES, score_name="ROC AUC")
    two = explained("Phase 2, network", lambda rows: rows[:, 1].astype(float), x, NAMES, y=y, score=lambda a, b: float(roc_auc_score(a, b)))
    return [
        ModelFacts(one.name, one.shap, one.gain, None, curve, trials, score="ROC AUC"),
        ModelFacts(two.name, permutation=two.permutation, losses=[0.7, 0.6, 0.65]),
    ]


def test_deltas_are_those_of_the_metrics(runs):
    table = ablation(runs, replications=100)
    assert table["run"].to_list() == list(runs)
    for row, run in zip(table.rows(named=True), runs.values(), strict=True):
        assert row["trades"] == len(run.trades)
        for target in TARGETS:
            assert row[target.name] == run.metrics[target.name]
            assert row[f"delta_{target.name}"] == run.metrics[target.name] - runs["baseline"].metrics[target.name]
    assert [math.isnan(low) for low in table["sharpe_low"]] == [True, False, False]
    assert table["sharpe_low"][2] < table["delta_sharpe"][2] < table["sharpe_high"][2]
    assert table["sharpe_low"][2] > 0  # an edge of 200 USD a trade is no chance


def test_the_table_for_people_says_the_same(runs):
    found = ablation(runs, replications=100)
    table = ablation_table(found)
    assert table.columns == ["Target", *runs]
    rows = {row[0]: row[1:] for row in table.rows()}
    assert list(rows) == [*(target.label for target in TARGETS), "Sharpe difference, 95 % interval", "Trades"]
    one, base = runs["all"].metrics, runs["baseline"].metrics
    assert rows["Sharpe ratio"][2] == f"{one['sharpe']:.2f} ({one['sharpe'] - base['sharpe']:+.2f})"
    assert rows["Win rate"][0] == f"{100 * base['win_rate']:.2f} %"
    assert rows["Win rate"][2] == f"{100 * one['win_rate']:.2f} % ({100 * (one['win_rate'] - base['win_rate']):+.2f})"
    assert rows["Trades"] == ("200", "200", "200")
    assert rows["Sharpe difference, 95 % interval"][2] == f"{found['sharpe_low'][2]:+.2f} to {found['sharpe_high'][2]:+.2f}"


def test_sessions_are_drawn_in_pairs():
    """A run and its double: every replicate has the same Sharpe, so the interval is a point; drawn apart it would be wide."""
    base = fake_run(seed=5)
    twice = fake_run(seed=5)
    twice.daily = base.daily.with_columns(pl.col("return") * 2)
    same = sharpe_difference(base, twice, replications=100)
    assert (same.low, same.estimate, same.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)
    other = sharpe_difference(base, fake_run(seed=6), replications=200)
    assert other.high - other.low > 1.0
    assert other.estimate == pytest.approx(fake_run(seed=6).metrics["sharpe"] - base.metrics["sharpe"])


def test_runs_without_a_sharpe_and_of_other_sessions():
    base, idle = fake_run(seed=5), fake_run(seed=5, trades=0)
    assert math.isnan(sharpe_difference(base, idle, replications=100).low)
    assert "n/a" in ablation_table(ablation({"baseline": base, "idle": idle}, replications=100))["idle"].to_list()
    few = sharpe_difference(fake_run(seed=5, sessions=9), fake_run(seed=6, sessions=9))
    assert math.isfinite(few.estimate)
    assert math.isnan(few.low)
    with pytest.raises(EsbtError, match="cannot be paired"):
        sharpe_difference(base, fake_run(sessions=40))
    with pytest.raises(EsbtError, match="baseline first"):
        ablation({})


def test_real_runs_on_a_real_loop():
    """Two backtests of one market: the frames of `esbt.Result` fit."""
    bars = esbt.synthetic_bars(days=40)
    runs = {"baseline": esbt.backtest(bars, esbt.AtrStrategy()), "wider": esbt.backtest(bars, esbt.AtrStrategy(stop_atr=4.0))}
    table = ablation(runs, replications=100)
    assert table["delta_sharpe"][1] == runs["wider"].metrics["sharpe"] - runs["baseline"].metrics["sharpe"] != 0
    assert math.isfinite(table["sharpe_low"][1])


def test_pages_hold_what_is_given_and_nothing_else(facts, runs):
    assert learning_pages() == learning_pages(runs={"baseline": runs["baseline"]})
    assert learning_pages().figures == {}
    pages = learning_pages(facts)
    own, network = ["shap", "curve", "trials", "parameters"], ["permutation", "epochs"]
    assert list(pages.figures) == [*(f"Phase 2, XGBoost {k}" for k in own), *(f"Phase 2, network {k}" for k in network)]
    assert pages.tables == {}
    assert {p.section for p in pages.figures.values()} == {"Learning: Phase 2, XGBoost", "Learning: Phase 2, network"}
    assert all(p.caption.endswith(TRAINING) for p in pages.figures.values())
    assert all(not p.figure.get_suptitle().startswith("SYNTHETIC") for p in pages.figures.values())
    with pytest.raises(EsbtError, match="one name"):
        learning_pages([facts[0], facts[0]])


def test_the_whole_learning_part_in_a_report(facts, runs, tmp_path):
    p = np.random.default_rng(1).random(400)
    rel = {"raw": reliability_table(p, p > 0.5), "calibrated": reliability_table(p**2, p > 0.5, bins=3)}
    blend = blend_table(["XGBoost", "network"], (0.75, 0.25), (0.24, 0.25, 0.23))
    pages = learning_pages(facts, reliability=rel, folds={"AUC": blend}, blends={"phase 2": blend}, runs=runs, synthetic=True)
    assert all(own.figure.get_suptitle().startswith("SYNTHETIC") for own in pages.figures.values())
    assert pages.figures["reliability"].caption == CAPTIONS["reliability"]
    page = write_report(tmp_path / "out", runs, title="ES", tables=pages.tables, figures=pages.figures).read_text()
    for name in ("ablation", "reliability", "phase_2_xgboost_shap", "phase_2_network_epochs"):
        assert (tmp_path / "out" / "charts" / f"{name}.png").stat().st_size > 10_000
        assert f'id="chart-{name}"' in page
    for heading in (*pages.tables, "What each phase adds", "Confidence", "Learning: Phase 2, network"):
        assert f"<h2>{heading}</h2>" in page
    assert page.index("<h2>Reliability, raw</h2>") < page.index("<h2>Confidence</h2>") < page.index("<h2>Settings and costs</h2>")


def test_odd_facts_are_drawn():
    """All pruned, a constant feature, missing throughout, one bin, one row, every value alike."""
    y, zero = np.arange(60) % 2, np.zeros((60, 2), np.float32)
    shap = explained("m", Learner().fit(Sample(zero, y), {"trees": 2}), zero[:1], "ab")
    missing = explained("n", Learner().fit(Sample(zero * np.nan, y), {"trees": 2}), zero[:9] * np.nan, "ab")
    odd = ModelFacts("o", trials=Trials([math.nan, math.nan], True, "s", [{"a": 1.0}, {"a": 2.0}]), losses=[0.5])
    flat = ModelFacts("p", trials=Trials([0.5] * 6, False, "s", [{"a": 1.0}] * 6))
    pages = learning_pages([shap, missing, odd, flat], reliability={"one": reliability_table([0.5] * 9, [1] * 9)})
    assert "o parameters" not in pages.figures
    for own in pages.figures.values():
        own.figure.canvas.draw()


def test_refused():
    with pytest.raises(EsbtError, match="no forest"):
        explained("net", lambda x: x[:, 0], np.zeros((5, 2), np.float32), ("a", "b"))
    with pytest.raises(EsbtError, match="2 members"):
        blend_table(["a", "b"], [1.0], [0.1, 0.2, 0.3])


def test_the_page_prints_what_it_says_and_names_every_picture():
    text = (Path(__file__).parents[1] / "docs" / "learning_report.md").read_text("utf-8")
    (_, code), (_, expected) = re.findall(r"^```(python|text)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "learning_report.md", "exec"), {})
    assert out.getvalue() == expected
    named = {name.split(",")[0] for name in re.findall(r"^\| ([\w, ]+) \|", text, re.MULTILINE)} - {"picture"}
    assert named == CAPTIONS.keys()


@pytest.mark.parametrize("objective", ["binary", "quantile"])
def test_facts_of_a_question(objective):
    """From what tuning and stacking leave: every model's pictures, the folds' scores over rows with an answer, the blend's row."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(240, 3)).astype(np.float32)
    x[5, 0] = np.nan  # the network has no answer there
    y = x[:, 1] + 0.5 * rng.normal(size=240)
    sample = Sample(x, (y > 0).astype(float) if objective == "binary" else y, start=np.arange(240) * 3, end=np.arange(240) * 3 + 4)
    splitter = PurgedKFold(sample.start, sample.end, 2, embargo_bars=2)
    parameters = {"trees": 8, "learning_rate": 0.3, "num_leaves": 4, "min_data_in_leaf": 5}
    forest = Tuned(Learner("lightgbm", objective), parameters, 0.5, (0.5, math.nan))
    network = _NetworkTuned(NetworkLearner(objective=objective, hidden=(4,), epochs=3, held_back=0.35))
    tuned = {"lightgbm": forest, "network": network}
    margins = np.column_stack([np.nan_to_num(x[:, 1]), np.where(np.isnan(x).any(axis=1), np.nan, x[:, 1])])
    blend = Blend((0.5, 0.5), objective)
    evidence = SimpleNamespace(
        sample=sample,
        folds=list(splitter.split(x, sample.y)),
        stacked=Stacked(blend, margins, (0.2, 0.3, 0.25)),
        tuned=tuned,
        epochs=(0.7, 0.6, 0.65),
    )
    members = {"lightgbm": forest.fit(sample), "network": None}
    when = np.datetime64("2024-01-01") + np.arange(240)
    found = question_facts("Stop", evidence, members, NAMES, when=when, embargo_bars=1)
    first, second = found.models
    assert (first.name, second.name) == ("Stop: LightGBM", "Stop: network")
    assert first.score == second.score == ("ROC AUC" if objective == "binary" else "minus pinball loss")
    assert first.shap.table["feature"][0] == first.gain["feature"][0] == "b"
    assert len(first.curve) == 5
    assert first.trials.log == {"learning_rate", "num_leaves", "min_data_in_leaf", "lambda_l2"}
    assert first.trials.more_is_better is (objective == "binary")
    assert second.shap is None
    assert second.losses == [0.7, 0.6, 0.65]
    assert sorted(second.permutation["feature"]) == list(NAMES)
    assert found.folds.columns[-3:] == ["LightGBM", "network", "blend"]
    learner, sign = Learner("lightgbm", objective), 1 if objective == "binary" else -1
    for row, (_, test) in zip(found.folds.rows(named=True), evidence.folds, strict=True):
        known = test[np.isfinite(margins[test, 1])]
        assert row["network"] == pytest.approx(sign * learner.score(sample.y[known], margins[known, 1]))
        assert str(row["first"]) == str(when[test[0]])
    assert found.blend["member"].to_list() == ["LightGBM", "network", "blend"]


class _NetworkTuned:
    """A network as tuning leaves it, with the parameters it had."""

    def __init__(self, own):
        self.own, self.values = own, (0.5,)

    @property
    def learner(self):
        own = Learner("lightgbm", self.own.objective)
        return SimpleNamespace(objective=own.objective, more_is_better=own.more_is_better, score=own.score, space=dict)

    def fit(self, sample):
        return self.own.fit(sample)

    def margins(self, sample, x):
        return self.own.margins(sample, x)
