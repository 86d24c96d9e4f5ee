// Running totals, many at once. A total of whole numbers (of x in steps of 1 / scale) is exact, and so are differences of totals: sums over
// windows, without drift. Totals are counted anew every kRebase bars of a segment, so that they stay small enough to be exact in a double
// (and where sums are too wide for that, a stream still rounds as the batch does). Knows no feature.
#pragma once
#include <cstdint>
#include <vector>

#include "esbt/features/abreast.hpp"
#include "esbt/features/nodes.hpp"

namespace esbt::features {

struct TotalLane {
    const double* in;
    double* out;
    std::int64_t history;  // bars before the window that are kept
    double a;              // the scale
    double b = 0.0, value = 0.0;
};

constexpr std::int64_t kRebase = 512;
constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding and taking it off rounds to whole numbers

struct Sum {
    static double next(double, double, double x, double v) { return v + x; }
#ifdef ESBT_HAS_AVX2
    ESBT_INLINE static __m256d next(__m256d, __m256d, __m256d x, __m256d v) { return _mm256_add_pd(v, x); }
#endif
};

struct FineSum {
    static double next(double scale, double, double x, double v) { return v + ((x * scale + kRound) - kRound); }
#ifdef ESBT_HAS_AVX2
    ESBT_INLINE static __m256d next(__m256d scale, __m256d, __m256d x, __m256d v) {
        const __m256d round = _mm256_set1_pd(kRound);
        return _mm256_add_pd(v, _mm256_sub_pd(_mm256_add_pd(_mm256_mul_pd(x, scale), round), round));
    }
#endif
};

struct TotalsNode final : Step<TotalsNode> {
    std::vector<TotalLane> lanes;

    explicit TotalsNode(std::vector<TotalLane> of) : lanes(std::move(of)) {}

    void reset() override {
        for (TotalLane& lane : lanes) lane.value = 0.0;
    }

    void push(std::int64_t i, std::int64_t age) {
        if (age % kRebase == 0) rebase(i);
        for (TotalLane& lane : lanes) {
            const double x = lane.in[i];
            lane.out[i] = lane.value = lane.a == 1.0 ? Sum::next(1.0, 0.0, x, lane.value) : FineSum::next(lane.a, 0.0, x, lane.value);
        }
    }

    // A span crosses no multiple of kRebase.
    void run(const Span& s) {
        if (s.age % kRebase == 0) rebase(s.first);
        whole_.clear();
        fine_.clear();
        for (TotalLane& lane : lanes) (lane.a == 1.0 ? whole_ : fine_).add(lane);
        side_by_side<FineSum, Sum>(fine_.fours(), whole_.fours(), s);
        fine_.keep();
        whole_.keep();
    }

  private:
    void rebase(std::int64_t now) {
        for (TotalLane& lane : lanes) {
            for (std::int64_t i = now - lane.history; i < now; ++i) lane.out[i] -= lane.value;
            lane.value = 0.0;
        }
    }

    Fours<TotalLane> whole_, fine_;
};

}  // namespace esbt::features
