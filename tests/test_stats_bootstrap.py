"""The stationary bootstrap against `arch`: block length, variance, indices' law; and confidence intervals that cover what they say."""

import math

import numpy as np
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, optimal_block_length

from esbt import metrics, stats
from esbt.errors import EsbtError
from esbt.stats._rows import Rows
from esbt.stats.bootstrap import block_length, bootstrap_variance, bootstrap_weights


def autoregressive(rng, keep, count):
    out = rng.standard_normal(count)
    for t in range(1, count):
        out[t] += keep * out[t - 1]
    return out


@pytest.mark.parametrize("keep", [-0.5, 0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("count", [40, 251, 2600])
def test_block_length_is_that_of_arch(keep, count):
    series = autoregressive(np.random.default_rng(count), keep, count)
    assert stats.optimal_block_length(series) == pytest.approx(optimal_block_length(series)["stationary"].iloc[0], rel=1e-9)


def test_block_length_grows_with_dependence():
    lengths = [stats.optimal_block_length(autoregressive(np.random.default_rng(1), keep, 5000)) for keep in (0.0, 0.4, 0.8, 0.95)]
    assert lengths == sorted(lengths)
    assert lengths[0] < 4
    assert lengths[-1] > 20
    assert math.isnan(stats.optimal_block_length(np.full(100, 0.1)))


@pytest.mark.parametrize("count", [100, 101])
@pytest.mark.parametrize("block", [1, 5, 20])
def test_variance_is_that_of_arch(count, block):
    lanes = np.stack([autoregressive(np.random.default_rng(k), 0.2 * k, count) for k in range(4)])
    theirs = SPA(np.zeros(count), -lanes.T, block_size=block, reps=1, seed=0)
    theirs.compute()
    assert bootstrap_variance(lanes, block) == pytest.approx(theirs._loss_diff_var, rel=1e-9)


def test_variance_is_that_of_the_replicates():
    series = autoregressive(np.random.default_rng(2), 0.5, 200)[None, :]
    drawn = (series @ bootstrap_weights(200, 7.0, 20_000, seed=1))[0]
    assert 200 * drawn.var() == pytest.approx(float(bootstrap_variance(series, 7.0)[0]), rel=0.04)
    assert drawn.mean() == pytest.approx(series.mean(), abs=4 * drawn.std() / math.sqrt(20_000))


def test_indices_run_on_in_blocks_of_the_mean_length_and_draw_each_session_alike():
    rng = np.random.default_rng(3)
    drawn = np.stack([stats.stationary_indices(50, 5.0, rng) for _ in range(4000)])
    goes_on = (np.diff(drawn, axis=1) - 1) % 50 == 0
    assert goes_on.mean() == pytest.approx(0.8 + 0.2 / 50, abs=0.01)  # a new block may begin where the old one went on
    assert np.bincount(drawn.ravel(), minlength=50) == pytest.approx(4000, rel=0.1)
    theirs = StationaryBootstrap(5, np.arange(50), seed=4)
    other = np.stack([data[0] for data, _ in theirs.bootstrap(4000)])
    assert goes_on.mean() == pytest.approx(((np.diff(other, axis=1) - 1) % 50 == 0).mean(), abs=0.01)
    assert (np.diff(stats.stationary_indices(50, 1e12, rng)) % 50 == 1).all()


def test_default_block_is_the_lanes_mean_and_at_least_one():
    lanes = np.stack([autoregressive(np.random.default_rng(k), 0.8, 400) for k in range(3)] + [np.zeros(400)])
    expected = np.mean([stats.optimal_block_length(lane) for lane in lanes[:3]])
    assert block_length(Rows(lanes, "lanes", 10), None) == pytest.approx(expected)
    assert block_length(Rows(np.zeros((1, 20)), "lanes", 10), None) == 1.0
    assert block_length(Rows(lanes, "lanes", 10), 12) == 12.0


def test_intervals_cover_the_truth():
    """90 % intervals of the mean of autocorrelated returns: near 90 % with blocks, far below without."""
    rng = np.random.default_rng(5)
    series = [autoregressive(rng, 0.5, 300) for _ in range(150)]
    covered = {}
    for block in (None, 1.0):
        found = [stats.confidence_interval(np.mean, x, level=0.9, replications=200, block=block, seed=k) for k, x in enumerate(series)]
        covered[block] = np.mean([one.low <= 0.0 <= one.high for one in found])
    assert 0.8 <= covered[None] <= 0.96
    assert covered[1.0] < 0.75


def test_interval_agrees_with_arch():
    returns = np.random.default_rng(6).normal(0.001, 0.01, 500)
    theirs = {
        kind: StationaryBootstrap(4, returns, seed=1).conf_int(metrics.sharpe, 3000, method=kind)[:, 0] for kind in ("percentile", "basic")
    }
    ours = stats.confidence_interval(metrics.sharpe, returns, replications=3000, block=4, seed=2)
    basic = stats.confidence_interval(metrics.sharpe, returns, replications=3000, block=4, seed=2, basic=True)
    assert ours.estimate == metrics.sharpe(returns)
    assert [ours.low, ours.high] == pytest.approx(theirs["percentile"], abs=0.12)
    assert [basic.low, basic.high] == pytest.approx(theirs["basic"], abs=0.12)
    assert stats.confidence_interval(metrics.sharpe, returns, replications=3000, block=4, seed=2) == ours


def test_an_undefined_replicate_is_told():
    returns = np.array([0.01] * 19 + [-0.01])  # a third of the replicates have no loss
    found = stats.confidence_interval(metrics.sortino, returns, replications=200, block=1)
    assert 40 < found.undefined < 120
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isfinite(found.estimate)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"level": 95}, "level is 95"),
        ({"replications": 10}, "replications is 10: give a whole number, 100 or more"),
        ({"block": 0.5}, "block is 0.5"),
        ({"block": 500}, "at most the 30 sessions"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(EsbtError, match=words):
        stats.confidence_interval(np.mean, np.arange(30.0), **arguments)
