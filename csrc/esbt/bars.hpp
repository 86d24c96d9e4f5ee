// Bars as the core sees them: borrowed pointers, whole ticks. Knows neither files nor calendars.
#pragma once
#include <cstdint>

namespace esbt {

struct BarsView {
    const std::int64_t* ts = nullptr;    // ns UTC, bar open
    const std::int32_t* open = nullptr;  // whole ticks
    const std::int32_t* high = nullptr;
    const std::int32_t* low = nullptr;
    const std::int32_t* close = nullptr;
    const std::int64_t* volume = nullptr;
    const std::int32_t* session = nullptr;
    const std::int32_t* segment = nullptr;  // one per contract run: a seam is a boundary
    std::int64_t n = 0;
    const std::int64_t* buys = nullptr;  // contracts traded at the ask, -1 where not known; null: nowhere
};

}  // namespace esbt
