// A random market, plan and entry model for the fuzz driver, from a seed: the same case on every machine. The model's hooks answer at
// random, look at what they are asked, and fail where they are told to.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "esbt/simulate.hpp"
#include "random_market.hpp"
#include "random_plan.hpp"

namespace fuzz {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct HookState {
    Random random{0};
    std::vector<std::int32_t> ids;  // its inputs
    std::int64_t calls = 0, fail_at = -1, nan_at = -1;
    double low = -2.0, high = 6.0;
    bool misled = false;  // it was asked with what cannot be
};

inline bool possible(std::int32_t id, float value) {
    switch (id) {
        case esbt::kSide:
            return value == 1.0f || value == -1.0f;
        case esbt::kStopAtr:
        case esbt::kMaeAtr:
        case esbt::kMfeAtr:
            return value >= 0.0f;
        case esbt::kBarsHeld:
            return value >= 1.0f;
        case esbt::kDrawdown:
        case esbt::kOpenAtr:
        case esbt::kStopNowAtr:
            return !std::isnan(value);
        default:
            return true;  // features may be NaN
    }
}

// Answers at random; fails or gives NaN at the call it is told to.
inline int answer(void* state, const float* rows, std::int64_t n, double* out) {
    auto& s = *static_cast<HookState*>(state);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < s.ids.size(); ++k) s.misled |= !possible(s.ids[k], *rows++);
        out[i] = s.calls == s.nan_at ? kNan : s.random.real(s.low, s.high);
    }
    return s.calls++ == s.fail_at ? 3 : 0;
}

struct Case : Market {
    std::vector<std::int64_t> fees_e4;  // empty: none
    std::vector<std::int32_t> slips;    // empty: none
    std::vector<std::int8_t> signals;
    std::vector<double> atr;
    std::vector<float> features;  // two rows
    esbt::Ends ends;
    esbt::Plan plan;
    esbt_hook stop_hook{}, confidence_hook{}, dynamic_hook{};
    HookState stop_state, confidence_state, dynamic_state;
    bool stop_asked = false, confidence_asked = false, dynamic_asked = false;
    double threshold = 0.0;
    esbt::DynamicStop dynamic;

    esbt::Market market() const {
        esbt::Market m;
        m.bars = bars.view();
        m.ends = &ends;
        m.signals = signals.data();
        m.atr = atr.data();
        if (!fees_e4.empty()) m.fees_e4 = fees_e4.data();
        if (!slips.empty()) m.slips = slips.data();
        if (!finer_first.empty()) m.finer = {finer.view(), finer_first.data()};
        return m;
    }
    std::int64_t fee_e4(std::int64_t bar) const { return fees_e4.empty() ? plan.fee_e4 : fees_e4[static_cast<std::size_t>(bar)]; }
    std::int32_t slip(std::int64_t bar) const { return slips.empty() ? 0 : slips[static_cast<std::size_t>(bar)]; }
    esbt::EntryModel model() const {
        esbt::EntryModel m;
        if (stop_asked) m.stop = {&stop_hook, stop_state.ids};
        if (confidence_asked) m.confidence = {&confidence_hook, confidence_state.ids};
        m.dynamic = dynamic;
        if (dynamic_asked) m.dynamic.ask = {&dynamic_hook, dynamic_state.ids};
        m.stop_low = 0.25;
        m.stop_high = 4.0;
        m.threshold = threshold;
        m.features = features.data();
        m.n_bars = static_cast<std::int64_t>(bars.size());
        return m;
    }
};

inline void random_signals(Case& c, Random& r) {
    const double busy = r.pick({0.02, 0.3, 1.0}), warm = r.pick({0.0, 0.0, 0.05, 0.5});
    const double scale = r.pick({1.0, 6.0, 1e3, 1e12, 1e300, 1e-300});
    for (std::size_t j = 0; j < c.bars.size(); ++j) {
        c.signals.push_back(r.chance(busy) ? r.pick<std::int8_t>({1, -1}) : std::int8_t{0});
        c.atr.push_back(r.chance(warm) ? kNan : r.chance(0.05) ? 0.0 : r.real(0.0, 2.0) * scale);
    }
    for (std::size_t j = 0; j < 2 * c.bars.size(); ++j)
        c.features.push_back(r.chance(0.1) ? static_cast<float>(kNan) : static_cast<float>(r.real(-1, 3)));
}

inline void random_costs(Case& c, Random& r) {
    const bool fees = r.chance(0.3), slips = r.chance(0.3);
    const auto widest = r.pick<std::int32_t>({1, 3, 3, kMaxTicks});
    for (std::size_t j = 0; j < c.bars.size(); ++j) {
        if (fees) c.fees_e4.push_back(r.whole(0, c.plan.fee_e4));  // a plan's fee is the highest
        if (slips) c.slips.push_back(r.chance(0.5) ? 0 : static_cast<std::int32_t>(r.whole(0, widest)));
    }
}

inline HookState random_hook(Random& r, std::vector<std::int32_t> ids) {
    HookState s;
    s.random = Random(r.bits());
    s.ids = std::move(ids);
    if (r.chance(0.1)) s.fail_at = r.whole(0, 8);
    if (r.chance(0.1)) s.nan_at = r.whole(0, 8);
    if (r.chance(0.2)) s.low = -1e308, s.high = 0.7e308;
    return s;
}

inline esbt_hook hook_of(HookState& s) { return {ESBT_HOOK_VERSION, static_cast<std::int32_t>(s.ids.size()), 1, 0, &s, answer}; }

inline void random_dynamic_stop(esbt::DynamicStop& d, Random& r) {
    d.low = r.pick({5e-324, 0.25, 0.5});
    d.high = r.pick({0.5, 4.0, std::numeric_limits<double>::max()});
    d.smoothing = r.pick({1.0, 0.3, 5e-324});
    if (r.chance(0.5)) {
        d.regime = 1;
        d.regime_low = r.pick({5e-324, 0.5});
        d.regime_high = r.pick({1.0, 2.0, std::numeric_limits<double>::max()});
    }
    d.loosen = r.chance(0.3);
}

// Fills a case in place: the hooks point into it, so it must not move.
inline void fill(Case& c, std::uint64_t seed) {
    Random r(seed);
    random_bars(c, r, r.pick<std::int64_t>({1, 2, 5, 9, r.whole(1, 40), r.whole(20, 150)}));
    random_signals(c, r);
    c.ends = esbt::find_ends(c.bars.view());
    c.stop_asked = r.chance(0.3);
    c.confidence_asked = r.chance(0.4);
    c.dynamic_asked = r.chance(0.3);
    c.threshold = r.pick({0.0, 0.3, 0.6});
    c.stop_state = random_hook(r, {0, esbt::kDrawdown});
    c.confidence_state = random_hook(r, {esbt::kSide, esbt::kStopAtr, 1});
    c.dynamic_state = random_hook(r, {0, esbt::kSide, esbt::kStopAtr, esbt::kDrawdown, esbt::kBarsHeld, esbt::kOpenAtr, esbt::kMaeAtr,
                                      esbt::kMfeAtr, esbt::kStopNowAtr});
    c.stop_hook = hook_of(c.stop_state);
    c.confidence_hook = hook_of(c.confidence_state);
    c.dynamic_hook = hook_of(c.dynamic_state);
    random_dynamic_stop(c.dynamic, r);
    c.plan = random_plan(r, c.confidence_asked);
    random_costs(c, r);
    if (c.plan.path != esbt::Path::finer && r.chance(0.5)) c.finer_first.clear();
}

}  // namespace fuzz
