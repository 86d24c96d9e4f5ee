"""A network as files of a bundle: one .npy of float64 for each weight and bias. Reading runs no code and believes no header.

A file is taken only where it is, byte for byte, what is written for the numbers in it.
"""

import io
import math
import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from esbt.errors import EsbtError
from python_models.network import TrainedNetwork

_MOST_LAYERS = 16
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '<f8', 'fortran_order': False, 'shape': \((\d{1,9}),(?: (\d{1,9}))?\), \} *\n", re.DOTALL
)
Floats = npt.NDArray[np.float64]


def network_files(name: str, network: TrainedNetwork) -> dict[str, bytes]:
    """Content by file name: `name`_0_weight.npy, `name`_0_bias.npy, and so on."""
    files = {}
    for number, layer in enumerate(network.layers):
        for part, array in zip(("weight", "bias"), layer, strict=True):
            files[f"{name}_{number}_{part}.npy"] = array_bytes(array)
    return files


def network_from(name: str, files: Mapping[str, bytes]) -> TrainedNetwork:
    """The network of such files. Raises EsbtError for a layer that is missing, none at all, and arrays that do not fit one another."""
    layers: list[tuple[Floats, Floats]] = []
    while (weight_name := f"{name}_{len(layers)}_weight.npy") in files and len(layers) < _MOST_LAYERS:
        bias_name = f"{name}_{len(layers)}_bias.npy"
        if bias_name not in files:
            raise EsbtError(f"{bias_name} is missing: a layer has a weight and a bias")
        weight, bias = array_from(weight_name, files[weight_name]), array_from(bias_name, files[bias_name])
        inputs = layers[-1][0].shape[0] if layers else None
        if weight.ndim != 2 or 0 in weight.shape or bias.shape != weight.shape[:1] or inputs not in (None, weight.shape[1]):
            raise EsbtError(f"{weight_name} of shape {weight.shape} fits neither its bias, {bias.shape}, nor the layer before, {inputs}")
        layers.append((weight, bias))
    if not layers or layers[-1][0].shape[0] != 1:
        raise EsbtError(f"the files of {name!r} make no network: they need layers from 0 on, the last with one output")
    return TrainedNetwork(tuple(layers))


def array_bytes(array: Floats) -> bytes:
    """A .npy of float64, never a pickle."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.ascontiguousarray(array, dtype="<f8"), version=(1, 0), allow_pickle=False)
    return out.getvalue()


def array_from(name: str, content: bytes) -> Floats:
    """The array, float64 of 1 or 2 dimensions, all finite. Raises EsbtError for anything that `array_bytes` would not have written."""
    found = _HEADER.match(content)  # numpy's own reader of headers is a parser of Python: none is needed here
    if found is None:
        raise EsbtError(f"{name} is no .npy of float64 of one or two dimensions, as bundles hold: copy the bundle again")
    shape, numbers = tuple(int(n) for n in found.groups() if n is not None), content[found.end() :]
    if len(numbers) != 8 * math.prod(shape):
        raise EsbtError(f"{name} has {len(numbers):,} bytes for an array of float64{list(shape)}")
    array = np.frombuffer(numbers, dtype="<f8").reshape(shape).copy()
    if not np.isfinite(array).all():
        raise EsbtError(f"{name} holds a number that is not finite")
    if array_bytes(array) != content:
        raise EsbtError(f"{name} is not as it was written: its header differs")
    return array
