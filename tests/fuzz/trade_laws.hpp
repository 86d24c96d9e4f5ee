// What must hold of every single trade, whatever the market, the plan and the hooks: each from the rulebook's words, by other means than
// the core's. To add a rule: its law here, or in run_laws.hpp if it is of more than one trade.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "random_case.hpp"

namespace fuzz {

inline std::uint64_t seed_now = 0;

inline void require(bool held, const char* law) {
    if (held) return;
    std::fprintf(stderr, "case of seed %llu: %s\n", static_cast<unsigned long long>(seed_now), law);
    std::exit(1);
}

inline bool within(std::int64_t x, std::int64_t low, std::int64_t high) { return low <= x && x <= high; }

inline bool by_stop(esbt::Reason r) {
    return r == esbt::Reason::stop || r == esbt::Reason::trail || r == esbt::Reason::break_even || r == esbt::Reason::dynamic_stop;
}
inline bool by_limit(esbt::Reason r) { return r == esbt::Reason::target || r == esbt::Reason::scale_out; }

// Of a trade, in ticks times its side: what the market paid, and what was on top of it.
struct Prices {
    esbt::SidedBar entry_bar, exit_bar;
    std::int64_t fill, out;              // as booked
    std::int64_t entry_slip, exit_slip;  // that a market or stop fill pays
    std::int64_t market_in, market_out;  // before slippage
};

inline std::int64_t slippage_at(const Case& c, std::int64_t signal_bar, std::int64_t bar) {
    std::int64_t ticks = c.plan.slippage_ticks + c.slip(bar);
    const double more = std::ceil(c.plan.slippage_atr * c.atr[static_cast<std::size_t>(signal_bar)]);
    if (c.plan.slippage_atr > 0) ticks += static_cast<std::int64_t>(std::min(more, 0x1p26));
    return ticks;
}

inline Prices prices_of(const Case& c, const esbt::Trade& t) {
    const esbt::BarsView b = c.bars.view();
    Prices p{esbt::sided(b, t.entry_bar, t.side),
             esbt::sided(b, t.exit_bar, t.side),
             std::int64_t{t.entry_price} * t.side,
             std::int64_t{t.exit_price} * t.side,
             slippage_at(c, t.signal_bar, t.entry_bar),
             slippage_at(c, t.signal_bar, t.exit_bar),
             0,
             0};
    p.market_in = c.plan.entry == esbt::Entry::limit ? p.fill : p.fill - p.entry_slip;
    p.market_out = by_limit(t.reason) ? p.out : p.out + p.exit_slip;
    return p;
}

inline void check_when(const Case& c, const esbt::Trade& t) {
    const esbt::BarsView b = c.bars.view();
    const esbt::Plan& p = c.plan;
    require(t.side == 1 || t.side == -1, "side is +1 or -1");
    require(within(t.signal_bar, 0, b.n - 1) && c.signals[static_cast<std::size_t>(t.signal_bar)] == t.side,
            "the signal asked for this side");
    const std::int64_t first = t.signal_bar + 1 + p.latency_bars, waited = t.entry_bar - first;
    require(within(waited, 0, p.entry == esbt::Entry::market ? 0 : p.entry_bars - 1), "entered while the order worked");
    require(t.entry_bar <= t.exit_bar && t.exit_bar < b.n, "entry <= exit, inside the bars");
    for (std::int64_t j = t.signal_bar; j <= t.exit_bar; ++j) {
        require(b.segment[j] == b.segment[t.signal_bar], "no seam inside a trade");
        if (p.flat_at_close) require(b.session[j] == b.session[t.signal_bar], "flat at the session's close");
    }
    require(t.exit_bar - t.entry_bar < p.max_bars, "held no longer than max_bars");
}

inline std::int64_t resting_at(const Case& c, const esbt::Trade& t) {
    const auto signal = static_cast<std::size_t>(t.signal_bar);
    double away = c.plan.entry_offset_ticks;  // off is far
    if (std::isfinite(c.plan.entry_offset_atr)) away = std::min(away, c.plan.entry_offset_atr * c.atr[signal]);
    const auto ticks = static_cast<std::int64_t>(std::ceil(away));
    return std::int64_t{c.bars.close[signal]} * t.side + (c.plan.entry == esbt::Entry::stop ? ticks : -ticks);
}

// Whether a resting order of this level fills in a bar.
inline bool fills(const esbt::Plan& p, std::int64_t level, const esbt::SidedBar& b) {
    if (p.entry == esbt::Entry::stop) return b.high >= level;
    return b.open <= level || level - b.low >= p.entry_through_ticks;
}

inline void check_entry(const Case& c, const esbt::Trade& t, const Prices& at) {
    const esbt::Plan& p = c.plan;
    if (p.entry == esbt::Entry::market)
        return require(at.market_in == at.entry_bar.open, "a market order fills at the open, and pays the slippage");
    const std::int64_t level = resting_at(c, t), first = t.signal_bar + 1 + p.latency_bars;
    for (std::int64_t j = first; j < t.entry_bar; ++j)
        require(!fills(p, level, esbt::sided(c.bars.view(), j, t.side)), "an order fills in the first bar that reaches it");
    require(fills(p, level, at.entry_bar), "the entry bar reaches the order");
    require(within(at.market_in, at.entry_bar.low, at.entry_bar.high), "an order fills inside the bar");
    if (p.entry == esbt::Entry::limit) require(at.fill <= level, "a limit entry is never worse than its level");
    if (p.entry == esbt::Entry::stop) require(at.market_in >= level, "a stop entry is never better than its level");
    const bool at_open = p.entry == esbt::Entry::limit ? at.entry_bar.open <= level : at.entry_bar.open >= level;
    if (at_open) require(at.market_in == at.entry_bar.open, "beyond the level at the open: filled there");
    if (!at_open && p.path != esbt::Path::finer) require(at.market_in == level, "inside the bar: filled at the level");
}

inline void check_close(const Case& c, const esbt::Trade& t) {
    const esbt::BarsView b = c.bars.view();
    const std::int64_t j = t.exit_bar;
    const bool end = j + 1 == b.n, seam = !end && b.segment[j] != b.segment[j + 1], night = !end && b.session[j] != b.session[j + 1];
    switch (t.reason) {
        case esbt::Reason::end_of_data:
            return require(end, "end_of_data in the last bar");
        case esbt::Reason::contract_end:
            return require(seam, "contract_end in a contract's last bar");
        case esbt::Reason::session_close:
            return require(night && !seam && c.plan.flat_at_close, "session_close in a session's last bar");
        case esbt::Reason::max_bars:
            return require(j - t.entry_bar + 1 == c.plan.max_bars, "max_bars in the last bar of so many");
        case esbt::Reason::daily_loss:
            return require(c.plan.daily_loss_e4 != esbt::kNoLimit, "daily_loss where there is one");
        default:
            return require(t.reason == esbt::Reason::daily_profit && c.plan.daily_profit_e4 != esbt::kNoLimit,
                           "daily_profit where there is one");
    }
}

inline void check_exit(const Case& c, const esbt::Trade& t, const Prices& at) {
    const esbt::Plan& p = c.plan;
    const bool exact = p.path != esbt::Path::finer;  // else the open of a finer bar may be the price
    require(within(at.market_out, at.exit_bar.low, at.exit_bar.high), "an exit fills inside the bar");
    if (by_limit(t.reason)) {
        const std::int64_t level = at.fill + t.target_distance;
        require(at.out >= level, "a limit exit is never worse than its level");
        require(!exact || at.out == level || at.out == at.exit_bar.open, "a limit exit fills at its level or beyond it at the open");
        if (t.reason == esbt::Reason::scale_out) require(std::isfinite(p.scale1_r), "scale_out where there are parts");
    } else if (by_stop(t.reason)) {
        const std::int64_t level = at.fill - t.stop_distance;
        if (t.reason == esbt::Reason::stop) {
            require(at.market_out <= level, "a stop exit is never better than its level");
            const bool at_once = p.entry == esbt::Entry::stop && at.market_in <= level && at.market_out == at.market_in;
            require(!exact || at_once || at.market_out == level || at.market_out == at.exit_bar.open,
                    "a stop fills at its level or the open");
        } else {
            require(t.exit_bar > t.entry_bar, "a stop moves at a close and holds from the next bar");
            if (!c.dynamic_asked || !c.dynamic.loosen)
                require(at.market_out > level || at.market_out == at.exit_bar.open || !exact, "a stop that moved is nearer than at first");
        }
        if (t.reason == esbt::Reason::trail)
            require(std::isfinite(p.trail_atr) || p.trail_ticks < esbt::kFar || std::isfinite(p.chandelier_atr),
                    "trail where a stop trails");
        if (t.reason == esbt::Reason::break_even)
            require(std::isfinite(p.break_even_r) || std::isfinite(p.scale1_stop_r) || std::isfinite(p.scale2_stop_r),
                    "break_even where one is");
        if (t.reason == esbt::Reason::dynamic_stop) require(c.dynamic_asked, "dynamic_stop where one is asked");
    } else if (t.reason == esbt::Reason::reverse) {
        require(p.reverse && t.exit_bar > t.entry_bar && at.market_out == at.exit_bar.open, "a reversal is at an open");
    } else {
        require(at.market_out == at.exit_bar.close, "what else ends a trade does so at the close");
        check_close(c, t);
    }
}

// A bar that the position lived through, to its close, held neither the stop of the entry, which only comes nearer, nor the target.
inline void check_life(const Case& c, const esbt::Trade& t, const Prices& at) {
    const esbt::Plan& p = c.plan;
    const bool limit = p.entry == esbt::Entry::limit, looser = c.dynamic_asked && c.dynamic.loosen;
    const bool at_close = !by_stop(t.reason) && !by_limit(t.reason) && t.reason != esbt::Reason::reverse;
    const std::int64_t stop = at.fill - t.stop_distance, target = at.fill + t.target_distance;
    for (std::int64_t j = t.entry_bar; j < t.exit_bar + at_close; ++j) {
        const esbt::SidedBar b = esbt::sided(c.bars.view(), j, t.side);
        // Of a bar that the order filled inside of only one extreme is sure to lie behind the fill, and the close.
        const bool part =
            j == t.entry_bar && p.entry != esbt::Entry::market && (limit ? b.open > resting_at(c, t) : b.open < resting_at(c, t));
        const std::int64_t low = part && !limit ? b.close : b.low, high = part && limit ? b.close : b.high;
        require(low > stop || looser, "it lives on: no stop was hit");
        require(high - p.target_through_ticks < target, "it lives on: its limit was not reached");
    }
    const std::int64_t open = at.exit_bar.open;
    if (t.exit_bar > t.entry_bar && !by_stop(t.reason) && !looser) require(open > stop, "the stop comes first at the open");
    if (t.exit_bar > t.entry_bar && t.reason == esbt::Reason::reverse) require(open < target, "the target comes before a reversal");
}

inline void check_excursions(const Case& c, const esbt::Trade& t, const Prices& at) {
    std::int64_t low = at.entry_bar.low, high = at.entry_bar.high;
    for (std::int64_t j = t.entry_bar; j <= t.exit_bar; ++j) {
        const esbt::SidedBar b = esbt::sided(c.bars.view(), j, t.side);
        low = std::min<std::int64_t>(low, b.low);
        high = std::max<std::int64_t>(high, b.high);
    }
    const auto most = [](std::int64_t ticks) { return std::max<std::int64_t>(0, ticks); };
    require(within(t.mae_ticks, most(at.fill - at.market_out), most(at.fill - low)), "mae between the exit and the lowest low");
    require(within(t.mfe_ticks, most(at.market_out - at.fill), most(high - at.fill)), "mfe between the exit and the highest high");
}

inline void check_trade(const Case& c, const esbt::Trade& t) {
    const esbt::Plan& p = c.plan;
    check_when(c, t);
    require(within(t.stop_distance, 1, esbt::kFar) && within(t.target_distance, 1, esbt::kFar), "distances in range");
    require(t.stop_distance <= p.stop_ticks, "the stop is no farther than stop_ticks");
    require(by_limit(t.reason) || t.target_distance <= p.target_ticks, "the target is no farther than target_ticks");
    require(within(static_cast<int>(t.reason), 0, static_cast<int>(esbt::Reason::dynamic_stop)), "a known reason");
    require(std::isnan(t.confidence) != c.confidence_asked && !(t.confidence < c.threshold), "the model said yes");
    const Prices at = prices_of(c, t);
    check_entry(c, t, at);
    check_exit(c, t, at);
    check_life(c, t, at);
    check_excursions(c, t, at);
    require(t.entry_costs_e4 == t.contracts * c.fee_e4(t.entry_bar), "the entry's fee is of its day");
    require(t.costs_e4 == t.entry_costs_e4 + t.contracts * c.fee_e4(t.exit_bar), "costs are two fees a contract, of their days");
    require(t.pnl_e4 == (at.out - at.fill) * t.contracts * p.tick_value_e4 - t.costs_e4, "pnl is ticks times value less costs");
}

}  // namespace fuzz
