"""Pictures beyond the report's own: where they stand and are saved, names that would share a file, labels of many runs, scales of axes."""

import base64
import re

import polars as pl
import pytest
from fake_runs import fake_run
from matplotlib.figure import Figure

from esbt.errors import EsbtError
from esbt.report import Picture, write_report
from esbt.report.canvas import name_bars
from esbt.report.charts import CHARTS
from esbt.report.sweep_charts import parallel_chart


@pytest.fixture(scope="module")
def runs():
    return {"baseline": fake_run(sessions=25, trades=40)}


def picture(caption, section="More charts"):
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    return Picture(figure, caption, section)


def test_further_pictures_stand_under_their_headings(runs, tmp_path):
    figures = {"Gain & loss": picture("<one>", "A & B"), "two": picture("two"), "three": picture("three", "A & B")}
    text = write_report(tmp_path / "out", runs, title="t", figures=figures).read_text()
    shown = [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', text)]
    assert shown == [(tmp_path / f"out/charts/{name}.png").read_bytes() for name in (*CHARTS, "gain_loss", "three", "two")]
    assert text.count("<h2>A &amp; B</h2>") == 1
    assert "&lt;one&gt;" in text
    assert "<one>" not in text
    assert text.index("A &amp; B") < text.index("chart-three") < text.index("<h2>More charts</h2>") < text.index("chart-two")


@pytest.mark.parametrize(
    ("names", "words"),
    [(("equity",), "as is the report's own"), (("a b", "A-B"), "as is figure 'a b'"), (("!",), "no letter or digit")],
)
def test_picture_names_that_would_share_a_file(runs, names, words, tmp_path):
    with pytest.raises(EsbtError, match=words):
        write_report(tmp_path / "out", runs, title="t", figures=dict.fromkeys(names, picture("caption")))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("count", "panels", "leans"), [(2, 3, False), (4, 3, False), (6, 2, False), (5, 3, True), (6, 3, True)])
def test_labels_of_many_runs_lean(count, panels, leans):
    axes = Figure().subplots()
    labels = [f"phase {k}: a label of words" for k in range(count)]
    name_bars(axes, labels, panels)
    ticks = axes.get_xticklabels()
    assert [" ".join(tick.get_text().split()) for tick in ticks] == labels
    assert {tick.get_rotation() != 0 for tick in ticks} == {leans}
    assert {"\n" in tick.get_text() for tick in ticks} == {not leans}


def test_a_logarithmic_axis_of_lines():
    """Powers of ten lie evenly; what a line is called and whose number is best are the caller's."""
    frame = pl.DataFrame({"trial": [3, 4, 5], "rate": [0.001, 0.01, 0.1], "depth": [2, 3, 4], "loss": [0.3, 0.1, 0.2]})
    figure = parallel_chart(frame, ["rate", "depth"], "loss", True, 9, synthetic=False, title="Stop: ", noun="trial", log={"rate"})
    axes = figure.axes[0]
    assert figure.get_suptitle() == "Stop: Loss over all axes"
    assert axes.get_legend().get_texts()[0].get_text() == "best: trial 4"
    assert axes.lines[0].get_ydata().tolist() == pytest.approx([0.5, 0.5, 0.0])
    marks = {text.get_text(): text.get_position()[1] for text in axes.texts if text.get_position()[0] < 0.5}
    assert marks == pytest.approx({"0.001": 0.0, "0.00316": 0.25, "0.01": 0.5, "0.0316": 0.75, "0.1": 1.0})
