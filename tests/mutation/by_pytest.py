"""The slow way to try a mutant: the Python core built with it in a copy of the tree, then pytest over given tests."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pybind11

ROOT = Path(__file__).parents[2]
NEEDED = ("csrc", "esbt", "python_models", "tests", "docs", "pyproject.toml")
TIMEOUT_S = 600  # a mutant may loop for ever


class Slowly:
    """A copy of the tree under `home`, built once with the core unchanged. Raises SystemExit where the tests fail on that already."""

    def __init__(self, home: Path, tests: list[str]) -> None:
        self.home, self.tests = home, tests
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for name in NEEDED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, home / name)
        self.objects = {source: source.with_suffix(".o") for source in sorted((home / "csrc" / "bind").glob("*.cpp"))}
        for source, out in self.objects.items():
            if not self.compiled(source, out):
                raise SystemExit(f"{source.name} does not compile unchanged")
        self.link()
        if not self.passes():
            raise SystemExit("the tests fail on the unchanged core: nothing can be learned")

    def survives(self, header: str, text: str) -> bool:
        """Whether all tests still pass where the header has this text."""
        path = self.home / "csrc" / "esbt" / header
        before = path.read_text("utf-8")
        loop = next(source for source in self.objects if source.name == "bind_simulate.cpp")
        path.write_text(text, "utf-8")
        try:
            if not self.compiled(loop, self.objects[loop]):
                return False
            self.link()
            return self.passes()
        finally:
            path.write_text(before, "utf-8")

    def compiled(self, source: Path, out: Path) -> bool:
        """Compiles one binding without optimisation."""
        include = [f"-I{self.home / 'csrc'}", f"-I{pybind11.get_include()}", f"-I{sysconfig.get_paths()['include']}"]
        flags = ["-std=c++20", "-O0", "-fPIC", "-ffp-contract=off", "-fvisibility=hidden", "-w"]
        words = [os.environ.get("CXX", "g++"), *flags, *include, "-c", str(source), "-o", str(out)]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def link(self) -> None:
        """The core of the copy, beside its Python."""
        core = self.home / "esbt" / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
        subprocess.run([os.environ.get("CXX", "g++"), "-shared", *map(str, self.objects.values()), "-o", str(core)], check=True)

    def passes(self) -> bool:
        """Whether the tests pass on the copy; one that hangs does not."""
        words = [sys.executable, "-P", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *self.tests]
        env = {"PYTHONPATH": str(self.home), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            return subprocess.run(words, cwd=self.home, env=env, capture_output=True, timeout=TIMEOUT_S, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False
