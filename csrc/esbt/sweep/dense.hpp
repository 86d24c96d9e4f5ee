// The lanes of a class over the whole market: a stretch of days is scanned, signal by signal, and then each eight of lanes goes through it.
// Both halves are shared out among threads; what a lane gives does not depend on how.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "esbt/sweep/crew.hpp"
#include "esbt/sweep/kernel.hpp"

namespace esbt::sweep {

#define ESBT_RUN_DAY(machine)                                                                                       \
    (trails ? (times ? (rows ? go(machine::run_day<true, true, true>) : go(machine::run_day<true, true, false>))    \
                     : (rows ? go(machine::run_day<true, false, true>) : go(machine::run_day<true, false, false>))) \
            : (times ? (rows ? go(machine::run_day<false, true, true>) : go(machine::run_day<false, true, false>))  \
                     : (rows ? go(machine::run_day<false, false, true>) : go(machine::run_day<false, false, false>))));

class Dense {
  public:
    Dense(const Board& board, const LaneClass& lanes, const Plan* plans) : board_(board), lanes_(lanes), legs_(lanes), plans_(plans) {
        for (std::size_t first = 0; first < lanes.lanes.size(); first += kLanes) eights_.push_back(begin(first));
    }

    // Whether lanes of these plans and this market can be counted in the kernel's whole numbers.
    static bool fits(const Board& board, const Plan& p) {
        if (!board.packing.fits || p.contracts <= 0 || p.slippage_ticks < 0 || p.slippage_ticks > 10'000) return false;
        if (p.fee_e4 < 0 || p.tick_value_e4 <= 0 || p.cash_e4 > std::int64_t{1} << 50) return false;
        const std::int64_t unit = std::gcd(p.tick_value_e4, p.fee_e4);
        if (static_cast<double>(p.contracts) * static_cast<double>(p.tick_value_e4) > static_cast<double>(kMostPerTick)) return false;
        const std::int64_t tick = p.tick_value_e4 / unit, fee = p.fee_e4 / unit;
        if (tick > 16'000 || fee > 1 << 24 || unit * p.contracts > std::int64_t{1} << 20) return false;
        const std::int64_t most = std::int64_t{2} * board.packing.bias * tick + 2 * fee;  // of one trade
        return most * (board.busiest + 1) < kMostUnits;
    }

    // daily: [lane][day], 1e-4 USD, or null.
    void run(Crew& crew, std::int64_t* daily) {
        const std::size_t days = board_.days.last.size();
        std::vector<Scan> scans;
        std::vector<std::vector<std::int32_t>> distances(static_cast<std::size_t>(crew.size()));
        for (int id = 0; id < crew.size(); ++id) scans.emplace_back(board_, lanes_.has_trails());
        std::vector<Scanned> stretch(kDays);
        for (std::size_t from = 0; from < days; from += kDays) {
            const std::size_t count = std::min(kDays, days - from);
            crew.run(static_cast<std::int64_t>(count), [&](std::int64_t d, int id) {
                const auto at = static_cast<std::size_t>(id);
                scan_day(from + static_cast<std::size_t>(d), scans[at], distances[at], stretch[static_cast<std::size_t>(d)]);
            });
            const std::int64_t parts = std::min<std::int64_t>(static_cast<std::int64_t>(eights_.size()), 4 * crew.size());
            crew.run(parts, [&](std::int64_t part, int) {
                const std::size_t a = eights_.size() * static_cast<std::size_t>(part) / static_cast<std::size_t>(parts),
                                  b = eights_.size() * static_cast<std::size_t>(part + 1) / static_cast<std::size_t>(parts);
                for (std::size_t e = a; e < b; ++e)
                    for (std::size_t d = 0; d < count; ++d) go_through(e, from + d, stretch[d], daily);
            });
        }
    }

    // Totals of the lane at a place of the class; false where it must be stepped.
    bool write(std::size_t place, Totals& t) const {
        const Eight& s = eights_[place / kLanes];
        const int k = static_cast<int>(place % kLanes);
        if (s.spilled[k]) return false;
        const Plan& p = plans_[lanes_.lanes[place]];
        const Money money(p);
        Eight end = s;
        Heights& h = end.heights;
        if (h.low[k] != kNoExit) end.end_stretch(h, k, board_.days.of_bar[board_.m.bars.n - 1], std::numeric_limits<double>::quiet_NaN());
        t.trades = s.sums.trades[k];
        t.wins = s.sums.wins[k];
        t.losses = s.sums.losses[k];
        t.win_run = s.sums.longest_wins[k];
        t.loss_run = s.sums.longest_losses[k];
        t.ambiguous = s.sums.ambiguous[k];
        t.bars_in = s.sums.bars_in[k];
        t.won_e4 = money.unit_e4 * s.sums.won[k];
        t.net_e4 = money.unit_e4 * s.heights.closed[k];
        t.costs_e4 = 2 * p.fee_e4 * p.contracts * t.trades;
        t.under_days = h.under_days[k];
        t.deepest = end.deepest[k].depth;
        t.recovery_days = end.deepest[k].recovery_days;
        t.ruined = t.deepest >= 1.0;
        t.sessions = static_cast<std::int64_t>(board_.days.last.size());
        t.take(moments(s, k));
        t.skipped = {};
        t.skipped.boundary = board_.boundary;
        t.skipped.atr = board_.no_atr;
        t.skipped.in_position = static_cast<std::int64_t>(board_.signals.size()) - t.trades;
        return true;
    }

  private:
    static constexpr std::size_t kDays = 8;  // scanned ahead

    // Numbers one after another, not set to anything before they are written.
    class Numbers {
      public:
        void clear() { size_ = 0; }
        std::size_t size() const { return size_; }
        const std::int32_t* data() const { return data_.get(); }
        std::int32_t* room(std::size_t more) {  // may move what is there
            if (size_ + more > capacity_) {
                capacity_ = 2 * (size_ + more);
                auto wider = std::make_unique_for_overwrite<std::int32_t[]>(capacity_);
                std::copy_n(data_.get(), size_, wider.get());
                data_ = std::move(wider);
            }
            return data_.get() + size_;
        }
        void take(std::size_t more) { size_ += more; }

      private:
        std::unique_ptr<std::int32_t[]> data_;
        std::size_t size_ = 0, capacity_ = 0;
    };

    struct Scanned {  // a day
        std::vector<Event> events;
        Numbers numbers;
    };

    Eight begin(std::size_t first) const {
        Eight s{};
        for (int k = 0; k < kLanes; ++k) {
            const std::size_t place = std::min(first + static_cast<std::size_t>(k), lanes_.lanes.size() - 1);
            const Plan& p = plans_[lanes_.lanes[place]];
            const Money money(p);
            s.stop[k] = lanes_.stop[place];
            s.target[k] = legs_.place_of_target[static_cast<std::size_t>(lanes_.target[place])];
            s.trail[k] = legs_.trails_begin + lanes_.trail[place];
            s.time[k] = legs_.times_begin + lanes_.time[place];
            s.tick[k] = money.tick;
            s.fee[k] = money.fee;
            s.cash_e4[k / 4][k % 4] = static_cast<double>(p.cash_e4);
            s.unit_e4[k / 4][k % 4] = static_cast<double>(money.unit_e4);
            s.heights.low[k] = kNoExit;
            s.heights.peak_day[k] = board_.days.of_bar[0];
        }
        s.one_stop = s.targets_in_row = true;
        for (int k = 1; k < kLanes; ++k) {
            s.one_stop &= s.stop[k] == s.stop[0];
            s.targets_in_row &= s.target[k] == s.target[0] + k;
        }
        for (int half = 0; half < 2; ++half) {
            const D4 cash = s.cash_e4[half] / kUsd;
            s.moments[half] = Moments<D4>::start(cash);
        }
        return s;
    }

    static Moments<double> moments(const Eight& s, int k) {
        const Moments<D4>& m = s.moments[k / 4];
        const int i = k % 4;
        return {m.equity[i], m.peak[i], m.mean[i],     m.m2[i],  m.m3[i],   m.m4[i],
                m.gain[i],   m.pain[i], m.downside[i], m.low[i], m.high[i], m.ulcer[i]};
    }

    void scan_day(std::size_t day, Scan& scan, std::vector<std::int32_t>& distance, Scanned& out) const {
        const std::int64_t base = board_.days.first(day);
        const auto legs = static_cast<std::size_t>(legs_.numbers());
        const bool fast = features::has_avx2();
        const auto measure = fast ? avx2::measure : baseline::measure;
        const auto look_up = fast ? avx2::look_up : baseline::look_up;
        const auto look = fast ? avx2::look : baseline::look;
        distance.resize(legs);
        out.events.clear();
        out.numbers.clear();
        for (std::int64_t q = board_.first_of_day[day]; q < board_.first_of_day[day + 1]; ++q) {
            const Signal& signal = board_.signals[static_cast<std::size_t>(q)];
            const std::int64_t entry = signal.bar + 1 + board_.how.latency;
            const Stretch at{base, entry, std::min(signal.end, entry + legs_.longest - 1)};
            std::int32_t* const numbers = out.numbers.room(legs + static_cast<std::size_t>(at.end - entry + 1));
            Event e{};
            e.signal = static_cast<std::int32_t>(signal.bar - base);
            e.entry = static_cast<std::int32_t>(entry - base);
            e.base = base;
            e.side = board_.m.signals[signal.bar];
            e.legs = static_cast<std::int64_t>(out.numbers.size());
            e.marks = e.legs + static_cast<std::int64_t>(legs);
            const Reach wanted = measure(legs_, board_.m.atr[signal.bar], distance.data());
            e.end_exit = look(scan, e.side, at, wanted, legs_.limits, numbers + legs);
            e.price = scan.entry;
            look_up(distance.data(), 0, legs_.targets_begin, scan.stops, numbers);
            look_up(distance.data(), legs_.targets_begin, legs_.trails_begin, scan.targets, numbers);
            look_up(distance.data(), legs_.trails_begin, legs_.times_begin, scan.trails, numbers);
            exits_by_time(scan, at, e, numbers + legs_.times_begin);
            out.numbers.take(legs + static_cast<std::size_t>(scan.behind - entry));
            out.events.push_back(e);
        }
        out.events.resize(out.events.size() + kAhead);
    }

    void exits_by_time(const Scan& scan, const Stretch& at, const Event& e, std::int32_t* out) const {
        for (const std::int32_t bars : legs_.time) {
            const std::int64_t last = std::min(at.entry + bars - 1, at.end);
            *out++ = last < scan.behind ? scan.exit_at_close(last, at.base, e.side) : kNoExit;
        }
    }

    void go_through(std::size_t eight, std::size_t day, const Scanned& scanned, std::int64_t* daily) {
        Eight& s = eights_[eight];
        const I8 before = s.heights.closed;
        const bool trails = lanes_.has_trails(), times = lanes_.has_times();
        const auto n = static_cast<std::int64_t>(scanned.events.size() - kAhead);
        const bool rows = s.one_stop && s.targets_in_row;
        const auto go = [&](auto run_day) { run_day(s, scanned.events.data(), n, scanned.numbers.data(), board_, board_.days.date(day)); };
        const Nth nth(static_cast<double>(day + 1));
        if (features::has_avx2()) {
            if (n) ESBT_RUN_DAY(avx2)
            avx2::end_day(s, nth);
        } else {
            if (n) ESBT_RUN_DAY(baseline)
            baseline::end_day(s, nth);
        }
        if (!daily) return;
        for (int k = 0; k < kLanes; ++k) {
            const std::size_t place = eight * kLanes + static_cast<std::size_t>(k);
            if (place >= lanes_.lanes.size()) break;
            daily[lanes_.lanes[place] * static_cast<std::int64_t>(board_.days.last.size()) + static_cast<std::int64_t>(day)] =
                static_cast<std::int64_t>(s.unit(k)) * (s.heights.closed[k] - before[k]);
        }
    }

    const Board& board_;
    const LaneClass& lanes_;
    const Legs legs_;
    const Plan* const plans_;
    std::vector<Eight> eights_;
};

#undef ESBT_RUN_DAY

}  // namespace esbt::sweep
