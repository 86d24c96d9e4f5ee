"""Mutation run over the rulebook's headers: one operator or constant changed at a time, the core built again, the drawn scenarios run.

    python scripts/mutate.py [--files step.hpp size.hpp] [--tests tests/test_scenarios.py ...] [--list] [--every 10]

A mutant that no test kills is printed as a survivor; each must be shown to be equivalent, or a scenario is missing. Works in a copy under
build/mutants, about ten seconds a mutant; never touches the tree. To add a kind of change: one line in CHANGES.
"""

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pybind11

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "mutants"
HEADERS = ("step.hpp", "size.hpp", "day.hpp", "simulate.hpp")
NEEDED = ("csrc", "esbt", "python_models", "tests", "pyproject.toml")
TIMEOUT_S = 120  # a mutant may loop for ever
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
]


@dataclass(frozen=True)
class Mutant:
    """One change: a header, the place in its text, and what stands there instead."""

    header: str
    start: int
    stop: int
    new: str

    def of(self, text: str) -> str:
        """The header's text with the change."""
        return text[: self.start] + self.new + text[self.stop :]

    def described(self, text: str) -> str:
        """header:line, the line, the change."""
        number = text.count("\n", 0, self.start) + 1
        line = text.splitlines()[number - 1].strip()
        return f"{self.header}:{number}: {text[self.start : self.stop].strip()!r} -> {self.new.strip()!r} in: {line}"


def mutants(header: str, text: str) -> list[Mutant]:
    """All changes of a header, comments, directives and prefetches left alone."""
    quiet = re.compile(r"//.*|^#.*|.*__builtin_prefetch.*|^template .*|static_assert.*", re.MULTILINE)
    code = quiet.sub(lambda m: " " * len(m[0]), text)
    found = [Mutant(header, m.start(), m.end(), new) for old, new in CHANGES for m in re.finditer(old, code)]
    return sorted(found, key=lambda m: (m.start, m.new))


def compiled(source: Path, out: Path) -> bool:
    """Compiles one binding without optimisation. A mutant that does not compile is no mutant."""
    include = [f"-I{HOME / 'csrc'}", f"-I{pybind11.get_include()}", f"-I{sysconfig.get_paths()['include']}"]
    words = [
        "g++",
        "-std=c++20",
        "-O0",
        "-fPIC",
        "-ffp-contract=off",
        "-fvisibility=hidden",
        "-w",
        *include,
        "-c",
        str(source),
        "-o",
        str(out),
    ]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def link(objects: list[Path]) -> None:
    """The core of the copy, beside its Python."""
    core = HOME / "esbt" / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run(["g++", "-shared", *map(str, objects), "-o", str(core)], check=True)


def passes(tests: list[str]) -> bool:
    """Whether the tests pass on the copy; one that hangs does not."""
    words = [sys.executable, "-P", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        env = {"PYTHONPATH": str(HOME), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(words, cwd=HOME, env=env, capture_output=True, timeout=TIMEOUT_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def prepare() -> dict[Path, Path]:
    """A fresh copy with all bindings compiled: {source: object}."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    for name in NEEDED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, HOME / name)
    objects = {source: source.with_suffix(".o") for source in sorted((HOME / "csrc" / "bind").glob("*.cpp"))}
    for source, out in objects.items():
        if not compiled(source, out):
            raise SystemExit(f"{source.name} does not compile unchanged")
    return objects


def survivors(chosen: list[Mutant], texts: dict[str, str], tests: list[str]) -> list[Mutant]:
    """Builds and tries each mutant; those under which all tests still pass."""
    objects = prepare()
    link(list(objects.values()))
    if not passes(tests):
        raise SystemExit("the tests fail on the unchanged core: nothing can be learned")
    loop = next(source for source in objects if source.name == "bind_simulate.cpp")
    alive = []
    for i, mutant in enumerate(chosen):
        header = HOME / "csrc" / "esbt" / mutant.header
        header.write_text(mutant.of(texts[mutant.header]), "utf-8")
        if not compiled(loop, objects[loop]):
            word = "does not compile"
        else:
            link(list(objects.values()))
            word = "SURVIVES" if passes(tests) else "killed"
        header.write_text(texts[mutant.header], "utf-8")
        print(f"{i + 1}/{len(chosen)} {word}: {mutant.described(texts[mutant.header])}", flush=True)
        if word == "SURVIVES":
            alive.append(mutant)
    return alive


def main() -> int:
    """Command line; returns 1 where a mutant survives."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--files", nargs="+", default=HEADERS, help="headers of csrc/esbt")
    words.add_argument("--tests", nargs="+", default=["tests/test_scenarios.py"])
    words.add_argument("--list", action="store_true", help="print the mutants, build nothing")
    words.add_argument("--every", type=int, default=1, help="try one mutant in so many")
    words.add_argument("--first", type=int, default=0, help="number of the first mutant tried")
    args = words.parse_args()
    texts = {name: (ROOT / "csrc" / "esbt" / name).read_text("utf-8") for name in args.files}
    chosen = [mutant for name, text in texts.items() for mutant in mutants(name, text)][args.first :: args.every]
    if args.list:
        print("\n".join(m.described(texts[m.header]) for m in chosen))
        print(len(chosen), "mutants")
        return 0
    alive = survivors(chosen, texts, args.tests)
    print(f"\n{len(chosen)} mutants, {len(alive)} survive")
    for mutant in alive:
        print(mutant.described(texts[mutant.header]))
    return int(bool(alive))


if __name__ == "__main__":
    raise SystemExit(main())
