// The totals of one run from its trades: equity is followed through the bars of each position and jumps over the flat ones. The same for a
// single backtest and for a lane that was stepped. Knows no rule of trading.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "esbt/bars.hpp"
#include "esbt/plan.hpp"
#include "esbt/sweep/totals.hpp"
#include "esbt/sweep/water.hpp"

namespace esbt::sweep {

struct Days {  // trade dates of the bars, each a stretch of them
    Days(const std::int32_t* day_of_bar, std::int64_t n) : of_bar(day_of_bar) {
        for (std::int64_t j = 0; j < n; ++j)
            if (j + 1 == n || day_of_bar[j] != day_of_bar[j + 1]) last.push_back(j);
    }
    std::int64_t first(std::size_t s) const { return s ? last[s - 1] + 1 : 0; }
    std::int32_t date(std::size_t s) const { return of_bar[last[s]]; }

    const std::int32_t* of_bar;
    std::vector<std::int64_t> last;  // bar of each
};

class Tally {
  public:
    // daily: P&L of each day, 1e-4 USD, or null.
    Tally(const BarsView& bars, const Days& days, const Plan& plan, std::int64_t* daily)
        : bars_(bars),
          days_(days),
          plan_(plan),
          daily_(daily),
          water_(plan.cash_e4, bars.n ? days.of_bar[0] : 0),
          moments_(Moments<double>::start(static_cast<double>(plan.cash_e4) / kUsd)),
          pushed_e4_(plan.cash_e4) {}

    // trades: as mark_equity takes them.
    Totals of(std::span<const Trade> trades) {
        std::int64_t closed = plan_.cash_e4, from = 0;
        const Trade* const end = trades.data() + trades.size();
        for (const Trade* t = trades.data(); t != end;) {
            flat(from, t->entry_bar, closed);
            std::int64_t contracts = 0, paid = closed, j = t->entry_bar;
            const std::int64_t seen = std::max(t->entry_bar, counted_);
            const Trade* behind = t;
            for (; behind != end && behind->entry_bar == t->entry_bar; ++behind) {
                contracts += behind->contracts;
                paid -= behind->entry_costs_e4;
            }
            for (; t != behind; ++t) {
                const std::int64_t per_tick = static_cast<std::int64_t>(t->side) * contracts * plan_.tick_value_e4;
                for (; j < t->exit_bar; ++j) mark(j, paid + per_tick * (bars_.close[j] - t->entry_price));
                paid += t->entry_costs_e4 + t->pnl_e4;
                contracts -= t->contracts;
                count(*t);
            }
            counted_ = (behind - 1)->exit_bar + 1;
            totals_.bars_in += std::max<std::int64_t>(0, counted_ - seen);
            closed = paid;
            from = j;
        }
        flat(from, bars_.n, closed);
        totals_.sessions = static_cast<std::int64_t>(session_);
        totals_.take(moments_);
        water_.write(totals_, bars_.n ? days_.of_bar[bars_.n - 1] : 0);
        return totals_;
    }

  private:
    void count(const Trade& t) {
        Totals& o = totals_;
        ++o.trades;
        o.net_e4 += t.pnl_e4;
        o.costs_e4 += t.costs_e4;
        o.ambiguous += t.ambiguous != 0;
        wins_ = t.pnl_e4 > 0 ? wins_ + 1 : 0;
        losses_ = t.pnl_e4 < 0 ? losses_ + 1 : 0;
        o.wins += t.pnl_e4 > 0;
        o.losses += t.pnl_e4 < 0;
        o.won_e4 += std::max<std::int64_t>(t.pnl_e4, 0);
        o.win_run = std::max(o.win_run, wins_);
        o.loss_run = std::max(o.loss_run, losses_);
    }

    // Bars [from, to) at one equity.
    void flat(std::int64_t from, std::int64_t to, std::int64_t equity_e4) {
        if (from >= to) return;
        water_.mark(equity_e4, days_.of_bar[from]);
        water_.mark(equity_e4, days_.of_bar[to - 1]);
        while (session_ < days_.last.size() && days_.last[session_] < to) push(equity_e4);
    }

    void mark(std::int64_t j, std::int64_t equity_e4) {
        water_.mark(equity_e4, days_.of_bar[j]);
        if (days_.last[session_] == j) push(equity_e4);
    }

    void push(std::int64_t equity_e4) {
        if (daily_) daily_[session_] = equity_e4 - pushed_e4_;
        pushed_e4_ = equity_e4;
        ++session_;
        moments_.push(static_cast<double>(equity_e4) / kUsd, Nth(static_cast<double>(session_)));
    }

    const BarsView& bars_;
    const Days& days_;
    const Plan& plan_;
    std::int64_t* daily_;
    Water water_;
    Moments<double> moments_;
    std::int64_t pushed_e4_, wins_ = 0, losses_ = 0, counted_ = 0;
    std::size_t session_ = 0;
    Totals totals_;
};

}  // namespace esbt::sweep
