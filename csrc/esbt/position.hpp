// An open position and the words its rules are written in. Everything is seen from the position's side: prices are multiplied by the side,
// so a short is a long in a mirrored market and there is one code path. Knows no rule.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "esbt/bars.hpp"
#include "esbt/plan.hpp"

namespace esbt {

struct SidedBar {
    std::int32_t open, high, low, close;  // times side: `low` is always the adverse extreme
};

inline SidedBar sided(const BarsView& b, std::int64_t j, std::int32_t side) {
    if (side > 0) return {b.open[j], b.high[j], b.low[j], b.close[j]};
    return {-b.open[j], -b.low[j], -b.high[j], -b.close[j]};
}

struct FinerBars {  // bars of a finer interval; those of bar j are [first[j], first[j + 1])
    BarsView bars;
    const std::int64_t* first = nullptr;
};

constexpr int kParts = 2;
constexpr std::int32_t kNoLevel = std::numeric_limits<std::int32_t>::min();  // below every stop

struct Part {  // of a scale-out
    std::int32_t contracts = 0, distance = kFar;
};

struct Position {  // prices in ticks, times side
    std::int64_t signal_bar = 0, entry_bar = 0;
    std::int64_t fee_e4 = 0;  // of the entry, per contract
    double confidence = 0.0;
    double stop_atr = kOff;  // the stop in ATR that is in force
    std::int32_t side = 0, contracts = 0;
    std::int32_t base_slippage = 0, slippage = 0;  // of the trade; with that of the current bar
    std::int32_t entry = 0, stop = 0, target = 0;
    std::int32_t next = 0;  // the nearest of the target and the parts still resting
    std::int32_t stop_distance = kFar, target_distance = kFar, trail_distance = kFar;
    std::int32_t best = 0, worst = 0;  // extremes seen since entry
    Reason stop_reason = Reason::stop;
    bool ambiguous = false;
    int part = kParts;  // the part that `next` is of, or kParts
    Part parts[kParts];
    std::int32_t part_stop = kNoLevel;  // where the parts that left in the current bar move the stop

    void see(std::int32_t price) {
        best = std::max(best, price);
        worst = std::min(worst, price);
    }
};

struct Exit {
    bool hit = false;
    std::int32_t price = 0;  // times side, after slippage
    Reason reason = Reason::stop;
    bool by_finer = false;  // finer bars decided it
};

inline std::int32_t distance_ticks(double x) {
    if (!(x < kFar)) return kFar;
    const auto whole = static_cast<std::int32_t>(x);  // towards zero: for what is above zero, one less than rounded up
    return std::max(1, whole + (whole < x));
}

inline double times(double factor, double atr_ticks) { return std::isfinite(factor) ? factor * atr_ticks : kOff; }
inline double real_ticks(std::int32_t ticks) { return ticks < kFar ? ticks : kOff; }

}  // namespace esbt
