"""Is the best of many lanes better than not trading, given that it was picked? White's reality check, Hansen's SPA, step-wise tests.

All three compare the greatest mean over lanes with its distribution when no lane has an edge, drawn by the stationary bootstrap of whole
sessions, so that correlation between lanes and from session to session is kept. Input: float64[lanes, sessions] of session P&L (any unit;
less the benchmark's, to test against another benchmark than 0). Lanes that are 0 throughout equal the benchmark and are left out.
p-values are (1 + count) / (replications + 1), never 0. Cost: 2 x lanes x sessions x replications floating-point operations a pass.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esbt._series import Floats
from esbt.errors import EsbtError
from esbt.stats._checks import fraction, whole
from esbt.stats._rows import Rows, rows_of
from esbt.stats.bootstrap import LEAST_SESSIONS, block_length, bootstrap_variance, bootstrap_weights

Matrix = npt.ArrayLike | Rows
_LOWER, _CONSISTENT, _UPPER, _PLAIN = range(4)


@dataclass(frozen=True)
class SuperiorAbility:
    """p-values of SPA with its bounds and of the reality check; `best` is the lane with the greatest `statistic` (sqrt(S) mean /
    deviation).
    """

    lower: float
    consistent: float
    upper: float
    reality_check: float
    statistic: float
    best: int
    lanes: int
    block: float
    replications: int


@dataclass(frozen=True)
class Snooped:
    """One pass over the lanes. statistic float64[lanes], studentised; maxima float64[4, replications]: SPA lower, consistent, upper, and
    the reality check's, not studentised, as `plain` (the greatest sqrt(S) mean) is."""

    rows: Rows
    statistic: Floats
    plain: float
    maxima: Floats
    block: float

    def p_value(self, which: int) -> float:
        seen = self.plain if which == _PLAIN else float(self.statistic.max())
        return _p_value(self.maxima[which], max(seen, 0.0))


def spa(pnl_by_lane: Matrix, *, replications: int = 1000, block: float | None = None, seed: int = 0) -> SuperiorAbility:
    """Test of superior predictive ability: p-value of "no lane has a positive mean", with its lower and upper bounds.

    Studentised by the bootstrap's own deviation, so that a wild lane does not drown a steady one. The bounds differ in how lanes worse than
    the benchmark are treated: `upper` supposes that all are just as good as it, `lower` keeps their bad means, and `consistent`, the one to
    quote, keeps those below -sqrt(2 log log S) deviations. Source: Hansen 2005, "A Test for Superior Predictive Ability", J. Business and
    Economic Statistics 23. `block`: mean block length in sessions, see `block_length`. (arch's SPA does not studentise its statistic.)
    """
    return ability(snooped(pnl_by_lane, replications, block, seed))


def reality_check(pnl_by_lane: Matrix, *, replications: int = 1000, block: float | None = None, seed: int = 0) -> float:
    """p-value of White's reality check: as `spa`, not studentised and with all lanes as good as the benchmark, so bad lanes raise it.

    Source: White 2000, "A Reality Check for Data Snooping", Econometrica 68.
    """
    return snooped(pnl_by_lane, replications, block, seed).p_value(_PLAIN)


def stepm(
    pnl_by_lane: Matrix, *, level: float = 0.05, replications: int = 1000, block: float | None = None, seed: int = 0
) -> npt.NDArray[np.int64]:
    """Which lanes have a positive mean: int64[K], ascending, wrong anywhere among them with probability at most `level` (FWER).

    Lanes found are taken out and the rest is tested again, until no more are found. Source: Romano and Wolf 2005, "Stepwise Multiple
    Testing as Formalized Data Snooping", Econometrica 73, with the consistent centring of SPA (Hsu, Hsu and Kuan 2010, J. Empirical Finance
    17). One pass a step.
    """
    fraction(level, "level")
    found = np.empty(0, dtype=np.int64)
    rows = moving(rows_of(pnl_by_lane, "pnl_by_lane", LEAST_SESSIONS))
    while len(rows):
        pass_ = resampled(rows, replications, block, seed)
        block = pass_.block
        better = np.array([_p_value(pass_.maxima[_CONSISTENT], max(one, 0.0)) <= level for one in pass_.statistic], dtype=np.bool_)
        if not better.any():
            break
        found = np.concatenate((found, rows.lanes[better]))
        rows = rows.subset(~better)
    return np.sort(found)


