"""The features against TA-Lib, an independent and widely used library, wherever it defines the same thing.

A case is a column, what TA-Lib says, a tolerance, and the bars to wait: 0 where every value from the warm-up on is compared, more where a
running mean is seeded in another way and the difference must die out first. TA-Lib is given one contract segment at a time and works on
prices in ticks. Where a denominator is zero its convention is 0 and ours is the middle; each such place is written out.
Seeds: TA-Lib begins an EMA with the mean of the first n closes, the core with the first close; given n - 1 copies of the first close before
the segment TA-Lib does the same. It has no true range for the first bar, the core takes high - low; one bar before that rests at the first
close gives TA-Lib the same. So both are compared from the first value on, and once more as TA-Lib comes, after a wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import talib
from feature_markets import random_market

import esbt
from esbt.features import features
from esbt.features.registry import column

Values = np.ndarray


@dataclass(frozen=True)
class Chart:
    """One segment, float64, and the core's own ATR(14), at least one tick, by which columns in ATR units are divided.

    That ATR is compared with TA-Lib's by itself, so that its seed need not die out in every other case.
    """

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    session: Values
    unit: Values

    def at_rest(self, n: int) -> Values:
        """The last n bars have no range from highest high to lowest low."""
        return talib.MAX(self.high, n) == talib.MIN(self.low, n)

    def unchanged(self, x: Values, n: int) -> Values:
        """The last n values of x are all the same."""
        return talib.MAX(x, n) == talib.MIN(x, n)


@dataclass(frozen=True)
class Case:
    """A column, TA-Lib's word on it, the tolerance on |difference| / max(|TA-Lib's|, its median size), and bars to wait after warm-up."""

    spelling: str
    talib: Callable[[Chart], Values]
    tolerance: float
    wait: int = 0


ROUNDED = 2e-7  # float32 rounds a value by at most 6e-8 of it, and the ATR it is divided by once more
CANCELS = 1e-5  # differences of large numbers: TA-Lib takes squares of prices near 20,000 as they are
SETTLED = 1e-5  # another seed, after `wait` bars


def instead(said: Values, where: Values, value: float) -> Values:
    """What TA-Lib said, but `value` where it has its own convention for a denominator of zero."""
    return np.where(where & ~np.isnan(said), value, said)


def ema(x: Values, n: int) -> Values:
    """TA-Lib's, seeded with the first value."""
    return talib.EMA(np.concatenate((np.full(n - 1, x[0]), x)), n)[n - 1 :]


def atr(x: Chart, n: int, f: Callable[..., Values]) -> Values:
    """TA-Lib's ATR or NATR with the range of the first bar as its true range."""
    before = x.close[:1]
    return f(*(np.concatenate((before, prices)) for prices in (x.high, x.low, x.close)), n)[1:]


def macd_signal(x: Chart, fast: int, slow: int, signal: int) -> Values:
    return ema(ema(x.close, fast) - ema(x.close, slow), signal)


def bollinger(x: Chart, n: int, k: float) -> tuple[Values, Values]:
    """Lower band, and width; closes from the first one, because TA-Lib squares them."""
    upper, _, lower = talib.BBANDS(x.close - x.close[0], n, k, k, 0)
    return lower + x.close[0], instead(upper - lower, x.unchanged(x.close, n), 0.0)


def bollinger_position(x: Chart, n: int, k: float) -> Values:
    lower, width = bollinger(x, n, k)
    still = width == 0.0
    return instead((x.close - lower) / np.where(still, 1.0, width), still, 0.5)


def fast_k(x: Chart, n: int) -> Values:
    return instead(talib.STOCHF(x.high, x.low, x.close, n, 1, 0)[0], x.at_rest(n), 50.0)


def rsi(x: Chart, n: int) -> Values:
    return instead(talib.RSI(x.close, n), (x.close == x.close[0]).cumprod().astype(bool), 50.0)  # no close has changed yet


def money_flow(x: Chart, n: int) -> Values:
    flows = np.diff(x.high + x.low + x.close, prepend=np.nan) * x.volume
    still = talib.SUM((np.nan_to_num(flows) != 0.0).astype(float), n) == 0.0
    return instead(talib.MFI(x.high, x.low, x.close, x.volume, n), still, 50.0)


