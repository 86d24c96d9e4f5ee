"""Markets for the tests of features: made of numpy arrays alone, ugly on purpose. Knows no calendar and no instrument."""

from dataclasses import dataclass

import numpy as np

from esbt import _core


@dataclass(frozen=True)
class Market:
    """What `features` needs of Bars, free of calendars: arrays as the core takes them."""

    ts: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    session: np.ndarray
    segment: np.ndarray
    buys: np.ndarray  # int64 contracts traded at the ask, -1 where nobody knows

    @property
    def columns(self) -> tuple[np.ndarray, ...]:
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    @property
    def core(self) -> _core.CoreBars:
        return _core.CoreBars(*self.columns)

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, part: slice) -> "Market":
        return Market(*(column[part] for column in self.columns))

    @property
    def ages(self) -> np.ndarray:
        """Bars of the own segment before each bar."""
        bar = np.arange(len(self))
        starts = np.concatenate(([True], np.diff(self.segment) != 0))[: len(self)]
        return bar - np.maximum.accumulate(np.where(starts, bar, 0))


def random_market(seed: int, lengths: tuple[int, ...] = (1, 2, 14, 150, 13, 60, 420, 79), level: int = 20_000) -> Market:
    """Segments of the given lengths; sessions of about 90 bars, some cut by a segment; calm and wild, flat and untraded stretches.

    In about half of the stretches of 50 bars most bars know how much was bought, and some do not.
    """
    rng = np.random.default_rng(seed)
    n = sum(lengths)
    scale = np.repeat(rng.choice([0.3, 2.0, 12.0], size=n // 40 + 1), 40)[:n]
    close = level + np.cumsum(np.rint(rng.normal(0.0, scale))).astype(np.int32)
    open_ = np.roll(close, 1) + rng.integers(-2, 3, n).astype(np.int32)
    open_[0] = close[0]
    high = np.maximum(open_, close) + np.rint(rng.exponential(scale)).astype(np.int32)
    low = np.minimum(open_, close) - np.rint(rng.exponential(scale)).astype(np.int32)
    still = rng.random(n) < 0.1
    open_[still] = high[still] = low[still] = close[still]
    volume = rng.integers(0, 5_000, n)
    volume[np.repeat(rng.random(n // 70 + 1) < 0.25, 70)[:n]] = 0
    session = np.cumsum(rng.random(n) < 1 / 90).astype(np.int32) + 16_000
    step = rng.choice([60, 60, 60, 120, 61], size=n) * 1_000_000_000
    ts = np.cumsum(step) + np.int64(1_380_000_000_000_000_000)
    segment = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    prices = (x.astype(np.int32) for x in (open_, high, low, close))
    known = np.repeat(rng.random(n // 50 + 1) < 0.5, 50)[:n] & (rng.random(n) < 0.9)
    share = np.repeat(rng.random(n // 25 + 1), 25)[:n]
    buys = np.where(known, rng.binomial(volume, share), -1)
    return Market(ts, *prices, volume, session, segment, buys)


def wild_market(seed: int, n: int = 1_500, jump: int = 20_000, volume: int = 2_000_000) -> Market:
    """Jumps of any size in every bar, through zero and below it; volumes from none to millions."""
    rng = np.random.default_rng(seed)
    calm = random_market(seed, lengths=(n // 3, n - n // 3))
    close = np.cumsum(rng.integers(-jump, jump + 1, n))
    open_ = close + rng.integers(-jump, jump + 1, n)
    high = np.maximum(open_, close) + rng.integers(0, jump, n)
    low = np.minimum(open_, close) - rng.integers(0, jump, n)
    prices = (x.astype(np.int32) for x in (open_, high, low, close))
    traded = rng.integers(0, volume, n) * (rng.random(n) < 0.9)
    buys = np.where(rng.random(n) < 0.5, rng.binomial(traded, 0.5), -1)
    return Market(calm.ts, *prices, traded, calm.session, calm.segment, buys)


def flat_market(n: int = 2_500, price: int = 0, wild_bars: int = 0) -> Market:
    """No range and no volume, after `wild_bars` bars of a wide market."""
    close = np.full(n, price, dtype=np.int32)
    wide = np.zeros(n, dtype=np.int32)
    wide[:wild_bars] = 1_000 + 13 * (np.arange(wild_bars) % 7)
    volume = np.where(wide > 0, 100, 0)
    ts = np.arange(n, dtype=np.int64) * 60_000_000_000
    day = (np.arange(n) // 1_380).astype(np.int32)
    return Market(ts, close, close + wide, close - wide, close, volume, day, np.zeros(n, dtype=np.int32), np.full(n, -1, dtype=np.int64))


def long_market(n: int) -> Market:
    """Years of minutes: sessions of 1,380 bars, a contract every 90,000."""
    rng = np.random.default_rng(9)
    close = 20_000 + np.cumsum(rng.integers(-3, 4, n, dtype=np.int8), dtype=np.int32)
    open_ = close + rng.integers(-4, 5, n, dtype=np.int32)
    high = np.maximum(open_, close) + rng.integers(0, 4, n, dtype=np.int32)
    low = np.minimum(open_, close) - rng.integers(0, 4, n, dtype=np.int32)
    at = np.arange(n, dtype=np.int64)
    volume = rng.integers(0, 5_000, n)
    day, contract = (at // 1_380).astype(np.int32), (at // 90_000).astype(np.int32)
    return Market(at * 60_000_000_000, open_, high, low, close, volume, day, contract, volume // 2)
