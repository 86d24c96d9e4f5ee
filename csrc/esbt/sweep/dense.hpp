// The lanes of a class over the whole market: a stretch of days is scanned, signal by signal, and then each eight of lanes goes through it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "esbt/sweep/kernel.hpp"
#include "esbt/sweep/order.hpp"

namespace esbt::sweep {

class Dense {
  public:
    Dense(const Board& board, const LaneClass& lanes, const Plan* plans)
        : board_(board), lanes_(lanes), order_(order_of(lanes)), legs_(lanes, order_.row), plans_(plans), fast_(has_avx2()) {
        const bool trails = lanes.has_trails(), times = lanes.has_times();
        run_day_ = fast_ ? avx2::run_day_of(order_.row, trails, times) : baseline::run_day_of(order_.row, trails, times);
        eights_.reserve(order_.eights());
        for (std::size_t e = 0; e < order_.eights(); ++e) eights_.push_back(begin(order_.lanes.data() + e * kLanes));
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
    void run(std::int64_t* daily) {
        const std::size_t days = board_.days.last.size();
        Scan scan(board_, lanes_.has_trails());
        std::vector<std::int32_t> distance(static_cast<std::size_t>(legs_.size()));
        std::vector<Scanned> stretch(kDays);
        for (std::size_t from = 0, count = 0; from < days; from += count) {
            std::size_t numbers = 0;
            for (count = 0; count < kDays && from + count < days && numbers < kNumbers; ++count) {
                scan_day(from + count, scan, distance.data(), stretch[count]);
                numbers += stretch[count].numbers.size();
            }
            for (std::size_t e = 0; e < eights_.size(); ++e)
                for (std::size_t d = 0; d < count; ++d) go_through(e, from + d, stretch[d], daily);
        }
    }

    // Totals of the lane at a place of the class; false where it must be stepped.
    bool write(std::size_t place, Totals& t) const {
        const auto slot = static_cast<std::size_t>(order_.slot_of_lane[place]);
        const Eight& s = eights_[slot / kLanes];
        const int k = static_cast<int>(slot % kLanes);
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
    static constexpr std::size_t kDays = 8, kNumbers = 40'000;  // scanned ahead at most: what a core's own cache holds

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

    // lanes: eight places. Where there is nobody, a copy of somebody: its outcome is not read.
    Eight begin(const std::int64_t* lanes) const {
        Eight s{};
        const auto somebody = *std::find_if(lanes, lanes + kLanes, [](std::int64_t own) { return own != Order::kNobody; });
        for (int k = 0; k < kLanes; ++k) {
            const auto place = static_cast<std::size_t>(lanes[k] == Order::kNobody ? somebody : lanes[k]);
            const Plan& p = plans_[lanes_.lanes[place]];
            const Money money(p);
            const auto at = [&](Leg leg) {
                const std::int32_t own = legs_.place(lanes_, leg, place);
                return Legs::number(leg == order_.row ? own - own % kLanes + k : own);
            };
            s.stop[k] = at(Leg::stop);
            s.target[k] = at(Leg::target);
            s.trail[k] = at(Leg::trail);
            s.time[k] = at(Leg::time);
            if (k == 0) s.row = at(order_.row == Leg::none ? Leg::target : order_.row);
            s.tick[k] = money.tick;
            s.fee[k] = money.fee;
            s.cash_e4[k / 4][k % 4] = static_cast<double>(p.cash_e4);
            s.unit_e4[k / 4][k % 4] = static_cast<double>(money.unit_e4);
            s.heights.low[k] = kNoExit;
            s.heights.peak_day[k] = board_.days.of_bar[0];
        }
        s.end = Legs::number(legs_.end_place);
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

    void scan_day(std::size_t day, Scan& scan, std::int32_t* distance, Scanned& out) const {
        const std::int64_t base = board_.days.first(day);
        const auto legs = static_cast<std::size_t>(legs_.numbers());
        const auto measure = fast_ ? avx2::measure : baseline::measure;
        const auto look_up = fast_ ? avx2::look_up : baseline::look_up;
        const auto look = fast_ ? avx2::look : baseline::look;
        out.events.clear();
        out.numbers.clear();
        for (std::int64_t q = board_.first_of_day[day]; q < board_.first_of_day[day + 1]; ++q) {
            const Signal& signal = board_.signals[static_cast<std::size_t>(q)];
            const std::int64_t entry = signal.bar + 1 + board_.how.latency;
            const Stretch at{base, entry, std::min(signal.end, entry + legs_.longest - 1)};
            std::int32_t* const numbers = out.numbers.room(legs);
            Event e{};
            e.signal = static_cast<std::int32_t>(signal.bar - base);
            e.entry = static_cast<std::int32_t>(entry - base);
            e.base = base;
            e.side = board_.m.signals[signal.bar];
            e.legs = static_cast<std::int64_t>(out.numbers.size());
            const Reach wanted = measure(legs_, board_.m.atr[signal.bar], distance);
            put(numbers, legs_.end_place, look(scan, e.side, at, wanted, legs_.limits));
            e.price = scan.entry;
            look_up(distance, 0, legs_.targets_begin, scan.stops, numbers);
            look_up(distance, legs_.targets_begin, legs_.trails_begin, scan.targets, numbers);
            look_up(distance, legs_.trails_begin, legs_.times_begin, scan.trails, numbers);
            ways_by_time(scan, at, e.side, numbers);
            out.numbers.take(legs);
            out.events.push_back(e);
        }
        out.events.resize(out.events.size() + kAhead);
    }

    static void put(std::int32_t* numbers, std::int32_t place, Way own) {
        numbers[Legs::number(place)] = static_cast<std::int32_t>(own);
        numbers[Legs::number(place) + kLanes] = static_cast<std::int32_t>(own >> 32);
    }

    void ways_by_time(const Scan& scan, const Stretch& at, std::int32_t side, std::int32_t* numbers) const {
        std::int32_t place = legs_.times_begin;
        for (const std::int32_t bars : legs_.time) {
            const std::int64_t last = std::min(at.entry + bars - 1, at.end);
            put(numbers, place++, last < scan.behind ? scan.way_at_close(last, at, side) : kNoWay);
        }
    }

    void go_through(std::size_t eight, std::size_t day, const Scanned& scanned, std::int64_t* daily) {
        Eight& s = eights_[eight];
        const I8 before = s.heights.closed;
        const auto n = static_cast<std::int64_t>(scanned.events.size() - kAhead);
        const Nth nth(static_cast<double>(day + 1));
        if (n) run_day_(s, scanned.events.data(), n, scanned.numbers.data(), board_, board_.days.date(day));
        fast_ ? avx2::end_day(s, nth) : baseline::end_day(s, nth);
        if (!daily) return;
        for (int k = 0; k < kLanes; ++k) {
            const std::int64_t place = order_.lanes[eight * kLanes + static_cast<std::size_t>(k)];
            if (place == Order::kNobody) continue;
            const std::int64_t lane = lanes_.lanes[static_cast<std::size_t>(place)];
            daily[lane * static_cast<std::int64_t>(board_.days.last.size()) + static_cast<std::int64_t>(day)] =
                static_cast<std::int64_t>(s.unit(k)) * (s.heights.closed[k] - before[k]);
        }
    }

    const Board& board_;
    const LaneClass& lanes_;
    const Order order_;
    const Legs legs_;
    const Plan* const plans_;
    const bool fast_;
    baseline::RunDay run_day_;
    std::vector<Eight> eights_;
};

}  // namespace esbt::sweep
