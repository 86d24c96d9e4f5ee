// The graph of a feature set: nodes that each compute one series from others, made once and run over span after span of bars, and outputs
// that write float32. A node is asked for by a key, so what several features need is computed once. Knows no feature and no bars.
//
// Nodes run as they were asked for, what a node reads before it, but recurrences and totals wait to run side by side: they part the graph
// into stages. It is built twice: first dry, to learn how much history each series needs and how long it lives, then for good; both builds
// ask for the same nodes.
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
#include "esbt/features/plan.hpp"
#include "esbt/features/series.hpp"
#include "esbt/features/totals.hpp"

namespace esbt::features {

class Graph {
  public:
    // A dry one, or by the plan of a dry one.
    explicit Graph(std::int64_t window, Plan plan = {}) : plan_(std::move(plan)), window_(window), buffers_(plan_.buffers) {
        rows_.row.resize(static_cast<std::size_t>(window));
    }

    // build(graph) asks for everything; window: bars that buffers hold.
    template <class Build>
    static std::unique_ptr<Graph> make(std::int64_t window, Build build) {
        Graph dry(1);
        build(dry);
        auto graph = std::make_unique<Graph>(window, plan_of(dry.lives_));
        build(*graph);
        graph->finish();
        return graph;
    }

    double cost() const { return cost_; }  // of a bar, in about the time of one function of a series

    // The series n bars back; before the segment's first bar stands the series' fill.
    Series lag(Series s, std::int64_t n) {
        std::int64_t& asked = lives_[index(s)].history;
        asked = std::max(asked, windows_[index(s)] - s.data + n);
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
        const std::int64_t now = fresh ? step({ins...}) : 0;
        for (std::size_t m = 0; m < M; ++m) {
            Series& s = by_key_[key + "#" + std::to_string(m)];
            if (fresh) s = new_series(0.0, now, to[m]);
            found[m] = s;
        }
        if (fresh) {
            cost_ += 4.0;
            steps_.emplace(now, std::make_unique<ScanManyNode<M, State, F, sizeof...(Ins)>>(begin, f, inputs_of(ins...), to));
        }
        return found;
    }

    // A node that make(out) makes; ins: what it reads.
    template <class Make>
    Series made(const std::string& key, double fill, std::initializer_list<Series> ins, Make make) {
        const auto [found, fresh] = by_key_.try_emplace(key);
        if (fresh) {
            double* to = nullptr;
            const std::int64_t now = step(ins);
            found->second = new_series(fill, now, to);
            steps_.emplace(now, make(to));
        }
        return found->second;
    }

    // The running total of s in steps of 1 / scale.
    Series total(Series s, double scale) {
        const auto [found, fresh] = by_key_.try_emplace(name_of(s) + "|total" + exact(scale));
        if (fresh) {
            double* to = nullptr;
            const std::int64_t now = next_stage(s);
            found->second = new_series(0.0, now, to);
            totals_[now].push_back({s.data, to, history_of(found->second), scale});
        }
        return found->second;
    }

    // A linear recurrence; its lane says all but where it writes.
    Series recurrence(const std::string& key, Series s, Lane lane) {
        const auto [found, fresh] = by_key_.try_emplace(key);
        if (fresh) {
            lane.in = s.data;
            const std::int64_t now = next_stage(s);
            found->second = new_series(0.0, now, lane.out);
            banks_[now].push_back(lane);
        }
        return found->second;
    }

    // A series that somebody else fills before each run: the bars.
    Series source(const std::string& key, double*& to) {
        const auto [found, fresh] = by_key_.try_emplace(key);
        if (fresh) found->second = new_series(0.0, 0, to);
        return found->second;
    }

    // A feature: f(double...) of the inputs' values, NaN for the first warm_up bars of a segment.
    template <class F, class... Ins>
    void output(std::int64_t warm_up, F f, Ins... ins) {
        end(warm_up, f, ins...);
    }

    // A feature that is a series as it stands.
    void output(std::int64_t warm_up, Series s) {
        const std::int64_t k = outputs_;
        plain_.push_back({s, k, warm_up, end(warm_up, [](double x) { return x; }, s)});
    }

    // A name for a series, lag included, to make keys of.
    std::string name_of(Series s) { return std::to_string(s.node) + "-" + std::to_string(windows_[index(s)] - s.data); }

    // The values of feature k over the span from to[k * stride] on.
    void run(const Span& span, float* to, std::int64_t stride) {
        if (span.age == 0) begin(span.first);
        rows_.to = to;
        rows_.stride = stride;
        chain_.front()->run_on(chain_.data(), span);
    }

    // One bar, and the values of all features at it.
    void push(std::int64_t i, std::int64_t age, float* to) {
        if (age == 0) begin(i);
        rows_.to = to;
        rows_.stride = 1;
        chain_.front()->push_on(chain_.data(), i, age);
    }

