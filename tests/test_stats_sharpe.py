"""Sharpe inference: the papers' worked numbers, the formulas' laws, and simulation of what they promise."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from esbt import metrics, stats
from esbt.errors import EsbtError

# Bailey and Lopez de Prado 2012, "The Sharpe Ratio Efficient Frontier": a hedge fund's 24 months
FUND = {"sharpe": 0.458, "periods": 24}
YEAR = 250  # days, as both papers count


def test_psr_of_the_hedge_fund():
    assert float(stats.sharpe_probability(**FUND, skewness=-2.448, kurtosis=10.164)) == pytest.approx(0.913, abs=5e-4)
    assert float(stats.sharpe_probability(**FUND, skewness=0.0, kurtosis=3.0)) == pytest.approx(0.982, abs=5e-4)


def test_excess_kurtosis_would_be_too_sure():
    right = float(stats.sharpe_probability(**FUND, skewness=-2.448, kurtosis=10.164))
    assert float(stats.sharpe_probability(**FUND, skewness=-2.448, kurtosis=7.164)) > right + 0.004


@pytest.mark.parametrize(
    ("per_year", "skewness", "kurtosis", "years"),
    [(250, 0.0, 3.0, 2.73), (12, -0.72, 5.78, 4.99)],
)
def test_track_record_of_the_paper(per_year, skewness, kurtosis, years):
    """Annual Sharpe ratio 2 against 1 at 95 %: 2.73 years of normal days, 4.99 of hedge-fund months (2012, section on MinTRL)."""
    root = math.sqrt(per_year)
    periods = stats.track_record_length(2 / root, skewness, kurtosis, benchmark=1 / root, alpha=0.05)
    assert periods / per_year == pytest.approx(years, abs=5e-3)


def test_dsr_of_the_numerical_example():
    """Bailey and Lopez de Prado 2014, "The Deflated Sharpe Ratio", numerical example: annual 2.5, V = 1/2, T = 1250, N = 100, then 46."""
    luck = stats.expected_max_sharpe(100, 0.5 / YEAR)
    assert luck == pytest.approx(0.1132, abs=5e-5)
    moments = {"sharpe": 2.5 / math.sqrt(YEAR), "periods": 1250, "skewness": -3.0, "kurtosis": 10.0}
    assert float(stats.sharpe_probability(**moments, benchmark=luck)) == pytest.approx(0.9004, abs=5e-5)
    fewer = stats.expected_max_sharpe(46, 0.5 / YEAR)
    assert float(stats.sharpe_probability(**moments, benchmark=fewer)) == pytest.approx(0.9505, abs=5e-5)


def test_backtest_length_of_the_notices():
    """Bailey, Borwein, Lopez de Prado and Zhu 2014: five years and 45 trials before an annual 1 is expected; the bound 2 ln N / SR^2."""
    assert stats.minimum_backtest_length(45) == pytest.approx(5.0, abs=0.01)
    for trials in (10, 1000, 10**6):
        assert stats.minimum_backtest_length(trials, 1.5) < 2 * math.log(trials) / 1.5**2
    assert stats.minimum_backtest_length(10, 0.0) == math.inf


@pytest.mark.parametrize("trials", [10, 100, 1000])
def test_expected_maximum_is_that_of_a_simulation(trials):
    drawn = np.random.default_rng(3).standard_normal((4000, trials)).max(axis=1).mean()
    assert stats.expected_max_sharpe(trials) == pytest.approx(drawn, rel=0.03)
    assert stats.expected_max_sharpe(trials, 4.0) == pytest.approx(2 * stats.expected_max_sharpe(trials))


def test_one_trial_deflates_nothing_and_more_trials_more():
    returns = np.random.default_rng(4).normal(0.1, 1.0, 300)
    values = [stats.deflated_sharpe(returns, n, 0.004) for n in (1, 1.5, 2, 10, 1000, 10**6)]
    assert values[0] == stats.probabilistic_sharpe(returns)
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[2] < values[0]


def test_functions_of_returns_are_those_of_their_moments():
    returns = np.random.default_rng(5).standard_t(4, 500) * 0.01 + 0.001
    ratio = metrics.sharpe(returns, periods_per_year=1)
    skew, raw = scipy_stats.skew(returns), scipy_stats.kurtosis(returns, fisher=False)
    assert stats.probabilistic_sharpe(returns, 0.05) == pytest.approx(float(stats.sharpe_probability(ratio, 500, skew, raw, 0.05)))
    assert stats.minimum_track_record(returns, 0.01, 0.1) == pytest.approx(stats.track_record_length(ratio, skew, raw, 0.01, 0.1))
    assert stats.sharpe_ratios([returns, -returns]) == pytest.approx([ratio, -ratio])


def test_a_record_of_the_minimum_length_has_that_probability():
    ratio, skew, raw = 0.08, -0.4, 5.0
    length = stats.track_record_length(ratio, skew, raw, benchmark=0.02, alpha=0.05)
    assert float(stats.sharpe_probability(ratio, math.ceil(length), skew, raw, 0.02)) >= 0.95
    assert float(stats.sharpe_probability(ratio, math.floor(length), skew, raw, 0.02)) < 0.95
    assert stats.track_record_length(ratio, skew, raw, benchmark=ratio) == math.inf


def test_psr_of_noise_is_uniform():
    """Without skill PSR(0) is above 0.95 in 5 % of records, skewed ones too: the point of its moments."""
    rng = np.random.default_rng(6)
    for noise in (rng.standard_normal((4000, 250)), rng.standard_exponential((4000, 250)) - 1.0):
        p = stats.sharpe_p_values(noise)
        assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.015)
        assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.03)


def test_deflated_best_of_noise_seldom_passes():
    rng = np.random.default_rng(7)
    passed, naive = 0, 0
    for _ in range(300):
        noise = rng.standard_normal((50, 250))
        ratios = stats.sharpe_ratios(noise)
        best = noise[ratios.argmax()]
        passed += stats.deflated_sharpe(best, 50, ratios.var(ddof=1)) > 0.95
        naive += stats.probabilistic_sharpe(best) > 0.95
    assert passed <= 15  # 5 %
    assert naive > 250  # what it is for


def test_effective_trials_of_correlated_lanes():
    rng = np.random.default_rng(8)
    common, own = rng.standard_normal((1, 4000)), rng.standard_normal((100, 4000))
    correlated = math.sqrt(0.6) * common + math.sqrt(0.4) * own
    assert stats.effective_trials(correlated) == pytest.approx(0.6 + 0.4 * 100, rel=0.05)
    mean = np.corrcoef(correlated)[np.triu_indices(100, 1)].mean()
    assert stats.effective_trials(correlated * 1e-9) == pytest.approx(mean + (1 - mean) * 100, rel=1e-9)
    assert stats.effective_trials(own) == pytest.approx(100, rel=0.02)
    assert stats.effective_trials(np.repeat(common, 7, axis=0)) == pytest.approx(1.0)
    assert stats.effective_trials(np.concatenate((common, np.zeros((3, 4000))))) == 1.0


def test_equally_correlated_trials_need_no_smaller_count_beside_their_own_variance():
    """What correlation takes from the maximum it takes from the observed variance: all trials count, effective ones are too few."""
    rng = np.random.default_rng(9)
    highest, all_trials, effective = [], [], []
    for _ in range(300):
        ratios = math.sqrt(0.7) * rng.standard_normal() + math.sqrt(0.3) * rng.standard_normal(100)
        highest.append(ratios.max())
        all_trials.append(stats.expected_max_sharpe(100, ratios.var(ddof=1)))
        effective.append(stats.expected_max_sharpe(0.7 + 0.3 * 100, ratios.var(ddof=1)))
    assert np.mean(all_trials) == pytest.approx(np.mean(highest), abs=0.15)  # three standard errors of the common part
    assert np.mean(effective) < np.mean(all_trials) - 0.2


@pytest.mark.parametrize("returns", [[], [0.1, 0.2], [0.1] * 50, [0.1, math.nan, 0.2, 0.3]])
def test_undefined_is_nan(returns):
    assert math.isnan(stats.probabilistic_sharpe(returns))
    assert math.isnan(stats.minimum_track_record(returns))
    assert math.isnan(stats.deflated_sharpe(returns, 10, 0.01))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: stats.expected_max_sharpe(0), "trials is 0: give a number, 1 or more"),
        (lambda: stats.expected_max_sharpe(5, -1.0), "trials_variance is -1.0"),
        (lambda: stats.minimum_track_record([0.1, 0.2, 0.3], alpha=1.0), "alpha is 1.0: give a fraction between 0 and 1"),
        (lambda: stats.sharpe_ratios([0.1, 0.2]), "one row a lane"),
        (lambda: stats.sharpe_ratios([[0.1, 0.2, 0.3], [0.1, math.inf, 0.3]]), "inf at lane 1, session 1"),
        (lambda: stats.probabilistic_sharpe([[0.1]]), "one-dimensional"),
        (lambda: stats.minimum_backtest_length(5, math.nan), "annual_sharpe is nan"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(EsbtError, match=words):
        call()
