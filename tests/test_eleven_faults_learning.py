"""Faults 1 and 7 to 11 of the eleven (learning, ratios, walk forward, fallback, heat): each test states what is honest, and fails if the
fault came in."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from learning_helpers import LEARN, GivenBars, changed_bars, fixed_answers, market, quick, quick_run, same_model, without_report

import esbt
from esbt import cli, metrics
from esbt.errors import EsbtError
from python_models import Labels, Market, RunConfig, TradingSystemPipeline
from python_models.boosting import feature_rows
from python_models.calibration import FITS
from python_models.position_sizer import portfolio_heat
from python_models.stop_targets import StopTarget


@pytest.fixture
def seen(monkeypatch):
    """Every call of the learning steps with its labels, in order: (step, labels, other arguments)."""
    quick_run()  # cached, so that its own learning is not among the calls
    calls = []

    def spied(step):
        real = getattr(LEARN, step)

        def spy(*args, **words):
            labels = next(getattr(a, "labels", a) for a in args if isinstance(a, Labels | StopTarget))
            made = real(*args, **words)
            calls.append((step, labels, args, made))
            return made

        return spy

    for step in ("fit_stop", "fit_confidence", "calibrate"):
        monkeypatch.setattr(LEARN, step, spied(step))
    return calls


def in_order(labels):
    return bool((np.diff(labels.signal_bar) > 0).all())


# --- fault 1 -------------------------------------------------------------------------------------------------------------------------


def test_fault_1_training_rows_all_lie_before_the_test_time(monkeypatch, seen):
    """Fault 1: a shuffled split. Every row any model is fitted or calibrated on, and all that its label looked at, ends an embargo
    before the first bar judged; and the rows of each step are in order of time."""
    without_report(monkeypatch)
    learning = quick()
    result = GivenBars(market(), RunConfig(learning=learning)).run_complete_pipeline()
    first_judged = int(np.searchsorted(market().ts, result.runs["baseline"].bars.ts[0]))
    assert [step for step, *_ in seen] == ["fit_stop", "fit_confidence", "calibrate"]
    for _, labels, *_ in seen:
        assert labels.count > 100
        assert in_order(labels)
        assert labels.end_bar.max() < first_judged - learning.embargo_bars
        assert (labels.end_bar > labels.signal_bar).all()


def test_fault_1_folds_are_purged(seen):
    """Fault 1, second half: neighbours that share the bars of their labels. In both ensembles no fold's models are fitted on a row whose
    span meets a span of the rows they then predict, nor on one that starts within the embargo after that."""
    *_, training, _, _ = quick_run()
    learned = LEARN.learn(training)
    assert list(learned.evidence) == ["stop", "confidence"]
    for own in learned.evidence.values():
        start, end = own.sample.start, own.sample.end
        assert len(own.folds) == training.learning.folds
        assert sorted(np.concatenate([test for _, test in own.folds])) == list(range(len(start)))
        for train, test in own.folds:
            assert train.size > 50
            for first, last in zip(start[test], end[test], strict=True):
                assert ((end[train] < first) | (start[train] > last + training.learning.embargo_bars)).all()


@pytest.mark.parametrize("reevaluate", [True, False])
def test_fault_1_outcomes_of_a_fold_meet_no_row_its_stop_was_fitted_on(seen, reevaluate):
    """The same of what phase 2 learns from: the outcome under the cross-fitted stop, which may last longer than the label of phase 1 did,
    shares no bar with any label that stop was fitted on. With no embargo at all: the purge must do it alone."""
    *_, given, _, _ = quick_run()
    training = replace(given, learning=quick(embargo_bars=0, reevaluate=reevaluate))
    stop = LEARN.learn(training).evidence["stop"]
    (outcomes,) = [labels for step, labels, *_ in seen if step == "fit_confidence"]
    fitting, _ = training.windows()
    edges = [fitting.start, *(int(stop.sample.start[test[0]]) for _, test in stop.folds[1:]), fitting.stop]
    for (train, _), start, stop_bar in zip(stop.folds, edges, edges[1:], strict=False):
        own = outcomes.where((outcomes.signal_bar >= start) & (outcomes.signal_bar < stop_bar))
        assert own.count > 50
        assert own.end_bar.max() < stop_bar
        for first, last in zip(own.signal_bar, own.end_bar, strict=True):
            assert ((stop.sample.end[train] < first) | (stop.sample.start[train] > last)).all()


# --- fault 7 -------------------------------------------------------------------------------------------------------------------------

RED_ROCK = np.array([0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04])  # Rollinger and Hoffman, Red Rock Capital: Sortino 4.417


def test_fault_7_sortino_is_the_published_number():
    """Fault 7: CAGR over the deviation of the negative returns. The paper's example is 4.417; the mean by that recipe is 14.14, and growth
    by it another number again."""
    ours = metrics.sortino(RED_ROCK, periods_per_year=1)
    assert ours == pytest.approx(4.417, abs=5e-4)
    of_negatives = RED_ROCK[RED_ROCK < 0].std(ddof=1)
    growth = np.prod(1 + RED_ROCK) ** (1 / len(RED_ROCK)) - 1
    for wrong in (RED_ROCK.mean() / of_negatives, growth / of_negatives):
        assert abs(ours - wrong) > 5


def test_fault_7_sharpe_is_the_mean_over_the_deviation():
    """Fault 7: CAGR over volatility. Of +4 % and -3 % in turn it is mean / deviation x sqrt(252), and growth over volatility is not."""
    returns = np.tile([0.04, -0.03], 126)
    growth = np.prod(1 + returns) - 1
    assert metrics.sharpe(returns) == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252), rel=1e-12)
    assert abs(metrics.sharpe(returns) - growth / (returns.std(ddof=1) * math.sqrt(252))) > 0.1


def test_fault_7_a_run_uses_sessions_and_252(monkeypatch):
    """And per-minute annualisation: the ratios of a run are of its session returns, 252 a year, not of its bars."""
    without_report(monkeypatch)
    result = GivenBars(market(), RunConfig(learning=quick())).run_complete_pipeline()
    for run in result.runs.values():
        returns = run.daily["return"].to_numpy()
        assert len(returns) == len(np.unique(run.bars.session))
        assert run.metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252), rel=1e-9)
        downside = math.sqrt(np.mean(np.minimum(returns, 0.0) ** 2))
        assert run.metrics["sortino"] == pytest.approx(returns.mean() / downside * math.sqrt(252), rel=1e-9)


# --- fault 8 -------------------------------------------------------------------------------------------------------------------------


def trained_on(bars, start, stop):
    """Learning from bars [start, stop) and nothing else."""
    window = bars[start:stop]
    config = RunConfig(learning=quick())
    columns = esbt.features(window, config.learning.features)
    return LEARN.learn(LEARN.Training(window, columns, config.strategy, config.account, config.learning))


def test_fault_8_a_later_window_gives_a_model_of_that_window():
    """Fault 8: a walk forward that never retrains. Two windows give two models; each is what it is whatever stands outside its window, and
    whatever was learned before it."""
    bars = market()
    half = len(bars) // 2
    first, second = (0, half), (half, len(bars))
    early, late = trained_on(bars, *first), trained_on(bars, *second)
    assert early.size is not None
    assert late.size is not None
    assert not np.array_equal(fixed_answers(early), fixed_answers(late))
    assert same_model(trained_on(bars, *first), early)  # nothing stayed behind from the later one
    assert same_model(trained_on(changed_bars(bars, half), *first), early)
    assert same_model(trained_on(changed_bars(bars, 0, half), *second), late)
    assert not same_model(trained_on(changed_bars(bars, half), *second), late)


# --- fault 9 -------------------------------------------------------------------------------------------------------------------------


def test_fault_9_calibration_is_later_than_fitting_after_the_embargo(seen):
    """Fault 9: calibration on stratified folds of the training rows. Here each calibration row is later than all that any of the models
    looked at, by more than the embargo, and the rows are one stretch of time to the end of the training."""
    *_, training, _, _ = quick_run()
    LEARN.learn(training)
    fitted = [labels for step, labels, *_ in seen if step != "calibrate"]
    ((_, held_out, *_),) = [call for call in seen if call[0] == "calibrate"]
    _, calibration = training.windows()
    assert in_order(held_out)
    assert held_out.signal_bar.min() > max(labels.end_bar.max() for labels in fitted) + training.learning.embargo_bars
    assert calibration.start <= held_out.signal_bar.min()
    assert held_out.end_bar.max() < calibration.stop == len(training.bars)
    wanted = np.flatnonzero(training.strategy.signals(training.bars)[calibration.start :]) + calibration.start
    assert np.isin(held_out.signal_bar, wanted).all()
    assert held_out.count > 0.9 * len(wanted)  # all of the stretch, but signals at a session's end and trades cut short


def test_fault_9_the_scaling_is_fitted_on_those_rows_alone(seen):
    """The calibration in use is fitted on the held-out rows, and not the one of the rows the ensemble was fitted on."""
    *_, training, _, _ = quick_run()
    learned = LEARN.learn(training)
    ((_, held_out, (ensemble, columns, _, stop, _), _),) = [call for call in seen if call[0] == "calibrate"]
    ((_, train, (_, _, train_stop, *_), _),) = [call for call in seen if call[0] == "fit_confidence"]
    calibrator = learned.confidence.calibrator

    def fitted(labels, stops):
        return FITS[calibrator.kind](ensemble.predict(feature_rows(columns, labels, stops)), labels.pnl > 0)

    at = np.linspace(-2, 2, 9)
    assert calibrator.log_odds(at) == pytest.approx(fitted(held_out, stop).log_odds(at), rel=1e-6)
    assert np.abs(calibrator.log_odds(at) - fitted(train, train_stop).log_odds(at)).max() > 0.1


# --- fault 10 ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["missing.parquet", "missing.csv", "no/such/folder/bars.parquet"])
def test_fault_10_missing_data_is_an_error_and_never_a_made_up_market(tmp_path, monkeypatch, capsys, name):
    """Fault 10: no data, so fake data, and targets achieved. Here: code 2, one line, no market made, no report."""
    monkeypatch.setattr(sys.modules["esbt.market_config"], "synthetic_bars", lambda **_: pytest.fail("a market was made up"))
    monkeypatch.setattr(sys, "argv", ["esbt", "run", "--data", str(tmp_path / name), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert err.startswith("error: ")
    assert "achieved" not in out
    assert list(tmp_path.iterdir()) == []


def test_fault_10_in_python(tmp_path):
    with pytest.raises(EsbtError, match=r"missing\.parquet"):
        TradingSystemPipeline(RunConfig(market=Market(data=str(tmp_path / "missing.parquet")), out=str(tmp_path / "out"))).load()


# --- fault 11 ------------------------------------------------------------------------------------------------------------------------


def test_fault_11_a_hedge_is_not_a_double_up():
    """Fault 11: heat scaled with |correlation|. Two longs of 2 % that move alike are 4 % at risk, a long and a short 0; and with the
    correlation turned over, the other way round."""
    alike, opposite = [[1.0, 1.0], [1.0, 1.0]], [[1.0, -1.0], [-1.0, 1.0]]
    assert portfolio_heat([0.02, 0.02], alike) == pytest.approx(0.04)
    assert portfolio_heat([0.02, -0.02], alike) == pytest.approx(0.0, abs=1e-12)
    assert portfolio_heat([0.02, 0.02], opposite) == pytest.approx(0.0, abs=1e-12)
    assert portfolio_heat([0.02, -0.02], opposite) == pytest.approx(0.04)
    for rho in (0.3, 0.8):
        plus, minus = ([[1.0, r], [r, 1.0]] for r in (rho, -rho))
        assert portfolio_heat([0.02, 0.02], minus) < portfolio_heat([0.02, 0.02]) < portfolio_heat([0.02, 0.02], plus)
