"""The verdict on a sweep: each number is that of its own function, noise is called luck, a planted lane is found, and words are sober."""

import math
import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from esbt import metrics, stats
from esbt.errors import EsbtError
from esbt.stats._rows import Rows

CASH = 100_000.0


def noise(seed, lanes=60, sessions=500):
    return np.random.default_rng(seed).standard_normal((lanes, sessions)) * 400.0


@pytest.fixture(scope="module")
def planted():
    pnl = noise(1)
    pnl[23] += 130.0
    pnl[40] = 0.0  # never traded
    pnl[41, 100] = -150_000.0  # ruined
    return pnl, stats.overfitting(pnl, CASH, blocks=8, seed=4)


def test_each_number_is_that_of_its_function(planted):
    pnl, found = planted
    before = CASH + np.cumsum(pnl, axis=1) - pnl
    returns = pnl / before
    returns[41, 101:] = 0.0
    best = returns[23]
    traded = np.delete(returns, 40, axis=0)
    ratios = stats.sharpe_ratios(traded)
    assert (found.lanes, found.traded, found.ruined, found.sessions, found.best_lane) == (60, 59, 1, 500, 23)
    assert found.years == pytest.approx(500 / 252)
    assert found.sharpe == pytest.approx(metrics.sharpe(best))
    assert found.probabilistic == pytest.approx(stats.probabilistic_sharpe(best))
    assert found.deflated == pytest.approx(stats.deflated_sharpe(best, 59, ratios.var(ddof=1)))
    assert found.luck_sharpe == pytest.approx(math.sqrt(252) * stats.expected_max_sharpe(59, ratios.var(ddof=1)))
    assert found.effective_trials == pytest.approx(stats.effective_trials(traded))
    assert found.deflated_effective >= found.deflated
    assert found.pbo == stats.pbo(traded, 8)
    spa = stats.spa(traded, seed=4)
    assert (found.spa_lower, found.spa, found.spa_upper, found.reality_check) == (spa.lower, spa.consistent, spa.upper, spa.reality_check)
    assert found.passing == np.mean(stats.benjamini_hochberg(stats.mean_p_values(traded)) <= 0.05)
    assert found.minimum_years == pytest.approx(stats.minimum_backtest_length(59, metrics.sharpe(best)))


def test_a_planted_lane_is_found(planted):
    _, found = planted
    assert found.conclusion == "unlikely to be luck alone"
    assert found.passing > 0
    assert found.pbo < 0.1
    for words in (
        "60 lanes of 500 sessions (2.0 years), of which 59 traded, 1 of them to ruin",
        "lane 23",
        "Unlikely to be luck alone",
        "not what was tried before",
    ):
        assert words in str(found)
    assert len(found.rows) == 12
    assert all(label and text for label, text in found.rows)


def test_noise_is_called_luck_about_as_often_as_it_should_be():
    found = [stats.overfitting(noise(100 + k, lanes=25, sessions=250), CASH, blocks=4, replications=199, seed=k) for k in range(60)]
    said = [one.conclusion for one in found]
    assert said.count("unlikely to be luck alone") <= 8  # 5 % of 60, and three standard errors
    assert said.count("luck explains it") >= 50
    assert "Luck explains it: the deflated Sharpe ratio is 0." in str(found[said.index("luck explains it")])


def test_one_of_two_tests_settles_nothing(planted):
    _, found = planted
    changed = type(found)(**{**asdict(found), "spa": 0.2})
    assert changed.conclusion == "not settled"
    assert "p-value of SPA is 0.200 (above 0.05)" in changed.verdict
    warned = type(found)(**{**asdict(found), "pbo": 0.61})
    assert warned.conclusion == found.conclusion
    assert "says nothing about which lane will be" in warned.verdict


def test_from_a_file_and_with_more_lanes_than_are_cross_validated(tmp_path):
    pnl = noise(2, lanes=300, sessions=200)
    np.save(tmp_path / "pnl.npy", pnl)
    found = stats.overfitting(np.load(tmp_path / "pnl.npy", mmap_mode="r"), CASH, blocks=4, pbo_lanes=50, seed=1)
    assert found == stats.overfitting(pnl, CASH, blocks=4, pbo_lanes=50, seed=1)
    assert found.pbo_lanes == 50
    assert "among 50 lanes drawn from these" in found.verdict


def test_memory_is_flat_and_the_file_is_read_twice(monkeypatch, tmp_path):
    """Of three times the lanes no more than a hundred bytes each are held; every lane is read twice, and some for block length and PBO."""
    read, peaks, real = [], [], Rows.read

    def counted(self, block):
        read.append(block.stop - block.start)
        return real(self, block)

    monkeypatch.setattr(Rows, "read", counted)
    for lanes in (12_000, 36_000):
        np.save(tmp_path / "pnl.npy", noise(5, lanes=lanes, sessions=64))
        file = np.load(tmp_path / "pnl.npy", mmap_mode="r")
        read.clear()
        tracemalloc.start()
        stats.overfitting(file, CASH, blocks=4, replications=100, pbo_lanes=50)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert sum(read) == 2 * lanes + 64 + 50
    assert peaks[1] - peaks[0] < 100 * 24_000  # the P&L of those lanes is 512 bytes each
    assert peaks[1] < 60_000_000


def test_a_single_lane_has_no_choice_to_judge():
    found = stats.overfitting(noise(3, lanes=1), CASH, blocks=4)
    assert math.isnan(found.pbo)
    assert found.deflated == found.probabilistic
    assert found.effective_trials == 1.0
    assert "lower half" not in found.verdict
    assert dict(found.rows)["Probability of overfitting, 1 lanes"] == "n/a"


def test_bad_input_is_named():
    bad = noise(4)
    bad[5, 6] = np.nan
    for call, words in [
        (lambda: stats.overfitting(bad, CASH), "pnl has nan at lane 5, session 6"),
        (lambda: stats.overfitting(noise(4), 0.0), "cash is 0.0"),
        (lambda: stats.overfitting(noise(4, sessions=20), CASH), "of 20 sessions: give at least one row, a lane, of 32"),
        (lambda: stats.overfitting(np.zeros((3, 100)), CASH), "no lane traded"),
        (lambda: stats.overfitting(-np.abs(noise(4)), 100.0), "lost all their cash"),
        (lambda: stats.overfitting(noise(4)[0], CASH), "one row a lane"),
        (lambda: stats.overfitting(noise(4), CASH, blocks=5), "blocks is 5"),
    ]:
        with pytest.raises(EsbtError, match=words):
            call()
