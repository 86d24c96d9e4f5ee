"""Every drawn scenario (tests/scenarios, its README has the format) through the twin and through the core, as drawn and in the mirror.

The expectation is what a hand drew; neither implementation is trusted to give it.
"""

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest
from bridge import as_seen_by_a_hook, simulate_core
from reference.records import Bar, Model, Rules, Trade
from reference.simulator import simulate

FOLDER = Path(__file__).parent / "scenarios"
MIRROR = 200  # a price p becomes 200 - p, so that 100 stays
SIDES = {"L": 1, "S": -1, ".": 0}
ENTRY_INPUTS = ("stop_atr", "drawdown")  # of the entry model, after bar and side
INPUTS = (*ENTRY_INPUTS, "bars_held", "open_atr", "mae_atr", "mfe_atr", "stop_now_atr")  # of the dynamic stop
DEFAULTS = Rules(stop_atr=1.0, target_r=2.0, slippage_ticks=0)
MONEY = {"cash": "cash_e4", "fee": "fee_e4", "daily_loss": "daily_loss_e4", "daily_profit": "daily_profit_e4"}


def usd_e4(text: str) -> int:
    """USD to whole 1e-4 USD, exactly."""
    amount = Decimal(text) * 10_000
    assert amount == int(amount), text
    return int(amount)


@dataclass
class Expected:
    """One trade line: the fields it states, by the names of the trade record."""

    fields: dict[str, object]

    def of(self, trade: Trade) -> dict[str, object]:
        """The same fields of a trade that came out."""
        return {name: getattr(trade, name) for name in self.fields}


@dataclass
class Scenario:
    name: str
    rules: Rules = DEFAULTS
    bars: list[Bar] = field(default_factory=list)
    signals: list[int] = field(default_factory=list)
    atr: list[float] = field(default_factory=list)
    finer: dict[int, list[Bar]] = field(default_factory=dict)
    model: dict[str, str] | None = None
    dynamic: dict[str, str] | None = None
    answers: list[float] = field(default_factory=list)  # of the dynamic stop, by bar
    regime: list[float] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    none: bool = False


def pairs(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words)


def rules_of(words: list[str]) -> Rules:
    """`stop_atr=2 cash=5000 path=best` as Rules, over the defaults of the drawings."""
    fields: dict[str, object] = {}
    for name, text in pairs(words).items():
        if name in MONEY:
            fields[MONEY[name]] = usd_e4(text)
            continue
        default = getattr(DEFAULTS, name)
        fields[name] = text if isinstance(default, str) else type(default)(math.inf if text == "off" else float(text))
    return replace(DEFAULTS, **fields)


def trade_line(words: list[str]) -> Expected:
    """`L 1>2 100>90 stop mae=10 mfe=1 pnl=-125` as the fields that must come out."""
    side, when, price, reason, *rest = words
    entry_bar, exit_bar = (int(x) for x in when.split(">"))
    entry_price, exit_price = (int(x) for x in price.split(">"))
    stated = pairs([word for word in rest if word != "ambiguous"])
    fields: dict[str, object] = {
        "side": SIDES[side], "entry_bar": entry_bar, "exit_bar": exit_bar, "entry_price": entry_price, "exit_price": exit_price,
        "reason": reason, "mae_ticks": int(stated.pop("mae")), "mfe_ticks": int(stated.pop("mfe")), "pnl_e4": usd_e4(stated.pop("pnl")),
        "ambiguous": "ambiguous" in rest, "contracts": int(stated.pop("contracts", "1")), "costs_e4": usd_e4(stated.pop("costs", "0")),
        "confidence": pytest.approx(float(stated.pop("confidence", "nan")), nan_ok=True, rel=1e-15),
    }  # fmt: skip
    for word, name in (("stop", "stop_distance"), ("target", "target_distance"), ("signal", "signal_bar")):
        if word in stated:
            fields[name] = int(stated.pop(word))
    assert not stated, stated
    return Expected(fields)


def read(path: Path) -> list[Scenario]:
    """The scenarios of one file."""
    found: list[Scenario] = []
    columns: list[str] = []
    for line in path.read_text().splitlines():
        words = line.split()
        if line.startswith("== "):
            found.append(Scenario(f"{path.stem}-{words[1]}"))
            columns = []  # prose until the bars begin
        if not words or not found:
            continue
        s, head = found[-1], words[0]
        if head == "rules":
            s.rules = rules_of(words[1:])
        elif head == "model":
            s.model = pairs(words[1:])
        elif head == "dynamic":
            s.dynamic = pairs(words[1:])
        elif head == "bars":
            columns = words[1:]
        elif head.isdigit() and columns:
            assert int(head) == len(s.bars), (s.name, line)
            row = dict(zip(columns, words[1:], strict=True))
            row = {"volume" if name == "vol" else name: text for name, text in row.items()}
            s.signals.append(SIDES[row.pop("sig")])
            s.atr.append(float(row.pop("atr", "10")))
            s.answers.append(float(row.pop("k", "nan")))
            s.regime.append(float(row.pop("regime", "nan")))
            s.bars.append(checked(Bar(**{name: int(text) for name, text in row.items()}), s.name))
        elif head == "finer" and words[1].isdigit():
            s.finer.setdefault(int(words[1]), []).append(checked(Bar(*(int(x) for x in words[2:])), s.name))
        elif head == "trade":
            s.expected.append(trade_line(words[1:]))
        elif head == "skipped":
            s.skipped = {name: int(text) for name, text in pairs(words[1:]).items()}
        elif words == ["none"]:
            s.none = True
    return found


