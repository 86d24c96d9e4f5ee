// What must hold of a run: the trades of one position (the parts that left, then the rest), positions after one another, every signal
// accounted for, and equity by a formula of its own.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "esbt/equity.hpp"
#include "trade_laws.hpp"

namespace fuzz {

using Position = std::span<const esbt::Trade>;  // the trades of one entry

inline std::vector<Position> positions_of(const std::vector<esbt::Trade>& trades) {
    std::vector<Position> found;
    for (std::size_t i = 0, k = 0; i < trades.size(); i = k) {
        while (k < trades.size() && trades[k].signal_bar == trades[i].signal_bar) ++k;
        found.emplace_back(trades.data() + i, k - i);
    }
    return found;
}

inline std::int64_t contracts_of(Position position) {
    std::int64_t sum = 0;
    for (const esbt::Trade& t : position) sum += t.contracts;
    return sum;
}

inline void check_size(const Case& c, Position position) {
    const esbt::Plan& p = c.plan;
    const std::int64_t sum = contracts_of(position), volume = c.bars.volume[static_cast<std::size_t>(position[0].entry_bar)];
    for (const esbt::Trade& t : position) require(t.contracts >= 1, "a part of no contract does not exist");
    require(sum <= (p.sizing == esbt::Sizing::fixed ? p.contracts : p.max_contracts), "contracts in range");
    if (std::isfinite(p.volume_share)) require(sum <= p.volume_share * static_cast<double>(volume), "contracts within the share of volume");
    if (p.sizing == esbt::Sizing::fixed && !std::isfinite(p.volume_share)) require(sum == p.contracts, "all that entered leaves");
}

// A part that left moves the stop, if only to where it was: an exit in a later bar is no longer by the stop of the entry.
inline bool moves_the_stop(const Case& c, const esbt::Trade& part, int k) {
    const double multiple = k == 0 ? c.plan.scale1_stop_r : c.plan.scale2_stop_r;
    return std::isfinite(multiple) && std::floor(multiple * part.stop_distance) > -part.stop_distance;
}

inline void check_parts(const Case& c, Position position) {
    const esbt::Plan& p = c.plan;
    const esbt::Trade& last = position.back();
    const double sum = static_cast<double>(contracts_of(position));
    require(last.reason != esbt::Reason::scale_out, "something is left for the target");
    const double shares[] = {p.scale1_share, p.scale2_share}, multiples[] = {p.scale1_r, p.scale2_r};
    std::size_t i = 0;
    for (int k = 0; k < 2 && i + 1 < position.size(); ++k) {
        if (!std::isfinite(multiples[k]) || std::floor(shares[k] * sum) < 1) continue;
        const esbt::Trade& part = position[i++];
        require(part.contracts == std::floor(shares[k] * sum), "a part is its share of what entered, rounded down");
        if (!c.stop_asked) {
            double risk = p.stop_ticks < esbt::kFar ? p.stop_ticks : esbt::kOff;
            if (std::isfinite(p.stop_atr)) risk = std::min(risk, p.stop_atr * c.atr[static_cast<std::size_t>(part.signal_bar)]);
            const double away = std::max(1.0, std::ceil(multiples[k] * risk));
            require(part.target_distance == std::min<double>(away, esbt::kFar), "a part leaves at its multiple of the risk");
        }
        if (moves_the_stop(c, part, k) && last.exit_bar > part.exit_bar)
            require(last.reason != esbt::Reason::stop, "the stop has moved once a part has left");
    }
    require(i + 1 == position.size(), "no more parts than the plan has, the nearer first");
    for (i = 0; i + 1 < position.size(); ++i) {
        const esbt::Trade &a = position[i], &b = position[i + 1];
        require(a.reason == esbt::Reason::scale_out, "parts leave before the rest");
        require(a.entry_bar == b.entry_bar && a.side == b.side && a.entry_price == b.entry_price && a.stop_distance == b.stop_distance,
                "parts have one entry");
        require(std::memcmp(&a.confidence, &b.confidence, sizeof a.confidence) == 0, "parts have one confidence");
        require(a.exit_bar <= b.exit_bar && a.target_distance <= b.target_distance, "parts leave in the order of their levels");
    }
}

inline void check_order(const Case& c, const std::vector<Position>& positions) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> entered;  // by contract and session
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const esbt::Trade& t = positions[i][0];
        const auto entry = static_cast<std::size_t>(t.entry_bar);
        require(++entered[{c.bars.segment[entry], c.bars.session[entry]}] <= c.plan.max_trades, "max_trades entries a session");
        if (i == 0) continue;
        const esbt::Trade& before = positions[i - 1].back();
        require(t.signal_bar >= (c.plan.reverse ? before.entry_bar : before.exit_bar),
                "a signal in a position is none, unless it turns it");
        require(t.entry_bar >= before.exit_bar + !c.plan.reverse, "no two positions overlap");
        if (t.signal_bar < before.exit_bar) continue;  // it turned it
        if (by_stop(before.reason)) require(t.signal_bar >= before.exit_bar + c.plan.cooldown_bars, "a pause after a stop");
        const auto out = static_cast<std::size_t>(before.exit_bar), signal = static_cast<std::size_t>(t.signal_bar);
        const bool same = c.bars.segment[out] == c.bars.segment[signal] && c.bars.session[out] == c.bars.session[signal];
        const bool halted = before.reason == esbt::Reason::daily_loss || before.reason == esbt::Reason::daily_profit;
        require(!(same && halted), "a halted session takes no signal");
    }
}

