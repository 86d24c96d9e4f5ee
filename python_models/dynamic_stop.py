"""A learned stop in the loop: its answer at every bar as columns, long and short, asked at the entry and again at each close; and a
multiplier for each regime of volatility, learned from training trades.

What a stop model looks at is known at each bar's close, so its answers are computed ahead, all bars at once; the loop's hook only picks
the side. Nothing here fits a model.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.entry_model import Ask, DynamicStop, EntryModel
from esbt.errors import EsbtError
from esbt.features import Features
from esbt.network import Dense, Network
from python_models.boosting import Rows
from python_models.config import Learning
from python_models.labels import Labels
from python_models.sample_weights import average_uniqueness

Floats = npt.NDArray[np.float64]
LONG, SHORT, MULTIPLIER = "learned_stop_long", "learned_stop_short", "regime_multiplier"
_MOST_REGIMES = 64
_TABLE = {"regime": pl.Int64, "multiplier": pl.Float64, "trades": pl.Int64, "gain_usd": pl.Float64, "error": pl.Float64}
_BLOCK = 1 << 16  # rows asked at once
_FAR = 2.0**20  # ATR; more than any stop, and a power of two, so that taking it off again is exact


@dataclass(frozen=True)
class Moving:
    """How the stop is decided again at each close: `smoothing` of `esbt.DynamicStop`; regime: a feature whose values are codes 0, 1, ...;
    multipliers: one a code, within bounds. Where the regime is unknown the multiplier is 1."""

    smoothing: float
    regime: str | None = None
    multipliers: tuple[float, ...] = ()
    bounds: tuple[float, float] = (0.5, 2.0)

    def column(self, features: Features) -> Floats:
        """The multiplier at each bar, float64[N], NaN where the regime is unknown or has none. Raises EsbtError without the feature."""
        if self.regime is None:
            return np.ones(len(features))
        codes = features.column(self.regime)
        known = np.isfinite(codes) & (codes >= 0) & (codes < len(self.multipliers))
        out = np.full(codes.size, np.nan)
        out[known] = np.asarray(self.multipliers)[codes[known].astype(np.int64)]
        return out


def by_side(predict: Callable[[Rows], Floats], features: Features, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """Stop distances in ATR at each bar for a long and a short, float64[N] each, clamped to bounds and rounded to float32, as the loop has
    them. predict: of rows float32[n, F + 1], the side last."""
    out = []
    for side in (1.0, -1.0):
        said = [
            predict(np.ascontiguousarray(np.vstack([block, np.full(block.shape[1], side, np.float32)]).T))
            for block in (features.matrix[:, at : at + _BLOCK] for at in range(0, len(features), _BLOCK))
        ]
        out.append(np.clip(np.concatenate([np.zeros(0), *said]), *bounds).astype(np.float32).astype(np.float64))
    return out[0], out[1]


def stop_model(features: Features, sides: tuple[Floats, Floats], bounds: tuple[float, float], moving: Moving | None) -> EntryModel:
    """The entry model of stops known ahead (see `by_side`) for the bars of these features; fixed at the entry where `moving` is None."""
    columns = features.with_columns({LONG: sides[0], SHORT: sides[1]} | ({MULTIPLIER: moving.column(features)} if moving else {}))
    ask = Ask(_picker(), (LONG, SHORT, "side"))
    model = EntryModel(columns, stop=ask, stop_bounds=bounds)
    if moving is None:
        return model
    return replace(model, dynamic=DynamicStop(ask, bounds, moving.smoothing, MULTIPLIER, moving.bounds))


def _picker() -> Network:
    """(long, short, side) -> one of the first two, in the core: max(0, long + F side - F) + max(0, short - F side - F), exact below F."""
    first = np.array([[1.0, 0.0, _FAR], [0.0, 1.0, -_FAR]])
    return Network([Dense(first, np.array([-_FAR, -_FAR])), Dense(np.ones((1, 2)))])


def learn_multipliers(outcomes: Callable[[Moving], Labels], features: Features, learning: Learning) -> tuple[Moving, pl.DataFrame]:
    """One multiplier for each code of `learning.regime`, and a table of what each would have earned.

    outcomes: labels of the training signals under stops moved so; each regime's trades are those whose signal fell in it. A regime gets
    the multiplier under which its trades earn most, of regime_low, its root, 1, the root of regime_high and regime_high, where that exceeds
    what they earn at 1 by two standard errors of the paired difference (trades counted by their uniqueness); else 1. Without the feature
    among these: none. Raises EsbtError for a feature that has no few codes.
    """
    plain, empty = Moving(learning.stop_smoothing), pl.DataFrame(schema=_TABLE)
    if learning.regime is None or learning.regime not in features.names:
        return plain, empty
    codes = features.column(learning.regime)
    count = 1 + int(np.nanmax(codes, initial=0.0))
    if count > _MOST_REGIMES:
        raise EsbtError(f"learning.regime {learning.regime!r} has codes up to {count - 1}: give one of a few, volatility_regime(390)")
    bounds = (learning.regime_low, learning.regime_high)
    tried = (bounds[0], bounds[0] ** 0.5, 1.0, bounds[1] ** 0.5, bounds[1])
    labels = {m: outcomes(Moving(learning.stop_smoothing, learning.regime, (m,) * count, bounds)) for m in tried}
    rows, chosen = [], [1.0] * count
    for code in range(count):
        best = 0.0
        for m in tried:
            gain, error, trades = _gain(labels[m], labels[1.0], codes, code)
            rows.append((code, m, trades, gain, error))
            if m != 1.0 and trades and gain > max(best, 2 * error):
                best, chosen[code] = gain, m
    table = pl.DataFrame(rows, schema=_TABLE, orient="row")
    return Moving(learning.stop_smoothing, learning.regime, tuple(chosen), bounds), table


def _gain(own: Labels, other: Labels, codes: npt.NDArray[np.float32], code: int) -> tuple[float, float, int]:
    """Mean of own less other profit, USD a trade of one contract, over signals of a regime that both have; its error; how many."""
    _, a, b = np.intersect1d(own.signal_bar, other.signal_bar, assume_unique=True, return_indices=True)
    kept = codes[own.signal_bar[a]] == code
    a, b = a[kept], b[kept]
    if a.size < 2:
        return 0.0, 0.0, int(a.size)
    difference = own.pnl[a] - other.pnl[b]
    alone = average_uniqueness(own.signal_bar[a], np.maximum(own.end_bar[a], other.end_bar[b])).sum()
    return float(difference.mean()), float(difference.std() / np.sqrt(alone)), int(a.size)
