# cython: language_level=3, boundscheck=True, wraparound=False
"""The hook: the one door through which something learned or user-written enters the simulation loop.

A `Hook` owns one `esbt_hook` (csrc/esbt/hook.h): a batch function pointer, its state, and the number of inputs. Forests, numba cfuncs,
functions of any C library, users' own Cython functions (see hooks.pxd) and plain Python callables all become one, and the loop cannot
tell them apart. There is no simulation logic here, and no knowledge of models.
"""

from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy

from pathlib import Path

import numpy as np

from esbt.errors import EsbtError

VERSION = ESBT_HOOK_VERSION
cdef const char* _NAME = "esbt_hook"
cdef int32_t _MAX_INPUTS = 256  # the loop keeps a row of this many inputs on its stack (csrc/esbt/decide.hpp)


cdef class _Callable:
    """State of a Python hook: the function, and the exception that it raised while C was calling."""

    cdef object f
    cdef int32_t n_inputs
    cdef object pending


cdef int _call_python(void* state, const float* rows, int64_t n, double* out) noexcept with gil:
    cdef _Callable held = <_Callable>state
    cdef float[:, ::1] to
    cdef const double[::1] answer
    try:
        x = np.empty((n, held.n_inputs), dtype=np.float32)  # a copy: the function may keep it, the loop's row is gone after the call
        if n > 0:
            to = x
            memcpy(&to[0, 0], rows, <size_t>n * <size_t>held.n_inputs * sizeof(float))
        y = np.ascontiguousarray(held.f(x), dtype=np.float64)
        if y.shape != (n,):
            raise EsbtError(f"a hook's function returned shape {y.shape} for {n} rows: return float64[{n}], one value a row")
        if n > 0:
            answer = y
            memcpy(out, &answer[0], <size_t>n * sizeof(double))
        return 0
    except BaseException as error:  # KeyboardInterrupt too: it has to stop the run, and C cannot carry it
        if held.pending is None:
            held.pending = error
        return 1


cdef void _release(object capsule) noexcept:
    cdef void* owner = PyCapsule_GetContext(capsule)
    if owner != NULL:
        Py_DECREF(<object>owner)


cdef int32_t _inputs(object n_inputs) except -1:
    if not isinstance(n_inputs, (int, np.integer)) or isinstance(n_inputs, bool) or not 1 <= n_inputs <= _MAX_INPUTS:
        raise EsbtError(f"n_inputs of a hook is {n_inputs!r}: give the number of inputs, 1 to {_MAX_INPUTS}")
    return <int32_t>n_inputs


cdef Hook wrap(esbt_hook_batch batch, int32_t n_inputs, void* state, object keep_alive):
    cdef Hook hook = Hook.__new__(Hook)
    hook.c.version = ESBT_HOOK_VERSION
    hook.c.n_inputs = _inputs(n_inputs)
    hook.c.n_outputs = 1
    hook.c.reserved = 0
    hook.c.state = state
    hook.c.batch = batch
    hook.keep_alive = keep_alive
    hook.kind = "function"
    return hook


