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
                classes[how].add(lane, p);
                continue;
            }
        }
        stepped.push_back(lane);
    }
    Crew crew(std::max(1, threads));
    const auto n_days = static_cast<std::int64_t>(days.last.size());
    for (const auto& [how, lanes] : classes) {
        Dense dense(boards.at(how), lanes, plans.data());
        dense.run(crew, daily);
        for (std::size_t place = 0; place < lanes.lanes.size(); ++place)
            if (const std::int64_t lane = lanes.lanes[place]; !dense.write(place, out[lane])) stepped.push_back(lane);
    }
    crew.run(static_cast<std::int64_t>(stepped.size()), [&](std::int64_t k, int) {
        const std::int64_t lane = stepped[static_cast<std::size_t>(k)];
        out[lane] = step_lane(m, days, plans[static_cast<std::size_t>(lane)], daily ? daily + lane * n_days : nullptr);
    });
    return static_cast<std::int64_t>(stepped.size());
}

}  // namespace esbt::sweep
