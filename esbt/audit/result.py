"""What an audit gives: a check for each question that was put, findings for those that failed, and all of it in plain words."""

from dataclasses import dataclass, field

import polars as pl

PREFIX, LABELS, DELAY = "prefix", "shuffled labels", "delayed entry"


@dataclass(frozen=True)
class Finding:
    """A leak. test: which found it. stage: where it is ("features", "signals", "model decisions", "trades", "learning", "edge"). column:
    which, None where the stage has none. bar: the first bar or row that shows it, None where it is none's alone. text: a sentence."""

    test: str
    stage: str
    text: str
    column: str | None = None
    bar: int | None = None


@dataclass(frozen=True)
class Check:
    """One question. passed: None where it could not be judged, and `text` says why. measured: what was measured, in `unit`."""

    test: str
    stage: str
    passed: bool | None
    text: str
    measured: float = float("nan")
    unit: str = ""


@dataclass(frozen=True)
class Audit:
    """checks: in the order they were made. findings: the leaks. delays: profit by delay, None where nothing was traded."""

    checks: tuple[Check, ...]
    findings: tuple[Finding, ...] = ()
    delays: pl.DataFrame | None = field(default=None, compare=False)

    @property
    def passed(self) -> bool:
        """Something was judged, and no leak was found."""
        return not self.findings and any(check.passed for check in self.checks)

    @property
    def frame(self) -> pl.DataFrame:
        """One row a check: test, stage, passed (null: not judged), measured, unit, text."""
        names = ("test", "stage", "passed", "measured", "unit", "text")
        types = (pl.String, pl.String, pl.Boolean, pl.Float64, pl.String, pl.String)
        rows = [tuple(getattr(check, name) for name in names) for check in self.checks]
        return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")

    def joined(self, other: "Audit") -> "Audit":
        """Both, these checks first."""
        delays = self.delays if other.delays is None else other.delays
        return Audit((*self.checks, *other.checks), (*self.findings, *other.findings), delays)

    def __str__(self) -> str:
        judged = [check for check in self.checks if check.passed is not None]
        lines = []
        if self.findings:
            lines.append(f"LEAK: {len(self.findings)} finding{'s' if len(self.findings) > 1 else ''}.")
            lines += [f"- {one.test}, {one.stage}: {one.text}" for one in self.findings]
        elif judged:
            lines.append(f"No leak found in {len(judged)} check{'s' if len(judged) > 1 else ''}.")
        else:
            lines.append("Nothing could be judged.")
        words = {True: "passed", False: "failed", None: "not judged"}
        lines += [f"  {check.test}, {check.stage}: {words[check.passed]}: {check.text}" for check in self.checks]
        return "\n".join(lines)
