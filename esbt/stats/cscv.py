"""Probability of backtest overfitting: how often the lane that is best in one half of the sessions is below the median in the other.

It judges the CHOICE among lanes, not whether any has an edge: lanes that are equally good give 1/2, as lanes that are equally bad do.
Source: Bailey, Borwein, Lopez de Prado and Zhu 2017, "The Probability of Backtest Overfitting", J. Computational Finance 20(4).
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from esbt._series import Floats
from esbt.errors import EsbtError
from esbt.stats._checks import whole
from esbt.stats._rows import Rows, rows_of

_AT_ONCE = 16  # lanes x splits in memory: near the cache
_MOST_BLOCKS = 20


@dataclass(frozen=True)
class Cscv:
    """All splits of a cross-validation, C(blocks, blocks / 2) of them.

    pbo: share of logits <= 0. logits float64[splits]: of the out-of-sample rank of the lane chosen, over trials + 1. chosen int64[splits]:
    that lane; in_sample, out_of_sample float64[splits]: its Sharpe ratio per period in either half. loss_probability: share of splits in
    which it is below 0 out of sample. slope: of out_of_sample on in_sample (NaN where in_sample does not vary).
    """

    pbo: float
    logits: Floats
    chosen: npt.NDArray[np.int64]
    in_sample: Floats
    out_of_sample: Floats
    loss_probability: float
    slope: float


def pbo(returns_by_trial: npt.ArrayLike | Rows, blocks: int = 16) -> float:
    """Probability of backtest overfitting, 0 to 1, of returns float64[trials, sessions]: ONE ROW A TRIAL. See `cscv`."""
    return cscv(returns_by_trial, blocks).pbo


def cscv(returns_by_trial: npt.ArrayLike | Rows, blocks: int = 16) -> Cscv:
    """Combinatorially symmetric cross-validation of returns float64[trials, sessions] by Sharpe ratio.

    Sessions are cut into `blocks` (even, 2 to 20) runs of equal length, give or take one; every half of the blocks is once the sample in
    which the best trial is chosen, the rest the test. Ties share the mean rank; a trial that does not vary in a half has ratio 0 there: it
    did not trade. Memory: 16 bytes a trial and block. Raises EsbtError for under two trials or two sessions a block.
    """
    if whole(blocks, "blocks", 2) % 2 or blocks > _MOST_BLOCKS:
        raise EsbtError(f"blocks is {blocks}: give an even number from 2 to {_MOST_BLOCKS} (16 gives 12,870 splits)")
    rows = rows_of(returns_by_trial, "returns_by_trial", 2 * blocks)
    if len(rows) < 2:
        raise EsbtError("returns_by_trial has one trial: overfitting is a matter of choosing among two or more")
    sums = _Sums(rows, blocks)
    best, chosen, tested = sums.choose()
    below, equal = sums.rank(tested)
    place = (below + (equal + 1.0) / 2.0) / (len(rows) + 1.0)
    logits = np.log(place / (1.0 - place))
    spread = best - best.mean()
    varies = np.ptp(best) > 1e-14 * np.abs(best).max()
    return Cscv(
        pbo=float(np.mean(logits <= 1e-12)),  # a rank in the very middle is a logit of 0, up to rounding
        logits=logits,
        chosen=rows.lanes[chosen],
        in_sample=best,
        out_of_sample=tested,
        loss_probability=float(np.mean(tested < 0)),
        slope=float(np.sum(spread * tested) / np.sum(spread**2)) if varies else math.nan,
    )


class _Sums:
    """Sums over blocks of each lane, from which the Sharpe ratios of every split follow by one small matrix product."""

    def __init__(self, rows: Rows, blocks: int) -> None:
        self.rows = rows
        edges = np.linspace(0, rows.sessions, blocks + 1).astype(np.int64)
        halves = list(combinations(range(blocks), blocks // 2))
        self.member = np.zeros((blocks, len(halves)))
        for split, half in enumerate(halves):
            self.member[list(half), split] = 1.0
        self.count = np.diff(edges).astype(np.float64) @ self.member
        self.mean = np.zeros((len(rows), 1))
        self.first, self.second = np.empty((len(rows), blocks)), np.empty((len(rows), blocks))

        def work(shares: list[slice]) -> None:
            for share in shares:
                lanes = rows.read(share)
                self.mean[share, 0] = lanes.mean(axis=1)
                lanes -= self.mean[share]  # keeps variances of small differences exact
                self.first[share] = np.add.reduceat(lanes, edges[:-1], axis=1)
                self.second[share] = np.add.reduceat(lanes**2, edges[:-1], axis=1)

        rows.shared(work)

    def ratios(self, lanes: slice) -> Floats:
        """float64[k, splits]: Sharpe ratio per period in the split's sample. The test's is that of the split's mirror, `[:, ::-1]`."""
        first, second = self.first[lanes] @ self.member, self.second[lanes] @ self.member
        energy = second - first**2 / self.count
        flat = energy <= 1e-12 * second
        energy[flat] = np.inf
        out: Floats = (self.mean[lanes] + first / self.count) / np.sqrt(energy / (self.count - 1.0))
        return out

    def choose(self) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
        """Of the best lane of each split: its ratio in the sample, its place among the rows (the first of equals), its ratio in the
        test.
        """
        splits = len(self.count)

        def work(shares: list[slice]) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
            best, chosen, tested = np.full(splits, -np.inf), np.zeros(splits, np.int64), np.zeros(splits)
            for lanes in _pieces(shares):
                ratios = self.ratios(lanes)
                _take(best, chosen, tested, ratios, lanes.start)
            return best, chosen, tested

        best, chosen, tested = np.full(splits, -np.inf), np.full(splits, len(self.rows), np.int64), np.zeros(splits)
        for one in self.rows.shared(work):
            better = (one[0] > best) | ((one[0] == best) & (one[1] < chosen))
            for kept, new in zip((best, chosen, tested), one, strict=True):
                np.copyto(kept, new, where=better, casting="same_kind")
        return best, chosen, tested

    def rank(self, tested: Floats) -> tuple[Floats, Floats]:
        """How many lanes are below `tested` in the test of each split, and how many equal it (the chosen one does)."""

        def work(shares: list[slice]) -> Floats:
            counts = np.zeros((2, len(tested)))
            for lanes in _pieces(shares):
                ratios = self.ratios(lanes)[:, ::-1]
                counts[0] += np.count_nonzero(ratios < tested, axis=0)
                counts[1] += np.count_nonzero(ratios == tested, axis=0)
            return counts

        counts = np.sum(self.rows.shared(work), axis=0)
        return counts[0], counts[1]


def _take(best: Floats, chosen: npt.NDArray[np.int64], tested: Floats, ratios: Floats, start: int) -> None:
    """Updates what was best so far, in place, with the lanes from `start` on."""
    lane = ratios.argmax(axis=0)
    split = np.arange(len(best))
    found = ratios[lane, split]
    better = found > best
    best[better], chosen[better] = found[better], lane[better] + start
    tested[better] = ratios[:, ::-1][lane, split][better]


def _pieces(shares: list[slice]) -> list[slice]:
    return [slice(at, min(at + _AT_ONCE, share.stop)) for share in shares for at in range(share.start, share.stop, _AT_ONCE)]
