// The few parts kernels are built from: Wilder's mean, a value n bars ago, a rolling sum, a rolling maximum, a ratio with a defined value
// where it has none. Constant work a bar, fixed size, no allocation. A fresh object is an empty history. Knows no bar.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace esbt::features {

// num / den, or `neutral` where den is zero: a flat or untraded market has a value too.
inline double ratio(double num, double den, double neutral) { return den == 0.0 ? neutral : num / den; }

// Wilder's mean: seeded with the plain mean of the first N values, NaN before. Same arithmetic as esbt::wilder_atr.
template <std::int32_t N>
struct WilderMean {
    std::int32_t seen = 0;
    double sum = 0.0, value = std::numeric_limits<double>::quiet_NaN();

    double push(double x) {
        if (seen == N) return value = (value * (N - 1) + x) / N;
        sum += x;
        if (++seen == N) value = sum / N;
        return value;
    }
};

// push(x) gives the value pushed N pushes ago (zero for the first N).
template <class T, std::int32_t N>
struct Lag {
    std::array<T, N> ring{};
    std::size_t at = 0;

    T push(T x) {
        const T old = ring[at];
        ring[at] = x;
        at = at + 1 == N ? 0 : at + 1;
        return old;
    }
};

// Sum of the last N values. Whole numbers (ticks, contracts) are exact in float64, so adding and taking away leaves no residue.
template <std::int32_t N>
struct RollingSum {
    Lag<double, N> lag;
    double sum = 0.0;

    double push(double x) {
        sum += x;
        return sum -= lag.push(x);
    }
};

// Maximum of the last N values: a queue of falling candidates, each pushed and popped once.
template <std::int32_t N>
struct RollingMax {
    static constexpr std::uint32_t kMask = std::bit_ceil(static_cast<std::uint32_t>(N) + 1) - 1;
    std::array<std::int32_t, kMask + 1> value{};
    std::array<std::int64_t, kMask + 1> born{};
    std::uint32_t head = 0, tail = 0;  // candidates are [head, tail), modulo the ring
    std::int64_t now = 0;

    std::int32_t push(std::int32_t x) {
        while (tail != head && value[(tail - 1) & kMask] <= x) --tail;
        value[tail & kMask] = x;
        born[tail & kMask] = now;
        ++tail;
        if (born[head & kMask] + N <= now) ++head;
        ++now;
        return value[head & kMask];
    }
};

}  // namespace esbt::features
