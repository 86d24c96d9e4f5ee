"""The mutants of the core: every change of CHANGES at every place of its headers, and the list of those shown to change nothing.

To add a kind of change: one line in CHANGES. Builds and runs nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "csrc" / "esbt"
EQUIVALENT = HERE / "equivalent.txt"
GIVEN = {"bars.hpp", "plan.hpp", "hook.h"}  # layouts, no rules
SWEEP = [f"sweep/{name}.hpp" for name in ("board", "lane_class", "moments", "tally", "totals", "water")]  # what lanes are made of
# One that gives a value, counts or calls, alone on its line.
STATEMENT = r"(?m)^ +(?!return|if|for|else|throw)(?:[\w.>\[\]()-]+ [+|-]?= .+|\+\+[\w.>-]+|[\w.>-]+\(.*\));$"
CHANGES = [
    (r" <= ", " < "),
    (r" < ", " <= "),
    (r" >= ", " > "),
    (r" > ", " >= "),
    (r" == ", " != "),
    (r" != ", " == "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \+= ", " -= "),
    (r" \* ", " + "),
    (r" / ", " * "),
    (r"\bstd::min\b", "std::max"),
    (r"\bstd::max\b", "std::min"),
    (r"(?<![\w.{])1(?![\w.'])", "0"),
    (r"(?<![\w.{])0(?![\w.'])", "1"),
    (r"\bstd::ceil\b", "std::floor"),
    (r"\bstd::floor\b", "std::ceil"),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"!(?=[\w(])", ""),
    (r" -= ", " += "),
    (r" \|= ", " = "),
    (r" \| ", " & "),
    (r"\bcontinue;", "break;"),
    (STATEMENT, " ;"),
]


@dataclass(frozen=True)
class Mutant:
    """One change of a header. `name` tells header, line and change without the line's number, so it stays when lines move."""

    header: str
    line: int
    name: str
    text: str  # of the whole header, changed


def headers() -> list[str]:
    """The core's headers that the runner includes, layouts left out."""
    found: list[str] = []
    ahead = re.findall(r'#include "esbt/(.+)"', (HERE / "core_under_test.cpp").read_text("utf-8"))
    while ahead:
        name = ahead.pop()
        if name in found or name in GIVEN:
            continue
        found.append(name)
        ahead += re.findall(r'#include "esbt/(.+)"', (CORE / name).read_text("utf-8"))
    return sorted(found)


def mutants(header: str) -> Iterator[Mutant]:
    """All changes of a header, comments, directives and prefetches left alone."""
    text = (CORE / header).read_text("utf-8")
    quiet = re.compile(r"//.*|^#.*|.*__builtin_prefetch.*|^template .*|static_assert.*", re.MULTILINE)
    code = quiet.sub(lambda m: " " * len(m[0]), text)
    lines = text.splitlines()
    times: Counter[str] = Counter()
    for m, new in sorted(((m, new) for old, new in CHANGES for m in re.finditer(old, code)), key=lambda x: (x[0].start(), x[1])):
        number = text.count("\n", 0, m.start())
        column = m.start() - (text.rfind("\n", 0, m.start()) + 1)
        line, width = lines[number], m.end() - m.start()
        name = f"{header}: {line[:column]}[[{m[0]}->{new}]]{line[column + width :]}"
        name = re.sub(r"\s+", " ", re.sub(r"\s*//.*", "", name)).strip()
        times[name] += 1
        if times[name] > 1:
            name += f" (no. {times[name]})"
        yield Mutant(header, number + 1, name, text[: m.start()] + new + text[m.end() :])


def equivalents() -> dict[str, str]:
    """{name of a mutant: why it changes nothing}. An entry is the name on a line of its own, the reason indented below it."""
    found: dict[str, str] = {}
    name = ""
    for line in EQUIVALENT.read_text("utf-8").splitlines():
        if line.startswith("  "):
            found[name] = f"{found[name]} {line.strip()}".strip()
        elif line and not line.startswith("#"):
            name = line
            found[name] = ""
    return found
