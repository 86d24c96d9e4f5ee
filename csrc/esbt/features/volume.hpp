// Features of volume: how much is traded, at which price, and in which direction. To add one: a Kind here, its twin in
// tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>

#include "esbt/features/kind.hpp"

namespace esbt::features {

// Volume of the bar times the side its close moved to.
inline Series directed_volume(Build& b) {
    return b.g.map("directed_volume", [](double d, double v) { return (d > 0.0 ? v : 0.0) - (d < 0.0 ? v : 0.0); }, b.change(), b.volume());
}

// Three times the typical price above the segment's first close, times volume: whole numbers.
inline Series typical_volume(Build& b) {
    return b.g.map("typical_volume", [](double t, double v) { return t * v; }, b.typical(), b.volume());
}

// Rolling VWAP of the typical price, ticks above the segment's first close; the close where nothing was traded.
inline Series rolling_vwap_level(Build& b, std::int64_t n) {
    return b.g.map(
        "rolling_vwap" + std::to_string(n), [](double tv, double v, double c) { return v > 0.0 ? tv / (3.0 * v) : c; },
        b.sum(typical_volume(b), n), b.sum(b.volume(), n), b.close());
}

constexpr double kContracts = 1048576.0;  // 2^20: steps in which parts of contracts are summed

struct SessionSums {
    double price_volume = 0.0, volume = 0.0;
};

inline Series session_vwap_level(Build& b) {
    return b.g.scan(
        "session_vwap_level", SessionSums{},
        [](SessionSums& s, double start, double tv, double v, double c) {
            if (start > 0.0) s = {};
            s.price_volume += tv;
            s.volume += v;
            return s.volume > 0.0 ? s.price_volume / (3.0 * s.volume) : c;
        },
        b.session_start(), typical_volume(b), b.volume(), b.close());
}

// Contracts bought less contracts sold in each bar: true where the data says so, else by bulk-volume classification.
inline Series signed_flow(Build& b, std::int64_t n) {
    return b.g.map(
        "signed_flow" + std::to_string(n),
        [](double buys, double v, double d, double variance) {
            const double z = variance > 0.0 ? d / std::sqrt(variance) : 0.0;
            const double bulk = two_sided_normal(z) * v;
            return buys == buys ? 2.0 * buys - v : bulk;
        },
        b.buys(), b.volume(), b.change(), b.variance(b.change(), n));
}

inline void add_volume(Kinds& kinds) {
    const auto window = [](const Parameters& p) { return p[0] - 1; };
    kinds.push_back(
        {.name = "volume_ratio",
         .group = "volume",
         .parameters = {{"bars", 60, 1, 10'000}},
         .unit = "ratio",
         .formula = "volume / mean volume of the last bars, this one included; 1 without volume",
         .source = "esbt",
         .standard = {{20}, {60}},
         .warm_up = window,
         .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
             const double n = p.real(0);
             b.g.output(warm_up, [n](double v, double total) { return ratio(n * v, total, 1.0); }, b.volume(), b.sum(b.volume(), p[0]));
         }});
    kinds.push_back(
        {.name = "volume_surge",
         .group = "volume",
         .parameters = {{"bars", 60, 2, 10'000}},
         .unit = "standard deviations",
         .formula = "(volume - mean) / standard deviation (over bars) of the last bars' volume; 0 where it does not vary",
         .source = "esbt",
         .standard = {{60}},
         .warm_up = window,
         .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
             const double one = 1.0 / p.real(0);
             b.g.output(
                 warm_up,
                 [one](double v, double total, double variance) { return variance > 0.0 ? (v - total * one) / std::sqrt(variance) : 0.0; },
                 b.volume(), b.sum(b.volume(), p[0]), b.variance(b.volume(), p[0]));
         }});
    kinds.push_back({.name = "volume_balance",
                     .group = "volume",
                     .parameters = {{"bars", 30, 1, 10'000}},
                     .unit = "-1..1",
                     .formula = "(volume of rising closes - of falling closes) / volume, last bars; 0 without volume",
                     .source = "Granville 1963, on-balance volume, over a window",
                     .standard = {{30}},
                     .warm_up = [](const Parameters& p) { return p[0]; },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double d, double v) { return ratio(d, v, 0.0); }, b.sum(directed_volume(b), p[0]),
                                 b.sum(b.volume(), p[0]));
                         }});
    kinds.push_back({.name = "on_balance_volume",
                     .group = "volume",
                     .parameters = {},
                     .unit = "contracts",
                     .formula = "sum since the segment's start of volume times the sign of the close's change",
                     .source = "Granville 1963",
                     .standard = {{}},
                     .warm_up = [](const Parameters&) { return 0; },
                     .build =
                         [](Build& b, const Parameters&, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up,
                                 b.g.scan("on_balance_volume", 0.0, [](double& sum, double d) { return sum += d; }, directed_volume(b)));
                         }});
    kinds.push_back({.name = "dollar_volume",
                     .group = "volume",
                     .parameters = {{"bars", 20, 1, 10'000}},
                     .unit = "ticks * contracts",
                     .formula = "mean of |close| * volume over the last bars; times the tick value it is USD",
                     .source = "Amihud 2002",
                     .standard = {{20}},
                     .warm_up = window,
                     .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
                         const Series traded =
                             b.g.map("dollars", [](double price, double v) { return std::abs(price) * v; }, b.price(), b.volume());
                         b.g.output(warm_up, b.mean(traded, p[0]));
                     }});
    kinds.push_back({.name = "vwap_distance",
                     .group = "volume",
                     .parameters = {},
                     .unit = "ATR",
                     .formula = "(close - session VWAP of (high + low + close) / 3) / ATR; 0 without volume",
                     .source = "Berkowitz, Logue, Noser 1988",
                     .standard = {{}},
                     .warm_up = [](const Parameters&) { return 13; },
                     .build =
                         [](Build& b, const Parameters&, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double c, double level, double per) { return (c - level) * per; }, b.close(),
                                 session_vwap_level(b), b.per_atr());
                         }});
    kinds.push_back({.name = "session_vwap",
                     .group = "volume",
                     .parameters = {},
                     .unit = "ticks",
                     .formula = "session VWAP of (high + low + close) / 3, as a price in ticks; the close without volume",
                     .source = "Berkowitz, Logue, Noser 1988",
                     .standard = {{}},
                     .warm_up = [](const Parameters&) { return 0; },
                     .build =
                         [](Build& b, const Parameters&, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double level, double c, double price) { return price + (level - c); }, session_vwap_level(b),
                                 b.close(), b.price());
                         }});
    kinds.push_back({.name = "rolling_vwap_distance",
                     .group = "volume",
                     .parameters = {{"bars", 30, 1, 10'000}},
                     .unit = "ATR",
                     .formula = "(close - VWAP of (high + low + close) / 3 over the last bars) / ATR; 0 without volume",
                     .source = "esbt",
                     .standard = {{30}, {120}},
                     .warm_up = [](const Parameters& p) { return std::max<std::int64_t>(p[0] - 1, 13); },
                     .build =
                         [](Build& b, const Parameters& p, std::int64_t warm_up) {
                             b.g.output(
                                 warm_up, [](double c, double level, double per) { return (c - level) * per; }, b.close(),
                                 rolling_vwap_level(b, p[0]), b.per_atr());
                         }});
    kinds.push_back({.name = "rolling_vwap",
                     .group = "volume",
                     .parameters = {{"bars", 30, 1, 10'000}},
                     .unit = "ticks",
                     .formula = "VWAP of (high + low + close) / 3 over the last bars, as a price in ticks; the close without volume",
                     .source = "esbt",
                     .standard = {{30}},
                     .warm_up = window,
                     .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
                         b.g.output(
                             warm_up, [](double level, double c, double price) { return price + (level - c); }, rolling_vwap_level(b, p[0]),
                             b.close(), b.price());
                     }});
    kinds.push_back(
        {.name = "order_flow_imbalance",
         .group = "volume",
         .parameters = {{"bars", 30, 2, 10'000}},
         .unit = "-1..1",
         .formula =
             "(bought - sold) / volume over the last bars; a bar's bought is its volume at the ask where the data has it, else its volume "
             "* Phi(change / standard deviation (over bars) of the changes of the bars up to it), half of it where they do not "
             "vary; 0 without volume",
         .source = "Easley, Lopez de Prado, O'Hara 2012, bulk volume classification",
         .standard = {{30}},
         .warm_up = [](const Parameters& p) { return 2 * p[0] - 1; },
         .build =
             [](Build& b, const Parameters& p, std::int64_t warm_up) {
                 b.g.output(
                     warm_up, [](double flow, double v) { return ratio(flow, v, 0.0); }, b.sum(signed_flow(b, p[0]), p[0], kContracts),
                     b.sum(b.volume(), p[0]));
             }});
    kinds.push_back({.name = "chaikin_money_flow",
                     .group = "volume",
                     .parameters = {{"bars", 20, 1, 10'000}},
                     .unit = "-1..1",
                     .formula = "sum of volume * (2 close - high - low) / (high - low) over sum of volume, last bars; bars without range "
                                "add 0; 0 without volume",
                     .source = "Chaikin, in Achelis 2001",
                     .standard = {{20}},
                     .warm_up = window,
                     .build = [](Build& b, const Parameters& p, std::int64_t warm_up) {
                         const Series flow = b.g.map(
                             "money_flow", [](double h, double l, double c, double v) { return ratio((2.0 * c - h - l) * v, h - l, 0.0); },
                             b.high(), b.low(), b.close(), b.volume());
                         b.g.output(
                             warm_up, [](double f, double v) { return ratio(f, v, 0.0); }, b.sum(flow, p[0], kContracts),
                             b.sum(b.volume(), p[0]));
                     }});
    kinds.push_back(
        {.name = "money_flow_index",
         .group = "volume",
         .parameters = {{"bars", 14, 1, 10'000}},
         .unit = "0..100",
         .formula =
             "100 * U / (U + D), U and D: sums of |typical price| * volume over bars whose typical price rose, fell; 50 when none did",
         .source = "Quong and Soudack 1989",
         .standard = {{14}},
         .warm_up = [](const Parameters& p) { return p[0]; },
         .build =
             [](Build& b, const Parameters& p, std::int64_t warm_up) {
                 const Series level = b.g.map(
                     "typical_level", [](double t, double c, double price) { return t + 3.0 * (price - c); }, b.typical(), b.close(),
                     b.price());
                 // Three times |typical price| times volume, where the typical price moved to `side`; nothing in a segment's first bar,
                 // which is
                 // its own predecessor only in its close.
                 const auto flow = [&](const char* key, double side) {
                     return b.g.map(
                         key,
                         [side](double t, double before, double at, double v, double seen) {
                             return seen > 1.0 && side * (t - before) > 0.0 ? std::abs(at) * v : 0.0;
                         },
                         b.typical(), b.g.lag(b.typical(), 1), level, b.volume(), b.bars_seen());
                 };
                 const Series up = flow("flow_up", 1.0), down = flow("flow_down", -1.0);
                 b.g.output(warm_up, [](double u, double d) { return 100.0 * ratio(u, u + d, 0.5); }, b.sum(up, p[0]), b.sum(down, p[0]));
             }});
    kinds.push_back(
        {.name = "force_index",
         .group = "volume",
         .parameters = {{"bars", 13, 1, 10'000}},
         .unit = "ATR",
         .formula = "EMA(bars) of change * volume / mean volume of 60 bars, / ATR; changes count 0 without volume; the EMA is seeded with "
                    "bar 60, the first to have that mean, and settles for 3 * bars more before the first value",
         .source = "Elder 1993, scaled",
         .standard = {{13}},
         .warm_up = [](const Parameters& p) { return 60 + 3 * p[0]; },
         .build =
             [](Build& b, const Parameters& p, std::int64_t warm_up) {
                 const Series push = b.g.map(
                     "push", [](double d, double v, double total) { return ratio(60.0 * d * v, total, 0.0); }, b.change(), b.volume(),
                     b.sum(b.volume(), 60));
                 b.g.output(warm_up, [](double x, double per) { return x * per; }, b.ema(push, p[0], 59), b.per_atr());
             }});
}

}  // namespace esbt::features
