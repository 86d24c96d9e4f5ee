// What is written down of a position, or a part of one, that has left: one trade record, its money exact. Knows no rule.
#pragma once
#include <algorithm>
#include <cstdint>

#include "esbt/position.hpp"

namespace esbt {

// Left in bar j; exit_fee_e4: per contract; kMore: whether it may be a part that left. Filled in place: a copy would wait for its own
// stores.
template <bool kMore>
void write_trade(Trade& t, const Position& p, const Exit& e, std::int64_t j, std::int64_t tick_value_e4, std::int64_t exit_fee_e4) {
    const bool part = kMore && e.reason == Reason::scale_out;
    t.signal_bar = p.signal_bar;
    t.entry_bar = p.entry_bar;
    t.exit_bar = j;
    t.contracts = part ? p.parts[p.part].contracts : p.contracts;
    t.entry_price = p.entry * p.side;
    t.exit_price = e.price * p.side;
    t.stop_distance = p.stop_distance;
    t.target_distance = part ? p.parts[p.part].distance : p.target_distance;
    t.mae_ticks = std::max(0, p.entry - p.worst);
    t.mfe_ticks = std::max(0, p.best - p.entry);
    t.side = static_cast<std::int8_t>(p.side);
    t.reason = e.reason;
    t.ambiguous = p.ambiguous;
    t.confidence = p.confidence;
    t.entry_costs_e4 = t.contracts * p.fee_e4;
    t.costs_e4 = t.entry_costs_e4 + t.contracts * exit_fee_e4;
    t.pnl_e4 = static_cast<std::int64_t>(e.price - p.entry) * t.contracts * tick_value_e4 - t.costs_e4;
}

}  // namespace esbt
