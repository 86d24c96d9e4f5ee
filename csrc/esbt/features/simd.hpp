// Loops over series, compiled for the plain machine and for AVX2 (target.hpp says which runs). The arithmetic is the same, so are the bits.
// Knows no series' meaning.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "esbt/target.hpp"

namespace esbt::features {

template <std::size_t K>
using Inputs = std::array<const double*, K>;

template <class F, std::size_t K, std::size_t... Is, class... Before>
[[gnu::always_inline]] inline auto call(F&& f, const Inputs<K>& in, std::int64_t i, std::index_sequence<Is...>, Before&&... before) {
    return f(before..., in[Is][i]...);
}

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

#ifdef ESBT_HAS_AVX2
// Whole cache lines past the cache; the ends of a row, whose lines it shares, as usual.
ESBT_AVX2 inline void copy_out_avx2(const float* from, std::int64_t count, float* to) {
    constexpr std::int64_t line = 16;
    const auto past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(to) / sizeof(float) % line);
    std::int64_t i = past == 0 ? 0 : std::min(line - past, count);
    std::memcpy(to, from, static_cast<std::size_t>(i) * sizeof(float));
    for (; i + line <= count; i += line) {
        _mm256_stream_ps(to + i, _mm256_loadu_ps(from + i));
        _mm256_stream_ps(to + i + 8, _mm256_loadu_ps(from + i + 8));
    }
    std::memcpy(to + i, from + i, static_cast<std::size_t>(count - i) * sizeof(float));
}
#endif

// Copies what nobody reads again soon: where the machine can, without fetching the lines it overwrites. out_is_written() ends a run of
// them.
inline void copy_out(const float* from, std::int64_t count, float* to) {
#ifdef ESBT_HAS_AVX2
    if (has_avx2()) return copy_out_avx2(from, count, to);
#endif
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

inline void out_is_written() {
#ifdef ESBT_HAS_AVX2
    _mm_sfence();
#endif
}

}  // namespace esbt::features
