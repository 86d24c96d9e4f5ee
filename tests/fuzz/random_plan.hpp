// A random plan for the fuzz driver. Ranges are those that esbt/signals.py, esbt/account.py and esbt/contradictions.py let through, their
// ends included. To fuzz a new rule: its field in `random_plan`, or in the function of its group.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "esbt/plan.hpp"
#include "random_market.hpp"

namespace fuzz {

// A positive setting: off, at an end of its range, or of a size that does something.
inline double positive(Random& r, double usual, double off = esbt::kOff) {
    switch (r.whole(0, 9)) {
        case 0:
            return r.pick({5e-324, 1e-9, 1e9, std::numeric_limits<double>::max()});
        case 1:
        case 2:
        case 3:
        case 4:
            return off;
        default:
            return r.real(0.1, 2.0) * usual;
    }
}

inline std::int32_t ticks(Random& r, std::int32_t low, std::int32_t usual, std::int32_t high, std::int32_t off) {
    const auto some = static_cast<std::int32_t>(r.whole(low, usual));
    return r.chance(0.5) ? off : r.pick({low, some, some, some, high});
}

inline double fraction(Random& r) { return r.pick({5e-324, 0.01, r.real(0.001, 0.2), 1.0}); }

inline bool has_stop(const esbt::Plan& p) { return std::isfinite(p.stop_atr) || p.stop_ticks < esbt::kFar; }

inline void random_entry(esbt::Plan& p, Random& r) {
    p.entry = r.pick({esbt::Entry::market, esbt::Entry::stop, esbt::Entry::limit});
    if (p.entry == esbt::Entry::market) return;
    if (r.chance(0.5)) p.entry_offset_atr = r.pick({0.0, 5e-324, r.real(0.0, 2.0), r.real(0.0, 2.0), 1e6});
    p.entry_offset_ticks = ticks(r, 0, 6, 100'000, std::isfinite(p.entry_offset_atr) ? esbt::kFar : 2);
    p.entry_bars = ticks(r, 1, 6, 1'000'000, r.pick({1, esbt::kNever}));
    if (p.entry == esbt::Entry::limit) p.entry_through_ticks = ticks(r, 0, 3, 100'000, 0);
}

inline double stop_after(Random& r) { return r.pick({-esbt::kOff, -1.0, r.real(-1.0, 2.0), 0.0, 1e6}); }

inline void random_parts(esbt::Plan& p, Random& r) {
    if (!has_stop(p) || r.chance(0.5)) return;
    p.scale1_r = r.pick({5e-324, r.real(0.05, 1.5), r.real(0.05, 1.5), 1e9});
    p.scale1_share = r.pick({5e-324, r.real(0.05, 0.6), 0.5, 0.999});
    p.scale1_stop_r = stop_after(r);
    if (p.scale1_share > 0.9 || r.chance(0.4)) return;
    p.scale2_r = p.scale1_r + r.pick({1e-6, r.real(0.01, 1.5), 1e9});
    p.scale2_share = r.pick({5e-324, r.real(0.05, 0.95 - p.scale1_share)});
    p.scale2_stop_r = stop_after(r);
}

inline esbt::Plan random_plan(Random& r, bool confidence_asked) {
    esbt::Plan p;
    p.stop_atr = positive(r, 2.0);
    p.target_r = positive(r, 2.0);
    p.target_atr = positive(r, 3.0);
    p.trail_atr = positive(r, 2.0);
    p.chandelier_atr = positive(r, 3.0);
    p.break_even_r = positive(r, 1.0);
    p.stop_ticks = ticks(r, 1, 40, 1'000'000, esbt::kFar);
    p.target_ticks = ticks(r, 1, 60, 1'000'000, esbt::kFar);
    p.trail_ticks = ticks(r, 1, 40, 1'000'000, esbt::kFar);
    if (!has_stop(p)) p.target_r = esbt::kOff;
    p.break_even_offset_ticks = ticks(r, -100'000, 100'000, 100'000, static_cast<std::int32_t>(r.whole(-5, 5)));
    p.max_bars = ticks(r, 1, 20, 1'000'000, esbt::kNever);
    p.latency_bars = ticks(r, 0, 4, 100'000, 0);
    p.cooldown_bars = ticks(r, 0, 10, 1'000'000, 0);
    p.max_trades = ticks(r, 1, 4, 1'000'000, esbt::kNever);
    p.slippage_ticks = ticks(r, 0, 3, 100'000, 1);
    p.slippage_atr = r.pick({0.0, 0.0, 0.05, 100.0});
    p.target_through_ticks = ticks(r, 0, 3, 100'000, 0);
    p.volume_share = r.chance(0.6) ? esbt::kOff : fraction(r);
    p.path = r.pick({esbt::Path::worst, esbt::Path::best, esbt::Path::nearest, esbt::Path::finer});
    p.flat_at_close = r.chance(0.5);
    random_entry(p, r);
    random_parts(p, r);
    p.reverse = p.latency_bars == 0 && p.entry == esbt::Entry::market && r.chance(0.4);
    p.cash_e4 = r.pick<std::int64_t>({1, 1'000'000'000, 1'000'000'000, 10'000'000'000'000'000});
    p.tick_value_e4 = r.pick<std::int64_t>({1, 5'000, 125'000, 125'000, 10'000'000});
    p.fee_e4 = r.pick<std::int64_t>({0, 22'500, 22'500, 1'000'000'000});
    p.daily_loss_e4 = r.chance(0.6) ? esbt::kNoLimit : r.pick<std::int64_t>({1, 5'000'000, 1'000'000'000'000'000});
    p.daily_profit_e4 = r.chance(0.6) ? esbt::kNoLimit : r.pick<std::int64_t>({1, 5'000'000, 1'000'000'000'000'000});
    p.contracts = r.pick<std::int32_t>({1, 3, 10, 1'000'000});
    p.max_contracts = r.pick<std::int32_t>({1, 50, 1'000'000});
    p.risk_fraction = fraction(r);
    p.kelly_fraction = fraction(r);
    p.payoff = positive(r, 1.5, 1.0);
    p.heat_cap = fraction(r);
    p.volatility_ref = positive(r, 0.001);
    p.volatility_target = fraction(r);
    const auto sizing = r.pick({esbt::Sizing::fixed, esbt::Sizing::risk, esbt::Sizing::kelly, esbt::Sizing::volatility});
    const bool allowed = sizing == esbt::Sizing::risk    ? has_stop(p)
                         : sizing == esbt::Sizing::kelly ? has_stop(p) && confidence_asked
                                                         : true;
    p.sizing = allowed ? sizing : esbt::Sizing::fixed;
    return p;
}

}  // namespace fuzz
