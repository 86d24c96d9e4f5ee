"""One door, one answer: a forest, a numba cfunc, a C function, a user's Cython function and a Python callable give the loop the same
values. Also: what Python raises inside a hook comes out as it was, and wrong versions, shapes and addresses are refused."""

import ctypes
import gc
import importlib.util
import subprocess
import sys
import sysconfig
import textwrap
import threading
import weakref
from pathlib import Path

import numba
import numpy as np
import pytest

import esbt.hooks
from esbt import _core
from esbt.errors import EsbtError
from esbt.hooks import Hook, as_hook

# The function all of them compute: 1.5 where x0 <= 0.25, else -2.0, plus 0.5 where x1 < 1, else 4.25.
X = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
X[:3] = [[0.25, 1.0], [0.0, -0.0], [np.nextafter(np.float32(0.25), np.float32(1)), np.nextafter(np.float32(1), np.float32(0))]]
EXPECTED = np.where(X[:, 0] <= 0.25, 1.5, -2.0) + np.where(X[:, 1] < 1, 0.5, 4.25)


def forest_core():
    split = np.asarray([0, -1, -1, 1, -1, -1], np.int32)
    return _core.Forest(
        tree_start=np.asarray([0, 3, 6]),
        feature=split,
        threshold=np.asarray([0.25, 0, 0, 1.0, 0, 0]),
        strict=np.asarray([0, 0, 0, 1, 0, 0], np.uint8),
        nan_left=np.zeros(6, np.uint8),
        left=np.asarray([1, 0, 0, 1, 0, 0], np.int32),
        right=np.asarray([2, 0, 0, 2, 0, 0], np.int32),
        value=np.asarray([0, 1.5, -2.0, 0, 0.5, 4.25]),
        n_features=2,
    )


def forest_hook():
    core = forest_core()
    return Hook.from_address(core.batch_address, 2, core.state_address, keep_alive=core)


def numba_hook():
    @numba.cfunc("i4(voidptr, CPointer(f4), i8, CPointer(f8))")
    def batch(_state, rows, n, out):
        for i in range(n):
            out[i] = (1.5 if rows[2 * i] <= 0.25 else -2.0) + (0.5 if rows[2 * i + 1] < 1 else 4.25)
        return 0

    return Hook.from_address(batch.address, 2, keep_alive=batch)


def callable_hook():
    return Hook.from_callable(lambda x: np.where(x[:, 0] <= 0.25, 1.5, -2.0) + np.where(x[:, 1] < 1, 0.5, 4.25), 2)


@pytest.fixture(scope="module")
def c_hook(tmp_path_factory):
    """Compiled from C against the header that is shipped, loaded with ctypes; its cut is in its state."""
    folder = tmp_path_factory.mktemp("c_hook")
    (folder / "user.c").write_text(
        textwrap.dedent("""
        #include "esbt/hook.h"
        int batch(void* state, const float* rows, int64_t n, double* out) {
            const double cut = *(const double*)state;
            for (int64_t i = 0; i < n; ++i) out[i] = (rows[2 * i] <= cut ? 1.5 : -2.0) + (rows[2 * i + 1] < 1 ? 0.5 : 4.25);
            return cut > 0 ? 0 : 7;
        }
        """)
    )
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", f"-I{esbt.hooks.get_include()}", "user.c", "-o", "user.so"], check=True, cwd=folder)
    library = ctypes.CDLL(str(folder / "user.so"))

    def make(cut):
        state = ctypes.c_double(cut)
        address = ctypes.cast(library.batch, ctypes.c_void_p).value
        return Hook.from_address(address, 2, ctypes.addressof(state), keep_alive=(library, state))

    return make


