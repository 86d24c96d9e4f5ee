// The legs of a class of lanes in columns, in the order in which a signal's numbers have them: stops, targets (those of one stop together),
// trailing distances, times, the end. Eights of them begin at multiples of eight. Knows no bars.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "esbt/sweep/lane_class.hpp"

namespace esbt::sweep {

enum class Leg : std::uint8_t { none, stop, target, trail, time };

struct Run {  // of targets that multiply the risk of one stop
    std::int32_t stop, begin, end;
};

struct Legs {
    // row: the leg whose values lanes take side by side: of targets, those of each stop begin at a multiple of eight.
    Legs(const LaneClass& c, Leg row) : time(c.times.values) {
        for (const Stop& s : c.stops.values) add(s.atr, s.ticks, kOff);
        targets_begin = fill_up();
        std::vector<std::int32_t> order(c.targets.values.size());
        std::iota(order.begin(), order.end(), 0);
        const auto& t = c.targets.values;
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return t[a].stop < t[b].stop; });
        place_of_target.resize(order.size());
        for (const std::int32_t k : order) {
            const Target& own = t[k];
            if (own.stop >= 0) {
                if (runs.empty() || runs.back().stop != own.stop) {
                    if (row == Leg::target) end_run();
                    runs.push_back({own.stop, size(), size()});
                }
                runs.back().end = size() + 1;
            }
            place_of_target[k] = size();
            targets_by_atr |= std::isfinite(own.atr);
            add(own.atr, own.ticks, own.r);
        }
        end_run();
        trails_begin = size();
        for (const Trail& s : c.trails.values) add(s.atr, s.ticks, kOff);
        times_begin = fill_up();
        limits = time;
        std::sort(limits.begin(), limits.end());
        longest = limits.back();
        time.resize((time.size() + 7) / 8 * 8, time.back());
        end_place = times_begin + static_cast<std::int32_t>(time.size());
    }

    std::int32_t size() const { return static_cast<std::int32_t>(ticks.size()); }

    // Of a signal: of each eight of legs the exits, then the marks.
    std::int32_t numbers() const { return 2 * (end_place + 8); }
    static std::int32_t number(std::int32_t place) { return place + (place & ~7); }

    std::int32_t place(const LaneClass& c, Leg leg, std::size_t lane) const {
        if (leg == Leg::stop) return c.stop[lane];
        if (leg == Leg::target) return place_of_target[static_cast<std::size_t>(c.target[lane])];
        return leg == Leg::trail ? trails_begin + c.trail[lane] : times_begin + c.time[lane];
    }

    // A leg's distance is the least of by_atr times the ATR, by_risk times the stop's risk, and ticks.
    std::vector<double> by_atr, by_risk;
    std::vector<std::int32_t> ticks, time, place_of_target;
    std::vector<std::int32_t> limits;  // the times, rising
    std::vector<Run> runs;
    std::int32_t targets_begin = 0, trails_begin = 0, times_begin = 0, end_place = 0, longest = 0;
    bool targets_by_atr = false;

  private:
    void add(double atr, std::int32_t at_most, double risk) {
        by_atr.push_back(atr);
        by_risk.push_back(risk);
        ticks.push_back(at_most);
    }
    std::int32_t fill_up() {  // by the last, to a multiple of eight
        while (size() % 8) add(by_atr.back(), ticks.back(), by_risk.back());
        return size();
    }
    void end_run() {
        fill_up();
        if (!runs.empty()) runs.back().end = size();
    }
};

}  // namespace esbt::sweep
