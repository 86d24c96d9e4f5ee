"""The cut-off of a calibrated probability that brings the greatest expected utility after costs, on training time. Knows no model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError


@dataclass(frozen=True)
class Cut:
    """A threshold: signals with probability >= threshold are taken. utility: mean over all signals, taken or not, where one not taken
    counts 0, which is what not trading brings. share_taken: of the signals it was chosen on."""

    threshold: float
    utility: float
    share_taken: float


def utility_threshold(
    probability: npt.ArrayLike, multiples: npt.ArrayLike, *, risk_fraction: float = 0.01, aversion: float = 1.0, fewest: float = 0.1
) -> Cut:
    """The cut-off with the greatest mean of U(1 + risk_fraction * multiple) over the trades it takes, where it takes at least `fewest`.

    U has constant relative risk aversion g (Pratt 1964): (w^(1 - g) - 1) / (1 - g); ln w for g = 1, growth (Kelly 1956); w - 1 for g = 0,
    profit. probability: float64[L]. multiples: float64[L], net profit after costs over the money at the stop. risk_fraction: share of
    equity at the stop of each trade. The threshold lies midway between the last probability taken and the next below, so that rounding
    moves no signal across it; 0 where all are taken. Ties go to the lower cut-off. Raises EsbtError for other shapes or values and where
    a loss takes all there is.
    """
    p, r = np.asarray(probability, dtype=np.float64), np.asarray(multiples, dtype=np.float64)
    if p.ndim != 1 or p.shape != r.shape or not p.size:
        raise EsbtError(
            f"a threshold needs a probability and a multiple for each of one or more signals, got shapes {p.shape} and {r.shape}"
        )
    if not (np.isfinite(r).all() and (p >= 0).all() and (p <= 1).all()):
        raise EsbtError("a threshold needs probabilities in [0, 1] and finite multiples")
    if not (0 < risk_fraction <= 1 and 0 <= aversion < float("inf") and 0 <= fewest <= 1):
        raise EsbtError(
            f"risk_fraction must be in (0, 1], aversion 0 or more, fewest in [0, 1], got {risk_fraction}, {aversion} and {fewest}"
        )
    wealth = 1.0 + risk_fraction * r
    if wealth.min() <= 0:
        raise EsbtError(f"a loss of {-r.min():.4g} R at risk_fraction={risk_fraction} takes all there is: give a smaller risk_fraction")
    order = np.argsort(-p, kind="stable")
    ranked = p[order]
    total = np.cumsum(_utility(wealth, risk_fraction * r, aversion)[order])
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    allowed = np.flatnonzero(last_of_tie & (np.arange(1, p.size + 1) >= max(1, int(fewest * p.size))))
    best = int(allowed[total[allowed] == total[allowed].max()][-1])
    cut = 0.0 if best + 1 == p.size else float(ranked[best] + ranked[best + 1]) / 2
    return Cut(cut, float(total[best] / p.size), (best + 1) / p.size)


def _utility(wealth: npt.NDArray[np.float64], gain: npt.NDArray[np.float64], aversion: float) -> npt.NDArray[np.float64]:
    if aversion == 0:
        return gain
    return np.log(wealth) if aversion == 1 else np.expm1((1 - aversion) * np.log(wealth)) / (1 - aversion)
