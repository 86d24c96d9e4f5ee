// The rulebook's entries (docs/rulebook.md): where an order fills, the position it becomes, and what the levels do in the bar of an entry
// that filled inside it, of which only a part lies behind the entry. Knows neither signals nor money.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "esbt/exits.hpp"
#include "esbt/position.hpp"

namespace esbt {

struct Fill {                 // of an order in its entry bar
    std::int32_t price = 0;   // times side, before slippage
    bool inside = false;      // not at the bar's open
    std::int64_t finer = -1;  // the finer bar it filled in, if those were asked
};

// Where a stop or limit order rests, times side; `close` and the ATR are those of the signal bar.
inline std::int32_t resting_level(const Plan& plan, std::int32_t close, double atr_ticks) {
    const double offset = std::ceil(std::min(times(plan.entry_offset_atr, atr_ticks), real_ticks(plan.entry_offset_ticks)));
    const std::int32_t distance = offset < kFar ? static_cast<std::int32_t>(offset) : kFar;
    return plan.entry == Entry::limit ? close - distance : close + distance;
}

inline bool fills_at_open(const Plan& plan, std::int32_t level, std::int32_t open) {
    return plan.entry == Entry::limit ? open <= level : open >= level;
}

inline bool fills_inside(const Plan& plan, std::int32_t level, const SidedBar& b) {
    return plan.entry == Entry::limit ? level - b.low >= plan.entry_through_ticks : b.high >= level;
}

// Whether a resting order fills in bar j, and how.
inline bool meet(const Plan& plan, std::int32_t level, std::int32_t side, const BarsView& bars, const FinerBars& finer, std::int64_t j,
                 Fill& fill) {
    const SidedBar b = sided(bars, j, side);
    fill = {b.open, false, -1};
    if (fills_at_open(plan, level, b.open)) return true;
    if (!fills_inside(plan, level, b)) return false;
    fill = {level, true, -1};
    if (plan.path != Path::finer) return true;
    for (std::int64_t i = finer.first[j]; i < finer.first[j + 1]; ++i) {
        const SidedBar f = sided(finer.bars, i, side);
        if (fills_at_open(plan, level, f.open)) return fill = {f.open, true, i}, true;
        if (fills_inside(plan, level, f)) return fill = {level, true, i}, true;
    }
    return true;  // no finer bar shows it
}

// Whether a rule counts in ATR, so that a signal without one is dropped.
inline bool uses_atr(const Plan& p) {
    return std::isfinite(p.stop_atr) || std::isfinite(p.target_atr) || std::isfinite(p.trail_atr) || std::isfinite(p.chandelier_atr) ||
           p.slippage_atr > 0 || std::isfinite(p.entry_offset_atr) || p.sizing == Sizing::volatility ||
           (p.sizing == Sizing::kelly && std::isfinite(p.volatility_ref));
}

inline double risk_ticks(const Plan& plan, double stop_atr, double atr_ticks) {
    return std::min(times(stop_atr, atr_ticks), real_ticks(plan.stop_ticks));
}

inline std::int32_t slippage_of(const Plan& plan, double atr_ticks) {
    if (!(plan.slippage_atr > 0)) return plan.slippage_ticks;
    return plan.slippage_ticks + static_cast<std::int32_t>(std::min<double>(kFar / 4, std::ceil(plan.slippage_atr * atr_ticks)));
}

// Rules 1 and 2: the levels fixed by the ATR known at the signal bar. Of combined rules the nearest level counts. slip: ticks on top, of
// the entry bar.
inline Position enter(std::int32_t price, std::int32_t slip, const Plan& plan, double stop_atr, double atr_ticks) {
    Position p;
    p.base_slippage = slippage_of(plan, atr_ticks);
    p.slippage = p.base_slippage + slip;
    p.entry = plan.entry == Entry::limit ? price : price + p.slippage;
    const double risk = risk_ticks(plan, stop_atr, atr_ticks);
    const double by_risk = std::isfinite(plan.target_r) && std::isfinite(risk) ? plan.target_r * risk : kOff;
    p.stop_distance = distance_ticks(risk);
    p.target_distance = std::min(std::min(distance_ticks(by_risk), distance_ticks(times(plan.target_atr, atr_ticks))), plan.target_ticks);
    p.trail_distance = std::min(distance_ticks(times(plan.trail_atr, atr_ticks)), plan.trail_ticks);
    p.stop = p.entry - p.stop_distance;
    p.target = p.next = p.entry + p.target_distance;
    p.stop_atr = stop_atr;
    p.best = p.worst = price;
    return p;
}

struct Chances {  // what an entry bar says of the time after a fill inside it; what is sure is possible too
    bool stop, stop_sure, next, next_sure;
    bool open() const { return (stop && next) || stop != stop_sure || next != next_sure; }
};

// A limit order filled on the way to the adverse extreme, a stop order on the way to the favourable one: that extreme and the close come
// after.
inline Chances chances_after(const Position& p, const SidedBar& b, const Plan& plan) {
    const std::int32_t through = plan.target_through_ticks;
    const bool low = b.low <= p.stop, high = b.high - through >= p.next;
    if (plan.entry == Entry::limit) return {low, low, high, b.close - through >= p.next};
    return {low, b.close <= p.stop, high, high};
}

inline Exit choose(Position& p, const SidedBar& b, const Chances& c, const Plan& plan, Path path) {
    const bool best = path == Path::best, nearest = path == Path::nearest;
    if (c.stop && c.next) {
        const bool next_first = best || (nearest && plan.entry == Entry::stop);
        return next_first ? take_next(p) : take_stop(p);
    }
    if (c.stop && (c.stop_sure || !(best || (nearest && adverse_first(b))))) return take_stop(p);
    if (c.next && (c.next_sure || best || (nearest && adverse_first(b)))) return take_next(p);
    return {};
}

inline Exit walk_entry_bar(Position& p, const Chances& of_bar, const Fill& fill, const Plan& plan, const FinerBars& finer, std::int64_t j) {
    for (std::int64_t i = fill.finer; i < finer.first[j + 1]; ++i) {
        const SidedBar f = sided(finer.bars, i, p.side);
        const bool filled_inside = i == fill.finer && f.open != fill.price;
        const Exit e = filled_inside ? choose(p, f, chances_after(p, f, plan), plan, Path::worst) : exit_by_worst(p, f, plan);
        if (e.hit) return e;
    }
    if (of_bar.stop_sure) return take_stop(p);
    return of_bar.next_sure ? take_next(p) : Exit{};
}

// Instead of `exit_inside`, in the bar of an entry inside it.
inline Exit exit_in_entry_bar(Position& p, const SidedBar& b, const Fill& fill, const Plan& plan, const FinerBars& finer, std::int64_t j) {
    if (fill.price <= p.stop) return {true, fill.price - p.slippage, p.stop_reason};  // slippage wider than the stop
    const Chances c = chances_after(p, b, plan);
    p.ambiguous |= c.open();
    if (plan.path == Path::finer && fill.finer >= 0) return walk_entry_bar(p, c, fill, plan, finer, j);
    return choose(p, b, c, plan, plan.path);
}

}  // namespace esbt
