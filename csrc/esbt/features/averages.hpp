// Features of moving averages and lines: SMA, EMA, MACD, least squares. To add one: a Kind here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "esbt/features/kinds.hpp"
#include "esbt/features/trend.hpp"

namespace esbt::features {

inline Series price_of(Build& b, const std::string& name, Series level) {
    return b.g.map("price_of_" + name, [](double l, double c, double price) { return price + (l - c); }, level, b.close(), b.price());
}

inline void add_averages(Kinds& kinds) {
    const Warm window = [](const Parameters& p) { return p[0] - 1; }, window_atr = [](const Parameters& p) { return after_atr(p[0] - 1); };
    const Warm settled = [](const Parameters& p) { return 3 * p[0]; },
               settled_atr = [](const Parameters& p) { return after_atr(3 * p[0]); };
    const Parameter bars{"bars", 20, 1, 10'000};
    add_series(kinds,
               {.name = "sma",
                .group = "trend",
                .parameters = {bars},
                .unit = "ticks",
                .formula = "mean close of the last bars, as a price in ticks",
                .source = "Murphy 1999, chapter 9",
                .standard = {{20}}},
               window, [](Build& b, const Parameters& p) { return price_of(b, "sma" + p.key(), b.mean(b.close(), p[0])); });
    add_series(
        kinds,
        {.name = "ema",
         .group = "trend",
         .parameters = {bars},
         .unit = "ticks",
         .formula = "a * close_t + (1 - a) * EMA_(t-1), a = 2 / (bars + 1), seeded with the segment's first close, as a price in ticks",
         .source = "Murphy 1999, chapter 9",
         .standard = {{20}}},
        settled, [](Build& b, const Parameters& p) { return price_of(b, "ema" + p.key(), b.ema(b.close(), p[0])); });
    add_in_atr(kinds,
               {.name = "sma_distance",
                .group = "trend",
                .parameters = {bars},
                .formula = "(close - SMA(bars)) / ATR",
                .source = "esbt",
                .standard = {{20}, {50}, {200}}},
               window_atr, [](Build& b, const Parameters& p) {
                   return b.g.map("sma_distance" + p.key(), [](double c, double m) { return c - m; }, b.close(), b.mean(b.close(), p[0]));
               });
    add_in_atr(kinds,
               {.name = "ema_distance",
                .group = "trend",
                .parameters = {bars},
                .formula = "(close - EMA(bars)) / ATR",
                .source = "esbt",
                .standard = {{20}, {50}, {200}}},
               settled_atr, [](Build& b, const Parameters& p) {
                   return b.g.map("ema_distance" + p.key(), [](double c, double m) { return c - m; }, b.close(), b.ema(b.close(), p[0]));
               });
    add_in_atr(
        kinds,
        {.name = "sma_slope",
         .group = "trend",
         .parameters = {bars},
         .formula = "(SMA_t(bars) - SMA_(t-5)(bars)) / ATR",
         .source = "esbt",
         .standard = {{20}}},
        [](const Parameters& p) { return after_atr(p[0] + 4); },
        [](Build& b, const Parameters& p) {
            const Series m = b.mean(b.close(), p[0]);
            return b.g.map("sma_slope" + p.key(), [](double now, double before) { return now - before; }, m, b.g.lag(m, 5));
        });
    const std::vector<Parameter> pair{{"fast", 12, 1, 10'000}, {"slow", 26, 1, 10'000}};
    const std::vector<Parameter> three{{"fast", 12, 1, 10'000}, {"slow", 26, 1, 10'000}, {"signal", 9, 1, 10'000}};
    const Warm signal_warm = [](const Parameters& p) { return after_atr(3 * std::max(p[0], p[1]) + 3 * p[2]); };
    const auto signal = [](Build& b, const Parameters& p) { return b.ema(macd_line(b, p[0], p[1]), p[2]); };
    add_in_atr(
        kinds,
        {.name = "macd",
         .group = "trend",
         .parameters = pair,
         .formula = "(EMA(fast) - EMA(slow)) / ATR",
         .source = "Appel 2005",
         .standard = {{12, 26}}},
        [](const Parameters& p) { return after_atr(3 * std::max(p[0], p[1])); },
        [](Build& b, const Parameters& p) { return macd_line(b, p[0], p[1]); });
    add_in_atr(kinds,
               {.name = "macd_signal",
                .group = "trend",
                .parameters = three,
                .formula = "EMA(signal) of EMA(fast) - EMA(slow), / ATR",
                .source = "Appel 2005",
                .standard = {{12, 26, 9}}},
               signal_warm, signal);
    add_in_atr(kinds,
               {.name = "macd_histogram",
                .group = "trend",
                .parameters = three,
                .formula = "(EMA(fast) - EMA(slow) - EMA(signal) of it) / ATR",
                .source = "Aspray 1986",
                .standard = {{12, 26, 9}}},
               signal_warm, [signal](Build& b, const Parameters& p) {
                   return b.g.map(
                       "macd_histogram" + p.key(), [](double line, double s) { return line - s; }, macd_line(b, p[0], p[1]), signal(b, p));
               });
    const double root = 12.0;
    add_in_atr(kinds,
               {.name = "linear_slope",
                .group = "trend",
                .parameters = {{"bars", 20, 2, 1'000}},
                .formula = "least-squares slope of the last bars' closes, ticks per bar, / ATR",
                .source = "Murphy 1999",
                .standard = {{20}}},
               window_atr, [root](Build& b, const Parameters& p) {
                   const double n = p.real(0), per = root / (n * (n * n - 1.0));
                   return b.g.map("linear_slope" + p.key(), [per](double m) { return m * per; }, centred_moment(b, b.close(), p[0]));
               });
    add_series(kinds,
               {.name = "linear_fit",
                .group = "trend",
                .parameters = {{"bars", 20, 2, 1'000}},
                .unit = "0..1",
                .formula = "R squared of the least-squares line through the last bars' closes; 0 where they do not vary",
                .source = "Murphy 1999",
                .standard = {{20}}},
               window, [root](Build& b, const Parameters& p) {
                   const double n = p.real(0), per = root / (n * n * (n * n - 1.0));
                   return b.g.map(
                       "linear_fit" + p.key(), [per](double m, double v) { return v > 0.0 ? smaller(m * m * per / v, 1.0) : 0.0; },
                       centred_moment(b, b.close(), p[0]), b.variance(b.close(), p[0]));
               });
}

}  // namespace esbt::features
