// The entry model: what is learned about an entry (its stop, its probability of success) comes in through hooks, asked at the signal bar's
// close with features of that bar and the account's state. Null hooks leave the plan's own numbers. Knows no fills.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/hook.h"

namespace esbt {

// Inputs of a hook: a column of the feature matrix (id >= 0) or one of these.
enum StateInput : std::int32_t { kSide = -1, kStopAtr = -2, kDrawdown = -3 };

constexpr std::size_t kMaxHookInputs = 256;

struct HookInputs {
    const esbt_hook* hook = nullptr;
    std::vector<std::int32_t> ids;
};

struct EntryModel {
    HookInputs stop, confidence;
    double stop_low = 0.0, stop_high = 0.0;           // bounds of the stop, in ATR
    double calibration_a = 1.0, calibration_b = 0.0;  // p = 1 / (1 + exp(-(a * margin + b)))
    double threshold = 0.0;
    const float* features = nullptr;  // [F, n], column-major by feature
    std::int64_t n_bars = 0;

    bool asks() const { return stop.hook || confidence.hook; }
};

struct EntryState {
    std::int64_t bar;
    std::int32_t side;
    double stop_atr;
    double drawdown;  // of closed equity, fraction
};

struct HookFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline double ask(const HookInputs& h, const EntryModel& m, const EntryState& s) {
    float row[kMaxHookInputs];
    for (std::size_t i = 0; i < h.ids.size(); ++i) {
        switch (const std::int32_t id = h.ids[i]; id) {
            case kSide:
                row[i] = static_cast<float>(s.side);
                break;
            case kStopAtr:
                row[i] = static_cast<float>(s.stop_atr);
                break;
            case kDrawdown:
                row[i] = static_cast<float>(s.drawdown);
                break;
            default:
                row[i] = m.features[id * m.n_bars + s.bar];
        }
    }
    double out = 0.0;
    if (h.hook->batch(h.hook->state, row, 1, &out) != 0) throw HookFailed("a hook reported an error");
    return out;
}

struct Decision {
    double stop_atr;
    double confidence;
    bool take;
};

inline Decision decide(const EntryModel& m, EntryState s) {
    if (m.stop.hook) s.stop_atr = std::clamp(ask(m.stop, m, s), m.stop_low, m.stop_high);
    if (std::isnan(s.stop_atr)) throw HookFailed("the stop hook gave NaN at bar " + std::to_string(s.bar));
    if (!m.confidence.hook) return {s.stop_atr, std::numeric_limits<double>::quiet_NaN(), true};
    const double margin = ask(m.confidence, m, s);
    const double p = 1.0 / (1.0 + std::exp(-(m.calibration_a * margin + m.calibration_b)));
    return {s.stop_atr, p, p >= m.threshold};
}

}  // namespace esbt
