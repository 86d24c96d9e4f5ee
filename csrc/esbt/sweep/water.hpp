// How far and how long equity lies below its peak, over the closes of bars in order. A stretch from one peak to the next is known by its
// low alone, so a stretch that cannot be the deepest need not be looked at closely. Knows no trades.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>

#include "esbt/sweep/totals.hpp"

namespace esbt::sweep {

// Depth below a peak, a fraction, by the very operations of esbt.metrics.drawdowns.
inline double depth(std::int64_t low_e4, std::int64_t peak_e4) {
    return 1.0 - (static_cast<double>(low_e4) / kUsd) / (static_cast<double>(peak_e4) / kUsd);
}

// What is known of all stretches that are over.
struct Deepest {
    double depth = 0.0, recovery_days = 0.0;

    void see(double found, double days) {
        if (found > depth) depth = found, recovery_days = days;
    }
};

class Water {
  public:
    Water(std::int64_t cash_e4, std::int32_t day) : peak_(cash_e4), lowest_(cash_e4), peak_day_(day) {}

    // Equity at a close, on a day number that never falls.
    void mark(std::int64_t equity_e4, std::int32_t day) {
        if (equity_e4 >= peak_) {
            if (under()) end_stretch(day, static_cast<double>(day - low_day_));
            peak_ = equity_e4;
            peak_day_ = day;
            low_ = kNone;
        } else if (equity_e4 < low_) {
            low_ = equity_e4;
            low_day_ = day;
            lowest_ = std::min(lowest_, low_);
        }
    }

    void write(Totals& t, std::int32_t last_day) {
        if (under()) end_stretch(last_day, std::numeric_limits<double>::quiet_NaN());
        t.deepest = deepest_.depth;
        t.recovery_days = deepest_.recovery_days;
        t.under_days = days_;
        t.ruined = lowest_ <= 0;
    }

  private:
    static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

    bool under() const { return low_ != kNone; }

    void end_stretch(std::int32_t day, double recovery) {
        days_ = std::max<std::int64_t>(days_, day - peak_day_);
        deepest_.see(depth(low_, peak_), recovery);
    }

    std::int64_t peak_, low_ = kNone, lowest_, days_ = 0;
    std::int32_t peak_day_, low_day_ = 0;
    Deepest deepest_;
};

}  // namespace esbt::sweep
