// Features of volatility: true ranges, ranges of logarithms, and where today's volatility lies among the last ones. To add one: a Kind
// here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "esbt/features/kind.hpp"

namespace esbt::features {

constexpr double kFine = 4503599627370496.0;  // 2^52: steps in which squares of logarithms are summed

inline Series square_of(Build& b, const std::string& key, Series x, Series y) {
    return b.g.map(
        key,
        [](double p, double q) {
            const double d = p - q;
            return d * d;
        },
        x, y);
}

inline Series mean_of_logs(Build& b, const Series& s, std::int64_t n) { return b.mean(s, n, kFine); }

// ln(open_t / close_(t-1)); 0 in a segment's first bar.
inline Series log_gap(Build& b) {
    return b.g.map(
        "log_gap", [](double o, double before, double seen) { return seen > 1.0 ? o - before : 0.0; }, b.log_open(),
        b.g.lag(b.log_close(), 1), b.bars_seen());
}

inline Series rogers_satchell_term(Build& b) {
    return b.g.map(
        "rogers_satchell", [](double o, double h, double l, double c) { return (h - c) * (h - o) + (l - c) * (l - o); }, b.log_open(),
        b.log_high(), b.log_low(), b.log_close());
}

// Sample variance of a series of logarithms over n bars.
inline Series log_variance(Build& b, const std::string& name, Series s, std::int64_t n) {
    const double one = 1.0 / static_cast<double>(n), sample = static_cast<double>(n) / static_cast<double>(n - 1);
    const Series squares = b.g.map("square_" + name, [](double x) { return x * x; }, s);
    return b.g.map(
        "variance_" + name + std::to_string(n),
        [one, sample](double sq, double total) {
            const double v = (sq - total * (total * one)) * one * sample;
            return v > 0.0 ? v : 0.0;
        },
        b.sum(squares, n, kFine), b.sum(s, n, kFine));
}

// The last n values on a grid of 16 steps an octave: what share of them lies below the newest, ties counted half.
struct Ranks {
    static constexpr int kCells = 640;
    std::vector<std::int16_t> ring;
    std::array<std::int32_t, kCells> cells{};
    std::size_t next = 0, held = 0;
    int at = 0;  // cell of the newest, and how many of those held lie below it
    std::int32_t below = 0;

    static int cell(double x) {  // ticks from 2^-16 to 2^24
        const auto bits = std::bit_cast<std::int64_t>(std::clamp(x, 0x1p-16, 0x1p23));
        return static_cast<int>(bits >> 48) - static_cast<int>(std::bit_cast<std::int64_t>(0x1p-16) >> 48);
    }

    // One cell nearer, if it is not there.
    void step(int to) {
        const int up = at<to, down = at> to;
        at -= down;
        below += (up - down) * cells[static_cast<std::size_t>(at)];
        at += up;
    }

