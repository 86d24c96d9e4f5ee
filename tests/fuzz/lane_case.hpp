// A market and many plans of it for the fuzz driver of sweeps, from a seed: lanes that differ in a few axes, as a sweep's do. Most have
// exits that are free legs and money that fits the kernel's numbers; some have rules that must be stepped. To fuzz a new axis: a case in
// `set_axis`.
#pragma once
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "random_case.hpp"

namespace fuzz {

// The number of axes of set_axis; those from kCoupled on need stepping.
constexpr int kAxes = 21, kCoupled = 16;

struct LaneCase : Case {
    std::vector<esbt::Plan> plans;
    std::set<int> axes;
    int threads = 1;
    bool free = false;  // no lane has a rule that must be stepped
};

// One more value of an axis, of a size that does something, or off.
inline void set_axis(esbt::Plan& p, int axis, Random& r) {
    switch (axis) {
        case 0:
            p.stop_atr = positive(r, 2.0);
            break;
        case 1:
            p.stop_ticks = ticks(r, 1, 40, 1'000'000, esbt::kFar);
            break;
        case 2:
            p.target_r = has_stop(p) ? positive(r, 2.0) : esbt::kOff;
            break;
        case 3:
            p.target_atr = positive(r, 3.0);
            break;
        case 4:
            p.target_ticks = ticks(r, 1, 60, 1'000'000, esbt::kFar);
            break;
        case 5:
            p.trail_atr = positive(r, 2.0);
            break;
        case 6:
            p.trail_ticks = ticks(r, 1, 40, 1'000'000, esbt::kFar);
            break;
        case 7:
            p.max_bars = ticks(r, 1, 20, 1'000'000, esbt::kNever);
            break;
        case 8:
            p.slippage_ticks = ticks(r, 0, 3, 100'000, 1);
            break;
        case 9:
            p.latency_bars = p.reverse ? 0 : ticks(r, 0, 4, 100'000, 0);
            break;
        case 10:
            p.target_through_ticks = ticks(r, 0, 3, 100'000, 0);
            break;
        case 11:
            p.path = r.pick({esbt::Path::worst, esbt::Path::best, esbt::Path::nearest});
            break;
        case 12:
            p.contracts = r.pick<std::int32_t>({1, 2, 3, 10, 1'000'000});
            break;
        case 13:
            p.cash_e4 = r.pick<std::int64_t>({1, 3'000'000, 50'000'000, 1'000'000'000, std::int64_t{1} << 50, 10'000'000'000'000'000});
            break;
        case 14:
            p.tick_value_e4 = r.pick<std::int64_t>({1, 5'000, 125'000, 125'000, 10'000'000});
            break;
        case 15:
            p.fee_e4 = r.pick<std::int64_t>({0, 22'500, 31'000, 31'008, 16'777'216});
            break;
        case 16:
            p.chandelier_atr = positive(r, 3.0);
            break;
        case 17:
            p.break_even_r = positive(r, 1.0);
            break;
        case 18:
            p.flat_at_close = r.chance(0.5);
            break;
        case 19:
            p.volume_share = r.chance(0.6) ? esbt::kOff : fraction(r);
            break;
        default:
            p.cooldown_bars = ticks(r, 0, 10, 1'000'000, 0);
            break;
    }
    if (!has_stop(p)) p.target_r = esbt::kOff;
}

// A plan whose exits are free legs. Its money mostly fits the kernel's numbers, and in a few cases not for long: a fee of many units.
inline esbt::Plan free_plan(Random& r) {
    esbt::Plan p;
    p.cash_e4 = r.pick<std::int64_t>({3'000'000, 1'000'000'000, 1'000'000'000});
    p.tick_value_e4 = r.pick<std::int64_t>({125'000, 125'000, 5'000, 1});
    p.fee_e4 = p.tick_value_e4 == 1 ? 16'777'216 : r.pick<std::int64_t>({0, 22'500, 31'000});
    p.contracts = static_cast<std::int32_t>(r.whole(1, 3));
    p.slippage_ticks = static_cast<std::int32_t>(r.whole(0, 2));
    return p;
}

// The lanes once for each of so many values of the axis.
inline void cross(std::vector<esbt::Plan>& grid, int axis, std::int64_t values, Random& r) {
    std::vector<esbt::Plan> crossed;
    for (; values > 0; --values) {
        const std::uint64_t own = r.bits();
        for (esbt::Plan p : grid) {
            Random same(own);  // one value, whatever it is crossed with
            set_axis(p, axis, same);
            crossed.push_back(p);
        }
    }
    grid.swap(crossed);
}

// Days that win ten ticks, lose ten or end where they began, and no costs: equity meets its own peaks and lows again, to the unit.
inline void fill_tide(LaneCase& c, Random& r) {
    std::int32_t session = 19'000;
    for (std::int64_t days = r.whole(4, 30); days > 0; --days) {
        session += static_cast<std::int32_t>(r.whole(1, 4));
        const auto bars = r.whole(3, 5);
        for (std::int64_t j = 0; j < bars; ++j) {
            add_bar(c.bars, r, 5'000, {0, 0}, session, 0);
            c.signals.push_back(j == 0);
            c.atr.push_back(4.0);
        }
        const std::int32_t close = 5'000 + r.pick<std::int32_t>({-10, 0, 10});
        c.bars.close.back() = close;
        c.bars.high.back() = std::max(close, 5'000);
        c.bars.low.back() = std::min(close, 5'000);
    }
    c.ends = esbt::find_ends(c.bars.view());
    c.plan.stop_atr = c.plan.target_r = esbt::kOff;
    c.plan.slippage_ticks = 0;
    c.plan.cash_e4 = 50'000'000;
    c.plan.tick_value_e4 = 125'000;
    for (c.plan.contracts = 1; c.plan.contracts < 10; ++c.plan.contracts) c.plans.push_back(c.plan);
    c.free = true;
}

inline void fill_lanes(LaneCase& c, std::uint64_t seed) {
    Random r(seed);
    if (r.chance(0.05)) return fill_tide(c, r);
    random_bars(c, r, r.pick<std::int64_t>({r.whole(1, 9), r.whole(20, 150), r.whole(100, 400), r.whole(100, 400)}));
    random_signals(c, r);
    c.ends = esbt::find_ends(c.bars.view());
    c.free = !r.chance(0.15);
    c.plan = c.free ? free_plan(r) : random_plan(r, false);
    random_costs(c, r);
    if (!r.chance(0.2)) c.fees_e4.clear();
    if (!r.chance(0.2)) c.slips.clear();
    c.threads = static_cast<int>(r.whole(1, 3));
    const int most = r.chance(0.2) ? kAxes : kCoupled;
    std::vector<esbt::Plan> grid{c.plan};
    const bool targets_in_row = r.chance(0.2);  // eight lanes then read one stretch of numbers
    if (targets_in_row) {
        c.axes.insert(4);
        grid.assign(20, c.plan);
        for (std::size_t k = 0; k < grid.size(); ++k) grid[k].target_ticks = 1 + 2 * static_cast<std::int32_t>(k);
    }
    for (std::int64_t k = r.whole(1, 5); k > 0; --k) {
        const auto axis = static_cast<int>(r.whole(0, most - 1));
        if (c.axes.insert(axis).second) cross(grid, axis, grid.size() > 1 ? r.whole(1, 4) : r.pick<std::int64_t>({1, 3, 9, 20}), r);
    }
    c.free &= c.fees_e4.empty() && c.slips.empty() && (c.axes.empty() || *c.axes.rbegin() < kCoupled);
    // A stretch of the grid, the first axis fastest, or any of its lanes.
    const auto size = static_cast<std::int64_t>(grid.size()), start = r.whole(0, size - 1);
    const bool in_order = targets_in_row || r.chance(0.6);
    for (std::int64_t k = 0, n = r.pick<std::int64_t>({1, 7, 8, 9, 16, 30}); k < n; ++k)
        c.plans.push_back(grid[static_cast<std::size_t>(in_order ? (start + k) % size : r.whole(0, size - 1))]);
}

}  // namespace fuzz
