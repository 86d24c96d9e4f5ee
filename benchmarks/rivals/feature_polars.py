"""What Polars' rolling functions express of our features: means, deviations, highs, lows and sums over windows, one lazy-free select.

Polars gives the window's own value (a mean in ticks); what turns it into ours (a distance in units of ATR) is done for the comparison
alone, so the rival has less to do. It knows no contracts: the bars must be of one.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

import esbt

Values = npt.NDArray[np.float64]
CLOSE, HIGH, LOW, VOLUME = (pl.col(word) for word in ("close", "high", "low", "volume"))
SAID = {
    "sma(20)": CLOSE.rolling_mean(20),
    "sma_distance(50)": CLOSE.rolling_mean(50),
    "sma_distance(200)": CLOSE.rolling_mean(200),
    "bollinger_width(20, 2)": CLOSE.rolling_std(20, ddof=0),
    "bollinger_width(60, 2)": CLOSE.rolling_std(60, ddof=0),
    "resistance_distance(20)": HIGH.rolling_max(20),
    "resistance_distance(60)": HIGH.rolling_max(60),
    "support_distance(20)": LOW.rolling_min(20),
    "support_distance(60)": LOW.rolling_min(60),
    "volume_ratio(20)": VOLUME.rolling_sum(20),
    "volume_ratio(60)": VOLUME.rolling_sum(60),
}


class PolarsRolling:
    """One select of them all, on one thread."""

    name = "Polars"
    columns = tuple(SAID)

    def __init__(self, bars: esbt.Bars) -> None:
        if len(np.unique(bars.segment)) != 1:
            raise ValueError("Polars' rolling functions know no contracts: give them bars of one")
        self.frame = pl.DataFrame({word: getattr(bars, word).astype(float) for word in ("close", "high", "low", "volume")})
        self.unit = np.maximum(esbt.features(bars, ["atr(14)"]).matrix[0].astype(float), 1.0)
        self.wanted = [expression.alias(name) for name, expression in SAID.items()]

    def run(self) -> pl.DataFrame:
        return self.frame.select(self.wanted)

    def values(self, said: pl.DataFrame) -> dict[str, Values]:
        """By the names of our columns, not timed."""
        return {name: self._ours(name, said[name].to_numpy()) for name in SAID}

    def tolerance(self, name: str) -> float:
        return 1e-4 if name.startswith("bollinger") else 1e-6  # Polars' variance is a running one

    def comparable(self) -> npt.NDArray[np.bool_]:
        """bool[N]: the longest window is full, and was traded."""
        found: npt.NDArray[np.bool_] = (np.arange(len(self.frame)) >= 200) & (self.frame["volume"].rolling_sum(20).to_numpy() > 0.0)
        return found

    def _ours(self, name: str, x: Values) -> Values:
        close, volume = self.frame["close"].to_numpy(), self.frame["volume"].to_numpy()
        kind, _, inside = name.partition("(")
        n = int(inside.rstrip(")").split(",")[0])
        with np.errstate(divide="ignore", invalid="ignore"):
            made: dict[str, Values] = {
                "sma": x,
                "sma_distance": (close - x) / self.unit,
                "bollinger_width": 4.0 * x / self.unit,
                "resistance_distance": (x - close) / self.unit,
                "support_distance": (close - x) / self.unit,
                "volume_ratio": n * volume / x,
            }
        return made[kind]
