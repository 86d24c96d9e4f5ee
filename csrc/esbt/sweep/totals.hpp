// What a lane is summed up in: counts and sums that every metric of esbt.metrics can be made of (esbt/totals.py does), in whole numbers
// where money and bars are meant. Plain data that Python reads field by field. Knows no rule.
#pragma once
#include <cstdint>

#include "esbt/plan.hpp"
#include "esbt/sweep/moments.hpp"

namespace esbt::sweep {

struct Totals {
    std::int64_t trades = 0, wins = 0, losses = 0, win_run = 0, loss_run = 0, ambiguous = 0;
    std::int64_t bars_in = 0;                           // with a position
    std::int64_t won_e4 = 0, net_e4 = 0, costs_e4 = 0;  // USD * 1e4
    std::int64_t under_days = 0;                        // longest time below a peak
    std::int64_t ruined = 0;                            // 1: equity touched zero
    std::int64_t sessions = 0;                          // returns in the moments
    double deepest = 0.0, recovery_days = 0.0;          // drawdown seen at bars' closes, a fraction; NaN days: not regained
    double mean = 0.0, m2 = 0.0, m3 = 0.0, m4 = 0.0;    // as in Moments
    double gain = 0.0, pain = 0.0, downside = 0.0, low = 0.0, high = 0.0, ulcer = 0.0;
    Skipped skipped;

    void take(const Moments<double>& m) {
        mean = m.mean, m2 = m.m2, m3 = m.m3, m4 = m.m4;
        gain = m.gain, pain = m.pain, downside = m.downside, low = m.low, high = m.high, ulcer = m.ulcer;
    }
};

constexpr double kUsd = 10'000.0;  // units of money in one USD

}  // namespace esbt::sweep
