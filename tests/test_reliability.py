"""Brier, log loss, reliability table and threshold: by hand, against the definitions, and by laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from esbt.errors import EsbtError
from python_models.reliability import brier, calibration_error, log_loss, quality, reliability_table
from python_models.threshold import utility_threshold

few = st.lists(st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]) | st.floats(0.001, 0.999), st.booleans()), min_size=1, max_size=60)


def test_by_hand():
    """Brier of 0.8 and 0.4, one right and one wrong each way; log loss of the same."""
    p, won = [0.8, 0.4, 0.6], [1, 0, 0]
    assert brier(p, won) == pytest.approx((0.04 + 0.16 + 0.36) / 3)
    assert log_loss(p, won) == pytest.approx(-(np.log(0.8) + np.log(0.6) + np.log(0.4)) / 3)
    assert calibration_error(p, won, bins=1) == pytest.approx(0.6 - 1 / 3)
    assert calibration_error(p, won, bins=3) == pytest.approx((0.2 + 0.4 + 0.6) / 3)


@settings(deadline=None)
@given(few, st.integers(1, 12))
def test_the_table_holds_every_trade_once(rows, bins):
    """Bins ascend, hold all, keep equal probabilities together; and where no two are equal, counts differ by one at most."""
    p, won = (np.array(column) for column in zip(*rows, strict=True))
    table = reliability_table(p, won, bins)
    assert table["count"].sum() == len(p)
    assert len(table) <= bins
    assert (table["from"].to_numpy()[1:] > table["to"].to_numpy()[:-1]).all()
    for low, high, count, mean, rate in table.select("from", "to", "count", "mean_p", "win_rate").rows():
        inside = (p >= low) & (p <= high)
        assert inside.sum() == count
        assert (p[inside].mean(), won[inside].mean()) == pytest.approx((mean, rate))
    if len(set(p)) == len(p):
        assert len(table) == min(bins, len(p))
        assert table["count"].max() - table["count"].min() <= 1


@pytest.mark.parametrize(("wins", "of"), [(0, 10), (3, 10), (10, 10), (500, 1000)])
def test_wilson_interval(wins, of):
    """As scipy has it."""
    table = reliability_table(np.full(of, 0.5), np.arange(of) < wins, 5)
    (row,) = table.rows(named=True)
    assert (row["low"], row["high"]) == pytest.approx(tuple(binomtest(wins, of).proportion_ci(method="wilson")), abs=1e-12)


def test_true_probabilities_are_seen_as_true():
    """20,000 trades that win as often as said: nearly all bins' intervals hold their mean, the error is small; twice too sure is seen."""
    rng = np.random.default_rng(4)
    p = rng.beta(4, 4, 20_000)
    won = rng.random(p.size) < p
    table = reliability_table(p, won, 20)
    held = ((table["low"] <= table["mean_p"]) & (table["mean_p"] <= table["high"])).sum()
    assert held >= 17
    sure = np.clip(2 * p - 0.5, 0.01, 0.99)
    assert calibration_error(p, won) < 0.015
    assert calibration_error(sure, won) > 0.06
    assert brier(p, won) < brier(sure, won)
    assert log_loss(p, won) < log_loss(sure, won)
    own = quality(p, won)
    assert own["brier"] < own["brier_of_base_rate"]
    base = np.full(p.size, won.mean())
    assert (own["brier_of_base_rate"], own["log_loss_of_base_rate"]) == pytest.approx((brier(base, won), log_loss(base, won)))
    assert (own["brier"], own["log_loss"], own["calibration_error"]) == (brier(p, won), log_loss(p, won), calibration_error(p, won))
    assert own["log_loss"] < own["log_loss_of_base_rate"]
    assert (own["trades"], own["win_rate"]) == (20_000, won.mean())


def test_one_class_has_no_auc():
    own = quality([0.4, 0.6], [1, 1])
    assert np.isnan(own["roc_auc"])
    assert own["log_loss_of_base_rate"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("p", "won", "message"),
    [
        ([], [], r"got shapes \(0,\) and \(0,\)"),
        ([0.5], [1, 0], r"got shapes \(1,\) and \(2,\)"),
        ([1.5], [1], "must be in"),
        ([np.nan], [1], "must be in"),
        ([0.5], [2], "outcomes 0 or 1"),
    ],
)
@pytest.mark.parametrize("measure", [brier, log_loss, reliability_table, calibration_error, quality])
def test_bad_input(measure, p, won, message):
    with pytest.raises(EsbtError, match=message):
        measure(p, won)


