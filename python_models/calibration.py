"""From raw margin to probability: Platt, beta and isotonic calibration, and which of them, chosen by log loss on time held out.

Margins are log odds, as a binary LightGBM or XGBoost model gives them. The loop applies a * margin + b (`esbt.EntryModel.calibration`):
Platt scaling goes there as it is; the other two enter as a callable around the model's hook, exact and at the pace of Python, one call a
signal. scikit-learn does the fitting. To add one: a class with `log_odds`, a fit, a place in `FITS` by its number of parameters.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from esbt.entry_model import Ask
from esbt.errors import EsbtError, unknown
from esbt.hooks import as_hook
from python_models.labels import Labels
from python_models.sample_weights import average_uniqueness

Floats = npt.NDArray[np.float64]
Affine = tuple[float, float]


class _Calibration:
    """What all three can do. log_odds: float64[n] of margins float64[n]."""

    kind: ClassVar[str]

    def log_odds(self, margins: npt.ArrayLike) -> Floats:
        raise NotImplementedError

    def probability(self, margins: npt.ArrayLike) -> Floats:
        """Calibrated probabilities float64[n] of raw margins float64[n]."""
        return np.asarray(expit(self.log_odds(margins)), dtype=np.float64)

    @property
    def affine(self) -> Affine | None:
        """(a, b) where the log odds are a * margin + b; None where no such pair is the same."""
        return None

    def in_loop(self, ask: Ask) -> tuple[Ask, Affine]:
        """The question and calibration (a, b) to give `esbt.EntryModel`: equal probabilities in the loop, up to rounding."""
        if self.affine is not None:
            return ask, self.affine
        ask.resolved()
        return Ask(Calibrated(ask.hook, self), ask.inputs), (1.0, 0.0)

    def described(self) -> dict[str, Any]:
        """Kind and numbers, as JSON holds them without loss."""
        return {"kind": self.kind} | {name: _plain(getattr(self, name)) for name in _names(type(self))}


@dataclass(frozen=True)
class Calibrated:
    """A callable of the loop: log odds float64[n], after calibration, of what a model (a forest, a hook or a callable) says of rows
    float32[n, k]."""

    model: Any
    calibration: _Calibration

    def __call__(self, x: npt.NDArray[np.float32]) -> Floats:
        return self.calibration.log_odds(as_hook(self.model, x.shape[1])(x))


@dataclass(frozen=True)
class Platt(_Calibration):
    """log odds = a * margin + b (Platt 1999), by logistic regression without his smoothed targets."""

    a: float
    b: float
    kind: ClassVar[str] = "platt"

    def log_odds(self, margins: npt.ArrayLike) -> Floats:
        """a * margin + b."""
        return self.a * np.asarray(margins, dtype=np.float64) + self.b

    @property
    def affine(self) -> Affine:
        """(a, b)."""
        return self.a, self.b


@dataclass(frozen=True)
class Beta(_Calibration):
    """log odds = a * ln s - b * ln(1 - s) + c, s the model's own probability, a and b never negative (Kull, Silva Filho and Flach 2017,
    AISTATS 54): Platt with slopes of its own below and above s = 1/2."""

    a: float
    b: float
    c: float
    kind: ClassVar[str] = "beta"

    def log_odds(self, margins: npt.ArrayLike) -> Floats:
        """a * ln s - b * ln(1 - s) + c."""
        m = np.asarray(margins, dtype=np.float64)
        return np.asarray(self.a * log_expit(m) - self.b * log_expit(-m) + self.c, dtype=np.float64)

    @property
    def affine(self) -> Affine | None:
        """(a, c) where both slopes are one: ln s - ln(1 - s) is the margin."""
        return (self.a, self.c) if self.a == self.b else None


@dataclass(frozen=True)
class Isotonic(_Calibration):
    """The rising probabilities of least squares (Zadrozny and Elkan 2002), linear between knots, flat beyond them.

    margins, probabilities: the K knots, ascending. Fitted to n rows they lie in [1 / (n + 2), 1 - 1 / (n + 2)]: no rows make sure.
    """

    margins: tuple[float, ...] = field(repr=False)
    probabilities: tuple[float, ...] = field(repr=False)
    kind: ClassVar[str] = "isotonic"

    def log_odds(self, margins: npt.ArrayLike) -> Floats:
        """Log odds of the probability between the knots."""
        at = np.interp(np.asarray(margins, dtype=np.float64), self.margins, self.probabilities)
        return np.asarray(logit(at), dtype=np.float64)


Calibration = Platt | Beta | Isotonic


def fit_platt(margins: npt.ArrayLike, won: npt.ArrayLike) -> Platt:
    """Logistic regression of the outcome on the margin. Raises EsbtError unless there are wins and losses."""
    m, y = _outcomes(margins, won)
    (a,), b = _logistic(m[:, None], y)
    return Platt(a, b)


def fit_beta(margins: npt.ArrayLike, won: npt.ArrayLike) -> Beta:
    """Logistic regression on ln s and -ln(1 - s), neither slope negative: the best of both slopes, one of them alone, and the base rate.

    Raises EsbtError unless there are wins and losses.
    """
    m, y = _outcomes(margins, won)
    columns = np.column_stack([log_expit(m), -log_expit(-m)])
    found = [Beta(0.0, 0.0, float(logit(y.mean())))]
    for kept in ([0], [1], [0, 1]):
        slopes, c = _logistic(columns[:, kept], y)
        if min(slopes) >= 0:
            own = dict(zip(kept, slopes, strict=True))
            found.append(Beta(own.get(0, 0.0), own.get(1, 0.0), c))
    return min(found, key=lambda beta: float(_losses(beta, m, y).mean()))


def fit_isotonic(margins: npt.ArrayLike, won: npt.ArrayLike) -> Isotonic:
    """scikit-learn's isotonic regression, away from 0 and 1 by 1 / (n + 2). Raises EsbtError unless there are wins and losses."""
    m, y = _outcomes(margins, won)
    edge = 1.0 / (y.size + 2)
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip").fit(m, y)
    return Isotonic(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist()))


