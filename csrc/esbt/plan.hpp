// The lane's plan, the trade record and their enums: plain data that csrc and Python share field by field (Python compares the layouts at
// import). Knows no rule. To add a rule's parameter: one field here, the same field in esbt/plan.py, and the rule in step.hpp.
#pragma once
#include <cstdint>
#include <limits>

namespace esbt {

constexpr std::int32_t kFar = 1 << 28;  // a distance no price crosses: "off"
constexpr double kOff = std::numeric_limits<double>::infinity();
constexpr std::int32_t kNever = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

constexpr std::int64_t kMostPerTick = std::int64_t{1} << 33;  // USD * 1e4 a position may move by a tick, and
constexpr std::int64_t kMostMoney = std::int64_t{1} << 61;    // an account may win or lose, so that int64 holds every sum

enum class Path : std::int32_t { worst = 0, best = 1, nearest = 2, finer = 3 };
enum class Entry : std::int32_t { market = 0, stop = 1, limit = 2 };
enum class Sizing : std::int32_t { fixed = 0, risk = 1, kelly = 2, volatility = 3 };
enum class Reason : std::int8_t {
    stop = 0,
    target,
    trail,
    break_even,
    reverse,
    max_bars,
    session_close,
    contract_end,
    end_of_data,
    daily_loss,
    daily_profit,
    scale_out,
    dynamic_stop
};

struct Plan {
    double stop_atr = 2.0;
    double target_r = 2.0;
    double target_atr = kOff;
    double trail_atr = kOff;
    double chandelier_atr = kOff;
    double break_even_r = kOff;
    double risk_fraction = 0.0;      // of closed equity, risk sizing
    double kelly_fraction = 0.0;     // share of full Kelly, kelly sizing
    double payoff = 1.0;             // mean win over mean loss, kelly sizing
    double heat_cap = 0.06;          // open risk at most this share of closed equity, kelly sizing
    double volatility_ref = kOff;    // ATR / price above which kelly size shrinks in proportion
    double volatility_target = 0.0;  // share of closed equity an average bar may move, volatility sizing
    double slippage_atr = 0.0;       // added to slippage_ticks, rounded up
    double volume_share = kOff;      // of the entry bar's volume that may be filled
    double entry_offset_atr = kOff;  // from the signal bar's close to a resting entry
    double scale1_r = kOff;          // scale-out: first part's target in R,
    double scale1_share = 0.0;       // its share of the contracts,
    double scale1_stop_r = -kOff;    // where the stop goes then, in R from the fill
    double scale2_r = kOff;
    double scale2_share = 0.0;
    double scale2_stop_r = -kOff;
    std::int32_t stop_ticks = kFar;
    std::int32_t target_ticks = kFar;
    std::int32_t trail_ticks = kFar;
    std::int32_t latency_bars = 0;
    std::int32_t cooldown_bars = 0;    // after a stop
    std::int32_t max_trades = kNever;  // a session
    std::int32_t break_even_offset_ticks = 0;
    std::int32_t max_bars = kNever;
    std::int32_t slippage_ticks = 1;
    std::int32_t target_through_ticks = 0;
    Path path = Path::worst;
    Entry entry = Entry::market;
    std::int32_t entry_offset_ticks = kFar;
    std::int32_t entry_bars = 1;           // a resting entry works in
    std::int32_t entry_through_ticks = 0;  // limit entries
    std::int32_t flat_at_close = 1;
    std::int32_t reverse = 0;
    Sizing sizing = Sizing::fixed;
    std::int32_t contracts = 1;              // fixed sizing
    std::int32_t max_contracts = 1'000'000;  // keeps money within int64
    std::int64_t cash_e4 = 0;                // USD * 1e4
    std::int64_t tick_value_e4 = 0;          // USD * 1e4 per tick and contract
    std::int64_t fee_e4 = 0;                 // USD * 1e4 per contract and side
    std::int64_t daily_loss_e4 = kNoLimit;   // USD * 1e4 of a session's marked P&L
    std::int64_t daily_profit_e4 = kNoLimit;
};

struct Trade {
    std::int64_t signal_bar;
    std::int64_t entry_bar;
    std::int64_t exit_bar;
    std::int64_t pnl_e4;  // USD * 1e4, net of costs
    std::int64_t costs_e4;
    std::int64_t entry_costs_e4;  // the part of them paid at entry
    double confidence;            // NaN without a confidence model
    std::int32_t contracts;
    std::int32_t entry_price;  // ticks
    std::int32_t exit_price;
    std::int32_t stop_distance;  // ticks, kFar when off
    std::int32_t target_distance;
    std::int32_t mae_ticks;
    std::int32_t mfe_ticks;
    std::int8_t side;
    Reason reason;
    std::int8_t ambiguous;
    std::int8_t pad = 0;
};

struct Skipped {                   // why signals did not become trades
    std::int64_t boundary = 0;     // last bar of data, contract or session
    std::int64_t atr = 0;          // ATR still warming up
    std::int64_t confidence = 0;   // the entry filter said no
    std::int64_t size = 0;         // zero contracts
    std::int64_t in_position = 0;  // ignored, a position was open or an order waiting
    std::int64_t halted = 0;       // a daily limit was reached
    std::int64_t cooldown = 0;     // too soon after a stop
    std::int64_t max_trades = 0;   // the session had its trades
    std::int64_t volume = 0;       // the entry bar's volume left no contract
    std::int64_t expired = 0;      // a resting entry did not fill in its time
};

}  // namespace esbt
