"""docs/catalogue.md and its pictures (scripts/catalogue.py): they are the registry's, and a picture shows what its column holds."""

import importlib.util
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from esbt.features.registry import column, kinds

SCRIPT = Path(__file__).parents[1] / "scripts" / "catalogue.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("catalogue", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_and_pictures_are_the_registrys(script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["catalogue.py", "--check"])
    assert script.main() == 0, capsys.readouterr().out


def test_check_says_what_is_wrong(script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(script, "PAGE", tmp_path / "catalogue.md")
    monkeypatch.setattr(script, "PICTURES", tmp_path)
    for name in [*list(kinds())[1:], "rsy"]:
        (tmp_path / f"{name}.png").touch()
    (tmp_path / "catalogue.md").write_text(script.page() + "\n")
    missing = f"docs/catalogue/{next(iter(kinds()))}.png is missing"
    assert script.check() == ["docs/catalogue.md is not the registry's", missing, "docs/catalogue/rsy.png shows no feature"]


def test_every_feature_is_once_on_the_page_and_no_formula_becomes_a_list(script) -> None:
    text = script.page()
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == [
        kind.name for group in script.feature_groups() for kind in kinds().values() if kind.group == group
    ]
    listed = re.findall(r"^(?:[-+*>=#~] |\d+[.)] ).*$", text, re.MULTILINE)
    assert [line.split(":")[0] for line in listed] == ["# Catalogue of features", *(f"- {group}" for group in script.feature_groups())]
    assert max(map(len, text.splitlines())) <= 140


def test_picture_is_empty_while_the_feature_warms_up(script) -> None:
    """The line's dark blue is nowhere in the warm-up's columns of pixels and in every later one; the same bytes twice, and few."""
    bars, shown = script.market(), column("volatility_percentile(390)")
    drawn = script.picture(bars, shown)
    assert drawn == script.picture(bars, shown)
    assert len(drawn) < 12_000
    pixels = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB")).astype(int)
    assert pixels.shape == (script.HEIGHT, script.WIDTH, 3)
    top, height = script.FEATURE
    panel = pixels[top : top + height - 1, script.LEFT + 1 :]
    blue = (panel[..., 2] - panel[..., 0] > 60).any(axis=0)
    warm, end = shown.warm_up // script.BARS_A_PIXEL, len(bars) // script.BARS_A_PIXEL
    assert not blue[: warm - 1].any()
    assert blue[warm + 1 : end - 2].all()


def test_pictures_together_stay_small(script) -> None:
    assert sum(path.stat().st_size for path in script.PICTURES.glob("*.png")) < 1_000_000
