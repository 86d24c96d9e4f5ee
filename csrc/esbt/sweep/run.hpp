// Many plans of one market: those whose exits are free legs class by class, eight at a time; the others, and what would not fit into the
// kernel's numbers, stepped one by one. Each lane's totals are those of its own single run, bit for bit.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/simulate.hpp"
#include "esbt/sweep/crew.hpp"
#include "esbt/sweep/dense.hpp"
#include "esbt/sweep/tally.hpp"

namespace esbt::sweep {

inline Totals step_lane(const Market& m, const Days& days, const Plan& plan, std::int64_t* daily) {
    const Outcome outcome = simulate(m, plan);
    Totals t = Tally(m.bars, days, plan, daily).of(outcome.trades);
    t.skipped = outcome.skipped;
    return t;
}

// Each class in as many shares as there are threads: each looks at every signal's bars for itself, so nobody waits for anybody. What lies
// side by side stays together.
inline std::vector<LaneClass> shared_out(const std::map<Entering, LaneClass>& classes, std::span<const Plan> plans, int threads) {
    std::vector<LaneClass> shares;
    for (const auto& [how, lanes] : classes) {
        if (threads == 1) {
            shares.push_back(lanes);
            continue;
        }
        const Order order = order_of(lanes);
        const std::size_t count = std::min<std::size_t>(order.eights(), static_cast<std::size_t>(threads)), before = shares.size();
        shares.resize(before + count);
        for (std::size_t slot = 0; slot < order.lanes.size(); ++slot) {
            if (order.lanes[slot] == Order::kNobody) continue;
            LaneClass& share = shares[before + slot / kLanes % count];
            const std::int64_t lane = lanes.lanes[static_cast<std::size_t>(order.lanes[slot])];
            share.entering = how;
            share.add(lane, plans[static_cast<std::size_t>(lane)]);
        }
    }
    return shares;
}

// out: as many as plans. daily: [plan][day], or null. stepped: how many went the slow way. Throws std::overflow_error as simulate does.
inline std::int64_t run_lanes(const Market& m, const Days& days, std::span<const Plan> plans, int threads, Totals* out,
                              std::int64_t* daily) {
    std::map<Entering, LaneClass> classes;
    std::vector<std::int64_t> stepped;
    std::map<Entering, Board> boards;
    for (std::int64_t lane = 0; lane < static_cast<std::int64_t>(plans.size()); ++lane) {
        const Plan& p = plans[static_cast<std::size_t>(lane)];
        if (m.bars.n && has_free_legs(p, m.fees_e4, m.slips)) {
            const Entering how = entering(p);
            const Board& board = boards.try_emplace(how, m, days, how).first->second;
            if (Dense::fits(board, p)) {
                LaneClass& own = classes[how];
                own.entering = how;
                own.add(lane, p);
                continue;
            }
        }
        stepped.push_back(lane);
    }
    const std::vector<LaneClass> shares = shared_out(classes, plans, std::max(1, threads));
    std::vector<std::vector<std::int64_t>> spilled(shares.size());
    const auto n_days = static_cast<std::int64_t>(days.last.size());
    Crew crew(std::max(1, threads));
    crew.run(static_cast<std::int64_t>(shares.size()), [&](std::int64_t k, int) {
        const LaneClass& lanes = shares[static_cast<std::size_t>(k)];
        Dense dense(boards.at(lanes.entering), lanes, plans.data());
        dense.run(daily);
        for (std::size_t place = 0; place < lanes.lanes.size(); ++place)
            if (const std::int64_t lane = lanes.lanes[place]; !dense.write(place, out[lane]))
                spilled[static_cast<std::size_t>(k)].push_back(lane);
    });
    for (const auto& own : spilled) stepped.insert(stepped.end(), own.begin(), own.end());
    crew.run(static_cast<std::int64_t>(stepped.size()), [&](std::int64_t k, int) {
        const std::int64_t lane = stepped[static_cast<std::size_t>(k)];
        out[lane] = step_lane(m, days, plans[static_cast<std::size_t>(lane)], daily ? daily + lane * n_days : nullptr);
    });
    return static_cast<std::int64_t>(stepped.size());
}

}  // namespace esbt::sweep
