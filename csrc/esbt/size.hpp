// How many contracts: whole, decided at entry from closed equity; zero means the trade is skipped. Knows no bars. To add a sizing rule: one
// Sizing word, one case here, one in the twin.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "esbt/plan.hpp"

namespace esbt {

struct SizeInputs {
    std::int64_t equity_e4;      // closed, USD * 1e4
    std::int32_t stop_distance;  // ticks
    double confidence;           // calibrated probability of a win, NaN without a model
    double relative_volatility;  // ATR / |price|
    double atr_ticks;
    std::int64_t fee_e4;  // per contract and side
};

inline std::int32_t whole_contracts(double affordable, const Plan& plan) {
    if (!(affordable >= 1.0) || std::isinf(affordable)) return 0;  // also NaN; boundless is no size
    return static_cast<std::int32_t>(std::min(std::floor(affordable), static_cast<double>(plan.max_contracts)));
}

// Share of equity put at risk: fractional Kelly f = p - (1 - p) / b (Kelly 1956; Thorp 2006, section 2), shrunk in volatile markets, capped
// by heat.
inline double kelly_share(const Plan& plan, const SizeInputs& in) {
    const double full = in.confidence - (1.0 - in.confidence) / plan.payoff;
    const double calm = std::min(1.0, plan.volatility_ref / in.relative_volatility);
    return std::min(plan.kelly_fraction * std::max(0.0, full) * calm, plan.heat_cap);
}

inline std::int32_t contracts_for(const Plan& plan, const SizeInputs& in) {
    const double equity = static_cast<double>(in.equity_e4);
    const double risk = static_cast<double>(in.stop_distance) * static_cast<double>(plan.tick_value_e4);
    switch (plan.sizing) {
        case Sizing::risk:
            return whole_contracts(equity * plan.risk_fraction / risk, plan);
        case Sizing::kelly:
            return whole_contracts(equity * kelly_share(plan, in) / (risk + 2.0 * static_cast<double>(in.fee_e4)), plan);
        case Sizing::volatility:
            return whole_contracts(equity * plan.volatility_target / (in.atr_ticks * static_cast<double>(plan.tick_value_e4)), plan);
        case Sizing::fixed:
            break;
    }
    return plan.contracts;
}

// As many of them as the entry bar's volume leaves room for.
inline std::int32_t filled_of(std::int32_t contracts, const Plan& plan, std::int64_t volume) {
    return static_cast<std::int32_t>(std::min<double>(contracts, std::floor(plan.volume_share * static_cast<double>(volume))));
}

}  // namespace esbt
