"""Probability of backtest overfitting: its known ends, a slow twin split by split, and noise."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from esbt import stats
from esbt.errors import EsbtError


def slow(returns, blocks):
    """The paper's algorithm as it is written, one split at a time."""
    edges = np.linspace(0, returns.shape[1], blocks + 1).astype(int)
    parts = [returns[:, a:b] for a, b in pairwise(edges)]
    logits = []
    for half in combinations(range(blocks), blocks // 2):
        ratios = []
        for chosen in (True, False):
            half_returns = np.concatenate([part for k, part in enumerate(parts) if (k in half) == chosen], axis=1)
            deviation = half_returns.std(axis=1, ddof=1)
            ratios.append(np.divide(half_returns.mean(axis=1), deviation, out=np.zeros(len(returns)), where=deviation > 0))
        best = ratios[0].argmax()
        out = ratios[1]
        rank = (out < out[best]).sum() + ((out == out[best]).sum() + 1) / 2
        share = rank / (len(returns) + 1)
        logits.append(np.log(share / (1 - share)))
    return np.array(logits)


@pytest.mark.parametrize(("blocks", "sessions", "lanes"), [(2, 60, 5), (6, 121, 9), (8, 100, 150)])
def test_equals_the_slow_twin(blocks, sessions, lanes):
    returns = np.random.default_rng(blocks).standard_t(4, (lanes, sessions))
    returns[1, : sessions // 2] = 0.0  # idle at first
    found = stats.cscv(returns, blocks)
    assert found.logits == pytest.approx(slow(returns, blocks), abs=1e-9)
    assert found.pbo == np.mean(slow(returns, blocks) <= 1e-9) == stats.pbo(returns, blocks=blocks)


def test_equal_means_give_one():
    """CRAN pbo vignette: 100 lanes of 2,400 sessions, deviation 252^-1/2, one mean, 8 blocks: the winner must lose."""
    returns = np.random.default_rng(765).standard_normal((100, 2400))
    returns *= 252**-0.5 / returns.std(axis=1, ddof=1, keepdims=True)
    returns += 0.03 / 252 - returns.mean(axis=1, keepdims=True) - 0.03 / 252
    found = stats.cscv(returns, 8)
    assert found.pbo == 1.0
    assert found.loss_probability == 1.0
    assert found.slope < 0


def test_a_lane_that_is_best_throughout_gives_zero():
    returns = np.random.default_rng(1).standard_normal((40, 320)) * 0.01
    returns[17] += 0.02
    found = stats.cscv(returns, 16)
    assert found.pbo == 0.0
    assert (found.chosen == 17).all()
    assert len(found.logits) == 12_870  # C(16, 8); the pbo package's page says 12,780


def test_noise_gives_a_half_on_average():
    rng = np.random.default_rng(2)
    values = [stats.pbo(rng.standard_normal((20, 200)), 6) for _ in range(100)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_equal_lanes_are_no_choice():
    """Ties share the mean rank: the logit is 0, and a choice that makes no difference counts as overfitted."""
    assert stats.pbo(np.repeat(np.random.default_rng(3).standard_normal((1, 64)), 4, axis=0), 4) == 1.0
    assert stats.cscv(np.repeat(np.random.default_rng(3).standard_normal((1, 64)), 4, axis=0), 4).logits == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("shape", "blocks", "words"),
    [
        ((5, 100), 7, "blocks is 7: give an even number"),
        ((5, 100), 22, "blocks is 22"),
        ((5, 20), 16, "of 20 sessions: give at least one row, a lane, of 32"),
        ((1, 100), 16, "one trial"),
    ],
)
def test_bad_input_is_named(shape, blocks, words):
    with pytest.raises(EsbtError, match=words):
        stats.pbo(np.random.default_rng(4).standard_normal(shape), blocks)
