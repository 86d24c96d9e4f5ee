"""docs/sweeps.md under test: its Python runs and prints what the page says, its TOML is a valid configuration, its names exist."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from sweep_helpers import BARS, VALUES

import esbt
from esbt import _core
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.market import Markets
from esbt.sweep_config import load_sweep_config

PAGE = (Path(__file__).parents[1] / "docs" / "sweeps.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)( notest)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_python_prints_what_the_page_says():
    names, printed, compared = {}, "", 0
    for kind, notest, body in BLOCK.findall(PAGE):
        if kind == "python" and not notest:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(body, "docs/sweeps.md", "exec"), names)
            printed = out.getvalue()
        elif kind == "text":
            assert printed.rstrip() == body.rstrip()
            compared += 1
    assert compared == 2


def test_the_configuration_is_valid(tmp_path):
    [toml] = [body for kind, _, body in BLOCK.findall(PAGE) if kind == "toml"]
    (tmp_path / "page.toml").write_text(toml)
    config = load_sweep_config(tmp_path / "page.toml")
    assert len(config.axes()) == 3 * 6 * 3 * 2
    assert config.sweep.daily


def test_names_of_the_page_exist():
    for name in re.findall(r"esbt\.([A-Za-z_]+)", PAGE):
        assert hasattr(esbt, name) or name == "metrics", name
    for name in re.findall(r"table\.(\w+)", PAGE):
        assert hasattr(esbt.SweepTable, name) or name in ("frame", "daily"), name


# What the page's table says is stepped: an axis, the value that switches it on, and what it needs.
STEPPED = {
    "chandelier_atr": {"chandelier_atr": [1.0]},
    "break_even_r": {"break_even_r": [0.3]},
    "scale1_r": {"scale1_r": [0.4], "scale1_share": [0.5], "size": [4]},
    "scale2_r": {"scale1_r": [0.4], "scale1_share": [0.3], "scale2_r": [0.8], "scale2_share": [0.3], "size": [4]},
    "reverse": {"reverse": [True]},
    "entry": {"entry": ["stop", "limit"], "entry_offset_ticks": [2]},
    "flat_at_close": {"flat_at_close": [False]},
    "cooldown_bars": {"cooldown_bars": [2, 9]},
    "max_trades": {"max_trades": [1, 3]},
    "daily_loss": {"daily_loss": [50.0]},
    "daily_profit": {"daily_profit": [100.0]},
    "volume_share": {"volume_share": [0.5]},
    "slippage_atr": {"slippage_atr": [0.15]},
    "size": {"size": [esbt.Risk(fraction=0.02), esbt.Volatility(daily=0.02)]},
    "fee": {"fee_table": ["historical"]},
}
PARTS = {"scale1_share", "scale1_stop_r", "scale2_share", "scale2_stop_r"}
ENTRIES = {"entry_offset_atr", "entry_offset_ticks", "entry_bars", "entry_through_ticks"}
WINDOW = {"entry_from": ["08:30"], "entry_until": ["12:00", "15:00"]}
NOT_SWEPT_ALONE = {*WINDOW, "break_even_offset_ticks", "slippage_spread", "confidence", "fee_table", *PARTS, *ENTRIES}


def stepped_share(space):
    """Lanes of a space that the engine stepped, of how many."""
    bound = BoundSpace(BARS, esbt.AtrStrategy(fast=3, slow=9, stop_atr=1.0, stop_ticks=30), esbt.Account(), esbt.Grid(space))
    lanes, markets, stepped = np.arange(len(bound)), Markets(bound), 0
    for group in bound.groups(lanes):
        m = markets.of(group)
        words = {"fees_e4": m.fees_e4, "slips": m.slips}
        stepped += _core.run_lanes(m.core, BARS.session, m.sides, m.atr, bound.plans(lanes)[group.rows], **words)[2]
    return stepped, len(bound)


@pytest.mark.parametrize("name", STEPPED)
def test_what_the_page_calls_stepped_is(name):
    row = next(line for line in PAGE.splitlines() if line.endswith("while in position |"))
    assert (name if name in ("size", "fee") else f"`{name}`") in row
    stepped, lanes = stepped_share(STEPPED[name])
    assert stepped == lanes


def test_all_other_axes_are_dense():
    spaces = [{name: values} for name, values in VALUES.items() if name not in {*STEPPED, *NOT_SWEPT_ALONE}]
    assert len(spaces) > 15
    for space in [*spaces, WINDOW, {"size": [1, 5]}, {"entry": ["market"]}]:
        stepped, lanes = stepped_share(space)
        assert (stepped, lanes) == (0, len(esbt.Grid(space))), space
