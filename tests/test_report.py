"""The report: what is written, what the page says, that targets are judged plainly, and that odd runs do not break it."""

import base64
import io
import json
import math
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest
from fake_runs import fake_run
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib import image
from rich.console import Console

from esbt.errors import EsbtError
from esbt.report import TARGETS, Target, metrics_frame, metrics_table, target_frame, target_table, write_report
from esbt.report.canvas import bin_edges, decimate
from esbt.report.charts import CHARTS
from esbt.report.html import cell
from esbt.report.tables import SHOWN, metric_row, written

VOID = {"meta", "img", "link", "br"}


class Page(HTMLParser):
    """Parses a page strictly: every tag that opens closes in order. Collects text, table rows, images and what is loaded from outside."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.rows, self.images, self.outside = [], [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.images += [value for key, value in attrs if tag == "img" and key == "src"]
        self.outside += [value for key, value in attrs if key in ("src", "href") and not value.startswith("data:")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def row(self, first):
        return next([c.strip() for c in row] for row in self.rows if row and row[0] == first)


@pytest.fixture(scope="module")
def runs():
    return {"baseline": fake_run(edge=-60.0), "all phases": fake_run(sessions=40, edge=90.0, trades=120, seed=2)}


@pytest.fixture(scope="module")
def out(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "new" / "folder"
    tables = {"Importance <of features>": pl.DataFrame({"feature": ["atr_14", "x & y"], "gain": [0.31234567, float("nan")]})}
    page = write_report(out, runs, title="ES & friends", notes=["Phase 3 needs <500> trades: left out."], tables=tables)
    assert page == out / "index.html"
    return out


@pytest.fixture(scope="module")
def page(out):
    return Page((out / "index.html").read_text())


def test_all_files_are_there_and_no_scrap(out):
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    pictures = [f"charts/{name}.png" for name in ("drawdown", "equity", "metrics", "trades", "volatility", "win_loss")]
    runs = [f"{run}_trades.{kind}" for run in ("all_phases", "baseline") for kind in ("csv", "parquet")]
    assert names == sorted([*pictures, *runs, "index.html", "metrics.json"])


def test_saved_trades_are_the_trades(out, runs):
    assert pl.read_parquet(out / "baseline_trades.parquet").equals(runs["baseline"].trades)
    csv = pl.read_csv(out / "all_phases_trades.csv", try_parse_dates=True)
    assert csv.columns == runs["all phases"].trades.columns
    assert csv["pnl"].to_list() == runs["all phases"].trades["pnl"].to_list()
    assert csv["entry_time"].to_list() == runs["all phases"].trades["entry_time"].to_list()


def test_metrics_json_holds_runs_targets_and_settings(out, runs):
    saved = json.loads((out / "metrics.json").read_text())
    assert saved["synthetic"] is False
    for label, run in runs.items():
        one = saved["runs"][label]
        assert one["metrics"]["sharpe"] == run.metrics["sharpe"]
        assert one["settings"]["strategy"]["stop_atr"] == 2.0
        assert one["settings"]["fee_usd"] == 2.25
        assert one["skipped"] == {"boundary": 3, "in_position": 1200}
        assert {name: t["achieved"] for name, t in one["targets"].items()} == {t.name: t.achieved(run.metrics) for t in TARGETS}


def test_the_page_stands_alone_with_every_chart(page, out):
    assert page.outside == []
    assert [base64.b64decode(source.split(",")[1]) for source in page.images] == [
        (out / f"charts/{name}.png").read_bytes() for name in CHARTS
    ]


def test_the_page_shows_metrics_targets_costs_and_skips(page, runs):
    for name in SHOWN:
        label, values = metric_row(runs, name)
        assert next(r for r in page.rows if r[0] == label and len(r) == 3)[1:] == values, name
    for target in TARGETS:
        row = next(r for r in page.rows if r[0] == target.label and len(r) == 4)
        for text, run in zip(row[2:], runs.values(), strict=True):
            assert text.endswith("not achieved") is not target.achieved(run.metrics)
            assert text.endswith("achieved")
    assert page.row("Sharpe ratio")[1] == "> 1.00"
    assert page.row("Expectancy per trade, USD")[1:] == [f"{run.metrics['expectancy']:,.2f}" for run in runs.values()]
    assert page.row("costs charged on all trades")[1:] == ["900.00 USD", "540.00 USD"]
    assert page.row("fee_usd")[1:] == ["2.25", "2.25"]
    assert page.row("strategy.stop_atr")[1:] == ["2", "2"]
    assert page.row("strategy.trail_atr")[1:] == ["none", "none"]
    assert page.row("in position")[1:] == ["1,200", "1,200"]
    assert page.row("atr_14")[1:] == ["0.3123"]
    assert page.row("x & y")[1:] == ["n/a"]


def test_losing_is_said_as_plainly_as_winning(page, runs):
    for label, run in runs.items():
        total = written(run.metrics["total_return"], "fraction")
        assert f"{label} : net result {run.trades['pnl'].sum():,.2f} USD ({total} of the start capital)" in page.text
    assert runs["baseline"].metrics["total_return"] < 0 < runs["all phases"].metrics["total_return"]
    assert not {"success", "congratulations", "profitable", "outperform"} & set(page.text.lower().split())


def test_text_from_outside_is_escaped(out, page):
    assert "Phase 3 needs <500> trades: left out." in page.text
    assert "&lt;500&gt;" in (out / "index.html").read_text()


def test_first_and_last_fifty_trades_are_shown(page, runs):
    assert "baseline: 200 trades" in page.text
    shown = [row for row in page.rows if len(row) == runs["baseline"].trades.width and row[0] != "entry_time"]
    assert len(shown) == 2 * 2 * 50


def test_real_data_carries_no_banner_and_synthetic_shouts(page, runs, tmp_path, monkeypatch):
    assert "SYNTHETIC" not in page.text
    synthetic = {label: fake_run(sessions=30, trades=50, synthetic=label == "ml") for label in ("baseline", "ml")}
    shouting = Page(write_report(tmp_path, synthetic, title="made up").read_text())
    assert shouting.text.startswith("SYNTHETIC MARKET")
    assert shouting.text.count("SYNTHETIC MARKET") == 2  # the window's title and the banner
    for name, chart in CHARTS.items():
        assert chart(synthetic).get_suptitle().startswith("SYNTHETIC"), name
        assert "SYNTHETIC" not in chart(runs).get_suptitle(), name
    assert json.loads((tmp_path / "metrics.json").read_text())["synthetic"] is True
    assert "SYNTHETIC" in printed(metrics_table(synthetic))


# --- odd runs ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        {"no bars": fake_run(sessions=0, trades=0)},
        {"long": fake_run(sessions=90), "no trades": fake_run(trades=0), "below 21 sessions": fake_run(sessions=3, trades=4)},
        {"ruined": fake_run(edge=-2000.0), "fine": fake_run(edge=100.0)},
        {f"variant number {i}": fake_run(sessions=22, trades=30, seed=i) for i in range(7)},
    ],
    ids=["no bars", "different lengths", "ruin", "seven runs"],
)
def test_odd_runs_make_a_whole_report(odd, tmp_path):
    page = Page(write_report(tmp_path, odd, title="odd").read_text())
    assert len(page.images) == len(CHARTS)
    for source in page.images:
        pixels = image.imread(io.BytesIO(base64.b64decode(source.split(",")[1])))
        assert pixels.shape[1] == 1080
    json.loads((tmp_path / "metrics.json").read_text())


def test_errors_are_plain_and_leave_nothing(tmp_path, runs):
    with pytest.raises(EsbtError, match="runs is empty"):
        write_report(tmp_path / "a", {}, title="")
    with pytest.raises(EsbtError, match="'a b' and 'A_B' would both be saved as 'a_b'"):
        write_report(tmp_path / "a", {"a b": runs["baseline"], "A_B": runs["baseline"]}, title="")
    with pytest.raises(EsbtError, match="no letter or digit"):
        write_report(tmp_path / "a", {"...": runs["baseline"]}, title="")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x")
    for out in tmp_path / "file", tmp_path / "file" / "deeper":
        with pytest.raises(EsbtError, match="a file is in the way"):
            write_report(out, runs, title="")


# --- parts ---------------------------------------------------------------------------------------------------------------------------


def test_the_six_targets():
    just = {"sharpe": 1.0, "calmar": 2.0, "profit_factor": 1.7, "win_rate": 0.55, "max_drawdown": 0.10, "win_loss_ratio": 2.0}
    assert {t.name: t.threshold for t in TARGETS} == just
    for target in TARGETS:
        assert not target.achieved(just)  # equal is not beyond
        assert not target.achieved({})
        assert not target.achieved({target.name: math.nan})
        step = -1e-9 if target.name == "max_drawdown" else 1e-9
        assert target.achieved({target.name: target.threshold + step})
        assert not target.achieved({target.name: target.threshold - step})
    assert Target("profit_factor", "", 1.7).achieved({"profit_factor": math.inf})


def printed(table):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def test_tables_for_code_and_terminal(runs):
    frame = metrics_frame(runs)
    assert frame.columns == ["metric", "unit", "baseline", "all phases"]
    assert frame["metric"].to_list() == list(SHOWN)
    assert frame.filter(pl.col("metric") == "sharpe")["baseline"].item() == runs["baseline"].metrics["sharpe"]
    assert len(target_frame(runs)) == 12
    assert target_frame(runs)["achieved"].to_list() == [t.achieved(run.metrics) for run in runs.values() for t in TARGETS]
    assert written(runs["baseline"].metrics["win_rate"], "fraction") in printed(metrics_table(runs))
    assert "not achieved" in printed(target_table(runs))


def test_a_metric_without_a_row_is_still_shown(runs):
    run = fake_run(sessions=22, trades=30)
    run.metrics["my_metric"] = 1.5
    assert "my_metric" in printed(metrics_table({"a": run}))


def test_how_numbers_are_written():
    assert written(0.12345, "fraction") == "12.35 %"
    assert written(-1234.5, "usd") == "-1,234.50 USD"
    assert written(3.0, "days") == "3 days"
    assert written(12345.0, "count") == "12,345"
    assert [written(x, "ratio") for x in (math.nan, math.inf, -math.inf)] == ["n/a", "∞", "-∞"]
    assert [cell(x) for x in (None, True, 2.0, 5000.25, 0.00001234, 1e9, 1234, "x")] == [
        "", "yes", "2", "5,000.25", "1.23e-05", "1,000,000,000", "1,234", "x",
    ]  # fmt: skip


@given(arrays(np.float64, st.integers(1, 500), elements=st.floats(-1e6, 1e6)), st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_thinning_keeps_the_ends_and_every_extreme(values, buckets):
    times = np.arange(len(values))
    kept, thin = decimate(times, values, buckets)
    assert len(thin) <= 2 * buckets + 2
    assert (values[kept] == thin).all()
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert (thin.min(), thin.max()) == (values.min(), values.max())


@given(arrays(np.float64, st.integers(0, 200), elements=st.floats(-1e5, 1e5)))
@settings(max_examples=100, deadline=None)
def test_bins_have_an_edge_at_zero(values):
    edges, clipped = bin_edges(values)
    assert 0.0 in edges
    assert (np.diff(edges) > 0).all()
    assert len(edges) < 50
    assert clipped == bool(len(values) and (values.min() < edges[0] or values.max() > edges[-1]))


def test_long_lines_are_thinned_before_drawing():
    run = fake_run(sessions=250, bars_per_session=390, trades=500)
    assert len(run.equity) == 97_500
    for chart in "equity", "drawdown":
        lines = CHARTS[chart]({"a": run}).axes[0].lines
        assert max(len(line.get_xdata()) for line in lines) <= 2002
