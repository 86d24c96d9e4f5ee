// The registry's entries of trend: averages, channels, oscillators, over the series of trend.hpp.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "esbt/features/kind.hpp"
#include "esbt/features/trend.hpp"

namespace esbt::features {

using Warm = std::function<std::int64_t(const Parameters&)>;

// A feature that is one series of the graph as it stands.
inline void add_series(Kinds& kinds, Kind kind, Warm warm_up, std::function<Series(Build&, const Parameters&)> series) {
    kind.warm_up = std::move(warm_up);
    kind.build = [series](Build& b, const Parameters& p, std::int64_t bars) { b.g.output(bars, series(b, p)); };
    kinds.push_back(std::move(kind));
}

// The same in units of ATR.
inline void add_in_atr(Kinds& kinds, Kind kind, Warm warm_up, std::function<Series(Build&, const Parameters&)> series) {
    kind.unit = "ATR";
    kind.warm_up = std::move(warm_up);
    kind.build = [series](Build& b, const Parameters& p, std::int64_t bars) {
        b.g.output(bars, [](double x, double per) { return x * per; }, series(b, p), b.per_atr());
    };
    kinds.push_back(std::move(kind));
}

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
        const Series s = up ? b.high() : b.g.map("minus" + b.g.name_of(b.low()), [](double x) { return -x; }, b.low());
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

inline void add_trend(Kinds& kinds) {
    add_averages(kinds);
    add_channels(kinds);
    add_oscillators(kinds);
}

}  // namespace esbt::features
