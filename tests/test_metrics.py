"""Metrics: printed numbers of published sources, agreement with empyrical and pandas where they define the same thing, and the edges."""

import math
from datetime import date

import empyrical
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from esbt import metrics
from esbt.errors import EsbtError

RED_ROCK = np.array([17, 15, 23, -5, 12, 9, 13, -4]) / 100
STOCKCHARTS = [199.29, 199.01, 198.29, 198.40, 200.84, 201.22, 200.50, 198.65, 197.25, 195.70, 197.77, 195.69, 194.87, 195.08]
NAMES = [
    "total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_days",
    "recovery_days", "ulcer_index", "win_rate", "profit_factor", "win_loss_ratio", "avg_win", "avg_loss", "expectancy",
    "max_consecutive_wins", "max_consecutive_losses", "skewness", "kurtosis", "gain_to_pain", "exposure", "trades",
]  # fmt: skip

# Multiples of 1e-6 so that a variance is either zero or far from rounding.
return_series = st.integers(2, 200).flatmap(
    lambda n: arrays(np.int64, n, elements=st.integers(-200_000, 200_000)).map(lambda ticks: ticks / 1e6)
)


def path_of(returns):
    return 100_000.0 * np.cumprod(np.concatenate(([1.0], 1.0 + returns)))


def close(ours, theirs):
    return ours == pytest.approx(theirs, rel=1e-8, abs=1e-10, nan_ok=True)


# --- published numbers ---------------------------------------------------------------------------------------------------------------


def test_sortino_is_the_red_rock_example():
    assert metrics.sortino(RED_ROCK, periods_per_year=1) == pytest.approx(4.417261, abs=1e-6)
    assert RED_ROCK.mean() / RED_ROCK[RED_ROCK < 0].std(ddof=1) == pytest.approx(14.142, abs=1e-3)  # the common error, three times too good


def test_ulcer_index_is_the_stockcharts_table():
    assert metrics.ulcer_index(STOCKCHARTS) == pytest.approx(0.01760895215, abs=1e-10)
    assert np.mean(metrics.drawdowns(STOCKCHARTS) ** 2) * 1e4 == pytest.approx(3.100751959, abs=1e-8)


def test_ulcer_index_of_quantstats_divides_by_one_less():
    count = len(STOCKCHARTS)
    assert metrics.ulcer_index(STOCKCHARTS) * math.sqrt(count / (count - 1)) == pytest.approx(0.01827367, abs=1e-8)


def test_hand_computed_sharpe_and_volatility():
    returns = [0.01, -0.01, 0.03]  # mean 0.01, deviation 0.02
    assert metrics.sharpe(returns, periods_per_year=4) == pytest.approx(1.0)
    assert metrics.sharpe(returns, periods_per_year=4, risk_free=0.005) == pytest.approx(0.5)
    assert metrics.annual_volatility(returns, periods_per_year=4) == pytest.approx(0.04)
    assert metrics.gain_to_pain(returns) == pytest.approx(3.0)


def test_sharpe_is_not_growth_over_volatility():
    returns = np.tile([0.04, -0.03], 126)
    wrong = metrics.annual_return(returns) / metrics.annual_volatility(returns)
    assert metrics.sharpe(returns) == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252))
    assert abs(metrics.sharpe(returns) - wrong) > 0.1


# --- agreement with other libraries --------------------------------------------------------------------------------------------------


@given(return_series)
@settings(max_examples=150, deadline=None)
def test_agrees_with_empyrical_where_both_define_the_same(returns):
    assert close(metrics.total_return(path_of(returns)), empyrical.cum_returns_final(returns))
    assert close(metrics.annual_return(returns), empyrical.annual_return(returns))
    assert close(metrics.annual_volatility(returns), empyrical.annual_volatility(returns))
    assert close(metrics.max_drawdown(path_of(returns)), -empyrical.max_drawdown(returns))  # other sign, same number
    if np.ptp(returns) > 0:  # no variation: empyrical gives infinity, this gives NaN
        assert close(metrics.sharpe(returns), empyrical.sharpe_ratio(returns))
    else:
        assert math.isnan(metrics.sharpe(returns))
    if (returns < 0).any():  # nothing below target: empyrical gives infinity or NaN, this gives NaN
        assert close(metrics.sortino(returns), empyrical.sortino_ratio(returns))
        assert close(metrics.calmar(returns), empyrical.calmar_ratio(returns))
    else:
        assert math.isnan(metrics.sortino(returns))
        assert math.isnan(metrics.calmar(returns))


