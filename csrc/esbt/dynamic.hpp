// The dynamic stop: a hook asked again at every close of an open position, its answer bounded by the market's regime, smoothed, and never
// looser than the stop before unless asked for. Knows no entries.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "esbt/decide.hpp"
#include "esbt/exits.hpp"
#include "esbt/position.hpp"

namespace esbt {

inline double regime_multiplier(const DynamicStop& d, const EntryModel& m, std::int64_t bar) {
    if (d.regime < 0) return 1.0;
    const double value = m.feature(d.regime, bar);
    return std::isnan(value) ? 1.0 : std::clamp(value, d.regime_low, d.regime_high);
}

// At the close of bar j; close: times side; drawdown(): of closed equity.
template <class Drawdown>
void ask_again(Position& p, const EntryModel& m, std::int64_t j, std::int32_t close, double atr_ticks, Drawdown&& drawdown) {
    if (!(atr_ticks > 0)) return;
    const DynamicStop& d = m.dynamic;
    const auto state = [&](std::int32_t id) {
        switch (id) {
            case kStopAtr:
                return p.stop_atr;
            case kDrawdown:
                return drawdown();
            case kBarsHeld:
                return static_cast<double>(j - p.entry_bar + 1);
            case kOpenAtr:
                return (close - p.entry) / atr_ticks;
            case kMaeAtr:
                return std::max(0, p.entry - p.worst) / atr_ticks;
            case kMfeAtr:
                return std::max(0, p.best - p.entry) / atr_ticks;
            case kStopNowAtr:
                return (close - p.stop) / atr_ticks;
            default:
                return static_cast<double>(p.side);
        }
    };
    const double answer = ask(d.ask, m, j, state);
    if (std::isnan(answer)) throw HookFailed("the dynamic stop's hook gave NaN at bar " + std::to_string(j));
    const double bounded = std::clamp(answer * regime_multiplier(d, m, j), d.low, d.high);
    p.stop_atr = std::isfinite(p.stop_atr) ? d.smoothing * bounded + (1.0 - d.smoothing) * p.stop_atr : bounded;
    const std::int32_t level = close - distance_ticks(p.stop_atr * atr_ticks);
    if (level > p.stop || (d.loosen && level < p.stop)) {
        p.stop = level;
        p.stop_reason = Reason::dynamic_stop;
    }
}

}  // namespace esbt
