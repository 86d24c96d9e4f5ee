"""What the pipeline claims: is there an edge out of sample, and is it machine learning's? One test, stated here and nowhere else.

An EDGE is claimed where the mean P&L of a session of the test time, after costs, is above 0 at `LEVEL`, one-sided. That machine learning
IMPROVES the strategy is claimed where besides the mean is above the baseline's at `LEVEL`: as both must hold, that claim has the level of
one of them (intersection-union test: Berger 1982, Technometrics 24). A lone win over the baseline is no claim: where nothing can be earned,
trading less loses less. Each p-value is the greater of Student's t, right for few sessions, and the stationary bootstrap's, right where
neighbouring sessions lean on each other. P&L is per contract (a run's P&L over its mean number of contracts at entry), so that size alone
gains nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError
from esbt.result import Result
from esbt.stats._mean import mean_above_zero
from esbt.stats.bootstrap import LEAST_SESSIONS

LEVEL = 0.05


@dataclass(frozen=True)
class Claim:
    """mean_usd, gain_usd: of a session, one contract, after costs: of the run, and of the run less the baseline. above_zero,
    above_baseline: one-sided p-values, 1 where nothing varies or sessions are too few to judge."""

    mean_usd: float
    gain_usd: float
    above_zero: float
    above_baseline: float
    sessions: int
    level: float = LEVEL

    @property
    def edge(self) -> bool:
        """An edge is claimed."""
        return self.above_zero <= self.level

    @property
    def improvement(self) -> bool:
        """An edge is claimed, and that learning made it better than the baseline."""
        return max(self.above_zero, self.above_baseline) <= self.level

    def __str__(self) -> str:
        if self.sessions < LEAST_SESSIONS:
            return f"No edge is claimed: {self.sessions} sessions were judged, the test needs {LEAST_SESSIONS}."
        verdict = "An edge is claimed" if self.edge else "No edge is claimed"
        over = "an improvement on the baseline is claimed" if self.improvement else "no improvement on the baseline is claimed"
        return (
            f"{verdict}: {self.mean_usd:,.0f} USD a session and contract after costs, {self.sessions} sessions (above 0: p "
            f"{self.above_zero:.3f}); {over}: {self.gain_usd:+,.0f} USD (above it: p {self.above_baseline:.3f}). Level {self.level:g}."
        )


def claim(ml: Result, baseline: Result, level: float = LEVEL) -> Claim:
    """The claim of a run against the baseline on the same bars. Raises EsbtError where the sessions differ."""
    if not np.array_equal(ml.bars.ts, baseline.bars.ts):
        raise EsbtError("a claim compares two runs on the same bars: these differ")
    return claim_of(_per_contract(ml), _per_contract(baseline), level)


def claim_of(pnl: npt.ArrayLike, baseline: npt.ArrayLike, level: float = LEVEL) -> Claim:
    """The same from P&L of sessions, float64[S] each, USD of one contract."""
    ours, theirs = np.asarray(pnl, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if ours.ndim != 1 or ours.shape != theirs.shape:
        raise EsbtError(f"a claim needs P&L of the same sessions, got shapes {ours.shape} and {theirs.shape}")
    gain = ours - theirs
    mean, more = (float(x.mean()) if x.size else float("nan") for x in (ours, gain))
    return Claim(mean, more, mean_above_zero(ours), mean_above_zero(gain), ours.size, level)


def _per_contract(result: Result) -> npt.NDArray[np.float64]:
    contracts = result.contracts_at_entry
    return np.asarray(result.daily["pnl"].to_numpy() / (float(contracts.mean()) if contracts.size else 1.0))
