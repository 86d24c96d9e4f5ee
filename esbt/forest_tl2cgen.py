"""The other back end of a forest: tl2cgen writes its trees as C, this machine's compiler builds them, the loop calls them.

The C is made here from a model that `esbt.Forest` has read and checked; no library is ever loaded from a file or a bundle. Compiling takes
seconds where the core's forest takes milliseconds. Written without tl2cgen's `quantize`, with which it was seen to take other branches.
What it leaves to itself: categories of LightGBM between -1 and 0, which it does not read as 0, and XGBoost's leaves, summed in float32.
"""

import contextlib
import ctypes
import io
import json
import os
import shutil
import tempfile
import warnings
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import treelite

from esbt.errors import EsbtError
from esbt.hooks import Hook

_COMPILERS = ("gcc", "clang")
_MOST_FEATURES = 4096  # a row of them lies on the stack
_UNITS = 8  # C files: compilers take more than linear time for one large function

# esbt_hook_batch of csrc/esbt/hook.h around tl2cgen's `predict`. An entry that is missing has -1 in its first four bytes.
_BATCH = """#include "header.h"
int esbt_batch(void* state, const float* rows, int64_t n, double* out) {{
  (void)state;
  union Entry data[{features}];
  for (int64_t r = 0; r < n; ++r, rows += {features}) {{
    for (int f = 0; f < {features}; ++f) {{
      const float v = rows[f];
      if (isnan(v)) data[f].missing = -1;
      else data[f].fvalue = {value};
    }}
    {leaf} sum[1] = {{0}};
    predict(data, 1, sum);
    out[r] = (double)sum[0];
  }}
  return 0;
}}
"""


class CompiledTrees:
    """A forest compiled from treelite's model. tiny_is_zero: as in `forest_arrays`.

    Raises EsbtError where tl2cgen or a C compiler is missing, where compiling fails, and for more than 4,096 features.
    """

    def __init__(self, model: treelite.Model, n_features: int, *, tiny_is_zero: bool) -> None:
        if find_spec("tl2cgen") is None:
            raise EsbtError('backend="tl2cgen" needs tl2cgen, which is not installed: pip install "esbt[tl2cgen]", or leave backend out')
        compiler = next((name for name in _COMPILERS if shutil.which(name)), None)
        if compiler is None:
            raise EsbtError(f'backend="tl2cgen" needs a C compiler ({" or ".join(_COMPILERS)}): install one, or leave backend out')
        if n_features > _MOST_FEATURES:
            raise EsbtError(f'backend="tl2cgen" takes at most {_MOST_FEATURES:,} features, the model has {n_features:,}: leave backend out')
        self.n_features = n_features
        with tempfile.TemporaryDirectory() as folder:
            self._library = ctypes.CDLL(str(_built(model, Path(folder), compiler, n_features, tiny_is_zero)))  # stays mapped
        self._batch = self._library.esbt_batch
        self._batch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]

    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Raw margins float64[n] of contiguous rows float32[n, n_features]."""
        out = np.empty(len(x))
        self._batch(None, x.ctypes.data, len(x), out.ctypes.data)
        return out

    @cached_property
    def hook(self) -> Hook:
        """For the loop. Raises EsbtError for more than 256 features."""
        address = ctypes.cast(self._batch, ctypes.c_void_p).value or 0
        return Hook.from_address(address, self.n_features, keep_alive=self._library)


def _built(model: treelite.Model, folder: Path, compiler: str, n_features: int, tiny_is_zero: bool) -> Path:
    """The shared library, in `folder`."""
    import tl2cgen

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tl2cgen prints and warns of other versions of treelite, whose form is the same
        try:
            tl2cgen.generate_c_code(model, folder, {"parallel_comp": _UNITS})
            header = (folder / "header.h").read_text("utf-8")
            value = "(v <= 1e-35f && v >= -1e-35f) ? 0 : v" if tiny_is_zero else "v"
            leaf = "double" if "predict(union Entry* data, int pred_margin, double* result)" in header else "float"
            (folder / "batch.c").write_text(_BATCH.format(features=n_features, value=value, leaf=leaf), "utf-8")
            recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
            recipe["sources"].append({"name": "batch", "length": _BATCH.count("\n")})
            (folder / "recipe.json").write_text(json.dumps(recipe), "utf-8")
            return Path(tl2cgen.create_shared(compiler, folder, nthread=os.cpu_count(), long_build_time_warning=False))
        except (tl2cgen.TL2cgenError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()
            said = reason[-1] if reason else type(error).__name__
            raise EsbtError(f"tl2cgen could not compile the forest with {compiler}: {said}; leave backend out") from error
