"""A market made by coin tosses: real session times, tick grid, clustered volatility, fat tails; without edge an exact martingale.

How a bar is drawn. Eight sub-steps of whole ticks, the first (a small one) between the previous close and the open. The size of a
sub-step comes from sigma_t, the bar's standard deviation in ticks, fixed before the bar: price level at the session's start x intraday
shape x exp(slow + fast AR(1) log volatility); times a fat-tailed factor and a half normal, rounded to a whole tick at random so that
its mean is kept. Its SIGN is an independent coin. With edge 0 the coin is fair, so no rule on past bars has an expected gross profit.
With edge > 0 it is loaded so that the expected move of the bar is edge x sigma_t x d_t x g_t: the hidden direction d_t in {-1, +1}
keeps for 100 minutes on average, and the hidden activity g_t in {0, 1}, for half a session on average, doubles the volume while it is 1.
So trend following pays while volume is high for its hour, and not otherwise. The gap into a session, and its first bar, are always fair.
"""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from esbt.data.bars import Bars
from esbt.data.calendar import Sessions, sessions_between
from esbt.data.instruments import Instrument
from esbt.data.instruments import instrument as find_instrument
from esbt.data.synthetic_truth import Truth
from esbt.data.validate import MAX_TICKS
from esbt.errors import EsbtError

Floats = npt.NDArray[np.float64]

DAILY_VOLATILITY, GAP_VOLATILITY = 0.011, 0.002  # of the price, within the session and over the gap before it
SESSION_MINUTES, DAY_START, DAY_END = 1380.0, 930.0, 1320.0  # minutes after 17:00 Chicago; 8:30 to 15:00 is the day
DIRECTION_MINUTES, ACTIVITY_MINUTES = 100.0, 690.0  # mean run of the hidden states
SLOW_SD, SLOW_KEEP, FAST_SD, FAST_HALF_LIFE = 0.30, 0.97, 0.35, 60.0  # log volatility: per session, and per bar (half-life in minutes)
TAIL_SD = 0.5  # of the fat-tailed factor's log
DAY_VOLUME, VOLUME_NOISE = 1500.0, 0.3  # contracts a minute in the middle of the day; sd of log volume
_WEIGHTS = np.array([0.25, 1, 1, 1, 1, 1, 1, 1]) / np.sqrt(7.0625)  # sub-steps' shares of sigma; their squares sum to 1
# Mean of the sizes of a bar's sub-steps over sigma_t: half normal, times the mean of a factor whose mean square is 1.
_SIZE_PER_SIGMA = float(np.sqrt(2.0 / np.pi) * np.exp(-(TAIL_SD**2) / 2.0) * _WEIGHTS.sum())
_MAX_EDGE = 1.0


def synthetic_bars(
    days: int = 500,
    instrument: str | Instrument = "ES",
    interval: str = "1min",
    *,
    edge: float = 0.0,
    seed: int = 42,
    start: str = "2022-01-03",
    price: float = 4000.0,
) -> Bars:
    """Bars of `days` sessions from trade date `start` on, each complete, first price near `price` points; `edge` in [0, 1], see above.

    Same arguments, same bars; fewer `days` give the beginning of more. `.synthetic` is True, `.source` says "synthetic market", and
    `.truth` holds the hidden drift. Raises EsbtError for arguments out of range.
    """
    which = find_instrument(instrument)
    step_ns = _interval_ns(interval)
    _check(days, edge, seed, price, which)
    sessions = _sessions(which, days, start)
    market = _Market(np.random.Generator(np.random.PCG64(seed)), float(edge), step_ns / 60e9, round(price / which.tick))
    drawn = []
    for day, opens, closes in zip(sessions.day.tolist(), sessions.open_ns.tolist(), sessions.close_ns.tolist(), strict=True):
        ts = np.arange(opens, closes, step_ns, dtype=np.int64)
        drawn.append((ts, np.full(ts.size, day, np.int32), *market.session((ts - opens) / 60e9)))
    ts, session, prices, volume, drift = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    if not 0 < int(prices.min()) <= int(prices.max()) < MAX_TICKS:
        raise EsbtError(
            f"the synthetic price left the range of ticks (seed {seed}, days {days}): take a price further from 0, or fewer days"
        )
    return Bars(
        ts=ts,
        open=prices[:, 0].astype(np.int32),
        high=prices[:, 1].astype(np.int32),
        low=prices[:, 2].astype(np.int32),
        close=prices[:, 3].astype(np.int32),
        volume=volume,
        session=session,
        segment=np.zeros(ts.size, np.int32),
        instrument=which,
        contracts=(which.symbol,),
        source=f"synthetic market, seed {seed}, edge {edge}",
        synthetic=True,
        truth=Truth(drift, which.tick_value),
    )


