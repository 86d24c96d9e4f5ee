// The one loop: signals become orders, orders positions, positions trades, by the rulebook of fill.hpp, exits.hpp and step.hpp. While flat
// it skips to the next signal; it steps bar by bar only while in position. Knows no Python, no files, no threads.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/agenda.hpp"
#include "esbt/bars.hpp"
#include "esbt/day.hpp"
#include "esbt/decide.hpp"
#include "esbt/dynamic.hpp"
#include "esbt/plan.hpp"
#include "esbt/record.hpp"
#include "esbt/rules.hpp"
#include "esbt/size.hpp"
#include "esbt/step.hpp"

namespace esbt {

struct Market {
    BarsView bars;
    const Ends* ends = nullptr;  // of these bars
    const std::int8_t* signals = nullptr;
    const double* atr = nullptr;            // ticks, NaN while warming up
    const std::int64_t* fees_e4 = nullptr;  // per bar, contract and side; null: the plan's
    const std::int32_t* slips = nullptr;    // per bar, ticks on top of the plan's slippage; null: none
    FinerBars finer;
};

struct Outcome {
    std::vector<Trade> trades;
    Skipped skipped;
};

// kMore: whether any rule of rules.hpp is on.
template <bool kMore>
class Simulation {
  public:
    Simulation(const Market& market, const Plan& plan, const EntryModel& model, const Rules& rules)
        : m_(market),
          plan_(plan),
          model_(model),
          needs_atr_(model.stop.hook || model.dynamic.ask.hook || uses_atr(plan)),
          day_(plan),
          rules_(rules),
          asks_drawdown_(model.dynamic.asks_for(kDrawdown)),
          signal_bars_(find_signals(market.signals, market.bars.n)),
          signals_(signal_bars_),
          ends_(plan.flat_at_close ? market.ends->session : market.ends->segment) {}

    Outcome run() {
        out_.trades.reserve(signal_bars_.size());
        for (std::int64_t t = signals_.at_or_after(0); t < m_.bars.n; t = signals_.at_or_after(t)) {
            fetch(signals_.ahead(kFetchAhead));
            see_session(t, closed_e4_);
            Order order = place(t, m_.signals[t], true);
            ++t;
            if (order.live) t = wait(order, t);
            while (order.live) t = trade(order, t);  // a reversal hands its own order back
        }
        return std::move(out_);
    }

    // One trade per signal, each on its own (overlaps allowed, equity not carried over): what labels are made of.
    Outcome run_each() {
        for (std::int64_t t = signals_.at_or_after(0); t < m_.bars.n; t = signals_.at_or_after(t + 1)) {
            closed_e4_ = peak_e4_ = 0;
            day_.reset();
            Order order = place(t, m_.signals[t], true);
            std::int64_t entry = 0;
            if (order.live) entry = wait(order, t + 1);
            if (order.live) trade(order, entry);
        }
        return std::move(out_);
    }

  private:
    static constexpr std::size_t kFetchAhead = 8;

    bool on(bool rule) const { return kMore && rule; }

    struct Order {
        bool live = false, wanted = false;  // wanted: only the entry model could still refuse it
        std::int32_t side = 0;
        std::int64_t signal_bar = 0;
        double atr = 0.0;
        Decision decision{};
        Fill fill{};  // of a stop or limit order
    };

    // Signals lie far apart: ask for what the one at bar t will read before its turn comes.
    void fetch(std::int64_t t) const {
        __builtin_prefetch(m_.atr + t);
        __builtin_prefetch(m_.bars.open + t + 1);
        __builtin_prefetch(m_.bars.high + t + 1);
        __builtin_prefetch(m_.bars.low + t + 1);
    }

    void see_session(std::int64_t bar, std::int64_t equity_e4) {
        // A contract's end ends the session too: the next contract's bars are another one, whatever their date.
        if (on(rules_.day)) day_.enter_session({m_.bars.segment[bar], m_.bars.session[bar]}, equity_e4);
    }

    // Reasons that drop a signal whether or not a position is open.
    bool dropped_early(std::int64_t t) {
        if (ends_.at_or_after(t) <= t + plan_.latency_bars) return ++out_.skipped.boundary, true;
        if (needs_atr_ && std::isnan(m_.atr[t])) return ++out_.skipped.atr, true;
        return false;
    }