@given(return_series.filter(lambda r: len(r) > 3 and np.ptp(r) > 1e-4))
@settings(max_examples=100, deadline=None)
def test_moments_agree_with_pandas_which_quantstats_uses(returns):
    assert close(metrics.skewness(returns), pd.Series(returns).skew())
    assert close(metrics.kurtosis(returns), pd.Series(returns).kurt())


@given(return_series)
@settings(max_examples=50, deadline=None)
def test_gain_to_pain_is_the_formula_of_quantstats(returns):
    series = pd.Series(returns)
    if (returns < 0).any():
        assert close(metrics.gain_to_pain(returns), series.sum() / abs(series[series < 0].sum()))


# --- laws ----------------------------------------------------------------------------------------------------------------------------


@given(return_series, st.floats(0.01, 1000))
@settings(max_examples=50, deadline=None)
def test_the_unit_of_money_does_not_matter(returns, scale):
    path = path_of(returns)
    assert close(metrics.max_drawdown(path * scale), metrics.max_drawdown(path))
    assert close(metrics.ulcer_index(path * scale), metrics.ulcer_index(path))
    assert metrics.ulcer_index(path) <= metrics.max_drawdown(path) + 1e-12


@given(arrays(np.int64, st.integers(1, 80), elements=st.integers(-3, 3)))
@settings(max_examples=100, deadline=None)
def test_trade_metrics_equal_an_obvious_loop(pnl):
    wins, losses = [p for p in pnl if p > 0], [p for p in pnl if p < 0]
    assert metrics.trades(pnl) == len(pnl)
    assert close(metrics.win_rate(pnl), len(wins) / len(pnl))
    assert close(metrics.expectancy(pnl), sum(pnl) / len(pnl))
    assert close(metrics.avg_win(pnl), sum(wins) / len(wins) if wins else math.nan)
    assert close(metrics.avg_loss(pnl), sum(losses) / len(losses) if losses else math.nan)
    if losses:
        assert close(metrics.profit_factor(pnl), sum(wins) / -sum(losses))
    if wins and losses:
        assert close(metrics.win_loss_ratio(pnl), (sum(wins) / len(wins)) / -(sum(losses) / len(losses)))
    best = worst = run_up = run_down = 0
    for p in pnl:
        run_up, run_down = (run_up + 1 if p > 0 else 0), (run_down + 1 if p < 0 else 0)
        best, worst = max(best, run_up), max(worst, run_down)
    assert (metrics.max_consecutive_wins(pnl), metrics.max_consecutive_losses(pnl)) == (best, worst)


@given(arrays(np.int64, st.integers(1, 40), elements=st.integers(1, 6)), st.data())
@settings(max_examples=100, deadline=None)
def test_time_under_water_equals_an_obvious_loop(equity, data):
    days = np.cumsum(data.draw(arrays(np.int64, len(equity), elements=st.integers(0, 4))))
    longest, peak, peak_day, wet = 0, equity[0], days[0], False
    for value, day in zip(equity, days, strict=True):
        if value < peak or wet:
            longest = max(longest, day - peak_day)
        wet = value < peak
        if value >= peak:
            peak, peak_day = value, day
    assert metrics.max_drawdown_days(equity, days) == longest


# --- drawn examples ------------------------------------------------------------------------------------------------------------------


