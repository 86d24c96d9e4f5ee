// Eight lanes side by side: what each carries from day to day, in whole numbers of its own units, and the exact look at a lane whose
// deepest fall may have come. Knows no instruction set.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>

#include "esbt/sweep/board.hpp"
#include "esbt/sweep/lane_class.hpp"
#include "esbt/sweep/water.hpp"

namespace esbt::sweep {

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors are handed on by reference, or inlined

constexpr int kLanes = 8;
constexpr std::size_t kAhead = 4;             // events to fetch numbers of before their turn
constexpr std::int32_t kMostUnits = 1 << 29;  // beyond it a lane is stepped

typedef std::int32_t I8 __attribute__((vector_size(32)));
typedef std::int32_t I4 __attribute__((vector_size(16)));
typedef double D4 __attribute__((vector_size(32)));

// A signal with what the scan behind it found. Bars count from the day's first.
struct Event {
    std::int32_t signal, entry;
    std::int64_t legs;         // where its numbers begin
    std::int32_t side, price;  // of the entry, times side
    std::int64_t base;         // the day's first bar
};

struct alignas(32) Sums {
    I8 trades, wins, losses, won, win_run, loss_run, longest_wins, longest_losses, ambiguous, bars_in;
};

// Marked equity against its peaks. low: since the last peak, kNoExit where there was none lower.
struct alignas(32) Heights {
    I8 closed;  // without the open position
    I8 peak, low;
    I8 peak_day, low_day, under_days;
    I8 enough;  // units a fall must have to be the deepest, or less
};

struct alignas(32) Eight {
    I8 stop, target, trail, time;  // where the legs are among an event's numbers
    std::int32_t row, end;         // where the first lane's leg is whose values lie in a row; the end, the same for all
    I8 tick, fee;                  // units a tick, units a side
    Sums sums;
    Heights heights;
    I8 spilled;
    D4 cash_e4[2], unit_e4[2];
    Moments<D4> moments[2];
    Deepest deepest[kLanes];

    double cash(int k) const { return cash_e4[k / 4][k % 4]; }
    double unit(int k) const { return unit_e4[k / 4][k % 4]; }
    std::int64_t equity_e4(int k, std::int32_t units) const {
        return static_cast<std::int64_t>(cash(k)) + static_cast<std::int64_t>(unit(k)) * units;
    }

    void end_stretch(Heights& h, int k, std::int32_t day, double recovery_days) {
        h.under_days[k] = std::max(h.under_days[k], day - h.peak_day[k]);
        deepest[k].see(depth(equity_e4(k, h.low[k]), equity_e4(k, h.peak[k])), recovery_days);
    }

    void mark(Heights& h, int k, std::int32_t equity, std::int32_t day) {
        if (equity >= h.peak[k]) {
            if (h.low[k] != kNoExit) end_stretch(h, k, day, static_cast<double>(day - h.low_day[k]));
            h.peak[k] = equity;
            h.peak_day[k] = day;
            h.low[k] = kNoExit;
        } else if (equity < h.low[k]) {
            h.low[k] = equity;
            h.low_day[k] = day;
        }
    }
};

// The closes of one trade, one by one. h: of these lanes just now.
[[gnu::noinline]] inline void look_closely(Eight& s, Heights& h, const I8& lanes, const I8& exit_bar, const I8& after, const Event& e,
                                           const Board& board, std::int32_t day) {
    const std::int32_t* const close = board.m.bars.close + e.base;
    for (int k = 0; k < kLanes; ++k) {
        if (!lanes[k]) continue;
        const std::int32_t paid = h.closed[k] - s.fee[k];
        for (std::int32_t j = e.entry; j < exit_bar[k]; ++j) s.mark(h, k, paid + (e.side * close[j] - e.price) * s.tick[k], day);
        s.mark(h, k, after[k], day);
        const double enough = s.deepest[k].depth * (s.cash(k) / s.unit(k) + h.peak[k]);
        h.enough[k] = static_cast<std::int32_t>(std::clamp<double>(enough, 0.0, kMostUnits));
    }
}

}  // namespace esbt::sweep
