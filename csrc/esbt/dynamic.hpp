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

// At the close of bar j; close: times side; drawdown: of closed equity, if asked for.
inline void ask_again(Position& p, const EntryModel& m, std::int64_t j, std::int32_t close, double atr_ticks, double drawdown) {
    if (!(atr_ticks > 0)) return;
    const DynamicStop& d = m.dynamic;
    const double per_atr = 1.0 / atr_ticks;
    const double state[] = {static_cast<double>(p.side),
                            p.stop_atr,
                            drawdown,
                            static_cast<double>(j - p.entry_bar + 1),
                            (close - p.entry) * per_atr,
                            std::max(0, p.entry - p.worst) * per_atr,
                            std::max(0, p.best - p.entry) * per_atr,
                            (close - p.stop) * per_atr};
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
