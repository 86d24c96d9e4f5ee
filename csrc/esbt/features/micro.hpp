// Features of microstructure as far as bars show it: the shape of a bar, the balance of ticks, spreads, impact, and how efficient the price
// is. To add one: a Kind here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>

#include "esbt/features/kind.hpp"
#include "esbt/features/kinds.hpp"
#include "esbt/features/volatility.hpp"

namespace esbt::features {

// One bar's share of its own range.
template <class F>
void add_shape(Kinds& kinds, const char* name, const char* formula, F share) {
    add_series(
        kinds,
        {.name = name,
         .group = "microstructure",
         .parameters = {},
         .unit = "share of the range",
         .formula = formula,
         .source = "Nison 1991",
         .standard = {{}}},
        [](const Parameters&) { return 0; },
        [name, share](Build& b, const Parameters&) { return b.g.map(name, share, b.open(), b.high(), b.low(), b.close()); });
}

// Sum of products of a bar's change and the change before it.
inline Series change_products(Build& b, std::int64_t n) {
    return b.sum(b.g.map("change_product", [](double d, double before) { return d * before; }, b.change(), b.g.lag(b.change(), 1)), n);
}

// Variance of k-bar changes over k times that of one-bar changes, means taken as zero (Lo and MacKinlay 1988, without overlap correction).
inline Series variance_ratio(Build& b, std::int64_t n, std::int64_t k) {
    const double one = 1.0 / static_cast<double>(k);
    const Series wide =
        b.g.map("change" + std::to_string(k), [](double c, double before) { return c - before; }, b.close(), b.close_before(k));
    return b.g.map(
        "variance_ratio" + std::to_string(n) + "," + std::to_string(k), [one](double w, double s) { return ratio(w * one, s, 1.0); },
        b.sum_of_squares(wide, n), b.sum_of_squares(b.change(), n));
}

// Corwin and Schultz 2012, equation 14, of this bar and the one before; negative estimates count as zero, as they advise.
inline Series corwin_schultz_term(Build& b) {
    const Series hl = square_of(b, "high_low_square", b.log_high(), b.log_low());
    const Series two = b.g.map(
        "two_bar_square",
        [](double h, double h1, double l, double l1) {
            const double d = larger(h, h1) - smaller(l, l1);
            return d * d;
        },
        b.log_high(), b.g.lag(b.log_high(), 1), b.log_low(), b.g.lag(b.log_low(), 1));
    return b.g.map(
        "corwin_schultz",
        [](double now, double before, double gamma, double seen) {
            constexpr double k = 3.0 - 2.0 * 1.4142135623730951;
            const double root = std::sqrt(now + before);
            const double alpha = (1.4142135623730951 - 1.0) * root / k - std::sqrt(gamma / k);
            const double spread = 2.0 * hyperbolic_tangent(0.5 * alpha);
            return larger(spread, 0.0) * (seen > 1.0 ? 1.0 : 0.0);  // a product, for a choice keeps the loop from being vectorised
        },
        hl, b.g.lag(hl, 1), two, b.bars_seen());
}

inline void add_estimates(Kinds& kinds) {
    const Warm past = [](const Parameters& p) { return p[0]; }, before = [](const Parameters& p) { return p[0] + 1; };
    const auto bars = [](double n) { return std::vector<Parameter>{{"bars", n, 2, 10'000}}; };
    add_series(
        kinds,
        {.name = "liquidity_score",
         .group = "microstructure",
         .parameters = bars(20),
         .unit = "contracts per tick",
         .formula = "sum of volume / sum of (high - low + 1 tick), last bars",
         .source = "esbt",
         .standard = {{20}}},
        [](const Parameters& p) { return p[0] - 1; },
        [](Build& b, const Parameters& p) {
            const double n = p.real(0);
            return b.g.map(
                "liquidity" + p.key(), [n](double v, double r) { return v / (r + n); }, b.sum(b.volume(), p[0]), b.sum(b.range(), p[0]));
        });
    add_series(
        kinds,
        {.name = "amihud_illiquidity",
         .group = "microstructure",
         .parameters = bars(30),
         .unit = "1e-9 log per tick * contract",
         .formula =
             "1e9 * mean of |log return| / (|close| * volume) over the last bars, |close| at least one tick, and in the return prices "
             "below one tick count as one tick; bars without volume count 0",
         .source = "Amihud 2002",
         .standard = {{30}}},
        past, [](Build& b, const Parameters& p) {
            const Series impact = b.g.map(
                "impact", [](double r, double price, double v) { return ratio(1e9 * std::abs(r), larger(std::abs(price), 1.0) * v, 0.0); },
                b.log_return(1), b.price(), b.volume());
            return b.mean(impact, p[0], 0x1p32);
        });
    add_series(kinds,
               {.name = "roll_spread",
                .group = "microstructure",
                .parameters = bars(60),
                .unit = "ticks",
                .formula = "2 * sqrt(-c), c the mean of change_t * change_(t-1) over the last bars; 0 where c is positive",
                .source = "Roll 1984, means taken as zero",
                .standard = {{60}}},
               before, [](Build& b, const Parameters& p) {
                   const double one = 1.0 / p.real(0);
                   return b.g.map(
                       "roll" + p.key(), [one](double c) { return c < 0.0 ? 2.0 * std::sqrt(-c * one) : 0.0; }, change_products(b, p[0]));
               });
    add_series(
        kinds,
        {.name = "corwin_schultz_spread",
         .group = "microstructure",
         .parameters = bars(30),
         .unit = "fraction of the price",
         .formula = "mean over the last bars of 2 (e^a - 1) / (1 + e^a), negative ones 0, from the high-low ratios of one bar and of two; "
                    "prices below one tick count as one tick",
         .source = "Corwin and Schultz 2012",
         .standard = {{30}}},
        past, [](Build& b, const Parameters& p) { return b.mean(corwin_schultz_term(b), p[0], kFine); });
    const Warm lagged = [](const Parameters& p) { return p[0] + p[1] - 1; };
    const auto pair = [](double n, double k) { return std::vector<Parameter>{{"bars", n, 2, 10'000}, {"step", k, 2, 1'000}}; };
    add_series(kinds,
               {.name = "efficiency_ratio",
                .group = "microstructure",
                .parameters = {{"bars", 30, 1, 10'000}},
                .unit = "0..1",
                .formula = "|close_t - close_(t-bars)| / sum of |close changes| of the last bars; 0 when nothing moved",
                .source = "Kaufman 1995",
                .standard = {{10}, {30}}},
               past, [](Build& b, const Parameters& p) {
                   const Series path = b.g.map("step", [](double d) { return std::abs(d); }, b.change());
                   return b.g.map(
                       "efficiency" + p.key(), [](double c, double then, double way) { return ratio(std::abs(c - then), way, 0.0); },
                       b.close(), b.close_before(p[0]), b.sum(path, p[0]));
               });
    add_series(
        kinds,
        {.name = "variance_ratio",
         .group = "microstructure",
         .parameters = pair(120, 5),
         .unit = "ratio",
         .formula = "sum of squared step-bar changes / (step * sum of squared one-bar changes), the changes that end in the last bars: the "
                    "step-bar ones overlap, one ends in every bar; means taken as zero, no correction for the overlap; 1 when "
                    "nothing moved",
         .source = "Lo and MacKinlay 1988",
         .standard = {{120, 5}}},
        lagged, [](Build& b, const Parameters& p) { return variance_ratio(b, p[0], p[1]); });
    add_series(
        kinds,
        {.name = "hurst_exponent",
         .group = "microstructure",
         .parameters = pair(240, 16),
         .unit = "0..1",
         .formula = "0.5 + ln(variance_ratio(bars, step)) / (2 ln(step)), kept in 0..1, the ratio's step-bar changes overlapping; 0.5 when "
                    "nothing moved",
         .source = "Mandelbrot and Van Ness 1968: variance grows as time^(2H)",
         .standard = {{240, 16}}},
        lagged, [](Build& b, const Parameters& p) {
            const double per = 0.5 / std::log(p.real(1));
            return b.g.map(
                "hurst" + p.key(),
                [per](double v) {
                    const double large = larger(v, 1.0 / v);  // the logarithm of numbers from 1 on
                    const double log = natural_log(smaller(large, 1e12));
                    return within(0.5 + per * (v < 1.0 ? -log : log), 0.0, 1.0);
                },
                variance_ratio(b, p[0], p[1]));
        });
    add_series(kinds,
               {.name = "autocorrelation",
                .group = "microstructure",
                .parameters = bars(60),
                .unit = "-1..1",
                .formula = "sum of change_t * change_(t-1) / sum of squared changes, last bars, kept in -1..1; 0 when nothing moved",
                .source = "Box and Jenkins 1970, lag 1, mean zero",
                .standard = {{60}}},
               before, [](Build& b, const Parameters& p) {
                   return b.g.map(
                       "autocorrelation" + p.key(), [](double c, double v) { return within(ratio(c, v, 0.0), -1.0, 1.0); },
                       change_products(b, p[0]), b.sum_of_squares(b.change(), p[0]));
               });
}

inline void add_micro(Kinds& kinds) {
    add_shape(kinds, "close_in_bar", "(close - low) / (high - low); 0.5 in a bar without range",
              [](double, double h, double l, double c) { return ratio(c - l, h - l, 0.5); });
    add_shape(kinds, "body_share", "(close - open) / (high - low), -1..1; 0 in a bar without range",
              [](double o, double h, double l, double c) { return ratio(c - o, h - l, 0.0); });
    add_shape(kinds, "upper_shadow", "(high - max(open, close)) / (high - low); 0 in a bar without range",
              [](double o, double h, double l, double c) { return ratio(h - larger(o, c), h - l, 0.0); });
    add_shape(kinds, "lower_shadow", "(min(open, close) - low) / (high - low); 0 in a bar without range",
              [](double o, double h, double l, double c) { return ratio(smaller(o, c) - l, h - l, 0.0); });
    const Warm past = [](const Parameters& p) { return p[0]; };
    const Parameter bars{"bars", 30, 1, 10'000};
    add_series(kinds,
               {.name = "tick_balance",
                .group = "microstructure",
                .parameters = {bars},
                .unit = "-1..1",
                .formula = "(rising closes - falling closes) / bars, last bars",
                .source = "esbt",
                .standard = {{30}}},
               past, [](Build& b, const Parameters& p) {
                   return b.mean(
                       b.g.map("tick_sign", [](double d) { return (d > 0.0 ? 1.0 : 0.0) - (d < 0.0 ? 1.0 : 0.0); }, b.change()), p[0]);
               });
    add_series(kinds,
               {.name = "still_share",
                .group = "microstructure",
                .parameters = {bars},
                .unit = "0..1",
                .formula = "share of the last bars whose close did not move",
                .source = "Lesmond, Ogden, Trzcinka 1999, zero returns",
                .standard = {{30}}},
               past, [](Build& b, const Parameters& p) {
                   return b.mean(b.g.map("still", [](double d) { return d == 0.0 ? 1.0 : 0.0; }, b.change()), p[0]);
               });
    add_estimates(kinds);
}

}  // namespace esbt::features
