"""Write esbt/_core.pyi from the built core, or with --check say whether the committed stub is the one the core gives."""

import sys
import tempfile
from pathlib import Path

from pybind11_stubgen import main as stubgen

STUB = Path(__file__).parents[1] / "esbt" / "_core.pyi"
REPLACED = {  # what the generator cannot know: structured arrays, and pointers that may be None
    "numpy.typing.NDArray[...]": "numpy.typing.NDArray[numpy.void]",
    "typing.Annotated[numpy.typing.ArrayLike, ...]": "numpy.typing.NDArray[numpy.void]",
    "CoreBars = None": "CoreBars | None = None",
    "EntryModel = None": "EntryModel | None = None",
    "tuple[numpy.ndarray, ": "tuple[numpy.typing.NDArray[numpy.void], ",
}


def generated() -> str:
    """The stub of the installed core."""
    with tempfile.TemporaryDirectory() as folder:
        stubgen(["esbt._core", "--output-dir", folder, "--ignore-invalid-expressions", "esbt::.*"])
        text = (Path(folder) / "esbt" / "_core.pyi").read_text()
    for old, new in REPLACED.items():
        text = text.replace(old, new)
    return text


def main() -> int:
    """0 when written or equal, 1 when --check finds a difference."""
    text = generated()
    if "--check" in sys.argv[1:]:
        same = STUB.exists() and STUB.read_text() == text
        print("esbt/_core.pyi is up to date" if same else "esbt/_core.pyi differs from the core: run python scripts/stubs.py")
        return 0 if same else 1
    STUB.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