    double push(double x, std::size_t n) {
        if (ring.size() != n) ring.resize(n);
        if (held == n) {
            const int gone = ring[next];
            --cells[static_cast<std::size_t>(gone)];
            below -= gone < at;
        } else {
            ++held;
        }
        // Volatility moves by few cells a bar: two steps without a branch, then the rest.
        const int to = cell(x);
        step(to);
        step(to);
        while (at != to) [[unlikely]]
            step(to);
        ring[next] = static_cast<std::int16_t>(at);
        next = next + 1 == n ? 0 : next + 1;
        ++cells[static_cast<std::size_t>(at)];
        return (below + 0.5 * cells[static_cast<std::size_t>(at)]) / static_cast<double>(held);
    }
};

inline Series volatility_rank(Build& b, std::int64_t n) {
    const auto count = static_cast<std::size_t>(n);
    return b.g.scan(
        "volatility_rank" + std::to_string(n), Ranks{}, [count](Ranks& r, double atr) { return atr == atr ? r.push(atr, count) : 0.5; },
        b.atr(14));
}

inline void add_volatility(Kinds& kinds) {
    const auto window = [](const Parameters& p) { return p[0] - 1; };
    const auto past = [](const Parameters& p) { return p[0]; };
    const auto logs = [&kinds](const char* name, const char* formula, const char* source, std::int64_t more, std::int64_t least,
                               std::vector<std::vector<double>> standard, std::function<Series(Build&, std::int64_t)> variance) {
        kinds.push_back({.name = name,
                         .group = "volatility",
                         .parameters = {{"bars", 20, static_cast<double>(least), 10'000}},
                         .unit = "log per bar",
                         .formula = formula,
                         .source = source,
                         .standard = std::move(standard),
                         .warm_up = [more](const Parameters& p) { return p[0] - 1 + more; },
                         .build =
                             [variance](Build& b, const Parameters& p, std::int64_t warm_up) {
                                 b.g.output(warm_up, [](double v) { return std::sqrt(v > 0.0 ? v : 0.0); }, variance(b, p[0]));
                             }});
    };
    kinds.push_back(
        {.name = "atr",
         .group = "volatility",
         .parameters = {{"bars", 14, 1, 10'000}},
         .unit = "ticks",
         .formula = "Wilder's mean of true ranges: (ATR_(t-1) * (bars - 1) + TR_t) / bars, seeded with the mean of the first bars",
         .source = "Wilder 1978, section III",
         .standard = {{7}, {14}, {50}, {100}},
         .warm_up = window,
         .build = [](Build& b, const Parameters& p, std::int64_t warm_up) { b.g.output(warm_up, b.atr(p[0])); }});
    kinds.push_back({.name = "relative_volatility",
                     .group = "volatility",
                     .parameters = {{"bars", 14, 1, 10'000}},
                     .unit = "fraction",
                     .formula = "ATR(bars) / |close|; 0 at price zero",
                     .source = "esbt",
                     .standard = {{14}},
                     .warm_up = window,
                     .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
                         b.g.output(warm_up, [](double a, double price) { return ratio(a, std::abs(price), 0.0); }, b.atr(p[0]), b.price());
                     }});
    kinds.push_back({.name = "volatility_ratio",
                     .group = "volatility",
                     .parameters = {{"fast", 14, 1, 10'000}, {"slow", 100, 1, 10'000}},
                     .unit = "ratio",
                     .formula = "ATR(fast) / ATR(slow); 1 when the slow one is zero",
                     .source = "esbt",
                     .standard = {{14, 100}, {7, 50}},
                     .warm_up = [](const Parameters& p) { return std::max(p[0], p[1]) - 1; },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(warm_up, [](double fast, double slow) { return ratio(fast, slow, 1.0); }, b.atr(p[0]), b.atr(p[1]));
                         }});
    logs("historical_volatility",
         "standard deviation (bars - 1) of log returns of one bar, over the last bars; prices below one tick count as one tick",
         "Hull 2017, section 15.4", 1, 2, {{20}, {60}},
         [](Build& b, std::int64_t n) { return log_variance(b, "log_return", b.log_return(1), n); });
    logs("parkinson_volatility", "sqrt(mean of ln(high / low)^2 / (4 ln 2)) over the last bars; prices below one tick count as one tick",
         "Parkinson 1980", 0, 1, {{20}}, [](Build& b, std::int64_t n) {
             return b.g.map(
                 "parkinson" + std::to_string(n), [](double m) { return m * 0.36067376022224085; },
                 mean_of_logs(b, square_of(b, "high_low_square", b.log_high(), b.log_low()), n));
         });
    logs("garman_klass_volatility",
         "sqrt(mean of ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2) over the last bars, 0 where that mean is negative; "
         "prices below one tick count as one tick",
         "Garman and Klass 1980", 0, 1, {{20}}, [](Build& b, std::int64_t n) {
             return b.g.map(
                 "garman_klass" + std::to_string(n), [](double hl, double co) { return 0.5 * hl - 0.38629436111989061 * co; },
                 mean_of_logs(b, square_of(b, "high_low_square", b.log_high(), b.log_low()), n),
                 mean_of_logs(b, square_of(b, "close_open_square", b.log_close(), b.log_open()), n));
         });
    logs("rogers_satchell_volatility",
         "sqrt(mean of ln(high / close) ln(high / open) + ln(low / close) ln(low / open)) over the last bars; "
         "prices below one tick count as one tick",
         "Rogers and Satchell 1991", 0, 1, {{20}}, [](Build& b, std::int64_t n) { return mean_of_logs(b, rogers_satchell_term(b), n); });
    logs("yang_zhang_volatility",
         "sqrt(V_o + k V_c + (1 - k) V_rs), V_o and V_c sample variances of ln(open_t / close_(t-1)) and ln(close / open), k = 0.34 / "
         "(1.34 + (bars + 1) / (bars - 1)); prices below one tick count as one tick",
         "Yang and Zhang 2000", 1, 2, {{20}}, [](Build& b, std::int64_t n) {
             const double k = 0.34 / (1.34 + static_cast<double>(n + 1) / static_cast<double>(n - 1));
             const Series body = b.g.map("log_body", [](double c, double o) { return c - o; }, b.log_close(), b.log_open());
             return b.g.map(
                 "yang_zhang" + std::to_string(n), [k](double o, double c, double rs) { return o + k * c + (1.0 - k) * rs; },
                 log_variance(b, "log_gap", log_gap(b), n), log_variance(b, "log_body", body, n),
                 mean_of_logs(b, rogers_satchell_term(b), n));
         });
    kinds.push_back(
        {.name = "historical_volatility_ratio",
         .group = "volatility",
         .parameters = {{"fast", 10, 2, 10'000}, {"slow", 60, 2, 10'000}},
         .unit = "ratio",
         .formula = "historical_volatility(fast) / historical_volatility(slow), prices below one tick count as one tick; 1 when the slow "
                    "one is at most 1e-7",
         .source = "esbt",
         .standard = {{10, 60}},
         .warm_up = [](const Parameters& p) { return std::max(p[0], p[1]); },
         .build =
             [](Build& b, const Parameters& p, std::int64_t warm_up) {
                 const Series r = b.log_return(1);
                 b.g.output(
                     warm_up, [](double f, double s) { return s > 1e-14 ? std::sqrt(f / s) : 1.0; }, log_variance(b, "log_return", r, p[0]),
                     log_variance(b, "log_return", r, p[1]));
             }});
    kinds.push_back(
        {.name = "volatility_percentile",
         .group = "volatility",
         .parameters = {{"bars", 390, 2, 10'000}},
         .unit = "0..1",
         .formula =
             "share of the last bars' ATR(14), the newest among them, that lie below the newest, ties half (the newest is one of its own: "
             "never 0, never 1); tied is what shares a step, each octave from 2^-16 to 2^23 ticks being cut into 16 equal steps",
         .source = "esbt; trailing, never over the whole sample",
         .standard = {{390}},
         .warm_up = [](const Parameters& p) { return p[0] + 12; },
         .build = [](Build& b, const Parameters& p, std::int64_t warm_up) { b.g.output(warm_up, volatility_rank(b, p[0])); }});
    kinds.push_back(
        {.name = "bar_range",
         .group = "volatility",
         .parameters = {},
         .unit = "ATR",
         .formula = "(high - low) / ATR",
         .source = "esbt",
         .standard = {{}},
         .warm_up = [](const Parameters&) { return 13; },
         .build = [](Build& b, const Parameters&,
                     std::int64_t warm_up) { b.g.output(warm_up, [](double r, double per) { return r * per; }, b.range(), b.per_atr()); }});
    kinds.push_back({.name = "range_ratio",
                     .group = "volatility",
                     .parameters = {{"bars", 20, 1, 10'000}},
                     .unit = "ratio",
                     .formula = "(high - low) / mean of it over the last bars; 1 without range",
                     .source = "esbt",
                     .standard = {{20}},
                     .warm_up = window,
                     .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
                         const double n = p.real(0);
                         b.g.output(
                             warm_up, [n](double r, double total) { return ratio(n * r, total, 1.0); }, b.range(), b.sum(b.range(), p[0]));
                     }});
    kinds.push_back({.name = "bar_gap",
                     .group = "volatility",
                     .parameters = {},
                     .unit = "ATR",
                     .formula = "(open_t - close_(t-1)) / ATR",
                     .source = "esbt",
                     .standard = {{}},
                     .warm_up = [](const Parameters&) { return 13; },
                     .build =
                         [](Build& b, const Parameters&, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double o, double before, double per) { return (o - before) * per; }, b.open(),
                                 b.close_before(), b.per_atr());
                         }});
    kinds.push_back({.name = "downside_share",
                     .group = "volatility",
                     .parameters = {{"bars", 30, 1, 10'000}},
                     .unit = "0..1",
                     .formula = "sum of squared falls of the close / sum of squared changes, last bars; 0.5 when nothing moved",
                     .source = "Barndorff-Nielsen, Kinnebrock, Shephard 2010, realised semivariance",
                     .standard = {{30}},
                     .warm_up = past,
                     .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
                         const Series fall = b.g.map("fall", [](double d) { return d < 0.0 ? d : 0.0; }, b.change());
                         b.g.output(
                             warm_up, [](double down, double all) { return ratio(down, all, 0.5); }, b.sum_of_squares(fall, p[0]),
                             b.sum_of_squares(b.change(), p[0]));
                     }});
}

}  // namespace esbt::features
