// Wilder's ATR, the EMA and the crossings of two EMAs: what the baseline's signals are made of. Everything restarts at a contract seam and
// counts in ticks; the EMA runs on closes relative to the segment's first close, so that shifted or mirrored prices give the same crossings
// to the last bit. Knows no position.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "esbt/bars.hpp"

namespace esbt {

inline std::int32_t true_range_ticks(const BarsView& b, std::int64_t i, bool first) {
    const std::int32_t range = b.high[i] - b.low[i];
    if (first) return range;
    const std::int32_t before = b.close[i - 1];
    return std::max({range, std::abs(b.high[i] - before), std::abs(b.low[i] - before)});
}

inline bool starts_segment(const BarsView& b, std::int64_t i) { return i == 0 || b.segment[i] != b.segment[i - 1]; }

// ATR_t = (ATR_(t-1) * (n - 1) + TR_t) / n, seeded with the mean of a segment's first n true ranges. out: float64[n] ticks, NaN before.
inline void wilder_atr(const BarsView& b, std::int32_t period, double* out) {
    std::int64_t seen = 0, sum = 0;
    double atr = 0.0;
    for (std::int64_t i = 0; i < b.n; ++i) {
        const bool first = starts_segment(b, i);
        if (first) seen = sum = 0;
        const std::int32_t tr = true_range_ticks(b, i, first);
        ++seen;
        if (seen < period) {
            sum += tr;
            out[i] = std::numeric_limits<double>::quiet_NaN();
        } else {
            if (seen == period) {
                sum += tr;
                atr = static_cast<double>(sum) / period;
            } else {
                atr = (atr * (period - 1) + tr) / period;
            }
            out[i] = atr;
        }
    }
}

// EMA_t = a * close_t + (1 - a) * EMA_(t-1), a = 2 / (n + 1), relative to the segment's first close, where it starts at 0.
struct Ema {
    double a, value = 0.0;
    explicit Ema(std::int32_t period) : a(2.0 / (period + 1)) {}
    void reset() { value = 0.0; }
    double push(double relative_close) { return value = a * relative_close + (1.0 - a) * value; }
};

struct CrossingPeriods {
    std::int32_t fast, slow, warm_bars;  // the first bar of a segment that may carry a signal is number warm_bars
};

// +1 where EMA(fast) crosses above EMA(slow), -1 on the mirror, 0 elsewhere. out: int8[n], known at each bar's close.
inline void ema_crossings(const BarsView& b, CrossingPeriods p, std::int8_t* out) {
    Ema fast(p.fast), slow(p.slow);
    std::int64_t age = 0;
    std::int32_t anchor = 0;
    for (std::int64_t i = 0; i < b.n; ++i, ++age) {
        if (starts_segment(b, i)) {
            age = 0;
            anchor = b.close[i];
            fast.reset();
            slow.reset();
            out[i] = 0;
            continue;
        }
        const double f0 = fast.value, s0 = slow.value, x = b.close[i] - anchor;
        const double f1 = fast.push(x), s1 = slow.push(x);
        const int cross = (f1 > s1 && f0 <= s0) - (f1 < s1 && f0 >= s0);
        out[i] = age >= p.warm_bars ? static_cast<std::int8_t>(cross) : std::int8_t{0};
    }
}

}  // namespace esbt
