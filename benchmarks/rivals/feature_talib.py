"""The indicators that TA-Lib has too, as it has them: in ticks where ours are in units of ATR, one float64 array each.

Only TA-Lib's own functions are timed. What turns their values into ours (a division by ATR, a place between two bands) is done for the
comparison alone, so the rival has less to do. TA-Lib knows no contracts: the bars must be of one.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import talib

import esbt
from rivals.feature_agreement import SETTLE

Values = npt.NDArray[np.float64]


class Chart(NamedTuple):
    """float64[N]: prices in ticks, contracts, and ATR(14), at least one tick."""

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    unit: Values


class Pair(NamedTuple):
    """Columns of ours; the call of TA-Lib that has them; what makes them of its answer; the tolerance."""

    columns: tuple[str, ...]
    call: Callable[[Chart], object]
    same: Callable[[object, Chart], tuple[Values, ...]]
    tolerance: float = 1e-6


def as_it_is(said: object, _: Chart) -> tuple[Values, ...]:
    return said if isinstance(said, tuple) else (said,)


def in_atr(said: object, x: Chart) -> tuple[Values, ...]:
    return tuple(values / x.unit for values in as_it_is(said, x))


def between_bands(said: tuple[Values, Values, Values], x: Chart) -> tuple[Values, ...]:
    upper, _, lower = said
    return (upper - lower) / x.unit, (x.close - lower) / (upper - lower)


CANCELS = 1e-4  # TA-Lib takes differences of large sums
PAIRS = (
    Pair(("sma(20)",), lambda x: talib.SMA(x.close, 20), as_it_is),
    Pair(("ema(20)",), lambda x: talib.EMA(x.close, 20), as_it_is),
    Pair(("atr(14)",), lambda x: talib.ATR(x.high, x.low, x.close, 14), as_it_is),
    Pair(("relative_volatility(14)",), lambda x: talib.NATR(x.high, x.low, x.close, 14), lambda said, _: (said / 100.0,)),
    Pair(("rsi(14)",), lambda x: talib.RSI(x.close, 14), as_it_is),
    Pair(("plus_di(14)",), lambda x: talib.PLUS_DI(x.high, x.low, x.close, 14), as_it_is),
    Pair(("minus_di(14)",), lambda x: talib.MINUS_DI(x.high, x.low, x.close, 14), as_it_is),
    Pair(("adx(14)",), lambda x: talib.ADX(x.high, x.low, x.close, 14), as_it_is),
    Pair(("stochastic_k(14)", "stochastic_d(14, 3)"), lambda x: talib.STOCHF(x.high, x.low, x.close, 14, 3, 0), as_it_is),
    Pair(("williams_r(14)",), lambda x: talib.WILLR(x.high, x.low, x.close, 14), as_it_is),
    Pair(("cci(20)",), lambda x: talib.CCI(x.high, x.low, x.close, 20), as_it_is, CANCELS),
    Pair(("money_flow_index(14)",), lambda x: talib.MFI(x.high, x.low, x.close, x.volume, 14), as_it_is, CANCELS),
    Pair(("aroon_down(25)", "aroon_up(25)"), lambda x: talib.AROON(x.high, x.low, 25), as_it_is),
    Pair(("aroon_oscillator(25)",), lambda x: talib.AROONOSC(x.high, x.low, 25), as_it_is),
    Pair(("bollinger_width(20, 2)", "bollinger_position(20, 2)"), lambda x: talib.BBANDS(x.close, 20, 2, 2, 0), between_bands, CANCELS),
    Pair(
        ("macd(12, 26)", "macd_signal(12, 26, 9)", "macd_histogram(12, 26, 9)"),
        lambda x: talib.MACD(x.close, 12, 26, 9),
        in_atr,
        CANCELS,
    ),
    Pair(("linear_slope(20)",), lambda x: talib.LINEARREG_SLOPE(x.close, 20), in_atr, CANCELS),
    Pair(("move(5)",), lambda x: talib.MOM(x.close, 5), in_atr),
    Pair(("simple_return(5)",), lambda x: talib.ROCP(x.close, 5), as_it_is),
    Pair(("resistance_distance(60)",), lambda x: talib.MAX(x.high, 60), lambda said, x: ((said - x.close) / x.unit,)),
    Pair(("support_distance(60)",), lambda x: talib.MIN(x.low, 60), lambda said, x: ((x.close - said) / x.unit,)),
    Pair(("on_balance_volume",), lambda x: talib.OBV(x.close, x.volume), lambda said, x: (said - x.volume[0],)),
    Pair(("body_share",), lambda x: talib.BOP(x.open, x.high, x.low, x.close), as_it_is),
)


class TaLib:
    """TA-Lib's functions one after another."""

    name = "TA-Lib"
    columns = tuple(name for pair in PAIRS for name in pair.columns)

    def __init__(self, bars: esbt.Bars) -> None:
        if len(np.unique(bars.segment)) != 1:
            raise ValueError("TA-Lib knows no contracts: give it bars of one")
        unit = np.maximum(esbt.features(bars, ["atr(14)"]).matrix[0].astype(float), 1.0)
        self.chart = Chart(*(getattr(bars, word).astype(float) for word in ("open", "high", "low", "close", "volume")), unit)

    def run(self) -> list[object]:
        x = self.chart
        return [pair.call(x) for pair in PAIRS]

    def values(self, said: list[object]) -> dict[str, Values]:
        """By the names of our columns, not timed."""
        with np.errstate(divide="ignore", invalid="ignore"):
            made = [pair.same(answer, self.chart) for pair, answer in zip(PAIRS, said, strict=True)]
        return {name: row for pair, rows in zip(PAIRS, made, strict=True) for name, row in zip(pair.columns, rows, strict=True)}

    def tolerance(self, name: str) -> float:
        return next(pair.tolerance for pair in PAIRS if name in pair.columns)

    def comparable(self) -> npt.NDArray[np.bool_]:
        """bool[N]: seeds are forgotten, and no denominator is zero: there TA-Lib has conventions of its own."""
        x = self.chart
        moves = (talib.MAX(x.close, 20) > talib.MIN(x.close, 20)) & (talib.MAX(x.high, 14) > talib.MIN(x.low, 14))
        traded = talib.SUM(x.volume * (np.diff(x.high + x.low + x.close, prepend=0.0) != 0.0), 14) > 0.0
        three = talib.MIN((talib.MAX(x.high, 14) > talib.MIN(x.low, 14)).astype(float), 3) > 0.0
        found: npt.NDArray[np.bool_] = moves & traded & three & (np.arange(len(x.close)) >= SETTLE)
        return found
