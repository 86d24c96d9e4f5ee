// Loops over series, compiled for the plain machine and for AVX2, chosen when the program starts by what the machine can (or by ESBT_TARGET
// = baseline, avx2, for tests). The arithmetic is the same, so are the bits. Knows no series' meaning.
#pragma once
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace esbt::features {

template <std::size_t K>
using Inputs = std::array<const double*, K>;

template <class F, std::size_t K, std::size_t... Is, class... Before>
[[gnu::always_inline]] inline auto call(F&& f, const Inputs<K>& in, std::int64_t i, std::index_sequence<Is...>, Before&&... before) {
    return f(before..., in[Is][i]...);
}

#if defined(__x86_64__) && defined(__GNUC__)
#define ESBT_HAS_AVX2
#define ESBT_AVX2 [[gnu::target("avx2")]]
inline bool has_avx2() {
    static const bool yes = [] {
        const char* const asked = std::getenv("ESBT_TARGET");
        return __builtin_cpu_supports("avx2") && (!asked || std::string_view(asked) != "baseline");
    }();
    return yes;
}
#else
#define ESBT_AVX2
inline bool has_avx2() { return false; }
#endif

#define ESBT_LOOP                                                         \
    const F g = f;                                                        \
    const Inputs<K> from = in;                                            \
    _Pragma("GCC ivdep") for (std::int64_t i = 0; i < count; ++i) to[i] = \
        static_cast<To>(call(g, from, first + i, std::make_index_sequence<K>{}));

template <class To, class F, std::size_t K>
ESBT_AVX2 void map_avx2(const F& f, const Inputs<K>& in, std::int64_t first, std::int64_t count, To* to) {
    ESBT_LOOP
}

template <class To, class F, std::size_t K>
void map_baseline(const F& f, const Inputs<K>& in, std::int64_t first, std::int64_t count, To* to) {
    ESBT_LOOP
}

#undef ESBT_LOOP

// to[i] = f(inputs at first + i) for i in [0, count); `to` is none of the inputs, or the very bar it is written for.
template <class To, class F, std::size_t K>
void map_loop(const F& f, const Inputs<K>& in, std::int64_t first, std::int64_t count, To* to) {
    if (has_avx2()) return map_avx2(f, in, first, count, to);
    map_baseline(f, in, first, count, to);
}

}  // namespace esbt::features
