// The market's rulebook (docs/rulebook.md), one bar at a time: what happens to an open position at a bar's open, inside it, and at its
// close. Everything is seen from the position's side: prices are multiplied by the side, so a short is a long in a mirrored market and
// there is one code path. Knows neither signals nor money. To add an exit: a field in Plan and Position, its line here, in the twin, and a
// scenario.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

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

struct Position {  // prices in ticks, times side
    std::int64_t entry_bar = 0;
    std::int64_t fee_e4 = 0;  // of the entry, per contract
    double confidence = 0.0;
    std::int32_t side = 0, contracts = 0, slippage = 0;
    std::int32_t entry = 0, stop = 0, target = 0;
    std::int32_t stop_distance = kFar, target_distance = kFar, trail_distance = kFar;
    std::int32_t best = 0, worst = 0;  // extremes seen since entry
    Reason stop_reason = Reason::stop;
    bool ambiguous = false;

    void see(std::int32_t price) {
        best = std::max(best, price);
        worst = std::min(worst, price);
    }
};

struct Exit {
    bool hit = false;
    std::int32_t price = 0;  // times side, after slippage
    Reason reason = Reason::stop;
};

struct FinerBars {  // bars of a finer interval; those of bar j are [first[j], first[j + 1])
    BarsView bars;
    const std::int64_t* first = nullptr;
};

inline std::int32_t distance_ticks(double x) {
    if (!(x < kFar)) return kFar;
    return std::max(1, static_cast<std::int32_t>(std::ceil(x)));
}

// Rule 3, first half: at the open every resting order is tested first, and a gap fills at the open.
inline Exit exit_at_open(const Position& p, std::int32_t open) {
    if (open <= p.stop) return {true, open - p.slippage, p.stop_reason};
    if (open >= p.target) return {true, open, Reason::target};
    return {};
}

inline Exit take_stop(Position& p) {
    p.see(p.stop);
    return {true, p.stop - p.slippage, p.stop_reason};
}

inline Exit take_target(Position& p) {
    p.see(p.target);
    return {true, p.target, Reason::target};
}

inline Exit resolve_finer(Position& p, const Plan& plan, const FinerBars& finer, std::int64_t j) {
    for (std::int64_t i = finer.first[j]; i < finer.first[j + 1]; ++i) {
        const SidedBar f = sided(finer.bars, i, p.side);
        if (const Exit e = exit_at_open(p, f.open); e.hit) {
            p.see(f.open);
            return e;
        }
        if (f.low <= p.stop) return take_stop(p);
        if (f.high - plan.target_through_ticks >= p.target) return take_target(p);
    }
    return take_stop(p);
}

// Rule 3, second half: inside the bar.
inline Exit exit_inside(Position& p, const SidedBar& b, const Plan& plan, const FinerBars& finer, std::int64_t j) {
    const bool stop_hit = b.low <= p.stop;
    const bool target_hit = b.high - plan.target_through_ticks >= p.target;
    if (!stop_hit && !target_hit) return {};
    if (!target_hit) return take_stop(p);
    if (!stop_hit) return take_target(p);
    p.ambiguous = true;
    switch (plan.path) {
        case Path::best:
            return take_target(p);
        case Path::nearest:
            return b.open - b.low <= b.high - b.open ? take_stop(p) : take_target(p);
        case Path::finer:
            return resolve_finer(p, plan, finer, j);
        case Path::worst:
            break;
    }
    return take_stop(p);
}

inline void tighten(Position& p, std::int32_t level, Reason reason) {
    if (level <= p.stop) return;
    p.stop = level;
    p.stop_reason = reason;
}

// Rule 4: levels move at the close and hold from the next bar. They never loosen.
inline void move_levels(Position& p, const Plan& plan, double atr_ticks) {
    tighten(p, p.best - p.trail_distance, Reason::trail);
    if (std::isfinite(plan.chandelier_atr) && !std::isnan(atr_ticks))
        tighten(p, p.best - distance_ticks(plan.chandelier_atr * atr_ticks), Reason::trail);
    if (p.best - p.entry >= plan.break_even_r * p.stop_distance) tighten(p, p.entry + plan.break_even_offset_ticks, Reason::break_even);
}

inline double times(double factor, double atr_ticks) { return std::isfinite(factor) ? factor * atr_ticks : kOff; }
inline double real_ticks(std::int32_t ticks) { return ticks < kFar ? ticks : kOff; }

// Rules 1 and 2: the fill at the open and the levels fixed by the ATR known at the signal bar. Of combined rules the nearest level counts.
inline Position enter(const SidedBar& b, const Plan& plan, double stop_atr, double atr_ticks) {
    Position p;
    p.slippage = plan.slippage_ticks;
    if (plan.slippage_atr > 0)
        p.slippage += static_cast<std::int32_t>(std::min<double>(kFar / 4, std::ceil(plan.slippage_atr * atr_ticks)));
    p.entry = b.open + p.slippage;
    const double risk = std::min(times(stop_atr, atr_ticks), real_ticks(plan.stop_ticks));
    const double by_risk = std::isfinite(plan.target_r) && std::isfinite(risk) ? plan.target_r * risk : kOff;
    p.stop_distance = distance_ticks(risk);
    p.target_distance = std::min(std::min(distance_ticks(by_risk), distance_ticks(times(plan.target_atr, atr_ticks))), plan.target_ticks);
    p.trail_distance = std::min(distance_ticks(times(plan.trail_atr, atr_ticks)), plan.trail_ticks);
    p.stop = p.entry - p.stop_distance;
    p.target = p.entry + p.target_distance;
    p.best = p.worst = b.open;
    return p;
}

}  // namespace esbt
