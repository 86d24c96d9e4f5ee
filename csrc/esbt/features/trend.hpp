// Features of trend: moving averages, channels and the oscillators everybody knows, as Wilder, Appel, Lane, Bollinger and others defined
// them. To add one: a Kind here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "esbt/features/kind.hpp"
#include "esbt/features/returns.hpp"

namespace esbt::features {

struct Directional {  // Wilder's means of true range and directional movement, from a segment's second bar on
    Series plus, minus, range;
};

inline Directional directional(Build& b, std::int64_t n) {
    // The move on one side, where it is above nothing and above the move on the other.
    const auto larger_move = [](double ahead, double ahead_of, double other, double other_of) {
        const double move = ahead - ahead_of, against = other - other_of;
        return move > against && move > 0.0 ? move : 0.0;
    };
    const Series high_before = b.g.lag(b.high(), 1), low_before = b.g.lag(b.low(), 1);
    const Series up = b.g.map("up_move", larger_move, b.high(), high_before, low_before, b.low());
    const Series down = b.g.map("down_move", larger_move, low_before, b.low(), b.high(), high_before);
    return {b.wilder(up, n, 1), b.wilder(down, n, 1), b.wilder(b.true_range(), n, 1)};
}

inline Series directional_index(Build& b, std::int64_t n) {
    const Directional d = directional(b, n);
    return b.g.map(
        "dx" + std::to_string(n), [](double p, double m) { return 100.0 * ratio(std::abs(p - m), p + m, 0.0); }, d.plus, d.minus);
}

inline Series adx(Build& b, std::int64_t n) { return b.wilder(directional_index(b, n), n, n); }

inline Series rsi(Build& b, std::int64_t n) {
    const Series gain = b.g.map("gain", [](double d) { return d > 0.0 ? d : 0.0; }, b.change());
    const Series loss = b.g.map("loss", [](double d) { return d < 0.0 ? -d : 0.0; }, b.change());
    return b.g.map(
        "rsi" + std::to_string(n), [](double u, double d) { return 100.0 * ratio(u, u + d, 0.5); }, b.wilder(gain, n, 1),
        b.wilder(loss, n, 1));
}

inline Series macd_line(Build& b, std::int64_t fast, std::int64_t slow) {
    return b.g.map(
        "macd" + std::to_string(fast) + "," + std::to_string(slow), [](double f, double s) { return f - s; }, b.ema(b.close(), fast),
        b.ema(b.close(), slow));
}

// Where the close lies between the lowest low and the highest high of n bars, 0..1; 0.5 without range.
inline Series channel_position(Build& b, std::int64_t n) {
    return b.g.map(
        "channel_position" + std::to_string(n),
        [](double c, double top, double minus_low) { return ratio(c + minus_low, top + minus_low, 0.5); }, b.close(),
        b.highest(b.high(), n), b.minus_lowest(b.low(), n));
}

struct SuperTrend {
    double upper = 0.0, lower = 0.0, close = 0.0;
    double side = 0.0;  // +1 above the line, -1 below, 0 before the first
};

// The line in ticks above the segment's first close, and the side of it the close is on; 0, 0 while the ATR warms up.
inline std::array<Series, 2> supertrend(Build& b, std::int64_t n, double multiplier) {
    return b.g.scan_many<2>(
        "supertrend" + std::to_string(n) + ":" + exact(multiplier), SuperTrend{},
        [multiplier](SuperTrend& s, std::array<double, 2>& to, double h, double l, double c, double atr) {
            if (!(atr == atr)) {
                to = {0.0, 0.0};
                return;
            }
            const double mid = 0.5 * (h + l), up = mid + multiplier * atr, down = mid - multiplier * atr;
            if (s.side == 0.0) [[unlikely]] {
                s.upper = up;
                s.lower = down;
                s.side = -1.0;  // right or not, the first break tells
            } else {
                s.upper = smaller(up, s.close > s.upper ? up : s.upper);
                s.lower = larger(down, s.close < s.lower ? down : s.lower);
                const double broken = s.side < 0.0 ? c - s.upper : s.lower - c;
                s.side = broken > 0.0 ? -s.side : s.side;
            }
            s.close = c;
            to = {s.side > 0.0 ? s.lower : s.upper, s.side};
        },
        b.high(), b.low(), b.close(), b.atr(n));
}

struct WeightedSum {  // sum of k * x over the last n bars, k = 0 for the oldest
    double sum = 0.0, weighted = 0.0;
};

// Sum of (k - mean k) * x over the last n bars: the numerator of the least-squares slope. Of whole numbers it is exact.
inline Series centred_moment(Build& b, Series s, std::int64_t n) {
    const double newest = static_cast<double>(n - 1);
    return b.g.scan(
        b.key("moment", s, n), WeightedSum{},
        [newest](WeightedSum& w, double now, double gone) {
            w.weighted += newest * now - (w.sum - gone);  // all move one place down, the newest comes in on top
            w.sum += now - gone;
            return w.weighted - 0.5 * newest * w.sum;
        },
        s, b.g.lag(s, n));
}

// Mean absolute deviation of a series from its mean over the last n bars.
struct DeviationNode final : Step<DeviationNode> {
    const double *in, *total;
    double* out;
    std::int64_t n;
    DeviationNode(const double* from, const double* sum, double* to, std::int64_t bars) : in(from), total(sum), out(to), n(bars) {}
    void run(const Span& s) {
        // Four bars back at a time: each bar's sum is in a register meanwhile.
        const double one = 1.0 / static_cast<double>(n);
        const auto part = [one](double x, double sum) { return std::abs(x - sum * one) * one; };
        const auto add = [part](double so_far, double x, double sum) { return so_far + part(x, sum); };
        const auto add_four = [part](double so_far, double x0, double x1, double x2, double x3, double sum) {
            return so_far + part(x0, sum) + part(x1, sum) + part(x2, sum) + part(x3, sum);
        };
        std::fill(out + s.first, out + s.end(), 0.0);
        std::int64_t k = 0;
        for (; k + 4 <= n; k += 4) {
            const double* const x = in - k;
            map_loop(add_four, Inputs<6>{out, x, x - 1, x - 2, x - 3, total}, s.first, s.count, out + s.first);
        }
        for (; k < n; ++k) map_loop(add, Inputs<3>{out, in - k, total}, s.first, s.count, out + s.first);
    }
};

inline Series mean_deviation(Build& b, Series s, std::int64_t n) {
    const Series total = b.sum(s, n);
    b.g.lag(s, n - 1);
    return b.g.made(b.key("deviation", s, n), 0.0, {s, total},
                    [&](double* to) { return std::make_unique<DeviationNode>(s.data, total.data, to, n); });
}

}  // namespace esbt::features
