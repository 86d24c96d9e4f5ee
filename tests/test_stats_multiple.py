"""Many p-values: the worked example of the paper, scipy and statsmodels as oracles, and what the procedures promise."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from esbt import stats
from esbt.errors import EsbtError

# Benjamini and Hochberg 1995, section 4: 15 tests of thrombolysis; at 5 % their procedure finds four, Bonferroni and Holm's kin three.
THROMBOLYSIS = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_the_papers_example():
    assert (stats.benjamini_hochberg(THROMBOLYSIS) <= 0.05).sum() == 4
    assert (stats.holm(THROMBOLYSIS) <= 0.05).sum() == 3


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_values_are_those_of_scipy_and_statsmodels(seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(200) ** 3, 2)  # ties
    assert stats.benjamini_hochberg(p) == pytest.approx(scipy_stats.false_discovery_control(p, method="bh"))
    assert stats.benjamini_hochberg(p, any_dependence=True) == pytest.approx(scipy_stats.false_discovery_control(p, method="by"))
    assert stats.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_false_discoveries_over_lanes_stay_at_the_level():
    """20 of 200 lanes earn money; of the finds at 10 % about 9 % (10 % x 180 / 200) are false, and most that earn are found."""
    rng = np.random.default_rng(1)
    shares, power = [], []
    for _ in range(60):
        lanes = rng.standard_normal((200, 250))
        lanes[:20] += 0.25
        for p in (stats.mean_p_values(lanes, block=1), stats.sharpe_p_values(lanes)):
            found = stats.benjamini_hochberg(p) <= 0.1
            shares.append(found[20:].sum() / max(found.sum(), 1))
            power.append(found[:20].mean())
    assert np.mean(shares) == pytest.approx(0.09, abs=0.025)
    assert np.mean(power) > 0.8


def test_p_values_of_lanes():
    rng = np.random.default_rng(2)
    lanes = np.concatenate((rng.standard_normal((300, 400)), np.zeros((1, 400))))
    p = stats.mean_p_values(lanes, block=1)
    theirs = scipy_stats.ttest_1samp(lanes[:-1], 0.0, axis=1, alternative="greater").pvalue
    assert p[:-1] == pytest.approx(theirs, abs=2e-3)
    assert np.isnan(p[-1])
    assert np.isnan(stats.sharpe_p_values(lanes)[-1])
    one = lanes[3] + 0.05
    assert stats.sharpe_p_values([one], 0.01)[0] == pytest.approx(1 - stats.probabilistic_sharpe(one, 0.01))
    assert 0 < stats.sharpe_p_values([lanes[3] + 1.0])[0] < 1e-30  # 1 - PSR would be 0


def test_dependent_sessions_need_blocks():
    """Sessions that follow each other: without blocks the p-values are too sure."""
    noise = np.random.default_rng(3).standard_normal((1000, 401))
    lanes = noise[:, 1:] + 0.9 * noise[:, :-1]
    assert np.mean(stats.mean_p_values(lanes, block=1) <= 0.05) > 0.1
    assert np.mean(stats.mean_p_values(lanes, block=8) <= 0.05) < 0.085


@pytest.mark.parametrize("bad", [[0.1, -0.1], [0.1, 1.5], [0.1, float("nan")]])
def test_bad_p_values_are_named(bad):
    for adjust in (stats.benjamini_hochberg, stats.holm):
        with pytest.raises(EsbtError, match=r"p_values has (-0.1|1.5|nan) at row 1"):
            adjust(bad)
