// The core behind one function, so that a change in its headers costs the compilation of one small file. Needs only what is not mutated:
// bars, plan and hook.
#pragma once
#include <cstdint>
#include <vector>

#include "esbt/bars.hpp"
#include "esbt/hook.h"
#include "esbt/plan.hpp"

namespace mutation {

struct ModelNumbers {  // in the order of the case file
    double stop_asked, confidence_asked, dynamic_asked, regime_asked;
    double stop_low, stop_high, calibration_a, calibration_b, threshold;
    double dynamic_low, dynamic_high, smoothing, regime_low, regime_high, loosen;
};

struct Given {
    esbt::BarsView bars, finer;
    const std::int64_t* finer_first = nullptr;
    const std::int8_t* signals = nullptr;
    const double* atr = nullptr;
    const std::int64_t* fees_e4 = nullptr;
    const std::int32_t* slips = nullptr;
    const float* features = nullptr;
    esbt::Plan plan;
    const esbt_hook *stop = nullptr, *confidence = nullptr, *dynamic = nullptr;  // asked with the bar's number and all of the state
    ModelNumbers numbers{};
};

struct Answer {
    bool refused = false;  // more money than can be counted
    std::vector<esbt::Trade> trades;
    esbt::Skipped skipped;
};

Answer run(const Given& given, bool each);
std::vector<std::int64_t> equity(const Given& given, const std::vector<esbt::Trade>& trades);

}  // namespace mutation
