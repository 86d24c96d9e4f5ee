"""docs/hooks.md under test: its blocks run in their order, the Cython one is built against the package as it is installed (headers and pxd,
editable or wheel), and Python callable, numba cfunc, Cython function, forest and network make the same trades to the last byte."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import esbt
import esbt.hooks
from esbt.errors import EsbtError

PAGE = Path(__file__).parents[1] / "docs" / "hooks.md"
BLOCK = re.compile(r"^```(\w+)\n(?:# (\S+\.\w+)\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = ("python", "numba", "cython", "forest", "network")
WAYS = tuple(f"{language}_hook" for language in LANGUAGES)
STOPS = tuple(f"{language}_stop" for language in LANGUAGES)


def built(folder: Path, files: dict[str, str], command: str) -> None:
    """Writes the page's files and runs its build command, with this interpreter and this esbt."""
    for name, body in files.items():
        (folder / name).write_text(body, "utf-8")
    package_parent = str(Path(esbt.__file__).parents[1])  # where a source tree that is not installed would be found too
    path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    words = [sys.executable, *command.split()[1:]]
    done = subprocess.run(words, cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The names that the page's Python blocks leave behind, and what they printed under "printed"."""
    folder = tmp_path_factory.mktemp("hooks_page")
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    files = {name: body for _, name, body in blocks if name}
    [command] = [body for kind, _, body in blocks if kind == "sh"]
    assert set(files) == {"my_hook.pyx", "setup.py"}
    assert command.split()[0] == "python"
    built(folder, files, command)
    names: dict[str, object] = {}
    out = io.StringIO()
    sys.path.insert(0, str(folder))
    try:
        with contextlib.redirect_stdout(out):
            for kind, name, body in blocks:
                if kind == "python" and not name:
                    exec(compile(body, str(PAGE), "exec"), names)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("my_hook", None)
    return names | {"printed": out.getvalue()}


def test_headers_of_the_installed_package():
    home = Path(esbt.hooks.get_include())
    assert (home / "esbt" / "hook.h").is_file()
    assert (Path(esbt.__file__).parent / "hooks.pxd").is_file()


def test_all_make_the_same_trades(page):
    results = {way: page["trade"](page[way]) for way in WAYS}
    expected = results["python_hook"]
    raw, skipped = expected.raw_trades, expected.skipped
    assert len(raw) > 100
    assert skipped["confidence"] > 100  # some are refused, some are taken
    assert set(raw["side"]) == {-1, 1}
    atr = esbt.AtrStrategy().atr(page["bars"])[raw["entry_bar"] - 1]
    tight, wide = np.ceil(1.0 * atr) == raw["stop_distance"], np.ceil(3.0 * atr) == raw["stop_distance"]
    assert (tight | wide).all()
    assert min(tight.sum(), wide.sum()) > 20  # the stops differ
    for way, result in results.items():
        assert result.raw_trades.tobytes() == raw.tobytes(), way
        assert result.skipped == skipped, way


def test_all_move_the_stop_alike(page):
    """The dynamic stop: the same trades to the last byte, and not for want of moving: stops stood at one and at three ATR."""
    results = {way: page["lock_in"](page[way]) for way in STOPS}
    expected = results["python_stop"]
    reasons = expected.trades["exit_reason"]
    assert (reasons == "dynamic_stop").sum() > 100
    assert set(expected.raw_trades["side"]) == {-1, 1}
    assert (expected.trades["pnl_ticks"] > 0).sum() > 20
    still = esbt.backtest(page["bars"], esbt.AtrStrategy(stop_atr=3.0, target_r=None))
    assert expected.raw_trades.tobytes() != still.raw_trades.tobytes()
    for way, result in results.items():
        assert result.raw_trades.tobytes() == expected.raw_trades.tobytes(), way
        assert result.skipped == expected.skipped


def test_the_stop_that_moves_is_asked_at_every_close_of_a_position(page):
    """A spy of the inputs: bars_held counts up by one in each bar, and the rows are those of the bars of the trades."""
    rows = []

    def spy(x):
        rows.append(x[0].copy())
        return page["python_stop"](x)

    held = page["lock_in"](spy).trades["bars_held"]
    assert [int(row[1]) for row in rows] == [k for n in held for k in range(1, n)]  # not in the bar it leaves in
    assert {bool(row[0] > 1.5) for row in rows} == {True, False}
    assert max(row[1] for row in rows) > 30


def test_the_way_in_is_the_one_it_says(page):
    """None of the compiled ones falls back to Python."""
    for ways in (WAYS, STOPS):
        kinds = [repr(esbt.hooks.as_hook(page[way], 2)) for way in ways]
        assert kinds == ["Hook(callable, n_inputs=2)", *["Hook(function, n_inputs=2)"] * 4]


def test_what_the_page_prints(page):
    """The counts of the Python callables, of the stop that knows the regime, then what the broken one raised."""
    counts, moved, regime, error = page["printed"].splitlines()
    result = page["result"]
    assert counts == f"{len(result.trades)} trades, {result.skipped['confidence']} signals refused"
    dynamic = (page["lock_in"](page["python_stop"]).trades["exit_reason"] == "dynamic_stop").sum()
    assert moved == f"{dynamic} trades left at a stop that had moved"
    assert int(regime.split()[0]) > 100
    assert error == "no answer for this row"


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (lambda x: np.zeros(len(x) + 1), r"shape \(2,\)"),
        (lambda x: np.full(len(x), np.nan), "stop hook gave NaN at bar"),
        (esbt.hooks.Hook.from_callable(lambda x: x[:, 0], 3), "takes 3 inputs, the loop gives 2"),
    ],
)
def test_errors_of_the_page(page, hook, words):
    with pytest.raises(EsbtError, match=words):
        page["trade"](hook)


def test_a_compiled_function_that_fails_ends_the_run(page):
    import numba

    @numba.cfunc("i4(voidptr, CPointer(f4), i8, CPointer(f8))")
    def fails(_state, _rows, _n, _out):
        return 5

    with pytest.raises(EsbtError, match="the entry model failed"):
        page["trade"](esbt.hooks.Hook.from_address(fails.address, 2, keep_alive=fails))


def test_a_margin_of_nan_with_threshold_zero(page):
    """p >= 0 is false for NaN: the page's sentence on it."""
    columns = page["columns"]
    ask = esbt.Ask(lambda x: np.full(len(x), np.nan), ["side"])
    result = esbt.backtest(page["bars"], esbt.AtrStrategy(), model=esbt.EntryModel(columns, confidence=ask))
    assert len(result.trades) == 0
    assert result.skipped["confidence"] > 100