def keltner(x: Chart, n: int, k: float) -> Values:
    """TA-Lib has the channel, whose half width is k times ATR; an ATR below one tick counts as one tick."""
    upper, _, lower = talib.KC(x.high, x.low, x.close, n, n, k)
    return (x.close - ema(x.close, n)) / np.maximum(0.5 * (upper - lower), k)


def supertrend(x: Chart, n: int, k: float, what: int) -> Values:
    """Line (0) or side (1). TA-Lib starts above the line, the core below it."""
    line, side = talib.SUPERTREND(x.high, x.low, x.close, n, k)
    return (x.close - line) / x.unit if what == 0 else side.astype(float)


def line_fit(x: Chart, n: int) -> Values:
    bar = np.arange(len(x.close), dtype=float)
    return instead(talib.CORREL(x.close - x.close[0], bar, n) ** 2, x.unchanged(x.close, n), 0.0)


def log_deviation(x: Chart, n: int) -> Values:
    """Of log returns, of the sample, TA-Lib's being of the population and zero below 1e-4: so in units of 1e-4."""
    returns = np.log(talib.ROCR(x.close, 1))[1:]
    return np.concatenate(([np.nan], talib.STDDEV(returns * 1e4, n, 1) / 1e4 * np.sqrt(n / (n - 1))))


def volume_surge(x: Chart, n: int) -> Values:
    """A STDDEV of zero is of volumes that do not vary."""
    deviation, still = talib.STDDEV(x.volume, n, 1), x.unchanged(x.volume, n)
    return instead((x.volume - talib.SMA(x.volume, n)) / np.where(still, 1.0, deviation), still, 0.0)


def typical_vwap(x: Chart, n: int) -> Values:
    """Over n bars; the close where they have no volume."""
    untraded = talib.SUM(x.volume, n) == 0.0
    with np.errstate(invalid="ignore"):
        said = talib.VWMA((x.high + x.low + x.close) / 3.0, x.volume, n)
    return np.where(untraded, x.close, said)


def session_vwap(x: Chart) -> Values:
    """TA-Lib's runs on from where it starts: once a session; the close before the first volume."""
    out = np.full(len(x.close), np.nan)
    edges = [0, *(np.flatnonzero(np.diff(x.session)) + 1), len(out)]
    for a, b in pairwise(edges):
        out[a:b] = talib.VWAP(*(column[a:b] for column in (x.high, x.low, x.close, x.volume)))
        untraded = np.cumsum(x.volume[a:b]) == 0.0
        out[a:b][untraded] = x.close[a:b][untraded]
    return out