inline std::int64_t all_of(const esbt::Skipped& s) {
    static_assert(sizeof(esbt::Skipped) % sizeof(std::int64_t) == 0);
    std::int64_t counts[sizeof(esbt::Skipped) / sizeof(std::int64_t)], sum = 0;
    std::memcpy(counts, &s, sizeof s);
    for (const std::int64_t count : counts) {
        require(count >= 0, "counts are not negative");
        sum += count;
    }
    return sum;
}

inline void check_run(const Case& c, const esbt::Outcome& o, bool each) {
    std::int64_t signals = 0;
    for (const std::int8_t s : c.signals) signals += s != 0;
    const std::vector<Position> positions = positions_of(o.trades);
    const auto held = static_cast<std::int64_t>(positions.size()), known = held + all_of(o.skipped);
    if (each) {  // a signal is met once on its own, and again while the positions before it are open
        require(held <= signals && known >= signals, "at most a position a signal, the others counted");
        for (std::size_t i = 1; i < positions.size(); ++i)
            require(positions[i][0].signal_bar > positions[i - 1][0].signal_bar, "in order of the signals");
    } else {
        require(known == signals, "each signal becomes a position or is counted once");
        check_order(c, positions);
    }
    require(c.plan.entry != esbt::Entry::market || o.skipped.expired == 0, "a market order does not expire");
    for (const esbt::Trade& t : o.trades) check_trade(c, t);
    for (const Position position : positions) {
        check_size(c, position);
        check_parts(c, position);
    }
    require(!c.stop_state.misled && !c.confidence_state.misled && !c.dynamic_state.misled, "hooks are asked with what can be");
}

// Cash, what closed trades made, and what open ones are worth at the bar's close with their entry's fees paid; bar by bar from nothing.
inline void check_equity(const Case& c, const esbt::Outcome& o) {
    const esbt::BarsView b = c.bars.view();
    std::vector<std::int64_t> equity(c.bars.size());
    esbt::mark_equity(b, o.trades.data(), static_cast<std::int64_t>(o.trades.size()), c.plan, equity.data());
    for (std::int64_t j = 0; j < b.n; ++j) {
        std::int64_t worth = c.plan.cash_e4;
        for (const esbt::Trade& t : o.trades) {
            const std::int64_t ticks = std::int64_t{t.side} * (b.close[j] - t.entry_price);
            if (t.exit_bar <= j) worth += t.pnl_e4;
            if (t.entry_bar <= j && j < t.exit_bar) worth += ticks * c.plan.tick_value_e4 * t.contracts - t.entry_costs_e4;
        }
        require(equity[static_cast<std::size_t>(j)] == worth, "equity is cash, closed trades and the open position, exactly");
    }
}

}  // namespace fuzz
