// The legs of a class of lanes in columns, in the order in which a signal's numbers have them: stops, targets (those of one stop together),
// trailing distances, times. Knows no bars.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "esbt/sweep/lane_class.hpp"

namespace esbt::sweep {

struct Run {  // of targets that multiply the risk of one stop
    std::int32_t stop, begin, end;
};

struct Legs {
    explicit Legs(const LaneClass& c) : time(c.times.values) {
        for (const Stop& s : c.stops.values) add(s.atr, s.ticks, kOff);
        targets_begin = size();
        std::vector<std::int32_t> order(c.targets.values.size());
        std::iota(order.begin(), order.end(), 0);
        const auto& t = c.targets.values;
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return t[a].stop < t[b].stop; });
        place_of_target.resize(order.size());
        for (const std::int32_t k : order) {
            const Target& own = t[k];
            place_of_target[k] = size();
            if (own.stop >= 0) {
                if (runs.empty() || runs.back().stop != own.stop) runs.push_back({own.stop, size(), size()});
                runs.back().end = size() + 1;
            }
            targets_by_atr |= std::isfinite(own.atr);
            add(own.atr, own.ticks, own.r);
        }
        trails_begin = size();
        for (const Trail& s : c.trails.values) add(s.atr, s.ticks, kOff);
        times_begin = size();
        limits = time;
        std::sort(limits.begin(), limits.end());
        longest = limits.back();
    }

    std::int32_t size() const { return static_cast<std::int32_t>(ticks.size()); }
    std::int32_t numbers() const { return times_begin + static_cast<std::int32_t>(time.size()); }

    // A leg's distance is the least of by_atr times the ATR, by_risk times the stop's risk, and ticks.
    std::vector<double> by_atr, by_risk;
    std::vector<std::int32_t> ticks, time, place_of_target;
    std::vector<std::int32_t> limits;  // the times, rising
    std::vector<Run> runs;
    std::int32_t targets_begin = 0, trails_begin = 0, times_begin = 0, longest = 0;
    bool targets_by_atr = false;

  private:
    void add(double atr, std::int32_t at_most, double risk) {
        by_atr.push_back(atr);
        by_risk.push_back(risk);
        ticks.push_back(at_most);
    }
};

}  // namespace esbt::sweep
