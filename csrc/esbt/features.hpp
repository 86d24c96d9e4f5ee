// Features: the chosen columns over bars, in one pass of a feature graph, block after block; or bar by bar, as they come, with the same
// bits. A feature is only ever given the past: its graph sees closed bars in order, begins anew at each contract segment, and its value is
// NaN for its first warm_up bars there. State is float64, what is stored is float32. To add a feature: a Kind in a header of features/, a
// naive twin in tests/reference/features; all else, tests included, follows the registry. Knows no Python, no signals, no labels.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "esbt/bars.hpp"
#include "esbt/features/feed.hpp"
#include "esbt/features/graph.hpp"
#include "esbt/features/registry.hpp"

namespace esbt::features {

constexpr std::int64_t kBlock = 512;  // bars a batch computes at a time: its series stay in cache

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

// Row k of out (float32[chosen.size(), bars.n], rows `stride` apart) is column chosen[k].
inline void compute(const BarsView& bars, std::span<const Chosen> chosen, float* out, std::int64_t stride) {
    Engine engine(chosen, kBlock);
    std::int64_t age = 0;
    for (std::int64_t at = 0; at < bars.n;) {
        if (at > 0 && bars.segment[at] != bars.segment[at - 1]) age = 0;
        std::int64_t count = 1;
        for (const std::int64_t most = std::min(kBlock, bars.n - at); count < most && bars.segment[at + count] == bars.segment[at];)
            ++count;
        engine.feed.fill(bars, at, count, 0, age == 0, engine.sources);
        const Span span{0, count, age};
        engine.graph->run(span);
        for (std::size_t k = 0; k < chosen.size(); ++k)
            engine.graph->outputs()[k]->write(span, out + static_cast<std::int64_t>(k) * stride + at);
        engine.graph->advance(count);
        at += count;
        age += count;
    }
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
        const Span span{first_, 1, age_};
        engine_.graph->run(span);
        for (const auto& output : engine_.graph->outputs()) output->write(span, out++);
        ++first_;
        ++age_;
    }

  private:
    static constexpr std::int64_t kWindow = 1024;
    Engine engine_;
    std::int64_t first_ = 0, age_ = 0;
    std::int32_t segment_ = 0;
};

}  // namespace esbt::features
