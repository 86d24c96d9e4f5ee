// Which series of a graph share memory: one that nobody looks back into is needed from the step that makes it to the last that reads it,
// and then gives its buffer to another, while that is still near in the cache. Knows no graph and no feature.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>
#include <vector>

namespace esbt::features {

// A series as a graph's first build saw it; times are steps in the order in which they run.
struct Life {
    std::int64_t born = 0, last_read = 0;
    std::int64_t history = 0;  // bars somebody looks back
    std::int64_t reads = 0;
};

struct Plan {
    std::vector<std::int64_t> history;  // of each series
    std::vector<std::size_t> buffer;    // in which each series lives
    std::size_t buffers = 0;
};

inline Plan plan_of(const std::vector<Life>& lives) {
    Plan plan;
    for (const Life& life : lives) plan.history.push_back(life.history);
    plan.buffer.resize(lives.size());
    std::vector<std::size_t> in_time(lives.size());
    std::iota(in_time.begin(), in_time.end(), std::size_t{0});
    std::stable_sort(in_time.begin(), in_time.end(), [&](std::size_t x, std::size_t y) { return lives[x].born < lives[y].born; });

    using Lent = std::pair<std::int64_t, std::size_t>;  // until when, which buffer
    std::priority_queue<Lent, std::vector<Lent>, std::greater<>> lent;
    std::vector<std::size_t> free;  // the one given back last is the nearest
    for (const std::size_t k : in_time) {
        for (; !lent.empty() && lent.top().first < lives[k].born; lent.pop()) free.push_back(lent.top().second);
        if (lives[k].history > 0 || free.empty()) {
            plan.buffer[k] = plan.buffers++;
        } else {
            plan.buffer[k] = free.back();
            free.pop_back();
        }
        if (lives[k].history == 0) lent.emplace(std::max(lives[k].born, lives[k].last_read), plan.buffer[k]);
    }
    return plan;
}

}  // namespace esbt::features
