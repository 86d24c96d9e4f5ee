// Features of the session: where the close lies in today's range, in the opening range, against yesterday. All begin anew with each session
// and each contract. To add one: a Kind here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "esbt/features/kind.hpp"
#include "esbt/features/kinds.hpp"

namespace esbt::features {

struct Day {
    double open = 0.0, high = 0.0, minus_low = 0.0, close = 0.0;           // of this session so far
    double high_before = 0.0, minus_low_before = 0.0, close_before = 0.0;  // of the whole session before
    double sessions = 0.0;
};

struct SessionSeries {
    Series open, high, minus_low, high_before, minus_low_before, close_before;
    Series known;  // 1 from a contract's second session on, when there is one before
};

inline SessionSeries session_series(Build& b) {
    const auto s = b.g.scan_many<7>(
        "session", Day{},
        [](Day& d, std::array<double, 7>& to, double start, double o, double h, double l, double c) {
            if (start > 0.0) {
                d.sessions += 1.0;
                d.high_before = d.high;
                d.minus_low_before = d.minus_low;
                d.close_before = d.close;
                d.open = o;
                d.high = h;
                d.minus_low = -l;
            }
            d.high = h > d.high ? h : d.high;
            d.minus_low = -l > d.minus_low ? -l : d.minus_low;
            d.close = c;
            to = {d.open, d.high, d.minus_low, d.high_before, d.minus_low_before, d.close_before, d.sessions > 1.0 ? 1.0 : 0.0};
        },
        b.session_start(), b.open(), b.high(), b.low(), b.close());
    return {s[0], s[1], s[2], s[3], s[4], s[5], s[6]};
}

// Highest value in the session's first minutes, held after them.
inline Series opening_highest(Build& b, Series s, std::int64_t minutes) {
    const double last = static_cast<double>(minutes);
    return b.g.scan(
        b.key("opening_highest", s, minutes), 0.0,
        [last](double& top, double start, double x, double elapsed) { return top = start > 0.0 || (elapsed < last && x > top) ? x : top; },
        b.session_start(), s, b.elapsed());
}

inline void add_session(Kinds& kinds) {
    const Warm none = [](const Parameters&) { return 0; }, atr = [](const Parameters&) { return 13; };
    const auto words = [](const char* name, const char* unit, const char* formula, const char* source) {
        return Kind{.name = name,
                    .group = "session",
                    .parameters = {},
                    .unit = unit,
                    .formula = formula,
                    .source = source,
                    .standard = {{}},
                    .warm_up = {},
                    .build = {}};
    };
    const auto distance = [&](const char* name, const char* formula, std::function<Series(Build&)> level) {
        add_in_atr(kinds, words(name, "ATR", formula, "esbt"), atr, [name, level](Build& b, const Parameters&) {
            return b.g.map(name, [](double c, double l) { return c - l; }, b.close(), level(b));
        });
    };
    const auto from_before = [&](const char* name, const char* formula, std::function<Series(Build&)> level) {
        add_in_atr(kinds, words(name, "ATR", formula, "esbt"), atr, [name, level](Build& b, const Parameters&) {
            return b.g.map(
                name, [](double c, double l, double known) { return known > 0.0 ? c - l : 0.0; }, b.close(), level(b),
                session_series(b).known);
        });
    };
    distance("session_open_distance", "(close - session's first open) / ATR", [](Build& b) { return session_series(b).open; });
    distance("session_high_distance", "(close - session's high so far) / ATR, 0 or less", [](Build& b) { return session_series(b).high; });
    distance("session_low_distance", "(close - session's low so far) / ATR, 0 or more",
             [](Build& b) { return b.g.map("session_low", [](double x) { return -x; }, session_series(b).minus_low); });
    add_series(kinds,
               words("session_range_position", "0..1", "(close - low) / (high - low) of the session so far; 0.5 without range", "esbt"),
               none, [](Build& b, const Parameters&) {
                   return b.g.map(
                       "session_range_position", [](double c, double top, double ml) { return ratio(c + ml, top + ml, 0.5); }, b.close(),
                       session_series(b).high, session_series(b).minus_low);
               });
    from_before("prior_high_distance", "(close - high of the session before) / ATR; 0 in a contract's first session",
                [](Build& b) { return session_series(b).high_before; });
    from_before("prior_low_distance", "(close - low of the session before) / ATR; 0 in a contract's first session",
                [](Build& b) { return b.g.map("prior_low", [](double x) { return -x; }, session_series(b).minus_low_before); });
    from_before("prior_close_distance", "(close - close of the session before) / ATR; 0 in a contract's first session",
                [](Build& b) { return session_series(b).close_before; });
    from_before("pivot_distance", "(close - (high + low + close) / 3 of the session before) / ATR; 0 in a contract's first session",
                [](Build& b) {
                    return b.g.map(
                        "pivot", [](double top, double ml, double c) { return (top - ml + c) / 3.0; }, session_series(b).high_before,
                        session_series(b).minus_low_before, session_series(b).close_before);
                });
    add_in_atr(kinds,
               words("overnight_gap", "ATR", "(session's first open - close of the session before) / ATR; 0 in a contract's first session",
                     "esbt"),
               atr, [](Build& b, const Parameters&) {
                   return b.g.map(
                       "overnight_gap", [](double open, double before, double known) { return known > 0.0 ? open - before : 0.0; },
                       session_series(b).open, session_series(b).close_before, session_series(b).known);
               });
    add_series(
        kinds,
        words("session_range_ratio", "ratio", "range of the session so far / range of the session before; 1 where there is none", "esbt"),
        none, [](Build& b, const Parameters&) {
            const SessionSeries s = session_series(b);
            return b.g.map(
                "session_range_ratio",
                [](double top, double ml, double top_before, double ml_before, double known) {
                    return known > 0.0 ? ratio(top + ml, top_before + ml_before, 1.0) : 1.0;
                },
                s.high, s.minus_low, s.high_before, s.minus_low_before, s.known);
        });
    const std::vector<Parameter> minutes{{"minutes", 30, 1, 1'380}};
    add_series(kinds,
               {.name = "opening_range_position",
                .group = "session",
                .parameters = minutes,
                .unit = "0..1 inside",
                .formula = "(close - low) / (high - low) of the session's first minutes, as far as they have passed; 0.5 without range",
                .source = "Crabel 1990",
                .standard = {{30}}},
               none, [](Build& b, const Parameters& p) {
                   return b.g.map(
                       "opening_range_position" + p.key(), [](double c, double top, double ml) { return ratio(c + ml, top + ml, 0.5); },
                       b.close(), opening_highest(b, b.high(), p[0]), opening_highest(b, b.negated(b.low()), p[0]));
               });
    add_in_atr(kinds,
               {.name = "opening_range_width",
                .group = "session",
                .parameters = minutes,
                .formula = "(high - low) of the session's first minutes, as far as they have passed, / ATR",
                .source = "Crabel 1990",
                .standard = {{30}}},
               atr, [](Build& b, const Parameters& p) {
                   return b.g.map(
                       "opening_range_width" + p.key(), [](double top, double ml) { return top + ml; }, opening_highest(b, b.high(), p[0]),
                       opening_highest(b, b.negated(b.low()), p[0]));
               });
}

}  // namespace esbt::features
