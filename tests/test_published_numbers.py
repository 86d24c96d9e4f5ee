"""Numbers printed by others, each with the convention that gives them. Those of a part with a test file of its own stand there: Sortino and
ulcer index (test_metrics), probability of overfitting (test_stats_cscv), purged folds and paths of the book (test_cross_validation), bet
size (test_position_sizer), fills of backtesting.py, LEAN, backtrader and TradingView (tests/scenarios).

Prices of the indicators' tables have up to four digits: an instrument of that tick holds them.
"""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import esbt
from esbt import stats
from python_models.position_sizer import kelly_share

FINE = replace(esbt.instrument("ES"), symbol="FINE", tick=0.0001, multiplier=1.0, calendar="24/7")


def daily_bars(high: list[float], low: list[float], close: list[float]) -> esbt.Bars:
    """One bar a day, opened at the close before, inside the day's range; the tables have no open and none is needed."""
    opens = np.clip(np.concatenate(([close[0]], close[:-1])), low, high)
    days = np.datetime64("2010-04-01") + np.arange(len(close))
    frame = pl.DataFrame({"ts": days.astype("datetime64[ns]"), "open": opens, "high": high, "low": low, "close": close, "volume": 1})
    return esbt.load_bars(frame, instrument=FINE, timezone="UTC")


# StockCharts ChartSchool, "Average True Range (ATR)", QQQQ from 1 April 2010; as text in ta 0.11, test/data/cs-atr.csv
ATR_HIGH = [48.70, 48.72, 48.90, 48.87, 48.82, 49.05, 49.20, 49.35, 49.92, 50.19, 50.12, 49.66, 49.88, 50.19, 50.36, 50.57, 50.65, 50.43]
ATR_HIGH += [49.63, 50.33, 50.29, 50.17, 49.32, 48.50, 48.3201, 46.80, 47.80, 48.39, 48.66, 48.79]
ATR_LOW = [47.79, 48.14, 48.39, 48.37, 48.24, 48.635, 48.94, 48.86, 49.50, 49.87, 49.20, 48.90, 49.43, 49.725, 49.26, 50.09, 50.30, 49.21]
ATR_LOW += [48.98, 49.61, 49.20, 49.43, 48.08, 47.64, 41.55, 44.2833, 47.31, 47.20, 47.90, 47.7301]
ATR_CLOSE = [48.16, 48.61, 48.75, 48.63, 48.74, 49.03, 49.07, 49.32, 49.91, 50.13, 49.53, 49.50, 49.75, 50.03, 50.31, 50.52, 50.41, 49.34]
ATR_CLOSE += [49.37, 50.23, 49.2375, 49.93, 48.43, 48.18, 46.57, 45.41, 47.77, 47.72, 48.62, 47.85]
ATR_14 = [
    0.555,
    0.5939285714,
    0.5857908163,
    0.5689486152,
    0.6154522855,
    0.6179199794,
    0.6423542666,
    0.6743289618,
    0.6927697503,
    0.7754290538,
]
ATR_14 += [0.7814698357, 1.209229133, 1.302619909, 1.380289916, 1.366697779, 1.336219366, 1.316482269]


def test_atr_is_the_chartschool_table() -> None:
    """Convention: the first true range is high less low and counts in the seed, the mean of the first 14; then Wilder's smoothing."""
    bars = daily_bars(ATR_HIGH, ATR_LOW, ATR_CLOSE)
    atr = esbt.AtrStrategy(atr_period=14).atr(bars) * FINE.tick
    assert np.isnan(atr[:13]).all()
    assert atr[13:] == pytest.approx(ATR_14, abs=5e-10)


# StockCharts ChartSchool, "Relative Strength Index (RSI)", from 14 December 2009; closes as text in ta 0.11, test/data/cs-rsi.csv
RSI_CLOSE = [44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140, 46.2820]
RSI_CLOSE += [46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783]
RSI_CLOSE += [44.2181, 44.5672, 43.4205, 42.6628, 43.1314]
RSI_CLASSIC = [70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99, 41.46, 41.87, 45.46, 37.30, 33.08]
RSI_CLASSIC += [37.77]
RSI_FROM_ZERO = {14: 71.862114, 32: 35.489326}  # ta: the averages start at 0


