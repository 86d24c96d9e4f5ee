// Floats as integers of the same order, so that `v <= t` and `v < t` are both one integer compare, exact at, below and above a threshold.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace esbt::ordered {

constexpr std::int32_t kLow = std::numeric_limits<std::int32_t>::min();  // below and above the key of every float
constexpr std::int32_t kHigh = std::numeric_limits<std::int32_t>::max();

// The integer with the order of the float; -0.0 and 0.0 are the same. NaN must be handled by the caller.
inline std::int32_t key(std::int32_t bits) {
    bits &= -static_cast<std::int32_t>(bits != kLow);
    return bits ^ ((bits >> 31) & 0x7fffffff);
}

// Whether these are the bits of a NaN.
inline bool missing(std::int32_t bits) { return (bits & 0x7fffffff) > 0x7f800000; }

// The largest k such that `key(v) <= k` says `v <= threshold` (or `v < threshold`) for every float32 v.
inline std::int32_t threshold_key(double threshold, bool strict) {
    float f = static_cast<float>(threshold);  // nearest; out of range is +-inf, as the compare below expects
    if (static_cast<double>(f) > threshold) f = std::nextafter(f, -std::numeric_limits<float>::infinity());
    const std::int32_t k = key(std::bit_cast<std::int32_t>(f));
    return strict && static_cast<double>(f) == threshold ? k - 1 : k;
}

}  // namespace esbt::ordered
