"""The shuffled-label test: trained on labels that belong to other rows, a learner must know nothing of the test rows.

Labels move in blocks (sessions), the blocks in a new order and turned about by a random number of rows, apart in the training and in the
test rows: what neighbours share stays, what ties a label to its row is lost. Three questions, from the same few trainings:

1. REACH. Only the labels of test rows are exchanged: predictions must not change at all. Exact; it finds every path by which a test label
   reaches a prediction (a feature made of labels, a choice of columns or a threshold over all rows), and names the columns of `features`.
2. SHUFFLED. Trained on shuffled training labels, predictions are scored against the shuffled test labels the learner was given: the rank
   correlation, p = (1 + count of other shuffles that score as high) / (draws + 1). A learner that reads no test label has p uniform,
   whatever it is: the shuffles are alike to it. Fisher's sum over trainings is judged at the level. Asked where 1 failed.
3. TRUE. The same predictions against the TRUE test labels: the mean over trainings must not be above 0. p is the greater of two: Student's
   t over trainings, and the mean prediction against other shuffles of the test labels as in 2. An edge that survives was not learned from
   the labels: a model that had seen the test time before, or a rule with an edge of its own that never learns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from esbt.audit.result import LABELS, Audit, Check, Finding
from esbt.errors import EsbtError

Floats = npt.NDArray[np.float64]
DRAWS = 999
LEVEL = 0.01
IS_THE_LABEL = 0.95  # a column that alone ranks wins above losses, or below, this often (ROC-AUC) is no feature
LEAST_ROWS, LEAST_SHUFFLES = 30, 3
SCORE = "rank correlation"


@dataclass(frozen=True, eq=False)
class Learner:
    """A learner as the test needs it.

    labels: float64[L] in order of time. first_test: the rows from here on are never learned from. predict: float64[L] labels -> float64[L -
    first_test], greater for a greater label: ALL that depends on labels happens inside it (features made of them, choice of columns,
    scaling, tuning, fitting). blocks: int[L], equal for rows that stay together, such as the session. features: the columns it learns from,
    by name, float[L], or a function of the labels that makes them: so that a leak can be named.
    """

    labels: Any
    predict: Callable[[Floats], Any]
    first_test: int
    blocks: Any
    features: Mapping[str, Any] | Callable[[Floats], Mapping[str, Any]] | None = None

    def columns(self, labels: Floats) -> dict[str, Floats]:
        """Features for these labels."""
        found = self.features(labels) if callable(self.features) else self.features or {}
        return {name: np.asarray(values, dtype=np.float64) for name, values in found.items()}

    def scores(self, labels: Floats) -> Floats:
        """Predictions for the test rows. Raises EsbtError for another number of them and for NaN."""
        found = np.asarray(self.predict(labels.copy()), dtype=np.float64)
        if found.shape != (len(labels) - self.first_test,):
            raise EsbtError(
                f"Learner.predict gave shape {found.shape}: give one value for each of {len(labels) - self.first_test} test rows"
            )
        if np.isnan(found).any():
            raise EsbtError(f"Learner.predict gave NaN for test row {int(np.argmax(np.isnan(found)))}: give a number for each")
        return found


def label_test(learner: Learner, shuffles: int, level: float, seed: int) -> Audit:
    """The three questions, and whether a column is the label. Trains 2 + shuffles times, once more where question 1 fails."""
    true, blocks = _checked(learner)
    if isinstance(shuffles, bool) or not isinstance(shuffles, int) or shuffles < LEAST_SHUFFLES:
        raise EsbtError(f"audit(shuffles): {shuffles!r}: give a whole number, {LEAST_SHUFFLES} or more")
    rng = np.random.default_rng(seed)
    found = _columns_that_are_labels(learner, true)
    cut, shuffled = learner.first_test, [_drawn(true, blocks, learner.first_test, rng) for _ in range(shuffles + 1)]
    shuffled[-1][:cut] = shuffled[0][:cut]
    given = [learner.scores(labels) for labels in shuffled]
    alike = shuffles_of(true[cut:], blocks[cut:], rng)
    reached = not np.array_equal(given[0], given[-1])
    if not reached:
        text = f"with other labels for the {len(given[0])} test rows every prediction is the same"
        found = found.joined(Audit((Check(LABELS, "learning", True, text, float(len(given[0])), "predictions"),)))
    else:
        repeats = np.array_equal(learner.scores(shuffled[0]), given[0])
        found = found.joined(_reach(learner, shuffled, given) if repeats else _random())
        found = found.joined(_on_shuffled(given, [labels[cut:] for labels in shuffled], alike, level))
    known = rank_correlation(learner.scores(true), true[cut:])
    return found.joined(survives(given[:-1], true[cut:], alike, known=known, level=level))


def survives(scores: list[Floats], true: Floats, alike: Floats, *, known: float, level: float) -> Audit:
    """Question 3. scores: float64[T] after each training on shuffled labels; true: of the test rows; alike: their `shuffles_of`; known: the
    rank correlation after training on true labels."""
    each = [rank_correlation(one, true) for one in scores]
    mean, learns = float(np.mean(each)), not all(np.array_equal(one, scores[0]) for one in scores)
    over_trainings = float(_stats().ttest_1samp(each, 0.0, alternative="greater").pvalue) if np.ptp(each) > 0 else 0.0
    together = np.mean([_ranks(one) for one in scores], axis=0)
    p = max(over_trainings, _p_value(together, true, alike))
    text = (
        f"rank correlation with true test labels {mean:+.3f} after training on shuffled labels ({len(scores)} times, p {p:.4f}, level "
        f"{level:g}); {known:+.3f} after training on true ones"
    )
    if p > level:
        return Audit((Check(LABELS, "edge", True, text, mean, SCORE),))
    why = "it was not learned from the labels" if learns else "whatever the labels, it predicts the same: it learns nothing from them"
    return Audit((Check(LABELS, "edge", False, text, mean, SCORE),), (Finding(LABELS, "edge", f"an edge survives: {text}; {why}"),))


def rank_correlation(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Spearman's, 0 where one of them does not vary."""
    a, b = (_ranks(values) for values in (scores, labels))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def _reach(learner: Learner, shuffled: list[Floats], given: list[Floats]) -> Audit:
    """Question 1 has failed, and not by chance: where?"""
    changed = given[0] != given[-1]
    row = learner.first_test + int(np.argmax(changed))
    text = (
        f"{int(changed.sum())} of {changed.size} predictions, the first at row {row}, change with the labels of test rows alone: these "
        "reach the learner"
    )
    first, other = learner.columns(shuffled[0]), learner.columns(shuffled[-1])
    named = []
    for name, values in first.items():
        differ = ~((values == other[name]) | (np.isnan(values) & np.isnan(other[name])))
        if differ.any():
            at = int(np.argmax(differ))
            where = f"column {name!r} is made of labels of test rows: with others it changes in {int(differ.sum())} rows, first in row {at}"
            named.append(Finding(LABELS, "features", where, name, at))
    check = Check(LABELS, "learning", False, text, float(changed.sum()), "predictions")
    return Audit((check,), tuple(named) or (Finding(LABELS, "learning", text, None, row),))