cdef class Hook:
    """One value a row, computed by a C function: float32[n, n_inputs] in, float64[n] out.

    Made by `from_callable`, `from_address`, `from_capsule`, `esbt.Forest(...).hook`, or by `wrap` in a user's Cython module.
    """

    def __init__(self):
        raise EsbtError("Hook() makes nothing: use Hook.from_callable, Hook.from_address, Hook.from_capsule or Forest(...).hook")

    @staticmethod
    def from_callable(f, n_inputs):
        """A hook that calls the Python function `f`: float32[n, n_inputs] -> float64[n].

        The loop asks one row at a time and takes the interpreter's lock for it, so this is the slow way in. What `f` raises stops the
        run, and `raise_pending` raises it again. Errors: EsbtError where `f` cannot be called or `n_inputs` is not 1 to 256.
        """
        if not callable(f):
            raise EsbtError(f"a hook's function is {f!r}: give something that can be called with float32[n, {n_inputs}]")
        cdef _Callable held = _Callable.__new__(_Callable)
        held.f = f
        held.n_inputs = _inputs(n_inputs)
        cdef Hook hook = wrap(<esbt_hook_batch>_call_python, held.n_inputs, <void*>held, held)
        hook.kind = "callable"
        return hook

    @staticmethod
    def from_address(batch_address, n_inputs, state_address=0, keep_alive=None):
        """A hook of the C function at `batch_address` (numba's `cfunc.address`, ctypes, cffi), of type

            int batch(void* state, const float* rows, int64_t n, double* out)    // rows: n * n_inputs, row-major; 0 = done

        `state_address` is handed back to it; `keep_alive` is held as long as the hook. Nothing can check that the address is such a
        function. Errors: EsbtError where an address is not a positive int or `n_inputs` is not 1 to 256.
        """
        for name, value, low in (("batch_address", batch_address, 1), ("state_address", state_address, 0)):
            if not isinstance(value, int) or value < low or value.bit_length() > <int>(8 * sizeof(void*)):
                raise EsbtError(f"{name} of a hook is {value!r}: give the address as an int, e.g. numba's cfunc.address")
        cdef uintptr_t batch = batch_address
        cdef uintptr_t state = state_address
        return wrap(<esbt_hook_batch><void*>batch, _inputs(n_inputs), <void*>state, keep_alive)

    @staticmethod
    def from_capsule(capsule):
        """A hook from a PyCapsule named "esbt_hook" that points to an `esbt_hook`, as other extension modules hand it over.

        The capsule is kept alive. Errors: EsbtError where it is no such capsule, was built for another version of hook.h, or does not
        give one output.
        """
        if not PyCapsule_IsValid(capsule, _NAME):
            raise EsbtError(f"{capsule!r} is not a PyCapsule named 'esbt_hook'")
        cdef esbt_hook* c = <esbt_hook*>PyCapsule_GetPointer(capsule, _NAME)
        if c.version != ESBT_HOOK_VERSION:
            raise EsbtError(f"the hook was built for version {c.version} of esbt/hook.h, this esbt has {VERSION}: build it again")
        if c.n_outputs != 1 or c.reserved != 0 or c.batch == NULL:
            raise EsbtError(f"the hook has {c.n_outputs} outputs, reserved={c.reserved}: it needs 1 output, reserved 0 and a function")
        cdef Hook hook = wrap(c.batch, c.n_inputs, c.state, capsule)
        hook.kind = "capsule"
        return hook

    @property
    def n_inputs(self):
        """Inputs of a row."""
        return self.c.n_inputs

    @property
    def capsule(self):
        """PyCapsule named "esbt_hook", pointing to the C struct; it keeps the hook alive."""
        capsule = PyCapsule_New(&self.c, _NAME, _release)
        Py_INCREF(self)
        PyCapsule_SetContext(capsule, <void*>self)
        return capsule

    def __call__(self, X):
        """float64[n] for X float32[n, n_inputs], through the C function, as the loop calls it.

        Errors: EsbtError where X has another type or shape or the function reports an error; what a Python function raised is raised.
        """
        if not isinstance(X, np.ndarray) or X.dtype != np.float32 or X.ndim != 2 or X.shape[1] != self.c.n_inputs:
            seen = f"{X.dtype}{list(X.shape)}" if isinstance(X, np.ndarray) else type(X).__name__
            raise EsbtError(f"X of the hook is {seen}: give a numpy array float32[n, {self.c.n_inputs}]")
        out = np.empty(X.shape[0], dtype=np.float64)
        if X.shape[0] == 0:
            return out
        cdef const float[:, ::1] rows = np.ascontiguousarray(X)
        cdef double[::1] to = out
        cdef int rc
        with nogil:
            rc = self.c.batch(self.c.state, &rows[0, 0], rows.shape[0], &to[0])
        if rc != 0:
            self.raise_pending()
            raise EsbtError(f"the hook's function returned {rc}: 0 means done, anything else an error")
        return out

    def raise_pending(self):
        """Raise what the Python function raised during a run, once; nothing to do otherwise. The caller of the loop calls this."""
        cdef _Callable held
        if self.c.batch == <esbt_hook_batch>_call_python:  # also where the hook came back to us as a capsule
            held = <_Callable>self.c.state
            error, held.pending = held.pending, None
            if error is not None:
                raise error

    def __repr__(self):
        return f"Hook({self.kind}, n_inputs={self.c.n_inputs})"


def as_hook(x, n_inputs):
    """The hook that `x` is or has: a Hook, something with `.hook` (a Forest), an "esbt_hook" capsule, or a Python callable.

    Errors: EsbtError where `x` is none of them or takes another number of inputs than `n_inputs`.
    """
    if isinstance(x, Hook):
        hook = x
    elif isinstance(getattr(x, "hook", None), Hook):
        hook = x.hook
    elif PyCapsule_IsValid(x, _NAME):
        hook = Hook.from_capsule(x)
    elif callable(x):
        hook = Hook.from_callable(x, n_inputs)
    else:
        raise EsbtError(f"{x!r} cannot be a hook: give an esbt Forest, a Hook, or a function of float32[n, {n_inputs}]")
    if hook.n_inputs != n_inputs:
        raise EsbtError(f"the hook takes {hook.n_inputs} inputs, the loop gives {n_inputs}: name as many inputs as it was made for")
    return hook


def get_include():
    """Folder to put in `include_dirs` when building C or Cython hooks, so that `esbt/hook.h` is found."""
    installed = Path(__file__).parent / "include"
    return str(installed if (installed / "esbt" / "hook.h").is_file() else Path(__file__).parents[1] / "csrc")
