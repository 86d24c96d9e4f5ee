"""What type checkers and editors see of the features' functions: written by scripts/stubs.py from the registry."""

from collections.abc import Mapping
from inspect import Signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import esbt.features.functions as _functions
from esbt.data.bars import Bars
from esbt.features.matrix import Features, Names
from esbt.features.registry import Kind, Parameter

FUNCTIONS: dict[str, Any]

def initial_of(parameter: Parameter) -> int | float: ...
def signature_of(kind: Kind) -> Signature: ...
def words_about(kind: Kind) -> str: ...

__all__ = [
    "move",
    "simple_return",
    "log_return",
    "momentum",
    "acceleration",
    "resistance_distance",
    "support_distance",
    "pullback_depth",
    "pullback_speed",
    "volume_ratio",
    "volume_surge",
    "volume_balance",
    "on_balance_volume",
    "dollar_volume",
    "vwap_distance",
    "session_vwap",
    "rolling_vwap_distance",
    "rolling_vwap",
    "order_flow_imbalance",
    "chaikin_money_flow",
    "money_flow_index",
    "force_index",
    "atr",
    "relative_volatility",
    "volatility_ratio",
    "historical_volatility",
    "parkinson_volatility",
    "garman_klass_volatility",
    "rogers_satchell_volatility",
    "yang_zhang_volatility",
    "historical_volatility_ratio",
    "volatility_percentile",
    "bar_range",
    "range_ratio",
    "bar_gap",
    "downside_share",
    "sma",
    "ema",
    "sma_distance",
    "ema_distance",
    "sma_slope",
    "macd",
    "macd_signal",
    "macd_histogram",
    "linear_slope",
    "linear_fit",
    "bollinger_width",
    "bollinger_position",
    "keltner_position",
    "donchian_position",
    "donchian_width",
    "supertrend_distance",
    "supertrend_side",
    "rsi",
    "stochastic_k",
    "stochastic_d",
    "williams_r",
    "cci",
    "aroon_up",
    "aroon_down",
    "aroon_oscillator",
    "plus_di",
    "minus_di",
    "adx",
    "close_in_bar",
    "body_share",
    "upper_shadow",
    "lower_shadow",
    "tick_balance",
    "still_share",
    "liquidity_score",
    "amihud_illiquidity",
    "roll_spread",
    "corwin_schultz_spread",
    "efficiency_ratio",
    "variance_ratio",
    "hurst_exponent",
    "autocorrelation",
    "session_open_distance",
    "session_high_distance",
    "session_low_distance",
    "session_range_position",
    "prior_high_distance",
    "prior_low_distance",
    "prior_close_distance",
    "pivot_distance",
    "overnight_gap",
    "session_range_ratio",
    "opening_range_position",
    "opening_range_width",
    "minutes_since_open",
    "minutes_to_close",
    "time_sine",
    "time_cosine",
    "regular_hours",
    "day_of_week",
    "days_to_roll",
    "trend_regime",
    "momentum_regime",
    "volatility_regime",
]

