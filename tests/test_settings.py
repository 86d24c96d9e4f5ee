"""Settings from Python and from TOML: what is unknown, of a wrong type, out of range or in contradiction is one EsbtError that names it."""

import inspect

import numpy as np
import pytest

import esbt
from esbt.errors import EsbtError
from python_models import Learning, Market, RunConfig, Synthetic, load_config

SIZE = "size: must be whole contracts (1 or more), Risk(...), Volatility(...) or Kelly(...)"
BAD = {
    # unknown names
    "strategy": (esbt.AtrStrategy, {"fats": 3}, "unknown parameter 'fats'; did you mean 'fast'?"),
    "strategy's exits": (esbt.AtrStrategy, {"stop_art": 3}, "unknown parameter 'stop_art'; did you mean 'stop_atr'?"),
    "signals": (esbt.Signals, {"values": [0], "trail_art": 1.0}, "unknown parameter 'trail_art'; did you mean 'trail_atr'?"),
    "account": (esbt.Account, {"slipage_ticks": 3}, "unknown parameter 'slipage_ticks'; did you mean 'slippage_ticks'?"),
    "risk": (esbt.Risk, {"fracton": 0.1}, "unknown parameter 'fracton'; did you mean 'fraction'?"),
    "kelly": (esbt.Kelly, {"pay_off": 0.1}, "unknown parameter 'pay_off'; did you mean 'payoff'?"),
    "learning": (Learning, {"embargo": 3}, "unknown parameter 'embargo'; did you mean 'embargo_bars'?"),
    "market": (Market, {"dta": "x"}, "unknown parameter 'dta'; did you mean 'data'?"),
    "synthetic": (Synthetic, {"day": 30}, "unknown parameter 'day'; did you mean 'days'?"),
    "run": (RunConfig, {"lerning": {}}, "unknown parameter 'lerning'; did you mean 'learning'?"),
    "nothing near": (esbt.Risk, {"zzzz": 1}, "unknown parameter 'zzzz'; known: fraction, max_contracts"),
    # wrong types
    "text for a number": (esbt.AtrStrategy, {"fast": "12"}, "fast: should be a valid integer, got '12'"),
    "real for whole": (esbt.AtrStrategy, {"fast": 12.5}, "fast: should be a valid integer, got 12.5"),
    "whole real for whole": (esbt.AtrStrategy, {"fast": 12.0}, "fast: should be a valid integer, got 12.0"),
    "yes for a number": (esbt.AtrStrategy, {"fast": True}, "fast: should be a valid integer, got True"),
    "number for yes": (esbt.AtrStrategy, {"flat_at_close": 1}, "flat_at_close: should be a valid boolean, got 1"),
    "none for a number": (esbt.AtrStrategy, {"fast": None}, "fast: should be a valid integer, got None"),
    "number for text": (Market, {"data": 3}, "data: should be a valid string, got 3"),
    "yes for a size": (esbt.Account, {"size": True}, SIZE + ", got True"),
    "real for a size": (esbt.Account, {"size": 1.5}, SIZE + ", got 1.5"),
    "text for a size": (esbt.Account, {"size": "all"}, SIZE + ", got 'all'"),
    "a number for a section": (RunConfig, {"strategy": 3}, "strategy: should be a valid dictionary or instance of AtrStrategy, got 3"),
    # ranges
    "a period of 0": (esbt.AtrStrategy, {"atr_period": 0}, "atr_period: should be greater than or equal to 1, got 0"),
    "a stop of 0": (esbt.AtrStrategy, {"stop_atr": 0}, "stop_atr: should be greater than 0, got 0"),
    "nan": (esbt.AtrStrategy, {"stop_atr": float("nan")}, "stop_atr: should be a finite number, got nan"),
    "infinity": (esbt.AtrStrategy, {"target_r": float("inf")}, "target_r: should be a finite number, got inf"),
    "side": (esbt.AtrStrategy, {"side": "buy"}, "side: should be 'long', 'short' or 'both', got 'buy'"),
    "path": (esbt.Account, {"path": "wrost"}, "path: should be 'worst', 'best', 'nearest' or 'finer', got 'wrost'"),
    "cash": (esbt.Account, {"cash": 0.0}, "cash: should be greater than 0, got 0.0"),
    "fee": (esbt.Account, {"fee_usd": -1.0}, "fee_usd: should be greater than or equal to 0, got -1.0"),
    "slippage": (esbt.Account, {"slippage_ticks": -1}, "slippage_ticks: should be greater than or equal to 0, got -1"),
    "no contracts": (esbt.Account, {"size": 0}, SIZE + ", got 0"),
    "risk of it all": (esbt.Risk, {"fraction": 1.01}, "fraction: should be less than or equal to 1, got 1.01"),
    "kelly of nothing": (esbt.Kelly, {"fraction": 0.0}, "fraction: should be greater than 0, got 0.0"),
    "test fraction": (Learning, {"test_fraction": 1.0}, "test_fraction: should be less than 1, got 1.0"),
    "few labels": (Learning, {"min_labels": 10}, "min_labels: should be greater than or equal to 50, got 10"),
    "one fold": (Learning, {"folds": 1}, "folds: should be greater than or equal to 2, got 1"),
    "few days": (Synthetic, {"days": 3}, "days: should be greater than or equal to 20, got 3"),
    # contradictions
    "fast above slow": (esbt.AtrStrategy, {"fast": 30}, "fast must be below slow, got fast=30 and slow=26"),
    "fast as slow": (esbt.AtrStrategy, {"fast": 26}, "fast must be below slow, got fast=26 and slow=26"),
    "target without stop": (esbt.AtrStrategy, {"stop_atr": None}, "target_r is a multiple of the stop distance: give stop_atr"),
    "bounds": (Learning, {"stop_low": 4.0, "stop_high": 4.0}, "stop_low must be below stop_high, got 4.0 and 4.0"),
    "heat": (Learning, {"heat_cap": 0.061}, "heat_cap may be 0.06 at most, got 0.061"),
    "run without stop": (
        RunConfig, {"strategy": esbt.AtrStrategy(stop_atr=None, target_r=None)}, "strategy.stop_atr cannot be off in a run"
    ),
    "run with Kelly": (RunConfig, {"account": esbt.Account(size=esbt.Kelly())}, "account.size must be whole contracts in a run"),
    "run with risk": (RunConfig, {"account": esbt.Account(size=esbt.Risk())}, "account.size must be whole contracts in a run"),
    "run with finer": (RunConfig, {"account": esbt.Account(path="finer")}, "account.path 'finer' needs finer bars"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_settings(name):
    """One line, no words of the checking library's own, and the words expected."""
    kind, settings, words = BAD[name]
    with pytest.raises(EsbtError) as caught:
        kind(**settings)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert "pydantic" not in message
    assert "validation error" not in message


NESTED = {
    "strategy.fats": ({"strategy": {"fats": 3}}, "did you mean 'fast'"),
    "strategy.stop_art": ({"strategy": {"stop_art": 3}}, "did you mean 'stop_atr'"),
    "account.slipage_ticks": ({"account": {"slipage_ticks": 3}}, "did you mean 'slippage_ticks'"),
    "learning.tres": ({"learning": {"tres": 3}}, "did you mean 'trees'"),
    "market.instrumnet": ({"market": {"instrumnet": "ES"}}, "did you mean 'instrument'"),
    "synthetic.sed": ({"synthetic": {"sed": 3}}, "did you mean 'seed'"),
    "strategy.fast": ({"strategy": {"fast": "x"}}, "should be a valid integer, got 'x'"),
    "account.path": ({"account": {"path": "good"}}, "should be 'worst', 'best', 'nearest' or 'finer', got 'good'"),
    "account.size": ({"account": {"size": {"fraction": 0.1}}}, "whole contracts"),
    "learning.folds": ({"learning": {"folds": 99}}, "should be less than or equal to 20, got 99"),
}


@pytest.mark.parametrize("path", NESTED)
def test_a_fault_in_a_section_names_section_and_parameter(path):
    """Somewhere in the one line both the section and the parameter, and what to do."""
    settings, words = NESTED[path]
    with pytest.raises(EsbtError) as caught:
        RunConfig(**settings)
    message = str(caught.value)
    section, parameter = path.split(".")
    assert message.startswith((f"{section}: ", f"unknown parameter '{section}.", f"{section}."))
    assert parameter in message
    assert words in message
    assert "\n" not in message


def test_every_fault_is_told_at_once():
    with pytest.raises(EsbtError) as caught:
        esbt.AtrStrategy(fast=0, slwo=3, side="up")
    for words in ("fast: should be", "unknown parameter 'slwo'; did you mean 'slow'?", "side: should be"):
        assert words in str(caught.value)


def test_settings_are_frozen():
    strategy = esbt.AtrStrategy()
    with pytest.raises((EsbtError, ValueError), match="frozen"):
        strategy.fast = 3


def test_whole_numbers_pass_as_real_ones_and_numpy_numbers_as_themselves():
    assert esbt.AtrStrategy(stop_atr=2) == esbt.AtrStrategy(stop_atr=2.0)
    assert isinstance(esbt.AtrStrategy(stop_atr=2).stop_atr, float)
    assert esbt.AtrStrategy(fast=np.int64(5), stop_atr=np.float64(1.5)) == esbt.AtrStrategy(fast=5, stop_atr=1.5)
    assert esbt.Account(cash=np.float32(1000)).cash == 1000.0


def test_backtest_knows_its_words():
    """Its keywords are checked like settings: unknown ones with the nearest known, the rest by the account."""
    bars = esbt.synthetic_bars(days=1, interval="1h")
    with pytest.raises(EsbtError, match="unknown parameter 'slipage_ticks'; did you mean 'slippage_ticks'"):
        esbt.backtest(bars, esbt.AtrStrategy(), slipage_ticks=1)
    with pytest.raises(EsbtError, match="cash: should be greater than 0, got -5"):
        esbt.backtest(bars, esbt.AtrStrategy(), cash=-5)
    with pytest.raises(EsbtError, match=r"bars must be esbt.Bars, got DataFrame: use esbt.load_bars"):
        esbt.backtest(bars.frame, esbt.AtrStrategy())
    with pytest.raises(EsbtError, match=r"finer than 0.0001 USD: round it"):
        esbt.backtest(bars, esbt.AtrStrategy(), fee_usd=0.00005)
    with pytest.raises(EsbtError, match="slippage_spread needs quotes"):
        esbt.backtest(bars, esbt.AtrStrategy(), slippage_spread=True)
    account = {name: p.default for name, p in inspect.signature(esbt.backtest).parameters.items() if name in esbt.Account.model_fields}
    assert account == esbt.Account().model_dump()  # the same defaults in both places


SIDES = {
    "too short": ([1, 0], r"values has shape \(2,\), the bars have 23 rows"),
    "two": ([2] * 23, "values must be -1, 0 or \\+1, got 2 at row 0"),
    "nan": ([0.0] * 22 + [float("nan")], "values must be -1, 0 or \\+1, got nan at row 22"),
    "text": ("long", "values must be an array of sides -1, 0, \\+1, got str"),
    "table": (np.zeros((23, 1)), r"values must be one-dimensional numbers, got shape \(23, 1\)"),
    "yes and no": ([True] * 23, "values must be one-dimensional numbers"),
    "nothing": (None, "values must be an array of sides -1, 0, \\+1, got NoneType"),
}


@pytest.mark.parametrize("name", SIDES)
def test_sides_that_are_none(name):
    values, words = SIDES[name]
    bars = esbt.synthetic_bars(days=1, interval="1h")
    assert len(bars) == 23
    with pytest.raises(EsbtError, match=words):
        esbt.backtest(bars, esbt.Signals(values=values))


# --- TOML ----------------------------------------------------------------------------------------------------------------------------

GOOD = """
out = "somewhere"
[market]
instrument = "NQ"
[synthetic]
days = 30
edge = 1
[strategy]
fast = 5
slow = 20
stop_atr = 2
trail_atr = 3
[account]
cash = 50000
fee_usd = 2
size = 2
[learning]
stop_high = 3
test_fraction = 0.3
"""


def test_toml_has_the_names_of_python_and_whole_numbers_pass_as_real(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(GOOD)
    assert load_config(file) == RunConfig(
        out="somewhere",
        market=Market(instrument="NQ"),
        synthetic=Synthetic(days=30, edge=1.0),
        strategy=esbt.AtrStrategy(fast=5, slow=20, stop_atr=2.0, trail_atr=3.0),
        account=esbt.Account(cash=50_000.0, fee_usd=2.0, size=2),
        learning=Learning(stop_high=3.0, test_fraction=0.3),
    )
    assert load_config(str(file)).account.cash == 50_000.0


def test_an_empty_file_is_the_defaults(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("")
    assert load_config(file) == RunConfig()


def test_learning_takes_names_and_groups_of_features(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('[learning]\nfeatures = ["clock", "rsi", "macd(5, 9)"]')
    names = load_config(file).learning.features
    assert names == ("clock", "rsi", "macd(5, 9)") == Learning(features=["clock", "rsi", "macd(5, 9)"]).features
    assert len(Learning().features) == 20
    assert esbt.features(esbt.synthetic_bars(days=2), Learning().features).names == Learning().features  # canonical names


TOML = {
    "[strategy]\nfats = 3": "did you mean 'fast'",
    "[stratgey]\nfast = 3": "unknown parameter 'stratgey'; did you mean 'strategy'",
    "fast = 3": "unknown parameter 'fast'",
    "[strategy]\nfast = 3.5": "should be a valid integer, got 3.5",
    "[strategy]\nfast = 30": "fast must be below slow",
    '[strategy]\nentry = "limt"': "should be 'market', 'stop' or 'limit', got 'limt'",
    '[strategy]\nentry = "limit"': "give entry_offset_atr or entry_offset_ticks",
    "[strategy]\nscale1_r = 1\nscale1_share = 1": "less than 1",
    "[account]\nslippage_spread = 1": "should be a valid boolean, got 1",
    "[account]\nsize = 0.5": "whole contracts",
    "[account.size]\nfraction = 0.5": "whole contracts",
    "[learning]\nstop_low = 5": "stop_low must be below stop_high",
    '[learning]\nfeatures = ["rsi_14"]': "unknown feature 'rsi_14'; did you mean",
    '[learning]\nfeatures = ["rsi(0)"]': "bars is 0: give a whole number from 1 to 10000",
    '[learning]\nfeatures = ["trend", "rsi(14)"]': "'rsi(14)' is named twice",
    "[learning]\nfeatures = []": "names is empty",
    "[learning]\nfeatures = [3]": "should be a valid string, got 3",
    '[learning]\nfeatures = "trend"': "should be a valid tuple, got 'trend'",
    "[strategy]\nstop_atr = nan": "should be a finite number",
    "[strategy]\nstop_atr = inf": "should be a finite number",
    "[strategy": "cannot be read",
    "fast == 3": "cannot be read",
    "out = 3": "should be a valid string, got 3",
    "strategy = 3": "should be a valid dictionary",
}


@pytest.mark.parametrize("text", TOML)
def test_a_bad_file_is_named_with_its_fault(tmp_path, text):
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(EsbtError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"config {str(file)!r}")
    assert TOML[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(EsbtError, match=r"missing.toml' cannot be read: .*No such file"):
        load_config(tmp_path / "missing.toml")
    with pytest.raises(EsbtError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EsbtError, match=r"bytes.toml' cannot be read"):
        load_config(tmp_path / "bytes.toml")