FITS: dict[str, Callable[[npt.ArrayLike, npt.ArrayLike], Calibration]] = {  # the simplest first
    "platt": fit_platt,
    "beta": fit_beta,
    "isotonic": fit_isotonic,
}


@dataclass(frozen=True)
class Choice:
    """The calibration chosen, fitted on all rows given; mean log loss of each kind on the later rows (empty where none was tried); why.

    said, won: float64[m] and bool[m], of the later rows, what the chosen kind fitted to the earlier ones says, and what happened.
    """

    calibration: Calibration
    log_loss: dict[str, float]
    reason: str
    said: Floats = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    won: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_), repr=False, compare=False)


def choose_calibration(margins: npt.ArrayLike, held_out: Labels, *, embargo_bars: int, later: float = 1 / 3) -> Choice:
    """Fit each kind on the earlier part of held-out labels, compare log loss on the last `later` of them, fit the one chosen on all.

    Rule: the simplest whose mean log loss exceeds the least by no more than one standard error of the paired difference (Breiman et al.
    1984, section 3.4.3). The error counts rows by their average uniqueness, as labels overlap. Earlier labels are those that ended
    `embargo_bars` before the first later one began. A label won where pnl > 0. Where a part has no wins or no losses: Platt.

    margins: float64[L] of the labels, in their order. Raises EsbtError unless there are wins and losses.
    """
    m, y = _outcomes(margins, held_out.pnl > 0)
    cut = y.size - round(later * y.size)
    after = np.arange(y.size) >= cut
    before = ~after & (held_out.end_bar < held_out.signal_bar[min(cut, y.size - 1)] - embargo_bars)
    if any(not 0 < y[part].sum() < part.sum() for part in (before, after)):
        reason = f"platt: too few labels to compare, {int(before.sum())} earlier and {int(after.sum())} later ones"
        return Choice(fit_platt(m, y), {}, reason)
    fitted = {kind: fit(m[before], y[before]) for kind, fit in FITS.items()}
    losses = {kind: _losses(own, m[after], y[after]) for kind, own in fitted.items()}
    mean = {kind: float(loss.mean()) for kind, loss in losses.items()}
    best = min(mean, key=lambda kind: mean[kind])
    rows = average_uniqueness(held_out.signal_bar[after], held_out.end_bar[after]).sum()
    error = {kind: float((loss - losses[best]).std() / np.sqrt(rows)) for kind, loss in losses.items()}
    chosen = next(kind for kind in FITS if mean[kind] - mean[best] <= error[kind])
    reason = f"{chosen}: log loss {mean[chosen]:.4f} on the last {int(after.sum())} held-out labels, the least is {best}'s {mean[best]:.4f}"
    return Choice(FITS[chosen](m, y), mean, reason, fitted[chosen].probability(m[after]), y[after] == 1)


