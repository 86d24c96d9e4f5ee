// What the lanes of a class share of a market: the signals that may enter, day by day, and how an exit is packed into one whole number
// whose order is the order of the rulebook: bar, place in the bar, then the better price of two stops. Knows no lane.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "esbt/agenda.hpp"
#include "esbt/simulate.hpp"
#include "esbt/sweep/lane_class.hpp"
#include "esbt/sweep/tally.hpp"

namespace esbt::sweep {

// Places in a bar, in order. Of stop and target inside a bar `path` says which comes first.
constexpr std::int32_t kStopAtOpen = 0, kTargetAtOpen = 1, kInsideFirst = 2, kInsideSecond = 3, kAtClose = 4;
constexpr int kPlaceBits = 3;
constexpr std::int32_t kNoExit = std::numeric_limits<std::int32_t>::max();

struct Packing {
    int price_bits = 0;
    std::int32_t bias = 0;  // a price is packed as bias - price, ticks from the entry
    bool fits = false;

    Packing() = default;
    // range: most ticks between two prices of one day, slippage included; bars: of a day.
    Packing(std::int64_t range, std::int64_t bars) {
        price_bits = std::bit_width(static_cast<std::uint64_t>(2 * range + 1));
        bias = static_cast<std::int32_t>(range);
        fits = range < 32'000 && price_bits + kPlaceBits + std::bit_width(static_cast<std::uint64_t>(bars)) <= 31;
    }
    std::int32_t pack(std::int32_t bar, std::int32_t place, std::int32_t price) const {
        return (((bar << kPlaceBits) | place) << price_bits) | (bias - price);
    }
    int bar_shift() const { return price_bits + kPlaceBits; }
};

struct Signal {
    std::int64_t bar, end;  // end: the last bar a position may live
};

struct Board {
    Board(const Market& market, const Days& trade_days, const Entering& e) : m(market), days(trade_days), how(e) {
        const BarNumbers bars = find_signals(m.signals, m.bars.n);
        Cursor ends(m.ends->session);
        first_of_day.reserve(days.last.size() + 1);
        next_day();
        for (const std::int64_t t : bars) {
            while (days.last[first_of_day.size() - 1] < t) next_day();
            const std::int64_t end = ends.at_or_after(t);
            if (end <= t + how.latency) {
                ++boundary;
            } else if (how.needs_atr && std::isnan(m.atr[t])) {
                ++no_atr;
            } else {
                signals.push_back({t, end});
            }
        }
        while (first_of_day.size() <= days.last.size()) next_day();
        std::int64_t range = 0;
        for (std::size_t s = 0; s < days.last.size(); ++s) {
            const std::int64_t a = days.first(s), b = days.last[s] + 1;
            longest = std::max(longest, b - a);
            if (first_of_day[s] == first_of_day[s + 1]) continue;
            range = std::max<std::int64_t>(range, std::int64_t{*std::max_element(m.bars.high + a, m.bars.high + b)} -
                                                      *std::min_element(m.bars.low + a, m.bars.low + b));
            busiest = std::max(busiest, first_of_day[s + 1] - first_of_day[s]);
        }
        packing = Packing(range + 2 * std::int64_t{how.slippage} + 1, longest);
    }

    const Market& m;
    const Days& days;
    const Entering how;
    std::vector<Signal> signals;
    std::vector<std::int64_t> first_of_day;  // [days + 1]
    std::int64_t boundary = 0, no_atr = 0;   // signals dropped
    std::int64_t busiest = 0, longest = 0;   // most signals and bars in a day
    Packing packing;

  private:
    void next_day() { first_of_day.push_back(static_cast<std::int64_t>(signals.size())); }
};

}  // namespace esbt::sweep
