"""Networks in bundles: what is written is what is read, and damaged, forged and pickled arrays are refused."""

import io
from itertools import pairwise

import numpy as np
import pytest
from bundle_mutations import damaged
from hypothesis import given, settings
from hypothesis import strategies as st

from esbt.errors import EsbtError
from python_models.bundle_folder import read_folder, write_folder
from python_models.network import TrainedNetwork
from python_models.network_files import array_bytes, array_from, network_files, network_from

widths = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def network_of(shape, seed=0):
    rng = np.random.default_rng(seed)
    sizes = [*shape, 1]
    return TrainedNetwork(tuple((rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in pairwise(sizes)))


@settings(deadline=None)
@given(widths, st.integers(0, 2**32))
def test_there_and_back(shape, seed):
    """Every bit of every layer."""
    own = network_of(shape, seed)
    files = network_files("stop", own)
    again = network_from("stop", files)
    assert network_files("stop", again) == files
    x = np.random.default_rng(1).normal(size=(5, shape[0])).astype(np.float32)
    assert np.array_equal(again.predict(x), own.predict(x))


def test_in_a_bundle_folder(tmp_path):
    """The names are those of a bundle, and numpy reads the files as they are."""
    own = network_of([3, 4])
    files = network_files("stop", own)
    _, back = read_folder(write_folder(tmp_path / "b", {"format": 1}, files))
    assert sorted(back) == ["stop_0_bias.npy", "stop_0_weight.npy", "stop_1_bias.npy", "stop_1_weight.npy"]
    assert np.array_equal(np.load(tmp_path / "b" / "stop_0_weight.npy", allow_pickle=False), own.layers[0][0])
    assert network_files("stop", network_from("stop", back)) == files


def test_damage_never_crashes():
    """2,000 kinds of damage to a weight, with sums that would fit: refused, or another array of finite numbers of the same shape."""
    content, refused = array_bytes(network_of([6, 5]).layers[0][0]), 0
    for seed in range(2000):
        try:
            array = array_from("w.npy", damaged(content, seed))
        except EsbtError:
            refused += 1
            continue
        assert array.size == 30
        assert np.isfinite(array).all()
    assert 1000 < refused < 2000


def npy(array, **words):
    out = io.BytesIO()
    np.save(out, array, **words)
    return out.getvalue()


def header(shape, descr="'<f8'"):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no .npy"),
        (npy(np.array([{}], dtype=object), allow_pickle=True), "is no .npy of float64"),
        (npy(np.zeros(3, np.float32)), "is no .npy of float64"),
        (npy(np.zeros((2, 2, 2))), "is no .npy of float64"),
        (npy(np.zeros(3, ">f8")), "is no .npy of float64"),
        (npy(np.asfortranarray(np.ones((2, 3)))), "is no .npy of float64"),
        (npy(np.array([np.nan])), "not finite"),
        (header("(1152921504606846976, 16)") + bytes(8), "is no .npy of float64"),
        (header("(999999999, 999999999)") + bytes(8), "has 8 bytes for an array"),
        (header("(-1, -1)") + bytes(8), "is no .npy of float64"),
        (header("(True,)") + bytes(8), "is no .npy of float64"),
        (header("(" * 3000), "is no .npy"),
        (header("__import__('os')"), "is no .npy"),
        (npy(np.zeros(3)) + b"\x00", "has 25 bytes for an array"),
        (header("(1,)").replace(b"'<f8'", b"'=f8'") + bytes(8), "is no .npy of float64"),
        (npy(np.zeros(3)).replace(b"\n", b" \n"), "is not as it was written: its header differs"),
    ],
)
def test_forged_arrays(content, message):
    with pytest.raises(EsbtError, match=message):
        array_from("w.npy", content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.clear(), "make no network"),
        (lambda f: f.pop("n_0_weight.npy"), "make no network"),
        (lambda f: f.pop("n_1_weight.npy"), "the last with one output"),
        (lambda f: f.pop("n_1_bias.npy"), "n_1_bias.npy is missing"),
        (lambda f: f.update({"n_0_bias.npy": array_bytes(np.zeros(3))}), r"n_0_weight.npy of shape \(4, 3\) fits neither its bias, \(3,\)"),
        (lambda f: f.update({"n_1_weight.npy": array_bytes(np.zeros((1, 5)))}), r"nor the layer before, 4"),
        (lambda f: f.update({"n_0_weight.npy": array_bytes(np.zeros(4))}), r"of shape \(4,\) fits neither"),
    ],
)
def test_layers_that_do_not_fit(change, message):
    files = network_files("n", network_of([3, 4]))
    change(files)
    with pytest.raises(EsbtError, match=message):
        network_from("n", files)
