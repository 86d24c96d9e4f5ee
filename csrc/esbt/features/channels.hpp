// Features of channels: Bollinger, Keltner, Donchian, SuperTrend. To add one: a Kind here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "esbt/features/kinds.hpp"
#include "esbt/features/trend.hpp"

namespace esbt::features {

inline void add_channels(Kinds& kinds) {
    const Warm window = [](const Parameters& p) { return p[0] - 1; }, window_atr = [](const Parameters& p) { return after_atr(p[0] - 1); };
    const std::vector<Parameter> bands{{"bars", 20, 2, 10'000}, {"deviations", 2, 0.1, 10, false}};
    const auto deviation = [](Build& b, const Parameters& p) {
        return b.g.map("deviation" + std::to_string(p[0]), [](double v) { return std::sqrt(v); }, b.variance(b.close(), p[0]));
    };
    add_in_atr(kinds,
               {.name = "bollinger_width",
                .group = "trend",
                .parameters = bands,
                .formula = "2 * deviations * standard deviation (over bars) of close / ATR",
                .source = "Bollinger 2001",
                .standard = {{20, 2}}},
               window_atr, [deviation](Build& b, const Parameters& p) {
                   const double k = 2.0 * p.real(1);
                   return b.g.map("bollinger_width" + p.key(), [k](double d) { return k * d; }, deviation(b, p));
               });
    add_series(kinds,
               {.name = "bollinger_position",
                .group = "trend",
                .parameters = bands,
                .unit = "0..1 inside",
                .formula = "(close - lower band) / (upper - lower); 0.5 where close does not vary",
                .source = "Bollinger 2001, %b",
                .standard = {{20, 2}}},
               window, [deviation](Build& b, const Parameters& p) {
                   const double k = p.real(1);
                   return b.g.map(
                       "bollinger_position" + p.key(),
                       [k](double c, double m, double d) { return d > 0.0 ? 0.5 + 0.5 * (c - m) / (k * d) : 0.5; }, b.close(),
                       b.mean(b.close(), p[0]), deviation(b, p));
               });
    add_series(
        kinds,
        {.name = "keltner_position",
         .group = "trend",
         .parameters = {{"bars", 20, 1, 10'000}, {"multiple", 2, 0.1, 10, false}},
         .unit = "-1..1 inside",
         .formula = "(close - EMA(bars)) / (multiple * ATR(bars)), that ATR at least one tick",
         .source = "Keltner 1960, as Raschke uses it",
         .standard = {{20, 2}}},
        [](const Parameters& p) { return 3 * p[0]; },
        [](Build& b, const Parameters& p) {
            const double k = p.real(1);
            return b.g.map(
                "keltner" + p.key(), [k](double c, double m, double a) { return (c - m) / (k * larger(a, 1.0)); }, b.close(),
                b.ema(b.close(), p[0]), b.atr(p[0]));
        });
    add_series(kinds,
               {.name = "donchian_position",
                .group = "trend",
                .parameters = {{"bars", 20, 1, 10'000}},
                .unit = "0..1",
                .formula = "(close - lowest low) / (highest high - lowest low) of the last bars; 0.5 without range",
                .source = "Donchian 1960",
                .standard = {{20}, {55}}},
               window, [](Build& b, const Parameters& p) { return channel_position(b, p[0]); });
    add_in_atr(kinds,
               {.name = "donchian_width",
                .group = "trend",
                .parameters = {{"bars", 20, 1, 10'000}},
                .formula = "(highest high - lowest low) of the last bars / ATR",
                .source = "Donchian 1960",
                .standard = {{20}}},
               window_atr, [](Build& b, const Parameters& p) {
                   return b.g.map(
                       "donchian_width" + p.key(), [](double t, double ml) { return t + ml; }, b.highest(b.high(), p[0]),
                       b.minus_lowest(b.low(), p[0]));
               });
    const std::vector<Parameter> super{{"bars", 10, 1, 1'000}, {"multiple", 3, 0.1, 20, false}};
    const Warm super_warm = [](const Parameters& p) { return after_atr(5 * p[0]); };
    add_in_atr(kinds,
               {.name = "supertrend_distance",
                .group = "trend",
                .parameters = super,
                .formula = "(close - SuperTrend line) / ATR; the line is (high + low) / 2 -+ "
                           "multiple * ATR(bars), never loosened while the close stays on its side",
                .source = "Seban 2009",
                .standard = {{10, 3}}},
               super_warm, [](Build& b, const Parameters& p) {
                   return b.g.map(
                       "supertrend_distance" + p.key(), [](double c, double line) { return c - line; }, b.close(),
                       supertrend(b, p[0], p.real(1))[0]);
               });
    add_series(kinds,
               {.name = "supertrend_side",
                .group = "trend",
                .parameters = super,
                .unit = "-1 or 1",
                .formula = "1 while the close is above the SuperTrend line, else -1",
                .source = "Seban 2009",
                .standard = {{10, 3}}},
               super_warm, [](Build& b, const Parameters& p) { return supertrend(b, p[0], p.real(1))[1]; });
}

}  // namespace esbt::features
