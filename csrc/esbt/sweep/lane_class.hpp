// Lanes that enter alike, so that one look at the bars behind a signal serves them all, and their legs: each distinct stop, target,
// trailing distance and time limit, once. A lane is four numbers of legs, and its money. Knows no bars.
#pragma once
#include <cmath>
#include <compare>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <vector>

#include "esbt/fill.hpp"
#include "esbt/plan.hpp"
#include "esbt/rules.hpp"

namespace esbt::sweep {

// What lanes share that enter alike, and read the inside of a bar alike.
struct Entering {
    std::int32_t slippage, latency, through;
    Path path;
    bool needs_atr;
    auto operator<=>(const Entering&) const = default;
};

inline Entering entering(const Plan& p) { return {p.slippage_ticks, p.latency_bars, p.target_through_ticks, p.path, uses_atr(p)}; }

// Whether the exits of a plan are legs that do not know of each other, and its entries ask nothing but whether it is flat. Other plans are
// stepped bar by bar while in position.
inline bool has_free_legs(const Plan& p, bool fees_by_bar, bool slips) {
    const bool parts = std::isfinite(p.scale1_r) || std::isfinite(p.scale2_r);
    const bool moves = std::isfinite(p.chandelier_atr) || std::isfinite(p.break_even_r);
    return p.flat_at_close && p.entry == Entry::market && !p.reverse && p.path != Path::finer && p.sizing == Sizing::fixed && !parts &&
           !moves && !std::isfinite(p.volume_share) && !(p.slippage_atr > 0) && !Day(p).on() && !fees_by_bar && !slips;
}

struct Stop {
    double atr;
    std::int32_t ticks;
    auto operator<=>(const Stop&) const = default;
};

using Trail = Stop;

struct Target {
    double r, atr;
    std::int32_t ticks, stop;  // number of the stop whose risk `r` multiplies, -1 without
    auto operator<=>(const Target&) const = default;
};

// Distinct values in the order in which they came.
template <class T>
class Distinct {
  public:
    std::int32_t number(const T& value) {
        const auto [at, fresh] = numbers_.try_emplace(value, static_cast<std::int32_t>(values.size()));
        if (fresh) values.push_back(value);
        return at->second;
    }
    std::int32_t size() const { return static_cast<std::int32_t>(values.size()); }

    std::vector<T> values;

  private:
    std::map<T, std::int32_t> numbers_;
};

// Money of a lane in whole units of its own: all its amounts are multiples of `unit_e4`.
struct Money {
    std::int64_t unit_e4;    // of all its contracts
    std::int32_t tick, fee;  // units a tick, and a side

    explicit Money(const Plan& p) {
        const std::int64_t unit = std::gcd(p.tick_value_e4, p.fee_e4);
        unit_e4 = unit * p.contracts;
        tick = static_cast<std::int32_t>(p.tick_value_e4 / unit);
        fee = static_cast<std::int32_t>(p.fee_e4 / unit);
    }
};

struct LaneClass {
    Entering entering;
    std::vector<std::int64_t> lanes;  // numbers of plans
    Distinct<Stop> stops;
    Distinct<Target> targets;
    Distinct<Trail> trails;
    Distinct<std::int32_t> times;                         // bars
    std::vector<std::int32_t> stop, target, trail, time;  // of each lane

    void add(std::int64_t lane, const Plan& p) {
        lanes.push_back(lane);
        stop.push_back(stops.number({p.stop_atr, p.stop_ticks}));
        target.push_back(targets.number({p.target_r, p.target_atr, p.target_ticks, std::isfinite(p.target_r) ? stop.back() : -1}));
        trail.push_back(trails.number({p.trail_atr, p.trail_ticks}));
        time.push_back(times.number(p.max_bars));
    }

    bool has_trails() const { return trails.size() > 1 || std::isfinite(trails.values[0].atr) || trails.values[0].ticks < kFar; }
    bool has_times() const { return times.size() > 1 || times.values[0] != kNever; }
};

}  // namespace esbt::sweep
