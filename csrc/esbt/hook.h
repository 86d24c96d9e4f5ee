/* The hook: the one door through which something learned or user-written enters the loop. A forest, a network, a user's Cython
 * function, a numba cfunc and a Python callable all fill this struct. C, not C++, so that every language can. */
#ifndef ESBT_HOOK_H
#define ESBT_HOOK_H
#include <stdint.h>

#define ESBT_HOOK_VERSION 1

/* rows: n rows of n_inputs float32, row-major. out: n rows of n_outputs float64. Return 0, or anything else to stop the run with an error.
 */
typedef int (*esbt_hook_batch)(void* state, const float* rows, int64_t n, double* out);

typedef struct esbt_hook {
    uint32_t version; /* ESBT_HOOK_VERSION of the header it was built with */
    int32_t n_inputs;
    int32_t n_outputs;
    int32_t reserved; /* 0 */
    void* state;      /* passed back to batch, owned by the maker */
    esbt_hook_batch batch;
} esbt_hook;

#endif
