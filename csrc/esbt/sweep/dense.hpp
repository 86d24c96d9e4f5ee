// The lanes of a class over the whole market: a stretch of days is scanned, signal by signal, and then each eight of lanes goes through it.
// Both halves are shared out among threads; what a lane gives does not depend on how.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "esbt/sweep/crew.hpp"
#include "esbt/sweep/kernel.hpp"

namespace esbt::sweep {

class Dense {
  public:
    Dense(const Board& board, const LaneClass& lanes, const Plan* plans) : board_(board), lanes_(lanes), plans_(plans) {
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
        if (end.low[k] != kNoExit) end.end_stretch(k, board_.days.of_bar[board_.m.bars.n - 1], std::numeric_limits<double>::quiet_NaN());
        t.trades = s.trades[k];
        t.wins = s.wins[k];
        t.losses = s.losses[k];
        t.win_run = s.longest_wins[k];
        t.loss_run = s.longest_losses[k];
        t.ambiguous = s.ambiguous[k];
        t.bars_in = s.bars_in[k];
        t.won_e4 = money.unit_e4 * s.won[k];
        t.net_e4 = money.unit_e4 * s.closed[k];
        t.costs_e4 = 2 * p.fee_e4 * p.contracts * t.trades;
        t.under_days = end.under_days[k];
        t.deepest = end.deepest[k].depth;
        t.recovery_days = end.deepest[k].recovery_days;
        t.ruined = s.equity_e4(k, s.lowest[k]) <= 0;
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

    struct Scanned {  // a day
        std::vector<Event> events;
        std::vector<std::int32_t> numbers;
    };

    Eight begin(std::size_t first) const {
        Eight s{};
        const std::int32_t stops = 0, targets = lanes_.stops.size(), trails = targets + lanes_.targets.size(),
                           times = trails + lanes_.trails.size();
        for (int k = 0; k < kLanes; ++k) {
            const std::size_t place = std::min(first + static_cast<std::size_t>(k), lanes_.lanes.size() - 1);
            const Plan& p = plans_[lanes_.lanes[place]];
            const Money money(p);
            s.stop[k] = stops + lanes_.stop[place];
            s.target[k] = targets + lanes_.target[place];
            s.trail[k] = trails + lanes_.trail[place];
            s.time[k] = times + lanes_.time[place];
            s.tick[k] = money.tick;
            s.fee[k] = money.fee;
            s.cash_e4[k / 4][k % 4] = static_cast<double>(p.cash_e4);
            s.unit_e4[k / 4][k % 4] = static_cast<double>(money.unit_e4);
            s.low[k] = kNoExit;
            s.peak_day[k] = board_.days.of_bar[0];
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
        return {m.equity[i], m.peak[i], m.mean[i], m.m2[i], m.m3[i],  m.m4[i],   m.gain[i],
                m.pain[i],   m.downside[i], m.low[i], m.high[i], m.ulcer[i]};
    }

    void scan_day(std::size_t day, Scan& scan, std::vector<std::int32_t>& distance, Scanned& out) const {
        const std::int64_t base = board_.days.first(day);
        const auto legs = static_cast<std::size_t>(lanes_.legs());
        distance.resize(legs);
        out.events.clear();
        out.numbers.clear();
        for (std::int64_t q = board_.first_of_day[day]; q < board_.first_of_day[day + 1]; ++q) {
            const Signal& signal = board_.signals[static_cast<std::size_t>(q)];
            const std::int64_t entry = signal.bar + 1 + board_.how.latency;
            const std::int64_t last = std::min(signal.end, entry + longest_ - 1);
            const std::size_t at = out.numbers.size();
            out.numbers.resize(at + legs + static_cast<std::size_t>(last - entry + 1));
            std::int32_t* const numbers = out.numbers.data() + at;
            Event e{};
            e.signal = static_cast<std::int32_t>(signal.bar - base);
            e.entry = static_cast<std::int32_t>(entry - base);
            e.base = base;
            e.side = board_.m.signals[signal.bar];
            e.legs = static_cast<std::int64_t>(at);
            e.marks = static_cast<std::int64_t>(at + legs);
            const Reach wanted = measure(board_.m.atr[signal.bar], distance.data());
            e.end_exit = scan.run(e.side, entry, base, last, wanted, numbers + legs);
            e.price = scan.entry;
            look_up_all(scan, entry, base, last, e, distance.data(), numbers);
            out.numbers.resize(at + legs + static_cast<std::size_t>(scan.behind - entry));
            out.events.push_back(e);
        }
    }

    // The legs' distances at an ATR, and the widest of each kind.
    Reach measure(double atr, std::int32_t* out) const {
        Reach widest{0, 0, 0};
        const auto put = [&](std::int32_t ticks, std::int32_t& most) { *out++ = ticks, most = std::max(most, ticks); };
        std::int32_t* const stops = out;
        for (const Stop& s : lanes_.stops.values) put(std::min(distance_ticks(times(s.atr, atr)), s.ticks), widest.stop);
        (void)stops;
        for (const Target& t : lanes_.targets.values) {
            double by_risk = kOff;
            if (t.stop >= 0) {
                const Stop& s = lanes_.stops.values[static_cast<std::size_t>(t.stop)];
                const double risk = std::min(times(s.atr, atr), real_ticks(s.ticks));
                if (std::isfinite(risk)) by_risk = t.r * risk;
            }
            put(std::min(std::min(distance_ticks(by_risk), distance_ticks(times(t.atr, atr))), t.ticks), widest.target);
        }
        for (const Trail& t : lanes_.trails.values) put(std::min(distance_ticks(times(t.atr, atr)), t.ticks), widest.trail);
        return widest;
    }

    void look_up_all(const Scan& scan, std::int64_t entry, std::int64_t base, std::int64_t last, const Event& e, const std::int32_t* distance,
                     std::int32_t* numbers) const {
        const std::int64_t stops = lanes_.stops.size(), targets = lanes_.targets.size(), trails = lanes_.trails.size();
        look_up(distance, stops, scan.stops, numbers);
        look_up(distance + stops, targets, scan.targets, numbers + stops);
        look_up(distance + stops + targets, trails, scan.trails, numbers + stops + targets);
        numbers += stops + targets + trails;
        for (const std::int32_t bars : lanes_.times.values) {
            const std::int64_t at = std::min(entry + bars - 1, last);
            *numbers++ = at == last && e.end_exit != kNoExit ? e.end_exit : at < scan.behind ? close_exit(at, base, e) : kNoExit;
        }
    }

    std::int32_t close_exit(std::int64_t at, std::int64_t base, const Event& e) const {
        return board_.packing.pack(static_cast<std::int32_t>(at - base), kAtClose, e.side * board_.m.bars.close[at] - e.price - board_.how.slippage);
    }

    static void look_up(const std::int32_t* distance, std::int64_t n, const Stairs& stairs, std::int32_t* out) {
        const std::int32_t beyond = stairs.reached() + 1;
        const std::int32_t* const exits = stairs.exits();
        for (std::int64_t k = 0; k < n; ++k) out[k] = exits[std::min(distance[k], beyond)];
    }

    void go_through(std::size_t eight, std::size_t day, const Scanned& scanned, std::int64_t* daily) {
        Eight& s = eights_[eight];
        const I8 before = s.closed;
        const bool trails = lanes_.has_trails(), times = lanes_.has_times();
        const auto n = static_cast<std::int64_t>(scanned.events.size());
        const auto go = [&](auto run_day) { run_day(s, scanned.events.data(), n, scanned.numbers.data(), board_, board_.days.date(day)); };
        const Nth nth(static_cast<double>(day + 1));
        if (features::has_avx2()) {
            if (n) trails ? (times ? go(avx2::run_day<true, true>) : go(avx2::run_day<true, false>))
                          : (times ? go(avx2::run_day<false, true>) : go(avx2::run_day<false, false>));
            avx2::end_day(s, nth);
        } else {
            if (n) trails ? (times ? go(baseline::run_day<true, true>) : go(baseline::run_day<true, false>))
                          : (times ? go(baseline::run_day<false, true>) : go(baseline::run_day<false, false>));
            baseline::end_day(s, nth);
        }
        if (!daily) return;
        for (int k = 0; k < kLanes; ++k) {
            const std::size_t place = eight * kLanes + static_cast<std::size_t>(k);
            if (place >= lanes_.lanes.size()) break;
            daily[lanes_.lanes[place] * static_cast<std::int64_t>(board_.days.last.size()) + static_cast<std::int64_t>(day)] =
                static_cast<std::int64_t>(s.unit(k)) * (s.closed[k] - before[k]);
        }
    }

    const Board& board_;
    const LaneClass& lanes_;
    const Plan* const plans_;
    const std::int64_t longest_ = *std::max_element(lanes_.times.values.begin(), lanes_.times.values.end());
    std::vector<Eight> eights_;
};

}  // namespace esbt::sweep
