// Recurrences side by side. v = next(x, v), bar after bar, waits for its own last value; four series in one vector, and up to four vectors
// in one loop, do not wait for each other. Each series' arithmetic is what it would be alone, so are the bits. Knows no feature.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "esbt/features/series.hpp"
#include "esbt/features/simd.hpp"

namespace esbt::features {

// Four recurrences of one kind. A kind has next(a, b, x, v): of doubles and, with AVX2, of vectors of four.
struct Four {
    std::array<const double*, 4> in;
    std::array<double*, 4> out;
    alignas(32) std::array<double, 4> a, b, value;
};

// Lanes (of `in`, `out`, `a`, `b`, `value`) by fours; what fills no four is filled up with its last lane, which then says the same twice.
template <class Lane>
class Fours {
  public:
    void clear() {
        lanes_.clear();
        fours_.clear();
    }
    void add(Lane& lane) {
        if (lanes_.size() % 4 == 0) fours_.emplace_back();
        for (std::size_t k = lanes_.size() % 4; k < 4; ++k) {
            Four& f = fours_.back();
            f.in[k] = lane.in;
            f.out[k] = lane.out;
            f.a[k] = lane.a;
            f.b[k] = lane.b;
            f.value[k] = lane.value;
        }
        lanes_.push_back(&lane);
    }
    std::span<Four> fours() { return fours_; }
    // The lanes get their last values back.
    void keep() {
        for (std::size_t k = 0; k < lanes_.size(); ++k) lanes_[k]->value = fours_[k / 4].value[k % 4];
    }

  private:
    std::vector<Lane*> lanes_;
    std::vector<Four> fours_;
};

// One bar after another, without vectors: the plain machine, and the bars that fill no vector.
template <class Kind>
void walk_plain(Four& f, std::int64_t first, std::int64_t end) {
    const std::array<const double*, 4> in = f.in;
    const std::array<double*, 4> out = f.out;
    const std::array<double, 4> a = f.a, b = f.b;
    std::array<double, 4> v = f.value;
    for (std::int64_t i = first; i < end; ++i)
        for (std::size_t k = 0; k < 4; ++k) out[k][i] = v[k] = Kind::next(a[k], b[k], in[k][i], v[k]);
    f.value = v;
}

#ifdef ESBT_HAS_AVX2
#define ESBT_INLINE [[gnu::target("avx2"), gnu::always_inline]] inline

// Two bars of series k, and of series k + 2.
ESBT_INLINE __m256d two_bars(const Four& f, std::size_t k, std::int64_t i) {
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(f.in[k] + i)), _mm_loadu_pd(f.in[k + 2] + i), 1);
}

// Four bars of four series: read by series, worked on by bar, written by series.
template <class Kind>
ESBT_INLINE void tile(const Four& f, __m256d& v, std::int64_t i) {
    const __m256d a = _mm256_load_pd(f.a.data()), b = _mm256_load_pd(f.b.data());
    const __m256d x02 = two_bars(f, 0, i), x13 = two_bars(f, 1, i), y02 = two_bars(f, 0, i + 2), y13 = two_bars(f, 1, i + 2);
    const __m256d v0 = Kind::next(a, b, _mm256_unpacklo_pd(x02, x13), v);
    const __m256d v1 = Kind::next(a, b, _mm256_unpackhi_pd(x02, x13), v0);
    const __m256d v2 = Kind::next(a, b, _mm256_unpacklo_pd(y02, y13), v1);
    v = Kind::next(a, b, _mm256_unpackhi_pd(y02, y13), v2);
    const __m256d z02 = _mm256_unpacklo_pd(v0, v1), z13 = _mm256_unpackhi_pd(v0, v1);
    const __m256d w02 = _mm256_unpacklo_pd(v2, v), w13 = _mm256_unpackhi_pd(v2, v);
    _mm256_storeu_pd(f.out[0] + i, _mm256_permute2f128_pd(z02, w02, 0x20));
    _mm256_storeu_pd(f.out[1] + i, _mm256_permute2f128_pd(z13, w13, 0x20));
    _mm256_storeu_pd(f.out[2] + i, _mm256_permute2f128_pd(z02, w02, 0x31));
    _mm256_storeu_pd(f.out[3] + i, _mm256_permute2f128_pd(z13, w13, 0x31));
}

template <class... Kinds, std::size_t... k>
ESBT_AVX2 void walk(std::index_sequence<k...>, Four* const* f, std::int64_t first, std::int64_t end) {
    __m256d v[] = {_mm256_load_pd(f[k]->value.data())...};
    std::int64_t i = first;
    for (; i + 4 <= end; i += 4) (tile<Kinds>(*f[k], v[k], i), ...);
    (_mm256_store_pd(f[k]->value.data(), v[k]), ...);
    (walk_plain<Kinds>(*f[k], i, end), ...);
}

#endif

// All of them over a span: some of one kind, some of another.
template <class A, class B>
void side_by_side(std::span<Four> as, std::span<Four> bs, const Span& s) {
#ifdef ESBT_HAS_AVX2
    if (has_avx2()) {
        while (!as.empty() || !bs.empty()) {
            const std::size_t na = std::min<std::size_t>(as.size(), 2), nb = std::min<std::size_t>(bs.size(), 2);
            std::array<Four*, 4> f{};
            for (std::size_t k = 0; k < na; ++k) f[k] = &as[k];
            for (std::size_t k = 0; k < nb; ++k) f[na + k] = &bs[k];
            const auto go = [&]<class... Kinds>() { walk<Kinds...>(std::index_sequence_for<Kinds...>{}, f.data(), s.first, s.end()); };
            switch (3 * na + nb) {
                case 1:
                    go.template operator()<B>();
                    break;
                case 2:
                    go.template operator()<B, B>();
                    break;
                case 3:
                    go.template operator()<A>();
                    break;
                case 4:
                    go.template operator()<A, B>();
                    break;
                case 5:
                    go.template operator()<A, B, B>();
                    break;
                case 6:
                    go.template operator()<A, A>();
                    break;
                case 7:
                    go.template operator()<A, A, B>();
                    break;
                default:
                    go.template operator()<A, A, B, B>();
            }
            as = as.subspan(na);
            bs = bs.subspan(nb);
        }
        return;
    }
#endif
    for (Four& f : as) walk_plain<A>(f, s.first, s.end());
    for (Four& f : bs) walk_plain<B>(f, s.first, s.end());
}

}  // namespace esbt::features
