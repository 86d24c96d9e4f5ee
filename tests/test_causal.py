"""esbt.causal: what looks ahead is found, and named by bar and column; what does not passes, with something compared."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import esbt
from esbt.causal import check, other_future
from esbt.errors import EsbtError

BARS = esbt.synthetic_bars(days=3, seed=4)
N = len(BARS)
CLOSE = pl.col("close")


def two_contracts(bars: esbt.Bars, seam: int) -> esbt.Bars:
    segment = (np.arange(len(bars)) >= seam).astype(np.int32)
    return replace(bars, segment=segment, contracts=("H", "M"))


def lagged(bars: esbt.Bars) -> np.ndarray:
    out = np.full(len(bars), np.nan)
    out[10:] = bars.close[10:] - bars.close[:-10]
    return out


CAUSAL = {
    "a function giving an array": lagged,
    "a matrix": lambda bars: np.stack([lagged(bars), lagged(bars) * 2]),
    "a mapping": lambda bars: {"a": lagged(bars), "b": bars.volume},
    "a frame": lambda bars: bars.frame.select(up=CLOSE.diff() > 0, mean=CLOSE.rolling_mean(7), contract=pl.col("contract")),
    "a series": lambda bars: bars.frame["close"].ewm_mean(span=9),
    "pyarrow": lambda bars: bars.frame.select("ts", "close").to_arrow(),
    "an expression": CLOSE.rolling_std(20),
    "within the session": CLOSE.cum_max().over("session"),
    "all features": esbt.features,
    "names": ["rsi(14)", "volume", esbt.UserFeature("wide", lambda w: w.high.max() - w.low.min(), 30)],
    "one name": "vwap_distance",
    "features at hand": esbt.features(BARS, ["macd(12, 26)", "session"]),
    "a strategy": esbt.AtrStrategy(),
    "a function giving a strategy": lambda bars: esbt.Signals(values=np.sign(np.nan_to_num(lagged(bars))).astype(np.int8), stop_atr=2.0),
    "the ATR": lambda bars: esbt.AtrStrategy(atr_period=50).atr(bars),
    "a function of one feature": lambda bars: esbt.features.rsi(bars, 7),
}


@pytest.mark.parametrize("what", CAUSAL)
def test_what_looks_back_passes(what: str) -> None:
    subject = CAUSAL[what]
    bars = BARS[:1_500] if what == "names" else BARS
    assert check(subject, BARS if what == "features at hand" else bars) > 1_000


PEEKING = {
    "the next close": (CLOSE.shift(-1), "column 'values' at bar"),
    "far ahead": (CLOSE.shift(-2_000), "column 'values' at bar"),
    "the mean of all": (CLOSE - CLOSE.mean(), "column 'values' at bar 0 "),
    "a quantile of all": (lambda bars: bars.volume > np.quantile(bars.volume, 0.9), "column 'values' at bar"),
    "the session's end": (CLOSE.last().over("session"), "column 'values' at bar 0 "),
    "backwards": (lambda bars: {"good": bars.close, "bad": bars.close[::-1]}, "column 'bad' at bar 0 "),
    "filled backwards": (lambda bars: pl.Series("filled", lagged(bars)).fill_nan(None).backward_fill(), "column 'filled' at bar 0 "),
    "the length": (lambda bars: np.full(len(bars), len(bars)), "column 'values' at bar 0 .* is 4140 with all bars and 1 without"),
    "a bar later": (lambda bars: np.append(bars.close[1:], bars.close[-1]), "column 'values' at bar 0 "),
    "centred": (CLOSE.rolling_mean(5, center=True), "column 'values' at bar"),
    "NaN that comes and goes": (lambda bars: np.where(bars.close == bars.close.max(), np.nan, 1.0), "column 'values' at bar 0 "),
    "signals": (lambda bars: esbt.Signals(values=np.sign(np.diff(bars.close, append=0)).astype(np.int8)), "column 'signals' at bar 0"),
    "a user feature": (esbt.UserFeature("ahead", CLOSE.shift(-3)), "column 'ahead' at bar 0 "),
    "by the clock of the last bar": (lambda bars: bars.ts[-1] - bars.ts, "column 'values' at bar 0 "),
}


@pytest.mark.parametrize("what", PEEKING)
def test_what_looks_ahead_is_refused(what: str) -> None:
    subject, message = PEEKING[what]
    with pytest.raises(EsbtError, match=message):
        check(subject, BARS)


def test_the_message_names_the_first_bar_and_its_time_and_both_values() -> None:
    def peeks_from_bar_700(bars: esbt.Bars) -> np.ndarray:
        ahead = np.append(bars.close[1:], 0)
        return np.where(np.arange(len(bars)) < 700, 0, ahead)

    told = str(np.datetime64(int(BARS.ts[899]), "ns").astype("datetime64[m]")).replace("T", " ")
    with pytest.raises(EsbtError) as error:
        check(peeks_from_bar_700, BARS, cuts=[100, 700, 900, 2_000])
    expected = f"column 'values' at bar 899 ({told} UTC) is {BARS.close[900]} with all bars and 0 without the bars from 900 on"
    assert expected in str(error.value)
    assert check(peeks_from_bar_700, BARS, cuts=[1, 500, 700]) == 2 * 1_201


def test_a_change_that_only_another_future_shows() -> None:
    """What remembers all bars when asked about fewer: the prefix alone would not find it."""
    memory = {}

    def remembers(bars: esbt.Bars) -> np.ndarray:
        if len(bars) == N:
            memory["ahead"] = np.append(bars.close[1:], 0)
        return memory["ahead"][: len(bars)]

    with pytest.raises(EsbtError, match=rf"at bar 1989 .* is {BARS.close[1_990]} with all bars and \d+ with other bars from 1990 on"):
        check(remembers, BARS, cuts=[1_990])


def test_what_draws_at_random_is_refused() -> None:
    with pytest.raises(EsbtError, match="on a second call with the same bars"):
        check(lambda bars: np.random.default_rng().random(len(bars)), BARS)


def test_another_future_is_a_market_and_changes_nothing_before() -> None:
    bars = esbt.load_bars(BARS.frame.with_columns(ask_volume=pl.col("volume") // 2))
    for cut in (1, 2, 1_000, 3_000, N - 1):
        other = other_future(bars, cut)
        for name in ("ts", "session", "segment"):
            assert np.array_equal(getattr(other, name), getattr(bars, name))
        for name in ("open", "high", "low", "close", "volume", "buys"):
            assert np.array_equal(getattr(other, name)[:cut], getattr(bars, name)[:cut])
        assert (other.volume[cut:] != bars.volume[cut:]).mean() > 0.5
        assert all(getattr(other, name)[cut] != getattr(bars, name)[cut] for name in ("open", "high", "low", "close"))
        assert (other.low <= np.minimum(other.open, other.close)).all()
        assert (other.high >= np.maximum(other.open, other.close)).all()
        assert (other.buys <= other.volume).all()
    assert other_future(bars, 0) is bars
    assert other_future(bars, N) is bars


def test_seams_are_among_the_places_tried() -> None:
    seams = [1_000, 2_500]
    bars = two_contracts(BARS, seams[0])

    def sees_the_next_contract(found: esbt.Bars) -> np.ndarray:
        starts = np.flatnonzero(np.diff(found.segment)) + 1
        return np.arange(len(found)) + 1 == (starts[0] if len(starts) else -1)

    with pytest.raises(EsbtError, match=r"at bar 999 .* is True with all bars and False without the bars from 1000 on"):
        check(sees_the_next_contract, bars)


def test_a_single_bar_of_a_gapped_run_keeps_its_interval() -> None:
    assert check(lambda bars: bars.ts + bars.interval_ns, BARS[:50], cuts=[1, 2]) == 2 * 3


@pytest.mark.parametrize(
    ("subject", "cuts", "message"),
    [
        (lambda bars: bars.close[:-1], 3, r"on all bars: column 'values' has shape \(4139,\): give one value a bar, 4140"),
        (lambda bars: 1 / 0, 3, "on all bars it failed with ZeroDivisionError"),
        (lambda bars: bars.close[: max(N - 9, len(bars) - 1)], 3, r"on all bars: column 'values' has shape"),
        (lambda bars: {str(len(bars)): bars.close}, 3, "the columns change without the bars from"),
        (esbt.Signals(values=np.zeros(N, np.int8)), 3, "Signals are values, not what makes them"),
        (3.0, 3, "float cannot be computed anew"),
        ("rsi_14", 3, "unknown feature 'rsi_14'"),
        (lagged, 0, "cuts is 0"),
        (lagged, [], "nothing is no place"),
        (lagged, [5, N + 1], "4141 is no place in 4140 bars"),
    ],
)
def test_bad_subjects_and_cuts(subject: object, cuts: object, message: str) -> None:
    with pytest.raises(EsbtError, match=message):
        check(subject, BARS, cuts=cuts)


def test_bad_bars() -> None:
    with pytest.raises(EsbtError, match="bars is DataFrame, not Bars"):
        check(lagged, BARS.frame)
    assert check(lambda bars: bars.close, BARS[:0]) == 0
    assert check(lambda bars: bars.close, BARS[:1]) == 0