def ability(passed: Snooped) -> SuperiorAbility:
    """What a pass says, in words of the field."""
    best = int(passed.statistic.argmax())
    return SuperiorAbility(
        lower=passed.p_value(_LOWER),
        consistent=passed.p_value(_CONSISTENT),
        upper=passed.p_value(_UPPER),
        reality_check=passed.p_value(_PLAIN),
        statistic=float(passed.statistic[best]),
        best=int(passed.rows.lanes[best]),
        lanes=len(passed.rows),
        block=passed.block,
        replications=passed.maxima.shape[1],
    )


def snooped(pnl_by_lane: Matrix, replications: int, block: float | None, seed: int) -> Snooped:
    """`resampled` over the lanes that traded. Raises EsbtError where there is none."""
    rows = moving(rows_of(pnl_by_lane, "pnl_by_lane", LEAST_SESSIONS))
    if not len(rows):
        raise EsbtError(f"{rows.name} is 0 throughout: no lane traded, so there is nothing to test")
    return resampled(rows, replications, block, seed)


def resampled(rows: Rows, replications: int, block: float | None, seed: int) -> Snooped:
    """The pass that all tests here share, over lanes that vary: one read, whatever is asked of it."""
    length = block_length(rows, block)
    weights = bootstrap_weights(rows.sessions, length, whole(replications, "replications", 100), whole(seed, "seed", 0))
    return maxima_over(rows, weights, length)


def maxima_over(rows: Rows, weights: Floats, block: float) -> Snooped:
    """The pass, with given weights float64[sessions, replications] (see `bootstrap_weights`)."""
    root = np.sqrt(rows.sessions)
    threshold = -np.sqrt(2.0 * np.log(np.log(rows.sessions)))
    statistic, plain = np.empty(len(rows)), np.empty(len(rows))

    def work(blocks: list[slice]) -> Floats:
        most = max(one.stop - one.start for one in blocks)
        products, spares = np.empty((2, most, weights.shape[1]))  # once a share: fresh pages cost as much as the arithmetic
        highest = np.full((4, weights.shape[1]), -np.inf)
        for one in blocks:
            lanes = rows.read(one)
            deviation = np.sqrt(bootstrap_variance(lanes, block))
            means = root * lanes.mean(axis=1)
            t = means / deviation
            lanes *= (root / deviation)[:, None]
            drawn, spare = np.matmul(lanes, weights, out=products[: len(lanes)]), spares[: len(lanes)]
            for which, centre in ((_LOWER, np.maximum(t, 0.0)), (_CONSISTENT, np.where(t >= threshold, t, 0.0)), (_UPPER, t)):
                np.subtract(drawn, centre[:, None], out=spare)
                np.maximum(highest[which], spare.max(axis=0), out=highest[which])
            spare *= deviation[:, None]  # what was centred last, in its own unit again
            np.maximum(highest[_PLAIN], spare.max(axis=0), out=highest[_PLAIN])
            statistic[one], plain[one] = t, means
        return highest

    maxima = np.maximum.reduce(rows.shared(work))
    return Snooped(rows, statistic, float(plain.max()), np.maximum(maxima, 0.0), block)


def moving(rows: Rows) -> Rows:
    """The lanes that are not 0 throughout. Raises EsbtError for a lane that is one other value throughout: it has no deviation."""
    kept = np.zeros(len(rows), dtype=np.bool_)

    def work(blocks: list[slice]) -> None:
        for block in blocks:
            lanes = rows.read(block)
            widest = np.abs(lanes).max(axis=1)
            kept[block] = widest > 0
            flat = kept[block] & (np.ptp(lanes, axis=1) <= 1e-14 * widest)
            if flat.any():
                lane = int(rows.lanes[block][flat][0])
                raise EsbtError(f"{rows.name} is {lanes[flat][0, 0]} in every session of lane {lane}: drop lanes that do not vary")

    rows.shared(work)
    return rows.subset(kept)


def _p_value(maxima: Floats, seen: float) -> float:
    return (1.0 + float(np.count_nonzero(maxima >= seen))) / (len(maxima) + 1.0)