    // Rule 1: the signal of bar t, at its close. A dead order was dropped, and counted.
    Order place(std::int64_t t, std::int32_t side, bool flat) {
        Order o;
        if (flat && dropped_early(t)) return o;
        if (on(rules_.day) && day_.refuses(t, flat, closed_e4_, out_.skipped)) return o;
        o.wanted = true;
        o.side = side;
        o.signal_bar = t;
        o.atr = m_.atr[t];
        o.decision = decide(model_, {t, side, plan_.stop_atr, model_.asks() ? drawdown() : 0.0});
        o.live = o.decision.take;
        out_.skipped.confidence += !o.live;
        return o;
    }

    // The bar in which the order enters, `t` being the first it could have without latency. A stop or limit order that does not fill is
    // dead, and counted, and the bar is the last in which it rested: a signal there counts again. Signals while it waits are ignored.
    std::int64_t wait(Order& order, std::int64_t t) {
        const std::int64_t first = t + plan_.latency_bars;
        const std::int64_t entry = on(rules_.resting) ? rest(order, first) : first;
        if (entry > t)
            for (t = signals_.at_or_after(t); t < entry; t = signals_.at_or_after(t + 1)) out_.skipped.in_position += !dropped_early(t);
        return entry;
    }

    std::int64_t rest(Order& order, std::int64_t first) {
        const std::int64_t last = std::min(ends_.at_or_after(first), first + plan_.entry_bars - 1);
        const std::int32_t level = resting_level(plan_, order.side * m_.bars.close[order.signal_bar], order.atr);
        for (std::int64_t j = first; j <= last; ++j)
            if (meet(plan_, level, order.side, m_.bars, m_.finer, j, order.fill)) return j;
        order.live = false;
        ++out_.skipped.expired;
        return last;
    }

    [[noreturn, gnu::cold, gnu::noinline]] static void too_much(const char* what, std::int32_t contracts, std::int64_t bar) {
        throw std::overflow_error(what + std::to_string(contracts) + " contracts at bar " + std::to_string(bar));
    }

    double drawdown() const {
        const double peak = static_cast<double>(plan_.cash_e4 + peak_e4_);
        return peak > 0 ? static_cast<double>(peak_e4_ - closed_e4_) / peak : 0.0;
    }

    std::int64_t fee_e4(std::int64_t bar) const { return m_.fees_e4 ? m_.fees_e4[bar] : plan_.fee_e4; }

    std::int32_t size(const Position& p, double atr) const {
        const double price = plan_.sizing == Sizing::kelly ? std::abs(static_cast<double>(m_.bars.close[p.signal_bar])) : 1.0;
        return contracts_for(plan_, {plan_.cash_e4 + closed_e4_, p.stop_distance, p.confidence, atr / price, atr, p.fee_e4});
    }

    // Enters in bar j and holds to the exit. Returns the first bar whose signal counts again; a reversal leaves its order in `order`.
    std::int64_t trade(Order& order, std::int64_t j) {
        const Order taken = order;
        order.live = false;
        const std::int32_t price = on(rules_.resting) ? taken.fill.price : taken.side * m_.bars.open[j];
        Position p = enter(price, slip(j), plan_, taken.decision.stop_atr, taken.atr);
        p.side = taken.side;
        p.signal_bar = taken.signal_bar;
        p.entry_bar = j;
        p.confidence = taken.decision.confidence;
        p.fee_e4 = fee_e4(j);
        const std::int32_t asked = size(p, taken.atr);
        if (asked == 0) return ++out_.skipped.size, j;
        p.contracts = on(rules_.volume) ? filled_of(asked, plan_, m_.bars.volume[j]) : asked;
        if (p.contracts == 0) return ++out_.skipped.volume, j;
        if (static_cast<double>(p.contracts) * static_cast<double>(plan_.tick_value_e4) > static_cast<double>(kMostPerTick))
            too_much("a position of ", p.contracts, j);
        if (on(rules_.parts)) set_parts(p, plan_, risk_ticks(plan_, taken.decision.stop_atr, taken.atr));
        see_session(j, closed_e4_);
        if (on(rules_.day)) day_.count_trade();
        const std::int64_t end = ends_.at_or_after(j), last = std::min(end, j + plan_.max_bars - 1);
        const Fill* entry = on(taken.fill.inside) ? &taken.fill : nullptr;
        bool reversing = false;
        for (;; ++j, entry = nullptr) {
            const std::int64_t signal = signals_.at_or_after(j);
            if (!on(rules_.each_bar()) && !reversing && !entry) j = skip_quiet(p, j, std::min(last, signal));
            if (on(rules_.slips)) p.slippage = p.base_slippage + m_.slips[j];
            const SidedBar b = sided(m_.bars, j, p.side);
            if (step<kMore>(p, {b, j, reversing, entry}, plan_, m_.finer, [&](const Exit& e) { record(p, e, j); })) return j;
            if (on(rules_.limits) || j == last)
                if (const Exit e = exit_at_close(p, b.close, j, {end, last}); e.hit) return record(p, e, j), j;
            if (on(rules_.moves)) move_levels(p, plan_, m_.atr[j]);
            if (on(rules_.dynamic)) ask_again(p, model_, j, b.close, m_.atr[j], asks_drawdown_ ? drawdown() : 0.0);
            if (on(rules_.parts)) move_stop_of_parts(p);
            if (j == signal) reversing = in_position_signal(p, j, order);
            if (on(rules_.limits)) see_session(j + 1, closed_e4_ + open_e4(p, b.close));
        }
    }

