"""Permuted markets: what stays, what is shuffled within its slot, and a test that is fair on noise and finds a pattern."""

import io
from dataclasses import replace

import numpy as np
import pytest
from data_helpers import shared_data
from rich.console import Console
from scipy.stats import binom

import esbt
from esbt import stats
from esbt.data import Bars, sessions_between
from esbt.errors import EsbtError

DAY = 86_400_000_000_000


@pytest.fixture(scope="module")
def bars():
    return esbt.synthetic_bars(days=60, interval="15min", seed=5)


def same_shape(ours: Bars, theirs: Bars) -> None:
    for name in ("ts", "volume", "session", "segment"):
        assert (getattr(ours, name) == getattr(theirs, name)).all()
    assert ours.open[0] == theirs.open[0]
    assert (ours.high >= np.maximum(ours.open, ours.close)).all()
    assert (ours.low <= np.minimum(ours.open, ours.close)).all()
    assert ours.low.min() > 0


def momentum(bars):
    """Sum of the products of neighbouring bars' moves within a session: above 0 where moves follow each other."""
    move = (bars.close - bars.open).astype(np.float64)
    inside = np.diff(bars.session) == 0
    return float((move[1:] * move[:-1])[inside].sum())


@pytest.mark.parametrize("keep_volatility", [True, False])
def test_shape_stays_and_order_goes(bars, keep_volatility):
    other = stats.permuted_bars(bars, 1, keep_volatility=keep_volatility)
    same_shape(other, bars)
    assert (other.close != bars.close).mean() > 0.9
    assert other.synthetic
    assert other.truth is None
    assert "permuted" in other.source
    again = stats.permuted_bars(bars, 1, keep_volatility=keep_volatility)
    assert (again.close == other.close).all()
    assert (stats.permuted_bars(bars, 2, keep_volatility=keep_volatility).close != other.close).any()
    assert esbt.backtest(other, esbt.AtrStrategy(fast=3, slow=8)).trades.height > 0


def test_each_slot_keeps_its_own_moves(bars):
    """Without rounding to ticks in the way (prices a hundred times finer) the moves of a slot are the same ones in another order."""
    fine = {name: getattr(bars, name) * 1000 for name in ("open", "high", "low", "close")}
    fine_bars = replace(bars, **fine)
    other = stats.permuted_bars(fine_bars, 3, keep_volatility=False)
    found = sessions_between("CME Globex Equity", *(np.datetime64(int(d), "D").item() for d in (bars.session[0], bars.session[-1])))
    minute = (bars.ts - found.open_ns[np.searchsorted(found.day, bars.session)]) // 60_000_000_000
    first = np.concatenate(([True], np.diff(bars.session) != 0))

    def moves(one):
        opens, closes = np.log(one.open), np.log(one.close)
        return np.concatenate(([0.0], opens[1:] - closes[:-1])), closes - opens, np.log(one.high) - opens, np.log(one.low) - opens

    gaps, *bodies = moves(fine_bars)
    other_gaps, *other_bodies = moves(other)
    for slot in np.unique(minute):
        here = minute == slot
        for mine, its in zip(other_bodies, bodies, strict=True):
            assert np.sort(mine[here]) == pytest.approx(np.sort(its[here]), abs=2e-6)
        inside = here & ~first
        assert np.sort(other_gaps[inside]) == pytest.approx(np.sort(gaps[inside]), abs=2e-6)
    closed = np.diff(bars.ts, prepend=bars.ts[0])
    assert (closed[first][1:] >= DAY).sum() > 8  # weekends
    for into in (first & (closed < DAY), first & (closed >= DAY)):
        into[0] = False
        assert np.sort(other_gaps[into]) == pytest.approx(np.sort(gaps[into]), abs=2e-6)
    assert other.close[-1] == pytest.approx(fine_bars.close[-1], rel=1e-4)  # the sum of the moves


def test_volatility_of_sessions_stays_where_it_was(bars):
    def by_session(one):
        _, which = np.unique(one.session, return_inverse=True)
        return np.bincount(which, np.abs(np.log(one.close) - np.log(one.open)))

    kept = np.corrcoef(by_session(bars), by_session(stats.permuted_bars(bars, 4)))[0, 1]
    lost = np.corrcoef(by_session(bars), by_session(stats.permuted_bars(bars, 4, keep_volatility=False)))[0, 1]
    assert kept > 0.75
    assert abs(lost) < 0.4


