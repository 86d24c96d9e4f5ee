"""docs/luck.md under test: its Python prints what the page says, and every function it names exists."""

import contextlib
import io
import re
from pathlib import Path

from esbt import stats

PAGE = Path(__file__).parents[1] / "docs" / "luck.md"


def test_the_page_prints_what_it_says() -> None:
    names: dict[str, object] = {}
    printed, compared = "", 0
    for kind, body in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        if kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(body, "luck.md", "exec"), names)
            printed = out.getvalue()
        else:
            assert printed.rstrip() == body.rstrip()
            compared += 1
    assert compared == 2


def test_every_function_is_on_the_page_and_every_name_of_the_page_is_one() -> None:
    text = PAGE.read_text("utf-8")
    table = text[text.index("| function |") : text.index("Null markets")]
    named = set(re.findall(r"^\| (.+?) \|", table, re.MULTILINE)) - {"function"}
    functions = set(re.findall(r"`(\w+)", " ".join(named)))
    assert functions <= set(stats.__all__)
    public = {name for name in stats.__all__ if name[0].islower()}
    helpers = {"sharpe_probability", "sharpe_ratios", "track_record_length", "optimal_block_length", "stationary_indices"}
    assert public - helpers - functions == {"overfitting", "permuted_bars"}
    assert "stats.overfitting(" in text
    assert "`permuted_bars(" in text
