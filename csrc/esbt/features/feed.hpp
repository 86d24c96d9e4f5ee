// The feed: bars become the sources of a feature graph, block by block, each block inside one contract segment. Also the exchange's clock,
// which CME keeps in step with New York. Knows no feature.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "esbt/bars.hpp"
#include "esbt/features/series.hpp"

namespace esbt::features {

struct Sources {                                                                // where the bars are written; null: nobody asked
    double *open = nullptr, *high = nullptr, *low = nullptr, *close = nullptr;  // ticks above the segment's first close
    double* price = nullptr;                                                    // the close itself, ticks
    double *volume = nullptr, *buys = nullptr;                                  // contracts; of them at the ask, NaN where not known
    double* session_start = nullptr;                                            // 1 on the first bar of a session or segment, else 0
    double *minute = nullptr, *elapsed = nullptr;  // minutes since New York's midnight; since the session's first bar
    double* seen = nullptr;                        // bars of the segment so far, this one included
    double* day = nullptr;                         // trade date, days since 1970-01-01
};

inline std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0); }

// Days from 1970-01-01 to a date (Hinnant, "chrono-compatible low-level date algorithms").
inline std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
    const std::int64_t y = year - (month <= 2), era = floor_div(y, 400), of_era = y - era * 400;
    const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

// New York's time by the rule in force in the United States (since 2007: second Sunday of March to first Sunday of November, at 02:00; from
// 1987 first of April to last of October; earlier years are taken to have done so too).
class NewYork {
  public:
    // Minutes since midnight of a time in ns UTC.
    double minute(std::int64_t ts) {
        if (ts < from_ || ts >= until_) look_up(ts);
        if (ts < midnight_ || ts >= midnight_ + kDay) midnight_ = floor_div(ts + offset_, kDay) * kDay - offset_;
        return static_cast<double>(ts - midnight_) / 60e9;
    }

  private:
    static constexpr std::int64_t kHour = 3'600'000'000'000, kDay = 24 * kHour;

    static std::int64_t sunday_from(std::int64_t day) { return day + (7 - ((day + 4) % 7 + 7) % 7) % 7; }  // day 0 was a Thursday

    void look_up(std::int64_t ts) {
        // The year by its first of January in UTC; New York's new year is in winter time, so the clock does not change there.
        std::int64_t year = 1970 + floor_div(ts, kDay) * 400 / 146'097;
        while (days_from_civil(year, 1, 1) * kDay > ts) --year;
        while (days_from_civil(year + 1, 1, 1) * kDay <= ts) ++year;
        const bool new_rule = year >= 2007;
        const std::int64_t spring = sunday_from(new_rule ? days_from_civil(year, 3, 8) : days_from_civil(year, 4, 1)) * kDay + 7 * kHour;
        const std::int64_t autumn = sunday_from(new_rule ? days_from_civil(year, 11, 1) : days_from_civil(year, 10, 25)) * kDay + 6 * kHour;
        const bool summer = ts >= spring && ts < autumn;
        from_ = summer ? spring : (ts < spring ? days_from_civil(year, 1, 1) * kDay : autumn);
        until_ = summer ? autumn : (ts < spring ? spring : days_from_civil(year + 1, 1, 1) * kDay);
        offset_ = (summer ? -4 : -5) * kHour;
        midnight_ = floor_div(ts + offset_, kDay) * kDay - offset_;
    }

    std::int64_t from_ = 0, until_ = 0, offset_ = 0;  // of the clock in force
    std::int64_t midnight_ = 0;                       // the last one, UTC
};

class Feed {
  public:
    // Bars [at, at + count) of one segment into the window from `first` on. The first call of a segment is at its first bar.
    void fill(const BarsView& b, std::int64_t at, std::int64_t count, std::int64_t first, bool starts, const Sources& to) {
        if (starts) {
            anchor_ = b.close[at];
            seen_ = 0;
        }
        if (to.seen)
            for (std::int64_t i = 0; i < count; ++i) to.seen[first + i] = static_cast<double>(seen_ + i + 1);
        seen_ += count;
        prices(b.open + at, count, to.open, first);
        prices(b.high + at, count, to.high, first);
        prices(b.low + at, count, to.low, first);
        prices(b.close + at, count, to.close, first);
        if (to.price)
            std::transform(b.close + at, b.close + at + count, to.price + first, [](std::int32_t x) { return static_cast<double>(x); });
        if (to.volume)
            std::transform(b.volume + at, b.volume + at + count, to.volume + first, [](std::int64_t x) { return static_cast<double>(x); });
        if (to.day)
            std::transform(b.session + at, b.session + at + count, to.day + first, [](std::int32_t x) { return static_cast<double>(x); });
        if (to.buys)
            for (std::int64_t i = 0; i < count; ++i)
                to.buys[first + i] =
                    b.buys && b.buys[at + i] >= 0 ? static_cast<double>(b.buys[at + i]) : std::numeric_limits<double>::quiet_NaN();
        if (to.minute)
            for (std::int64_t i = 0; i < count; ++i) to.minute[first + i] = clock_.minute(b.ts[at + i]);
        if (to.session_start || to.elapsed) sessions(b, at, count, first, starts, to);
    }

  private:
    void prices(const std::int32_t* from, std::int64_t count, double* to, std::int64_t first) const {
        if (!to) return;
        const std::int32_t anchor = anchor_;
        for (std::int64_t i = 0; i < count; ++i) to[first + i] = static_cast<double>(from[i] - anchor);
    }

    void sessions(const BarsView& b, std::int64_t at, std::int64_t count, std::int64_t first, bool starts, const Sources& to) {
        for (std::int64_t i = 0; i < count; ++i) {
            const bool opens = (starts && i == 0) || b.session[at + i] != session_;
            if (opens) {
                session_ = b.session[at + i];
                opened_ = b.ts[at + i];
            }
            if (to.session_start) to.session_start[first + i] = opens ? 1.0 : 0.0;
            if (to.elapsed) to.elapsed[first + i] = static_cast<double>(b.ts[at + i] - opened_) / 60e9;
        }
    }

    std::int32_t anchor_ = 0, session_ = 0;
    std::int64_t opened_ = 0, seen_ = 0;
    NewYork clock_;
};

}  // namespace esbt::features
