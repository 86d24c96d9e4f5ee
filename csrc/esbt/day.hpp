// The account's session: its marked P&L against the daily limits, the trades entered in it, and the pause after a stop. Money is relative
// to the cash at the start. Knows no prices and no orders. To add a rule of this kind: a field in Plan, its test here, a word in Skipped.
#pragma once
#include <cstdint>
#include <limits>

#include "esbt/plan.hpp"

namespace esbt {

class Day {
  public:
    struct Session {
        std::int32_t segment, date;
        bool operator==(const Session&) const = default;
    };

    explicit Day(const Plan& plan) : plan_(&plan) {}

    // As on the first bar: for trades that know nothing of each other.
    void reset() { *this = Day(*plan_); }

    bool limited() const { return plan_->daily_loss_e4 != kNoLimit || plan_->daily_profit_e4 != kNoLimit; }

    // Whether any rule of the day is on; if none is, the day need not be asked or told anything.
    bool on() const { return limited() || plan_->max_trades != kNever || plan_->cooldown_bars > 0; }

    // A bar of this session follows; equity_e4 is marked equity at the last close of the session before, should it be a new one.
    void enter_session(Session session, std::int64_t equity_e4) {
        if (known_ && session == session_) return;
        known_ = true;
        session_ = session;
        base_e4_ = equity_e4;
        trades_ = 0;
        halted_ = false;
    }

    bool beyond(std::int64_t equity_e4, Reason& reason) const {
        const std::int64_t pnl = equity_e4 - base_e4_;
        if (plan_->daily_loss_e4 != kNoLimit && pnl <= -plan_->daily_loss_e4) return reason = Reason::daily_loss, true;
        if (plan_->daily_profit_e4 != kNoLimit && pnl >= plan_->daily_profit_e4) return reason = Reason::daily_profit, true;
        return false;
    }

    void halt() { halted_ = true; }
    void count_trade() { ++trades_; }

    void trade_ended(Reason reason, std::int64_t bar) {
        const bool by_stop =
            reason == Reason::stop || reason == Reason::trail || reason == Reason::break_even || reason == Reason::dynamic_stop;
        free_from_ = by_stop ? bar + plan_->cooldown_bars : 0;
    }

    // True, and counted, when the session wants no further entry signalled in this bar.
    bool refuses(std::int64_t bar, bool flat, std::int64_t equity_e4, Skipped& skipped) const {
        Reason ignored;
        if (halted_ || (flat && beyond(equity_e4, ignored))) return ++skipped.halted, true;
        if (bar < free_from_) return ++skipped.cooldown, true;
        if (trades_ >= plan_->max_trades) return ++skipped.max_trades, true;
        return false;
    }

  private:
    const Plan* plan_;
    bool known_ = false, halted_ = false;
    Session session_{};
    std::int32_t trades_ = 0;
    std::int64_t base_e4_ = 0, free_from_ = 0;
};

}  // namespace esbt
