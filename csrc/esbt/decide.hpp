// The entry model: what is learned about an entry (its stop, its probability of success) comes in through hooks, asked at the signal bar's
// close with features of that bar and the account's state; and how a dynamic stop is asked (dynamic.hpp applies it). Null hooks leave the
// plan's own numbers. Knows no fills.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/hook.h"
#include "esbt/plan.hpp"

namespace esbt {

// Inputs of a hook: a column of the feature matrix (id >= 0) or one of these; those from kBarsHeld on only of the dynamic stop's.
enum StateInput : std::int32_t {
    kSide = -1,
    kStopAtr = -2,
    kDrawdown = -3,
    kBarsHeld = -4,
    kOpenAtr = -5,
    kMaeAtr = -6,
    kMfeAtr = -7,
    kStopNowAtr = -8
};
constexpr std::int32_t kLastEntryState = kDrawdown, kLastState = kStopNowAtr;

constexpr std::size_t kMaxHookInputs = 256;

struct HookInputs {
    const esbt_hook* hook = nullptr;
    std::vector<std::int32_t> ids;
};

struct DynamicStop {  // asked at each close of a position; bounds and result in ATR
    HookInputs ask;
    double low = 0.0, high = kOff;
    double smoothing = 1.0;    // weight of the newest answer
    std::int32_t regime = -1;  // column whose value multiplies the answer
    double regime_low = 1.0, regime_high = 1.0;
    bool loosen = false;

    bool asks_for(StateInput input) const { return std::find(ask.ids.begin(), ask.ids.end(), input) != ask.ids.end(); }
};

struct EntryModel {
    HookInputs stop, confidence;
    DynamicStop dynamic;
    double stop_low = 0.0, stop_high = 0.0;           // bounds of the stop, in ATR
    double calibration_a = 1.0, calibration_b = 0.0;  // p = 1 / (1 + exp(-(a * margin + b)))
    double threshold = 0.0;
    const float* features = nullptr;  // [F, n], column-major by feature
    std::int64_t n_bars = 0;

    bool asks() const { return stop.hook || confidence.hook; }
    float feature(std::int32_t id, std::int64_t bar) const { return features[id * n_bars + bar]; }
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

// state: the values of kSide, kStopAtr, ... in their order, as many as this hook may name.
inline double ask(const HookInputs& h, const EntryModel& m, std::int64_t bar, const double* state) {
    float row[kMaxHookInputs];
    for (std::size_t i = 0; i < h.ids.size(); ++i) {
        const std::int32_t id = h.ids[i];
        row[i] = id < 0 ? static_cast<float>(state[-1 - id]) : m.feature(id, bar);
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

inline Decision decide(const EntryModel& m, const EntryState& s) {
    double state[] = {static_cast<double>(s.side), s.stop_atr, s.drawdown};
    double& stop_atr = state[1];
    if (m.stop.hook) stop_atr = std::clamp(ask(m.stop, m, s.bar, state), m.stop_low, m.stop_high);
    if (std::isnan(stop_atr)) throw HookFailed("the stop hook gave NaN at bar " + std::to_string(s.bar));
    if (!m.confidence.hook) return {stop_atr, std::numeric_limits<double>::quiet_NaN(), true};
    const double margin = ask(m.confidence, m, s.bar, state);
    const double p = 1.0 / (1.0 + std::exp(-(m.calibration_a * margin + m.calibration_b)));
    return {stop_atr, p, p >= m.threshold};
}

}  // namespace esbt