def checked(bar: Bar, name: str) -> Bar:
    assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high, (name, bar)
    return bar


def mirrored(s: Scenario) -> Scenario:
    """The same drawing upside down: what held for longs must hold for shorts."""

    def flip(bar: Bar) -> Bar:
        return replace(bar, open=MIRROR - bar.open, high=MIRROR - bar.low, low=MIRROR - bar.high, close=MIRROR - bar.close)

    def turn(e: Expected) -> Expected:
        f = dict(e.fields)
        f["side"] = -f["side"]
        f["entry_price"], f["exit_price"] = MIRROR - f["entry_price"], MIRROR - f["exit_price"]
        return Expected(f)

    model = None if s.model is None else {k: v.translate(str.maketrans("LS", "SL")) for k, v in s.model.items()}
    finer = {j: [flip(b) for b in group] for j, group in s.finer.items()}
    return replace(
        s, bars=[flip(b) for b in s.bars], signals=[-x for x in s.signals], finer=finer, model=model, expected=[turn(e) for e in s.expected]
    )


def model_of(s: Scenario) -> Model | None:
    """The scenario's entry model: constants, one per side as `L:2,S:-2`, or one of the inputs as its own answer."""
    if s.model is None and s.dynamic is None:
        return None
    given = dict(s.model or {})

    def stage(text: str | None):
        if text is None:
            return None
        if text in ENTRY_INPUTS:
            return as_seen_by_a_hook(lambda bar, side, *state: state[ENTRY_INPUTS.index(text)])
        by_side = {SIDES[k]: float(v) for k, v in (part.split(":") for part in text.split(","))} if ":" in text else {}
        return lambda bar, side, stop_atr, drawdown: by_side[side] if by_side else float(text)

    model = Model(
        stage(given.pop("stop", None)),
        stage(given.pop("margin", None)),
        stop_low=float(given.pop("low", "0")),
        stop_high=float(given.pop("high", "inf")),
        calibration_a=float(given.pop("a", "1")),
        calibration_b=float(given.pop("b", "0")),
        threshold=float(given.pop("threshold", "0")),
    )
    assert not given, given
    return model if s.dynamic is None else with_dynamic_stop(model, s)


def with_dynamic_stop(model: Model, s: Scenario) -> Model:
    """The model with the answers of column `k`, or one of the inputs as its own answer. To be asked where none is drawn is an error."""
    given = dict(s.dynamic or {})
    word = given.pop("answer", None)

    def answer(bar, side, *state):
        k = s.answers[bar] if word is None else state[INPUTS.index(word)]
        assert not math.isnan(k), f"asked at the close of bar {bar}"
        return k

    model = replace(
        model,
        dynamic=as_seen_by_a_hook(answer),
        dynamic_low=float(given.pop("low", "0")),
        dynamic_high=float(given.pop("high", "100")),
        smoothing=float(given.pop("smoothing", "1")),
        regime=None if all(math.isnan(x) for x in s.regime) else lambda bar: s.regime[bar],
        regime_low=float(given.pop("regime_low", "0.5")),
        regime_high=float(given.pop("regime_high", "2")),
        loosen=given.pop("loosen", "0") == "1",
    )
    assert not given, given
    return model


SCENARIOS = [s for path in sorted(FOLDER.glob("*.txt")) for s in read(path)]


def test_the_drawings_are_all_read():
    names = [s.name for s in SCENARIOS]
    assert len(names) == len(set(names)) >= 360
    for s in SCENARIOS:
        assert s.none == (not s.expected), s.name
        assert sum(s.skipped.values()) + len(s.expected) > 0, s.name


@pytest.mark.parametrize("run", [simulate, simulate_core], ids=["twin", "core"])
@pytest.mark.parametrize("mirror", [False, True], ids=["drawn", "mirrored"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_scenario(scenario, mirror, run):
    s = mirrored(scenario) if mirror else scenario
    finer = [s.finer.get(j, []) for j in range(len(s.bars))] if s.finer else None
    trades, skipped = run(s.bars, s.signals, s.atr, s.rules, model_of(s), finer)
    assert [e.of(t) for e, t in zip(s.expected, trades, strict=False)] == [e.fields for e in s.expected]
    assert len(trades) == len(s.expected)
    assert {name: count for name, count in skipped.items() if count} == s.skipped
