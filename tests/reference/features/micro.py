"""Twins of the microstructure family: the bar's shape, still and rising bars, liquidity, spreads, and how far changes look like chance.

`change` is of closes, in ticks, one bar. Each window is taken anew. Knows no session and no clock.
"""

import numpy as np
from reference.features.base import Segment, Values, back, before, log_price, over, rolling, twin


@twin()
def close_in_bar(s: Segment) -> Values:
    return over(s.close - s.low, s.high - s.low, 0.5)


@twin()
def body_share(s: Segment) -> Values:
    return over(s.close - s.open, s.high - s.low, 0.0)


@twin()
def upper_shadow(s: Segment) -> Values:
    return over(s.high - np.maximum(s.open, s.close), s.high - s.low, 0.0)


@twin()
def lower_shadow(s: Segment) -> Values:
    return over(np.minimum(s.open, s.close) - s.low, s.high - s.low, 0.0)


@twin()
def tick_balance(s: Segment, bars: int) -> Values:
    return rolling(np.sign(back(s.close, 1)), bars, np.sum) / bars


@twin()
def still_share(s: Segment, bars: int) -> Values:
    return rolling(back(s.close, 1), bars, lambda change: (change == 0.0).mean())


@twin()
def liquidity_score(s: Segment, bars: int) -> Values:
    return rolling(s.volume, bars, np.sum) / rolling(s.high - s.low + 1.0, bars, np.sum)


@twin(tolerance=1e-4)  # the core sums in steps of 2^-20 of the unit
def amihud_illiquidity(s: Segment, bars: int) -> Values:
    price = np.maximum(np.abs(s.close), 1.0)  # a close of zero counts as one tick, as in log returns
    per_contract = over(np.abs(back(log_price(s.close), 1)), price * s.volume, 0.0)
    return 1e9 * rolling(per_contract, bars, np.mean)


def products(s: Segment) -> Values:
    """change_t * change_(t-1)."""
    change = back(s.close, 1)
    return change * before(change, 1)


@twin()
def roll_spread(s: Segment, bars: int) -> Values:
    c = rolling(products(s), bars, np.mean)
    return 2.0 * np.sqrt(np.maximum(-c, 0.0))


def two_bar_spread(high: Values, low: Values) -> float:
    """Corwin and Schultz's estimate from two bars, theirs of equations 14 and 18, without their correction for overnight gaps."""
    beta = (np.log(high / low) ** 2).sum()
    gamma = np.log(high.max() / low.min()) ** 2
    k = 3.0 - 2.0 * np.sqrt(2.0)
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    return max(0.0, 2.0 * (np.exp(alpha) - 1.0) / (1.0 + np.exp(alpha)))


@twin(tolerance=1e-7)  # the core's tanh is made for spreads below one half
def corwin_schultz_spread(s: Segment, bars: int) -> Values:
    high, low = np.maximum(s.high, 1.0), np.maximum(s.low, 1.0)
    spread = np.full(len(s), np.nan)
    for i in range(1, len(s)):
        spread[i] = two_bar_spread(high[i - 1 : i + 1], low[i - 1 : i + 1])
    return rolling(spread, bars, np.mean)


@twin()
def efficiency_ratio(s: Segment, bars: int) -> Values:
    return over(np.abs(back(s.close, bars)), rolling(np.abs(back(s.close, 1)), bars, np.sum), 0.0)


@twin(tolerance=1e-6)
def variance_ratio(s: Segment, bars: int, step: int) -> Values:
    long, short = (rolling(back(s.close, n) ** 2, bars, np.sum) for n in (step, 1))
    return over(long, step * short, 1.0)


@twin(tolerance=1e-6)
def hurst_exponent(s: Segment, bars: int, step: int) -> Values:
    ratio = variance_ratio(s, bars, step)
    grown = np.log(np.where(ratio == 0.0, 1e-300, ratio))  # a ratio of zero is far below the floor
    return np.clip(0.5 + grown / (2.0 * np.log(step)), 0.0, 1.0)


@twin()
def autocorrelation(s: Segment, bars: int) -> Values:
    total = rolling(back(s.close, 1) ** 2, bars, np.sum)
    return np.clip(over(rolling(products(s), bars, np.sum), total, 0.0), -1.0, 1.0)
