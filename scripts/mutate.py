"""Mutation run over the core's loop and rules: one operator or constant changed at a time, then thousands of cases whose answers are known.

    python scripts/mutate.py [--jobs 2] [--files step.hpp size.hpp] [--every 10] [--match TEXT] [--listed] [--list]
    python scripts/mutate.py --confirm [tests/test_laws.py ...]     survivors are tried by pytest as well

    python scripts/mutate.py --files sweep/tally.hpp [...]          the sweep engine's headers, by tests/fuzz/fuzz_lanes.cpp

The cases are the drawn scenarios and random ones with the twin's answers (tests/mutation/cases.py), played by a small program without
Python under the sanitizers: one to two seconds a mutant. The run passes when every survivor is one that tests/mutation/equivalent.txt
shows to change nothing, and when no entry there names a mutant that is killed or no more. Works in build/mutants, never touches the tree.
"""

import argparse
import os
import queue
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from mutation.by_pytest import Slowly  # noqa: E402
from mutation.lanes import verdict as verdict_by_lanes  # noqa: E402
from mutation.mutants import SWEEP, Mutant, equivalents, headers, mutants  # noqa: E402

HOME = ROOT / "build" / "mutants"
RUNNER = ROOT / "tests" / "mutation"
TIMEOUT_S = 15  # a mutant may loop for ever
CHECKED = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
FLAGS = ["-std=c++20", "-w", "-ffp-contract=off", "-D_GLIBCXX_ASSERTIONS", *CHECKED]
SLOW_TESTS = ["tests/test_scenarios.py", "tests/test_differential.py", "tests/test_laws.py"]
SURVIVES = "survives"


