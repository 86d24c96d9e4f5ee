// The one loop: signals become orders, orders positions, positions trades, by the rulebook of step.hpp. While flat it skips to the next
// signal; it steps bar by bar only while in position. Knows no Python, no files, no threads.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "esbt/agenda.hpp"
#include "esbt/bars.hpp"
#include "esbt/decide.hpp"
#include "esbt/plan.hpp"
#include "esbt/size.hpp"
#include "esbt/step.hpp"

namespace esbt {

struct Market {
    BarsView bars;
    const Ends* ends = nullptr;  // of these bars
    const std::int8_t* signals = nullptr;
    const double* atr = nullptr;  // ticks, NaN while warming up
    FinerBars finer;
};

struct Outcome {
    std::vector<Trade> trades;
    Skipped skipped;
};

class Simulation {
  public:
    Simulation(const Market& market, const Plan& plan, const EntryModel& model)
        : m_(market),
          plan_(plan),
          model_(model),
          needs_atr_(model.stop.hook || std::isfinite(plan.stop_atr) || std::isfinite(plan.trail_atr) ||
                     std::isfinite(plan.chandelier_atr)),
          moves_(std::isfinite(plan.trail_atr) || std::isfinite(plan.chandelier_atr) || std::isfinite(plan.break_even_r)),
          signal_bars_(find_signals(market.signals, market.bars.n)),
          signals_(signal_bars_),
          ends_(plan.flat_at_close ? market.ends->session : market.ends->segment) {}

    Outcome run() {
        out_.trades.reserve(signal_bars_.size());
        for (std::int64_t t = signals_.at_or_after(0); t < m_.bars.n; t = signals_.at_or_after(t)) {
            fetch(signals_.ahead(kFetchAhead));
            Order order = place(t, m_.signals[t]);
            ++t;
            while (order.live) t = trade(order, t);  // a reversal hands its own order back
        }
        return std::move(out_);
    }

    // One trade per signal, each on its own (overlaps allowed, equity not carried over): what labels are made of.
    Outcome run_each() {
        for (std::int64_t t = signals_.at_or_after(0); t < m_.bars.n; t = signals_.at_or_after(t + 1)) {
            Order order = place(t, m_.signals[t]);
            if (order.live) trade(order, t + 1);
            closed_e4_ = peak_e4_ = 0;
        }
        return std::move(out_);
    }

  private:
    static constexpr std::size_t kFetchAhead = 8;

    struct Order {
        bool live = false;
        std::int32_t side = 0;
        double atr = 0.0;
        Decision decision{};
    };

    // Signals lie far apart: ask for what the one at bar t will read before its turn comes.
    void fetch(std::int64_t t) const {
        __builtin_prefetch(m_.atr + t);
        __builtin_prefetch(m_.bars.open + t + 1);
        __builtin_prefetch(m_.bars.high + t + 1);
        __builtin_prefetch(m_.bars.low + t + 1);
    }

    // Rule 1: the signal of bar t, at its close. A dead order was dropped, and counted.
    Order place(std::int64_t t, std::int32_t side) {
        Order o;
        if (ends_.at_or_after(t) == t) return ++out_.skipped.boundary, o;
        o.atr = m_.atr[t];
        if (needs_atr_ && std::isnan(o.atr)) return ++out_.skipped.atr, o;
        o.side = side;
        o.decision = decide(model_, {t, side, plan_.stop_atr, model_.asks() ? drawdown() : 0.0});
        o.live = o.decision.take;
        out_.skipped.confidence += !o.live;
        return o;
    }

    double drawdown() const {
        const double peak = static_cast<double>(plan_.cash_e4 + peak_e4_);
        return peak > 0 ? static_cast<double>(peak_e4_ - closed_e4_) / peak : 0.0;
    }

    std::int32_t size(const Position& p, double atr, std::int64_t entry_bar) const {
        const double price = plan_.sizing == Sizing::kelly ? std::abs(static_cast<double>(m_.bars.close[entry_bar - 1])) : 1.0;
        return contracts_for(plan_, {plan_.cash_e4 + closed_e4_, p.stop_distance, p.confidence, atr / price});
    }

