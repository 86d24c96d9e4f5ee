"""User features: a function over windows of the past or a Polars expression, in the matrix beside esbt's own, checked before use."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import esbt
from esbt.errors import EsbtError
from esbt.features import UserFeature, Window, matrix

BARS = esbt.synthetic_bars(days=2, seed=4)[:1_200]
SEAM = 700
ROLLED = replace(BARS, segment=(np.arange(len(BARS)) >= SEAM).astype(np.int32), contracts=("H", "M"))
WIDTH = UserFeature("width", lambda w: float(w.high.max() - w.low.min()), 20)
MEAN = UserFeature("mean", pl.col("close").rolling_mean(10))


def test_functions_and_expressions_join_the_matrix_in_their_places() -> None:
    columns = esbt.features(BARS, ["rsi(14)", WIDTH, "bar_range", MEAN])
    assert columns.names == ("rsi(14)", "width", "bar_range", "mean")
    assert columns.matrix.dtype == np.float32
    assert columns.matrix.flags.c_contiguous
    assert not columns.matrix.flags.writeable
    plain = esbt.features(BARS, ["rsi(14)", "bar_range"])
    assert np.array_equal(columns.matrix[[0, 2]], plain.matrix, equal_nan=True)
    width = [BARS.high[t - 19 : t + 1].max() - BARS.low[t - 19 : t + 1].min() for t in range(19, len(BARS))]
    assert np.array_equal(columns.column("width"), np.array([np.nan] * 19 + width, np.float32), equal_nan=True)
    mean = BARS.frame["close"].rolling_mean(10).fill_null(np.nan).to_numpy().astype(np.float32)
    assert np.array_equal(columns.column("mean"), mean, equal_nan=True)
    assert columns.first_valid == 19
    assert esbt.features(BARS, WIDTH).names == ("width",)


def test_nothing_crosses_a_seam() -> None:
    whole = esbt.features(ROLLED, [WIDTH, MEAN]).matrix
    for part in (slice(0, SEAM), slice(SEAM, None)):
        assert np.array_equal(whole[:, part], esbt.features(ROLLED[part], [WIDTH, MEAN]).matrix, equal_nan=True)
    assert np.isnan(whole[0, SEAM : SEAM + 19]).all()
    assert np.isnan(whole[1, SEAM : SEAM + 9]).all()


def test_a_segment_shorter_than_the_window_is_nan() -> None:
    bars = replace(BARS, segment=(np.arange(len(BARS)) >= 10).astype(np.int32), contracts=("H", "M"))
    width = esbt.features(bars, [WIDTH]).matrix[0]
    assert np.isnan(width[:29]).all()
    assert not np.isnan(width[29:]).any()


def test_a_window_is_the_past_and_nothing_leads_out_of_it() -> None:
    seen: list[Window] = []
    esbt.features(BARS[:60], [UserFeature("spy", lambda w: seen.append(w) or 0.0, 5)], checked=False)
    assert len(seen) == 56
    for last, window in enumerate(seen, start=4):
        assert len(window) == 5
        for name in ("ts", "open", "high", "low", "close", "volume", "session"):
            column = getattr(window, name)
            assert np.array_equal(column, getattr(BARS, name)[last - 4 : last + 1])
            assert column.dtype == getattr(BARS, name).dtype
            assert column.base is None
            assert not column.flags.writeable
        assert window.buys.tolist() == [-1] * 5
    told = esbt.load_bars(BARS[:60].frame.with_columns(ask_volume=pl.col("volume") // 2))
    bought = esbt.features(told, [UserFeature("bought", lambda w: float(w.buys.sum()), 3)]).matrix[0]
    assert bought[-1] == told.buys[-3:].sum()


@pytest.mark.parametrize(
    "rule", [pl.col("close").shift(-1), pl.col("close") / pl.col("close").max(), pl.col("close").last().over("session")]
)
def test_an_expression_that_looks_ahead_is_refused_before_use(rule: pl.Expr) -> None:
    with pytest.raises(EsbtError, match="column 'ahead' at bar"):
        esbt.features(BARS, ["rsi(14)", UserFeature("ahead", rule)])
    assert esbt.features(BARS, [UserFeature("ahead", rule)], checked=False).names == ("ahead",)


def test_a_function_that_remembers_calls_is_refused() -> None:
    calls: list[int] = []
    with pytest.raises(EsbtError, match=r"column 'count' at bar .* on a second call with the same bars"):
        esbt.features(BARS, [UserFeature("count", lambda w: calls.append(1) or len(calls), 5)])


def test_whole_sample_peeks_are_found_in_a_short_segment_too() -> None:
    with pytest.raises(EsbtError, match="column 'rank' at bar"):
        esbt.features(ROLLED, [UserFeature("rank", pl.col("close").rank())])


def test_expressions_of_other_types_become_numbers() -> None:
    rising = UserFeature("rising", pl.col("close").diff() > 0)
    constant = UserFeature("constant", pl.lit(3))
    matrix = esbt.features(BARS, [rising, constant]).matrix
    assert np.isnan(matrix[0, 0])
    assert set(matrix[0, 1:].tolist()) == {0.0, 1.0}
    assert (matrix[1] == 3).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UserFeature("rsi", WIDTH.rule, 5), "'rsi' is a feature or group of esbt's own"),
        (lambda: UserFeature("volume", MEAN.rule), "'volume' is a feature or group of esbt's own"),
        (lambda: UserFeature("my width", WIDTH.rule, 5), "UserFeature.name is 'my width'"),
        (lambda: UserFeature("mine", WIDTH.rule), "window is None: say how many bars it sees"),
        (lambda: UserFeature("mine", WIDTH.rule, 0), "window is 0"),
        (lambda: UserFeature("mine", WIDTH.rule, True), "window is True"),
        (lambda: UserFeature("mine", MEAN.rule, 5), "window is 5, but a Polars expression says itself"),
        (lambda: UserFeature("mine", 3.0), "rule is 3.0"),
        (lambda: esbt.features(BARS, [WIDTH, "rsi", WIDTH]), "'width' is named twice"),
        (lambda: esbt.features(BARS, [3]), "3 is no name: give texts such as"),
        (lambda: esbt.features(BARS, [UserFeature("bad", lambda w: w.close, 5)]), r"'bad' at bar 4 \(2022-01-02 23:04 UTC\): TypeError"),
        (lambda: esbt.features(BARS, [UserFeature("bad", lambda w: w.price, 5)]), "'bad' at bar 4 .* has no attribute 'price'"),
        (
            lambda: esbt.features(BARS, [UserFeature("bad", pl.col("price"))]),
            "'bad': the expression gives no numbers .* the frame has ts, open",
        ),
        (lambda: esbt.features(BARS, [UserFeature("bad", pl.col("contract"))]), "'bad': the expression gives no numbers"),
        (lambda: matrix.columns(["rsi", WIDTH]), "'width' is a user feature: here only names"),
    ],
)
def test_bad_user_features(make: object, message: str) -> None:
    with pytest.raises(EsbtError, match=message):
        make()