def _random() -> Audit:
    """Question 1, where the learner gives other predictions for the very same labels."""
    text = "the learner draws at random: whether test labels reach it is left to the score on shuffled ones; give it a seed to know exactly"
    return Audit((Check(LABELS, "learning", None, text),))


def _on_shuffled(scores: list[Floats], labels: list[Floats], alike: Floats, level: float) -> Audit:
    """Question 2. scores, labels: of the test rows, a training each."""
    p_values = [_p_value(one, own, alike) for one, own in zip(scores, labels, strict=True)]
    mean = float(np.mean([rank_correlation(one, own) for one, own in zip(scores, labels, strict=True)]))
    p = float(_stats().combine_pvalues(p_values).pvalue)
    text = f"predictions and the shuffled labels of test rows have a rank correlation of {mean:+.3f} (p {p:.2g}, level {level:g})"
    leak = (Finding(LABELS, "learning", f"an edge survives where labels are shuffled: {text}"),) if p <= level else ()
    return Audit((Check(LABELS, "learning", p > level, text, mean, SCORE),), leak)


def _columns_that_are_labels(learner: Learner, true: Floats) -> Audit:
    columns, won = learner.columns(true), true > np.median(true) if (true > 0).all() or (true <= 0).all() else true > 0
    found, highest = [], 0.0
    for name, values in columns.items():
        if values.shape != true.shape:
            raise EsbtError(f"Learner.features: column {name!r} has shape {values.shape}: give one value a label, {len(true)}")
        there = ~np.isnan(values)
        wins, losses = int(won[there].sum()), int((~won[there]).sum())
        if min(wins, losses) < LEAST_ROWS // 2:
            continue
        area = (_ranks(values[there])[won[there]].sum() - wins * (wins + 1) / 2) / (wins * losses)
        highest = max(highest, area, 1 - area)
        if max(area, 1 - area) >= IS_THE_LABEL:
            text = f"column {name!r} alone tells wins from losses with ROC-AUC {max(area, 1 - area):.3f}: it is the label, or made of it"
            found.append(Finding(LABELS, "features", text, name))
    if not columns:
        return Audit(())
    told = "; ".join(one.text for one in found) or f"no column alone tells wins from losses (greatest ROC-AUC {highest:.3f})"
    return Audit((Check(LABELS, "features", not found, told, highest, "ROC-AUC"),), tuple(found))


