// The kernels over bars of a segment: momentum, volatility, volume, position. Each is a small struct: its state, and push(bar), which takes
// the next closed bar and gives the feature's value at it. A kernel is only ever given the past. It need not reset itself nor mask its
// warm-up: the driver makes it afresh at each segment and writes NaN while it warms up (features.hpp, where a kernel gets its row).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "esbt/features/bar.hpp"
#include "esbt/features/parts.hpp"
#include "esbt/indicators.hpp"

namespace esbt::features {

template <std::int32_t N>
struct return_over {
    Lag<std::int32_t, N> closes;
    double push(const FeatureBar& b) { return b.in_atr(b.close - closes.push(b.close)); }
};
using return_1 = return_over<1>;
using return_5 = return_over<5>;
using return_30 = return_over<30>;

struct ema_gap {
    Ema fast{12}, slow{26};  // both start at the segment's first close, which is 0 here
    double push(const FeatureBar& b) {
        const double gap = fast.push(b.close) - slow.push(b.close);
        return b.in_atr(gap);
    }
};

struct relative_volatility {
    double push(const FeatureBar& b) { return ratio(b.atr, b.price, 0.0); }
};

struct volatility_ratio {
    WilderMean<100> slow;
    double push(const FeatureBar& b) { return ratio(b.atr, slow.push(b.true_range), 1.0); }
};

struct bar_range {
    double push(const FeatureBar& b) { return b.in_atr(b.high - b.low); }
};

struct close_in_bar {
    double push(const FeatureBar& b) { return ratio(b.close - b.low, b.high - b.low, 0.5); }
};

struct volume_ratio {
    RollingSum<60> volumes;
    double push(const FeatureBar& b) { return ratio(60.0 * b.volume, volumes.push(b.volume), 1.0); }
};

struct volume_balance {
    RollingSum<30> signed_volumes, volumes;
    double push(const FeatureBar& b) {
        const int direction = (b.close > b.close_before) - (b.close < b.close_before);
        return ratio(signed_volumes.push(direction * b.volume), volumes.push(b.volume), 0.0);
    }
};

// Kaufman 1995, "Smarter Trading": net move over path walked.
struct efficiency_ratio {
    Lag<std::int32_t, 30> closes;
    RollingSum<30> path;
    double push(const FeatureBar& b) {
        const double net = std::abs(b.close - closes.push(b.close));
        return ratio(net, path.push(std::abs(b.close - b.close_before)), 0.0);
    }
};

// Wilder 1978, "New Concepts in Technical Trading Systems", section VI.
struct rsi_14 {
    WilderMean<14> gain, loss;
    double push(const FeatureBar& b) {
        if (b.age == 0) return 50.0;  // a segment's first bar has no change
        const std::int32_t change = b.close - b.close_before;
        const double up = gain.push(change > 0 ? change : 0), down = loss.push(change < 0 ? -change : 0);
        return 100.0 * ratio(up, up + down, 0.5);
    }
};

struct high_60_distance {
    RollingMax<60> high;
    double push(const FeatureBar& b) { return b.in_atr(high.push(b.high) - b.close); }
};

struct low_60_distance {
    RollingMax<60> minus_low;
    double push(const FeatureBar& b) { return b.in_atr(b.close + minus_low.push(-b.low)); }
};

}  // namespace esbt::features