@dataclass
class _Market:
    """The state that runs on from session to session, and the drawing of one session."""

    rng: np.random.Generator
    edge: float
    minutes: float  # of a bar
    last: int  # close, ticks
    slow: float = field(init=False)
    fast: float = field(init=False)
    direction: int = field(init=False)
    active: int = field(init=False)

    def __post_init__(self) -> None:
        self.slow, self.fast = SLOW_SD * self.rng.standard_normal(), FAST_SD * self.rng.standard_normal()
        self.direction, self.active = 2 * int(self.rng.integers(2)) - 1, int(self.rng.integers(2))

    def session(self, minute: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
        """Prices int64[L, 4] (open high low close, ticks), volume int64[L], drift float64[L] of a session, bars `minute` past the open."""
        n = minute.size
        level = self.last
        relative = self._volatility(n) * shape(minute)
        sigma = level * DAILY_VOLATILITY * np.sqrt(self.minutes / SESSION_MINUTES) * relative
        direction, active = self._hidden(n)
        lean = self.edge / _SIZE_PER_SIGMA * direction * active  # mean of a sub-step's sign
        lean[0] = 0.0

        tail = np.exp(TAIL_SD * self.rng.standard_normal(n) - TAIL_SD**2)  # mean square 1
        size = np.abs(self.rng.standard_normal((n, _WEIGHTS.size))) * _WEIGHTS * (sigma * tail)[:, None]
        size[0, 0] = abs(self.rng.standard_normal()) * level * GAP_VOLATILITY
        ticks = np.floor(size + self.rng.random(size.shape))  # rounds up with the probability of the remainder: mean kept
        up = self.rng.random(size.shape) < 0.5 * (1.0 + lean[:, None])
        path = level + np.cumsum(np.where(up, ticks, -ticks)).reshape(size.shape).astype(np.int64)
        prices = np.stack([path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1]], axis=1)
        self.last = int(prices[-1, 3])

        noise = np.exp(VOLUME_NOISE * self.rng.standard_normal(n))
        volume = 1 + self.rng.poisson(
            DAY_VOLUME * self.minutes * volume_shape(minute) * relative / shape(minute) * (1 + active) / 1.5 * noise
        )
        drift = np.where(lean == 0.0, 0.0, self.edge * sigma * direction * active)
        return prices, volume.astype(np.int64), drift

    def _volatility(self, n: int) -> Floats:
        """float64[n] exp(log volatility), mean square 1."""
        keep = 0.5 ** (self.minutes / FAST_HALF_LIFE)
        self.slow = SLOW_KEEP * self.slow + SLOW_SD * np.sqrt(1 - SLOW_KEEP**2) * self.rng.standard_normal()
        shocks = (FAST_SD * np.sqrt(1 - keep**2) * self.rng.standard_normal(n)).tolist()
        fast = np.array(list(accumulate(shocks, lambda was, shock: keep * was + shock, initial=self.fast))[1:])
        self.fast = float(fast[-1])
        return np.asarray(np.exp(self.slow + fast - SLOW_SD**2 - FAST_SD**2))

    def _hidden(self, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Direction int64[n] in {-1, +1} and activity int64[n] in {0, 1}: two chains that change state with a fixed probability a bar."""
        turns = np.where(self.rng.random(n) < _turn(self.minutes / DIRECTION_MINUTES), -1, 1)
        flips = self.rng.random(n) < _turn(self.minutes / ACTIVITY_MINUTES)
        direction = self.direction * np.cumprod(turns)
        active = (self.active + np.cumsum(flips)) % 2
        self.direction, self.active = int(direction[-1]), int(active[-1])
        return direction, active


def shape(minute: Floats) -> Floats:
    """Volatility over the session, mean square about 1: calm nights, a U from 8:30 to 15:00 Chicago, quieter after the close.

    Minutes count from the session's open, also in markets and years that open at another hour than 17:00 Chicago.
    """
    across = (minute - DAY_START) / (DAY_END - DAY_START)
    day = 1.15 + 3.2 * np.abs(np.clip(across, 0.0, 1.0) - 0.5) ** 2 * 1.25
    night = 0.5 + 0.15 * np.sin(np.pi * np.clip((minute - 420.0) / 510.0, 0.0, 1.0))  # Europe's hours are a little livelier
    return np.asarray(np.where((across >= 0.0) & (across < 1.0), day, night))


def volume_shape(minute: Floats) -> Floats:
    """Volume over the session, 1 in the middle of the day: deeper nights and higher edges than volatility has."""
    return np.asarray((shape(minute) / 1.15) ** 2.2)


def _turn(mean_runs: float) -> float:
    return float(0.5 * (1.0 - np.exp(-2.0 * mean_runs)))


def _interval_ns(interval: str) -> int:
    found = re.fullmatch(r"\s*(\d+)\s*(s|sec|min|m|h)\s*", str(interval))
    seconds = int(found[1]) * {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}[found[2]] if found else 0
    if not 1 <= seconds <= 4 * 3600:
        raise EsbtError(f"interval is {interval!r}: give '30s', '1min', '5min', '1h' or the like, from 1s to 4h")
    return seconds * 1_000_000_000


def _check(days: int, edge: float, seed: int, price: float, which: Instrument) -> None:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 10_000:
        raise EsbtError(f"days is {days!r}: give a whole number of sessions, 1 to 10000")
    if not 0.0 <= edge <= _MAX_EDGE:
        raise EsbtError(f"edge is {edge!r}: give 0 (no edge) to {_MAX_EDGE:g} (drift of a bar = its standard deviation)")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise EsbtError(f"seed is {seed!r}: give a whole number, 0 or more")
    if not 100 <= price / which.tick < MAX_TICKS:
        raise EsbtError(f"price is {price!r}: give 100 to 2^26 ticks of {which.symbol} ({which.tick} points)")


def _sessions(which: Instrument, days: int, start: str) -> Sessions:
    try:
        first = date.fromisoformat(start)
    except (TypeError, ValueError):
        raise EsbtError(f"start is {start!r}: give an ISO date such as '2022-01-03'") from None
    if not 1970 < first.year < 2100:
        raise EsbtError(f"start is {start!r}: give a date from 1971 to 2099")
    found = sessions_between(which.calendar, first, first + timedelta(days=days * 3 // 2 + 30))
    if found.day.size < days:
        raise EsbtError(f"calendar {which.calendar!r} has only {found.day.size} of {days} sessions from {start}: take fewer days")
    return Sessions(found.day[:days], found.open_ns[:days], found.close_ns[:days])