def shuffles_of(labels: Floats, blocks: npt.NDArray[Any], rng: np.random.Generator) -> Floats:
    """Ranks of so many shuffles of these labels, about 0: float64[DRAWS, n]."""
    place = _ranks(labels) - (len(labels) + 1) / 2
    return np.asarray(place[np.stack([block_order(blocks, rng) for _ in range(DRAWS)])])


def _p_value(scores: Floats, labels: Floats, alike: Floats) -> float:
    """Of the rank correlation, against shuffles of the labels with the same predictions."""
    ranks, place = (_ranks(values) - (len(scores) + 1) / 2 for values in (scores, labels))
    seen = float(ranks @ place)
    return float((1 + np.count_nonzero(alike @ ranks >= seen - 1e-9 * abs(seen))) / (DRAWS + 1))


def _drawn(labels: Floats, blocks: npt.NDArray[Any], cut: int, rng: np.random.Generator) -> Floats:
    return np.concatenate([_mixed(labels[part], blocks[part], rng) for part in (slice(0, cut), slice(cut, None))])


def _mixed(labels: Floats, blocks: npt.NDArray[Any], rng: np.random.Generator) -> Floats:
    return labels[block_order(blocks, rng)]


def block_order(blocks: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Rows in a new order, int64[n]: runs of equal `blocks` in a random one, then turned about by a random number of rows, so that every
    row is as likely to come to each place."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(blocks)) + 1, [len(blocks)]))
    runs = [np.arange(a, b) for a, b in pairwise(edges.tolist())]
    order = np.concatenate([runs[k] for k in rng.permutation(len(runs))])
    return np.roll(order, int(rng.integers(len(order))))


def _checked(learner: Learner) -> tuple[Floats, npt.NDArray[Any]]:
    true, blocks = np.asarray(learner.labels, dtype=np.float64), np.asarray(learner.blocks)
    if true.ndim != 1 or blocks.shape != true.shape:
        raise EsbtError(f"Learner: labels have shape {true.shape}, blocks {blocks.shape}: give one of each a row")
    if not np.isfinite(true).all():
        raise EsbtError(
            f"Learner.labels has {true[np.argmin(np.isfinite(true))]} at row {np.argmin(np.isfinite(true))}: leave such rows out"
        )
    if min(learner.first_test, len(true) - learner.first_test) < LEAST_ROWS:
        raise EsbtError(
            f"Learner.first_test is {learner.first_test} of {len(true)} rows: the test needs {LEAST_ROWS} rows or more on either side"
        )
    return true, blocks


def _stats() -> Any:
    from scipy import stats  # half a second, here rather than at every import of esbt

    return stats


def _ranks(values: npt.ArrayLike) -> Floats:
    return np.asarray(_stats().rankdata(values), dtype=np.float64)
