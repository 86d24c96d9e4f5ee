// Linear recurrences v = a * x + b * v (EMA, Wilder's mean), many at once: one alone would wait for its own last value at every bar, four
// side by side do not wait for each other. Knows no feature.
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "esbt/features/nodes.hpp"

namespace esbt::features {

struct Lane {
    const double* in;
    double* out;
    double a, b;             // of v = a * x + b * v
    std::int64_t start = 0;  // bars of a segment that are not looked at
    std::int64_t seed = 1;   // bars after them whose mean is the first value
    double divisor = 0.0;    // if set, v = (x + (divisor - 1) * v) / divisor instead
    double value = 0.0, sum = 0.0;
};

struct BankNode final : Node {
    std::vector<Lane> lanes;

    void reset() override {
        for (Lane& lane : lanes) lane.sum = 0.0;
    }

    void run(const Span& s) override {
        std::array<Lane*, 4> four;
        std::size_t n = 0;
        for (const bool divides : {false, true}) {
            for (Lane& lane : lanes) {
                if ((lane.divisor > 0.0) != divides) continue;
                if (s.age < lane.start + lane.seed) {
                    warm(lane, s);
                    continue;
                }
                four[n++] = &lane;
                if (n == 4) run_four(four, s, divides, n);
            }
            run_four(four, s, divides, n);
        }
    }

    void push(std::int64_t i, std::int64_t age) override {
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
        return lane.divisor > 0.0 ? (v * (lane.divisor - 1.0) + x) / lane.divisor : lane.a * x + lane.b * v;
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

    static void run_four(std::array<Lane*, 4>& four, const Span& s, bool divides, std::size_t& n) {
        if (n == 4 && divides) steady<4, true>(four, s);
        if (n == 4 && !divides) steady<4, false>(four, s);
        if (n == 3 && divides) steady<3, true>(four, s);
        if (n == 3 && !divides) steady<3, false>(four, s);
        if (n == 2 && divides) steady<2, true>(four, s);
        if (n == 2 && !divides) steady<2, false>(four, s);
        if (n == 1 && divides) steady<1, true>(four, s);
        if (n == 1 && !divides) steady<1, false>(four, s);
        n = 0;
    }

    template <std::size_t K, bool Divides>
    static void steady(const std::array<Lane*, 4>& lanes, const Span& s) {
        std::array<double, K> a, b, v;
        std::array<const double*, K> in;
        std::array<double*, K> out;
        for (std::size_t k = 0; k < K; ++k) {
            const Lane& lane = *lanes[k];
            a[k] = Divides ? lane.divisor : lane.a;
            b[k] = Divides ? lane.divisor - 1.0 : lane.b;
            v[k] = lane.value;
            in[k] = lane.in;
            out[k] = lane.out;
        }
        for (std::int64_t i = s.first; i < s.end(); ++i)
            for (std::size_t k = 0; k < K; ++k) {
                v[k] = Divides ? (v[k] * b[k] + in[k][i]) / a[k] : a[k] * in[k][i] + b[k] * v[k];
                out[k][i] = v[k];
            }
        for (std::size_t k = 0; k < K; ++k) lanes[k]->value = v[k];
    }
};

}  // namespace esbt::features
