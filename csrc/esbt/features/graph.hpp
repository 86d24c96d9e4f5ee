// The graph of a feature set: nodes that each compute one series from others, made once and run over span after span of bars, and outputs
// that write float32. A node is asked for by a key, so what several features need is computed once. Knows no feature and no bars.
//
// It is built twice: first dry, to learn how much history each series needs, then for good; both builds ask for the same nodes.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "esbt/features/bank.hpp"
#include "esbt/features/nodes.hpp"
#include "esbt/features/series.hpp"
#include "esbt/features/totals.hpp"

namespace esbt::features {

class Graph {
  public:
    Graph(std::vector<std::int64_t> histories, std::int64_t window)
        : given_(std::move(histories)), window_(window), row_(static_cast<std::size_t>(window)) {}

    // build(graph) asks for everything; window: bars that buffers hold.
    template <class Build>
    static std::unique_ptr<Graph> make(std::int64_t window, Build build) {
        Graph dry({}, 1);
        build(dry);
        auto graph = std::make_unique<Graph>(dry.asked_, window);
        build(*graph);
        graph->finish();
        return graph;
    }

    double cost() const { return cost_; }  // of a bar, in about the time of one function of a series

    // The series n bars back; before the segment's first bar stands the series' fill.
    Series lag(Series s, std::int64_t n) {
        const std::int64_t back = buffers_[index(s)].window() - s.data + n;
        asked_[index(s)] = std::max(asked_[index(s)], back);
        return {s.data - n, s.node};
    }

    // f(double...) of the inputs' values at each bar.
    template <class F, class... Ins>
    Series map(const std::string& key, F f, Ins... ins) {
        return filled_map(key, 0.0, f, ins...);
    }

    template <class F, class... Ins>
    Series filled_map(const std::string& key, double fill, F f, Ins... ins) {
        return made(key, fill, {ins...},
                    [&](double* to) { return std::make_unique<MapNode<F, sizeof...(Ins)>>(f, inputs_of(ins...), to); });
    }

    // f(State&, double...) bar after bar.
    template <class State, class F, class... Ins>
    Series scan(const std::string& key, State begin, F f, Ins... ins) {
        return made(key, 0.0, {ins...}, [&](double* to) {
            cost_ += 4.0;
            return std::make_unique<ScanNode<State, F, sizeof...(Ins)>>(begin, f, inputs_of(ins...), to);
        });
    }

    // f(State&, std::array<double, M>& results, double...) bar after bar: M series.
    template <std::size_t M, class State, class F, class... Ins>
    std::array<Series, M> scan_many(const std::string& key, State begin, F f, Ins... ins) {
        std::array<Series, M> found;
        std::array<double*, M> to{};
        const bool fresh = !by_key_.contains(key + "#0");
        for (std::size_t m = 0; m < M; ++m) {
            Series& s = by_key_[key + "#" + std::to_string(m)];
            if (fresh) s = new_series(0.0, {ins...}, to[m]);
            found[m] = s;
        }
        if (fresh) {
            cost_ += 4.0;
            waiting_[level_.back()].push_back(std::make_unique<ScanManyNode<M, State, F, sizeof...(Ins)>>(begin, f, inputs_of(ins...), to));
        }
        return found;
    }

    // A node that make(out) makes; ins: what it reads.
    template <class Make>
    Series made(const std::string& key, double fill, std::initializer_list<Series> ins, Make make) {
        const auto [found, fresh] = by_key_.try_emplace(key);
        if (fresh) {
            double* to = nullptr;
            found->second = new_series(fill, ins, to);
            waiting_[level_.back()].push_back(make(to));
        }
        return found->second;
    }

    // The running total of s in steps of 1 / scale.
    Series total(Series s, double scale) {
        const auto [found, fresh] = by_key_.try_emplace(name_of(s) + "|total" + exact(scale));
        if (fresh) {
            double* to = nullptr;
            found->second = new_series(0.0, {s}, to, kTogether);
            totals_[level_.back()].push_back({s.data, to, buffers_.back().history(), scale});
        }
        return found->second;
    }

    // A linear recurrence; its lane says all but where it writes.
    Series recurrence(const std::string& key, Series s, Lane lane) {
        const auto [found, fresh] = by_key_.try_emplace(key);
        if (fresh) {
            lane.in = s.data;
            found->second = new_series(0.0, {s}, lane.out, kTogether);
            banks_[level_.back()].push_back(lane);
        }
        return found->second;
    }