def test_bins_are_one_or_more():
    with pytest.raises(EsbtError, match="bins must be 1 or more, got 0"):
        reliability_table([0.5], [1], 0)


# --- threshold -----------------------------------------------------------------------------------------------------------------------

trades = st.lists(st.tuples(st.sampled_from([0.3, 0.5, 0.6]) | st.floats(0, 1), st.floats(-1.5, 4)), min_size=1, max_size=40)


def utility(r, f, aversion):
    w = 1 + f * r
    return np.log(w) if aversion == 1 else (w ** (1 - aversion) - 1) / (1 - aversion)


@settings(deadline=None)
@given(trades, st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.sampled_from([0.01, 0.1]), st.sampled_from([0.0, 0.1, 0.5]))
def test_no_cut_off_has_more_utility(rows, aversion, fraction, fewest):
    """Against trying every one; what it says it brings, it brings."""
    p, r = (np.array(column) for column in zip(*rows, strict=True))
    cut = utility_threshold(p, r, risk_fraction=fraction, aversion=aversion, fewest=fewest)
    u = utility(r, fraction, aversion)
    tried = [np.sum(u[p >= t]) / len(p) for t in [*p, 0.0] if np.mean(p >= t) >= fewest or (p >= t).sum() >= int(fewest * len(p)) > 0]
    assert cut.utility == pytest.approx(np.sum(u[p >= cut.threshold]) / len(p), rel=1e-9, abs=1e-12)
    assert cut.utility == pytest.approx(max(tried), rel=1e-9, abs=1e-12)
    assert cut.share_taken == np.mean(p >= cut.threshold)


@settings(deadline=None)
@given(trades)
def test_without_aversion_it_takes_what_the_most_profitable_cut_off_takes(rows):
    p, r = (np.array(column) for column in zip(*rows, strict=True))
    money = np.round(100 * r)  # whole dollars: sums are exact
    cut = utility_threshold(p, money, aversion=0.0, risk_fraction=2.0**-10)
    profit = {t: money[p >= t].sum() for t in p if (p >= t).sum() >= max(1, int(0.1 * len(p)))}
    best = min(t for t in profit if profit[t] == max(profit.values()))
    assert np.array_equal(p >= cut.threshold, p >= best)


def test_defaults_are_growth_at_one_percent_and_a_tenth_taken():
    """One sure winner of ten is not enough of twenty signals, two are."""
    p, r = np.linspace(0.95, 0.0, 20), np.array([9.0, -0.5, *[-1.0] * 18])
    cut = utility_threshold(p, r)
    assert cut == utility_threshold(p, r, risk_fraction=0.01, aversion=1.0, fewest=0.1)
    assert cut.share_taken == 0.1
    assert cut.utility == pytest.approx((np.log(1.09) + np.log(0.995)) / 20)


def test_aversion_refuses_what_profit_takes():
    """Lottery tickets of low probability pay on average and ruin growth: more aversion, higher threshold."""
    p = np.array([0.7] * 50 + [0.2] * 50)
    r = np.array([1.0] * 30 + [-1.0] * 20 + [9.0] * 6 + [-1.0] * 44)
    assert utility_threshold(p, r, risk_fraction=0.2, aversion=0.0).threshold == 0.0
    averse = utility_threshold(p, r, risk_fraction=0.2, aversion=3.0)
    assert averse.threshold == pytest.approx(0.45)
    assert averse.share_taken == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: utility_threshold([], []), "one or more signals"),
        (lambda: utility_threshold([0.5], [1.0, 2.0]), r"got shapes \(1,\) and \(2,\)"),
        (lambda: utility_threshold([1.5], [1.0]), r"probabilities in \[0, 1\]"),
        (lambda: utility_threshold([0.5], [np.inf]), "finite multiples"),
        (lambda: utility_threshold([0.5], [1.0], risk_fraction=0.0), r"risk_fraction must be in \(0, 1\]"),
        (lambda: utility_threshold([0.5], [1.0], aversion=-1.0), "aversion 0 or more"),
        (lambda: utility_threshold([0.5], [-4.0], risk_fraction=0.25), "a loss of 4 R at risk_fraction=0.25 takes all there is"),
    ],
)
def test_no_threshold(make, message):
    with pytest.raises(EsbtError, match=message):
        make()
