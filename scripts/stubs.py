"""Write the stubs that are generated: esbt/_core.pyi from the built core, esbt/features/functions.pyi from its registry of features.

With --check say whether the committed ones are those the core gives.
"""

import sys
import tempfile
from pathlib import Path

from pybind11_stubgen import main as stubgen

from esbt.features.functions import initial_of, words_about
from esbt.features.registry import Kind, kinds

ESBT = Path(__file__).parents[1] / "esbt"
REPLACED = {  # what the generator cannot know: structured arrays, and pointers that may be None
    "numpy.typing.NDArray[...]": "numpy.typing.NDArray[numpy.void]",
    "typing.Annotated[numpy.typing.ArrayLike, ...]": "numpy.typing.NDArray[numpy.void]",
    "feature_registry() -> list:": "feature_registry() -> list[dict[str, typing.Any]]:",
    "-> dict:": "-> dict[str, typing.Any]:",
    "CoreBars = None": "CoreBars | None = None",
    "EntryModel = None": "EntryModel | None = None",
    "tuple[numpy.ndarray, ": "tuple[numpy.typing.NDArray[numpy.void], ",
}
HEAD = '''"""What type checkers and editors see of the features' functions: written by scripts/stubs.py from the registry."""

from collections.abc import Mapping
from inspect import Signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import esbt.features.functions as _functions
from esbt.data.bars import Bars
from esbt.features.matrix import Features, Names
from esbt.features.registry import Kind, Parameter

FUNCTIONS: dict[str, Any]

def initial_of(parameter: Parameter) -> int | float: ...
def signature_of(kind: Kind) -> Signature: ...
def words_about(kind: Kind) -> str: ...
'''
PACKAGE = '''

class _Package:
    """`esbt.features`: the function, with every feature as an attribute."""

    def __call__(
        self,
        bars: Bars,
        names: Names = None,
        *,
        threads: int = 1,
        extra: Features | Mapping[str, ArrayLike] | None = None,
        checked: bool = True,
    ) -> Features: ...
'''


def core_stub() -> str:
    """The stub of the installed core."""
    with tempfile.TemporaryDirectory() as folder:
        stubgen(["esbt._core", "--output-dir", folder, "--ignore-invalid-expressions", "esbt::.*"])
        text = (Path(folder) / "esbt" / "_core.pyi").read_text()
    for old, new in REPLACED.items():
        text = text.replace(old, new)
    return text


def functions_stub() -> str:
    """One function a feature, its docstring with it; then the package that has them all."""
    names = list(kinds())
    listed = "\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n\n"
    attributes = "".join(f"    {name} = staticmethod(_functions.{name})\n" for name in names)
    return HEAD + listed + "".join(map(_function, kinds().values())) + PACKAGE + attributes + "\nfeatures: _Package\n"


def _function(kind: Kind) -> str:
    rest = "".join(f", {p.name}: {'int' if p.whole else 'float'} = {initial_of(p)}" for p in kind.parameters)
    words = words_about(kind).replace("\\", "\\\\").replace("\n", "\n    ").replace("\n    \n", "\n\n")
    return f'def {kind.name}(of: Bars, /{rest}) -> NDArray[np.float32]:\n    """{words}\n    """\n'


STUBS = {ESBT / "_core.pyi": core_stub, ESBT / "features" / "functions.pyi": functions_stub}


def main() -> int:
    """0 when written or equal, 1 when --check finds a difference."""
    differing = 0
    for path, generated in STUBS.items():
        name, text = path.relative_to(ESBT.parent), generated()
        if "--check" not in sys.argv[1:]:
            path.write_text(text)
        elif path.exists() and path.read_text() == text:
            print(f"{name} is up to date")
        else:
            print(f"{name} differs from the core: run python scripts/stubs.py")
            differing = 1
    return differing


if __name__ == "__main__":
    sys.exit(main())
