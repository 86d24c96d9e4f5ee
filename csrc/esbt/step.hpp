// The market's rulebook (docs/rulebook.md), one bar of an open position: first the open, then the inside; what leaves is booked by `leave`,
// and after a part the same tests meet what is left. The rules themselves are in exits.hpp and fill.hpp. Knows neither signals nor money.
#pragma once
#include <cstdint>

#include "esbt/exits.hpp"
#include "esbt/fill.hpp"
#include "esbt/position.hpp"

namespace esbt {

struct Bar {  // as a position meets it
    SidedBar prices;
    std::int64_t number;
    bool reversing;     // at this open, should nothing that rests take the position out before
    const Fill* entry;  // of the position, if it filled inside this bar
};

inline Exit exit_of_bar(Position& p, const Bar& bar, const Plan& plan, const FinerBars& finer, bool walking) {
    if (const Exit e = exit_at_open(p, bar.prices.open); e.hit) return e;
    if (bar.reversing) return {true, bar.prices.open - p.slippage, Reason::reverse};
    return exit_inside(p, bar.prices, plan, finer, bar.number, walking);
}

// True when nothing is left. Else the bar lies behind the position, up to its close. kMore: whether the position may have parts, or have
// filled inside a bar.
template <bool kMore, class Leave>
bool step(Position& p, const Bar& bar, const Plan& plan, const FinerBars& finer, Leave&& leave) {
    const SidedBar& b = bar.prices;
    const Fill* entry = kMore ? bar.entry : nullptr;
    if (!entry) p.see(b.open);
    for (bool walking = false;;) {
        const Exit e = entry ? exit_in_entry_bar(p, b, *entry, plan, finer, bar.number) : exit_of_bar(p, bar, plan, finer, walking);
        if (!e.hit) break;
        leave(e);
        if (!kMore || e.reason != Reason::scale_out) return true;
        walking = e.by_finer;
        take_off_part(p, plan);
    }
    if (!entry || plan.entry == Entry::limit) p.see(b.low);
    if (!entry || plan.entry == Entry::stop) p.see(b.high);
    if (entry) p.see(b.close);
    return false;
}

}  // namespace esbt