def built(words: Iterable[object]) -> bool:
    """Whether the compiler is content."""
    command = [os.environ.get("CXX", "g++"), *FLAGS, *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def copy_core(home: Path) -> None:
    """The folder `home` anew, with a copy of the core in it."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shutil.copytree(ROOT / "csrc", home / "csrc")


def prepare_lanes(home: Path) -> None:
    """The same for mutants of the sweep engine alone, which need no case file."""
    copy_core(home)
    word = verdict_by_lanes(home, home / "csrc")
    if word != SURVIVES:
        raise SystemExit(f"nothing can be learned, the unchanged sweep: {word}")


def prepare(home: Path, examples: int) -> None:
    """A copy of the core, the case file, and all of the runner that no mutant changes. Raises SystemExit where the core has it wrong."""
    copy_core(home)
    paths = [str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "mutation.case_file", str(home / "cases.bin"), str(examples)]
    if subprocess.run(words, cwd=ROOT, env=env, check=False).returncode != 0:
        raise SystemExit("the cases could not be written")
    if not built(["-O1", f"-I{home / 'csrc'}", "-c", RUNNER / "run_cases.cpp", "-o", home / "run_cases.o"]):
        raise SystemExit("run_cases.cpp does not compile")
    if not built(["-O0", "-x", "c++-header", RUNNER / "standard.hpp", "-o", home / "standard.hpp.gch"]):
        raise SystemExit("standard.hpp does not compile")
    word = verdict(home, "unchanged", None)
    if word != SURVIVES:
        raise SystemExit(f"nothing can be learned, the unchanged core: {word}")


def verdict(home: Path, place: str, mutant: Mutant | None) -> str:
    """`survives`, or what killed it. The folder home / place is written anew: the one header that differs, and the runner."""
    folder = home / place
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "esbt").mkdir(parents=True)
    if mutant:
        changed = folder / "esbt" / mutant.header
        changed.parent.mkdir(exist_ok=True)
        changed.write_text(mutant.text, "utf-8")
        if mutant.header in SWEEP:
            return verdict_by_lanes(folder, home / "csrc")
    include = [f"-I{folder}", f"-I{home / 'csrc'}", "-include", home / "standard.hpp"]
    core, out = folder / "core.o", folder / "run_cases"
    if not built(["-O0", *include, "-c", RUNNER / "core_under_test.cpp", "-o", core]):
        return "does not compile"
    if not built([home / "run_cases.o", core, "-o", out]):
        return "does not link"
    env = os.environ | {"ASAN_OPTIONS": "detect_leaks=0:hard_rss_limit_mb=3000"}
    try:
        ran = subprocess.run([out, home / "cases.bin"], env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return "killed, it never ends"
    if ran.returncode == 0:
        return SURVIVES
    return f"killed by {ran.stdout.strip()}" if ran.returncode == 1 and ran.stdout else "killed, it broke down"


def survivors(home: Path, chosen: list[Mutant], jobs: int) -> list[Mutant]:
    """Tries each mutant, so many at a time; those that no case kills."""
    places: queue.SimpleQueue[str] = queue.SimpleQueue()
    for i in range(jobs):
        places.put(f"job{i}")

    def tried(mutant: Mutant) -> str:
        place = places.get()
        try:
            return verdict(home, place, mutant)
        finally:
            places.put(place)

    alive = []
    ends: Counter[str] = Counter()
    with ThreadPoolExecutor(jobs) as pool:
        for i, (mutant, word) in enumerate(zip(chosen, pool.map(tried, chosen), strict=True)):
            print(f"{i + 1}/{len(chosen)} {word} ({mutant.line}) {mutant.name}", flush=True)
            known = ("random", "edge", "lanes")
            kind = next((f"killed by a case: {k}" for k in known if f"by {k} " in word), "killed by a scenario") if " by " in word else word
            ends[kind] += 1
            if word == SURVIVES:
                alive.append(mutant)
    print(f"\n{len(chosen)} mutants:", ", ".join(f"{count} {kind}" for kind, count in ends.most_common()))
    return alive


def main() -> int:
    """Command line; returns 1 where a mutant survives that should not, or an entry of the list is wrong."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--files", nargs="+", default=headers(), help=f"headers of csrc/esbt; not by default: {' '.join(SWEEP)}")
    words.add_argument("--jobs", type=int, default=1, help="mutants tried at a time")
    words.add_argument("--every", type=int, default=1, help="try one mutant in so many")
    words.add_argument("--first", type=int, default=0, help="number of the first mutant tried")
    words.add_argument("--match", default="", help="only mutants whose name holds this")
    words.add_argument("--listed", action="store_true", help="only the mutants of the list")
    words.add_argument("--examples", type=int, default=80, help="random cases of a family in each kind of market")
    words.add_argument("--confirm", nargs="*", metavar="TEST", help="try survivors by pytest too")
    words.add_argument("--list", action="store_true", help="print the mutants, build nothing")
    args = words.parse_args()
    every = [mutant for name in args.files for mutant in mutants(name)]
    listed = equivalents()
    wanted = [mutant for mutant in every if args.match in mutant.name and (mutant.name in listed or not args.listed)]
    chosen = wanted[args.first :: args.every]
    if args.list:
        print("\n".join(f"({m.line}) {m.name}" for m in chosen))
        print(len(chosen), "mutants")
        return 0
    if {mutant.header for mutant in chosen} <= set(SWEEP):
        prepare_lanes(HOME)
    else:
        prepare(HOME, args.examples)
    alive = survivors(HOME, chosen, args.jobs)
    if args.confirm is not None and alive:
        slowly = Slowly(HOME / "tree", args.confirm or SLOW_TESTS)
        alive = [mutant for mutant in alive if slowly.survives(mutant.header, mutant.text)]
    names = {mutant.name for mutant in alive}
    tried = {mutant.name for mutant in chosen}
    missing = [mutant.name for mutant in alive if mutant.name not in listed]
    gone = [name for name in listed if name.split(":")[0] in args.files and name not in {mutant.name for mutant in every}]
    killed = [name for name in listed if name in tried and name not in names]
    for word, found in (("survives and is not listed", missing), ("listed, but no mutant", gone), ("listed, but killed", killed)):
        print(*(f"{word}:\n{name}" for name in found), sep="\n", end="\n" if found else "")
    print(f"{len(names)} survive, {len(names) - len(missing)} of them listed as equivalent")
    return int(bool(missing or gone or killed))


if __name__ == "__main__":
    raise SystemExit(main())
