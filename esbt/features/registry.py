"""What features there are: the core's registry as names, groups and a table; and how a column is named, "rsi(14)". Knows no bars.

A column is a feature with the values of its parameters. It is written as its name and, where it has parameters, their values in brackets:
"rsi(14)", "macd(12, 26)", "vwap_distance"; left-out values are the feature's own defaults, and the canonical spelling names all of them.
"""

import re
from dataclasses import dataclass
from functools import cache

import polars as pl

from esbt import _core
from esbt.errors import EsbtError, unknown

_SPELLING = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\((.*)\))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number a feature is computed with: whole or not, from `low` to `high`, `initial` where none is given."""

    name: str
    initial: float
    low: float
    high: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A feature as the registry has it: number, name, group, parameters, unit, formula, source, and its columns in the default set."""

    number: int
    name: str
    group: str
    parameters: tuple[Parameter, ...]
    unit: str
    formula: str
    source: str
    standard: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A feature with its parameters' values."""

    kind: Kind
    values: tuple[float, ...]

    @property
    def name(self) -> str:
        """The canonical spelling."""
        return f"{self.kind.name}({', '.join(f'{v:.12g}' for v in self.values)})" if self.values else self.kind.name

    @property
    def warm_up(self) -> int:
        """Bars of each contract segment without a value."""
        return _core.feature_warm_up(self.kind.number, list(self.values))

    @property
    def request(self) -> tuple[int, list[float]]:
        """What the core is asked for."""
        return self.kind.number, list(self.values)


@cache
def kinds() -> dict[str, Kind]:
    """All features by name, in the registry's order."""
    found = {}
    for number, row in enumerate(_core.feature_registry()):
        parameters = tuple(Parameter(*p) for p in row["parameters"])
        standard = tuple(tuple(values) for values in row["standard"])
        words = (row[word] for word in ("name", "group", "unit", "formula", "source"))
        name, group, unit, formula, source = words
        found[name] = Kind(number, name, group, parameters, unit, formula, source, standard)
    return found


def feature_groups() -> tuple[str, ...]:
    """Names of the groups, each of which `features` takes for all of its columns in the default set."""
    return tuple(dict.fromkeys(kind.group for kind in kinds().values()))


@cache
def default_columns(group: str | None = None) -> tuple[Column, ...]:
    """The columns of the default set, or of one group of it."""
    chosen = (kind for kind in kinds().values() if group in (None, kind.group))
    return tuple(Column(kind, values) for kind in chosen for values in kind.standard)


def feature_names() -> tuple[str, ...]:
    """Canonical names of the default set's columns, in the order of `features(bars)`'s rows."""
    return tuple(column.name for column in default_columns())


def column(spelling: str) -> Column:
    """The column a spelling names. Raises EsbtError for an unknown feature (with "did you mean"), and for wrong parameters."""
    match = _SPELLING.fullmatch(spelling)
    name, inside = match.groups() if match else (spelling, None)
    kind = kinds().get(name)
    if kind is None:
        raise unknown("feature", name, (*kinds(), *feature_groups()))
    words = [word.strip() for word in inside.split(",")] if inside and inside.strip() else []
    if len(words) > len(kind.parameters):
        takes = ", ".join(p.name for p in kind.parameters) or "none"
        raise EsbtError(f"feature {spelling!r} has {len(words)} parameters, {name} takes {len(kind.parameters)}: {takes}")
    given = [_number(word, p, spelling) for word, p in zip(words, kind.parameters, strict=False)]
    return Column(kind, (*given, *(p.initial for p in kind.parameters[len(given) :])))


def column_of(kind: Kind, values: dict[str, float]) -> Column:
    """The column of a feature with parameters by name. Raises EsbtError as `column`."""
    names = [p.name for p in kind.parameters]
    for word in values:
        if word not in names:
            raise unknown(f"parameter of {kind.name}", word, names)
    return Column(kind, tuple(_number(values.get(p.name, p.initial), p, kind.name) for p in kind.parameters))


def _number(word: object, parameter: Parameter, where: str) -> float:
    try:
        value = float(word)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise EsbtError(f"feature {where!r}: {parameter.name} is {word!r}, not a number") from None
    if not parameter.low <= value <= parameter.high or (parameter.whole and value != int(value)):
        kind = "a whole number" if parameter.whole else "a number"
        raise EsbtError(f"feature {where!r}: {parameter.name} is {word}: give {kind} from {parameter.low:g} to {parameter.high:g}")
    return value


def feature_table() -> pl.DataFrame:
    """One row a column of the default set: name, group, unit, warm_up (Int32, bars of each contract segment that are NaN), formula, source.

    In formulas "ATR" as a divisor is Wilder's ATR(14) at the same bar, at least one tick; "ATR(n)" is taken as it is.
    """
    words = ("name", "group", "unit", "warm_up", "formula", "source")
    rows = [(c.name, c.kind.group, c.kind.unit, c.warm_up, c.kind.formula, c.kind.source) for c in default_columns()]
    schema = dict.fromkeys(words, pl.String) | {"warm_up": pl.Int32}
    return pl.DataFrame(rows, schema=schema, orient="row")
