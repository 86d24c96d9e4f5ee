"""Write docs/catalogue.md, every feature of the registry with its picture under docs/catalogue/, all on the same two sessions.

With --check say whether the page is the registry's and every picture is there; nothing is drawn.
"""

import io
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

import esbt
from esbt.features.functions import initial_of
from esbt.features.registry import Column, Kind, column_of, feature_groups, kinds
from esbt.report.canvas import OKABE_ITO

Floats = npt.NDArray[np.float64]
ROOT = Path(__file__).parents[1]
PAGE, PICTURES = ROOT / "docs" / "catalogue.md", ROOT / "docs" / "catalogue"
WIDTH, HEIGHT, LEFT, BARS_A_PIXEL, COLOURS = 640, 150, 60, 5, 16
PRICE, FEATURE = (14, 36), (64, 70)  # panels: pixels from the top, and height
PRICE_COLOURS, FEATURE_COLOURS = ("#777777", "#BBBBBB"), (OKABE_ITO[0], "#A6D1EE")
WARMING, SEAM = "#E8E8E8", "#999999"
HEAD = """# Catalogue of features

Written by `scripts/catalogue.py` from the registry; how to name, join and stream features is in [features.md](features.md).

Each has its name with its parameters' defaults, then their range, the unit, the warm-up with these defaults (bars of each contract
segment without a value), the source and the formula, where "ATR" as a divisor is Wilder's ATR(14) at the same bar, at least one tick;
"ATR(n)" is taken as it is. Every picture shows the two sessions of `esbt.synthetic_bars(days=2, seed=7)`, a made-up market of one-minute
bars, times in UTC: the price above, the feature with the defaults below. A pixel is five bars: the dark line is their mean, the pale band
reaches from their lowest to their highest. Grey is the warm-up; the dashed line is the seam between the sessions.
"""


def market() -> esbt.Bars:
    """The bars of every picture."""
    return esbt.synthetic_bars(days=2, seed=7)


def page() -> str:
    """The text of docs/catalogue.md."""
    grouped = {group: [kind for kind in kinds().values() if kind.group == group] for group in feature_groups()}
    contents = [_fold(f"- {group}: " + ", ".join(f"[{k.name}](#{k.name})" for k in of), "  ") for group, of in grouped.items()]
    parts = [HEAD + "\n" + "\n".join(contents) + "\n"]
    for group, of in grouped.items():
        parts += [f"## Group {group}\n", *map(_entry, of)]
    return "\n".join(parts)


def _entry(kind: Kind) -> str:
    column = column_of(kind, {})
    given = ", ".join(f"{p.name}={initial_of(p)}" for p in kind.parameters)
    ranges = [f"{p.name} is a {'whole number' if p.whole else 'number'} from {p.low:g} to {p.high:g}" for p in kind.parameters]
    facts = [f"Unit: {kind.unit}", f"Warm-up: {column.warm_up} bar{'s' * (column.warm_up != 1)}", f"Source: {kind.source}"]
    words = f"`{kind.name}({given})`: {'; '.join(ranges)}. " if ranges else f"`{kind.name}`, without parameters. "
    picture = f"![{column.name}](catalogue/{kind.name}.png)"
    return "\n\n".join([f"### {kind.name}", _fold(words + ". ".join(facts) + "."), _fold(f"`{kind.formula}`"), picture]) + "\n"


def _fold(text: str, indent: str = "") -> str:
    """In lines of the page's width, none of which begins with what Markdown takes for a list, a heading or a quotation."""
    glued = re.sub(r" (?=[-+*=>#~\d])", "\0", text) if not indent else text
    lines = textwrap.fill(glued, 138, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")


def picture(bars: esbt.Bars, column: Column) -> bytes:
    """A PNG of the price above and the column below; the same bytes every time."""
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    low, close, high = (x.astype(np.float64) * bars.instrument.tick for x in (bars.low, bars.close, bars.high))
    price, below = (_panel(figure, bars, *place) for place in (PRICE, FEATURE))
    _draw(price, low, close, high, PRICE_COLOURS)
    price.set_title("price, points", fontsize=7, loc="left", pad=2, color=PRICE_COLOURS[0])
    values = esbt.features(bars, [column.name]).matrix[0].astype(np.float64)
    below.axvspan(0, column.warm_up, color=WARMING, linewidth=0)
    _draw(below, values, values, values, FEATURE_COLOURS)
    below.set_title(f"{column.name}: {column.kind.unit}", fontsize=8, loc="left", pad=2)
    minutes = bars.ts // 60_000_000_000 % 1440
    ticks = np.flatnonzero(minutes % 240 == 0)
    price.set_xticks([])
    below.set_xticks(ticks, [f"{minutes[i] // 60:02d}:00" for i in ticks])
    canvas.draw()  # type: ignore[no-untyped-call]
    return _small(np.asarray(canvas.buffer_rgba())[..., :3])  # type: ignore[no-untyped-call]


def _panel(figure: Figure, bars: esbt.Bars, top: int, height: int) -> Axes:
    pixels = len(bars) / BARS_A_PIXEL
    axes = figure.add_axes((LEFT / WIDTH, 1 - (top + height) / HEIGHT, pixels / WIDTH, height / HEIGHT))
    axes.set_xlim(0, len(bars))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7, length=2, pad=2)
    axes.yaxis.set_major_locator(MaxNLocator(2 if height < 50 else 4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    for seam in np.flatnonzero(np.diff(bars.session)) + 1:
        axes.axvline(float(seam), color=SEAM, linewidth=0.8, linestyle=(0, (3, 3)))
    return axes


def _draw(axes: Axes, low: Floats, middle: Floats, high: Floats, colours: tuple[str, str]) -> None:
    """Lowest to highest as a band and the mean as a line, a pixel at a time; a pixel with a bar without value stays empty."""
    lows, means, highs = (x.reshape(-1, BARS_A_PIXEL) for x in (low, middle, high))
    places = np.arange(len(means)) * BARS_A_PIXEL + BARS_A_PIXEL / 2
    axes.vlines(places, lows.min(axis=1), highs.max(axis=1), color=colours[1], linewidth=0.72, antialiased=False)
    axes.plot(places, means.mean(axis=1), color=colours[0], linewidth=0.9)
    axes.margins(x=0, y=0.06)


def _small(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A PNG with few colours, without date or program."""
    out = io.BytesIO()
    Image.fromarray(pixels).quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def check() -> list[str]:
    """What is wrong with the committed page and pictures, a sentence each."""
    wrong = [] if PAGE.exists() and PAGE.read_text("utf-8") == page() else ["docs/catalogue.md is not the registry's"]
    there, wanted = {path.stem for path in PICTURES.glob("*.png")}, set(kinds())
    wrong += [f"docs/catalogue/{name}.png is missing" for name in sorted(wanted - there)]
    return wrong + [f"docs/catalogue/{name}.png shows no feature" for name in sorted(there - wanted)]


def main() -> int:
    """0 when written or right, 1 when --check finds something wrong."""
    if "--check" in sys.argv[1:]:
        wrong = check()
        print("\n".join([*wrong, "run python scripts/catalogue.py"]) if wrong else "docs/catalogue.md is up to date")
        return int(bool(wrong))
    PICTURES.mkdir(exist_ok=True)
    for old in {path.stem for path in PICTURES.glob("*.png")} - set(kinds()):
        (PICTURES / f"{old}.png").unlink()
    bars = market()
    for name, kind in kinds().items():
        (PICTURES / f"{name}.png").write_bytes(picture(bars, column_of(kind, {})))
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
