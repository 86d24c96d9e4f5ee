"""Reality check, SPA and step-wise tests: `arch` on the very same resamples, size under the null, power, one result on any threads.

arch's SPA announces studentisation but compares raw means (8.0.0): it is given lanes divided by their deviation, which studentises them.
"""

import numpy as np
import pytest
from arch.bootstrap import SPA, StepM
from scipy.stats import binom

from esbt import stats
from esbt.errors import EsbtError
from esbt.stats import _rows
from esbt.stats._rows import Rows
from esbt.stats.bootstrap import bootstrap_variance
from esbt.stats.snooping import ability, maxima_over

BLOCK, REPS = 6, 400


def lanes_of(seed, count=30, sessions=250, drift=0.05):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((count, sessions)) + rng.standard_normal(sessions)
    return noise * rng.uniform(0.5, 3.0, (count, 1)) + rng.normal(-0.02, drift, (count, 1))


def arch_weights(test, sessions):
    """The share of each session in each of arch's own replicates."""
    test.bootstrap.reset()
    return np.stack([np.bincount(test.bootstrap.index, minlength=sessions) for _ in test.bootstrap.bootstrap(REPS)], axis=1) / sessions


def smoothed(p):
    return (1 + round(p * REPS)) / (REPS + 1)


@pytest.mark.parametrize("seed", range(8))
def test_p_values_are_those_of_arch_on_its_resamples(seed):
    lanes = lanes_of(seed)
    lanes[0] += 0.25 * seed
    steady = lanes / np.sqrt(bootstrap_variance(lanes, BLOCK))[:, None]
    theirs = SPA(np.zeros(250), -steady.T, block_size=BLOCK, reps=REPS, seed=seed)
    theirs.compute()
    plain = SPA(np.zeros(250), -lanes.T, block_size=BLOCK, reps=REPS, seed=seed)
    plain.compute()
    ours = ability(maxima_over(Rows(lanes, "lanes", 10), arch_weights(theirs, 250), BLOCK))
    assert [ours.lower, ours.consistent, ours.upper] == pytest.approx([smoothed(p) for p in theirs.pvalues])
    assert ours.reality_check == pytest.approx(smoothed(plain.pvalues["upper"]))
    assert ours.best == steady.mean(axis=1).argmax()


def test_own_resamples_agree_with_arch_in_distribution():
    lanes = lanes_of(3)
    steady = lanes / np.sqrt(bootstrap_variance(lanes, BLOCK))[:, None]
    theirs = SPA(np.zeros(250), -steady.T, block_size=BLOCK, reps=4000, seed=1)
    theirs.compute()
    ours = stats.spa(lanes, replications=4000, block=BLOCK, seed=9)
    assert [ours.lower, ours.consistent, ours.upper] == pytest.approx(list(theirs.pvalues), abs=0.035)


@pytest.mark.parametrize("seed", range(4))
def test_stepwise_finds_what_arch_finds(seed):
    lanes = lanes_of(seed, drift=0.0)
    lanes[[3, 7]] += 1.2
    lanes[11] += 0.45
    steady = lanes / np.sqrt(bootstrap_variance(lanes, BLOCK))[:, None]
    theirs = StepM(np.zeros(250), -steady.T, size=0.05, block_size=BLOCK, reps=2000, seed=seed)
    theirs.compute()
    found = stats.stepm(lanes, replications=2000, block=BLOCK, seed=seed).tolist()
    assert {3, 7} <= set(found)
    assert found == theirs.superior_models


def test_bounds_are_in_order_and_a_terrible_lane_moves_the_reality_check_alone():
    lanes = lanes_of(5)
    lanes[0] += 0.3
    before = stats.spa(lanes, seed=1)
    assert before.lower <= before.consistent <= before.upper
    terrible = np.concatenate((lanes, np.random.default_rng(1).normal(-5.0, 20.0, (20, 250))))
    after = stats.spa(terrible, block=before.block, seed=1)
    assert after.reality_check > before.reality_check + 0.1
    assert after.consistent == pytest.approx(before.consistent, abs=0.02)
    assert after.upper >= before.upper
    assert stats.reality_check(terrible, block=before.block, seed=1) == after.reality_check


