// Running totals, many at once. A total of whole numbers (of x in steps of 1 / scale) is exact, and so are differences of totals: sums over
// windows, without drift. Totals are counted anew every kRebase bars of a segment, so that they stay small enough to be exact in a double
// (and where sums are too wide for that, a stream still rounds as the batch does). Knows no feature.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "esbt/features/nodes.hpp"

namespace esbt::features {

struct TotalLane {
    const double* in;
    double* out;
    std::int64_t history;  // bars before the window that are kept
    double scale;
    double total = 0.0;
};

constexpr std::int64_t kRebase = 512;

struct TotalsNode final : Node {
    static constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding and taking it off rounds to whole numbers

    std::vector<TotalLane> lanes;

    explicit TotalsNode(std::vector<TotalLane> of) : lanes(std::move(of)) {
        const auto fine = std::stable_partition(lanes.begin(), lanes.end(), [](const TotalLane& lane) { return lane.scale == 1.0; });
        whole_ = static_cast<std::size_t>(fine - lanes.begin());
    }

    void reset() override {
        for (TotalLane& lane : lanes) lane.total = 0.0;
    }

    void push(std::int64_t i, std::int64_t age) override {
        if (age % kRebase == 0) rebase(i);
        for (TotalLane& lane : lanes) lane.out[i] = lane.total += lane.scale == 1.0 ? lane.in[i] : rounded(lane.in[i], lane.scale);
    }

    // A span crosses no multiple of kRebase.
    void run(const Span& s) override {
        if (s.age % kRebase == 0) rebase(s.first);
        std::size_t k = 0;
        // One alone would wait for its own last value at every bar. Whole numbers, which come first, need no rounding.
        for (; k + 4 <= whole_; k += 4) side_by_side<4, true>(&lanes[k], s);
        for (; k < whole_; ++k) side_by_side<1, true>(&lanes[k], s);
        for (; k + 4 <= lanes.size(); k += 4) side_by_side<4, false>(&lanes[k], s);
        for (; k < lanes.size(); ++k) side_by_side<1, false>(&lanes[k], s);
    }

  private:
    static double rounded(double x, double scale) { return (x * scale + kRound) - kRound; }

    void rebase(std::int64_t now) {
        for (TotalLane& lane : lanes) {
            for (std::int64_t i = now - lane.history; i < now; ++i) lane.out[i] -= lane.total;
            lane.total = 0.0;
        }
    }

    template <std::size_t K, bool Whole>
    static void side_by_side(TotalLane* lane, const Span& s) {
        std::array<double, K> sum, scale;
        std::array<const double*, K> in;
        std::array<double*, K> out;
        for (std::size_t k = 0; k < K; ++k) {
            sum[k] = lane[k].total;
            scale[k] = lane[k].scale;
            in[k] = lane[k].in;
            out[k] = lane[k].out;
        }
        for (std::int64_t i = s.first; i < s.end(); ++i)
            for (std::size_t k = 0; k < K; ++k) out[k][i] = sum[k] += Whole ? in[k][i] : rounded(in[k][i], scale[k]);
        for (std::size_t k = 0; k < K; ++k) lane[k].total = sum[k];
    }

    std::size_t whole_ = 0;
};

}  // namespace esbt::features
