// Features: the chosen columns over bars, in one pass of a feature graph, block after block; or bar by bar, as they come, with the same
// bits. A feature is only ever given the past: its graph sees closed bars in order, begins anew at each contract segment, and its value is
// NaN for its first warm_up bars there. State is float64, what is stored is float32. To add a feature: a Kind in a header of features/, a
// naive twin in tests/reference/features; all else, tests included, follows the registry. Knows no Python, no signals, no labels.
#pragma once
#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "esbt/bars.hpp"
#include "esbt/features/feed.hpp"
#include "esbt/features/graph.hpp"
#include "esbt/features/registry.hpp"

namespace esbt::features {

constexpr std::int64_t kBlock = kRebase;  // bars a batch computes at a time: its series stay in cache

// A graph with its sources, ready to be fed.
struct Engine {
    Sources sources;
    std::unique_ptr<Graph> graph;
    Feed feed;

    Engine(std::span<const Chosen> chosen, std::int64_t window)
        : graph(Graph::make(window, [&](Graph& g) {
              sources = {};
              Build build(g, sources);
              for (const Chosen& c : chosen) kind_of(c).build(build, Parameters(c.values), warm_up_of(c));
          })) {}
};

// Row k of out (float32[chosen.size(), bars.n]) is column chosen[k].
inline void compute_here(const BarsView& bars, std::span<const Chosen> chosen, float* out) {
    Engine engine(chosen, kBlock);
    std::int64_t age = 0;
    for (std::int64_t at = 0; at < bars.n;) {
        if (at > 0 && bars.segment[at] != bars.segment[at - 1]) age = 0;
        const std::int64_t most = std::min(kBlock, bars.n - at);
        std::int64_t count = 1;
        while (count < most && bars.segment[at + count] == bars.segment[at]) ++count;
        engine.feed.fill(bars, at, count, 0, age == 0, engine.sources);
        const Span span{0, count, age};
        engine.graph->run(span, out + at, bars.n);
        engine.graph->advance(count);
        at += count;
        age += count;
    }
    out_is_written();
}

// Where to cut the columns so that each of `threads` computes about as much; neighbours share most, so columns stay in their order.
inline std::vector<std::size_t> cuts(std::span<const Chosen> chosen, std::size_t threads) {
    std::vector<double> so_far{0.0};
    Sources sources;
    Graph dry(1);
    Build build(dry, sources);
    for (const Chosen& c : chosen) {
        kind_of(c).build(build, Parameters(c.values), warm_up_of(c));
        so_far.push_back(dry.cost());
    }
    std::vector<std::size_t> at{0};
    for (std::size_t t = 1; t < threads; ++t) {
        const double goal = so_far.back() * static_cast<double>(t) / static_cast<double>(threads);
        at.push_back(static_cast<std::size_t>(std::lower_bound(so_far.begin(), so_far.end(), goal) - so_far.begin()));
    }
    at.push_back(chosen.size());
    return at;
}

// The same on several threads, each with columns of its own: the same bits.
inline void compute(const BarsView& bars, std::span<const Chosen> chosen, int threads, float* out) {
    if (threads <= 1 || chosen.size() < 2) return compute_here(bars, chosen, out);
    const std::vector<std::size_t> at = cuts(chosen, static_cast<std::size_t>(threads));
    std::vector<std::exception_ptr> failed(at.size() - 1);
    const auto part = [&](std::size_t k) {
        try {
            compute_here(bars, chosen.subspan(at[k], at[k + 1] - at[k]), out + static_cast<std::int64_t>(at[k]) * bars.n);
        } catch (...) {
            failed[k] = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t k = 1; k + 1 < at.size(); ++k) others.emplace_back(part, k);
        part(0);
    }
    for (const std::exception_ptr& error : failed)
        if (error) std::rethrow_exception(error);
}

// Bar by bar: push(bar) gives the values at it, float32[chosen.size()].
class Stream {
  public:
    explicit Stream(std::span<const Chosen> chosen) : engine_(chosen, kWindow) {}

    // bars: a view of one bar.
    void push(const BarsView& bar, float* out) {
        const bool starts = age_ == 0 || bar.segment[0] != segment_;
        if (starts) age_ = 0;
        segment_ = bar.segment[0];
        if (first_ == kWindow) {
            engine_.graph->advance(kWindow);
            first_ = 0;
        }
        engine_.feed.fill(bar, 0, 1, first_, starts, engine_.sources);
        engine_.graph->push(first_, age_, out);
        ++first_;
        ++age_;
    }

  private:
    static constexpr std::int64_t kWindow = 64;  // what is near stays in cache
    Engine engine_;
    std::int64_t first_ = 0, age_ = 0;
    std::int32_t segment_ = 0;
};

}  // namespace esbt::features