    std::int32_t slip(std::int64_t bar) const { return on(rules_.slips) ? m_.slips[bar] : 0; }

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
            if ((a <= p.stop) | (f >= p.next)) break;
            worst = std::min(worst, a);
            best = std::max(best, f);
        }
        p.worst = worst;
        p.best = best;
        return j;
    }

    struct Closing {
        std::int64_t end, last;  // bar that ends contract, day or data; bar at whose close the position is out at the latest
    };

    Exit exit_at_close(const Position& p, std::int32_t close, std::int64_t j, Closing when) {
        Exit e{true, close - p.slippage, Reason::max_bars};
        if (j == when.end) {
            e.reason = end_reason(j);
        } else if (on(rules_.limits) && day_.beyond(closed_e4_ + open_e4(p, close), e.reason)) {
            day_.halt();
        } else {
            e.hit = j == when.last;
        }
        return e;
    }

    Reason end_reason(std::int64_t j) const {
        if (j + 1 == m_.bars.n) return Reason::end_of_data;
        return m_.bars.segment[j] != m_.bars.segment[j + 1] ? Reason::contract_end : Reason::session_close;
    }

    // The open position marked at a close, its entry fees paid.
    std::int64_t open_e4(const Position& p, std::int32_t close) const {
        return p.contracts * (static_cast<std::int64_t>(close - p.entry) * plan_.tick_value_e4 - p.fee_e4);
    }

    // True when the position is to be reversed at the next open; the entry model may still refuse the new side. (Bar j ends neither a
    // contract nor a day that closes positions, or there would be none.)
    bool in_position_signal(const Position& p, std::int64_t j, Order& order) {
        const std::int32_t side = m_.signals[j];
        if (dropped_early(j)) return false;
        if (!plan_.reverse || side == p.side) return ++out_.skipped.in_position, false;
        see_session(j, closed_e4_);  // with daily limits it is there already
        order = place(j, side, false);
        return order.wanted;
    }

    void record(const Position& p, const Exit& e, std::int64_t j) {
        Trade& t = out_.trades.emplace_back();
        write_trade<kMore>(t, p, e, j, plan_.tick_value_e4, fee_e4(j));
        closed_e4_ += t.pnl_e4;
        if (closed_e4_ > kMostMoney || closed_e4_ < -kMostMoney) too_much("closed trades up to one of ", p.contracts, j);
        peak_e4_ = std::max(peak_e4_, closed_e4_);
        if (on(rules_.day) && e.reason != Reason::scale_out) day_.trade_ended(e.reason, j);
    }

    const Market& m_;
    const Plan& plan_;
    const EntryModel& model_;
    const bool needs_atr_;
    Day day_;
    const Rules& rules_;
    const bool asks_drawdown_;
    const BarNumbers signal_bars_;
    Cursor signals_, ends_;
    std::int64_t closed_e4_ = 0, peak_e4_ = 0;
    Outcome out_;
};

inline Outcome simulate(const Market& market, const Plan& plan, const EntryModel& model = {}) {
    const Rules rules(plan, model, market.slips);
    return rules.any() ? Simulation<true>(market, plan, model, rules).run() : Simulation<false>(market, plan, model, rules).run();
}

inline Outcome simulate_each(const Market& market, const Plan& plan, const EntryModel& model = {}) {
    const Rules rules(plan, model, market.slips);
    return rules.any() ? Simulation<true>(market, plan, model, rules).run_each() : Simulation<false>(market, plan, model, rules).run_each();
}

}  // namespace esbt
