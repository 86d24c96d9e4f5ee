"""Labels: each is the trade that its signal alone makes, made by the trading kernel; nothing after the training time moves one; and they
fit nowhere but in learning."""

import dataclasses

import numpy as np
import pytest
from learning_helpers import changed_bars, market, quick_run

import esbt
from esbt.errors import EsbtError
from python_models.labels import Labels, label_trades
from python_models.stop_targets import excursion_labels

FIELDS = [field.name for field in dataclasses.fields(Labels)]
RULES = {
    "baseline": ({}, {}),
    "costs": ({}, {"slippage_ticks": 3, "fee_usd": 4.5, "target_through_ticks": 1}),
    "paths": ({"stop_atr": 0.5, "target_r": 1.0}, {"path": "best"}),
    "levels": ({"trail_atr": 1.5, "break_even_r": 0.5, "break_even_offset_ticks": 1}, {"path": "nearest"}),
    "time": ({"max_bars": 7, "chandelier_atr": 2.0}, {}),
    "overnight": ({"flat_at_close": False, "stop_atr": 6.0}, {}),
    "reverse": ({"reverse": True}, {}),
    "sized": ({}, {"size": esbt.Risk(fraction=0.05)}),
    "late": ({"latency_bars": 3}, {}),
    "limit": ({"entry": "limit", "entry_offset_ticks": 3, "entry_bars": 5}, {"path": "best"}),
    "stop order": ({"entry": "stop", "entry_offset_atr": 0.3, "entry_bars": None, "latency_bars": 2}, {}),
}
PARTS = {"target_r": 3.0, "scale1_r": 0.5, "scale1_share": 0.5, "scale1_stop_r": 0.0, "scale2_r": 1.5, "scale2_share": 0.25}


def lone_results(bars, strategy, account, model=None, size=1):
    """(signal bar, its own trade) of each signal that trades and ends before the data does, each from a backtest of nothing else. Parts of
    a position are put together: pnl of one contract, the last to leave, the greatest adverse excursion."""
    sides = strategy.signals(bars)
    rules = strategy.exits() | {"reverse": False}
    for t in np.flatnonzero(sides):
        alone = np.zeros_like(sides)
        alone[t] = sides[t]
        words = {name: getattr(account, name) for name in ("cash", "slippage_ticks", "fee_usd", "path", "target_through_ticks")}
        trades = esbt.backtest(bars, esbt.Signals(values=alone, **rules), size=size, model=model, **words).trades
        assert len(set(trades["entry_bar"])) == (len(trades) > 0)
        if len(trades) and "end_of_data" not in trades["exit_reason"]:
            last = trades.row(-1, named=True)
            yield int(t), last | {"pnl": trades["pnl"].sum() / trades["contracts"].sum(), "mae_ticks": trades["mae_ticks"].max()}


