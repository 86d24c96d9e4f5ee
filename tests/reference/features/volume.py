"""Twins of the volume family: how much is traded, at which mean price, and on which side.

Volumes are contracts. Where bars say how much was bought at the ask, the order flow takes it; nothing else does.
"""

from math import erf, sqrt

import numpy as np
from reference.features.base import Segment, Values, back, ema, in_atr, over, rolling, session_so_far, twin, typical


@twin(tolerance=1e-9)
def volume_ratio(s: Segment, bars: int) -> Values:
    return over(s.volume, rolling(s.volume, bars, np.mean), 1.0)


@twin(tolerance=1e-9)
def volume_surge(s: Segment, bars: int) -> Values:
    return over(s.volume - rolling(s.volume, bars, np.mean), rolling(s.volume, bars, np.std), 0.0)


def signed_volume(s: Segment) -> Values:
    """Volume with the sign of the close's change; NaN in the first bar, which has no change."""
    return np.sign(back(s.close, 1)) * s.volume


@twin()
def volume_balance(s: Segment, bars: int) -> Values:
    return over(rolling(signed_volume(s), bars, np.sum), rolling(s.volume, bars, np.sum), 0.0)


@twin()
def on_balance_volume(s: Segment) -> Values:
    return np.array([signed_volume(s)[1 : i + 1].sum() for i in range(len(s))])


@twin(tolerance=1e-9)
def dollar_volume(s: Segment, bars: int) -> Values:
    return rolling(np.abs(s.close) * s.volume, bars, np.mean)


@twin(tolerance=1e-9)
def session_vwap(s: Segment) -> Values:
    out = s.close.copy()
    for i in range(len(s)):
        k = session_so_far(s, i)
        if s.volume[k].sum() > 0.0:
            out[i] = (typical(s)[k] * s.volume[k]).sum() / s.volume[k].sum()
    return out


@twin(tolerance=1e-9)
def vwap_distance(s: Segment) -> Values:
    return in_atr(s, s.close - session_vwap(s))


@twin(tolerance=1e-9)
def rolling_vwap(s: Segment, bars: int) -> Values:
    traded = rolling(s.volume, bars, np.sum)
    return np.where(traded == 0.0, s.close, over(rolling(typical(s) * s.volume, bars, np.sum), traded, 0.0))


@twin(tolerance=1e-9)
def rolling_vwap_distance(s: Segment, bars: int) -> Values:
    return in_atr(s, s.close - rolling_vwap(s, bars))


def phi(x: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))


@twin(tolerance=5e-4)  # the core counts what is bought in 1/1024 contract
def order_flow_imbalance(s: Segment, bars: int) -> Values:
    """A bar's change is set against the deviation (over bars) of the changes that end with its own; without deviation half is bought."""
    z = over(back(s.close, 1), rolling(back(s.close, 1), bars, np.std), 0.0)
    bought = s.volume * np.array([phi(x) for x in z])
    bought = np.where(np.isnan(z) | np.isnan(s.buys), bought, s.buys)
    return over(rolling(2.0 * bought - s.volume, bars, np.sum), rolling(s.volume, bars, np.sum), 0.0)


@twin(tolerance=5e-4)  # as above
def chaikin_money_flow(s: Segment, bars: int) -> Values:
    share = over(2.0 * s.close - s.high - s.low, s.high - s.low, 0.0)
    return over(rolling(s.volume * share, bars, np.sum), rolling(s.volume, bars, np.sum), 0.0)


@twin()
def money_flow_index(s: Segment, bars: int) -> Values:
    """Flows are amounts, so of prices below zero the size counts, as in `dollar_volume`."""
    change, flow = back(typical(s), 1), np.abs(typical(s)) * s.volume
    up = rolling(np.where(change > 0.0, flow, 0.0 * change), bars, np.sum)
    down = rolling(np.where(change < 0.0, flow, 0.0 * change), bars, np.sum)
    return 100.0 * over(up, up + down, 0.5)


@twin(tolerance=1e-9, settles=True)
def force_index(s: Segment, bars: int) -> Values:
    force = over(back(s.close, 1) * s.volume, rolling(s.volume, 60, np.mean), 0.0)
    return in_atr(s, ema(force, bars))
