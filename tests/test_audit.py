"""esbt.audit on bars: each planted leak is found and named by stage, column and bar; honest strategies and features pass on many seeds."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

import esbt
from esbt.errors import EsbtError

CLOSE = pl.col("close")


def bars_of(seed: int, days: int = 20, edge: float = 0.3, interval: str = "5min") -> esbt.Bars:
    return esbt.synthetic_bars(days=days, interval=interval, edge=edge, seed=seed)


BARS = bars_of(3)


def crossings(bars: esbt.Bars) -> np.ndarray:
    return esbt.AtrStrategy().signals(bars)


def shifted_by_one(bars: esbt.Bars) -> np.ndarray:
    """The classic: a crossing is acted on a bar before it is known."""
    return np.append(crossings(bars)[1:], np.int8(0))


def side_of_the_next_bar(bars: esbt.Bars) -> np.ndarray:
    """Honest moments, but the side is that of the bar to come."""
    ahead = np.sign(np.diff(bars.close, append=bars.close[-1:])).astype(np.int8)
    return np.where(crossings(bars) != 0, ahead, np.int8(0))


def sides_by(score: pl.Expr, at: float):
    """A strategy in and out of a score: the leak lies in what the score is scaled by."""

    def strategy(bars: esbt.Bars) -> np.ndarray:
        value = bars.frame.select(score.fill_null(0.0).fill_nan(0.0).alias("s"))["s"].to_numpy()
        return np.where(value > at, 1, np.where(value < -at, -1, 0)).astype(np.int8)

    return strategy


def higher_close(bars: esbt.Bars, *, late: bool) -> dict[str, np.ndarray]:
    """Close of quarter-hour bars on five-minute ones: stamped by their open and used there, or from the bar that completes them on."""
    large = esbt.resample(bars, minutes=15)
    ends = large.first[1:] - 1
    ends = ends[(bars.ts[ends] + bars.interval_ns) % (3 * bars.interval_ns) == 0]  # a bar that is cut off is not complete
    if late:
        row = np.searchsorted(ends, np.arange(len(bars)), side="right") - 1
        return {"large_close": np.where(row < 0, np.nan, large.close[np.maximum(row, 0)])}
    row = np.searchsorted(large.first[:-1], np.arange(len(bars)), side="right") - 1
    return {"large_close": large.close[row].astype(float)}


def daily_close(bars: esbt.Bars, *, days_late: int) -> dict[str, np.ndarray]:
    """The last close of the trade date, joined by date and so filled over the whole day; or of the day before."""
    frame = bars.frame
    daily = frame.group_by("session", maintain_order=True).agg(daily=CLOSE.last()).with_columns(pl.col("daily").shift(days_late))
    return {"daily": frame.join(daily, on="session", how="left", maintain_order="left")["daily"].to_numpy()}


LEAKING_FEATURES = {
    "a centred mean": (esbt.UserFeature("centred", CLOSE.rolling_mean(9, center=True)), "centred"),
    "a z-score over all bars": (esbt.UserFeature("z", (CLOSE - CLOSE.mean()) / CLOSE.std()), "z"),
    "a quantile over all bars": (esbt.UserFeature("high_volume", pl.col("volume") > pl.col("volume").quantile(0.9)), "high_volume"),
    "the label itself": (esbt.UserFeature("label", (CLOSE.shift(-12) > CLOSE).cast(pl.Float64)), "label"),
    "a larger bar at its open": (lambda bars: higher_close(bars, late=False), "large_close"),
    "a daily figure on its own day": (lambda bars: daily_close(bars, days_late=0), "daily"),
    "one column among good ones": (lambda bars: {"good": bars.close, "bad": np.append(bars.close[1:], 0)}, "bad"),
}


@pytest.mark.parametrize("what", LEAKING_FEATURES)
def test_a_leak_in_a_feature_is_found_and_named(what: str) -> None:
    subject, column = LEAKING_FEATURES[what]
    found = esbt.audit(BARS, features=subject)
    assert not found.passed
    [finding] = found.findings
    assert (finding.test, finding.stage, finding.column) == ("prefix", "features", column)
    assert finding.bar is not None
    assert f"column {column!r} at bar {finding.bar}" in str(found)


def test_a_daily_column_from_outside_without_delay_is_found_by_its_stamps() -> None:
    """A file's own dates cannot be cut back, but a figure of a day that is known at its midnight can be seen."""
    days = pl.DataFrame({"DATE": pl.date_range(pl.date(2022, 1, 1), pl.date(2022, 2, 28), eager=True)}).with_columns(
        VIX=20.0 + pl.int_range(59)
    )
    words = {"time": "DATE", "columns": ["VIX"], "timezone": "America/New_York"}
    found = esbt.audit(BARS, features=esbt.external.Join(days, delay=timedelta(0), **words))
    assert [(one.stage, one.column) for one in found.findings] == [("features", "VIX")]
    assert "dated by the day" in found.findings[0].text
    for delay in ("16:15 same day", timedelta(days=1)):
        assert esbt.audit(BARS, features=esbt.external.Join(days, delay=delay, **words)).passed
    timed = days.with_columns(pl.col("DATE").cast(pl.Datetime("us")) + pl.duration(hours=16))
    assert esbt.audit(BARS, features=esbt.external.Join(timed, delay=timedelta(0), **words)).passed


