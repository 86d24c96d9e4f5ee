// Equity marked at every bar's close: closed trades, the open position at the close, the entry's fees paid at entry and the exit's at exit.
// Exact, in 1e-4 USD; the last value is cash plus the sum of all trades' pnl. Knows no rule of trading.
#pragma once
#include <algorithm>
#include <cstdint>

#include "esbt/bars.hpp"
#include "esbt/plan.hpp"

namespace esbt {

// trades: in order of entry, then of exit; those of one entry bar are one position that left in parts, else none overlaps another but in
// the bar where one ends and the next begins. out: int64[bars.n].
inline void mark_equity(const BarsView& bars, const Trade* trades, std::int64_t n_trades, const Plan& plan, std::int64_t* out) {
    std::int64_t closed = plan.cash_e4, from = 0;
    const Trade* const end = trades + n_trades;
    for (const Trade* t = trades; t != end;) {
        if (t->entry_bar > from) std::fill(out + from, out + t->entry_bar, closed);
        std::int64_t contracts = 0, paid = closed, j = t->entry_bar;
        const Trade* behind = t;
        for (; behind != end && behind->entry_bar == t->entry_bar; ++behind) {
            contracts += behind->contracts;
            paid -= behind->entry_costs_e4;
        }
        for (; t != behind; ++t) {
            const std::int64_t per_tick = static_cast<std::int64_t>(t->side) * contracts * plan.tick_value_e4;
            for (; j < t->exit_bar; ++j) out[j] = paid + per_tick * (bars.close[j] - t->entry_price);
            paid += t->entry_costs_e4 + t->pnl_e4;
            contracts -= t->contracts;
        }
        closed = paid;
        from = j;
    }
    std::fill(out + from, out + bars.n, closed);
}

}  // namespace esbt
