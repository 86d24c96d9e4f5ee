"""esbt.FeatureStream: bars pushed one by one give the bits of the batch; what is no next bar is refused and changes nothing."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import esbt
from esbt.errors import EsbtError
from esbt.features import bars_one_by_one

BARS = esbt.synthetic_bars(days=3, seed=8)[:2_000]
ROLLED = replace(
    BARS,
    segment=(np.arange(len(BARS)) >= 900).astype(np.int32),
    contracts=("H", "M"),
    buys=np.where(np.arange(len(BARS)) % 3 == 0, BARS.volume // 2, -1),
)


def test_pushed_bars_give_the_bits_of_the_batch() -> None:
    stream = esbt.FeatureStream()
    batch = esbt.features(ROLLED)
    assert stream.names == batch.names
    assert np.isnan(stream.values).all()
    rows = np.array([stream.push(bar) for bar in bars_one_by_one(ROLLED)])
    assert rows.dtype == np.float32
    assert rows.T.tobytes() == batch.matrix.tobytes()
    assert stream.bars == len(ROLLED)


def test_replay_then_push_goes_on_where_the_past_ended() -> None:
    names = ["trend", "order_flow_imbalance(17)", "session"]
    stream, batch = esbt.FeatureStream(names), esbt.features(ROLLED, names)
    past = stream.replay(ROLLED[:1_500])
    assert past.T.tobytes() == np.ascontiguousarray(batch.matrix[:, :1_500]).tobytes()
    for k, bar in enumerate(bars_one_by_one(ROLLED[1_500:]), start=1_500):
        values = stream.push(bar)
        assert values.tobytes() == np.ascontiguousarray(batch.matrix[:, k]).tobytes()
        assert not values.flags.writeable
    assert stream["rsi(21)"] == float(batch.column("rsi(21)")[-1])
    assert stream.as_dict() == dict(zip(batch.names, batch.matrix[:, -1].tolist(), strict=True))
    assert stream.replay(ROLLED[:0]).shape == (0, len(batch.names))


def test_functions_of_a_users_own_stream_too() -> None:
    def bought_share(w: esbt.features.Window) -> float:
        assert len(w) == 7
        known = w.buys >= 0
        return float(w.buys[known].sum() / w.volume.sum()) + float(w.close[-1] - w.open[0])

    names = [esbt.UserFeature("bought_share", bought_share, 7), "rsi(5)", esbt.UserFeature("up", lambda w: float(np.diff(w.close)[0]), 2)]
    batch = esbt.features(ROLLED, names)
    stream = esbt.FeatureStream(names)
    assert stream.replay(ROLLED[:800]).T.tobytes() == np.ascontiguousarray(batch.matrix[:, :800]).tobytes()
    rows = np.array([stream.push(bar) for bar in bars_one_by_one(ROLLED[800:])])
    assert rows.T.tobytes() == np.ascontiguousarray(batch.matrix[:, 800:]).tobytes()
    alone = esbt.FeatureStream(names[0])
    assert alone.replay(ROLLED[:100]).T.tobytes() == np.ascontiguousarray(batch.matrix[:1, :100]).tobytes()


def test_a_function_that_fails_leaves_the_stream_as_it_was() -> None:
    fails = {"now": False}

    def fragile(w: esbt.features.Window) -> float:
        if fails["now"]:
            raise RuntimeError("no line")
        return float(w.close.mean())

    names = ["ema(20)", esbt.UserFeature("fragile", fragile, 3)]
    stream, bars = esbt.FeatureStream(names), list(bars_one_by_one(BARS[:60]))
    for bar in bars[:50]:
        stream.push(bar)
    fails["now"] = True
    with pytest.raises(EsbtError, match=r"'fragile' at bar 50 .*RuntimeError: no line"):
        stream.push(bars[50])
    fails["now"] = False
    rows = np.array([stream.push(bar) for bar in bars[50:]])
    assert rows.T.tobytes() == np.ascontiguousarray(esbt.features(BARS[:60], names).matrix[:, 50:]).tobytes()


def test_a_bar_in_points_is_the_bar_in_ticks() -> None:
    points = BARS.frame
    for k in (0, 700, 1_999):
        row = points.row(k, named=True)
        prices = [row[name] for name in ("open", "high", "low", "close")]
        bar = esbt.Bar.in_points(BARS.instrument, int(BARS.ts[k]), prices, row["volume"])
        assert bar == next(bars_one_by_one(BARS[k : k + 1]))._replace(segment=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ts": int(BARS.ts[99])}, "the bar of .* does not come after the last one"),
        ({"close": 10.5}, "is not whole numbers: Bar.in_points"),
        ({"open": float("nan")}, "is not whole numbers"),
        ({"close": None}, "is not whole numbers"),
        ({"high": 0}, "is no possible bar"),
        ({"volume": -1}, "is no possible bar"),
        ({"volume": 3, "buys": 4}, "is no possible bar"),
    ],
)
def test_what_is_no_next_bar_is_refused_and_changes_nothing(change: dict[str, object], message: str) -> None:
    names = ["returns", "volume"]
    stream = esbt.FeatureStream(names)
    bars = list(bars_one_by_one(BARS[:102]))
    for bar in bars[:100]:
        stream.push(bar)
    with pytest.raises(EsbtError, match=message):
        stream.push(bars[100]._replace(**change))
    stream.push(bars[100])
    assert stream.push(bars[101]).tobytes() == np.ascontiguousarray(esbt.features(BARS[:102], names).matrix[:, 101]).tobytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.push((1, 2, 3)), "tuple is no bar: give esbt.Bar"),
        (lambda s: s["rsi(15)"], r"unknown feature 'rsi\(15\)'; did you mean 'rsi\(14\)'"),
        (lambda s: s.replay(BARS.frame), "bars is DataFrame, not Bars"),
        (lambda s: (s.replay(BARS), s.replay(BARS)), "does not come after the last one"),
        (lambda s: esbt.FeatureStream(["rsi_14"]), "unknown feature 'rsi_14'"),
        (lambda s: esbt.FeatureStream([esbt.UserFeature("x", pl.col("close"))]), "'x' is a Polars expression, which works on frames"),
        (lambda s: esbt.Bar.in_points("ES", int(BARS.ts[0]), [5000.1] * 4, 1), "5000.1 is not a whole tick of ES"),
        (lambda s: esbt.Bar.in_points("ES", int(BARS.ts[0]), [float("inf")] * 4, 1), "inf is not a whole tick of ES"),
        (lambda s: esbt.Bar.in_points("ES", int(BARS.ts[0]), [5000.0] * 3, 1), "3 prices: give open, high, low and close"),
        (lambda s: esbt.Bar.in_points("EZ", int(BARS.ts[0]), [5000.0] * 4, 1), "unknown instrument 'EZ'"),
    ],
)
def test_bad_calls(call: object, message: str) -> None:
    with pytest.raises(EsbtError, match=message):
        call(esbt.FeatureStream(["rsi(14)"]))