LEAKING_STRATEGIES = {
    "signals a bar early": shifted_by_one,
    "the side of the next bar": side_of_the_next_bar,
    "a z-score over all bars": sides_by((CLOSE - CLOSE.mean()) / CLOSE.std(), 1.5),
    "a threshold over all bars": sides_by(CLOSE.diff() / CLOSE.diff().abs().quantile(0.95), 1.0),
    "a centred mean": sides_by(CLOSE - CLOSE.rolling_mean(5, center=True), 3.0),
}


@pytest.mark.parametrize("what", LEAKING_STRATEGIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_leak_in_a_strategy_is_found_at_its_signals(what: str, seed: int) -> None:
    found = esbt.audit(bars_of(seed), LEAKING_STRATEGIES[what])
    assert not found.passed
    prefix = [one for one in found.findings if one.test == "prefix"]
    assert [(one.stage, one.column) for one in prefix] == [("signals", "side")]


def test_what_follows_from_a_leak_is_no_finding_of_its_own() -> None:
    """Trades on a threshold over all bars change with it: the signals are named, the trades only said to follow."""
    found = esbt.audit(BARS, LEAKING_STRATEGIES["a z-score over all bars"])
    [trades] = [check for check in found.checks if check.stage == "trades" and check.test == "prefix"]
    assert trades.passed is False
    assert trades.text == "follows from signals"


def test_a_scaler_fitted_over_training_and_test_is_found_at_the_decisions() -> None:
    """Two models of a user's own that learn from bars before 2,000: one scales by those bars, one by all. Cuts come after 2,000 alone."""
    first_test = 2_000

    def model(bars: esbt.Bars, *, whole: bool) -> dict[str, np.ndarray]:
        move = np.diff(bars.close, prepend=bars.close[0]).astype(float)
        seen = move if whole else move[:first_test]
        scaled = (move - seen.mean()) / seen.std()
        slope = np.polyfit(scaled[: first_test - 1], move[1:first_test], 1)[0]
        return {"score": slope * scaled}

    honest = esbt.audit(BARS, decisions=lambda bars: model(bars, whole=False), first_test=first_test)
    assert honest.passed
    leaking = esbt.audit(BARS, decisions=lambda bars: model(bars, whole=True), first_test=first_test)
    assert [(one.stage, one.column) for one in leaking.findings] == [("model decisions", "score")]


def test_a_model_in_the_loop_with_a_leaking_feature_is_named_there() -> None:
    """The strategy's signals are clean; the stop it is given follows the range of the bar to come."""

    def model(bars: esbt.Bars) -> esbt.EntryModel:
        ahead = np.append(bars.high[1:] - bars.low[1:], 0).astype(np.float32)
        features = esbt.features(
            bars, "bar_range", extra={"ahead": ahead if model.leaks else np.append([0, 0], ahead[:-2]).astype(np.float32)}
        )
        return esbt.EntryModel(features, stop=esbt.Ask(lambda x: 1.0 + (x[:, 0] > 20), ["ahead"]))

    model.leaks = True
    found = esbt.audit(BARS, esbt.AtrStrategy(), model=model)
    assert [(one.stage, one.column) for one in found.findings] == [("model features", "ahead")]
    assert [check.text for check in found.checks if check.stage == "model decisions"] == ["follows from model features"]
    model.leaks = False
    honest = esbt.audit(BARS, esbt.AtrStrategy(), model=model)
    assert honest.passed, str(honest)


def test_a_model_that_learns_from_all_bars_is_named_at_its_decisions() -> None:
    """Its features are clean; how it weighs them was learned from all bars, the test time among them."""

    def model(bars: esbt.Bars) -> esbt.EntryModel:
        features = esbt.features(bars, "bar_range")
        middle = float(np.nanmean(features.column("bar_range")))
        return esbt.EntryModel(features, confidence=esbt.Ask(lambda x: x[:, 0] - middle, ["bar_range"]))

    found = esbt.audit(BARS, esbt.AtrStrategy(), model=model, first_test=3_000)
    assert [(one.stage, one.column) for one in found.findings] == [("model decisions", "confidence")]


HONEST = {
    "crossings": esbt.AtrStrategy(),
    "crossings, reversed": esbt.AtrStrategy(fast=8, slow=30, target_r=None, reverse=True),
    "parts and a trail": esbt.AtrStrategy(target_r=4.0, scale1_r=1.0, scale1_share=0.5, trail_atr=3.0),
    "resting limits": esbt.AtrStrategy(entry="limit", entry_offset_ticks=4, entry_bars=3),
    "stops, late, with a halt": esbt.AtrStrategy(entry="stop", entry_offset_ticks=2, latency_bars=1, daily_loss=400.0, cooldown_bars=5),
    "by the clock": esbt.AtrStrategy(entry_from="09:00", entry_until="14:00", flat_at="14:30"),
    "a function": crossings,
    "an expanding score": sides_by(CLOSE.diff() / CLOSE.diff().abs().ewm_mean(half_life=50), 3.0),
}


@pytest.mark.parametrize("what", HONEST)
def test_honest_strategies_pass(what: str) -> None:
    account = esbt.Account(size=4) if "parts" in what else None
    found = esbt.audit(BARS, HONEST[what], account=account)
    assert found.passed, str(found)
    assert found.frame.filter(pl.col("test") == "prefix")["measured"].min() > 1_000
    assert found.delays["trades"][0] > 15


def test_honest_columns_pass() -> None:
    for subject in (
        esbt.feature_names(),
        [esbt.UserFeature("z", (CLOSE - CLOSE.rolling_mean(50)) / CLOSE.rolling_std(50))],
        lambda bars: higher_close(bars, late=True),
        lambda bars: daily_close(bars, days_late=1),
    ):
        assert esbt.audit(BARS, features=subject).passed


def test_profit_is_told_by_delay() -> None:
    found = esbt.audit(BARS, esbt.AtrStrategy(), delays=(0, 1, 4))
    plain = esbt.backtest(BARS, esbt.AtrStrategy(latency_bars=4))
    assert found.delays["delay"].to_list() == [0, 1, 4]
    assert found.delays["net_usd"][2] == pytest.approx(plain.trades["pnl"].sum())
    assert found.delays["trades"][2] == len(plain.trades)
    free = esbt.backtest(BARS, esbt.AtrStrategy(latency_bars=4), fee_usd=0.0, slippage_ticks=0)
    assert found.delays["before_costs_usd"][2] == pytest.approx(free.trades["pnl"].sum())


def test_a_random_subject_is_told_apart_from_a_leak() -> None:
    found = esbt.audit(BARS, features=lambda bars: np.random.default_rng().random(len(bars)))
    assert "draws at random" in found.findings[0].text


def test_verdict_in_words_and_as_a_frame() -> None:
    found = esbt.audit(BARS, esbt.AtrStrategy(), features=["rsi(14)"])
    assert str(found).startswith("No leak found in 4 checks.")
    assert found.frame.columns == ["test", "stage", "passed", "measured", "unit", "text"]
    assert found.frame["stage"].to_list() == ["features", "signals", "trades", "trades"]
    leaking = esbt.audit(BARS, shifted_by_one)
    assert str(leaking).startswith("LEAK: ")


def test_given_signals_are_delayed_and_nothing_else() -> None:
    found = esbt.audit(BARS, esbt.Signals(values=crossings(BARS)))
    assert found.frame["passed"].to_list() == [None, True]
    assert "give the function" in found.checks[0].text


@pytest.mark.parametrize(
    ("subjects", "words", "message"),
    [
        ((BARS,), {}, "give what is to be audited"),
        ((None, esbt.AtrStrategy()), {}, "not Bars"),
        ((BARS, 7), {}, "give a strategy, or a function"),
        ((BARS, esbt.AtrStrategy()), {"delays": (0, 2)}, "begin with 0, 1"),
        ((BARS, esbt.AtrStrategy()), {"level": 5}, "fraction between 0 and 1"),
        ((BARS, esbt.AtrStrategy()), {"cut": 5}, "did you mean 'cuts'"),
        ((BARS,), {"features": "rsi(14)", "model": len}, "signals of a strategy"),
        ((BARS, esbt.AtrStrategy()), {"model": esbt.EntryModel(esbt.features(BARS, "clock"))}, "give a function bars -> esbt.EntryModel"),
        ((BARS[:50],), {"features": "rsi(14)"}, "needs more than 100"),
        ((), {"learner": 3}, "give an esbt.audit.Learner"),
    ],
)
def test_bad_words_are_refused(subjects, words, message) -> None:
    with pytest.raises(EsbtError, match=message):
        esbt.audit(*subjects, **words)