def test_drawdown_length_and_recovery():
    equity = [100, 110, 99, 105, 110, 120, 118, 121]
    days = [0, 1, 4, 5, 8, 9, 10, 30]
    assert metrics.max_drawdown(equity) == pytest.approx(0.1)
    assert metrics.max_drawdown_days(equity, days) == 21  # from day 9 to day 30: longer than the deepest one (day 1 to day 8)
    assert metrics.recovery_days(equity, days) == 4  # bottom on day 4, peak regained on day 8
    assert math.isnan(metrics.recovery_days([100, 90, 95], [0, 1, 2]))  # never regained
    assert metrics.max_drawdown_days([100, 90, 95], [0, 1, 2]) == 2  # still under water at the end
    assert metrics.recovery_days([100, 100, 101], [0, 1, 2]) == metrics.max_drawdown_days([100, 100, 101], [0, 400, 401]) == 0


def test_scratch_trades_are_neither_wins_nor_losses():
    pnl = [10.0, 0.0, 10.0, -5.0, 0.0, -5.0]
    assert metrics.trades(pnl) == 6
    assert metrics.win_rate(pnl) == pytest.approx(2 / 6)
    assert metrics.avg_win(pnl) == 10
    assert metrics.avg_loss(pnl) == -5
    assert metrics.win_loss_ratio(pnl) == 2
    assert metrics.profit_factor(pnl) == 2
    assert (metrics.max_consecutive_wins(pnl), metrics.max_consecutive_losses(pnl)) == (1, 1)


def test_no_losses_and_no_trades():
    assert metrics.profit_factor([1.0, 2.0]) == math.inf
    assert math.isnan(metrics.profit_factor([0.0]))
    for name in ("win_rate", "profit_factor", "avg_win", "avg_loss", "win_loss_ratio", "expectancy"):
        assert math.isnan(getattr(metrics, name)([])), name
    assert metrics.max_consecutive_wins([]) == metrics.max_consecutive_losses([]) == metrics.trades([]) == 0


def test_exposure_counts_a_shared_bar_once():
    assert metrics.exposure([2, 4], [4, 5], 10) == pytest.approx(0.4)  # a reversal on bar 4
    assert metrics.exposure([], [], 10) == 0
    assert math.isnan(metrics.exposure([], [], 0))
    with pytest.raises(EsbtError, match=r"trade 1 lies on bars 4\.\.10, outside 0\.\.9"):
        metrics.exposure([2, 4], [3, 10], 10)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01, 0.01, 0.01, 0.01], [0.0] * 5, [0.01, math.nan, 0.02, -0.01, 0.0]])
def test_undefined_ratios_are_nan_without_a_warning(returns):
    for name in ("sharpe", "sortino", "skewness", "kurtosis", "calmar"):
        assert math.isnan(getattr(metrics, name)(returns)), name


def test_ruin_does_not_grow_back():
    assert metrics.annual_return([0.5, -1.0, 0.2]) == -1
    assert metrics.annual_return([-1.5, -1.5]) == -1  # the product of the two factors would be +25 %
    assert metrics.max_drawdown([100.0, 50.0, -20.0, 300.0]) == pytest.approx(1.2)


# --- summarize and daily_table -------------------------------------------------------------------------------------------------------


def trade_frame(pnl, entry_bar, exit_bar):
    return pl.DataFrame(
        {"pnl": pnl, "entry_bar": entry_bar, "exit_bar": exit_bar},
        schema={"pnl": pl.Float64, "entry_bar": pl.Int64, "exit_bar": pl.Int64},
    )


NO_TRADES = trade_frame([], [], [])
MONDAY = (date(2024, 3, 4) - date(1970, 1, 1)).days


def test_daily_table_takes_the_last_bar_of_each_session():
    table = metrics.daily_table([1010, 990, 1000, 1100], np.array([MONDAY, MONDAY, MONDAY + 1, MONDAY + 4], np.int32), 1000.0)
    assert table["session"].to_list() == [date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 8)]
    assert table["equity"].to_list() == [990, 1000, 1100]
    assert table["pnl"].to_list() == [-10, 10, 100]
    assert table["return"].to_list() == pytest.approx([-0.01, 10 / 990, 0.1])
    assert table.schema == {"session": pl.Date, "equity": pl.Float64, "pnl": pl.Float64, "return": pl.Float64}