    // A series that somebody else fills before each run: the bars.
    Series source(const std::string& key, double*& to) {
        const auto [found, fresh] = by_key_.try_emplace(key);
        if (fresh) found->second = new_series(0.0, {}, to);
        return found->second;
    }

    // A feature: f(double...) of the inputs' values, NaN for the first warm_up bars of a segment.
    template <class F, class... Ins>
    void output(std::int64_t warm_up, F f, Ins... ins) {
        cost_ += 1.0;
        ends_.push_back({warm_up, nullptr, std::make_unique<OutputOf<F, sizeof...(Ins)>>(f, inputs_of(ins...))});
    }

    // A feature that is a series as it stands.
    void output(std::int64_t warm_up, Series s) {
        cost_ += 1.0;
        ends_.push_back({warm_up, s.data, nullptr});
    }

    // A name for a series, lag included, to make keys of.
    std::string name_of(Series s) { return std::to_string(s.node) + "-" + std::to_string(buffers_[index(s)].window() - s.data); }

    void run(const Span& span) {
        if (span.age == 0) begin(span.first);
        for (const auto& node : nodes_) node->run(span);
    }

    // The values of feature k over the span that was run.
    void write(std::size_t k, const Span& s, float* to) {
        const End& end = ends_[k];
        float* const row = row_.data();
        if (end.output) {
            end.output->write(s, row);
        } else {
            map_loop([](double x) { return x; }, Inputs<1>{end.series}, s.first, s.count, row);
        }
        std::fill_n(row, std::clamp<std::int64_t>(end.warm_up - s.age, 0, s.count), std::numeric_limits<float>::quiet_NaN());
        copy_out(row, s.count, to);
    }

    // One bar, and the values of all features at it.
    void push(std::int64_t i, std::int64_t age, float* to) {
        if (age == 0) begin(i);
        for (const auto& node : nodes_) node->push(i, age);
        for (const End& end : ends_) {
            const float value = end.output ? end.output->value(i) : static_cast<float>(end.series[i]);
            *to++ = age < end.warm_up ? std::numeric_limits<float>::quiet_NaN() : value;
        }
    }

    void advance(std::int64_t count) {
        for (Buffer& b : buffers_) b.advance(count);
    }

  private:
    struct End {
        std::int64_t warm_up;
        const double* series;  // or, if null, what output computes
        std::unique_ptr<Output> output;
    };

    void begin(std::int64_t first) {
        for (Buffer& b : buffers_) b.forget(first);
        for (const auto& node : nodes_) node->reset();
    }

    static std::size_t index(Series s) { return static_cast<std::size_t>(s.node); }

    template <class... Ins>
    static Inputs<sizeof...(Ins)> inputs_of(Ins... ins) {
        return {ins.data...};
    }

    Series new_series(double fill, std::initializer_list<Series> ins, double*& to, int every = 1) {
        const std::size_t k = buffers_.size();
        if (!given_.empty() && k >= given_.size()) throw std::logic_error("the graph's two builds differ");
        int level = 0;
        for (const Series& s : ins) level = std::max(level, level_[index(s)] + 1);
        level_.push_back((level + every - 1) / every * every);
        cost_ += 1.0;
        asked_.push_back(0);
        buffers_.emplace_back(given_.empty() ? 0 : given_[k], window_, fill);
        to = buffers_.back().window();
        return {to, static_cast<std::int32_t>(k)};
    }

    // Nodes run level by level: what a node reads was written on a lower one. Recurrences of a level share a
    // bank, and so do totals; they stand on every fourth level only, so that many meet.
    static constexpr int kTogether = 4;
    void finish() {
        for (auto& [level, lanes] : banks_) {
            auto bank = std::make_unique<BankNode>();
            bank->lanes = std::move(lanes);
            waiting_[level].push_back(std::move(bank));
        }
        for (auto& [level, lanes] : totals_) {
            waiting_[level].push_back(std::make_unique<TotalsNode>(std::move(lanes)));
        }
        for (auto& [level, nodes] : waiting_)
            for (auto& node : nodes) nodes_.push_back(std::move(node));
        waiting_.clear();
    }

    std::vector<std::int64_t> given_, asked_;
    double cost_ = 0.0;
    std::int64_t window_;
    std::vector<float> row_;  // of a feature's values, before they are written
    std::vector<Buffer> buffers_;
    std::vector<int> level_;
    std::unordered_map<std::string, Series> by_key_;
    std::map<int, std::vector<std::unique_ptr<Node>>> waiting_;
    std::map<int, std::vector<Lane>> banks_;
    std::map<int, std::vector<TotalLane>> totals_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<End> ends_;
};

}  // namespace esbt::features
