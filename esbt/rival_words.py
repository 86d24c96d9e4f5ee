"""Words that users bring from other backtesters, and what they are called here: for the errors about unknown parameters alone.

A row says which parameter of ours does the work and how the unit differs; without one it says what happens instead. Where a parameter of
ours lives is asked of the settings themselves when an error is made, so a new setting needs no row here. To add a word: a row in RIVALS.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

_PRICE = "a fraction of the price there; a multiple of the ATR, or ticks, here"
_RISK = "a fraction of the price there; a multiple of the stop distance, of the ATR, or ticks, here"
_LEVEL = "a price there; a multiple of the ATR, or ticks, here"
_LEVEL_TARGET = "a price there; a multiple of the stop distance, of the ATR, or ticks, here"
_FEE = "a fraction of the value there; USD per contract and side here"
_SLIP = "a fraction of the price there; whole ticks, or a multiple of the ATR, on market and stop fills here"
_CASH = "the same: the account's USD at the start"
_TABLE = "it comes with the instrument, as esbt.instruments() shows"
_NO_MARGIN = "margin is not modelled; a position is limited by its size rule alone (docs/modelled.md)"
_NEXT_OPEN = "a signal at a bar's close fills at the next bar's open at the earliest"
_LIMIT = "a price there; entry = 'limit' and its distance from the signal's close in ticks or ATR here"
_STOP_ENTRY = "a price there; entry = 'stop' and its distance from the signal's close in ticks or ATR here"
_TIME = "a time or a duration there; bars that the order may fill in here"
_UNTIL = "a word there; bars that the order may fill in, or None until the session or contract ends, here"
_PART = "up to two parts leave at multiples of the stop distance, each a share of the contracts"
_GROW = "nothing is added to a position: a signal in a position is counted as in_position"
_MOVING = "a function asked in every bar there; EntryModel(dynamic=DynamicStop(...)), handed over as model, here"
_STOP, _TARGET = ("stop_atr", "stop_ticks"), ("target_r", "target_atr", "target_ticks")
_TRAIL = ("trail_atr", "trail_ticks", "chandelier_atr")
_RESTING, _PARTS = ("entry", "entry_offset_ticks", "entry_offset_atr"), ("scale1_r", "scale1_share")


@dataclass(frozen=True, slots=True)
class Rival:
    """What a word of theirs means here: `ours`, the parameters that do it (none: nothing does), and a phrase on unit or behaviour."""

    ours: tuple[str, ...]
    note: str


RIVALS: dict[str, Rival] = {
    # stops and targets
    "sl_stop": Rival(_STOP, _PRICE),
    "stoploss": Rival(_STOP, _PRICE),
    "stop_loss": Rival(_STOP, _LEVEL),
    "stop_loss_pct": Rival(_STOP, "per cent of the price there; a multiple of the ATR, or ticks, here"),
    "sl": Rival(_STOP, _LEVEL),
    "stopprice": Rival(_STOP, _LEVEL),
    "sl_atr": Rival(("stop_atr",), "the same: a multiple of the ATR"),
    "atr_multiplier": Rival(("stop_atr",), "the same: a multiple of the ATR"),
    "set_atr_stop": Rival(("stop_atr", "atr_period"), "multiplier and period there"),
    "sl_ticks": Rival(("stop_ticks",), "the same: ticks"),
    "tp_stop": Rival(_TARGET, _RISK),
    "tp": Rival(_TARGET, _LEVEL_TARGET),
    "take_profit": Rival(_TARGET, _LEVEL_TARGET),
    "limitprice": Rival(_TARGET, _LEVEL_TARGET),
    "minimal_roi": Rival(_TARGET, _RISK),
    "tp_atr": Rival(("target_atr", "target_r"), "a multiple of the ATR there; target_r is a multiple of the stop distance"),
    "tp_ticks": Rival(("target_ticks",), "the same: ticks"),
    "risk_reward": Rival(("target_r",), "the same: a multiple of the stop distance"),
    "tsl_stop": Rival(_TRAIL, _PRICE),
    "sl_trail": Rival(_TRAIL, "a switch for the stop there; a distance of its own here"),
    "trailing_stop": Rival(_TRAIL, "a switch or a fraction of the price there; a multiple of the ATR, or ticks, here"),
    "stop_trailing_pct": Rival(_TRAIL, "per cent of the price there; a multiple of the ATR, or ticks, here"),
    "trailpercent": Rival(_TRAIL, _PRICE),
    "breakeven_atr": Rival(("break_even_r",), "a multiple of the ATR there; a multiple of the stop distance here"),
    "hold_bars": Rival(("max_bars",), "the same: bars, the entry bar counts as one"),
    "between_time": Rival(("entry_from", "entry_until"), "two times in one there; two parameters here"),
    "stop_duration_candles": Rival(("cooldown_bars",), "the same: bars, the bar of the stop-out counts as one"),
    "max_trades_per_day": Rival(("max_trades",), "by calendar day there; entries a session here"),
    "custom_stoploss": Rival(("model",), _MOVING),
    "use_custom_stoploss": Rival(("model",), _MOVING),
    "adjust_sl_func_nb": Rival(("model",), _MOVING),
    "dynamic_stop": Rival(("model",), _MOVING),
    "scale_out": Rival(_PARTS, _PART),
    "partial_exit": Rival(_PARTS, _PART),
    "adjust_trade_position": Rival(_PARTS, f"a function there; {_PART} here"),
    "position_adjustment": Rival(_PARTS, f"a switch there; {_PART} here"),
    "position_adjustment_enable": Rival(_PARTS, f"a switch there; {_PART} here"),
    "stop_ladder": Rival(_PARTS, f"a list there; {_PART} here"),
    "tp_ladder": Rival(_PARTS, f"a list there; {_PART} here"),
    # entries
    "exectype": Rival(("entry",), "an order type there; 'market', 'stop' or 'limit' here"),
    "order_type": Rival(("entry",), "an order type there; 'market', 'stop' or 'limit' here"),
    "order_types": Rival(("entry",), "types of all orders there; entry is 'market', 'stop' or 'limit' here, exits have their own rules"),
    "limit": Rival(_RESTING, _LIMIT),
    "limit_price": Rival(_RESTING, _LIMIT),
    "buy_limit_price": Rival(_RESTING, _LIMIT),
    "sell_limit_price": Rival(_RESTING, _LIMIT),
    "custom_entry_price": Rival(_RESTING, _LIMIT),
    "limit_delta": Rival(_RESTING, "a fraction of the price there; entry = 'limit' and its distance in ticks or ATR here"),
    "stop": Rival(_RESTING, _STOP_ENTRY),
    "stop_price": Rival(_RESTING, _STOP_ENTRY),
    "trigger_price": Rival(_RESTING, _STOP_ENTRY),
    "valid": Rival(("entry_bars",), _TIME),
    "valid_till": Rival(("entry_bars",), _TIME),
    "expiry": Rival(("entry_bars",), _TIME),
    "expire_time": Rival(("entry_bars",), _TIME),
    "limit_expiry": Rival(("entry_bars",), _TIME),
    "limit_tif": Rival(("entry_bars",), _TIME),
    "unfilledtimeout": Rival(("entry_bars",), _TIME),
    "tif": Rival(("entry_bars",), _UNTIL),
    "time_in_force": Rival(("entry_bars",), _UNTIL),
    "pyramiding": Rival((), _GROW),
    "accumulate": Rival((), _GROW),
    "scale_in": Rival((), _GROW),
    # costs
    "fees": Rival(("fee_usd",), _FEE),
    "fee": Rival(("fee_usd",), _FEE),
    "commission": Rival(("fee_usd",), f"often {_FEE}"),
    "fixed_fees": Rival(("fee_usd",), "an amount per order there; USD per contract and side here"),
    "fee_amount": Rival(("fee_usd",), "by fee_mode there; USD per contract and side here"),
    "slippage": Rival(("slippage_ticks", "slippage_atr"), _SLIP),
    "slip_perc": Rival(("slippage_ticks", "slippage_atr"), _SLIP),
    "slip_fixed": Rival(("slippage_ticks",), "points there; whole ticks here"),
    "spread": Rival(("slippage_spread", "slippage_ticks"), "a fraction of the price there; half the bars' own spread, or ticks, here"),
    "bid_ask": Rival(("slippage_spread",), "True: half the quoted spread of bars that have bid and ask"),
    "prob_slippage": Rival(("slippage_ticks",), "a probability there; always so many ticks here"),
    # the account
    "init_cash": Rival(("cash",), _CASH),
    "initial_cash": Rival(("cash",), _CASH),
    "cash_start": Rival(("cash",), _CASH),
    "capital": Rival(("cash",), _CASH),
    "capital_base": Rival(("cash",), _CASH),
    "initial_capital": Rival(("cash",), _CASH),
    "dry_run_wallet": Rival(("cash",), _CASH),
    "starting_balances": Rival(("cash",), "a list by currency there; one number of USD here"),
    "size_type": Rival(("size",), "whole contracts for a fixed size, or a rule such as Risk(fraction=0.01)"),
    "contracts": Rival(("size",), "the same: whole contracts"),
    "stake_amount": Rival(("size",), "money there; whole contracts or a rule such as Risk(fraction=0.01) here"),
    "margin": Rival((), _NO_MARGIN),
    "leverage": Rival((), _NO_MARGIN),
    "mult": Rival((), _TABLE),
    "multiplier": Rival((), _TABLE),
    "tick_size": Rival((), _TABLE),
    # fills
    "same_bar": Rival(("path",), "worst, best, nearest or finer"),
    "bar_adaptive_high_low_ordering": Rival(("path",), "path = 'nearest': the open runs to its nearer extreme first"),
    "timeframe_detail": Rival(("path", "finer"), "path = 'finer' with bars of a shorter interval"),
    "limit_through_ticks": Rival(("target_through_ticks",), "the same: ticks beyond the target"),
    "prob_fill_on_limit": Rival(
        ("target_through_ticks", "entry_through_ticks"), "a probability there; ticks that the market must trade beyond the limit here"
    ),
    "volume_limit": Rival(("volume_share",), "the same: a share of the entry bar's volume"),
    "gap_fill": Rival((), "an order that the open has passed always fills at the open"),
    "fill": Rival((), _NEXT_OPEN),
    "trade_on_close": Rival((), _NEXT_OPEN),
    "cheat_on_close": Rival((), _NEXT_OPEN),
    "coc": Rival((), _NEXT_OPEN),
    "coo": Rival((), _NEXT_OPEN),
    "buy_delay": Rival(("latency_bars",), "1 there is 0 here: the next bar's open"),
    # signals and data
    "direction": Rival(("side",), "'long', 'short' or 'both'"),
    "entries": Rival(("values",), "yes and no there; Signals(values=...) takes -1, 0, +1 a bar"),
    "short_entries": Rival(("values",), "yes and no there; Signals(values=...) takes -1, 0, +1 a bar"),
    "exclusive_orders": Rival(("reverse",), "the same: an opposite signal closes the position and enters"),
    "hedging": Rival((), "one position at a time"),
    "exits": Rival(("reverse",), "leave by the exit rules, or by an opposite signal with reverse = true"),
    "freq": Rival((), "the interval is read from the bars; ratios are on daily returns, 252 sessions a year"),
    "timeframe": Rival((), "the interval is read from the bars"),
    "seed": Rival(("seed",), "nothing in a backtest is random"),
    "random_seed": Rival(("seed",), "nothing in a backtest is random"),
    "learning": Rival((), "only `esbt run` learns"),
    # sweeps
    "maximize": Rival((), "every metric of every lane is in the table: table.best(metric)"),
    "constraint": Rival((), "leave combinations out of the space: esbt.Rows(esbt.Grid(...).frame.filter(...))"),
    "max_tries": Rival((), "give esbt.Random(lanes, ...) or esbt.Sobol(lanes, ...) as the space"),
    "return_heatmap": Rival((), "table.heatmap(x, y, metric) gives one of any two axes"),
    "param_product": Rival((), "a dict of lists is the product; esbt.Rows(...) takes the combinations one by one"),
    "epochs": Rival((), "give esbt.Optuna(trials, ...) as the space"),
    "n_jobs": Rival((), "threads, of this machine, or executor, of others"),
}

_PLACES = {  # by the name of the settings class
    "Account": "esbt.backtest(...) or [account]",
    "Exits": "the strategy: AtrStrategy(...), Signals(...) or [strategy]",
    "AtrStrategy": "AtrStrategy(...) or [strategy]",
    "Signals": "Signals(...)",
    "Risk": "size = Risk(...)",
    "Kelly": "size = Kelly(...)",
    "Volatility": "size = Volatility(...)",
    "Market": "[market]",
    "Synthetic": "[synthetic]",
    "Learning": "[learning] of `esbt run`",
}
_KEYWORDS = dict.fromkeys(("model", "finer"), "esbt.backtest(...)")  # of no settings class


def place_of(name: str) -> str | None:
    """Where a parameter of ours belongs, in words; None where no settings have it."""
    if name in _KEYWORDS:
        return _KEYWORDS[name]
    places = [_PLACES[kind.__name__] for kind in _settings() if kind.__name__ in _PLACES and name in _own_fields(kind)]
    return " or ".join(dict.fromkeys(places)) or None


def meaning(word: str, known: Collection[str]) -> str | None:
    """What an unknown parameter means here, to append to a message: a word of another backtester, or ours but of another place.

    known: the parameters of the place that refused it. None where the word is neither.
    """
    rival = RIVALS.get(word.lower())
    if rival is None:
        place = place_of(word)
        return f"; {word!r} belongs to {place}" if place else None
    here = [name for name in rival.ours if name in known]
    if here:
        return f"; it is {' or '.join(here)} here: {rival.note}"
    elsewhere = {name: place for name in rival.ours if (place := place_of(name))}
    if not elsewhere:
        return f"; there is no {word!r}: {rival.note}"
    places = " or ".join(dict.fromkeys(elsewhere.values()))
    return f"; it is {' or '.join(elsewhere)} here, of {places}: {rival.note}"


def _own_fields(kind: Any) -> set[str]:
    inherited = {name for base in kind.__bases__ for name in getattr(base, "model_fields", ())}
    return set(kind.model_fields) - inherited


def _settings() -> Iterator[Any]:
    """Every class of settings that is loaded; asked for late, because settings tell their errors through this module."""
    from esbt.settings import Settings

    waiting: list[Any] = [Settings]
    while waiting:
        kind = waiting.pop(0)
        yield kind
        waiting += kind.__subclasses__()
