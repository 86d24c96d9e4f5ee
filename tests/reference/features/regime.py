"""Twins of the regime family: a few states, cut from ADX, RSI and the percentile of volatility.

Levels are compared with the unrounded values. Only these three indicators are known here, from their own twins.
"""

import numpy as np
from reference.features.base import Segment, Values, twin
from reference.features.oscillators import adx, directional, rsi
from reference.features.volatility import volatility_percentile


def where_known(known: Values, state: Values) -> Values:
    """`state`, NaN where `known` is."""
    return np.where(np.isnan(known), np.nan, state)


@twin()
def trend_regime(s: Segment, bars: int, level: float) -> Values:
    strength, (plus, minus) = adx(s, bars), directional(s, bars)
    return where_known(strength, np.where(strength > level, np.sign(plus - minus), 0.0))


@twin()
def momentum_regime(s: Segment, bars: int, band: float) -> Values:
    strength = rsi(s, bars)
    return where_known(strength, np.where(strength > 50.0 + band, 1.0, np.where(strength < 50.0 - band, -1.0, 0.0)))


@twin()
def volatility_regime(s: Segment, bars: int) -> Values:
    rank = volatility_percentile(s, bars)
    return where_known(rank, np.where(rank < 1.0 / 3.0, 0.0, np.where(rank < 2.0 / 3.0, 1.0, 2.0)))
