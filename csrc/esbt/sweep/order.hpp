// Which lanes go side by side: those that differ in one leg alone, whose values then lie in a row, need no gathering. Knows no bars.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "esbt/sweep/legs.hpp"

namespace esbt::sweep {

struct Order {
    static constexpr std::int64_t kNobody = -1;

    Leg row = Leg::none;
    std::vector<std::int64_t> lanes;         // eights of places of the class
    std::vector<std::int64_t> slot_of_lane;  // where each is among them

    std::size_t eights() const { return lanes.size() / 8; }
};

// As they come, the last eight filled up.
inline Order as_they_come(const LaneClass& c) {
    Order order;
    const auto n = static_cast<std::int64_t>(c.lanes.size());
    for (std::int64_t lane = 0; lane < n; ++lane) order.slot_of_lane.push_back(lane);
    order.lanes = order.slot_of_lane;
    order.lanes.resize((c.lanes.size() + 7) / 8 * 8, Order::kNobody);
    return order;
}

// Each eight: one value of all legs but `row`, and of that one eight values in a row, as far as there are lanes of them.
inline Order in_rows(const LaneClass& c, Leg row) {
    const Legs legs(c, row);
    struct Key {
        std::array<std::int32_t, 5> at;  // the other legs, and the eight of this one
        std::int32_t slot;
        std::int64_t lane;
    };
    std::vector<Key> keys;
    keys.reserve(c.lanes.size());
    for (std::size_t lane = 0; lane < c.lanes.size(); ++lane) {
        Key key{{}, 0, static_cast<std::int64_t>(lane)};
        for (const Leg leg : {Leg::stop, Leg::target, Leg::trail, Leg::time})
            if (leg != row) key.at[static_cast<std::size_t>(leg)] = legs.place(c, leg, lane);
        const std::int32_t own = legs.place(c, row, lane);
        key.at[0] = own / 8;
        key.slot = own % 8;
        keys.push_back(key);
    }
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
        return a.at != b.at ? a.at < b.at : std::pair(a.slot, a.lane) < std::pair(b.slot, b.lane);
    });
    Order order;
    order.row = row;
    order.slot_of_lane.resize(c.lanes.size());
    for (std::size_t from = 0, first = 0; from < keys.size();) {
        std::array<std::size_t, 8> taken{};  // lanes that differ in money alone have eights of their own
        for (first = from; from < keys.size() && keys[from].at == keys[first].at; ++from)
            ++taken[static_cast<std::size_t>(keys[from].slot)];
        const std::size_t base = order.lanes.size();
        order.lanes.resize(base + 8 * *std::max_element(taken.begin(), taken.end()), Order::kNobody);
        taken = {};
        for (std::size_t k = first; k < from; ++k) {
            const auto slot = static_cast<std::size_t>(keys[k].slot);
            const std::size_t at = base + 8 * taken[slot]++ + slot;
            order.lanes[at] = keys[k].lane;
            order.slot_of_lane[static_cast<std::size_t>(keys[k].lane)] = static_cast<std::int64_t>(at);
        }
    }
    return order;
}

// The one with the fewest eights, unless half of their places would be empty.
inline Order order_of(const LaneClass& c) {
    Order best = as_they_come(c);
    std::size_t fewest = 2 * best.eights();
    const std::pair<Leg, std::int32_t> values[] = {
        {Leg::target, c.targets.size()}, {Leg::stop, c.stops.size()}, {Leg::trail, c.trails.size()}, {Leg::time, c.times.size()}};
    for (const auto& [leg, count] : values) {
        if (count < 4) continue;
        Order own = in_rows(c, leg);
        if (own.eights() < fewest) {
            fewest = own.eights();
            best = std::move(own);
        }
    }
    return best;
}

}  // namespace esbt::sweep