def equal_to_lone_trades(labels, bars, strategy, account, *, model=None, size=1):
    atr = strategy.atr(bars)
    lone = list(lone_results(bars, strategy, account, model, size))
    assert len(lone) > 20
    assert labels.signal_bar.tolist() == [t for t, _ in lone]
    assert labels.end_bar.tolist() == [trade["exit_bar"] for _, trade in lone]
    assert labels.side.tolist() == [trade["side"] for _, trade in lone]
    assert labels.pnl == pytest.approx([trade["pnl"] for _, trade in lone], rel=1e-12, abs=1e-9)
    points = np.array([abs(trade["entry_price"] - trade["stop_price"]) for _, trade in lone])
    assert labels.risk == pytest.approx(points * bars.instrument.multiplier, rel=1e-12)
    assert labels.mae_atr == pytest.approx([trade["mae_ticks"] / atr[t] for t, trade in lone], rel=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_a_label_is_the_trade_a_lone_signal_makes(name):
    """One contract, no reversal, whatever the account and strategy say about size and reversing; all else by their rules."""
    rules, costs = RULES[name]
    bars, strategy, account = (
        market(days=6, edge=0.0, seed=3, interval="5min"),
        esbt.AtrStrategy(fast=5, slow=12, **rules),
        esbt.Account(**costs),
    )
    equal_to_lone_trades(label_trades(bars, strategy, account), bars, strategy, account)


@pytest.mark.parametrize("size", [4, 7, esbt.Risk(fraction=0.05)])
def test_a_position_that_leaves_in_parts_is_one_label(size):
    """Its money is the mean over its contracts, as many as the account trades, or so many that shares are nearly whole."""
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    strategy, account = esbt.AtrStrategy(fast=5, slow=12, **PARTS), esbt.Account(size=size)
    labels = label_trades(bars, strategy, account)
    assert len(np.unique(labels.signal_bar)) == labels.count
    equal_to_lone_trades(labels, bars, strategy, account, size=size if isinstance(size, int) else 1000)
    if size == 4:
        whole = label_trades(bars, esbt.AtrStrategy(fast=5, slow=12, target_r=3.0), account)
        assert labels.signal_bar.tolist() == whole.signal_bar.tolist()
        assert (labels.pnl != whole.pnl).mean() > 0.3
    if size == 7:  # parts of 3 and 1, not of 3.5 and 1.75
        assert labels.pnl.tolist() != label_trades(bars, strategy, esbt.Account(size=4)).pnl.tolist()


def test_an_order_that_is_not_filled_makes_no_label():
    bars, far = market(days=6, edge=0.0, seed=3, interval="5min"), {"entry": "limit", "entry_offset_atr": 1.0}
    strategy = esbt.AtrStrategy(fast=5, slow=12, **far)
    labels = label_trades(bars, strategy, esbt.Account())
    signals = np.flatnonzero(strategy.signals(bars))
    assert 20 < labels.count < 0.7 * signals.size
    assert set(labels.signal_bar.tolist()) < set(signals.tolist())
    nowhere = label_trades(bars, esbt.AtrStrategy(fast=5, slow=12, entry="limit", entry_offset_ticks=5000), esbt.Account())
    assert nowhere.count == 0


def test_a_label_under_a_stop_model_is_the_trade_under_that_model():
    bars, strategy, account = market(days=6, edge=0.0, seed=3, interval="5min"), esbt.AtrStrategy(fast=5, slow=12), esbt.Account()
    columns = esbt.features(bars, ["move(5)"])
    ask = esbt.Ask(lambda x: 1.0 + 0.5 * x[:, 1] + np.abs(x[:, 0]), [*columns.names, "side"])
    model = esbt.EntryModel(columns, stop=ask, stop_bounds=(0.75, 4.0))
    labels = label_trades(bars, strategy, account, model)
    assert len(np.unique(np.round(labels.risk / strategy.atr(bars)[labels.signal_bar], 2))) > 3  # the stop does vary
    equal_to_lone_trades(labels, bars, strategy, account, model=model)


def test_overlapping_signals_all_get_labels():
    """Where trades would overlap, a backtest takes the first; labels hold every one."""
    bars, strategy = market(days=6, edge=0.0, seed=3, interval="5min"), esbt.AtrStrategy(fast=5, slow=12)
    labels = label_trades(bars, strategy, esbt.Account())
    result = esbt.backtest(bars, strategy)
    assert (labels.signal_bar[1:] < labels.end_bar[:-1]).any()
    assert labels.count > len(result.trades) > 20


def test_the_end_of_the_data_makes_no_label():
    """Cut anywhere: a trade still open at the cut is dropped, one that was over keeps its label as it was."""
    bars, strategy, account = market(days=6, edge=0.0, seed=3, interval="5min"), esbt.AtrStrategy(fast=5, slow=12), esbt.Account()
    whole = label_trades(bars, strategy, account)
    dropped = 0
    for cut in range(len(bars) - 300, len(bars), 7):
        cut_labels = label_trades(bars[:cut], strategy, account)
        over = whole.within(0, cut - 1)
        last = cut_labels.where(cut_labels.end_bar >= cut - 1)
        for name in FIELDS:
            assert getattr(cut_labels.within(0, cut - 1), name).tolist() == getattr(over, name).tolist()
        # A trade that ends in the very last bar counts only if a level ended it, so it must be a label of the whole as well.
        assert set(last.signal_bar.tolist()) <= set(whole.where(whole.end_bar == cut - 1).signal_bar.tolist())
        dropped += int(((whole.signal_bar < cut - 1) & (whole.end_bar >= cut)).sum())
    assert dropped > 10


@pytest.mark.parametrize("seed", range(3))
def test_no_bar_after_the_training_part_moves_a_label(seed):
    """Other prices after the training part, in all bars or in the first alone: all labels within it stay."""
    bars, strategy, account = market(days=6, edge=0.0, seed=3, interval="5min"), esbt.AtrStrategy(fast=5, slow=12), esbt.Account()
    n = len(bars) * 2 // 3
    before = label_trades(bars, strategy, account).within(0, n)
    assert before.count > 50
    for other in (changed_bars(bars, n, seed=seed), changed_bars(bars, n, n + 1, seed=seed), bars[: n + 1]):
        after = label_trades(other, strategy, account).within(0, n)
        for name in FIELDS:
            assert getattr(after, name).tolist() == getattr(before, name).tolist()


def test_excursion_labels_stand_wide_with_the_target_in_its_place():
    """The stop at stop_high ATR; the target as many ATR away as the baseline's: 2 x 2 ATR."""
    config, bars, *_ = quick_run()
    labels = excursion_labels(bars, config.strategy, config.account, config.learning)
    four_atr_usd = np.ceil(4.0 * config.strategy.atr(bars)[labels.signal_bar]) * bars.instrument.tick_value
    assert labels.risk.tolist() == four_atr_usd.tolist()
    fee_usd = config.account.fees(bars.instrument).total_e4(bars.session)[labels.end_bar] / 10_000
    at_target = np.isclose(labels.pnl, four_atr_usd - 2 * fee_usd, rtol=0, atol=1e-9)  # the few that gain more opened beyond the target
    assert at_target.sum() > 100
    assert (labels.pnl > four_atr_usd).sum() < 0.1 * at_target.sum()


def test_excursion_labels_leave_parts_where_they_are():
    """The stop twice as wide, the levels of target, parts and moved stops in ATR the same: each in half as many stop distances."""
    config, bars, *_ = quick_run()
    words = {
        "target_r": 3.0,
        "scale1_r": 1.0,
        "scale1_share": 0.5,
        "scale1_stop_r": -0.5,
        "scale2_r": 2.0,
        "scale2_share": 0.25,
        "scale2_stop_r": 0.5,
    }
    account, halves = esbt.Account(size=4), {name: value / 2 if name.endswith("_r") else value for name, value in words.items()}
    labels = excursion_labels(bars, esbt.AtrStrategy(stop_atr=2.0, **words), account, config.learning)
    same = label_trades(bars, esbt.AtrStrategy(stop_atr=4.0, **halves), account)
    assert labels.count > 100
    for name in FIELDS:
        assert getattr(labels, name).tolist() == getattr(same, name).tolist()


def test_stop_ticks_cap_the_excursions_too():
    config, bars, *_ = quick_run()
    labels = excursion_labels(bars, esbt.AtrStrategy(stop_ticks=6), config.account, config.learning)
    assert labels.risk.max() == 6 * bars.instrument.tick_value


# --- they fit nowhere ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def some():
    bars = market(days=6, edge=0.0, seed=3, interval="5min")
    return bars, label_trades(bars, esbt.AtrStrategy(), esbt.Account())


def test_labels_are_no_signals(some):
    bars, labels = some
    with pytest.raises((EsbtError, TypeError), match="Labels"):
        esbt.Signals(values=labels)
    with pytest.raises((EsbtError, TypeError)):
        esbt.Signals(values=np.zeros(len(bars), np.int8), atr_ticks=labels)
    with pytest.raises(EsbtError, match="Labels"):
        esbt.backtest(bars, labels)


def test_labels_are_no_features(some):
    """As features of a model: refused by the model, or at the latest by the backtest, as bad input and not by a stray attribute."""
    bars, labels = some
    with pytest.raises((EsbtError, TypeError)):
        esbt.backtest(bars, esbt.AtrStrategy(), model=esbt.EntryModel(features=labels))


def test_labels_are_no_model_bars_or_rows_of_a_forest(some):
    bars, labels = some
    with pytest.raises((EsbtError, TypeError), match="Labels"):
        esbt.features(labels)
    with pytest.raises((EsbtError, TypeError), match="Labels"):
        quick_run()[4].stop.ensemble.predict(labels)
    with pytest.raises((EsbtError, TypeError)):
        esbt.backtest(bars, esbt.AtrStrategy(), model=labels)


def test_labels_are_no_array(some):
    """Not iterable, no length, no index, no array of numbers: numpy cannot slip them in anywhere."""
    _, labels = some
    with pytest.raises(TypeError):
        iter(labels)
    with pytest.raises(TypeError):
        len(labels)
    with pytest.raises(TypeError):
        labels[0]
    with pytest.raises(TypeError):
        np.asarray(labels, dtype=np.float32)
    with pytest.raises(dataclasses.FrozenInstanceError):
        labels.pnl = np.zeros(labels.count)