@pytest.fixture(scope="module")
def cython_hook(tmp_path_factory):
    """A user's own Cython module: it cimports esbt.hooks and is built outside the package."""
    folder = tmp_path_factory.mktemp("cython_hook")
    (folder / "user_hook.pyx").write_text(
        textwrap.dedent("""
        # cython: language_level=3
        from esbt.hooks cimport wrap
        from libc.stdint cimport int64_t

        cdef int batch(void* state, const float* rows, int64_t n, double* out) noexcept nogil:
            cdef int64_t i
            for i in range(n):
                out[i] = (1.5 if rows[2 * i] <= 0.25 else -2.0) + (0.5 if rows[2 * i + 1] < 1 else 4.25)
            return 0

        def hook():
            return wrap(batch, 2, NULL, None)
        """)
    )
    package_parent = str(Path(esbt.hooks.__file__).parents[1])
    subprocess.run([sys.executable, "-m", "cython", "-3", "-I", package_parent, "user_hook.pyx"], check=True, cwd=folder)
    name = "user_hook" + sysconfig.get_config_var("EXT_SUFFIX")
    include = [f"-I{sysconfig.get_paths()['include']}", f"-I{esbt.hooks.get_include()}"]
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", *include, "user_hook.c", "-o", name], check=True, cwd=folder)
    spec = importlib.util.spec_from_file_location("user_hook", folder / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.hook()


def test_all_kinds_give_the_same_answer(c_hook, cython_hook):
    hooks = [forest_hook(), numba_hook(), callable_hook(), c_hook(0.25), cython_hook]
    hooks += [as_hook(h.capsule, 2) for h in hooks]  # and each once more, handed over as a capsule
    gc.collect()
    assert len(set(EXPECTED)) == 4
    for hook in hooks:
        assert hook.n_inputs == 2
        for rows, want in ((X, EXPECTED), (X[:1], EXPECTED[:1]), (X[::3], EXPECTED[::3]), (np.asfortranarray(X), EXPECTED)):
            got = hook(rows)
            assert got.dtype == np.float64
            assert got.tolist() == want.tolist(), hook
        assert hook(X[:0]).shape == (0,)


class Trouble(Exception):
    pass


def test_what_a_callable_raises_comes_out():
    def fails(x):
        raise Trouble(f"no answer for {len(x)} rows")

    hook = Hook.from_callable(fails, 2)
    with pytest.raises(Trouble, match="300 rows") as caught:
        hook(X)
    assert any(entry.name == "fails" for entry in caught.traceback)  # the user sees their own line
    hook.raise_pending()  # raised once, then forgotten


def test_the_loop_can_raise_it_later():
    def fails(_):
        raise Trouble("inside")

    hook = Hook.from_callable(fails, 1)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

    class Struct(ctypes.Structure):
        _fields_ = [
            ("version", ctypes.c_uint32),
            ("n_inputs", ctypes.c_int32),
            ("n_outputs", ctypes.c_int32),
            ("reserved", ctypes.c_int32),
            ("state", ctypes.c_void_p),
            ("batch", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)),
        ]

    struct = Struct.from_address(pointer(hook.capsule, b"esbt_hook"))
    assert (struct.version, struct.n_inputs, struct.n_outputs, struct.reserved) == (1, 1, 1, 0)
    row, out = np.zeros(1, np.float32), np.zeros(1)
    result = []
    thread = threading.Thread(target=lambda: result.append(struct.batch(struct.state, row.ctypes.data, 1, out.ctypes.data)))
    thread.start()
    thread.join()
    assert result == [1]
    with pytest.raises(Trouble, match="inside"):
        hook.raise_pending()

    foreign = as_hook(Hook.from_callable(lambda _: np.zeros(3), 1).capsule, 1)
    with pytest.raises(EsbtError, match=r"shape \(3,\) for 1 rows"):
        foreign(X[:1, :1])
    struct.version = 2
    with pytest.raises(EsbtError, match=r"version 2 .*has 1: build it again"):
        Hook.from_capsule(hook.capsule)
    struct.version, struct.n_outputs = 1, 2
    with pytest.raises(EsbtError, match="2 outputs"):
        as_hook(hook.capsule, 1)


def test_c_error_code(c_hook):
    with pytest.raises(EsbtError, match="returned 7"):
        c_hook(-1.0)(X)


@pytest.mark.parametrize("answer", [lambda x: 1.0, lambda x: x, lambda x: ["a"] * len(x), lambda x: None])
def test_wrong_answers_of_a_callable(answer):
    with pytest.raises((EsbtError, ValueError, TypeError)):
        Hook.from_callable(answer, 2)(X)


@pytest.mark.parametrize("bad", [X.astype(np.float64), X[:, :1], X[0], X.tolist(), None])
def test_wrong_rows(bad):
    with pytest.raises(EsbtError, match=r"give a numpy array float32\[n, 2\]"):
        forest_hook()(bad)


def test_wrong_makers():
    for make, why in [
        (Hook, "makes nothing"),
        (lambda: Hook.from_callable(3, 1), "can be called"),
        (lambda: Hook.from_callable(len, 0), "1 to 256"),
        (lambda: Hook.from_callable(len, 257), "1 to 256"),
        (lambda: Hook.from_callable(len, 1.0), "1 to 256"),
        (lambda: Hook.from_address(0, 1), "batch_address"),
        (lambda: Hook.from_address(-5, 1), "batch_address"),
        (lambda: Hook.from_address(2**64, 1), "batch_address"),
        (lambda: Hook.from_address(None, 1), "batch_address"),
        (lambda: Hook.from_address(1, 1, -1), "state_address"),
        (lambda: Hook.from_capsule(object()), "not a PyCapsule"),
        (lambda: as_hook(3, 1), "cannot be a hook"),
        (lambda: as_hook(forest_hook(), 5), "takes 2 inputs, the loop gives 5"),
    ]:
        with pytest.raises(EsbtError, match=why):
            make()


def test_as_hook_takes_what_users_have():
    class HasHook:
        hook = forest_hook()

    assert as_hook(HasHook(), 2) is HasHook.hook
    assert as_hook(HasHook.hook, 2) is HasHook.hook
    assert as_hook(lambda x: x[:, 0], 2)(X).tolist() == X[:, 0].astype(float).tolist()


def test_capsule_and_hook_keep_alive_what_they_need():
    class Callable:
        def __call__(self, x):
            return np.zeros(len(x))

    f = Callable()
    watch = weakref.ref(f)
    capsule = Hook.from_callable(f, 1).capsule
    del f
    gc.collect()
    assert watch() is not None
    hook = as_hook(capsule, 1)
    del capsule
    assert hook(X[:, :1]).sum() == 0
    del hook
    gc.collect()
    assert watch() is None
