// What must hold of the totals of a run: each number from the trades and from equity marked at every bar, by the plainest means. To add a
// total: its law here.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "esbt/equity.hpp"
#include "esbt/sweep/totals.hpp"
#include "trade_laws.hpp"

namespace fuzz {

inline bool near(double a, double b, double scale) { return std::abs(a - b) <= 1e-9 * (std::abs(b) + scale); }

inline void check_counts(const std::vector<esbt::Trade>& trades, const esbt::sweep::Totals& t, std::int64_t bars) {
    std::int64_t wins = 0, losses = 0, win_run = 0, loss_run = 0, ambiguous = 0, won = 0, net = 0, costs = 0, in = 0;
    std::vector<char> held(static_cast<std::size_t>(bars));
    for (std::size_t i = 0; i < trades.size(); ++i) {
        const std::int64_t pnl = trades[i].pnl_e4;
        std::int64_t up = 0, down = 0;  // that end here
        for (std::size_t k = i + 1; k-- > 0 && trades[k].pnl_e4 > 0;) ++up;
        for (std::size_t k = i + 1; k-- > 0 && trades[k].pnl_e4 < 0;) ++down;
        win_run = std::max(win_run, up);
        loss_run = std::max(loss_run, down);
        wins += pnl > 0;
        losses += pnl < 0;
        won += pnl > 0 ? pnl : 0;
        net += pnl;
        costs += trades[i].costs_e4;
        ambiguous += trades[i].ambiguous;
        for (std::int64_t j = trades[i].entry_bar; j <= trades[i].exit_bar; ++j) held[static_cast<std::size_t>(j)] = 1;
    }
    for (const char bar : held) in += bar;
    require(t.trades == static_cast<std::int64_t>(trades.size()) && t.ambiguous == ambiguous, "trades are counted, ambiguous ones too");
    require(t.wins == wins && t.losses == losses, "wins are above zero, losses below");
    require(t.win_run == win_run && t.loss_run == loss_run, "the longest runs of wins and losses");
    require(t.won_e4 == won && t.net_e4 == net && t.costs_e4 == costs, "money won, kept and paid");
    require(t.bars_in == in, "bars with a position, each once");
}

// A fall: below the peak from one bar to the bar before `end`.
struct Fall {
    std::size_t start, end;
    std::int64_t peak, low;
    std::size_t low_bar;
};

inline std::vector<Fall> falls_of(const std::vector<std::int64_t>& equity, std::int64_t cash) {
    std::vector<Fall> found;
    std::int64_t peak = cash;
    for (std::size_t j = 0; j < equity.size(); ++j) {
        if (equity[j] >= peak) {
            peak = equity[j];
            continue;
        }
        Fall f{j, j, peak, equity[j], j};
        for (; f.end < equity.size() && equity[f.end] < peak; ++f.end)
            if (equity[f.end] < f.low) f.low = equity[f.end], f.low_bar = f.end;
        found.push_back(f);
        j = f.end - 1;
    }
    return found;
}

inline void check_depths(const Case& c, const std::vector<std::int64_t>& equity, const esbt::sweep::Totals& t, std::int64_t cash) {
    const auto& day = c.bars.session;
    double deepest = 0.0, recovery = 0.0;
    std::int64_t under = 0;
    for (const Fall& f : falls_of(equity, cash)) {
        const double depth = 1.0 - (static_cast<double>(f.low) / 1e4) / (static_cast<double>(f.peak) / 1e4);
        const bool regained = f.end < equity.size();
        if (depth > deepest) deepest = depth, recovery = regained ? day[f.end] - day[f.low_bar] : kNan;
        under = std::max<std::int64_t>(under, day[std::min(f.end, day.size() - 1)] - day[f.start ? f.start - 1 : 0]);
    }
    require(t.deepest == deepest, "the deepest fall, as a fraction of its peak");
    require(std::memcmp(&t.recovery_days, &recovery, sizeof recovery) == 0 || (std::isnan(recovery) && std::isnan(t.recovery_days)),
            "days from the deepest fall's low to its end, NaN where it has none");
    require(t.under_days == under, "the longest time below a peak");
    require(t.ruined == (*std::min_element(equity.begin(), equity.end()) <= 0), "ruined is an account that touched zero");
}

inline void check_moments(const std::vector<std::int64_t>& closes, const esbt::sweep::Totals& t, std::int64_t cash) {
    std::vector<double> r;
    double before = static_cast<double>(cash), peak = before, ulcer = 0, mean = 0, low = esbt::kOff, high = -esbt::kOff;
    double gain = 0, pain = 0, downside = 0;
    for (const std::int64_t close : closes) {
        const auto now = static_cast<double>(close);
        r.push_back((now - before) / before);
        before = now;
        peak = std::max(peak, now);
        ulcer += (1.0 - now / peak) * (1.0 - now / peak);
    }
    const auto n = static_cast<double>(r.size());
    for (const double x : r) {
        mean += x / n;
        low = std::min(low, x);
        high = std::max(high, x);
        gain += std::max(x, 0.0);
        pain += std::max(-x, 0.0);
        downside += x < 0 ? x * x : 0.0;
    }
    double m2 = 0, m3 = 0, m4 = 0;
    for (const double x : r) m2 += std::pow(x - mean, 2), m3 += std::pow(x - mean, 3), m4 += std::pow(x - mean, 4);
    const double far = std::max({std::abs(low), std::abs(high), 1e-5});  // a return is exact to a rounding of equity, not of itself
    require(near(t.low, low, 1e-6) && near(t.high, high, 1e-6) && near(t.mean, mean, far), "extremes and mean of returns");
    require(near(t.m2, m2, n * far * far) && near(t.m3, m3, n * far * far * far) && near(t.m4, m4, n * far * far * far * far),
            "central moments of returns");
    require(near(t.gain, gain, far) && near(t.pain, pain, far) && near(t.downside, downside, far * far), "gains and pains");
    require(near(t.ulcer, ulcer, 1e-6), "squared depths of session closes");
}

// daily: P&L of each day as the run gave it.
inline void check_totals(const Case& c, const esbt::Plan& p, const std::vector<esbt::Trade>& trades, const esbt::sweep::Totals& t,
                         const std::int64_t* daily) {
    const esbt::BarsView b = c.bars.view();
    std::vector<std::int64_t> equity(c.bars.size()), closes;
    esbt::mark_equity(b, trades.data(), static_cast<std::int64_t>(trades.size()), p, equity.data());
    std::int64_t before = p.cash_e4;
    for (std::int64_t j = 0; j < b.n; ++j) {
        if (j + 1 < b.n && b.session[j] == b.session[j + 1]) continue;
        closes.push_back(equity[static_cast<std::size_t>(j)]);
        require(daily[closes.size() - 1] == closes.back() - before, "a day's P&L is what equity moved between its closes");
        before = closes.back();
    }
    require(t.sessions == static_cast<std::int64_t>(closes.size()), "a return a session");
    check_counts(trades, t, b.n);
    check_depths(c, equity, t, p.cash_e4);
    if (!t.ruined) check_moments(closes, t, p.cash_e4);
}

}  // namespace fuzz
