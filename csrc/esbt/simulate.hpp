// The one loop: signals become orders, orders positions, positions trades, by the rulebook of step.hpp. While flat it skips to the next
// signal; it steps bar by bar only while in position. Knows no Python, no files, no threads.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "esbt/bars.hpp"
#include "esbt/decide.hpp"
#include "esbt/plan.hpp"
#include "esbt/size.hpp"
#include "esbt/step.hpp"

namespace esbt {

struct Market {
    BarsView bars;
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
          moves_(std::isfinite(plan.trail_atr) || std::isfinite(plan.chandelier_atr) || std::isfinite(plan.break_even_r)) {}

    Outcome run() {
        for (std::int64_t t = next_signal(0); t < m_.bars.n; t = next_signal(t)) {
            Order order = place(t, m_.signals[t]);
            ++t;
            while (order.live) t = trade(order, t);  // a reversal hands its own order back
        }
        return std::move(out_);
    }

    // One trade per signal, each on its own (overlaps allowed, equity not carried over): what labels are made of.
    Outcome run_each() {
        for (std::int64_t t = next_signal(0); t < m_.bars.n; t = next_signal(t + 1)) {
            Order order = place(t, m_.signals[t]);
            if (order.live) trade(order, t + 1);
            closed_e4_ = peak_e4_ = 0;
        }
        return std::move(out_);
    }

  private:
    struct Order {
        bool live = false;
        std::int32_t side = 0;
        double atr = 0.0, price = 0.0;
        Decision decision{};
    };

    std::int64_t next_signal(std::int64_t t) const {
        const std::int64_t n = m_.bars.n;
        for (std::uint64_t word; t + 8 <= n; t += 8) {
            std::memcpy(&word, m_.signals + t, 8);
            if (word) break;
        }
        while (t < n && !m_.signals[t]) ++t;
        return t;
    }

    bool ends_segment(std::int64_t j) const { return j + 1 == m_.bars.n || m_.bars.segment[j] != m_.bars.segment[j + 1]; }
    bool ends_day(std::int64_t j) const {
        return plan_.flat_at_close && (j + 1 == m_.bars.n || m_.bars.session[j] != m_.bars.session[j + 1]);
    }

    // Rule 1: the signal of bar t, at its close. A dead order was dropped, and counted.
    Order place(std::int64_t t, std::int32_t side) {
        Order o;
        if (ends_segment(t) || ends_day(t)) return ++out_.skipped.boundary, o;
        o.atr = m_.atr[t];
        if (needs_atr_ && std::isnan(o.atr)) return ++out_.skipped.atr, o;
        o.side = side;
        o.price = std::abs(static_cast<double>(m_.bars.close[t]));
        o.decision = decide(model_, {t, side, plan_.stop_atr, drawdown()});
        o.live = o.decision.take;
        out_.skipped.confidence += !o.live;
        return o;
    }

    double drawdown() const {
        const double peak = static_cast<double>(plan_.cash_e4 + peak_e4_);
        return peak > 0 ? static_cast<double>(peak_e4_ - closed_e4_) / peak : 0.0;
    }

    // Enters at the open of bar j and holds to the exit. Returns the first bar whose signal counts again; a reversal leaves its order in
    // `order`.
    std::int64_t trade(Order& order, std::int64_t j) {
        const Order taken = order;
        order = Order{};
        Position p = enter(sided(m_.bars, j, taken.side), plan_, taken.decision.stop_atr, taken.atr);
        p.side = taken.side;
        p.entry_bar = j;
        p.confidence = taken.decision.confidence;
        p.contracts = contracts_for(plan_, {plan_.cash_e4 + closed_e4_, p.stop_distance, p.confidence, taken.atr / taken.price});
        if (p.contracts == 0) return ++out_.skipped.size, j;
        bool reversing = false;
        for (;; ++j) {
            const SidedBar b = sided(m_.bars, j, p.side);
            p.see(b.open);
            Exit e = exit_at_open(p, b.open, plan_);
            if (!e.hit && reversing) e = {true, b.open - plan_.slippage_ticks, Reason::reverse};
            if (!e.hit) e = exit_inside(p, b, plan_, m_.finer, j);
            if (!e.hit) e = exit_at_close(p, b, j);
            if (e.hit) return record(p, e, j), j;
            if (moves_) move_levels(p, plan_, m_.atr[j]);
            if (m_.signals[j]) reversing = in_position_signal(p, j, order);
        }
    }

    Exit exit_at_close(Position& p, const SidedBar& b, std::int64_t j) const {
        p.see(b.high);
        p.see(b.low);
        const std::int32_t price = b.close - plan_.slippage_ticks;
        if (j + 1 == m_.bars.n) return {true, price, Reason::end_of_data};
        if (ends_segment(j)) return {true, price, Reason::contract_end};
        if (ends_day(j)) return {true, price, Reason::session_close};
        if (j - p.entry_bar + 1 >= plan_.max_bars) return {true, price, Reason::max_bars};
        return {};
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
        Trade t{};
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
        out_.trades.push_back(t);
    }

    const Market& m_;
    const Plan& plan_;
    const EntryModel& model_;
    const bool needs_atr_, moves_;
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
