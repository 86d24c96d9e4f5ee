"""How much of a sweep's best lane is luck: every test of `esbt.stats` on one matrix of session P&L, and what they say in plain words.

Thresholds. Two tests ask whether luck explains the best lane: the deflated Sharpe ratio with every lane that traded as a trial, and SPA's
consistent p-value. Both at `level`: "unlikely to be luck alone". Neither: "luck explains it". One: "not settled". The probability of
overfitting is about the choice among lanes, not about an edge, and never changes the conclusion; from 0.5 on the text warns.
Nothing here knows trials made before the sweep, nor whether the future is like the past, and the text says so.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from esbt._series import Floats
from esbt.errors import EsbtError
from esbt.metrics import SESSIONS_PER_YEAR
from esbt.stats import _normal
from esbt.stats._checks import fraction, whole
from esbt.stats._rows import SessionReturns
from esbt.stats.bootstrap import LEAST_SESSIONS
from esbt.stats.cscv import pbo
from esbt.stats.multiple import benjamini_hochberg
from esbt.stats.sharpe import expected_max_sharpe, minimum_backtest_length, moments_of, sharpe_probability
from esbt.stats.snooping import ability, resampled
from esbt.stats.trials import effective_count, standardised_sum

Conclusion = Literal["unlikely to be luck alone", "not settled", "luck explains it"]

PBO_LANES = 4096
PBO_WARNS = 0.5


@dataclass(frozen=True)
class Overfitting:
    """What the tests say of `lanes` lanes of `sessions` sessions, of which `traded` had a profit or loss and `ruined` lost all their cash.

    best_lane: row of the matrix. sharpe, luck_sharpe, luck_sharpe_effective: ANNUAL, of the best lane, and what the best of `traded`, or of
    `effective_trials`, is expected to show without skill. probabilistic, deflated, deflated_effective: probabilities that the true ratio is
    above 0, and above those two. pbo: of `pbo_lanes` lanes (NaN for one). reality_check, spa_lower, spa, spa_upper: p-values. passing:
    share of the lanes that traded which pass Benjamini-Hochberg at `level` by the mean of their returns. minimum_years: the backtest length
    under which luck is expected to show the best lane's ratio; `years` is the length at hand. block: mean bootstrap block, sessions.
    """

    lanes: int
    traded: int
    ruined: int
    sessions: int
    years: float
    best_lane: int
    sharpe: float
    luck_sharpe: float
    effective_trials: float
    luck_sharpe_effective: float
    probabilistic: float
    deflated: float
    deflated_effective: float
    pbo: float
    pbo_lanes: int
    reality_check: float
    spa_lower: float
    spa: float
    spa_upper: float
    passing: float
    minimum_years: float
    level: float
    replications: int
    block: float
    seed: int

    @property
    def conclusion(self) -> Conclusion:
        """By the thresholds above."""
        passed = (self.deflated >= 1.0 - self.level) + (self.spa <= self.level)
        return ("luck explains it", "not settled", "unlikely to be luck alone")[passed]

    @property
    def verdict(self) -> str:
        """A few sentences: what was computed on what, what it says, and what it cannot say."""
        ruin = f", {self.ruined:,} of them to ruin" if self.ruined else ""
        parts = [
            f"{self.lanes:,} lanes of {self.sessions:,} sessions ({self.years:.1f} years), of which {self.traded:,} traded{ruin}.",
            f"The best by Sharpe ratio is lane {self.best_lane} with {self.sharpe:.2f} a year; the best of {self.traded:,} independent "
            f"lanes without skill would be expected to show {self.luck_sharpe:.2f}.",
            f"{self.conclusion.capitalize()}: {self._reasons}.",
            self._choice,
            f"{self.passing:.1%} of the lanes that traded pass Benjamini-Hochberg at {self.level:.0%}.",
            self._length,
            "This knows only these lanes on these sessions: not what was tried before, and not whether the market stays as it was.",
        ]
        return " ".join(part for part in parts if part)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Label and number of each test, for tables."""
        return [
            ("Best lane", str(self.best_lane)),
            ("Sharpe ratio, annual", f"{self.sharpe:.2f}"),
            (f"Expected of the best of {self.traded:,} without skill", f"{self.luck_sharpe:.2f}"),
            (f"Expected of the best of {self.effective_trials:,.1f} (effective trials)", f"{self.luck_sharpe_effective:.2f}"),
            ("Probabilistic Sharpe ratio", f"{self.probabilistic:.3f}"),
            ("Deflated Sharpe ratio, all lanes", f"{self.deflated:.3f}"),
            ("Deflated Sharpe ratio, effective trials", f"{self.deflated_effective:.3f}"),
            (f"Probability of overfitting, {self.pbo_lanes:,} lanes", "n/a" if math.isnan(self.pbo) else f"{self.pbo:.3f}"),
            ("Reality check, p", _p(self.reality_check)),
            ("SPA, p (lower, upper)", f"{_p(self.spa)} ({_p(self.spa_lower)}, {_p(self.spa_upper)})"),
            (f"Lanes that pass Benjamini-Hochberg at {self.level:.0%}", f"{self.passing:.1%}"),
            ("Minimum backtest length / at hand, years", f"{self.minimum_years:.1f} / {self.years:.1f}"),
        ]

    def __str__(self) -> str:
        return self.verdict

    @property
    def _reasons(self) -> str:
        deflated = f"the deflated Sharpe ratio is {self.deflated:.3f} ({_asked(self.deflated >= 1 - self.level)} {1 - self.level:g})"
        spa = f"the p-value of SPA is {_p(self.spa)} ({'at or below' if self.spa <= self.level else 'above'} {self.level:g})"
        return f"{deflated} and {spa}"

    @property
    def _choice(self) -> str:
        if math.isnan(self.pbo):
            return ""
        of = "" if self.pbo_lanes == self.traded else f" among {self.pbo_lanes:,} lanes drawn from these"
        text = f"Chosen on half of the sessions{of}, the best lane fell to the lower half on the others in {self.pbo:.0%} of the splits"
        return text + (": being best in the past says nothing about which lane will be." if self.pbo >= PBO_WARNS else ".")

    @property
    def _length(self) -> str:
        if math.isinf(self.minimum_years):
            return ""
        enough = "long enough" if self.years > self.minimum_years else "too short"
        return (
            f"As many lanes without skill would show this ratio in {self.minimum_years:.1f} years: {self.years:.1f} are {enough} by that."
        )


