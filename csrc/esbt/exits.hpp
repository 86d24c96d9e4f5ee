// The rulebook's exits (docs/rulebook.md): what stop, parts and target do at an open and inside a bar, and how levels move at a close.
// Knows neither entries nor money. To add an exit: a field in Plan and Position, its line here, in the twin, and a scenario.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "esbt/position.hpp"

namespace esbt {

inline Reason next_reason(const Position& p) { return p.part < kParts ? Reason::scale_out : Reason::target; }

// At the open every resting order is tested first, and a gap fills at the open.
inline Exit exit_at_open(const Position& p, std::int32_t open) {
    if (open <= p.stop) return {true, open - p.slippage, p.stop_reason};
    if (open >= p.next) return {true, open, next_reason(p)};
    return {};
}

inline Exit take_stop(Position& p) {
    p.see(p.stop);
    return {true, p.stop - p.slippage, p.stop_reason};
}

inline Exit take_next(Position& p) {
    p.see(p.next);
    return {true, p.next, next_reason(p)};
}

// A finer bar, or any bar whose inside is settled for the worst: the open, the stop, then the nearest of parts and target.
inline Exit exit_by_worst(Position& p, const SidedBar& b, const Plan& plan) {
    if (const Exit e = exit_at_open(p, b.open); e.hit) {
        p.see(b.open);
        return e;
    }
    if (b.low <= p.stop) return take_stop(p);
    if (b.high - plan.target_through_ticks >= p.next) return take_next(p);
    return {};
}

inline Exit resolve_finer(Position& p, const Plan& plan, const FinerBars& finer, std::int64_t j) {
    for (std::int64_t i = finer.first[j]; i < finer.first[j + 1]; ++i)
        if (const Exit e = exit_by_worst(p, sided(finer.bars, i, p.side), plan); e.hit) return {true, e.price, e.reason, true};
    return take_stop(p);
}

inline bool adverse_first(const SidedBar& b) { return b.open - b.low <= b.high - b.open; }

// walking: finer bars have taken a part of this bar's position, so they decide the rest too.
inline Exit exit_inside(Position& p, const SidedBar& b, const Plan& plan, const FinerBars& finer, std::int64_t j, bool walking) {
    if (walking) return resolve_finer(p, plan, finer, j);
    const bool stop_hit = b.low <= p.stop;
    const bool next_hit = b.high - plan.target_through_ticks >= p.next;
    if (!stop_hit && !next_hit) return {};
    if (!next_hit) return take_stop(p);
    if (!stop_hit) return take_next(p);
    p.ambiguous = true;
    switch (plan.path) {
        case Path::best:
            return take_next(p);
        case Path::nearest:
            return adverse_first(b) ? take_stop(p) : take_next(p);
        case Path::finer:
            return resolve_finer(p, plan, finer, j);
        case Path::worst:
            break;
    }
    return take_stop(p);
}

// The nearest of the parts that are left and the target. A part beyond the target is never reached, nor is one after it.
inline void look_ahead(Position& p) {
    while (p.part < kParts && p.parts[p.part].contracts == 0) ++p.part;
    if (p.part < kParts && p.entry + p.parts[p.part].distance > p.target) p.part = kParts;
    p.next = p.part < kParts ? p.entry + p.parts[p.part].distance : p.target;
}

// Once size and levels are known; risk: the stop distance as a real number of ticks.
inline void set_parts(Position& p, const Plan& plan, double risk) {
    const double shares[kParts] = {plan.scale1_share, plan.scale2_share}, multiples[kParts] = {plan.scale1_r, plan.scale2_r};
    for (int k = 0; k < kParts; ++k) {
        if (!std::isfinite(multiples[k]) || !std::isfinite(risk)) continue;
        p.parts[k] = {static_cast<std::int32_t>(std::floor(shares[k] * p.contracts)), distance_ticks(multiples[k] * risk)};
    }
    p.part = 0;
    look_ahead(p);
}

// The part has left; where the stop goes for it is remembered until the bar's close.
inline void take_off_part(Position& p, const Plan& plan) {
    const double multiple = p.part == 0 ? plan.scale1_stop_r : plan.scale2_stop_r;
    if (std::isfinite(multiple)) {
        const double ticks = std::clamp<double>(std::floor(multiple * p.stop_distance), -kFar, kFar);
        p.part_stop = std::max(p.part_stop, p.entry + static_cast<std::int32_t>(ticks));
    }
    p.contracts -= p.parts[p.part].contracts;
    ++p.part;
    look_ahead(p);
}

inline void tighten(Position& p, std::int32_t level, Reason reason) {
    if (level <= p.stop) return;
    p.stop = level;
    p.stop_reason = reason;
}

// Levels move at the close and hold from the next bar. They never loosen.
inline void move_levels(Position& p, const Plan& plan, double atr_ticks) {
    tighten(p, p.best - p.trail_distance, Reason::trail);
    if (std::isfinite(plan.chandelier_atr) && !std::isnan(atr_ticks))
        tighten(p, p.best - distance_ticks(plan.chandelier_atr * atr_ticks), Reason::trail);
    if (p.best - p.entry >= plan.break_even_r * p.stop_distance) tighten(p, p.entry + plan.break_even_offset_ticks, Reason::break_even);
}

inline void move_stop_of_parts(Position& p) {
    tighten(p, p.part_stop, Reason::break_even);
    p.part_stop = kNoLevel;
}

}  // namespace esbt