def test_rsi_is_the_chartschool_table() -> None:
    """Convention: average gain and loss are seeded with the plain means of the first 14 changes (Wilder), not smoothed from 0 as in ta."""
    bars = daily_bars(RSI_CLOSE, RSI_CLOSE, RSI_CLOSE)
    rsi = esbt.features.rsi(bars, 14)
    assert np.isnan(rsi[:14]).all()
    assert rsi[14:] == pytest.approx(RSI_CLASSIC, abs=0.0051)
    for bar, other in RSI_FROM_ZERO.items():
        assert abs(rsi[bar] - other) > 1


# StockCharts ChartSchool, "Average Directional Index (ADX)", QQQQ from 11 February 2009; as text in ta 0.11, test/data/cs-adx.csv
ADX_HIGH = [30.1983, 30.2776, 30.4458, 29.3478, 29.3477, 29.2886, 28.8334, 28.7346, 28.6654, 28.8532, 28.6356, 27.6761, 27.2112, 26.8651]
ADX_HIGH += [27.4090, 26.9441, 26.5189, 26.5189, 27.0927, 27.6860, 28.4477, 28.5267, 28.6654, 29.0116, 29.8720, 29.8028, 29.7529, 30.6546]
ADX_HIGH += [30.5951, 30.7635, 31.1698, 30.8923, 30.0402]
ADX_LOW = [29.4072, 29.3182, 29.9611, 28.7443, 28.5566, 28.4081, 28.0818, 27.4289, 27.6565, 27.8345, 27.3992, 27.0927, 26.1826, 26.1332]
ADX_LOW += [26.6277, 26.1332, 25.4307, 25.3518, 25.8760, 26.9640, 27.1421, 28.0123, 27.8840, 27.9928, 28.7643, 29.1402, 28.7127, 28.9290]
ADX_LOW += [30.0304, 29.3863, 30.1365, 30.4267, 29.3467]
ADX_CLOSE = [29.8720, 30.2381, 30.0996, 28.9028, 28.9225, 28.4775, 28.5566, 27.5576, 28.4675, 28.2796, 27.4882, 27.2310, 26.3507, 26.3309]
ADX_CLOSE += [27.0333, 26.2221, 26.0144, 25.4605, 27.0333, 27.4487, 28.3586, 28.4278, 27.9530, 29.0116, 29.3776, 29.3576, 28.9107, 30.6149]
ADX_CLOSE += [30.0502, 30.1890, 31.1202, 30.5356, 29.7827]
PLUS_DI = [6.7494187, 6.2919781, 5.7817867, 5.2866653, 8.6988073, 12.4910346, 16.6785194]
MINUS_DI = [32.4195605, 33.9457668, 36.4278403, 33.8872739, 30.0160112, 28.4668252, 25.8669450]
ADX_14 = [33.5833461, 32.1534947, 29.9292238, 28.3576178, 26.8982694, 25.7764785]


def test_adx_is_the_chartschool_table() -> None:
    """Convention: true range and directional moves need a bar before; sums are seeded with the first 14 of them, ADX with the mean of the
    first 14 DX."""
    bars = daily_bars(ADX_HIGH, ADX_LOW, ADX_CLOSE)
    plus, minus, adx = (getattr(esbt.features, name)(bars, 14) for name in ("plus_di", "minus_di", "adx"))
    assert plus[14:21] == pytest.approx(PLUS_DI, abs=5e-6)
    assert minus[14:21] == pytest.approx(MINUS_DI, abs=5e-6)
    assert np.isnan(adx[:27]).all()
    assert adx[27:] == pytest.approx(ADX_14, abs=5e-6)