def calibration_from(data: Any) -> Calibration:
    """The calibration that `described` told. Raises EsbtError for anything else."""
    kinds: dict[str, type[Calibration]] = {c.kind: c for c in (Platt, Beta, Isotonic)}
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise EsbtError(f"a calibration is a table with 'kind', one of {', '.join(kinds)}, got {str(data)[:80]}")
    if data["kind"] not in kinds:
        raise unknown("calibration", data["kind"], kinds)
    made = kinds[data["kind"]]
    names, values = _names(made), {name: value for name, value in data.items() if name != "kind"}
    lists = made is Isotonic
    if sorted(values) != sorted(names) or not all(isinstance(v, list) == lists and _finite(v if lists else [v]) for v in values.values()):
        raise EsbtError(
            f"calibration {data['kind']!r} needs {', '.join(names)}, finite numbers{' in lists' if lists else ''}, nothing else"
        )
    if made is Platt:
        return Platt(float(values["a"]), float(values["b"]))
    if made is Beta:
        return Beta(*(float(values[name]) for name in "abc"))
    margins, probabilities = (np.array([float(v) for v in values[name]]) for name in names)
    rising = (
        margins.size == probabilities.size >= 1 and (margins[1:] > margins[:-1]).all() and (probabilities[1:] >= probabilities[:-1]).all()
    )
    if not rising or probabilities[0] <= 0 or probabilities[-1] >= 1:
        raise EsbtError("calibration 'isotonic' needs as many margins as probabilities, both ascending, probabilities in (0, 1)")
    return Isotonic(tuple(margins.tolist()), tuple(probabilities.tolist()))


def _outcomes(margins: npt.ArrayLike, won: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.int64]]:
    m, y = np.asarray(margins, dtype=np.float64), np.asarray(won).astype(np.int64)
    if m.ndim != 1 or m.shape != y.shape:
        raise EsbtError(f"calibration needs a margin and an outcome a row, got shapes {m.shape} and {y.shape}")
    if not np.isfinite(m).all():
        raise EsbtError(f"margins[{int(np.flatnonzero(~np.isfinite(m))[0])}] is not finite: calibrate margins of a fitted model")
    wins = int(y.sum())
    if not 0 < wins < y.size or y.min() < 0 or y.max() > 1:
        raise EsbtError(f"calibration needs wins (1) and losses (0), got {wins} wins among {y.size} rows")
    return m, y


def _losses(calibration: Calibration, m: Floats, y: npt.NDArray[np.int64]) -> Floats:
    """Log loss of each row, from log odds: exact however sure."""
    return np.asarray(-log_expit(np.where(y == 1, 1.0, -1.0) * calibration.log_odds(m)), dtype=np.float64)


def _logistic(x: Floats, y: npt.NDArray[np.int64]) -> tuple[list[float], float]:
    model = LogisticRegression(C=1e6).fit(x, y)
    return [float(slope) for slope in model.coef_[0]], float(model.intercept_[0])


def _finite(values: list[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= sys.float_info.max for v in values)


def _names(made: type[Any]) -> list[str]:
    return [own.name for own in fields(made)]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
