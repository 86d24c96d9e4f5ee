// Linear recurrences v = a * x + b * v (EMA, Wilder's mean), many at once. Knows no feature.
#pragma once
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "esbt/features/abreast.hpp"
#include "esbt/features/nodes.hpp"

namespace esbt::features {

struct Lane {
    const double* in;
    double* out;
    double a, b;             // of v = a * x + b * v
    std::int64_t start = 0;  // bars of a segment that are not looked at
    std::int64_t seed = 1;   // bars after them whose mean is the first value
    bool divides = false;    // v = (x + b * v) / a instead
    double value = 0.0, sum = 0.0;
};

struct Blend {
    static double next(double a, double b, double x, double v) { return a * x + b * v; }
#ifdef ESBT_HAS_AVX2
    ESBT_INLINE static __m256d next(__m256d a, __m256d b, __m256d x, __m256d v) {
        return _mm256_add_pd(_mm256_mul_pd(a, x), _mm256_mul_pd(b, v));
    }
#endif
};

struct Share {
    static double next(double a, double b, double x, double v) { return (v * b + x) / a; }
#ifdef ESBT_HAS_AVX2
    ESBT_INLINE static __m256d next(__m256d a, __m256d b, __m256d x, __m256d v) {
        return _mm256_div_pd(_mm256_add_pd(_mm256_mul_pd(v, b), x), a);
    }
#endif
};

struct BankNode final : Step<BankNode> {
    std::vector<Lane> lanes;

    explicit BankNode(std::vector<Lane> of) : lanes(std::move(of)) {}

    void reset() override {
        for (Lane& lane : lanes) lane.sum = 0.0;
    }

    void run(const Span& s) {
        shares_.clear();
        blends_.clear();
        for (Lane& lane : lanes) {
            if (s.age < lane.start + lane.seed)
                warm(lane, s);
            else
                (lane.divides ? shares_ : blends_).add(lane);
        }
        side_by_side<Share, Blend>(shares_.fours(), blends_.fours(), s);
        shares_.keep();
        blends_.keep();
    }

    void push(std::int64_t i, std::int64_t age) {
        for (Lane& lane : lanes) {
            if (age < lane.start + lane.seed) {
                warm(lane, {i, 1, age});
            } else {
                lane.out[i] = lane.value = next(lane, lane.in[i], lane.value);
            }
        }
    }

  private:
    static double next(const Lane& lane, double x, double v) {
        return lane.divides ? Share::next(lane.a, lane.b, x, v) : Blend::next(lane.a, lane.b, x, v);
    }

    // Bar by bar, while the segment is young.
    static void warm(Lane& lane, const Span& s) {
        for (std::int64_t k = 0; k < s.count; ++k) {
            const std::int64_t i = s.first + k, looked_at = s.age + k - lane.start;
            if (looked_at < 0) {
                lane.out[i] = std::numeric_limits<double>::quiet_NaN();
            } else if (looked_at < lane.seed) {
                lane.sum += lane.in[i];
                lane.value = lane.sum / static_cast<double>(lane.seed);
                lane.out[i] = looked_at + 1 < lane.seed ? std::numeric_limits<double>::quiet_NaN() : lane.value;
            } else {
                lane.out[i] = lane.value = next(lane, lane.in[i], lane.value);
            }
        }
    }

    Fours<Lane> shares_, blends_;
};

}  // namespace esbt::features