def test_sharpe_inference_to_more_digits() -> None:
    """Bailey and Lopez de Prado 2012 and 2014, recomputed by their formulas: Sharpe ratio per period, raw kurtosis, 250 days, 52 weeks."""
    fund = {"sharpe": 0.458, "periods": 24}
    assert float(stats.sharpe_probability(**fund, skewness=-2.448, kurtosis=10.164)) == pytest.approx(0.913361, abs=1e-6)
    assert float(stats.sharpe_probability(**fund, skewness=0.0, kurtosis=3.0)) == pytest.approx(0.981675, abs=1e-6)
    for per_year, skewness, kurtosis, years in [
        (250, 0.0, 3.0, 2.731188),
        (12, -0.72, 5.78, 4.991258),
        (52, -0.72, 5.78, 3.513752),
        (250, -0.72, 5.78, 3.007677),
    ]:
        root = math.sqrt(per_year)
        length = stats.track_record_length(2 / root, skewness, kurtosis, benchmark=1 / root, alpha=0.05)
        assert length / per_year == pytest.approx(years, abs=2e-6)
    luck = stats.expected_max_sharpe(100, 0.5 / 250)
    assert luck == pytest.approx(0.113172, abs=1e-6)
    best = {"sharpe": 2.5 / math.sqrt(250), "periods": 1250, "skewness": -3.0, "kurtosis": 10.0}
    assert float(stats.sharpe_probability(**best, benchmark=luck)) == pytest.approx(0.90039683, abs=1e-8)
    assert float(stats.sharpe_probability(**best, benchmark=stats.expected_max_sharpe(46, 0.5 / 250))) == pytest.approx(0.9505017, abs=1e-7)


def test_expected_maximum_of_luck() -> None:
    """Bailey, Borwein, Lopez de Prado and Zhu 2014, proposition 1: (1 - c) Z(1 - 1/N) + c Z(1 - 1/(N e)), c Euler's constant."""
    assert stats.expected_max_sharpe(100) == pytest.approx(2.5306029, abs=1e-7)
    assert stats.expected_max_sharpe(10) == pytest.approx(1.5745983, abs=1e-7)
    assert stats.expected_max_sharpe(45) ** 2 == pytest.approx(4.998, abs=5e-4)


def test_kelly_growth_of_the_coin() -> None:
    """Thorp 2006, "The Kelly Criterion in Blackjack, Sports Betting and the Stock Market", section 2: p = 0.6 at even money, f = 0.2,
    growth 0.020136 a toss, and less on either side."""

    def growth(f: float) -> float:
        return 0.6 * math.log(1 + f) + 0.4 * math.log(1 - f)

    f = float(kelly_share(0.6, 1.0))
    assert growth(f) == pytest.approx(0.020136, abs=1e-6)
    assert growth(f) > max(growth(f - 0.01), growth(f + 0.01))


@pytest.mark.parametrize(("opens", "low", "fill"), [(90, 88, 90), (102, 98, 100)])
def test_a_sell_stop_of_nautilus(opens: int, low: int, fill: int) -> None:
    """NautilusTrader's docs on bar execution: SELL stop-market, trigger 100. A bar that opens at 90 fills at 90; one that opens at 102
    with a low of 98 fills at the trigger."""
    whole = replace(FINE, tick=1.0)
    frame = pl.DataFrame(
        {
            "ts": (np.datetime64("2024-01-03T00:00") + np.arange(4)).astype("datetime64[ns]"),
            "open": [110, 110, opens, opens],
            "high": [111, 111, 104, opens],
            "low": [109, 109, low, opens],
            "close": [110, 110, low, opens],
            "volume": 1,
        }
    )
    bars = esbt.load_bars(frame, instrument=whole, timezone="UTC")
    sides = np.array([1, 0, 0, 0], np.int8)
    held = esbt.Signals(values=sides, atr_ticks=np.ones(4), stop_atr=None, target_r=None, stop_ticks=10)
    trades = esbt.backtest(bars, held, slippage_ticks=0, fee_usd=0.0).trades
    assert trades["entry_price"].to_list() == [110]
    assert trades["exit_price"].to_list() == [fill]
    assert trades["exit_reason"].to_list() == ["stop"]
