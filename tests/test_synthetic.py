"""The synthetic market: real sessions, the facts of real bars, an exact martingale without edge, and a known best profit with edge.

Statistical tests: seeds are fixed, so they pass or fail for good. Each bounds |z| by the level said beside it.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from esbt.data import Truth, load_bars, session_of, synthetic_bars
from esbt.data.synthetic import volume_shape
from esbt.errors import EsbtError

COLUMNS = ("ts", "open", "high", "low", "close", "volume", "session", "segment")
LIMIT = 4.0  # |z| of a standard normal exceeds it with probability 6e-5; with 60 predictors in a test, 4e-3


@pytest.fixture(scope="module")
def fair():
    return synthetic_bars(250, seed=7)


@pytest.fixture(scope="module")
def markets():
    """120 sessions each of 4 seeds at three edges."""
    return {edge: [synthetic_bars(120, edge=edge, seed=s) for s in (1, 2, 3, 4)] for edge in (0.0, 0.1, 0.2)}


def minute_of_session(bars):
    starts = np.flatnonzero(np.diff(bars.session, prepend=-1))
    return ((bars.ts - np.repeat(bars.ts[starts], np.diff(np.append(starts, len(bars))))) // 60_000_000_000).astype(float)


def z_of(products):
    """Of a sum of martingale differences, normalised by its own squares: about standard normal, whatever the volatility."""
    return products.sum() / np.sqrt(np.square(products).sum())


def test_same_seed_same_bars_and_fewer_days_are_the_beginning(fair):
    again, part, other = synthetic_bars(250, seed=7), synthetic_bars(40, seed=7), synthetic_bars(40, seed=8)
    for column in COLUMNS:
        assert np.array_equal(getattr(fair, column), getattr(again, column)), column
        assert np.array_equal(getattr(fair, column)[: len(part)], getattr(part, column)), column
    assert not np.array_equal(part.close, other.close)
    assert fair.synthetic
    assert fair.source == "synthetic market, seed 7, edge 0.0"


def test_sessions_are_those_of_the_calendar(fair):
    assert np.unique(fair.session).size == 250
    assert np.array_equal(fair.session, session_of(fair.ts, "CME Globex Equity"))
    lengths = dict(zip(*np.unique(fair.session, return_counts=True), strict=True))
    day = (date(2022, 7, 4) - date(1970, 1, 1)).days
    assert max(lengths.values()) == 1380
    assert np.median(list(lengths.values())) == 1380
    assert lengths[day] == 19 * 60, "an early close at noon"
    assert str(fair.ts[0].astype("datetime64[ns]"))[:16] == "2022-01-02T23:00"
    summer = fair.ts[fair.session == (date(2022, 6, 7) - date(1970, 1, 1)).days][0]
    assert str(summer.astype("datetime64[ns]"))[:16] == "2022-06-06T22:00"


def test_bars_pass_the_checks_of_the_door(fair):
    loaded = load_bars(fair.frame, "ES")
    for column in COLUMNS:
        assert np.array_equal(getattr(fair, column), getattr(loaded, column)), column
    assert not loaded.synthetic
    assert fair.volume.min() >= 1


def test_scale(fair):
    last = fair.close[np.flatnonzero(np.diff(fair.session, append=-1))].astype(float)
    assert 0.006 < np.diff(np.log(last)).std() < 0.015, "about 1 % a day"
    minute, width = minute_of_session(fair), (fair.high - fair.low).astype(float)
    in_day = (minute >= 930) & (minute < 1320)
    assert 4.0 < width[in_day].mean() < 10.0
    assert width[~in_day].mean() < 0.6 * width[in_day].mean()


def test_returns_have_fat_tails_and_clusters_and_no_memory(fair):
    r = np.diff(fair.close).astype(float)
    excess = np.mean(r**4) / np.mean(r**2) ** 2 - 3.0
    assert excess > 1.0
    # Clustering beyond the intraday shape: |return| over its mean at that minute of the session.
    minute = minute_of_session(fair)[1:].astype(int)
    usual = np.bincount(minute, np.abs(r)) / np.bincount(minute)
    size = np.abs(r) / usual[minute]
    for lag in (1, 60):
        assert np.corrcoef(np.abs(r[lag:]), np.abs(r[:-lag]))[0, 1] > 0.05
        assert np.corrcoef(size[lag:], size[:-lag])[0, 1] > 0.02
    for lag in (1, 2, 5, 60):
        assert abs(np.corrcoef(r[lag:], r[:-lag])[0, 1]) < 0.015
        assert abs(z_of(r[lag:] * r[:-lag])) < LIMIT


def test_volume_and_range_have_their_shape_over_the_day_and_go_together(fair):
    minute = minute_of_session(fair)

    def mean(x, first, last):
        return x[(minute >= first) & (minute < last)].mean()

    for x in ((fair.high - fair.low).astype(float), fair.volume.astype(float)):
        opening, noon, closing, night = mean(x, 930, 960), mean(x, 1100, 1150), mean(x, 1290, 1320), mean(x, 0, 400)
        assert opening > 1.15 * noon
        assert closing > 1.15 * noon
        assert noon > 1.5 * night
    noon = (minute >= 1100) & (minute < 1150)
    assert np.corrcoef(fair.volume[noon], (fair.high - fair.low)[noon])[0, 1] > 0.1


def past_views(bars):
    """Sides in {-1, 0, +1} known at the close of bar t, from the past only, by name."""
    c, v, n = bars.close.astype(float), bars.volume.astype(float), len(bars)
    move = np.diff(c, prepend=c[0])
    views = {f"momentum {k}": np.sign(c - np.concatenate([np.full(k, c[0]), c[:-k]])) for k in (1, 5, 60, 1380)}
    rest = v / volume_shape(minute_of_session(bars))
    total = np.concatenate([[0.0], np.cumsum(rest)])
    k = 60
    mean = np.concatenate([np.full(k - 1, np.nan), (total[k:] - total[:-k]) / k])
    busy = mean > np.nanmedian(mean)
    views["momentum 60, busy"] = views["momentum 60"] * busy
    views["momentum 60, quiet"] = views["momentum 60"] * ~busy
    starts = np.flatnonzero(np.diff(bars.session, prepend=-1))
    opened = np.repeat(c[starts], np.diff(np.append(starts, n)))
    views["from the session's open"] = np.sign(c - opened)
    views["where in the bar it closed"] = np.sign(2 * bars.close - bars.high - bars.low)
    views["after a big bar"] = np.sign(move) * (np.abs(move) > 3 * np.abs(move).mean())
    views["after a wide bar with volume"] = np.sign(move) * (v > np.concatenate([[np.inf], 2 * v[:-1]]))
    views["always long"] = np.ones(n)
    views["long at night"] = (minute_of_session(bars) < 930).astype(float)
    return views


def gross(bars):
    """{view: side at t times the move from close t to close t+1}, ticks."""
    ahead = np.diff(bars.close).astype(float)
    return {name: side[:-1] * ahead for name, side in past_views(bars).items()}


def test_without_edge_no_view_of_the_past_pays(markets):
    each = [gross(bars) for bars in markets[0.0]]
    for name in each[0]:
        for products in (*(g[name] for g in each), np.concatenate([g[name] for g in each])):
            assert np.count_nonzero(products) > 100, name
            assert abs(z_of(products)) < LIMIT, name


def test_without_edge_fills_inside_a_bar_are_fair_too(markets):
    for bars in markets[0.0]:
        gap = (bars.open[1:] - bars.close[:-1]).astype(float)
        rest = (bars.close - bars.open).astype(float)
        assert abs(z_of(gap)) < LIMIT
        assert abs(z_of(rest)) < LIMIT
        assert abs(z_of(np.sign(gap) * rest[1:])) < LIMIT
        first = np.flatnonzero(np.diff(bars.session)) + 1
        assert abs(z_of((bars.open[first] - bars.close[first - 1]).astype(float))) < LIMIT
        up, down = (bars.high - bars.open).astype(float), (bars.open - bars.low).astype(float)
        assert abs(z_of(up - down)) < LIMIT


def test_with_edge_trend_pays_while_volume_is_high(markets):
    for edge in (0.1, 0.2):
        busy = np.concatenate([gross(b)["momentum 60, busy"] for b in markets[edge]])
        quiet = np.concatenate([gross(b)["momentum 60, quiet"] for b in markets[edge]])
        assert z_of(busy) > 6.0
        assert busy.sum() > 3.0 * quiet.sum()
    none = np.concatenate([gross(b)["momentum 60, busy"] for b in markets[0.0]])
    assert abs(z_of(none)) < LIMIT


def test_the_drift_told_is_the_drift_there_is(markets):
    for edge in (0.1, 0.2):
        moves = np.concatenate([np.diff(b.close).astype(float) for b in markets[edge]])
        drift = np.concatenate([b.truth.drift_ticks[1:] for b in markets[edge]])
        slope = (moves * drift).sum() / np.square(drift).sum()
        error = np.sqrt(np.square((moves - drift) * drift).sum()) / np.square(drift).sum()
        assert error < 0.05, "few enough bars and the test would see nothing"
        assert abs(slope - 1.0) < LIMIT * error
        assert abs(z_of(moves - drift)) < LIMIT
        share = np.mean(drift != 0.0)
        assert 0.3 < share < 0.7, "active about half of the time"
    for bars in markets[0.2]:
        first = np.flatnonzero(np.diff(bars.session, prepend=-1))
        assert not bars.truth.drift_ticks[first].any(), "gaps are fair"


def test_runs_of_direction_last_a_hundred_minutes():
    for interval, bars_a_run in (("1min", 100.0), ("5min", 20.5)):
        drift = synthetic_bars(300, interval=interval, edge=0.3, seed=3).truth.drift_ticks
        side = np.sign(drift[drift != 0.0])
        turns = np.count_nonzero(np.diff(side))
        assert abs(side.size / turns / bars_a_run - 1.0) < 0.15


def test_best_profit_grows_with_edge_and_falls_with_costs(markets):
    best = {edge: [b.truth.best_profit_usd(2.25, 1) for b in bars] for edge, bars in markets.items()}
    assert best[0.0] == [0.0] * 4
    for none, some, more in zip(best[0.0], best[0.1], best[0.2], strict=True):
        assert none < some < more
    truth = markets[0.1][0].truth
    assert truth.best_profit_usd(0, 0) == pytest.approx(np.abs(truth.drift_ticks).sum() * 12.5)
    falling = [truth.best_profit_usd(fee, slip) for fee, slip in ((0, 0), (2.25, 0), (2.25, 1), (2.25, 4), (1e9, 0))]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == 0.0


def test_best_profit_is_that_of_a_bar_by_bar_programme():
    rng = np.random.default_rng(5)
    for _ in range(200):
        drift = rng.normal(size=rng.integers(1, 40)) * rng.integers(0, 2, 1)
        drift[rng.random(drift.size) < 0.3] = 0.0
        cost = float(rng.choice([0.0, 0.3, 1.0, 3.0]))
        value = {0: 0.0, 1: -np.inf, -1: -np.inf}
        for move in drift * 12.5:
            value = {p: max(value[q] - abs(p - q) * cost for q in value) + p * move for p in value}
        expected = max(v - abs(p) * cost for p, v in value.items())
        assert Truth(drift, 12.5).best_profit_usd(cost, 0.0) == pytest.approx(expected, abs=1e-9)
        assert Truth(drift, 12.5).best_profit_usd(0.0, cost / 12.5) == pytest.approx(expected, abs=1e-9)


def test_rules_of_the_past_stay_below_the_best_profit(markets):
    for bars in markets[0.2]:
        best = bars.truth.best_profit_usd(0.0, 0.0)
        drift = bars.truth.drift_ticks[1:] * bars.instrument.tick_value
        for name, side in past_views(bars).items():
            assert (side[:-1] * drift).sum() < best, name


def test_truth_is_cut_with_the_bars(markets):
    bars = markets[0.1][0]
    part = bars[100:900]
    assert np.array_equal(part.truth.drift_ticks, bars.truth.drift_ticks[100:900])
    assert part.truth.best_profit_usd(0, 0) <= bars.truth.best_profit_usd(0, 0)
    assert part.synthetic
    with pytest.raises(EsbtError, match="fee_usd is -1"):
        part.truth.best_profit_usd(-1, 0)


@pytest.mark.parametrize(
    ("symbol", "price", "tick"), [("NQ", 15000.0, 0.25), ("CL", 75.0, 0.01), ("GC", 2000.0, 0.1), ("YM", 35000.0, 1.0)]
)
def test_other_instruments(symbol, price, tick):
    bars = synthetic_bars(20, symbol, "5min", price=price)
    assert bars.instrument.symbol == symbol
    assert bars.interval_ns == 300_000_000_000
    assert 0.8 * price < bars.close.mean() * tick < 1.2 * price
    own = synthetic_bars(5, replace(bars.instrument, symbol="XX", calendar="24/7"), "1h", price=price)
    assert len(own) == 5 * 24


def test_bars_of_any_interval_have_the_same_day(fair):
    def daily(bars):
        last = bars.close[np.flatnonzero(np.diff(bars.session, append=-1))].astype(float)
        return np.diff(np.log(last)).std()

    assert 0.7 < daily(synthetic_bars(250, interval="15min", seed=7)) / daily(fair) < 1.4


BAD = {
    "days": ({"days": 0}, "days is 0"),
    "days as text": ({"days": "9"}, "days is '9'"),
    "too many days": ({"days": 100_000}, "days is 100000"),
    "edge": ({"edge": -0.1}, "edge is -0.1"),
    "edge NaN": ({"edge": float("nan")}, "edge is nan"),
    "edge too large": ({"edge": 1.5}, "edge is 1.5"),
    "seed": ({"seed": -1}, "seed is -1"),
    "price": ({"price": 0.0}, "price is 0.0"),
    "interval": ({"interval": "1 day"}, "interval is '1 day'"),
    "interval zero": ({"interval": "0min"}, "interval is '0min'"),
    "start": ({"start": "3 Jan"}, "start is '3 Jan'"),
    "start out of reach": ({"start": "1950-01-03"}, "start is '1950-01-03'"),
    "instrument": ({"instrument": "EZ"}, "unknown instrument 'EZ'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    arguments, words = BAD[case]
    with pytest.raises(EsbtError, match=words):
        synthetic_bars(**arguments)