def move(of: Bars, /, bars: int = 5) -> NDArray[np.float32]:
    """move: (close_t - close_(t-bars)) / ATR.

    Unit: ATR. Warm-up for move(5): 13 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'move(5)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def simple_return(of: Bars, /, bars: int = 1) -> NDArray[np.float32]:
    """simple_return: close_t / close_(t-bars) - 1; prices below one tick count as one tick.

    Unit: fraction. Warm-up for simple_return(1): 1 bars of each contract segment are NaN. Source: Tsay 2010, section 1.1.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'simple_return(1)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def log_return(of: Bars, /, bars: int = 1) -> NDArray[np.float32]:
    """log_return: ln(close_t / close_(t-bars)); prices below one tick count as one tick.

    Unit: log. Warm-up for log_return(1): 1 bars of each contract segment are NaN. Source: Tsay 2010, section 1.1.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'log_return(1)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def momentum(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """momentum: (close_t - close_(t-bars)) / (ATR * sqrt(bars)).

    Unit: ATR. Warm-up for momentum(20): 20 bars of each contract segment are NaN. Source: Moskowitz, Ooi, Pedersen 2012, scaled by volatility.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'momentum(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def acceleration(of: Bars, /, bars: int = 10) -> NDArray[np.float32]:
    """acceleration: ((close_t - close_(t-bars)) - (close_(t-bars) - close_(t-2*bars))) / ATR.

    Unit: ATR. Warm-up for acceleration(10): 20 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'acceleration(10)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def resistance_distance(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """resistance_distance: (highest high of the last bars - close) / ATR.

    Unit: ATR. Warm-up for resistance_distance(60): 59 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'resistance_distance(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def support_distance(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """support_distance: (close - lowest low of the last bars) / ATR.

    Unit: ATR. Warm-up for support_distance(60): 59 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'support_distance(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def pullback_depth(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """pullback_depth: after a rise over bars: (highest high - close) / ATR; after a fall: -(close - lowest low) / ATR; else 0.

    Unit: ATR. Warm-up for pullback_depth(60): 60 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'pullback_depth(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def pullback_speed(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """pullback_speed: pullback_depth / (bars since that extreme + 1); of equal extremes the latest.

    Unit: ATR per bar. Warm-up for pullback_speed(60): 60 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: returns. Gives float32[N], read-only: the column 'pullback_speed(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def volume_ratio(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """volume_ratio: volume / mean volume of the last bars, this one included; 1 without volume.

    Unit: ratio. Warm-up for volume_ratio(60): 59 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'volume_ratio(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def volume_surge(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """volume_surge: (volume - mean) / standard deviation (over bars) of the last bars' volume; 0 where it does not vary.

    Unit: standard deviations. Warm-up for volume_surge(60): 59 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 2 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'volume_surge(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def volume_balance(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """volume_balance: (volume of rising closes - of falling closes) / volume, last bars; 0 without volume.

    Unit: -1..1. Warm-up for volume_balance(30): 30 bars of each contract segment are NaN. Source: Granville 1963, on-balance volume, over a window.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'volume_balance(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def on_balance_volume(of: Bars, /) -> NDArray[np.float32]:
    """on_balance_volume: sum since the segment's start of volume times the sign of the close's change.

    Unit: contracts. Warm-up: 0 bars of each contract segment are NaN. Source: Granville 1963.
    Group: volume. Gives float32[N], read-only: the column 'on_balance_volume' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def dollar_volume(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """dollar_volume: mean of |close| * volume over the last bars; times the tick value it is USD.

    Unit: ticks * contracts. Warm-up for dollar_volume(20): 19 bars of each contract segment are NaN. Source: Amihud 2002.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'dollar_volume(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def vwap_distance(of: Bars, /) -> NDArray[np.float32]:
    """vwap_distance: (close - session VWAP of (high + low + close) / 3) / ATR; 0 without volume.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: Berkowitz, Logue, Noser 1988.
    Group: volume. Gives float32[N], read-only: the column 'vwap_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def session_vwap(of: Bars, /) -> NDArray[np.float32]:
    """session_vwap: session VWAP of (high + low + close) / 3, as a price in ticks; the close without volume.

    Unit: ticks. Warm-up: 0 bars of each contract segment are NaN. Source: Berkowitz, Logue, Noser 1988.
    Group: volume. Gives float32[N], read-only: the column 'session_vwap' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def rolling_vwap_distance(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """rolling_vwap_distance: (close - VWAP of (high + low + close) / 3 over the last bars) / ATR; 0 without volume.

    Unit: ATR. Warm-up for rolling_vwap_distance(30): 29 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'rolling_vwap_distance(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def rolling_vwap(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """rolling_vwap: VWAP of (high + low + close) / 3 over the last bars, as a price in ticks; the close without volume.

    Unit: ticks. Warm-up for rolling_vwap(30): 29 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'rolling_vwap(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def order_flow_imbalance(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """order_flow_imbalance: (bought - sold) / volume over the last bars; a bar's bought is its volume at the ask where the data has it, else its volume * Phi(change / standard deviation (over bars) of the changes of the bars up to it), half of it where they do not vary; 0 without volume.

    Unit: -1..1. Warm-up for order_flow_imbalance(30): 59 bars of each contract segment are NaN. Source: Easley, Lopez de Prado, O'Hara 2012, bulk volume classification.
    bars: whole number from 2 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'order_flow_imbalance(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def chaikin_money_flow(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """chaikin_money_flow: sum of volume * (2 close - high - low) / (high - low) over sum of volume, last bars; bars without range add 0; 0 without volume.

    Unit: -1..1. Warm-up for chaikin_money_flow(20): 19 bars of each contract segment are NaN. Source: Chaikin, in Achelis 2001.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'chaikin_money_flow(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def money_flow_index(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """money_flow_index: 100 * U / (U + D), U and D: sums of |typical price| * volume over bars whose typical price rose, fell; 50 when none did.

    Unit: 0..100. Warm-up for money_flow_index(14): 14 bars of each contract segment are NaN. Source: Quong and Soudack 1989.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'money_flow_index(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def force_index(of: Bars, /, bars: int = 13) -> NDArray[np.float32]:
    """force_index: EMA(bars) of change * volume / mean volume of 60 bars, / ATR; changes count 0 without volume; the EMA is seeded with bar 60, the first to have that mean, and settles for 3 * bars more before the first value.

    Unit: ATR. Warm-up for force_index(13): 99 bars of each contract segment are NaN. Source: Elder 1993, scaled.
    bars: whole number from 1 to 10000.
    Group: volume. Gives float32[N], read-only: the column 'force_index(13)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def atr(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """atr: Wilder's mean of true ranges: (ATR_(t-1) * (bars - 1) + TR_t) / bars, seeded with the mean of the first bars.

    Unit: ticks. Warm-up for atr(14): 13 bars of each contract segment are NaN. Source: Wilder 1978, section III.
    bars: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'atr(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def relative_volatility(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """relative_volatility: ATR(bars) / |close|; 0 at price zero.

    Unit: fraction. Warm-up for relative_volatility(14): 13 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'relative_volatility(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def volatility_ratio(of: Bars, /, fast: int = 14, slow: int = 100) -> NDArray[np.float32]:
    """volatility_ratio: ATR(fast) / ATR(slow); 1 when the slow one is zero.

    Unit: ratio. Warm-up for volatility_ratio(14, 100): 99 bars of each contract segment are NaN. Source: esbt.
    fast: whole number from 1 to 10000.
    slow: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'volatility_ratio(14, 100)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def historical_volatility(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """historical_volatility: standard deviation (bars - 1) of log returns of one bar, over the last bars; prices below one tick count as one tick.

    Unit: log per bar. Warm-up for historical_volatility(20): 20 bars of each contract segment are NaN. Source: Hull 2017, section 15.4.
    bars: whole number from 2 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'historical_volatility(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def parkinson_volatility(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """parkinson_volatility: sqrt(mean of ln(high / low)^2 / (4 ln 2)) over the last bars; prices below one tick count as one tick.

    Unit: log per bar. Warm-up for parkinson_volatility(20): 19 bars of each contract segment are NaN. Source: Parkinson 1980.
    bars: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'parkinson_volatility(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def garman_klass_volatility(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """garman_klass_volatility: sqrt(mean of ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2) over the last bars, 0 where that mean is negative; prices below one tick count as one tick.

    Unit: log per bar. Warm-up for garman_klass_volatility(20): 19 bars of each contract segment are NaN. Source: Garman and Klass 1980.
    bars: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'garman_klass_volatility(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def rogers_satchell_volatility(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """rogers_satchell_volatility: sqrt(mean of ln(high / close) ln(high / open) + ln(low / close) ln(low / open)) over the last bars; prices below one tick count as one tick.

    Unit: log per bar. Warm-up for rogers_satchell_volatility(20): 19 bars of each contract segment are NaN. Source: Rogers and Satchell 1991.
    bars: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'rogers_satchell_volatility(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def yang_zhang_volatility(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """yang_zhang_volatility: sqrt(V_o + k V_c + (1 - k) V_rs), V_o and V_c sample variances of ln(open_t / close_(t-1)) and ln(close / open), k = 0.34 / (1.34 + (bars + 1) / (bars - 1)); prices below one tick count as one tick.

    Unit: log per bar. Warm-up for yang_zhang_volatility(20): 20 bars of each contract segment are NaN. Source: Yang and Zhang 2000.
    bars: whole number from 2 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'yang_zhang_volatility(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def historical_volatility_ratio(of: Bars, /, fast: int = 10, slow: int = 60) -> NDArray[np.float32]:
    """historical_volatility_ratio: historical_volatility(fast) / historical_volatility(slow), prices below one tick count as one tick; 1 when the slow one is at most 1e-7.

    Unit: ratio. Warm-up for historical_volatility_ratio(10, 60): 60 bars of each contract segment are NaN. Source: esbt.
    fast: whole number from 2 to 10000.
    slow: whole number from 2 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'historical_volatility_ratio(10, 60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def volatility_percentile(of: Bars, /, bars: int = 390) -> NDArray[np.float32]:
    """volatility_percentile: share of the last bars' ATR(14), the newest among them, that lie below the newest, ties half (the newest is one of its own: never 0, never 1); tied is what shares a step, each octave from 2^-16 to 2^23 ticks being cut into 16 equal steps.

    Unit: 0..1. Warm-up for volatility_percentile(390): 402 bars of each contract segment are NaN. Source: esbt; trailing, never over the whole sample.
    bars: whole number from 2 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'volatility_percentile(390)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def bar_range(of: Bars, /) -> NDArray[np.float32]:
    """bar_range: (high - low) / ATR.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: volatility. Gives float32[N], read-only: the column 'bar_range' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def range_ratio(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """range_ratio: (high - low) / mean of it over the last bars; 1 without range.

    Unit: ratio. Warm-up for range_ratio(20): 19 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'range_ratio(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def bar_gap(of: Bars, /) -> NDArray[np.float32]:
    """bar_gap: (open_t - close_(t-1)) / ATR.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: volatility. Gives float32[N], read-only: the column 'bar_gap' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def downside_share(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """downside_share: sum of squared falls of the close / sum of squared changes, last bars; 0.5 when nothing moved.

    Unit: 0..1. Warm-up for downside_share(30): 30 bars of each contract segment are NaN. Source: Barndorff-Nielsen, Kinnebrock, Shephard 2010, realised semivariance.
    bars: whole number from 1 to 10000.
    Group: volatility. Gives float32[N], read-only: the column 'downside_share(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def sma(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """sma: mean close of the last bars, as a price in ticks.

    Unit: ticks. Warm-up for sma(20): 19 bars of each contract segment are NaN. Source: Murphy 1999, chapter 9.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'sma(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def ema(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """ema: a * close_t + (1 - a) * EMA_(t-1), a = 2 / (bars + 1), seeded with the segment's first close, as a price in ticks.

    Unit: ticks. Warm-up for ema(20): 60 bars of each contract segment are NaN. Source: Murphy 1999, chapter 9.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'ema(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def sma_distance(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """sma_distance: (close - SMA(bars)) / ATR.

    Unit: ATR. Warm-up for sma_distance(20): 19 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'sma_distance(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def ema_distance(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """ema_distance: (close - EMA(bars)) / ATR.

    Unit: ATR. Warm-up for ema_distance(20): 60 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'ema_distance(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def sma_slope(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """sma_slope: (SMA_t(bars) - SMA_(t-5)(bars)) / ATR.

    Unit: ATR. Warm-up for sma_slope(20): 24 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'sma_slope(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def macd(of: Bars, /, fast: int = 12, slow: int = 26) -> NDArray[np.float32]:
    """macd: (EMA(fast) - EMA(slow)) / ATR.

    Unit: ATR. Warm-up for macd(12, 26): 78 bars of each contract segment are NaN. Source: Appel 2005.
    fast: whole number from 1 to 10000.
    slow: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'macd(12, 26)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def macd_signal(of: Bars, /, fast: int = 12, slow: int = 26, signal: int = 9) -> NDArray[np.float32]:
    """macd_signal: EMA(signal) of EMA(fast) - EMA(slow), / ATR.

    Unit: ATR. Warm-up for macd_signal(12, 26, 9): 105 bars of each contract segment are NaN. Source: Appel 2005.
    fast: whole number from 1 to 10000.
    slow: whole number from 1 to 10000.
    signal: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'macd_signal(12, 26, 9)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def macd_histogram(of: Bars, /, fast: int = 12, slow: int = 26, signal: int = 9) -> NDArray[np.float32]:
    """macd_histogram: (EMA(fast) - EMA(slow) - EMA(signal) of it) / ATR.

    Unit: ATR. Warm-up for macd_histogram(12, 26, 9): 105 bars of each contract segment are NaN. Source: Aspray 1986.
    fast: whole number from 1 to 10000.
    slow: whole number from 1 to 10000.
    signal: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'macd_histogram(12, 26, 9)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def linear_slope(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """linear_slope: least-squares slope of the last bars' closes, ticks per bar, / ATR.

    Unit: ATR. Warm-up for linear_slope(20): 19 bars of each contract segment are NaN. Source: Murphy 1999.
    bars: whole number from 2 to 1000.
    Group: trend. Gives float32[N], read-only: the column 'linear_slope(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def linear_fit(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """linear_fit: R squared of the least-squares line through the last bars' closes; 0 where they do not vary.

    Unit: 0..1. Warm-up for linear_fit(20): 19 bars of each contract segment are NaN. Source: Murphy 1999.
    bars: whole number from 2 to 1000.
    Group: trend. Gives float32[N], read-only: the column 'linear_fit(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def bollinger_width(of: Bars, /, bars: int = 20, deviations: float = 2.0) -> NDArray[np.float32]:
    """bollinger_width: 2 * deviations * standard deviation (over bars) of close / ATR.

    Unit: ATR. Warm-up for bollinger_width(20, 2): 19 bars of each contract segment are NaN. Source: Bollinger 2001.
    bars: whole number from 2 to 10000.
    deviations: number from 0.1 to 10.
    Group: trend. Gives float32[N], read-only: the column 'bollinger_width(20, 2)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def bollinger_position(of: Bars, /, bars: int = 20, deviations: float = 2.0) -> NDArray[np.float32]:
    """bollinger_position: (close - lower band) / (upper - lower); 0.5 where close does not vary.

    Unit: 0..1 inside. Warm-up for bollinger_position(20, 2): 19 bars of each contract segment are NaN. Source: Bollinger 2001, %b.
    bars: whole number from 2 to 10000.
    deviations: number from 0.1 to 10.
    Group: trend. Gives float32[N], read-only: the column 'bollinger_position(20, 2)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def keltner_position(of: Bars, /, bars: int = 20, multiple: float = 2.0) -> NDArray[np.float32]:
    """keltner_position: (close - EMA(bars)) / (multiple * ATR(bars)), that ATR at least one tick.

    Unit: -1..1 inside. Warm-up for keltner_position(20, 2): 60 bars of each contract segment are NaN. Source: Keltner 1960, as Raschke uses it.
    bars: whole number from 1 to 10000.
    multiple: number from 0.1 to 10.
    Group: trend. Gives float32[N], read-only: the column 'keltner_position(20, 2)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def donchian_position(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """donchian_position: (close - lowest low) / (highest high - lowest low) of the last bars; 0.5 without range.

    Unit: 0..1. Warm-up for donchian_position(20): 19 bars of each contract segment are NaN. Source: Donchian 1960.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'donchian_position(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def donchian_width(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """donchian_width: (highest high - lowest low) of the last bars / ATR.

    Unit: ATR. Warm-up for donchian_width(20): 19 bars of each contract segment are NaN. Source: Donchian 1960.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'donchian_width(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def supertrend_distance(of: Bars, /, bars: int = 10, multiple: float = 3.0) -> NDArray[np.float32]:
    """supertrend_distance: (close - SuperTrend line) / ATR; the line is (high + low) / 2 -+ multiple * ATR(bars), never loosened while the close stays on its side.

    Unit: ATR. Warm-up for supertrend_distance(10, 3): 50 bars of each contract segment are NaN. Source: Seban 2009.
    bars: whole number from 1 to 1000.
    multiple: number from 0.1 to 20.
    Group: trend. Gives float32[N], read-only: the column 'supertrend_distance(10, 3)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def supertrend_side(of: Bars, /, bars: int = 10, multiple: float = 3.0) -> NDArray[np.float32]:
    """supertrend_side: 1 while the close is above the SuperTrend line, else -1.

    Unit: -1 or 1. Warm-up for supertrend_side(10, 3): 50 bars of each contract segment are NaN. Source: Seban 2009.
    bars: whole number from 1 to 1000.
    multiple: number from 0.1 to 20.
    Group: trend. Gives float32[N], read-only: the column 'supertrend_side(10, 3)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def rsi(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """rsi: 100 * G / (G + L), Wilder means over bars of gains G and losses L; 50 when nothing moved.

    Unit: 0..100. Warm-up for rsi(14): 14 bars of each contract segment are NaN. Source: Wilder 1978, section VI.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'rsi(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def stochastic_k(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """stochastic_k: 100 * (close - lowest low) / (highest high - lowest low) of the last bars; 50 without range.

    Unit: 0..100. Warm-up for stochastic_k(14): 13 bars of each contract segment are NaN. Source: Lane 1984.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'stochastic_k(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def stochastic_d(of: Bars, /, bars: int = 14, smoothing: int = 3) -> NDArray[np.float32]:
    """stochastic_d: mean of the last smoothing values of stochastic_k(bars).

    Unit: 0..100. Warm-up for stochastic_d(14, 3): 15 bars of each contract segment are NaN. Source: Lane 1984.
    bars: whole number from 1 to 10000.
    smoothing: whole number from 1 to 100.
    Group: trend. Gives float32[N], read-only: the column 'stochastic_d(14, 3)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def williams_r(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """williams_r: -100 * (highest high - close) / (highest high - lowest low) of the last bars; -50 without range.

    Unit: -100..0. Warm-up for williams_r(14): 13 bars of each contract segment are NaN. Source: Williams 1973.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'williams_r(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def cci(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """cci: (typical - mean) / (0.015 * mean absolute deviation) of the last bars' (high + low + close) / 3; 0 where they do not vary.

    Unit: index. Warm-up for cci(20): 19 bars of each contract segment are NaN. Source: Lambert 1980.
    bars: whole number from 2 to 500.
    Group: trend. Gives float32[N], read-only: the column 'cci(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def aroon_up(of: Bars, /, bars: int = 25) -> NDArray[np.float32]:
    """aroon_up: 100 * (bars - bars since the highest high of bars + 1 bars) / bars; of equal highs the latest.

    Unit: 0..100. Warm-up for aroon_up(25): 25 bars of each contract segment are NaN. Source: Chande 1995.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'aroon_up(25)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def aroon_down(of: Bars, /, bars: int = 25) -> NDArray[np.float32]:
    """aroon_down: 100 * (bars - bars since the lowest low of bars + 1 bars) / bars; of equal lows the latest.

    Unit: 0..100. Warm-up for aroon_down(25): 25 bars of each contract segment are NaN. Source: Chande 1995.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'aroon_down(25)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def aroon_oscillator(of: Bars, /, bars: int = 25) -> NDArray[np.float32]:
    """aroon_oscillator: aroon_up - aroon_down.

    Unit: -100..100. Warm-up for aroon_oscillator(25): 25 bars of each contract segment are NaN. Source: Chande 1995.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'aroon_oscillator(25)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def plus_di(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """plus_di: 100 * Wilder mean of +DM / Wilder mean of true range.

    Unit: 0..100. Warm-up for plus_di(14): 14 bars of each contract segment are NaN. Source: Wilder 1978, section IV.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'plus_di(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def minus_di(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """minus_di: 100 * Wilder mean of -DM / Wilder mean of true range.

    Unit: 0..100. Warm-up for minus_di(14): 14 bars of each contract segment are NaN. Source: Wilder 1978, section IV.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'minus_di(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def adx(of: Bars, /, bars: int = 14) -> NDArray[np.float32]:
    """adx: Wilder mean of 100 * |+DI - -DI| / (+DI + -DI); 0 where nothing moves.

    Unit: 0..100. Warm-up for adx(14): 27 bars of each contract segment are NaN. Source: Wilder 1978, section IV.
    bars: whole number from 1 to 10000.
    Group: trend. Gives float32[N], read-only: the column 'adx(14)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def close_in_bar(of: Bars, /) -> NDArray[np.float32]:
    """close_in_bar: (close - low) / (high - low); 0.5 in a bar without range.

    Unit: share of the range. Warm-up: 0 bars of each contract segment are NaN. Source: Nison 1991.
    Group: microstructure. Gives float32[N], read-only: the column 'close_in_bar' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def body_share(of: Bars, /) -> NDArray[np.float32]:
    """body_share: (close - open) / (high - low), -1..1; 0 in a bar without range.

    Unit: share of the range. Warm-up: 0 bars of each contract segment are NaN. Source: Nison 1991.
    Group: microstructure. Gives float32[N], read-only: the column 'body_share' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def upper_shadow(of: Bars, /) -> NDArray[np.float32]:
    """upper_shadow: (high - max(open, close)) / (high - low); 0 in a bar without range.

    Unit: share of the range. Warm-up: 0 bars of each contract segment are NaN. Source: Nison 1991.
    Group: microstructure. Gives float32[N], read-only: the column 'upper_shadow' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def lower_shadow(of: Bars, /) -> NDArray[np.float32]:
    """lower_shadow: (min(open, close) - low) / (high - low); 0 in a bar without range.

    Unit: share of the range. Warm-up: 0 bars of each contract segment are NaN. Source: Nison 1991.
    Group: microstructure. Gives float32[N], read-only: the column 'lower_shadow' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def tick_balance(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """tick_balance: (rising closes - falling closes) / bars, last bars.

    Unit: -1..1. Warm-up for tick_balance(30): 30 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 1 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'tick_balance(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def still_share(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """still_share: share of the last bars whose close did not move.

    Unit: 0..1. Warm-up for still_share(30): 30 bars of each contract segment are NaN. Source: Lesmond, Ogden, Trzcinka 1999, zero returns.
    bars: whole number from 1 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'still_share(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def liquidity_score(of: Bars, /, bars: int = 20) -> NDArray[np.float32]:
    """liquidity_score: sum of volume / sum of (high - low + 1 tick), last bars.

    Unit: contracts per tick. Warm-up for liquidity_score(20): 19 bars of each contract segment are NaN. Source: esbt.
    bars: whole number from 2 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'liquidity_score(20)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def amihud_illiquidity(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """amihud_illiquidity: 1e9 * mean of |log return| / (|close| * volume) over the last bars, |close| at least one tick, and in the return prices below one tick count as one tick; bars without volume count 0.

    Unit: 1e-9 log per tick * contract. Warm-up for amihud_illiquidity(30): 30 bars of each contract segment are NaN. Source: Amihud 2002.
    bars: whole number from 2 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'amihud_illiquidity(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def roll_spread(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """roll_spread: 2 * sqrt(-c), c the mean of change_t * change_(t-1) over the last bars; 0 where c is positive.

    Unit: ticks. Warm-up for roll_spread(60): 61 bars of each contract segment are NaN. Source: Roll 1984, means taken as zero.
    bars: whole number from 2 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'roll_spread(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def corwin_schultz_spread(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """corwin_schultz_spread: mean over the last bars of 2 (e^a - 1) / (1 + e^a), negative ones 0, from the high-low ratios of one bar and of two; prices below one tick count as one tick.

    Unit: fraction of the price. Warm-up for corwin_schultz_spread(30): 30 bars of each contract segment are NaN. Source: Corwin and Schultz 2012.
    bars: whole number from 2 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'corwin_schultz_spread(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def efficiency_ratio(of: Bars, /, bars: int = 30) -> NDArray[np.float32]:
    """efficiency_ratio: |close_t - close_(t-bars)| / sum of |close changes| of the last bars; 0 when nothing moved.

    Unit: 0..1. Warm-up for efficiency_ratio(30): 30 bars of each contract segment are NaN. Source: Kaufman 1995.
    bars: whole number from 1 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'efficiency_ratio(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def variance_ratio(of: Bars, /, bars: int = 120, step: int = 5) -> NDArray[np.float32]:
    """variance_ratio: sum of squared step-bar changes / (step * sum of squared one-bar changes), the changes that end in the last bars: the step-bar ones overlap, one ends in every bar; means taken as zero, no correction for the overlap; 1 when nothing moved.

    Unit: ratio. Warm-up for variance_ratio(120, 5): 124 bars of each contract segment are NaN. Source: Lo and MacKinlay 1988.
    bars: whole number from 2 to 10000.
    step: whole number from 2 to 1000.
    Group: microstructure. Gives float32[N], read-only: the column 'variance_ratio(120, 5)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def hurst_exponent(of: Bars, /, bars: int = 240, step: int = 16) -> NDArray[np.float32]:
    """hurst_exponent: 0.5 + ln(variance_ratio(bars, step)) / (2 ln(step)), kept in 0..1, the ratio's step-bar changes overlapping; 0.5 when nothing moved.

    Unit: 0..1. Warm-up for hurst_exponent(240, 16): 255 bars of each contract segment are NaN. Source: Mandelbrot and Van Ness 1968: variance grows as time^(2H).
    bars: whole number from 2 to 10000.
    step: whole number from 2 to 1000.
    Group: microstructure. Gives float32[N], read-only: the column 'hurst_exponent(240, 16)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def autocorrelation(of: Bars, /, bars: int = 60) -> NDArray[np.float32]:
    """autocorrelation: sum of change_t * change_(t-1) / sum of squared changes, last bars, kept in -1..1; 0 when nothing moved.

    Unit: -1..1. Warm-up for autocorrelation(60): 61 bars of each contract segment are NaN. Source: Box and Jenkins 1970, lag 1, mean zero.
    bars: whole number from 2 to 10000.
    Group: microstructure. Gives float32[N], read-only: the column 'autocorrelation(60)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def session_open_distance(of: Bars, /) -> NDArray[np.float32]:
    """session_open_distance: (close - session's first open) / ATR.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'session_open_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def session_high_distance(of: Bars, /) -> NDArray[np.float32]:
    """session_high_distance: (close - session's high so far) / ATR, 0 or less.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'session_high_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def session_low_distance(of: Bars, /) -> NDArray[np.float32]:
    """session_low_distance: (close - session's low so far) / ATR, 0 or more.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'session_low_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def session_range_position(of: Bars, /) -> NDArray[np.float32]:
    """session_range_position: (close - low) / (high - low) of the session so far; 0.5 without range.

    Unit: 0..1. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'session_range_position' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def prior_high_distance(of: Bars, /) -> NDArray[np.float32]:
    """prior_high_distance: (close - high of the session before) / ATR; 0 in a contract's first session.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'prior_high_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def prior_low_distance(of: Bars, /) -> NDArray[np.float32]:
    """prior_low_distance: (close - low of the session before) / ATR; 0 in a contract's first session.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'prior_low_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def prior_close_distance(of: Bars, /) -> NDArray[np.float32]:
    """prior_close_distance: (close - close of the session before) / ATR; 0 in a contract's first session.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'prior_close_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def pivot_distance(of: Bars, /) -> NDArray[np.float32]:
    """pivot_distance: (close - (high + low + close) / 3 of the session before) / ATR; 0 in a contract's first session.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'pivot_distance' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def overnight_gap(of: Bars, /) -> NDArray[np.float32]:
    """overnight_gap: (session's first open - close of the session before) / ATR; 0 in a contract's first session.

    Unit: ATR. Warm-up: 13 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'overnight_gap' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def session_range_ratio(of: Bars, /) -> NDArray[np.float32]:
    """session_range_ratio: range of the session so far / range of the session before; 1 where there is none.

    Unit: ratio. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: session. Gives float32[N], read-only: the column 'session_range_ratio' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def opening_range_position(of: Bars, /, minutes: int = 30) -> NDArray[np.float32]:
    """opening_range_position: (close - low) / (high - low) of the session's first minutes, as far as they have passed; 0.5 without range.

    Unit: 0..1 inside. Warm-up for opening_range_position(30): 0 bars of each contract segment are NaN. Source: Crabel 1990.
    minutes: whole number from 1 to 1380.
    Group: session. Gives float32[N], read-only: the column 'opening_range_position(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def opening_range_width(of: Bars, /, minutes: int = 30) -> NDArray[np.float32]:
    """opening_range_width: (high - low) of the session's first minutes, as far as they have passed, / ATR.

    Unit: ATR. Warm-up for opening_range_width(30): 13 bars of each contract segment are NaN. Source: Crabel 1990.
    minutes: whole number from 1 to 1380.
    Group: session. Gives float32[N], read-only: the column 'opening_range_width(30)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def minutes_since_open(of: Bars, /) -> NDArray[np.float32]:
    """minutes_since_open: bar's open time - open time of the session's first bar.

    Unit: minutes. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: clock. Gives float32[N], read-only: the column 'minutes_since_open' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def minutes_to_close(of: Bars, /) -> NDArray[np.float32]:
    """minutes_to_close: minutes from the bar's open time to 17:00 New York, the regular close; early closes are not looked up.

    Unit: minutes. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: clock. Gives float32[N], read-only: the column 'minutes_to_close' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def time_sine(of: Bars, /) -> NDArray[np.float32]:
    """time_sine: sin(2 pi * whole minutes since midnight / 1440), New York time of the bar's open.

    Unit: -1..1. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: clock. Gives float32[N], read-only: the column 'time_sine' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def time_cosine(of: Bars, /) -> NDArray[np.float32]:
    """time_cosine: cos(2 pi * whole minutes since midnight / 1440), New York time of the bar's open.

    Unit: -1..1. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: clock. Gives float32[N], read-only: the column 'time_cosine' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def regular_hours(of: Bars, /) -> NDArray[np.float32]:
    """regular_hours: 1 in bars that open from 09:30 to before 16:00 New York.

    Unit: 0 or 1. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: clock. Gives float32[N], read-only: the column 'regular_hours' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def day_of_week(of: Bars, /) -> NDArray[np.float32]:
    """day_of_week: weekday of the trade date, Monday 0.

    Unit: 0..6. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: clock. Gives float32[N], read-only: the column 'day_of_week' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def days_to_roll(of: Bars, /) -> NDArray[np.float32]:
    """days_to_roll: calendar days from the trade date to the next third Friday of March, June, September or December, when quarterly contracts expire.

    Unit: days. Warm-up: 0 bars of each contract segment are NaN. Source: esbt.
    Group: clock. Gives float32[N], read-only: the column 'days_to_roll' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def trend_regime(of: Bars, /, bars: int = 14, level: float = 25.0) -> NDArray[np.float32]:
    """trend_regime: sign of +DI - -DI where ADX(bars) is above level, else 0.

    Unit: -1, 0, 1. Warm-up for trend_regime(14, 25): 27 bars of each contract segment are NaN. Source: Wilder 1978, section IV.
    bars: whole number from 1 to 1000.
    level: number from 1 to 99.
    Group: regime. Gives float32[N], read-only: the column 'trend_regime(14, 25)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def momentum_regime(of: Bars, /, bars: int = 14, band: float = 10.0) -> NDArray[np.float32]:
    """momentum_regime: 1 where RSI(bars) is above 50 + band, -1 where it is below 50 - band, else 0.

    Unit: -1, 0, 1. Warm-up for momentum_regime(14, 10): 14 bars of each contract segment are NaN. Source: Brown 1999, RSI range rules.
    bars: whole number from 1 to 1000.
    band: number from 0 to 49.
    Group: regime. Gives float32[N], read-only: the column 'momentum_regime(14, 10)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """
def volatility_regime(of: Bars, /, bars: int = 390) -> NDArray[np.float32]:
    """volatility_regime: 0, 1, 2: volatility_percentile(bars) below 1/3, below 2/3, above.

    Unit: 0, 1, 2. Warm-up for volatility_regime(390): 402 bars of each contract segment are NaN. Source: esbt; trailing, never over the whole sample.
    bars: whole number from 2 to 10000.
    Group: regime. Gives float32[N], read-only: the column 'volatility_regime(390)' of `esbt.features(bars, ...)`.
    Raises EsbtError for something that is not Bars, and for parameters out of range.
    """


class _Package:
    """`esbt.features`: the function, with every feature as an attribute."""

    def __call__(
        self,
        bars: Bars,
        names: Names = None,
        *,
        threads: int = 1,
        extra: Features | Mapping[str, ArrayLike] | None = None,
        checked: bool = True,
    ) -> Features: ...
    move = staticmethod(_functions.move)
    simple_return = staticmethod(_functions.simple_return)
    log_return = staticmethod(_functions.log_return)
    momentum = staticmethod(_functions.momentum)
    acceleration = staticmethod(_functions.acceleration)
    resistance_distance = staticmethod(_functions.resistance_distance)
    support_distance = staticmethod(_functions.support_distance)
    pullback_depth = staticmethod(_functions.pullback_depth)
    pullback_speed = staticmethod(_functions.pullback_speed)
    volume_ratio = staticmethod(_functions.volume_ratio)
    volume_surge = staticmethod(_functions.volume_surge)
    volume_balance = staticmethod(_functions.volume_balance)
    on_balance_volume = staticmethod(_functions.on_balance_volume)
    dollar_volume = staticmethod(_functions.dollar_volume)
    vwap_distance = staticmethod(_functions.vwap_distance)
    session_vwap = staticmethod(_functions.session_vwap)
    rolling_vwap_distance = staticmethod(_functions.rolling_vwap_distance)
    rolling_vwap = staticmethod(_functions.rolling_vwap)
    order_flow_imbalance = staticmethod(_functions.order_flow_imbalance)
    chaikin_money_flow = staticmethod(_functions.chaikin_money_flow)
    money_flow_index = staticmethod(_functions.money_flow_index)
    force_index = staticmethod(_functions.force_index)
    atr = staticmethod(_functions.atr)
    relative_volatility = staticmethod(_functions.relative_volatility)
    volatility_ratio = staticmethod(_functions.volatility_ratio)
    historical_volatility = staticmethod(_functions.historical_volatility)
    parkinson_volatility = staticmethod(_functions.parkinson_volatility)
    garman_klass_volatility = staticmethod(_functions.garman_klass_volatility)
    rogers_satchell_volatility = staticmethod(_functions.rogers_satchell_volatility)
    yang_zhang_volatility = staticmethod(_functions.yang_zhang_volatility)
    historical_volatility_ratio = staticmethod(_functions.historical_volatility_ratio)
    volatility_percentile = staticmethod(_functions.volatility_percentile)
    bar_range = staticmethod(_functions.bar_range)
    range_ratio = staticmethod(_functions.range_ratio)
    bar_gap = staticmethod(_functions.bar_gap)
    downside_share = staticmethod(_functions.downside_share)
    sma = staticmethod(_functions.sma)
    ema = staticmethod(_functions.ema)
    sma_distance = staticmethod(_functions.sma_distance)
    ema_distance = staticmethod(_functions.ema_distance)
    sma_slope = staticmethod(_functions.sma_slope)
    macd = staticmethod(_functions.macd)
    macd_signal = staticmethod(_functions.macd_signal)
    macd_histogram = staticmethod(_functions.macd_histogram)
    linear_slope = staticmethod(_functions.linear_slope)
    linear_fit = staticmethod(_functions.linear_fit)
    bollinger_width = staticmethod(_functions.bollinger_width)
    bollinger_position = staticmethod(_functions.bollinger_position)
    keltner_position = staticmethod(_functions.keltner_position)
    donchian_position = staticmethod(_functions.donchian_position)
    donchian_width = staticmethod(_functions.donchian_width)
    supertrend_distance = staticmethod(_functions.supertrend_distance)
    supertrend_side = staticmethod(_functions.supertrend_side)
    rsi = staticmethod(_functions.rsi)
    stochastic_k = staticmethod(_functions.stochastic_k)
    stochastic_d = staticmethod(_functions.stochastic_d)
    williams_r = staticmethod(_functions.williams_r)
    cci = staticmethod(_functions.cci)
    aroon_up = staticmethod(_functions.aroon_up)
    aroon_down = staticmethod(_functions.aroon_down)
    aroon_oscillator = staticmethod(_functions.aroon_oscillator)
    plus_di = staticmethod(_functions.plus_di)
    minus_di = staticmethod(_functions.minus_di)
    adx = staticmethod(_functions.adx)
    close_in_bar = staticmethod(_functions.close_in_bar)
    body_share = staticmethod(_functions.body_share)
    upper_shadow = staticmethod(_functions.upper_shadow)
    lower_shadow = staticmethod(_functions.lower_shadow)
    tick_balance = staticmethod(_functions.tick_balance)
    still_share = staticmethod(_functions.still_share)
    liquidity_score = staticmethod(_functions.liquidity_score)
    amihud_illiquidity = staticmethod(_functions.amihud_illiquidity)
    roll_spread = staticmethod(_functions.roll_spread)
    corwin_schultz_spread = staticmethod(_functions.corwin_schultz_spread)
    efficiency_ratio = staticmethod(_functions.efficiency_ratio)
    variance_ratio = staticmethod(_functions.variance_ratio)
    hurst_exponent = staticmethod(_functions.hurst_exponent)
    autocorrelation = staticmethod(_functions.autocorrelation)
    session_open_distance = staticmethod(_functions.session_open_distance)
    session_high_distance = staticmethod(_functions.session_high_distance)
    session_low_distance = staticmethod(_functions.session_low_distance)
    session_range_position = staticmethod(_functions.session_range_position)
    prior_high_distance = staticmethod(_functions.prior_high_distance)
    prior_low_distance = staticmethod(_functions.prior_low_distance)
    prior_close_distance = staticmethod(_functions.prior_close_distance)
    pivot_distance = staticmethod(_functions.pivot_distance)
    overnight_gap = staticmethod(_functions.overnight_gap)
    session_range_ratio = staticmethod(_functions.session_range_ratio)
    opening_range_position = staticmethod(_functions.opening_range_position)
    opening_range_width = staticmethod(_functions.opening_range_width)
    minutes_since_open = staticmethod(_functions.minutes_since_open)
    minutes_to_close = staticmethod(_functions.minutes_to_close)
    time_sine = staticmethod(_functions.time_sine)
    time_cosine = staticmethod(_functions.time_cosine)
    regular_hours = staticmethod(_functions.regular_hours)
    day_of_week = staticmethod(_functions.day_of_week)
    days_to_roll = staticmethod(_functions.days_to_roll)
    trend_regime = staticmethod(_functions.trend_regime)
    momentum_regime = staticmethod(_functions.momentum_regime)
    volatility_regime = staticmethod(_functions.volatility_regime)

features: _Package
