"""Several models as one: a weighted mean, its weights learned from out-of-fold predictions alone (stacking; Wolpert 1992, Breiman 1996).

Weights are never negative and sum to 1, so that a blend of probabilities is a probability and a blend of distances a distance. They have
the least proper loss of what is blended: for "binary" squared error of the probability, by non-negative least squares; for "quantile"
pinball loss, by a linear program. No intercept and no shrinkage: with few members both have little to do. Knows no library of models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog, nnls
from scipy.sparse import csr_array, eye_array, hstack, vstack
from scipy.special import expit, logit

from esbt.entry_model import Ask
from esbt.errors import EsbtError
from python_models.boosting import Rows
from python_models.cross_validation import PurgedKFold
from python_models.learners import Sample

Floats = npt.NDArray[np.float64]
Member = Callable[[Sample, Rows], Floats]  # margins float64[m] of rows from a model fitted to the sample, such as `Tuned.margins`
_EDGE = 1e-12  # from 0 and 1: the blend's log odds are finite however sure its members are


@dataclass(frozen=True)
class Blend:
    """A weighted mean of members: of their probabilities for "binary", whose log odds it gives; of their margins for "quantile"."""

    weights: tuple[float, ...]
    objective: Literal["binary", "quantile"] = "binary"

    def combine(self, margins: npt.ArrayLike) -> Floats:
        """Margins float64[n] of the blend from those of the members, float64[n, M]. Raises EsbtError for another number of members."""
        m = np.asarray(margins, dtype=np.float64)
        if m.ndim != 2 or m.shape[1] != len(self.weights):
            raise EsbtError(f"the blend has {len(self.weights)} members, got margins of shape {m.shape}")
        if self.objective == "quantile":
            return np.asarray(m @ self.weights, dtype=np.float64)
        return np.asarray(logit(np.clip(expit(m) @ self.weights, _EDGE, 1 - _EDGE)), dtype=np.float64)

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
    objective: Literal["binary", "quantile"] = "binary",
    alpha: float = 0.5,
) -> Stacked:
    """Weights from predictions that each member makes for rows it was not fitted to: for each fold, fitted to its training rows alone.

    Parameters tuned on the same rows have seen them: tune inside (`cross_validation.nested`) or bear it. Raises EsbtError for no members
    and what the splitter refuses.
    """
    if not members:
        raise EsbtError("an ensemble needs one member or more")
    x, y, _ = sample.arrays()
    margins = np.empty((len(x), len(members)))
    for train, test in splitter.split(x, y):
        fitted_to = sample.take(train)
        for column, member in enumerate(members):
            margins[test, column] = member(fitted_to, x[test])
    if not np.isfinite(margins).all():
        raise EsbtError(f"member {int(np.argwhere(~np.isfinite(margins))[0, 1])} gave a margin that is not finite")
    if objective == "binary":
        blend = Blend(brier_weights(expit(margins), y))
        said = np.column_stack([expit(margins), expit(blend.combine(margins))])
        losses = ((said - y[:, None]) ** 2).mean(axis=0)
    else:
        blend = Blend(pinball_weights(margins, y, alpha), "quantile")
        short = y[:, None] - np.column_stack([margins, blend.combine(margins)])
        losses = np.maximum(alpha * short, (alpha - 1) * short).mean(axis=0)
    return Stacked(blend, margins, tuple(losses.tolist()))


def brier_weights(probabilities: Floats, y: Floats) -> tuple[float, ...]:
    """Weights w >= 0 that sum to 1 with the least |P w - y|^2, P float64[n, M].

    As they sum to 1, P w - y = D w with D = P - y. Non-negative least squares of D v = 0 and sum v = 1 (Lawson and Hanson 1974, ch. 23)
    gives a multiple of w, whatever the two weigh, so scaling it is exact.
    """
    distance = probabilities - y[:, None]
    heavy = max(1.0, float(np.linalg.norm(distance)))
    v, _ = nnls(np.vstack([distance, np.full(distance.shape[1], heavy)]), np.append(np.zeros(len(y)), heavy))
    return tuple((v / v.sum()).tolist())


def pinball_weights(margins: Floats, y: Floats, alpha: float) -> tuple[float, ...]:
    """Weights w >= 0 that sum to 1 with the least pinball loss of M w at alpha, M float64[n, M], by a linear program: y - M w = up - down,
    minimise alpha up + (1 - alpha) down (Koenker and Bassett 1978)."""
    n, m = margins.shape
    cost = np.concatenate([np.zeros(m), np.full(n, alpha), np.full(n, 1 - alpha)])

    split = hstack([csr_array(margins), eye_array(n), -eye_array(n)])
    one = hstack([csr_array(np.ones((1, m))), csr_array((1, 2 * n))])
    found = linprog(cost, A_eq=vstack([split, one]).tocsc(), b_eq=np.append(y, 1.0), method="highs")
    if found.status != 0:
        raise EsbtError(f"the weights of the ensemble were not found: {found.message}")
    weights = np.maximum(found.x[:m], 0.0)
    return tuple((weights / weights.sum()).tolist())