def test_seams_keep_their_jump():
    one = esbt.synthetic_bars(days=6, interval="15min", seed=6)
    half = len(one) // 2
    columns = {
        name: np.where(np.arange(len(one)) < half, getattr(one, name), getattr(one, name) + 4000)
        for name in ("open", "high", "low", "close")
    }
    two = replace(one, segment=(np.arange(len(one)) >= half).astype(np.int32), contracts=("ESH2", "ESM2"), **columns)
    jump = np.log(two.open[half] / two.close[half - 1])
    for seed in range(5):
        other = stats.permuted_bars(two, seed)
        same_shape(other, two)
        assert np.log(other.open[half] / other.close[half - 1]) == pytest.approx(jump, abs=1e-4)


def test_real_bars_with_holes_and_contracts():
    bars = esbt.load_bars(shared_data("es_5min_contracts_2015_2019_and_2023_2024.parquet"), instrument="ES")[:40_000]
    other = stats.permuted_bars(bars, 1)
    same_shape(other, bars)
    spread = [float(np.mean(np.abs(np.log(one.close / one.open)))) for one in (bars, other)]
    assert spread[1] == pytest.approx(spread[0], rel=0.1)


def test_p_values_on_noise_are_fair():
    p_values = []
    for k in range(120):
        market = esbt.synthetic_bars(days=12, interval="1h", seed=1000 + k)
        p_values.append(stats.permutation_test(momentum, market, permutations=19, seed=k).p_value)
    count = np.sum(np.array(p_values) <= 0.05)
    assert count <= binom.ppf(0.999, 120, 0.05)
    assert np.mean(np.array(p_values) <= 0.5) == pytest.approx(0.5, abs=0.15)


def test_a_search_on_a_market_with_trends_beats_permuted_ones_and_on_noise_it_does_not():
    def best_of_search(market):
        """The best net profit of nine crossings: the luck of picking it is on both sides."""
        runs = [esbt.backtest(market, esbt.AtrStrategy(fast=f, slow=s, atr_period=10)) for f in (2, 4, 8) for s in (12, 20, 30)]
        return max(run.trades["pnl"].sum() for run in runs)

    trending = esbt.synthetic_bars(days=80, interval="15min", edge=0.8, seed=2)
    assert stats.permutation_test(best_of_search, trending, permutations=39, seed=1).p_value <= 0.05
    noise = esbt.synthetic_bars(days=80, interval="15min", edge=0.0, seed=3)
    assert stats.permutation_test(best_of_search, noise, permutations=19, seed=1).p_value > 0.05


def test_result_counts_as_it_says(bars):
    calls = []

    def statistic(market):
        calls.append(market.source)
        return [5.0, 1.0, 5.0, 9.0, float("nan"), 2.0][len(calls) - 1]

    screen = io.StringIO()
    found = stats.permutation_test(statistic, bars, permutations=5, seed=3, console=Console(file=screen))
    assert found.observed == 5.0
    assert found.permuted == pytest.approx([1.0, 5.0, 9.0, float("nan"), 2.0], nan_ok=True)
    assert found.p_value == (1 + 3) / (5 + 1)  # equal, above, and NaN
    assert calls[2] == stats.permuted_bars(bars, (3, 1)).source
    assert "permuted markets" in screen.getvalue()


def test_bad_input_is_named(bars):
    below = replace(bars, low=np.where(np.arange(len(bars)) == 7, -3, bars.low).astype(np.int32))
    sunday = replace(bars, session=bars.session * 0 + 18_993)  # 2022-01-01
    for call, words in [
        (lambda: stats.permuted_bars(below), r"bars.low is -3 ticks at row 7"),
        (lambda: stats.permuted_bars(sunday), r"2022-01-01, on which calendar 'CME Globex Equity' has no session"),
        (lambda: stats.permuted_bars(bars[:1]), "two or more can be permuted"),
        (lambda: stats.permuted_bars([1, 2]), "must be esbt.Bars"),
        (lambda: stats.permutation_test(lambda _: float("nan"), bars), "statistic of the bars is nan"),
        (lambda: stats.permutation_test(len, bars, permutations=0), "permutations is 0"),
    ]:
        with pytest.raises(EsbtError, match=words):
            call()
