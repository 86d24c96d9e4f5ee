// The kernels that begin anew with each session (trade date): VWAP, open, range so far, time of day. A session is what the bars hold of it:
// where the file or the contract starts late, so does its session. Rules for kernels are in kernels.hpp.
#pragma once
#include <algorithm>
#include <cstdint>

#include "esbt/features/bar.hpp"
#include "esbt/features/parts.hpp"

namespace esbt::features {

struct vwap_distance {
    double traded = 0.0, volume = 0.0;  // sum of 3 * typical price * volume, of volume
    double push(const FeatureBar& b) {
        if (b.session_start) traded = volume = 0.0;
        traded += (static_cast<double>(b.high) + b.low + b.close) * b.volume;
        volume += b.volume;
        if (volume == 0.0) return b.in_atr(0.0);
        return b.in_atr(b.close - traded / (3.0 * volume));
    }
};

struct session_open_distance {
    std::int32_t open = 0;
    double push(const FeatureBar& b) {
        if (b.session_start) open = b.open;
        return b.in_atr(b.close - open);
    }
};

struct session_range_position {
    std::int32_t high = 0, low = 0;
    double push(const FeatureBar& b) {
        high = b.session_start ? b.high : std::max(high, b.high);
        low = b.session_start ? b.low : std::min(low, b.low);
        return ratio(b.close - low, high - low, 0.5);
    }
};

// From the session's own start, not from the clock: UTC minutes jump with daylight saving, these do not.
struct minutes_since_open {
    std::int64_t start = 0;
    double push(const FeatureBar& b) {
        if (b.session_start) start = b.ts;
        return static_cast<double>(b.ts - start) / 60e9;
    }
};

}  // namespace esbt::features
