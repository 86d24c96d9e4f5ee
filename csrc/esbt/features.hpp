// Features: the registry of kernels and the one fused pass that computes the chosen ones (bars are read once, each feature is written to
// its own row). To add a feature: one struct (features/kernels.hpp or features/session_kernels.hpp), one row in the registry below, one
// naive twin in tests/reference/features.py; everything else, tests included, follows the registry. A kernel is only ever given the past:
// it sees one closed bar at a time, is made afresh at each contract segment, and its value is NaN for its first warm_up bars there. State
// is float64, what is stored is float32. Knows no Python, no signals, no labels.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "esbt/bars.hpp"
#include "esbt/features/bar.hpp"
#include "esbt/features/kernels.hpp"
#include "esbt/features/session_kernels.hpp"

namespace esbt::features {

// A kernel in its row of the matrix: the only place where segments and warm-up are handled.
struct Runner {
    virtual ~Runner() = default;
    virtual void run(std::span<const FeatureBar> block, std::int32_t warm_up, float* out) = 0;
};

template <class Kernel>
struct KernelRunner final : Runner {
    Kernel kernel;
    void run(std::span<const FeatureBar> block, std::int32_t warm_up, float* out) override {
        for (const FeatureBar& bar : block) {
            if (bar.age == 0) kernel = Kernel{};
            const double value = kernel.push(bar);
            *out++ = bar.age < warm_up ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(value);
        }
    }
};

struct FeatureRow {
    const char* name;
    std::int32_t warm_up;  // bars of a segment without a value
    const char* unit;
    const char* formula;
    std::unique_ptr<Runner> (*make)();
};

template <class Kernel>
std::unique_ptr<Runner> make_runner() {
    return std::make_unique<KernelRunner<Kernel>>();
}

// The struct's name is the feature's name everywhere, hence the macro. In formulas: ATR is Wilder's ATR(14), at least one tick; ATR(n) is
// bare.
#define ESBT_FEATURE(kernel, warm_up, unit, formula) \
    FeatureRow { #kernel, warm_up, unit, formula, make_runner<kernel> }
inline const std::vector<FeatureRow>& registry() {
    static const std::vector<FeatureRow> rows{
        ESBT_FEATURE(return_1, 13, "ATR", "(close_t - close_(t-1)) / ATR"),
        ESBT_FEATURE(return_5, 13, "ATR", "(close_t - close_(t-5)) / ATR"),
        ESBT_FEATURE(return_30, 30, "ATR", "(close_t - close_(t-30)) / ATR"),
        ESBT_FEATURE(ema_gap, 78, "ATR", "(EMA(12) - EMA(26)) / ATR"),
        ESBT_FEATURE(relative_volatility, 13, "fraction", "ATR(14) / |close|; 0 at price zero"),
        ESBT_FEATURE(volatility_ratio, 99, "ratio", "ATR(14) / ATR(100); 1 when both are zero"),
        ESBT_FEATURE(bar_range, 13, "ATR", "(high - low) / ATR"),
        ESBT_FEATURE(close_in_bar, 0, "0..1", "(close - low) / (high - low); 0.5 in a bar without range"),
        ESBT_FEATURE(volume_ratio, 59, "ratio", "volume / mean volume of the last 60 bars, this one included; 1 without volume"),
        ESBT_FEATURE(volume_balance, 30, "-1..1", "(volume of rising closes - of falling closes) / volume, last 30 bars; 0 without volume"),
        ESBT_FEATURE(efficiency_ratio, 30, "0..1", "|close_t - close_(t-30)| / sum of 30 |close changes|; 0 when nothing moved"),
        ESBT_FEATURE(rsi_14, 14, "0..100", "100 * G / (G + L), Wilder means over 14 of gains G and losses L; 50 when nothing moved"),
        ESBT_FEATURE(high_60_distance, 59, "ATR", "(highest high of the last 60 bars - close) / ATR"),
        ESBT_FEATURE(low_60_distance, 59, "ATR", "(close - lowest low of the last 60 bars) / ATR"),
        ESBT_FEATURE(vwap_distance, 13, "ATR", "(close - session VWAP of (high + low + close) / 3) / ATR; 0 without volume"),
        ESBT_FEATURE(session_open_distance, 13, "ATR", "(close - session's first open) / ATR"),
        ESBT_FEATURE(session_range_position, 0, "0..1", "(close - low) / (high - low) of the session so far; 0.5 without range"),
        ESBT_FEATURE(minutes_since_open, 0, "minutes", "bar's open time - open time of the session's first bar"),
    };
    return rows;
}
#undef ESBT_FEATURE

// Row k of out (float32[ids.size(), bars.n]) = feature ids[k] of the registry; ids must be valid.
inline void compute(const BarsView& bars, std::span<const std::int32_t> ids, float* out) {
    std::vector<std::unique_ptr<Runner>> runners;
    for (const std::int32_t id : ids) runners.push_back(registry()[static_cast<std::size_t>(id)].make());
    BarWalker walker(bars);
    for (std::int64_t at = 0; at < bars.n;) {
        const std::span<const FeatureBar> block = walker.next();
        for (std::size_t k = 0; k < runners.size(); ++k)
            runners[k]->run(block, registry()[static_cast<std::size_t>(ids[k])].warm_up, out + static_cast<std::int64_t>(k) * bars.n + at);
        at += static_cast<std::int64_t>(block.size());
    }
}

}  // namespace esbt::features
