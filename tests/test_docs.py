"""README and pages of docs under test: their Python runs, printed output is what it prints, the TOML is valid, links lead somewhere."""

import contextlib
import io
import re
import tomllib
from pathlib import Path

import pytest

from python_models import RunConfig

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)( notest)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


PAGES = [("README.md", 2), ("docs/features.md", 6), ("docs/walk_forward.md", 2), ("docs/audit.md", 1)]


@pytest.mark.parametrize(("page", "outputs"), PAGES)
def test_python_prints_what_the_page_says(page: str, outputs: int) -> None:
    text = (ROOT / page).read_text("utf-8")
    blocks = [(kind, body) for kind, notest, body in BLOCK.findall(text) if kind in ("python", "text") and not notest]
    names: dict[str, object] = {}
    compared = 0
    printed = ""
    for kind, body in blocks:
        if kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(body, page, "exec"), names)
            printed = out.getvalue()
        else:
            assert printed.rstrip() == body.rstrip()
            compared += 1
    assert compared == outputs


def test_toml_is_a_valid_configuration() -> None:
    [toml] = [body for kind, _, body in BLOCK.findall(README) if kind == "toml"]
    assert RunConfig(**tomllib.loads(toml)).market.data == "es_1m.parquet"


@pytest.mark.parametrize("page", ["README.md", "HACKING.md"])
def test_links_and_paths_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    paths = re.findall(r"`((?:csrc|esbt|python_models|tests|scripts|benchmarks|docs|\.ci)/[^`*]*)`", text)
    assert links + paths
    for path in links + paths:
        assert (ROOT / path).exists(), f"{page} names {path}"


def test_every_model_module_is_on_the_map() -> None:
    """Every module of python_models has its place on the map."""
    text = (ROOT / "HACKING.md").read_text("utf-8")
    for module in (ROOT / "python_models").glob("[a-z]*.py"):
        assert module.name in text, module.name