@pytest.mark.parametrize(("keep", "sessions", "markets"), [(0.0, 250, 250), (0.3, 1000, 100)])
def test_size_under_the_null(keep, sessions, markets):
    """No lane has an edge, lanes are correlated, in the second case sessions too: p <= 5 % no more often than chance has it."""
    rng = np.random.default_rng(11)
    p_values = []
    for k in range(markets):
        noise = rng.standard_normal((20, sessions + 1)) + rng.standard_normal(sessions + 1)
        found = stats.spa(noise[:, 1:] + keep * noise[:, :-1], replications=199, seed=k)
        p_values.append((found.reality_check, found.lower, found.consistent, found.upper))
    rejected = np.sum(np.array(p_values) <= 0.05, axis=0)
    assert (rejected <= binom.ppf(0.999, markets, 0.05)).all()
    assert (rejected >= binom.ppf(0.001, markets, 0.05)).all()
    half = np.mean(np.array(p_values) <= 0.5, axis=0)
    assert (np.abs(half[[0, 2, 3]] - 0.5) < 0.12).all()


def test_power_and_family_error_of_the_steps():
    rng = np.random.default_rng(12)
    hits, false = 0, 0
    for k in range(60):
        lanes = rng.standard_normal((30, 250))
        lanes[4] += 0.3
        found = stats.stepm(lanes, replications=199, block=1, seed=k)
        hits += 4 in found
        false += bool(set(found.tolist()) - {4})
        if k < 20:
            assert stats.spa(lanes, replications=199, block=1, seed=k).best == 4
    assert hits >= 50
    assert false <= 9


def test_same_on_any_number_of_threads_and_from_a_file(monkeypatch, tmp_path):
    lanes = np.random.default_rng(13).standard_normal((500, 400))
    path = tmp_path / "pnl.npy"
    np.save(path, lanes)
    monkeypatch.setattr(_rows, "_BLOCK_VALUES", 400 * 7)  # many blocks
    found = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(_rows.os, "cpu_count", lambda cores=cores: cores)
        file = np.load(path, mmap_mode="r")
        found.append(
            (stats.spa(file, seed=2), stats.effective_trials(file), stats.pbo(file, 8), stats.stepm(file, level=0.6, seed=2).tolist())
        )
    assert found[0] == found[1] == found[2]
    monkeypatch.undo()
    assert stats.spa(lanes, seed=2).consistent == pytest.approx(found[0][0].consistent, abs=0.003)
    assert stats.spa(lanes, seed=3) != found[0][0]


def test_idle_lanes_are_left_out_and_other_constant_ones_refused():
    lanes = lanes_of(6)
    idle = np.concatenate((np.zeros((2, 250)), lanes))
    found = stats.spa(idle, block=4, seed=1)
    assert found.lanes == 30
    assert found.best == stats.spa(lanes, block=4, seed=1).best + 2
    with pytest.raises(EsbtError, match=r"5.0 in every session of lane 2"):
        stats.spa(np.concatenate((idle[:2], np.full((1, 250), 5.0))))
    with pytest.raises(EsbtError, match="no lane traded"):
        stats.spa(np.zeros((3, 250)))
    assert len(stats.stepm(np.zeros((3, 250)))) == 0


def test_losing_lanes_have_p_one():
    losing = np.random.default_rng(7).standard_normal((5, 300)) - 1.0
    found = stats.spa(losing)
    assert found.consistent == found.upper == found.reality_check == 1.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"replications": 5}, "replications is 5"), ({"seed": 1.5}, "seed is 1.5"), ({"block": 300}, "at most the 250 sessions")],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(EsbtError, match=words):
        stats.spa(lanes_of(1), **arguments)
    with pytest.raises(EsbtError, match="of 5 sessions: give at least one row"):
        stats.spa(np.ones((3, 5)))
    bad = lanes_of(1)
    bad[3, 9] = np.nan
    with pytest.raises(EsbtError, match="nan at lane 3, session 9"):
        stats.spa(bad)
