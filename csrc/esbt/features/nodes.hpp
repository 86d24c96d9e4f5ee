// The kinds of nodes a feature graph is made of: a function of other series' values, a scan with a state, a running total. Each computes
// one series from others, whatever the length of the spans it is given: bar by bar or in blocks, the same bits. Knows no feature.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "esbt/features/series.hpp"

namespace esbt::features {

struct Node {
    virtual ~Node() = default;
    virtual void run(const Span& span) = 0;
    virtual void reset() {}     // a segment begins
    virtual void advanced() {}  // its buffer's window has become history
};

template <std::size_t K>
using Inputs = std::array<const double*, K>;

template <class F, std::size_t K, std::size_t... Is, class... Before>
auto call(const F& f, const Inputs<K>& in, std::int64_t i, std::index_sequence<Is...>, Before&&... before) {
    return f(std::forward<Before>(before)..., in[Is][i]...);
}

// f(values...) at each bar. Outputs never are inputs, so the loop may be vectorised.
template <class F, std::size_t K>
struct MapNode final : Node {
    F f;
    Inputs<K> in;
    double* out;
    MapNode(F function, Inputs<K> inputs, double* to) : f(std::move(function)), in(inputs), out(to) {}
    void run(const Span& s) override {
        const F g = f;
        const Inputs<K> from = in;
        double* const to = out;
#pragma GCC ivdep
        for (std::int64_t i = s.first; i < s.end(); ++i) to[i] = call(g, from, i, std::make_index_sequence<K>{});
    }
};

// f(state, values...) bar after bar; the state begins anew with each segment.
template <class State, class F, std::size_t K>
struct ScanNode final : Node {
    State begin, state;
    F f;
    Inputs<K> in;
    double* out;
    ScanNode(State initial, F function, Inputs<K> inputs, double* to)
        : begin(initial), state(initial), f(std::move(function)), in(inputs), out(to) {}
    void reset() override { state = begin; }
    void run(const Span& s) override {
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

// The running total of whole numbers (of x in steps of 1 / scale): differences of totals are exact sums over windows, without drift. It is
// counted from the window's start, so that it stays small enough to be exact in a double.
struct TotalNode final : Node {
    static constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding and taking it off rounds to whole numbers

    const double* in;
    double* out;
    std::int64_t history;
    double scale, total = 0.0;
    TotalNode(const double* from, double steps, double* to, std::int64_t kept) : in(from), out(to), history(kept), scale(steps) {}
    void reset() override { total = 0.0; }
    void run(const Span& s) override {
        double sum = total;
        for (std::int64_t i = s.first; i < s.end(); ++i) out[i] = sum += (in[i] * scale + kRound) - kRound;
        total = sum;
    }
    void advanced() override {
        for (std::int64_t i = -history; i < 0; ++i) out[i] -= total;
        total = 0.0;
    }
};

// One feature: f(values...) as float32, NaN for the first warm_up bars of a segment.
struct Output {
    virtual ~Output() = default;
    virtual void write(const Span& span, float* to) const = 0;
};

template <class F, std::size_t K>
struct OutputOf final : Output {
    F f;
    Inputs<K> in;
    std::int64_t warm_up;
    OutputOf(F function, Inputs<K> inputs, std::int64_t bars) : f(std::move(function)), in(inputs), warm_up(bars) {}
    void write(const Span& s, float* to) const override {
        const F g = f;
        const Inputs<K> from = in;
        const std::int64_t first = s.first;
#pragma GCC ivdep
        for (std::int64_t i = 0; i < s.count; ++i) to[i] = static_cast<float>(call(g, from, first + i, std::make_index_sequence<K>{}));
        std::fill_n(to, std::clamp<std::int64_t>(warm_up - s.age, 0, s.count), std::numeric_limits<float>::quiet_NaN());
    }
};

}  // namespace esbt::features
