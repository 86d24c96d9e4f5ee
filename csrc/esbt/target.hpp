// Which target of the machine runs: AVX2 where it can, or the plain machine, asked once when the program starts; ESBT_TARGET = baseline
// or avx2 forces one, for tests. What is compiled for both takes the same steps, so its bits are the same. Knows no loop.
#pragma once
#include <cstdlib>
#include <string_view>

#if defined(__x86_64__) && defined(__GNUC__)
#define ESBT_HAS_AVX2
#define ESBT_AVX2 [[gnu::target("avx2")]]
#include <immintrin.h>
#else
#define ESBT_AVX2
#endif

namespace esbt {

#ifdef ESBT_HAS_AVX2
inline bool has_avx2() {
    static const bool yes = [] {
        const char* const asked = std::getenv("ESBT_TARGET");
        return __builtin_cpu_supports("avx2") && (!asked || std::string_view(asked) != "baseline");
    }();
    return yes;
}
#else
inline bool has_avx2() { return false; }
#endif

}  // namespace esbt