    // Enters at the open of bar j and holds to the exit. Returns the first bar whose signal counts again; a reversal leaves its order in
    // `order`.
    std::int64_t trade(Order& order, std::int64_t j) {
        const Order taken = order;
        order.live = false;
        Position p = enter(sided(m_.bars, j, taken.side), plan_, taken.decision.stop_atr, taken.atr);
        p.side = taken.side;
        p.entry_bar = j;
        p.confidence = taken.decision.confidence;
        p.contracts = size(p, taken.atr, j);
        if (p.contracts == 0) return ++out_.skipped.size, j;
        const std::int64_t last = std::min(ends_.at_or_after(j), j + plan_.max_bars - 1);
        bool reversing = false;
        for (;; ++j) {
            const std::int64_t signal = signals_.at_or_after(j);
            if (!moves_ && !reversing) j = skip_quiet(p, j, std::min(last, signal));
            const SidedBar b = sided(m_.bars, j, p.side);
            p.see(b.open);
            Exit e = exit_at_open(p, b.open, plan_);
            if (!e.hit && reversing) e = {true, b.open - plan_.slippage_ticks, Reason::reverse};
            if (!e.hit) e = exit_inside(p, b, plan_, m_.finer, j);
            if (!e.hit) {
                p.see(b.high);
                p.see(b.low);
                if (j == last) e = {true, b.close - plan_.slippage_ticks, reason_at_close(j)};
            }
            if (e.hit) return record(p, e, j), j;
            if (moves_) move_levels(p, plan_, m_.atr[j]);
            if (j == signal) reversing = in_position_signal(p, j, order);
        }
    }

    std::int64_t skip_quiet(Position& p, std::int64_t j, std::int64_t limit) const {
        return p.side > 0 ? skip_quiet_side<1>(p, j, limit) : skip_quiet_side<-1>(p, j, limit);
    }

    // First bar of [j, limit] at which a level that rests is touched, or limit. The bars before it only add to the extremes.
    template <int Side>
    std::int64_t skip_quiet_side(Position& p, std::int64_t j, std::int64_t limit) const {
        const std::int32_t* adverse = Side > 0 ? m_.bars.low : m_.bars.high;
        const std::int32_t* favourable = Side > 0 ? m_.bars.high : m_.bars.low;
        std::int32_t worst = p.worst, best = p.best;
        for (; j < limit; ++j) {
            const std::int32_t a = Side * adverse[j], f = Side * favourable[j];
            if ((a <= p.stop) | (f >= p.target)) break;
            worst = std::min(worst, a);
            best = std::max(best, f);
        }
        p.worst = worst;
        p.best = best;
        return j;
    }

    Reason reason_at_close(std::int64_t j) const {
        if (j + 1 == m_.bars.n) return Reason::end_of_data;
        if (m_.bars.segment[j] != m_.bars.segment[j + 1]) return Reason::contract_end;
        if (plan_.flat_at_close && m_.bars.session[j] != m_.bars.session[j + 1]) return Reason::session_close;
        return Reason::max_bars;
    }

    // True when the position is to be reversed at the next open; the entry model may still refuse the new side. (Bar j ends neither a
    // contract nor a day that closes positions, or there would be none.)
    bool in_position_signal(const Position& p, std::int64_t j, Order& order) {
        const std::int32_t side = m_.signals[j];
        if (needs_atr_ && std::isnan(m_.atr[j])) return ++out_.skipped.atr, false;
        if (!plan_.reverse || side == p.side) return ++out_.skipped.in_position, false;
        order = place(j, side);
        return true;
    }

    void record(const Position& p, const Exit& e, std::int64_t j) {
        Trade& t = out_.trades.emplace_back();  // filled in place: a copy would wait for its own stores
        t.entry_bar = p.entry_bar;
        t.exit_bar = j;
        t.contracts = p.contracts;
        t.entry_price = p.entry * p.side;
        t.exit_price = e.price * p.side;
        t.stop_distance = p.stop_distance;
        t.target_distance = p.target_distance;
        t.mae_ticks = std::max(0, p.entry - p.worst);
        t.mfe_ticks = std::max(0, p.best - p.entry);
        t.side = static_cast<std::int8_t>(p.side);
        t.reason = e.reason;
        t.ambiguous = p.ambiguous;
        t.confidence = p.confidence;
        t.costs_e4 = std::int64_t{2} * p.contracts * plan_.fee_e4;
        t.pnl_e4 = static_cast<std::int64_t>(e.price - p.entry) * p.contracts * plan_.tick_value_e4 - t.costs_e4;
        closed_e4_ += t.pnl_e4;
        peak_e4_ = std::max(peak_e4_, closed_e4_);
    }

    const Market& m_;
    const Plan& plan_;
    const EntryModel& model_;
    const bool needs_atr_, moves_;
    const BarNumbers signal_bars_;
    Cursor signals_, ends_;
    std::int64_t closed_e4_ = 0, peak_e4_ = 0;
    Outcome out_;
};

inline Outcome simulate(const Market& market, const Plan& plan, const EntryModel& model = {}) {
    return Simulation(market, plan, model).run();
}

inline Outcome simulate_each(const Market& market, const Plan& plan, const EntryModel& model = {}) {
    return Simulation(market, plan, model).run_each();
}

}  // namespace esbt
