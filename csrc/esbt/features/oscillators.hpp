// Features of oscillators: RSI, stochastic, CCI, Aroon, directional movement. To add one: a Kind here, its twin in
// tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "esbt/features/kinds.hpp"
#include "esbt/features/trend.hpp"

namespace esbt::features {

inline void add_oscillators(Kinds& kinds) {
    const Warm window = [](const Parameters& p) { return p[0] - 1; }, past = [](const Parameters& p) { return p[0]; };
    const Parameter fourteen{"bars", 14, 1, 10'000};
    add_series(kinds,
               {.name = "rsi",
                .group = "trend",
                .parameters = {fourteen},
                .unit = "0..100",
                .formula = "100 * G / (G + L), Wilder means over bars of gains G and losses L; 50 when nothing moved",
                .source = "Wilder 1978, section VI",
                .standard = {{7}, {14}, {21}}},
               past, [](Build& b, const Parameters& p) { return rsi(b, p[0]); });
    add_series(kinds,
               {.name = "stochastic_k",
                .group = "trend",
                .parameters = {fourteen},
                .unit = "0..100",
                .formula = "100 * (close - lowest low) / (highest high - lowest low) of the last bars; 50 without range",
                .source = "Lane 1984",
                .standard = {{14}}},
               window, [](Build& b, const Parameters& p) {
                   return b.g.map("stochastic_k" + p.key(), [](double x) { return 100.0 * x; }, channel_position(b, p[0]));
               });
    add_series(
        kinds,
        {.name = "stochastic_d",
         .group = "trend",
         .parameters = {fourteen, {"smoothing", 3, 1, 100}},
         .unit = "0..100",
         .formula = "mean of the last smoothing values of stochastic_k(bars)",
         .source = "Lane 1984",
         .standard = {{14, 3}}},
        [](const Parameters& p) { return p[0] + p[1] - 2; },
        [](Build& b, const Parameters& p) {
            return b.g.map("stochastic_d" + p.key(), [](double x) { return 100.0 * x; }, b.mean(channel_position(b, p[0]), p[1], 0x1p40));
        });
    add_series(kinds,
               {.name = "williams_r",
                .group = "trend",
                .parameters = {fourteen},
                .unit = "-100..0",
                .formula = "-100 * (highest high - close) / (highest high - lowest low) of the last bars; -50 without range",
                .source = "Williams 1973",
                .standard = {{14}}},
               window, [](Build& b, const Parameters& p) {
                   return b.g.map("williams_r" + p.key(), [](double x) { return 100.0 * x - 100.0; }, channel_position(b, p[0]));
               });
    add_series(
        kinds,
        {.name = "cci",
         .group = "trend",
         .parameters = {{"bars", 20, 2, 500}},
         .unit = "index",
         .formula =
             "(typical - mean) / (0.015 * mean absolute deviation) of the last bars' (high + low + close) / 3; 0 where they do not vary",
         .source = "Lambert 1980",
         .standard = {{20}}},
        window, [](Build& b, const Parameters& p) {
            const double one = 1.0 / p.real(0);
            return b.g.map(
                "cci" + p.key(), [one](double t, double total, double d) { return d > 1e-9 ? (t - total * one) / (0.015 * d) : 0.0; },
                b.typical(), b.sum(b.typical(), p[0]), mean_deviation(b, b.typical(), p[0]));
        });
    const auto aroon = [](Build& b, std::int64_t n, bool up) {
        const Series s = up ? b.high() : b.negated(b.low());
        const double width = static_cast<double>(n);
        return b.g.map((up ? "aroon_up" : "aroon_down") + std::to_string(n),
                       [width](double since) { return 100.0 * (width - since) / width; }, bars_since_highest(b, s, n + 1));
    };
    const Parameter aroon_bars{"bars", 25, 1, 10'000};
    add_series(kinds,
               {.name = "aroon_up",
                .group = "trend",
                .parameters = {aroon_bars},
                .unit = "0..100",
                .formula = "100 * (bars - bars since the highest high of bars + 1 bars) / bars; of equal highs the latest",
                .source = "Chande 1995",
                .standard = {{25}}},
               past, [aroon](Build& b, const Parameters& p) { return aroon(b, p[0], true); });
    add_series(kinds,
               {.name = "aroon_down",
                .group = "trend",
                .parameters = {aroon_bars},
                .unit = "0..100",
                .formula = "100 * (bars - bars since the lowest low of bars + 1 bars) / bars; of equal lows the latest",
                .source = "Chande 1995",
                .standard = {{25}}},
               past, [aroon](Build& b, const Parameters& p) { return aroon(b, p[0], false); });
    add_series(kinds,
               {.name = "aroon_oscillator",
                .group = "trend",
                .parameters = {aroon_bars},
                .unit = "-100..100",
                .formula = "aroon_up - aroon_down",
                .source = "Chande 1995",
                .standard = {{25}}},
               past, [aroon](Build& b, const Parameters& p) {
                   return b.g.map(
                       "aroon_oscillator" + p.key(), [](double u, double d) { return u - d; }, aroon(b, p[0], true), aroon(b, p[0], false));
               });
    const auto di = [](Build& b, std::int64_t n, bool up) {
        const Directional d = directional(b, n);
        return b.g.map((up ? "plus_di" : "minus_di") + std::to_string(n), [](double m, double tr) { return 100.0 * ratio(m, tr, 0.0); },
                       up ? d.plus : d.minus, d.range);
    };
    add_series(kinds,
               {.name = "plus_di",
                .group = "trend",
                .parameters = {fourteen},
                .unit = "0..100",
                .formula = "100 * Wilder mean of +DM / Wilder mean of true range",
                .source = "Wilder 1978, section IV",
                .standard = {{14}}},
               past, [di](Build& b, const Parameters& p) { return di(b, p[0], true); });
    add_series(kinds,
               {.name = "minus_di",
                .group = "trend",
                .parameters = {fourteen},
                .unit = "0..100",
                .formula = "100 * Wilder mean of -DM / Wilder mean of true range",
                .source = "Wilder 1978, section IV",
                .standard = {{14}}},
               past, [di](Build& b, const Parameters& p) { return di(b, p[0], false); });
    add_series(
        kinds,
        {.name = "adx",
         .group = "trend",
         .parameters = {fourteen},
         .unit = "0..100",
         .formula = "Wilder mean of 100 * |+DI - -DI| / (+DI + -DI); 0 where nothing moves",
         .source = "Wilder 1978, section IV",
         .standard = {{14}}},
        [](const Parameters& p) { return 2 * p[0] - 1; }, [](Build& b, const Parameters& p) { return adx(b, p[0]); });
}

}  // namespace esbt::features
