"""What a sweep gives: one row a lane, and the ways to look at it. Reads numbers, runs nothing but a lane asked for."""

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.backtest import run
from esbt.errors import EsbtError, unknown
from esbt.plan import USD
from esbt.result import Result
from esbt.stats import Overfitting, overfitting
from esbt.sweep.engine import MONEY
from esbt.sweep.lanes import BoundSpace
from esbt.sweep.neighbours import neighbours_mean
from esbt.totals import METRICS

Over = Literal["mean", "median", "best", "worst"]
LOWER_IS_BETTER = frozenset(
    (
        "annual_volatility",
        "max_drawdown",
        "max_drawdown_days",
        "recovery_days",
        "ulcer_index",
        "max_consecutive_losses",
        "costs",
        "ambiguous_share",
    )
)
_MOST_PLACES = 40  # of an axis in a picture; more numbers are put into bins
_MOST_BINS = 20


class SweepTable:
    """Outcome of a sweep. frame: lane (Int64, 0 .. L - 1), a column a parameter, a column a metric, by lane.

    daily: session P&L, int64[L, S] in 1e-4 USD, memory-mapped where the sweep has a folder; None where it was not asked for.
    """

    def __init__(self, bound: BoundSpace, frame: pl.DataFrame, daily: npt.NDArray[np.int64] | None, *, folder: Path | None) -> None:
        self.bound, self.frame, self.daily, self.folder = bound, frame, daily, folder

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"SweepTable({len(self):,} lanes over {', '.join(self.parameters)} on {self.bound.bars!r})"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(self.bound.places)

    @property
    def sessions(self) -> npt.NDArray[np.datetime64]:
        """Trade dates of the columns of `daily`, datetime64[D][S]."""
        return np.unique(self.bound.bars.session).astype("datetime64[D]")

    def best(self, metric: str = "sharpe", n: int = 1, *, minimum_trades: int = 30) -> pl.DataFrame:
        """The n best lanes with at least so many trades, best first, ties by lane; lanes where the metric is undefined are left out.

        Raises EsbtError for an unknown metric, and where no lane has as many trades.
        """
        self._require_metric(metric)
        enough = self.frame.filter((pl.col("trades") >= minimum_trades) & pl.col(metric).is_not_nan())
        if enough.is_empty():
            most = int(self.frame["trades"].max() or 0)  # type: ignore[arg-type]
            raise EsbtError(f"no lane has a {metric} from {minimum_trades} trades or more, the busiest has {most}: give minimum_trades")
        return enough.sort(metric, "lane", descending=[metric not in LOWER_IS_BETTER, False]).head(n)

    def replay(self, lane: int) -> Result:
        """The whole backtest of one lane. Raises EsbtError for a number that is no lane."""
        bound = self.bound
        return run(bound.bars, bound.strategy(lane), bound.account(lane), finer=bound.finer)

    def heatmap(self, x: str, y: str, metric: str = "sharpe", *, over: Over = "mean", png: str | Path | None = None) -> pl.DataFrame:
        """A metric over two axes: x, y, the metric over all lanes there (their mean, median, best or worst; undefined ones left out), and
        `lanes`, how many. Axes of more than 40 numbers are put into bins, named by their middle. png: draw it there too.

        Raises EsbtError for unknown axes or metrics.
        """
        self._require_metric(metric)
        if x == y:
            raise EsbtError(f"heatmap of {x!r} over itself: give two axes")
        keys = [self._binned(x), self._binned(y)]
        value = pl.col(metric).filter(pl.col(metric).is_not_nan())
        best = value.min() if metric in LOWER_IS_BETTER else value.max()
        worst = value.max() if metric in LOWER_IS_BETTER else value.min()
        wanted = {"mean": value.mean(), "median": value.median(), "best": best, "worst": worst}
        if over not in wanted:
            raise unknown("summary", over, wanted)
        grouped = self.frame.with_columns(keys).group_by(x, y).agg(wanted[over].alias(metric), pl.len().cast(pl.Int64).alias("lanes"))
        frame = grouped.with_columns(pl.col(metric).fill_null(float("nan"))).sort(y, x)
        if png is not None:
            from esbt.report.sweep_charts import heatmap_chart, save

            save(heatmap_chart(frame, x, y, metric, over, synthetic=self.bound.bars.synthetic), png)
        return frame

    def surface(self, x: str, y: str, metric: str = "sharpe", *, over: Over = "mean", png: str | Path | None = None) -> pl.DataFrame:
        """The same as a matrix: first column y, then a column per value of x; NaN where no lane is. png: draw it as a relief."""
        long = self.heatmap(x, y, metric, over=over)
        columns = [str(value) if value is not None else "null" for value in long[x].unique().sort()]
        wide = long.pivot(on=x, index=y, values=metric).sort(y).with_columns(pl.col(columns).fill_null(float("nan")))
        if png is not None:
            from esbt.report.sweep_charts import save, surface_chart

            save(surface_chart(long, x, y, metric, over, synthetic=self.bound.bars.synthetic), png)
        return wide.select(y, *columns)

    def plateau(self, metric: str = "sharpe", *, png: str | Path | None = None) -> pl.DataFrame:
        """Is a peak a plateau? lane, the metric, neighbours_mean (of the lanes one step away on one axis; in a sampled space of the ten
        nearest), neighbours (how many have a value). NaN without any. Sorted by the metric, best first. png: draw it too.
        """
        self._require_metric(metric)
        mean, count = neighbours_mean(self.bound.space, self.frame[metric].to_numpy())
        columns = {"lane": self.frame["lane"], metric: self.frame[metric], "neighbours_mean": mean, "neighbours": count}
        ordered = pl.DataFrame(columns).with_columns(pl.col(metric).fill_nan(None))
        frame = ordered.sort(metric, "lane", descending=[metric not in LOWER_IS_BETTER, False], nulls_last=True)
        frame = frame.with_columns(pl.col(metric).fill_null(float("nan")))
        if png is not None:
            from esbt.report.sweep_charts import plateau_chart, save

            save(plateau_chart(frame, metric, synthetic=self.bound.bars.synthetic), png)
        return frame

    def parallel(self, metric: str = "sharpe", *, most: int = 2000, png: str | Path) -> Path:
        """Draw every lane as a line over all axes, coloured by the metric, the best on top; of more than `most` lanes an even choice of
        ranks. Returns the picture's path."""
        from esbt.report.sweep_charts import parallel_chart, save

        self._require_metric(metric)
        picture = parallel_chart(self.frame, self.parameters, metric, metric in LOWER_IS_BETTER, most, synthetic=self.bound.bars.synthetic)
        return save(picture, png)

    def overfitting(self, **words: Any) -> Overfitting:
        """How much of the best lane is luck: every test of `esbt.stats.overfitting` on the session P&L; print it for a verdict.

        words: as there. Raises EsbtError without `daily`, and where lanes differ in cash.
        """
        if self.daily is None:
            raise EsbtError("overfitting needs each lane's session P&L: sweep with daily=True")
        cash = self.bound.space.values.get("cash", [self.bound.base_account.cash])
        if len(cash) > 1:
            raise EsbtError(f"overfitting compares lanes of one start capital, cash is an axis of {len(cash)} values: leave it out")
        return overfitting(self.daily, cash[0] * USD, **words)  # both in 1e-4 USD: returns have no unit

    def report(self, out: str | Path, metric: str = "sharpe", *, minimum_trades: int = 30, luck: Overfitting | None = None) -> Path:
        """Write the page of the sweep, its pictures, and the best lane's whole backtest into the folder `out`; returns the page's path.

        luck: what `overfitting` said, to be shown too.
        """
        from esbt.report.sweep_page import write_sweep_report

        return write_sweep_report(Path(out), self, metric, minimum_trades=minimum_trades, luck=luck)

    def _require_metric(self, metric: str) -> None:
        if metric not in (*METRICS, *MONEY):
            raise unknown("metric", metric, (*METRICS, *MONEY))

    def _binned(self, axis: str) -> pl.Expr:
        if axis not in self.parameters:
            raise unknown("axis", axis, self.parameters)
        column = self.frame[axis]
        if column.n_unique() <= _MOST_PLACES or not column.dtype.is_numeric():
            return pl.col(axis)
        low, high = float(column.min()), float(column.max())  # type: ignore[arg-type]
        bins = max(4, min(_MOST_BINS, math.isqrt(len(self) // 4)))  # some lanes a cell, if there are enough
        width = (high - low) / bins
        place = ((pl.col(axis) - low) / width).floor().clip(0, bins - 1)
        return (low + (place + 0.5) * width).alias(axis)
