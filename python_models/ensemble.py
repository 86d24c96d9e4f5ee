"""Several models as one: a weighted mean, its weights learned from out-of-fold predictions alone (stacking; Wolpert 1992, Breiman 1996).

Weights are never negative and sum to 1, so that a blend of probabilities is a probability and a blend of distances a distance. They have
the least proper loss of what is blended: squared error, for "binary" of the probability, by non-negative least squares; for "quantile"
pinball loss, by a linear program. No intercept and no shrinkage: with few members both have little to do. Where a member has no answer
(NaN: a network without one of its features) the others answer alone. Knows no library of models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog, nnls
from scipy.special import expit, logit

from esbt.entry_model import Ask
from esbt.errors import EsbtError
from python_models.boosting import Rows
from python_models.cross_validation import PurgedKFold
from python_models.learners import Objective, Sample

Floats = npt.NDArray[np.float64]
Member = Callable[[Sample, Rows], Floats]  # margins float64[m] of rows from a model fitted to the sample, such as `Tuned.margins`
_EDGE = 1e-12  # from 0 and 1: the blend's log odds are finite however sure its members are


@dataclass(frozen=True)
class Blend:
    """A weighted mean of members: of their probabilities for "binary", whose log odds it gives; else of their margins."""

    weights: tuple[float, ...]
    objective: Objective = "binary"

    def combine(self, margins: npt.ArrayLike) -> Floats:
        """Margins float64[n] of the blend from those of the members, float64[n, M]; of a row, the same bits whatever rows are beside it.

        In a row with NaN the weights of those that answer are scaled to 1; if they have none, equal ones; NaN where none answers. Raises
        EsbtError for another number of members.
        """
        m = np.asarray(margins, dtype=np.float64)
        if m.ndim != 2 or m.shape[1] != len(self.weights):
            raise EsbtError(f"the blend has {len(self.weights)} members, got margins of shape {m.shape}")
        if self.objective != "binary":
            return self._mean(m)
        return np.asarray(logit(np.clip(self._mean(expit(m)), _EDGE, 1 - _EDGE)), dtype=np.float64)

    def _mean(self, said: Floats) -> Floats:
        silent = np.isnan(said)
        if not silent.any():
            return np.asarray((said * self.weights).sum(axis=1), dtype=np.float64)
        own = np.where(silent, 0.0, self.weights)
        own = np.where(own.sum(axis=1, keepdims=True) > 0, own, ~silent)
        with np.errstate(invalid="ignore"):  # no member answers: 0 / 0
            answer = (np.where(silent, 0.0, said) * own).sum(axis=1) / own.sum(axis=1)
        whole = ~silent.any(axis=1)
        answer[whole] = (said[whole] * self.weights).sum(axis=1)
        return np.asarray(answer, dtype=np.float64)

    def ask(self, members: Sequence[Ask]) -> Ask:
        """One question to the loop for all members: a callable that asks each of them. Raises EsbtError unless they have equal inputs."""
        inputs = tuple(members[0].inputs) if members else ()
        if len(members) != len(self.weights) or any(tuple(own.inputs) != inputs for own in members):
            raise EsbtError(f"a blend of {len(self.weights)} needs as many members with equal inputs, got {len(members)}")
        hooks = [own.resolved() for own in members]
        return Ask(lambda x: self.combine(np.column_stack([hook(x) for hook in hooks])), inputs)


@dataclass(frozen=True, eq=False)
class Stacked:
    """A fitted blend. out_of_fold: margins of the members, float64[n, M]. losses: mean loss on them, of each member and then of the blend,
    whose weights were chosen on these rows: judge it elsewhere."""

    blend: Blend
    out_of_fold: Floats
    losses: tuple[float, ...]


def stack(
    members: Sequence[Member],
    sample: Sample,
    splitter: PurgedKFold,
    *,
    objective: Objective = "binary",
    alpha: float = 0.5,
) -> Stacked:
    """Weights from predictions that each member makes for rows it was not fitted to: for each fold, fitted to its training rows alone.

    A row counts as much as its weight in the sample, and not at all where a member has no answer (NaN). Parameters tuned on the same rows
    have seen them: tune inside (`cross_validation.nested`) or bear it. Raises EsbtError for no members, no row that all answer, an infinite
    margin, and what the splitter refuses.
    """
    if not members:
        raise EsbtError("an ensemble needs one member or more")
    x, y, _ = sample.arrays()
    margins = np.empty((len(x), len(members)))
    for train, test in splitter.split(x, y):
        fitted_to = sample.take(train)
        for column, member in enumerate(members):
            margins[test, column] = member(fitted_to, x[test])
    if np.isinf(margins).any():
        raise EsbtError(f"member {int(np.argwhere(np.isinf(margins))[0, 1])} gave a margin that is not finite")
    if silent := np.flatnonzero(np.isnan(margins).all(axis=0)).tolist():
        raise EsbtError(f"member {silent[0]} gave a margin of no row: leave it out")
    blend = fit_blend(margins, sample, objective, alpha)
    return Stacked(blend, margins, _mean_losses(blend, margins, sample, alpha))


def fit_blend(margins: Floats, sample: Sample, objective: Objective, alpha: float = 0.5) -> Blend:
    """The blend of least weighted loss on rows that all members answer, margins float64[n, M]. Raises EsbtError where there is none."""
    _, y, weights = sample.arrays()
    whole = ~np.isnan(margins).any(axis=1)
    if not whole.any():
        raise EsbtError("no row has an answer of every member: give rows whose features are all there")
    if objective != "quantile":
        said = expit(margins[whole]) if objective == "binary" else margins[whole]
        return Blend(squared_weights(said, y[whole], weights[whole]), objective)
    return Blend(pinball_weights(margins[whole], y[whole], alpha, weights[whole]), "quantile")


def _mean_losses(blend: Blend, margins: Floats, sample: Sample, alpha: float) -> tuple[float, ...]:
    """Of each member and of the blend, on the rows that all answer."""
    _, y, weights = sample.arrays()
    whole = ~np.isnan(margins).any(axis=1)
    said = np.column_stack([margins, blend.combine(margins)])[whole]
    if blend.objective != "quantile":
        losses = ((expit(said) if blend.objective == "binary" else said) - y[whole, None]) ** 2
    else:
        short = y[whole, None] - said
        losses = np.maximum(alpha * short, (alpha - 1) * short)
    return tuple(np.average(losses, axis=0, weights=weights[whole]).tolist())


def squared_weights(probabilities: Floats, y: Floats, weights: Floats | None = None) -> tuple[float, ...]:
    """Weights w >= 0 that sum to 1 with the least |P w - y|^2, P float64[n, M]; weights: float64[n], of the rows.

    As they sum to 1, P w - y = D w with D = P - y. Non-negative least squares of D v = 0 and sum v = 1 (Lawson and Hanson 1974, ch. 23)
    gives a multiple of w, whatever the two weigh, so scaling it is exact.
    """
    distance = probabilities - y[:, None]
    if weights is not None:
        distance = distance * np.sqrt(weights)[:, None]
    heavy = max(1.0, float(np.linalg.norm(distance)))
    v, _ = nnls(np.vstack([distance, np.full(distance.shape[1], heavy)]), np.append(np.zeros(len(y)), heavy))
    return tuple((v / v.sum()).tolist())


def pinball_weights(margins: Floats, y: Floats, alpha: float, weights: Floats | None = None) -> tuple[float, ...]:
    """Weights w >= 0 that sum to 1 with the least pinball loss of M w at alpha, M float64[n, M], by a linear program: y - M w = up - down,
    minimise alpha up + (1 - alpha) down (Koenker and Bassett 1978). Solved by its dual, of m rows: maximise y d + l with M' d + l <= 0,
    d in [alpha - 1, alpha], where w are the prices of the m. weights: float64[n], of the rows."""
    n, m = margins.shape
    if m == 1:
        return (1.0,)
    each = np.ones(n) if weights is None else weights
    bounds = np.vstack([np.column_stack([(alpha - 1) * each, alpha * each]), [[-np.inf, np.inf]]])
    above = np.hstack([margins.T, np.ones((m, 1))])
    found = linprog(-np.append(y, 1.0), A_ub=above, b_ub=np.zeros(m), bounds=bounds, method="highs")
    if found.status != 0:
        raise EsbtError(f"the weights of the ensemble were not found: {found.message}")
    own = np.maximum(-found.ineqlin.marginals, 0.0)
    return tuple((own / own.sum()).tolist())