def test_summarize_names_every_metric_of_the_design_once():
    result = metrics.summarize([1000.0, 1010.0], [MONDAY, MONDAY + 1], 1000.0, NO_TRADES)
    assert list(result) == NAMES
    assert all(isinstance(value, float) for value in result.values())
    assert all(callable(getattr(metrics, name)) for name in NAMES)


def test_summarize_sees_the_fall_inside_a_session():
    sessions = np.repeat(np.arange(MONDAY, MONDAY + 3), 2)
    result = metrics.summarize([800, 1000, 1010, 1020, 1000, 1050], sessions, 1000.0, trade_frame([50.0], [0], [5]))
    assert result["max_drawdown"] == pytest.approx(0.2)  # the session closes alone never fell
    assert result["max_drawdown_days"] == 1  # 1020 on the second session is regained on the third
    assert result["recovery_days"] == 0
    assert result["total_return"] == pytest.approx(0.05)
    assert result["ulcer_index"] == 0  # on session closes
    assert result["exposure"] == 1
    assert result["calmar"] == pytest.approx(result["annual_return"] / 0.2)


def test_summarize_without_trades_bars_or_variation():
    for equity, session in ([], []), ([1000.0], [MONDAY]), ([1000.0] * 4, [MONDAY, MONDAY, MONDAY + 1, MONDAY + 2]):
        result = metrics.summarize(equity, session, 1000.0, NO_TRADES)
        assert result["trades"] == result["total_return"] == result["max_drawdown"] == 0
        assert all(math.isnan(result[name]) for name in ("sharpe", "sortino", "calmar", "profit_factor", "win_rate"))


def test_summarize_of_a_ruined_account_neither_crashes_nor_flatters():
    sessions = np.arange(MONDAY, MONDAY + 5)
    result = metrics.summarize([1200.0, -100.0, 300.0, 2000.0, 2500.0], sessions, 1000.0, trade_frame([1500.0], [0], [4]))
    assert result["max_drawdown"] == pytest.approx(1300 / 1200)
    assert result["annual_return"] == -1
    for name in ("sharpe", "sortino", "calmar", "annual_volatility", "gain_to_pain"):
        assert math.isnan(result[name]), name
    daily = metrics.daily_table([1200.0, -100.0, 300.0], sessions[:3], 1000.0)
    assert math.isnan(daily["return"][2])
    assert daily["return"][1] < -1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.max_drawdown([]), "equity is empty"),
        (lambda: metrics.max_drawdown([0.0, 1.0]), r"starts at 0\.0"),
        (lambda: metrics.max_drawdown([1.0, math.nan]), "equity has nan at row 1"),
        (lambda: metrics.win_rate([1.0, math.nan]), "pnl has nan at row 1"),
        (lambda: metrics.win_rate([[1.0]]), r"pnl must be one-dimensional, got shape \(1, 1\)"),
        (lambda: metrics.win_rate(["a"]), "pnl must be a sequence of numbers"),
        (lambda: metrics.sharpe([0.1, 0.2], periods_per_year=0), "periods_per_year is 0"),
        (lambda: metrics.max_drawdown_days([1.0, 2.0], [2, 1]), "days goes back at row 1"),
        (lambda: metrics.recovery_days([1.0, 2.0], [1]), r"days must be int\[2\]"),
        (lambda: metrics.daily_table([1.0], [1, 2], 1.0), "one session per bar"),
        (lambda: metrics.daily_table([1.0, 1.0], [2, 1], 1.0), "bar_session goes back at row 1"),
        (lambda: metrics.daily_table([1.0], [1], 0.0), r"cash is 0\.0"),
        (lambda: metrics.exposure([1], [1, 2], 5), "two series of one length"),
        (lambda: metrics.summarize([1.0], [1], 1.0, pl.DataFrame({"pnl": [1.0]})), "trades has no column 'entry_bar'"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(EsbtError, match=message):
        call()