    void advance(std::int64_t count) {
        for (Buffer* b : kept_) b->advance(count);
    }

  private:
    using Steps = std::multimap<std::int64_t, std::unique_ptr<Node>>;

    struct Plain {  // an output that is a series
        Series s;
        std::int64_t k, warm_up;
        Steps::iterator step;
    };

    template <class F, class... Ins>
    Steps::iterator end(std::int64_t warm_up, F f, Ins... ins) {
        cost_ += 1.0;
        return steps_.emplace(step({ins...}),
                              std::make_unique<OutputNode<F, sizeof...(Ins)>>(f, inputs_of(ins...), outputs_++, warm_up, rows_));
    }

    void begin(std::int64_t first) {
        for (Buffer* b : kept_) b->forget(first);
        for (const auto& node : nodes_) node->reset();
    }

    static std::size_t index(Series s) { return static_cast<std::size_t>(s.node); }

    template <class... Ins>
    static Inputs<sizeof...(Ins)> inputs_of(Ins... ins) {
        return {ins.data...};
    }

    // When a node runs that is asked for now: a stage's steps in their order, after what it runs side by side.
    std::int64_t step(std::initializer_list<Series> ins) { return read(ins, (stage_of(ins) << kStageBits) + ++asked_); }

    std::int64_t next_stage(Series in) { return read({in}, (stage_of({in}) + 1) << kStageBits); }

    std::int64_t stage_of(std::initializer_list<Series> ins) const {
        std::int64_t stage = 0;
        for (const Series& s : ins) stage = std::max(stage, lives_[index(s)].born >> kStageBits);
        return stage;
    }

    std::int64_t read(std::initializer_list<Series> ins, std::int64_t now) {
        for (const Series& s : ins) {
            Life& life = lives_[index(s)];
            life.last_read = std::max(life.last_read, now);
            ++life.reads;
        }
        return now;
    }

    Series new_series(double fill, std::int64_t now, double*& to) {
        const std::size_t k = lives_.size();
        const bool dry = plan_.buffers == 0;
        if (!dry && k >= plan_.history.size()) throw std::logic_error("the graph's two builds differ");
        cost_ += 1.0;
        lives_.push_back({.born = now});
        if (dry) buffers_.emplace_back();
        std::unique_ptr<Buffer>& buffer = buffers_[dry ? k : plan_.buffer[k]];
        if (!buffer) buffer = std::make_unique<Buffer>(dry ? 0 : plan_.history[k], window_, fill);
        to = buffer->window();
        windows_.push_back(to);
        return {to, static_cast<std::int32_t>(k)};
    }

    std::int64_t history_of(Series s) const { return plan_.buffers == 0 ? 0 : plan_.history[index(s)]; }

    void finish() {
        for (auto& [now, lanes] : banks_) steps_.emplace(now, std::make_unique<BankNode>(std::move(lanes)));
        for (auto& [now, lanes] : totals_) steps_.emplace(now, std::make_unique<TotalsNode>(std::move(lanes)));
        for (const Plain& p : plain_) write_at_once(p);
        for (auto& [now, node] : steps_) nodes_.push_back(std::move(node));
        nodes_.push_back(std::make_unique<Node>());  // the end of the chain
        for (const auto& node : nodes_) chain_.push_back(node.get());
        for (const auto& buffer : buffers_)
            if (buffer->history() > 0) kept_.push_back(buffer.get());
        steps_.clear();
        plain_.clear();
        banks_.clear();
        totals_.clear();
    }

    // An output that is a series which nobody else reads takes the place of the node that makes it, if that node can.
    void write_at_once(const Plain& p) {
        const Life& life = lives_[index(p.s)];
        const auto maker = steps_.find(life.born);
        if (life.reads > 1 || maker == steps_.end()) return;
        if (auto output = maker->second->as_output(p.k, p.warm_up, rows_)) {
            maker->second = std::move(output);
            steps_.erase(p.step);
        }
    }

    static constexpr int kStageBits = 32;

    Plan plan_;
    double cost_ = 0.0;
    std::int64_t window_, asked_ = 0, outputs_ = 0;
    std::vector<std::unique_ptr<Buffer>> buffers_;
    std::vector<Buffer*> kept_;     // those with a history
    std::vector<double*> windows_;  // of each series
    std::vector<Life> lives_;
    std::unordered_map<std::string, Series> by_key_;
    Steps steps_;
    std::vector<Plain> plain_;
    std::map<std::int64_t, std::vector<Lane>> banks_;
    std::map<std::int64_t, std::vector<TotalLane>> totals_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<Node*> chain_;  // the same, as they call one another
    Rows rows_;
};

}  // namespace esbt::features
