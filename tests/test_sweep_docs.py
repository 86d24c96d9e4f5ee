"""docs/sweeps.md under test: its Python runs and prints what the page says, its TOML is a valid configuration, its names exist."""

import contextlib
import io
import re
from pathlib import Path

import esbt
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
