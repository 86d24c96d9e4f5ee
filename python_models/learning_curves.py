"""How a model's score grows with training time, and how it differs from fold to fold: numbers for tables and pictures. Training time only.

More data that would still help shows as a held-out score that has not levelled out; a training score far above the held-out one is what the
model remembers rather than knows. Knows no pictures.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from esbt.errors import EsbtError
from python_models.boosting import Rows
from python_models.cross_validation import Fold
from python_models.learners import Floats, Sample

Member = Callable[[Sample, Rows], Floats]  # margins float64[m] of rows from a model fitted to the sample, such as `Tuned.margins`
Score = Callable[[Floats, Floats], float]  # of targets and margins
SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)


def learning_curve(
    member: Member, score: Score, sample: Sample, *, shares: Sequence[float] = SHARES, held_out: float = 0.25, embargo_bars: int = 0
) -> pl.DataFrame:
    """share (of training time), rows (fitted to), train_score (on those), held_out_score; one row for each of `shares`.

    Judged on the last `held_out` of the rows. Fitted to rows whose span ends more than embargo_bars before the first of them begins (the
    purge), of the last `share` of the bars these cover, so that the gap to what is judged is always the same and more means further back.
    Raises EsbtError for a sample without spans, out of order, shares outside (0, 1] or not ascending, and where a part has no rows.
    """
    if sample.start is None or sample.end is None or (np.diff(sample.start) < 0).any():
        raise EsbtError("a learning curve needs the spans of its rows, in order of time: give Sample(..., start=, end=)")
    if not shares or shares[0] <= 0 or shares[-1] > 1 or (np.diff(shares) <= 0).any() or not 0 < held_out < 1:
        raise EsbtError(f"shares must ascend within (0, 1] and held_out lie in (0, 1), got {tuple(shares)} and {held_out}")
    first = len(sample.x) - round(held_out * len(sample.x))
    later = np.arange(first, len(sample.x))
    known = np.flatnonzero(sample.end < (sample.start[first] if later.size else 0) - embargo_bars)
    if not later.size or not known.size:
        raise EsbtError(
            f"{len(sample.x)} rows leave {known.size} to fit and {later.size} to judge: give more rows or a smaller embargo_bars"
        )
    begin, stop = int(sample.start[known[0]]), int(sample.start[known[-1]]) + 1
    x, y, _ = sample.arrays()
    found = []
    for share in shares:
        rows = known[sample.start[known] >= stop - share * (stop - begin)]
        margins = member(sample.take(rows), x[np.concatenate([rows, later])])
        found.append((float(share), rows.size, score(y[rows], margins[: rows.size]), score(y[later], margins[rows.size :])))
    return pl.DataFrame(found, schema=["share", "rows", "train_score", "held_out_score"], orient="row")


def fold_table(
    folds: Sequence[Fold], y: npt.ArrayLike, margins: Mapping[str, npt.ArrayLike], score: Score, when: npt.ArrayLike | None = None
) -> pl.DataFrame:
    """One row a fold: fold (from 1), first and last (dates of its tested rows, given `when` datetime64[n]), train_rows, test_rows, mean_y
    of the tested rows, and the score of each model there. margins: name -> float64[n], predictions of rows by models not fitted to them,
    as `Stacked.out_of_fold` has them in its columns. Raises EsbtError for no folds or models, other shapes, and a name that is a column's.
    """
    target = np.asarray(y, dtype=np.float64)
    said = {name: np.asarray(own, dtype=np.float64) for name, own in margins.items()}
    dates = None if when is None else np.asarray(when).astype("datetime64[D]")
    if not folds or not said or any(own.shape != target.shape for own in (*said.values(), *([] if dates is None else [dates]))):
        raise EsbtError("a table of folds needs one fold and one model or more, and a margin, a target and a date for each row")
    rows = []
    for number, (train, test) in enumerate(folds, 1):
        row: dict[str, object] = {"fold": number}
        if dates is not None:
            row |= {"first": dates[test].min().item(), "last": dates[test].max().item()}
        row |= {"train_rows": len(train), "test_rows": len(test), "mean_y": float(target[test].mean())}
        if taken := row.keys() & said.keys():
            raise EsbtError(f"a model cannot be called {min(taken)!r}: it is a column of the table")
        rows.append(row | {name: score(target[test], own[test]) for name, own in said.items()})
    return pl.DataFrame(rows)
