// Features of the session: where the close lies in today's range, in the opening range, against yesterday. All begin anew with each session
// and each contract. To add one: a Kind here, its twin in tests/reference/features.
#pragma once
#include <algorithm>
#include <cmath>

#include "esbt/features/kind.hpp"
#include "esbt/features/trend_kinds.hpp"

namespace esbt::features {

struct Day {
    double now = 0.0, before = 0.0;  // of this session so far, and of the whole session before
    bool any = false, two = false;   // a session has begun; there was one before it
};

// A session's first value of a series, held through the session.
inline Series first_of_session(Build& b, Series s) {
    return b.g.scan(
        b.key("session_first", s, 0), 0.0, [](double& held, double start, double x) { return held = start > 0.0 ? x : held; },
        b.session_start(), s);
}

// Highest value of the session so far.
inline Series session_highest(Build& b, Series s) {
    return b.g.scan(
        b.key("session_highest", s, 0), 0.0, [](double& top, double start, double x) { return top = start > 0.0 || x > top ? x : top; },
        b.session_start(), s);
}

// The last value that a series had in the session before; in a contract's first session the value `x` now.
inline Series of_session_before(Build& b, Series s) {
    return b.g.scan(
        b.key("session_before", s, 0), Day{},
        [](Day& d, double start, double x) {
            if (start > 0.0) {
                d.two = d.any;
                d.any = true;
                d.before = d.now;
            }
            d.now = x;
            return d.two ? d.before : x;
        },
        b.session_start(), s);
}

// 1 from a contract's second session on, else 0.
inline Series has_session_before(Build& b) {
    return b.g.scan(
        "has_session_before", 0.0, [](double& starts, double start) { return (starts += start) > 1.0 ? 1.0 : 0.0; }, b.session_start());
}

inline Series minus_low(Build& b) {
    return b.g.map("minus" + b.g.name_of(b.low()), [](double x) { return -x; }, b.low());
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
                has_session_before(b));
        });
    };
    distance("session_open_distance", "(close - session's first open) / ATR", [](Build& b) { return first_of_session(b, b.open()); });
    distance("session_high_distance", "(close - session's high so far) / ATR, 0 or less",
             [](Build& b) { return session_highest(b, b.high()); });
    distance("session_low_distance", "(close - session's low so far) / ATR, 0 or more",
             [](Build& b) { return b.g.map("session_low", [](double x) { return -x; }, session_highest(b, minus_low(b))); });
    add_series(kinds,
               words("session_range_position", "0..1", "(close - low) / (high - low) of the session so far; 0.5 without range", "esbt"),
               none, [](Build& b, const Parameters&) {
                   return b.g.map(
                       "session_range_position", [](double c, double top, double ml) { return ratio(c + ml, top + ml, 0.5); }, b.close(),
                       session_highest(b, b.high()), session_highest(b, minus_low(b)));
               });
    from_before("prior_high_distance", "(close - high of the session before) / ATR; 0 in a contract's first session",
                [](Build& b) { return of_session_before(b, session_highest(b, b.high())); });
    from_before("prior_low_distance", "(close - low of the session before) / ATR; 0 in a contract's first session", [](Build& b) {
        return b.g.map("prior_low", [](double x) { return -x; }, of_session_before(b, session_highest(b, minus_low(b))));
    });
    from_before("prior_close_distance", "(close - close of the session before) / ATR; 0 in a contract's first session",
                [](Build& b) { return of_session_before(b, b.close()); });
    from_before("pivot_distance", "(close - (high + low + close) / 3 of the session before) / ATR; 0 in a contract's first session",
                [](Build& b) {
                    return b.g.map(
                        "pivot", [](double top, double ml, double c) { return (top - ml + c) / 3.0; },
                        of_session_before(b, session_highest(b, b.high())), of_session_before(b, session_highest(b, minus_low(b))),
                        of_session_before(b, b.close()));
                });
    add_in_atr(kinds,
               words("overnight_gap", "ATR", "(session's first open - close of the session before) / ATR; 0 in a contract's first session",
                     "esbt"),
               atr, [](Build& b, const Parameters&) {
                   return b.g.map(
                       "overnight_gap", [](double open, double before, double known) { return known > 0.0 ? open - before : 0.0; },
                       first_of_session(b, b.open()), of_session_before(b, b.close()), has_session_before(b));
               });
    add_series(
        kinds,
        words("session_range_ratio", "ratio", "range of the session so far / range of the session before; 1 where there is none", "esbt"),
        none, [](Build& b, const Parameters&) {
            const Series range = b.g.map(
                "session_range", [](double top, double ml) { return top + ml; }, session_highest(b, b.high()),
                session_highest(b, minus_low(b)));
            return b.g.map(
                "session_range_ratio", [](double now, double before, double known) { return known > 0.0 ? ratio(now, before, 1.0) : 1.0; },
                range, of_session_before(b, range), has_session_before(b));
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
                       b.close(), opening_highest(b, b.high(), p[0]), opening_highest(b, minus_low(b), p[0]));
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
                       opening_highest(b, minus_low(b), p[0]));
               });
}

}  // namespace esbt::features