CASES = [
    Case("sma(20)", lambda x: talib.SMA(x.close, 20), ROUNDED),
    Case("sma(7)", lambda x: talib.SMA(x.close, 7), ROUNDED),
    Case("sma_distance(50)", lambda x: (x.close - talib.SMA(x.close, 50)) / x.unit, ROUNDED),
    Case("ema(20)", lambda x: ema(x.close, 20), ROUNDED),
    Case("ema(5)", lambda x: ema(x.close, 5), ROUNDED),
    Case("ema(20)", lambda x: talib.EMA(x.close, 20), ROUNDED, wait=250),
    Case("ema_distance(20)", lambda x: (x.close - ema(x.close, 20)) / x.unit, ROUNDED),
    Case("macd(12, 26)", lambda x: (ema(x.close, 12) - ema(x.close, 26)) / x.unit, ROUNDED),
    Case("macd_signal(12, 26, 9)", lambda x: macd_signal(x, 12, 26, 9) / x.unit, ROUNDED),
    Case("macd(12, 26)", lambda x: talib.MACD(x.close, 12, 26, 9)[0] / x.unit, SETTLED, wait=350),
    Case("macd_signal(12, 26, 9)", lambda x: talib.MACD(x.close, 12, 26, 9)[1] / x.unit, SETTLED, wait=350),
    Case("macd_histogram(12, 26, 9)", lambda x: talib.MACD(x.close, 12, 26, 9)[2] / x.unit, SETTLED, wait=350),
    Case("macd_signal(5, 35, 5)", lambda x: talib.MACD(x.close, 5, 35, 5)[1] / x.unit, SETTLED, wait=450),
    Case("atr(14)", lambda x: atr(x, 14, talib.ATR), ROUNDED),
    Case("atr(7)", lambda x: atr(x, 7, talib.ATR), ROUNDED),
    Case("atr(14)", lambda x: talib.ATR(x.high, x.low, x.close, 14), SETTLED, wait=300),
    Case("relative_volatility(14)", lambda x: atr(x, 14, talib.NATR) / 100.0, ROUNDED),
    Case("rsi(14)", lambda x: rsi(x, 14), ROUNDED),
    Case("rsi(7)", lambda x: rsi(x, 7), ROUNDED),
    # TA-Lib's first directional sum has n - 1 terms, the core's mean has n, as Wilder's table
    Case("plus_di(14)", lambda x: talib.PLUS_DI(x.high, x.low, x.close, 14), SETTLED, wait=300),
    Case("minus_di(14)", lambda x: talib.MINUS_DI(x.high, x.low, x.close, 14), SETTLED, wait=300),
    Case("adx(14)", lambda x: talib.ADX(x.high, x.low, x.close, 14), SETTLED, wait=500),
    Case("adx(5)", lambda x: talib.ADX(x.high, x.low, x.close, 5), SETTLED, wait=250),
    Case("stochastic_k(14)", lambda x: fast_k(x, 14), ROUNDED),
    Case("stochastic_d(14, 3)", lambda x: talib.SMA(fast_k(x, 14), 3), ROUNDED),
    Case("williams_r(14)", lambda x: instead(talib.WILLR(x.high, x.low, x.close, 14), x.at_rest(14), -50.0), ROUNDED),
    Case("bollinger_width(20, 2)", lambda x: bollinger(x, 20, 2.0)[1] / x.unit, CANCELS),
    Case("bollinger_width(10, 1.5)", lambda x: bollinger(x, 10, 1.5)[1] / x.unit, CANCELS),
    Case("bollinger_position(20, 2)", lambda x: bollinger_position(x, 20, 2.0), CANCELS),
    Case("keltner_position(20, 2)", lambda x: keltner(x, 20, 2.0), SETTLED, wait=350),
    Case("cci(20)", lambda x: talib.CCI(x.high, x.low, x.close, 20), CANCELS),
    Case("aroon_up(25)", lambda x: talib.AROON(x.high, x.low, 25)[1], ROUNDED),
    Case("aroon_down(25)", lambda x: talib.AROON(x.high, x.low, 25)[0], ROUNDED),
    Case("aroon_oscillator(25)", lambda x: talib.AROONOSC(x.high, x.low, 25), ROUNDED),
    Case("aroon_up(6)", lambda x: talib.AROON(x.high, x.low, 6)[1], ROUNDED),
    Case("linear_slope(20)", lambda x: talib.LINEARREG_SLOPE(x.close, 20) / x.unit, CANCELS),
    Case("linear_fit(20)", lambda x: line_fit(x, 20), CANCELS),
    Case("donchian_position(20)", lambda x: fast_k(x, 20) / 100.0, ROUNDED),
    Case("donchian_width(20)", lambda x: np.subtract(*talib.DONCHIAN(x.high, x.low, 20)[::2]) / x.unit, ROUNDED),
    Case("supertrend_distance(10, 3)", lambda x: supertrend(x, 10, 3.0, 0), SETTLED, wait=300),
    Case("supertrend_side(10, 3)", lambda x: supertrend(x, 10, 3.0, 1), ROUNDED, wait=300),
    Case("resistance_distance(60)", lambda x: (talib.MAX(x.high, 60) - x.close) / x.unit, ROUNDED),
    Case("support_distance(60)", lambda x: (x.close - talib.MIN(x.low, 60)) / x.unit, ROUNDED),
    # nothing moved: TA-Lib calls it efficient, the core not
    Case("efficiency_ratio(10)", lambda x: instead(talib.ER(x.close, 10), x.unchanged(x.close, 11), 0.0), ROUNDED),
    Case("move(5)", lambda x: talib.MOM(x.close, 5) / x.unit, ROUNDED),
    Case("simple_return(5)", lambda x: talib.ROCP(x.close, 5), ROUNDED),
    Case("historical_volatility(20)", lambda x: log_deviation(x, 20), CANCELS),
    Case("volume_surge(60)", lambda x: volume_surge(x, 60), CANCELS),
    Case("money_flow_index(14)", lambda x: money_flow(x, 14), CANCELS),
    # TA-Lib's balance begins with the first bar's volume, the core's with 0: the first close has no change, so no sign
    Case("on_balance_volume", lambda x: talib.OBV(x.close, x.volume) - x.volume[0], ROUNDED),
    # the core sums in steps of a fraction of a contract, so that its sums are exact: felt where a window has a handful of contracts
    Case("chaikin_money_flow(20)", lambda x: talib.CMF(x.high, x.low, x.close, x.volume, 20), 1e-4),
    Case("rolling_vwap(30)", lambda x: typical_vwap(x, 30), ROUNDED),
    Case("session_vwap", session_vwap, ROUNDED),
    Case("body_share", lambda x: talib.BOP(x.open, x.high, x.low, x.close), ROUNDED),
]


