// The vocabulary features are written in: the bar's own series, windows (mean, sum, highest), recurrences (EMA, Wilder's mean), ATR. Each
// word asks the graph for a series; asking twice computes once. Prices are ticks above the segment's first close, so that shifted prices
// give the same bits; `price` is the one series that feels the level. Knows no single feature.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "esbt/features/feed.hpp"
#include "esbt/features/graph.hpp"
#include "esbt/features/math.hpp"

namespace esbt::features {

// num / den, or `neutral` where den is zero: a flat or untraded market has a value too.
inline double ratio(double num, double den, double neutral) { return den == 0.0 ? neutral : num / den; }

class Build {
  public:
    Build(Graph& graph, Sources& sources) : g(graph), to_(sources) {}

    Graph& g;

    Series open() { return g.source("open", to_.open); }
    Series high() { return g.source("high", to_.high); }
    Series low() { return g.source("low", to_.low); }
    Series close() { return g.source("close", to_.close); }
    Series volume() { return g.source("volume", to_.volume); }
    Series buys() { return g.source("buys", to_.buys); }  // contracts bought at the ask; NaN where the data does not say
    Series price() { return g.source("price", to_.price); }
    Series session_start() { return g.source("session_start", to_.session_start); }
    Series minute() { return g.source("minute", to_.minute); }
    Series day() { return g.source("day", to_.day); }
    Series elapsed() { return g.source("elapsed", to_.elapsed); }

    Series close_before(std::int64_t n = 1) { return g.lag(close(), n); }  // a segment's first bar: its own close

    Series change() {
        return g.map("change", [](double c, double before) { return c - before; }, close(), close_before());
    }

    Series typical() {
        return g.map(
            "typical3", [](double h, double l, double c) { return h + l + c; }, high(), low(), close());  // three times it: whole ticks
    }

    Series range() {
        return g.map("range", [](double h, double l) { return h - l; }, high(), low());
    }

    Series true_range() {
        // A segment's first bar has no close before it: its range. (The fill stands at that bar's own close, inside the range.)
        return g.map(
            "true_range",
            [](double h, double l, double before) {
                const double up = before > h ? before : h, down = before < l ? before : l;
                return up - down;
            },
            high(), low(), close_before());
    }

    Series wilder(Series s, std::int64_t n, std::int64_t start = 0) {
        Lane lane{};
        lane.a = 1.0 / static_cast<double>(n);
        lane.b = 1.0 - lane.a;
        lane.start = start;
        lane.seed = n;
        return g.recurrence(key("wilder", s, n, start), s, lane);
    }

    // Seeded with the first value looked at.
    Series ema(Series s, std::int64_t n, std::int64_t start = 0) {
        Lane lane{};
        lane.a = 2.0 / static_cast<double>(n + 1);
        lane.b = 1.0 - lane.a;
        lane.start = start;
        return g.recurrence(key("ema", s, n, start), s, lane);
    }

    // Wilder's ATR in ticks, the strategy's own to the bit; NaN for the first n - 1 bars.
    Series atr(std::int64_t n) {
        Lane lane{};
        lane.a = static_cast<double>(n);
        lane.b = lane.a - 1.0;
        lane.seed = n;
        lane.divides = true;
        return g.recurrence(key("atr", true_range(), n, 0), true_range(), lane);
    }

    // 1 / ATR(14), the ATR at least one tick: markets do not move by less, and a flat market divides by no zero.
    Series per_atr() {
        return g.map("per_atr", [](double a) { return 1.0 / (a > 1.0 ? a : 1.0); }, atr(14));
    }

    Series negated(Series s) {
        return g.map("minus" + g.name_of(s), [](double x) { return -x; }, s);
    }

    Series squared(Series s) {
        return g.map("square" + g.name_of(s), [](double x) { return x * x; }, s);
    }

    // Sum over the last n bars of whole numbers, or of x in steps of 1 / scale: exact, without drift.
    Series sum(Series s, std::int64_t n, double scale = 1.0) {
        const Series t = g.total(s, scale);
        const double step = 1.0 / scale;
        return g.map(key("sum", t, n, 0), [step](double now, double before) { return (now - before) * step; }, t, g.lag(t, n));
    }

    Series mean(Series s, std::int64_t n, double scale = 1.0) {
        const Series t = g.total(s, scale);
        const double step = 1.0 / scale / static_cast<double>(n);
        return g.map(key("mean", t, n), [step](double now, double before) { return (now - before) * step; }, t, g.lag(t, n));
    }

    // Sum of squares of whole numbers over the last n bars.
    Series sum_of_squares(Series s, std::int64_t n) { return sum(squared(s), n); }

    // Variance (over n) of whole numbers in the last n bars; never negative.
    Series variance(Series s, std::int64_t n) {
        const double one = 1.0 / static_cast<double>(n);
        const Series squares = g.total(squared(s), 1.0), sums = g.total(s, 1.0);
        return g.map(
            key("variance", s, n),
            [one](double squares_now, double squares_before, double now, double before) {
                const double mean = (now - before) * one, v = (squares_now - squares_before) * one - mean * mean;
                return v > 0.0 ? v : 0.0;
            },
            squares, g.lag(squares, n), sums, g.lag(sums, n));
    }

    // Highest of the last n bars: windows of 1, 2, 4, ... bars by doubling, then two that overlap.
    Series highest(Series s, std::int64_t n) {
        constexpr double none = -std::numeric_limits<double>::infinity();
        Series level = g.filled_map("highest1:" + g.name_of(s), none, [](double x) { return x; }, s);
        const std::string of = g.name_of(s);
        const auto more = [](double x, double y) { return x > y ? x : y; };
        std::int64_t width = 1;
        for (; 2 * width <= n; width *= 2)
            level = g.filled_map("highest" + std::to_string(2 * width) + ":" + of, none, more, level, g.lag(level, width));
        if (width == n) return level;
        return g.filled_map("highest" + std::to_string(n) + ":" + of, none, more, level, g.lag(level, n - width));
    }

    // Minus the lowest of the last n bars (what the doubling makes anyway).
    Series minus_lowest(Series s, std::int64_t n) { return highest(negated(s), n); }

    // ln of a price in ticks; prices below one tick count as one (crude oil has been negative).
    Series log_price(const std::string& name, Series level) {
        return g.scan(
            "log_" + name, LogTable{},
            [](LogTable& logs, double above, double close, double p) { return logs.of(larger(p + (above - close), 1.0)); }, level, close(),
            price());
    }
    Series log_open() { return log_price("open", open()); }
    Series log_high() { return log_price("high", high()); }
    Series log_low() { return log_price("low", low()); }
    Series log_close() { return log_price("close", close()); }

    // ln(close_t / close_(t-n)); 0 where the segment is younger.
    Series log_return(std::int64_t n) {
        const Series age = bars_seen();
        return g.map(
            "log_return" + std::to_string(n),
            [n](double now, double before, double seen) { return seen > static_cast<double>(n) ? now - before : 0.0; }, log_close(),
            g.lag(log_close(), n), age);
    }

    // Bars of the segment so far, this one included.
    Series bars_seen() { return g.source("seen", to_.seen); }

    std::string key(const std::string& word, Series s, std::int64_t n, std::int64_t m = 0) {
        return word + "(" + g.name_of(s) + "," + std::to_string(n) + "," + std::to_string(m) + ")";
    }

  private:
    Sources& to_;
};

}  // namespace esbt::features