def overfitting(
    pnl: npt.ArrayLike,
    cash: float,
    *,
    level: float = 0.05,
    blocks: int = 16,
    replications: int = 1000,
    block: float | None = None,
    seed: int = 0,
    pbo_lanes: int = PBO_LANES,
) -> Overfitting:
    """Every test on the session P&L of a sweep: `pnl` float64[lanes, sessions] USD, an array or a memmap; `cash` USD at the start of each
    lane.

    Returns are P&L over the equity before the session, 252 a year; a lane ruined at a session's end has none after it and is never the
    best, but is a trial. `blocks` as in `pbo`, over at most `pbo_lanes` lanes that traded, drawn by `seed`; `replications` and `block`
    (sessions) as in `spa`. Memory: a few hundred MB at most and 80 bytes a lane; the same result for any number of threads. Raises
    EsbtError for too few sessions (two a block), NaN, or when no lane traded.
    """
    fraction(level, "level")
    whole(pbo_lanes, "pbo_lanes", 2)
    everything = SessionReturns(pnl, cash, max(LEAST_SESSIONS, 2 * whole(blocks, "blocks", 2)))
    moments, ruined, effective = _survey(everything)
    varies = np.isfinite(moments[0])
    if not varies.any():
        raise EsbtError(f"no session of the {len(everything):,} lanes has a profit or loss: no lane traded, so there is nothing to test")
    traded, moments, ruined = everything.subset(varies), moments[:, varies], ruined[varies]
    if ruined.all():
        raise EsbtError(f"all {len(traded):,} lanes that traded lost all their cash: there is no best lane to test")
    passed = resampled(traded, replications, block, seed)
    snooping = ability(passed)

    best = int(np.where(ruined, -np.inf, moments[0]).argmax())
    count, sessions, year = len(traded), traded.sessions, math.sqrt(SESSIONS_PER_YEAR)
    variance = float(moments[0].var(ddof=1)) if count > 1 else 0.0
    luck, luck_effective = expected_max_sharpe(count, variance), expected_max_sharpe(max(effective, 1.0), variance)
    ratio, skew, raw = moments[:, best]
    own, deflated, deflated_effective = sharpe_probability(ratio, sessions, skew, raw, np.array([0.0, luck, luck_effective])).tolist()
    drawn = traded
    if count > pbo_lanes:
        drawn = traded.subset(np.sort(np.random.default_rng(seed).choice(count, pbo_lanes, replace=False)))
    p_values = _normal.above(passed.statistic)
    return Overfitting(
        lanes=len(everything),
        traded=count,
        ruined=int(ruined.sum()),
        sessions=sessions,
        years=sessions / SESSIONS_PER_YEAR,
        best_lane=int(traded.lanes[best]),
        sharpe=float(ratio) * year,
        luck_sharpe=luck * year,
        effective_trials=effective,
        luck_sharpe_effective=luck_effective * year,
        probabilistic=own,
        deflated=deflated,
        deflated_effective=deflated_effective,
        pbo=pbo(drawn, blocks) if count > 1 else math.nan,
        pbo_lanes=len(drawn),
        reality_check=snooping.reality_check,
        spa_lower=snooping.lower,
        spa=snooping.consistent,
        spa_upper=snooping.upper,
        passing=float(np.mean(benjamini_hochberg(p_values) <= level)),
        minimum_years=minimum_backtest_length(count, float(ratio) * year),
        level=level,
        replications=snooping.replications,
        block=snooping.block,
        seed=seed,
    )


def _survey(rows: SessionReturns) -> tuple[Floats, npt.NDArray[np.bool_], float]:
    """Of every lane its moments float64[3, lanes] as `lane_moments`, and whether it is ruined; and the effective trials: one read."""
    moments, ruined = np.empty((3, len(rows))), np.zeros(len(rows), dtype=np.bool_)

    def work(blocks: list[slice]) -> tuple[Floats, int]:
        total, count = np.zeros(rows.sessions), 0
        for block in blocks:
            returns, ruined[block] = rows.read_accounts(block)
            moments[:, block] = moments_of(returns)
            added = standardised_sum(returns)
            total, count = total + added[0], count + added[1]
        return total, count

    shares = rows.shared(work)
    return moments, ruined, effective_count(np.sum([share[0] for share in shares], axis=0), sum(share[1] for share in shares))


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def _asked(passed: bool) -> str:
    return "at or above" if passed else "below"