def charts(bars: object) -> list[tuple[slice, Chart]]:
    edges = [0, *(np.flatnonzero(np.diff(bars.segment)) + 1), len(bars.segment)]
    unit = np.maximum(features(bars, ["atr(14)"]).matrix[0].astype(float), 1.0)
    found = []
    for a, b in pairwise(edges):
        columns = [getattr(bars, name)[a:b].astype(float) for name in ("open", "high", "low", "close", "volume")]
        found.append((slice(a, b), Chart(*columns, bars.session[a:b], unit[a:b])))
    return found


MARKETS = {
    "random, two contracts": lambda: random_market(1, lengths=(900, 1_400)),
    "random, wild": lambda: random_market(2, lengths=(1_500,)),
    "synthetic ES": lambda: esbt.synthetic_bars(days=2, seed=3),
}


@pytest.fixture(scope="module", params=list(MARKETS), name="bars")
def _bars(request: pytest.FixtureRequest) -> object:
    return MARKETS[request.param]()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.spelling)
def test_talib_says_the_same(case: Case, bars: object):
    kind, warm_up = column(case.spelling).kind, column(case.spelling).warm_up
    core = features(bars, [case.spelling]).matrix[0].astype(float)
    for rows, chart in charts(bars):
        ours, theirs = core[rows], case.talib(chart)
        assert not np.isnan(theirs[warm_up + case.wait :]).any(), "TA-Lib warms up later"
        if case.wait == 0 and "ATR" not in kind.unit and kind.name != "ema":
            assert np.isnan(theirs[:warm_up]).all(), "TA-Lib warms up earlier"
        ours, theirs = ours[warm_up + case.wait :], theirs[warm_up + case.wait :]
        assert len(theirs) >= 300
        assert len(np.unique(theirs)) > (1 if kind.name == "supertrend_side" else 6)  # a constant would prove nothing
        error = np.abs(ours - theirs) / np.maximum(np.abs(theirs), np.median(np.abs(theirs)))
        worst = int(np.argmax(error))
        where = rows.start + warm_up + case.wait + worst
        assert error[worst] <= case.tolerance, f"bar {where}: core {ours[worst]}, TA-Lib {theirs[worst]}, off by {error[worst]:.2e}"


def test_the_comparison_can_fail():
    """The neighbouring period is out of tolerance in every case that has a period: the tolerances are not wide enough to hide one."""
    market = random_market(5, lengths=(1_500,))
    ((_, chart),) = charts(market)
    for case in CASES:
        own = column(case.spelling)
        if not own.values:
            continue
        other = f"{own.kind.name}({', '.join(f'{v + (i == 0):g}' for i, v in enumerate(own.values))})"
        start = column(other).warm_up + case.wait
        ours, theirs = features(market, [other]).matrix[0][start:], case.talib(chart)[start:]
        error = np.abs(ours - theirs) / np.maximum(np.abs(theirs), np.median(np.abs(theirs)))
        assert error.max() > 10 * case.tolerance, other
