// The kinds of nodes a feature graph is made of: a function of other series' values, and a scan with a state. Each computes one series from
// others, whatever the length of the spans it is given: bar by bar or in blocks, the same bits. Also what a feature ends in, an output.
// Knows no feature.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "esbt/features/series.hpp"
#include "esbt/features/simd.hpp"

namespace esbt::features {

// Where the values of features go: those of feature k from to[k * stride] on.
struct Rows {
    float* to = nullptr;
    std::int64_t stride = 0;
    std::vector<float> row;  // room for one span
};

// Nodes call one another: each from a place of its own, so that the processor learns who comes after whom, and each told by its place in
// the chain, not by what it holds itself, so that nobody waits for another's memory. Most of what a push costs is to find the next node.
// Called last, it is jumped to: the stack does not grow.
struct Node;
using Place = Node* const*;

struct Node {
    virtual ~Node() = default;
    virtual void run_on(Place, const Span&) {}
    virtual void push_on(Place, std::int64_t, std::int64_t) {}
    virtual void reset() {}  // a segment begins
    // The same as the end of feature k, or null.
    virtual std::unique_ptr<Node> as_output(std::int64_t, std::int64_t, Rows&) const { return nullptr; }
};

// N has run(span), and push(i, age): a span of one bar.
template <class N>
struct Step : Node {
    void run_on(Place me, const Span& span) final {
        static_cast<N*>(this)->run(span);
        me[1]->run_on(me + 1, span);
    }
    [[gnu::hot]] void push_on(Place me, std::int64_t i, std::int64_t age) final {
        static_cast<N*>(this)->push(i, age);
        me[1]->push_on(me + 1, i, age);
    }
    void push(std::int64_t i, std::int64_t age) { static_cast<N*>(this)->run({i, 1, age}); }
};

// What a feature ends in: f(values...) as float32, NaN for the first warm_up bars of a segment.
template <class F, std::size_t K>
struct OutputNode final : Step<OutputNode<F, K>> {
    F f;
    Inputs<K> in;
    std::int64_t k, warm_up;
    Rows& rows;
    OutputNode(F function, Inputs<K> inputs, std::int64_t number, std::int64_t bars, Rows& to)
        : f(std::move(function)), in(inputs), k(number), warm_up(bars), rows(to) {}
    void run(const Span& s) {
        float* const row = rows.row.data();
        map_loop(f, in, s.first, s.count, row);
        std::fill_n(row, std::clamp<std::int64_t>(warm_up - s.age, 0, s.count), std::numeric_limits<float>::quiet_NaN());
        copy_out(row, s.count, rows.to + k * rows.stride);
    }
    void push(std::int64_t i, std::int64_t age) {
        const auto value = static_cast<float>(call(f, in, i, std::make_index_sequence<K>{}));
        rows.to[k * rows.stride] = age < warm_up ? std::numeric_limits<float>::quiet_NaN() : value;
    }
};

// f(values...) at each bar.
template <class F, std::size_t K>
struct MapNode final : Step<MapNode<F, K>> {
    F f;
    Inputs<K> in;
    double* out;
    MapNode(F function, Inputs<K> inputs, double* to) : f(std::move(function)), in(inputs), out(to) {}
    void run(const Span& s) { map_loop(f, in, s.first, s.count, out + s.first); }
    std::unique_ptr<Node> as_output(std::int64_t k, std::int64_t warm_up, Rows& rows) const override {
        return std::make_unique<OutputNode<F, K>>(f, in, k, warm_up, rows);
    }
    void push(std::int64_t i, std::int64_t) { out[i] = call(f, in, i, std::make_index_sequence<K>{}); }
};

// f(state, values...) bar after bar; the state begins anew with each segment.
template <class State, class F, std::size_t K>
struct ScanNode final : Step<ScanNode<State, F, K>> {
    State begin, state;
    F f;
    Inputs<K> in;
    double* out;
    ScanNode(State initial, F function, Inputs<K> inputs, double* to)
        : begin(initial), state(initial), f(std::move(function)), in(inputs), out(to) {}
    void reset() override { state = begin; }
    void push(std::int64_t i, std::int64_t) { out[i] = call(f, in, i, std::make_index_sequence<K>{}, state); }
    void run(const Span& s) {
        if constexpr (sizeof(State) <= 128 && std::is_trivially_copyable_v<State>) {
            State now = state;  // in registers while it runs
            scan(s, now);
            state = now;
        } else {
            scan(s, state);
        }
    }

  private:
    void scan(const Span& s, State& now) {
        const Inputs<K> from = in;
        double* const to = out;
        for (std::int64_t i = s.first; i < s.end(); ++i) to[i] = call(f, from, i, std::make_index_sequence<K>{}, now);
    }
};

// f(state, results, values...) bar after bar, which writes M series at once.
template <std::size_t M, class State, class F, std::size_t K>
struct ScanManyNode final : Step<ScanManyNode<M, State, F, K>> {
    State begin, state;
    F f;
    Inputs<K> in;
    std::array<double*, M> out;
    ScanManyNode(State initial, F function, Inputs<K> inputs, std::array<double*, M> to)
        : begin(initial), state(initial), f(std::move(function)), in(inputs), out(to) {}
    void reset() override { state = begin; }
    void run(const Span& s) {
        State now = state;
        std::array<double, M> results;
        for (std::int64_t i = s.first; i < s.end(); ++i) {
            call(f, in, i, std::make_index_sequence<K>{}, now, results);
            for (std::size_t m = 0; m < M; ++m) out[m][i] = results[m];
        }
        state = now;
    }
};

}  // namespace esbt::features
