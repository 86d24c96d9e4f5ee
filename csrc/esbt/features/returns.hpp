// Features of returns and momentum: how far and how fast the close has moved, and how far it lies from recent extremes. To add one: a Kind
// here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>

#include "esbt/features/kind.hpp"

namespace esbt::features {

inline std::int64_t after_atr(std::int64_t bars) { return std::max<std::int64_t>(bars, 13); }

// The highest (side +1) or, times minus one, lowest close-side extreme of n bars, in bars since: 0 is this bar; of equals the latest
// counts.
inline Series bars_since_highest(Build& b, Series s, std::int64_t n) {
    // Value and bar number in one double: the number breaks ties and is read off the winner. Exact below 2^53.
    constexpr double span = 67'108'864.0;  // 2^26
    const Series seen = b.bars_seen();
    const Series keyed = b.g.map("keyed" + b.g.name_of(s), [](double x, double i) { return x * span + i; }, s, seen);
    return b.g.map(
        b.key("bars_since_highest", s, n),
        [](double winner, double i) {
            const double number = winner - std::floor(winner * (1.0 / span)) * span;
            return i - number;
        },
        b.highest(keyed, n), seen);
}

inline void add_returns(Kinds& kinds) {
    kinds.push_back({.name = "move",
                     .group = "returns",
                     .parameters = {{"bars", 5, 1, 10'000}},
                     .unit = "ATR",
                     .formula = "(close_t - close_(t-bars)) / ATR",
                     .source = "esbt",
                     .standard = {{1}, {5}, {15}, {30}, {60}},
                     .warm_up = [](const Parameters& p) { return after_atr(p[0]); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double c, double before, double per) { return (c - before) * per; }, b.close(),
                                 b.close_before(p[0]), b.per_atr());
                         }});
    kinds.push_back({.name = "simple_return",
                     .group = "returns",
                     .parameters = {{"bars", 1, 1, 10'000}},
                     .unit = "fraction",
                     .formula = "close_t / close_(t-bars) - 1; prices below one tick count as one tick",
                     .source = "Tsay 2010, section 1.1",
                     .standard = {{1}, {5}, {30}},
                     .warm_up = [](const Parameters& p) { return p[0]; },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double now, double before) { return larger(now, 1.0) / larger(before, 1.0) - 1.0; }, b.price(),
                                 b.g.lag(b.price(), p[0]));
                         }});
    kinds.push_back({.name = "log_return",
                     .group = "returns",
                     .parameters = {{"bars", 1, 1, 10'000}},
                     .unit = "log",
                     .formula = "ln(close_t / close_(t-bars)); prices below one tick count as one tick",
                     .source = "Tsay 2010, section 1.1",
                     .standard = {{1}, {5}, {30}},
                     .warm_up = [](const Parameters& p) { return p[0]; },
                     .build = [](Build& b, const Parameters& p, std::int64_t warm_up) { b.g.output(warm_up, b.log_return(p[0])); }});
    kinds.push_back({.name = "momentum",
                     .group = "returns",
                     .parameters = {{"bars", 20, 1, 10'000}},
                     .unit = "ATR",
                     .formula = "(close_t - close_(t-bars)) / (ATR * sqrt(bars))",
                     .source = "Moskowitz, Ooi, Pedersen 2012, scaled by volatility",
                     .standard = {{20}, {60}},
                     .warm_up = [](const Parameters& p) { return after_atr(p[0]); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             const double per_root = 1.0 / std::sqrt(p.real(0));
                             b.g.output(
                                 warm_up, [per_root](double c, double before, double per) { return (c - before) * per * per_root; },
                                 b.close(), b.close_before(p[0]), b.per_atr());
                         }});
    kinds.push_back({.name = "acceleration",
                     .group = "returns",
                     .parameters = {{"bars", 10, 1, 10'000}},
                     .unit = "ATR",
                     .formula = "((close_t - close_(t-bars)) - (close_(t-bars) - close_(t-2*bars))) / ATR",
                     .source = "esbt",
                     .standard = {{10}},
                     .warm_up = [](const Parameters& p) { return after_atr(2 * p[0]); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double c, double c1, double c2, double per) { return (c - 2.0 * c1 + c2) * per; }, b.close(),
                                 b.close_before(p[0]), b.close_before(2 * p[0]), b.per_atr());
                         }});
    kinds.push_back({.name = "resistance_distance",
                     .group = "returns",
                     .parameters = {{"bars", 60, 1, 10'000}},
                     .unit = "ATR",
                     .formula = "(highest high of the last bars - close) / ATR",
                     .source = "esbt",
                     .standard = {{20}, {60}},
                     .warm_up = [](const Parameters& p) { return after_atr(p[0] - 1); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double top, double c, double per) { return (top - c) * per; }, b.highest(b.high(), p[0]),
                                 b.close(), b.per_atr());
                         }});
    kinds.push_back({.name = "support_distance",
                     .group = "returns",
                     .parameters = {{"bars", 60, 1, 10'000}},
                     .unit = "ATR",
                     .formula = "(close - lowest low of the last bars) / ATR",
                     .source = "esbt",
                     .standard = {{20}, {60}},
                     .warm_up = [](const Parameters& p) { return after_atr(p[0] - 1); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double minus_low, double c, double per) { return (c + minus_low) * per; },
                                 b.minus_lowest(b.low(), p[0]), b.close(), b.per_atr());
                         }});
    kinds.push_back({.name = "pullback_depth",
                     .group = "returns",
                     .parameters = {{"bars", 60, 1, 10'000}},
                     .unit = "ATR",
                     .formula = "after a rise over bars: (highest high - close) / ATR; after a fall: -(close - lowest low) / ATR; else 0",
                     .source = "esbt",
                     .standard = {{60}},
                     .warm_up = [](const Parameters& p) { return after_atr(p[0]); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up,
                                 [](double c, double before, double top, double minus_low, double per) {
                                     const double fall = c < before ? -(c + minus_low) : 0.0;
                                     return (c > before ? top - c : fall) * per;
                                 },
                                 b.close(), b.close_before(p[0]), b.highest(b.high(), p[0]), b.minus_lowest(b.low(), p[0]), b.per_atr());
                         }});
    kinds.push_back({.name = "pullback_speed",
                     .group = "returns",
                     .parameters = {{"bars", 60, 1, 10'000}},
                     .unit = "ATR per bar",
                     .formula = "pullback_depth / (bars since that extreme + 1); of equal extremes the latest",
                     .source = "esbt",
                     .standard = {{60}},
                     .warm_up = [](const Parameters& p) { return after_atr(p[0]); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             const Series low = b.negated(b.low());
                             b.g.output(
                                 warm_up,
                                 [](double c, double before, double top, double minus_low, double per, double since_top, double since_low) {
                                     const double fall = c < before ? -(c + minus_low) / (since_low + 1.0) : 0.0;
                                     return (c > before ? (top - c) / (since_top + 1.0) : fall) * per;
                                 },
                                 b.close(), b.close_before(p[0]), b.highest(b.high(), p[0]), b.minus_lowest(b.low(), p[0]), b.per_atr(),
                                 bars_since_highest(b, b.high(), p[0]), bars_since_highest(b, low, p[0]));
                         }});
}

}  // namespace esbt::features
