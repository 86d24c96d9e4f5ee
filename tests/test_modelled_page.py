"""docs/modelled.md under test: each row of its fill tables is run through `esbt.backtest`, long and short; its lists are complete."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from learning_helpers import plain_features

import esbt
from esbt.data import Bars
from esbt.plan import REASONS

PAGE = (Path(__file__).parents[1] / "docs" / "modelled.md").read_text("utf-8")
MINUTE = 60_000_000_000
START = 1_577_975_400_000_000_000
TICK = 0.25
QUIET = (100, 100, 100, 100)
ENTRY = (99, 101, 98, 100)  # the fill is 100 with one tick of slippage


def table(name):
    """Rows of the table after the mark `<!-- name -->`, as lists of cells."""
    body = PAGE.split(f"<!-- {name} -->\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[2:]]


def market(rows, *, step=MINUTE, ts=None, session=None, segment=None, mirror=False):
    """Bars of rows in ticks; `mirror` reflects them about 100."""
    o, h, low, c = np.array(rows, np.int32).T
    if mirror:
        o, h, low, c = 200 - o, 200 - low, 200 - h, 200 - c
    n = len(rows)
    segment = np.zeros(n, np.int32) if segment is None else np.array(segment, np.int32)
    return Bars(
        ts=START + step * np.arange(n, dtype=np.int64) if ts is None else ts,
        open=o.copy(), high=h.copy(), low=low.copy(), close=c.copy(),
        volume=np.full(n, 100, np.int64), session=18_263 + np.array([0] * n if session is None else session, np.int32), segment=segment,
        instrument=esbt.instrument("ES"), contracts=("ESH0", "ESM0"), source="drawn",
    )  # fmt: skip


def numbers(text):
    return tuple(int(word) for word in text.split())


def run(bars, sides, mirror, rules, **settings):
    values = np.zeros(len(bars), np.int8)
    values[: len(sides)] = sides
    strategy = esbt.Signals(
        values=-values if mirror else values, atr_ticks=np.full(len(bars), 10.0), **({"stop_atr": 1.0, "target_r": 2.0} | rules)
    )
    return esbt.backtest(bars, strategy, **({"slippage_ticks": 1} | settings))


def read(text):
    """Settings of a cell, `name=value` one after another; off is None, two numbers a pair."""
    plain = {"off": None, "True": True}

    def value(word):
        if word in plain:
            return plain[word]
        parts = [float(x) if "." in x else int(x) if x.lstrip("-").isdigit() else x for x in word.split(",")]
        return parts[0] if len(parts) == 1 else tuple(parts)

    return {name: value(word) for name, word in (pair.split("=") for pair in text.split())}


def split(words):
    """Those of the strategy, those of the backtest."""
    ours = esbt.Exits.model_fields
    return {n: v for n, v in words.items() if n in ours}, {n: v for n, v in words.items() if n not in ours}


def with_finer(bars, at, text, mirror):
    """Finer bars of a cell, in bar `at`; two of them in the first bar, whose interval they show."""
    inside = [] if text == "none" else [numbers(part) for part in text.split("/")]
    half = MINUTE // 2
    ts = [bars.ts[0], bars.ts[0] + half, *(bars.ts[at] + half * k for k in range(len(inside)))]
    return {"finer": market([QUIET, QUIET, *inside], ts=np.array(ts, np.int64), mirror=mirror)}


def in_ticks(price, mirror):
    ticks = round(price / TICK)
    return 200 - ticks if mirror else ticks


FILLS = table("fills")


@pytest.mark.parametrize("mirror", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("row", FILLS, ids=lambda row: f"{row[0]} {row[4]}".strip().replace(" ", "-"))
def test_fills(row, mirror):
    _, position, prices, finer, settings, price, reason, ambiguous = row
    assert position in ("held", "entry")
    rows = [QUIET, ENTRY, numbers(prices), QUIET] if position == "held" else [QUIET, numbers(prices), QUIET]
    at = len(rows) - 2
    bars = market(rows, mirror=mirror)
    words = read(settings) | (with_finer(bars, at, finer, mirror) if finer else {})
    trade = run(bars, [1], mirror, {}, **words).trades.row(0, named=True)
    assert in_ticks(trade["entry_price"], mirror) == 100
    assert [in_ticks(trade[name], mirror) for name in ("stop_price", "target_price")] == [90, 120]
    if price == "stays":
        assert trade["exit_bar"] > at
        return
    assert trade["exit_bar"] == at
    assert (in_ticks(trade["exit_price"], mirror), trade["exit_reason"], trade["ambiguous"]) == (int(price), reason, ambiguous == "yes")


def test_the_table_has_every_quadrant():
    """Open beyond neither, stop, target; inside neither, stop, target, both; every path; a trade-through; the entry bar."""
    assert len(FILLS) == len({(row[0], row[4]) for row in FILLS}) >= 27
    seen = set()
    for row in FILLS:
        o, h, low, _ = numbers(row[2])
        place = "stop" if o <= 90 else "target" if o >= 120 else "between"
        seen.add((place, low <= 90, h >= 120))
    assert seen >= {("between", a, b) for a in (False, True) for b in (False, True)}
    assert {("stop", True, False), ("stop", True, True), ("target", False, True), ("target", True, True)} <= seen
    for words in ("path=best", "path=nearest", "path=finer", "target_through_ticks=1"):
        assert any(words in row[4] for row in FILLS)


ENTRIES = table("entries")
WILD = (100, 130, 70, 100)


@pytest.mark.parametrize("mirror", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("row", ENTRIES, ids=lambda row: f"{row[1]} {row[0]} {row[4]}".strip().replace(" ", "-"))
def test_entries(row, mirror):
    """The session ends with the bars of the row; those after it reach every level, and nothing may enter there."""
    _, order, prices, finer, settings, price, left, ambiguous = row
    after = [numbers(part) for part in prices.split("/")]
    bars = market([QUIET, *after, WILD, WILD], session=[0] * (1 + len(after)) + [1, 1], mirror=mirror)
    rules, costs = split(read(settings))
    words = costs | (with_finer(bars, len(after), finer, mirror) if finer else {})
    result = run(bars, [1], mirror, {"entry": order, "entry_offset_ticks": 5} | rules, **words)
    if price == "expired":
        assert len(result.trades) == 0
        assert result.skipped["expired"] == 1
        return
    trade = result.trades.row(0, named=True)
    assert result.skipped["expired"] == 0
    assert (trade["entry_bar"], in_ticks(trade["entry_price"], mirror)) == (len(after), int(price))
    assert [in_ticks(trade[name], mirror) for name in ("stop_price", "target_price")] == [int(price) - 10, int(price) + 20]
    assert trade["ambiguous"] == (ambiguous == "yes")
    assert trade["exit_bar"] == len(after)
    if left == "holds":
        assert trade["exit_reason"] == "session_close"
    else:
        assert f"{in_ticks(trade['exit_price'], mirror)} {trade['exit_reason']}" == left


def test_the_table_of_entries_has_every_case():
    """Both orders at an open beyond, at and before the level; sure and possible hits of stop and target; every path."""
    assert len(ENTRIES) == len({(row[1], *row[:1], row[4]) for row in ENTRIES}) >= 40
    for order in ("stop", "limit"):
        mine = [row for row in ENTRIES if row[1] == order]
        assert {row[6].split()[-1] for row in mine if row[6]} == {"holds", "stop", "target"}
        assert {row[7] for row in mine} == {"", "yes", "no"}
        assert {f"path={path}" for path in ("best", "nearest", "finer")} <= {word for row in mine for word in row[4].split()}
        assert any(row[5] == "expired" for row in mine)
        assert any("a gap between finer bars" in row[0] for row in mine)


PARTS = {
    "target_r": 3.0,
    "scale1_r": 1.0,
    "scale1_share": 0.5,
    "scale1_stop_r": 0.0,
    "scale2_r": 2.0,
    "scale2_share": 0.25,
    "scale2_stop_r": 1.0,
}


@pytest.mark.parametrize("mirror", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("row", table("parts"), ids=lambda row: f"{row[0]} {row[2]}".strip().replace(" ", "-"))
def test_parts(row, mirror):
    _, prices, settings, leaves, ambiguous = row
    after = [numbers(part) for part in prices.split("/")]
    bars = market([QUIET, ENTRY, *after, after[-1][3:] * 4], mirror=mirror)
    trades = run(bars, [1], mirror, PARTS, size=4, **read(settings)).trades
    said = [
        f"{t['contracts']} at {in_ticks(t['exit_price'], mirror)} {t['exit_reason']}"
        for t in trades.iter_rows(named=True)
        if t["exit_bar"] < len(bars) - 1
    ]
    assert said == (leaves.split(", ") if leaves else [])
    assert trades["ambiguous"].to_list() == [ambiguous == "yes"] * len(trades)
    assert set(trades["entry_bar"]) == {1}
    assert trades["contracts"].sum() == 4


@pytest.mark.parametrize("mirror", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("row", table("dynamic"), ids=lambda row: row[0].replace(" ", "-"))
def test_the_dynamic_stop(row, mirror):
    """The bar after falls through any level: where it exits, less the slippage, is where the stop stood."""
    _, close, answer, regime, settings, stop = row
    at = int(close)
    bars = market([QUIET, (99, at + 1, 98, at), (at, at, 1, 50), QUIET], mirror=mirror)
    ask = esbt.Ask(lambda x: np.full(len(x), float(answer)), ["side"])
    words = read(settings) | ({"regime": "wild"} if regime else {})
    model = esbt.EntryModel(plain_features(wild=[float(regime or 1.0)] * len(bars)), dynamic=esbt.DynamicStop(ask, **words))
    trade = run(bars, [1], mirror, {"target_r": None}, model=model).trades.row(0, named=True)
    assert trade["exit_bar"] == 2
    assert in_ticks(trade["exit_price"], mirror) + 1 == int(stop)
    assert trade["exit_reason"] == ("stop" if int(stop) == 90 else "dynamic_stop")


# reason: (exit rules, bars 1 and 2, the level in ticks, further signals, sessions, segments); the position leaves in bar 2
HELD = (100, 105, 95, 103)
WAYS = {
    "stop": ({}, ENTRY, (100, 105, 88, 95), 90, [], None, None),
    "target": ({}, ENTRY, (100, 125, 95, 110), 120, [], None, None),
    "trail": ({"trail_ticks": 5}, (99, 110, 98, 109), (108, 109, 104, 106), 105, [], None, None),
    "break_even": ({"break_even_r": 0.5}, (99, 106, 98, 104), (103, 104, 99, 101), 100, [], None, None),
    "reverse": ({"reverse": True}, ENTRY, HELD, None, [-1], None, None),
    "max_bars": ({"max_bars": 2}, ENTRY, HELD, None, [], None, None),
    "session_close": ({}, ENTRY, HELD, None, [], [0, 0, 0, 1, 1], None),
    "contract_end": ({"flat_at_close": False}, ENTRY, HELD, None, [], None, [0, 0, 0, 1, 1]),
    "end_of_data": ({"flat_at_close": False}, ENTRY, HELD, None, [], None, None),
    "daily_loss": ({"daily_loss": 50.0}, ENTRY, (100, 105, 92, 93), None, [], None, None),
    "daily_profit": ({"daily_profit": 50.0}, ENTRY, (100, 112, 95, 110), None, [], None, None),
    "scale_out": ({"scale1_r": 1.0, "scale1_share": 0.5}, ENTRY, (100, 111, 95, 109), 110, [], None, None),
    "dynamic_stop": ({}, (99, 110, 98, 108), (106, 107, 97, 99), 98, [], None, None),
}


@pytest.mark.parametrize("mirror", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("row", table("reasons"), ids=lambda row: row[0])
def test_ways_out(row, mirror):
    reason, _, fills_at = row
    rules, first, second, level, more, session, segment = WAYS[reason]
    rows = [QUIET, first, second] + ([] if reason == "end_of_data" else [QUIET, QUIET])
    bars = market(rows, session=session, segment=segment, mirror=mirror)
    words = {"size": 2}
    if reason == "dynamic_stop":
        ask = esbt.Ask(lambda x: np.ones(len(x)), ["side"])
        words["model"] = esbt.EntryModel(plain_features(x=[0.0] * len(rows)), dynamic=esbt.DynamicStop(ask))
    trade = run(bars, [1, *more], mirror, rules, **words).trades.row(0, named=True)
    where, *less = fills_at.split(" - ")
    assert less in ([], ["slippage"])
    expected = {"level": level, "open": second[0], "close": second[3]}[where] - len(less)
    assert (trade["exit_bar"], trade["exit_reason"], in_ticks(trade["exit_price"], mirror)) == (2, reason, expected)


def test_flat_at_is_a_session_close():
    bars = market([QUIET, ENTRY, HELD, QUIET, QUIET])  # 14:30 UTC is 8:30 in Chicago
    trade = run(bars, [1], False, {"flat_at": "08:33"}).trades.row(0, named=True)
    assert (trade["exit_bar"], trade["exit_reason"]) == (2, "session_close")


def test_an_order_waits_until_flat_at_and_beyond_the_entry_window():
    """Reached at 8:32 in Chicago it enters, though signals count until 8:31 only; with flat_at at 8:32 it has gone."""
    bars = market([QUIET, QUIET, (100, 106, 100, 105), HELD, QUIET])
    order = {"entry": "stop", "entry_offset_ticks": 5, "entry_bars": None, "entry_from": "08:30", "entry_until": "08:31"}
    assert run(bars, [1], False, order).trades["entry_bar"].to_list() == [2]
    gone = run(bars, [1], False, order | {"flat_at": "08:32"})
    assert (len(gone.trades), gone.skipped["expired"]) == (0, 1)


def test_the_lists_are_complete():
    """Every reason of an exit and of a skipped signal has its row, and no row names another."""
    assert [row[0] for row in table("reasons")] == list(REASONS)
    bars = market([QUIET, ENTRY, HELD])
    assert {row[0] for row in table("skipped")} == run(bars, [1], False, {}).skipped.keys()


def test_every_setting_is_on_the_page():
    """A rule that exists and is not on the page would be a rule nobody was told of."""
    words = set(re.findall(r"`([a-z0-9_]+)", PAGE))
    for kind in (esbt.AtrStrategy, esbt.Account, esbt.Risk, esbt.Volatility):
        assert not set(kind.model_fields) - words, kind.__name__
    said = set(re.findall(r"[a-z0-9_]+", PAGE))
    assert not {field.name for field in dataclasses.fields(esbt.DynamicStop)} - said


def test_what_is_not_modelled_has_no_setting():
    known = set(esbt.AtrStrategy.model_fields) | set(esbt.Account.model_fields)
    for word in ("margin", "leverage", "limit", "pyramid", "queue", "roll", "borrow"):
        assert not [name for name in known if word in name], word


def test_levels_moved_in_a_bar_count_from_the_next():
    """A bar that first sets a new high and closes below the level it makes: out at the next open, not inside the bar."""
    trade = run(market([QUIET, (99, 110, 98, 102), (103, 104, 102, 103), QUIET]), [1], False, {"trail_ticks": 5}).trades.row(0, named=True)
    assert (trade["exit_bar"], in_ticks(trade["exit_price"], False), trade["exit_reason"]) == (2, 102, "trail")
