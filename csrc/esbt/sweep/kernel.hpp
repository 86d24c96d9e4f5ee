// kernel.inc, legs.inc and scan.inc, compiled for the plain machine and for AVX2: the same whole numbers, the same steps.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "esbt/sweep/eight.hpp"
#include "esbt/sweep/legs.hpp"
#include "esbt/sweep/scan.hpp"
#include "esbt/target.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#endif

namespace esbt::sweep {

namespace baseline {
#include "esbt/sweep/kernel.inc"
#include "esbt/sweep/legs.inc"
#include "esbt/sweep/scan.inc"
}  // namespace baseline

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx2")
#define ESBT_SWEEP_AVX2
namespace avx2 {
#include "esbt/sweep/kernel.inc"
#include "esbt/sweep/legs.inc"
#include "esbt/sweep/scan.inc"
}  // namespace avx2
#undef ESBT_SWEEP_AVX2
#pragma GCC pop_options
#else
namespace avx2 = baseline;
#endif

}  // namespace esbt::sweep
