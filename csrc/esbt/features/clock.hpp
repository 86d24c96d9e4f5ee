// Features of the clock and the calendar (exchange time of CME, shown as New York's), and regimes: what kind of market this is. To add one:
// a Kind here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "esbt/features/kind.hpp"
#include "esbt/features/kinds.hpp"
#include "esbt/features/trend.hpp"
#include "esbt/features/volatility.hpp"

namespace esbt::features {

// Days from 1970-01-01 to the third Friday of the month that lies `month` months after January 1970.
inline std::int64_t third_friday(std::int64_t month) {
    const std::int64_t year = 1970 + (month >= 0 ? month / 12 : -((11 - month) / 12));
    const std::int64_t first = days_from_civil(year, month - (year - 1970) * 12 + 1, 1);
    const std::int64_t weekday = ((first + 4) % 7 + 7) % 7;  // day 0 was a Thursday; 0 is Sunday
    return first + (12 - weekday) % 7 + 14;
}

// Days to the next third Friday of March, June, September or December, 0 on the day itself: when CME's quarterly contracts expire.
inline double days_to_expiry(double day) {
    const auto d = static_cast<std::int64_t>(day);
    std::int64_t month = static_cast<std::int64_t>(std::floor(day / 365.2425 * 4.0)) * 3 - 4;  // a quarter's last month, safely before
    std::int64_t friday = third_friday(month);
    while (friday < d) friday = third_friday(month += 3);
    return static_cast<double>(friday - d);
}

struct Expiry {
    double day = std::numeric_limits<double>::quiet_NaN(), left = 0.0;
};

// sin (or cos) of the minute on the day's circle, by whole minutes.
struct Circle {
    double sine[1440], cosine[1440];
    Circle() {
        for (int k = 0; k < 1440; ++k) {
            const double angle = k * (6.28318530717958647692 / 1440.0);
            sine[k] = std::sin(angle);
            cosine[k] = std::cos(angle);
        }
    }
};

inline Series on_circle(Build& b, bool cosine) {
    static const Circle circle;
    const double* const table = cosine ? circle.cosine : circle.sine;
    return b.g.map(
        cosine ? "time_cosine" : "time_sine", [table](double minute) { return table[static_cast<std::int32_t>(minute)]; }, b.minute());
}

inline void add_clock(Kinds& kinds) {
    const Warm none = [](const Parameters&) { return 0; };
    const auto add = [&](const char* name, const char* unit, const char* formula, std::function<Series(Build&)> series) {
        add_series(kinds,
                   {.name = name,
                    .group = "clock",
                    .parameters = {},
                    .unit = unit,
                    .formula = formula,
                    .source = "esbt",
                    .standard = {{}},
                    .warm_up = {},
                    .build = {}},
                   none, [series](Build& b, const Parameters&) { return series(b); });
    };
    add("minutes_since_open", "minutes", "bar's open time - open time of the session's first bar", [](Build& b) { return b.elapsed(); });
    add("minutes_to_close", "minutes",
        "minutes from the bar's open time to 17:00 New York, the regular close; early closes are not looked up",
        [](Build& b) { return b.g.map("minutes_to_close", [](double m) { return m < 1020.0 ? 1020.0 - m : 2460.0 - m; }, b.minute()); });
    add("time_sine", "-1..1", "sin(2 pi * whole minutes since midnight / 1440), New York time of the bar's open",
        [](Build& b) { return on_circle(b, false); });
    add("time_cosine", "-1..1", "cos(2 pi * whole minutes since midnight / 1440), New York time of the bar's open",
        [](Build& b) { return on_circle(b, true); });
    add("regular_hours", "0 or 1", "1 in bars that open from 09:30 to before 16:00 New York",
        [](Build& b) { return b.g.map("regular_hours", [](double m) { return m >= 570.0 && m < 960.0 ? 1.0 : 0.0; }, b.minute()); });
    add("day_of_week", "0..6", "weekday of the trade date, Monday 0", [](Build& b) {
        return b.g.map(
            "day_of_week",
            [](double d) {
                const double k = d + 3.0;
                return k - 7.0 * std::floor(k * (1.0 / 7.0) + 1e-9);
            },
            b.day());
    });
    add("days_to_roll", "days",
        "calendar days from the trade date to the next third Friday of March, June, September or December, when quarterly contracts expire",
        [](Build& b) {
            return b.g.scan(
                "days_to_roll", Expiry{},
                [](Expiry& e, double day) {
                    if (day != e.day) e = {day, days_to_expiry(day)};
                    return e.left;
                },
                b.day());
        });
}

inline void add_regimes(Kinds& kinds) {
    add_series(
        kinds,
        {.name = "trend_regime",
         .group = "regime",
         .parameters = {{"bars", 14, 1, 1'000}, {"level", 25, 1, 99, false}},
         .unit = "-1, 0, 1",
         .formula = "sign of +DI - -DI where ADX(bars) is above level, else 0",
         .source = "Wilder 1978, section IV",
         .standard = {{14, 25}}},
        [](const Parameters& p) { return 2 * p[0] - 1; },
        [](Build& b, const Parameters& p) {
            const Directional d = directional(b, p[0]);
            const double level = p.real(1);
            return b.g.map(
                "trend_regime" + p.key(),
                [level](double strength, double up, double down) {
                    const double side = (up > down ? 1.0 : 0.0) - (up < down ? 1.0 : 0.0);
                    return strength > level ? side : 0.0;
                },
                adx(b, p[0]), d.plus, d.minus);
        });
    add_series(
        kinds,
        {.name = "momentum_regime",
         .group = "regime",
         .parameters = {{"bars", 14, 1, 1'000}, {"band", 10, 0, 49, false}},
         .unit = "-1, 0, 1",
         .formula = "1 where RSI(bars) is above 50 + band, -1 where it is below 50 - band, else 0",
         .source = "Brown 1999, RSI range rules",
         .standard = {{14, 10}}},
        [](const Parameters& p) { return p[0]; },
        [](Build& b, const Parameters& p) {
            const double band = p.real(1);
            return b.g.map(
                "momentum_regime" + p.key(), [band](double x) { return (x > 50.0 + band ? 1.0 : 0.0) - (x < 50.0 - band ? 1.0 : 0.0); },
                rsi(b, p[0]));
        });
    add_series(
        kinds,
        {.name = "volatility_regime",
         .group = "regime",
         .parameters = {{"bars", 390, 2, 10'000}},
         .unit = "0, 1, 2",
         .formula = "0, 1, 2: volatility_percentile(bars) below 1/3, below 2/3, above",
         .source = "esbt; trailing, never over the whole sample",
         .standard = {{390}}},
        [](const Parameters& p) { return p[0] + 12; },
        [](Build& b, const Parameters& p) {
            return b.g.map(
                "volatility_regime" + p.key(), [](double x) { return (x >= 1.0 / 3.0 ? 1.0 : 0.0) + (x >= 2.0 / 3.0 ? 1.0 : 0.0); },
                volatility_rank(b, p[0]));
        });
}

}  // namespace esbt::features
