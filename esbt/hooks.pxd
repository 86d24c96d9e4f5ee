# What a user's own Cython module cimports to write a hook in C: the struct, the function type, and the class that owns one.
#
#     # cython: language_level=3
#     from esbt.hooks cimport Hook, wrap
#     from libc.stdint cimport int64_t
#
#     cdef int twice(void* state, const float* rows, int64_t n, double* out) noexcept nogil:
#         cdef int64_t i
#         for i in range(n):
#             out[i] = 2.0 * rows[i]
#         return 0
#
#     def hook():
#         return wrap(twice, 1, NULL, None)
#
# Build it with include_dirs=[esbt.hooks.get_include()].
from libc.stdint cimport int32_t, int64_t, uint32_t

cdef extern from "esbt/hook.h":
    const uint32_t ESBT_HOOK_VERSION

    ctypedef int (*esbt_hook_batch)(void* state, const float* rows, int64_t n, double* out) noexcept nogil

    ctypedef struct esbt_hook:
        uint32_t version
        int32_t n_inputs
        int32_t n_outputs
        int32_t reserved
        void* state
        esbt_hook_batch batch

cdef class Hook:
    cdef esbt_hook c
    cdef object keep_alive  # whatever `c.state` and `c.batch` point into
    cdef object kind

cdef Hook wrap(esbt_hook_batch batch, int32_t n_inputs, void* state, object keep_alive)
