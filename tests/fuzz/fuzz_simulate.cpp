// Random markets through the core's loop, without Python: what must hold of every run is checked, and the sanitizers it is built with
// watch the arithmetic. Usage: fuzz_simulate [cases] [first seed]; prints "N cases, T trades"; a broken law prints the seed of its case.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "esbt/equity.hpp"
#include "random_case.hpp"

namespace {

std::uint64_t seed_now = 0;

void require(bool held, const char* law) {
    if (held) return;
    std::fprintf(stderr, "case of seed %llu: %s\n", static_cast<unsigned long long>(seed_now), law);
    std::exit(1);
}

struct Tally {
    std::int64_t trades = 0, failed_hooks = 0, too_much_money = 0, finer = 0, reasons[16] = {};
};

bool inside(std::int64_t x, std::int64_t low, std::int64_t high) { return low <= x && x <= high; }

void check_trade(const fuzz::Case& c, const esbt::Trade& t) {
    const esbt::BarsView b = c.bars.view();
    const esbt::Plan& p = c.plan;
    const std::int64_t signal = t.entry_bar - 1 - p.latency_bars;
    require(t.side == 1 || t.side == -1, "side is +1 or -1");
    require(signal >= 0 && c.signals[static_cast<std::size_t>(signal)] == t.side, "the signal asked for this side");
    require(t.entry_bar <= t.exit_bar && t.exit_bar < b.n, "entry <= exit, inside the bars");
    require(b.segment[signal] == b.segment[t.exit_bar], "one contract from signal to exit");
    for (std::int64_t j = signal; j <= t.exit_bar; ++j) require(b.segment[j] == b.segment[signal], "no seam inside a trade");
    if (p.flat_at_close) require(b.session[signal] == b.session[t.exit_bar], "flat at the session's close");
    require(t.exit_bar - t.entry_bar < p.max_bars, "held no longer than max_bars");
    require(inside(t.contracts, 1, p.sizing == esbt::Sizing::fixed ? p.contracts : p.max_contracts), "contracts in range");
    if (std::isfinite(p.volume_share))
        require(t.contracts <= p.volume_share * static_cast<double>(b.volume[t.entry_bar]), "contracts within the share of volume");
    require(inside(t.stop_distance, 1, esbt::kFar) && inside(t.target_distance, 1, esbt::kFar), "distances in range");
    require(t.mae_ticks >= 0 && t.mfe_ticks >= 0, "excursions are not negative");
    require(inside(static_cast<int>(t.reason), 0, static_cast<int>(esbt::Reason::daily_profit)), "a known reason");

    const esbt::SidedBar entry = esbt::sided(b, t.entry_bar, t.side), exit = esbt::sided(b, t.exit_bar, t.side);
    const std::int64_t slip = std::int64_t{t.entry_price} * t.side - entry.open;
    require(slip >= p.slippage_ticks, "slippage is paid at the entry");
    const std::int64_t out = std::int64_t{t.exit_price} * t.side;
    if (t.reason == esbt::Reason::target) {
        require(inside(out, exit.low, exit.high), "a target fills inside the bar, without slippage");
    } else {
        require(inside(out + slip, exit.low, exit.high), "an exit fills inside the bar, less slippage");
    }
    require(t.costs_e4 == t.contracts * (c.fee_e4(t.entry_bar) + c.fee_e4(t.exit_bar)), "costs are two fees a contract, of their days");
    require(t.pnl_e4 == std::int64_t{t.exit_price - t.entry_price} * t.side * t.contracts * p.tick_value_e4 - t.costs_e4,
            "pnl is ticks times value less costs");
}

std::int64_t all_of(const esbt::Skipped& s) {
    static_assert(sizeof(esbt::Skipped) % sizeof(std::int64_t) == 0);
    std::int64_t counts[sizeof(esbt::Skipped) / sizeof(std::int64_t)], sum = 0;
    std::memcpy(counts, &s, sizeof s);
    for (const std::int64_t count : counts) {
        require(count >= 0, "counts are not negative");
        sum += count;
    }
    return sum;
}

void check_outcome(const fuzz::Case& c, const esbt::Outcome& o, bool each) {
    std::int64_t signals = 0;
    for (const std::int8_t s : c.signals) signals += s != 0;
    const auto trades = static_cast<std::int64_t>(o.trades.size()), known = trades + all_of(o.skipped);
    if (each) {  // a signal is met once on its own, and again while the trades before it are open
        require(trades <= signals && known >= signals, "at most a trade a signal, the others counted");
    } else {
        require(known == signals, "each signal becomes a trade or is counted once");
    }
    for (std::size_t i = 0; i < o.trades.size(); ++i) {
        check_trade(c, o.trades[i]);
        if (i == 0) continue;
        const esbt::Trade& before = o.trades[i - 1];
        const std::int64_t free_from = each ? before.entry_bar + 1 : before.exit_bar + !c.plan.reverse;
        require(o.trades[i].entry_bar >= free_from, each ? "in order of entry" : "no two trades overlap");
    }
}

void check_equity(const fuzz::Case& c, const esbt::Outcome& o) {
    std::vector<std::int64_t> equity(c.bars.size());
    esbt::mark_equity(c.bars.view(), o.trades.data(), static_cast<std::int64_t>(o.trades.size()), c.plan, equity.data());
    std::int64_t sum = c.plan.cash_e4;
    for (const esbt::Trade& t : o.trades) sum += t.pnl_e4;
    require(equity.back() == sum, "the last equity is cash and all pnl, exactly");
    const std::int64_t first = o.trades.empty() ? static_cast<std::int64_t>(c.bars.size()) : o.trades.front().entry_bar;
    for (std::int64_t j = 0; j < first; ++j) require(equity[static_cast<std::size_t>(j)] == c.plan.cash_e4, "cash before the first trade");
}

bool hooks_may_fail(const fuzz::Case& c) {
    const fuzz::HookState &stop = c.stop_state, &confidence = c.confidence_state;
    return (c.stop_asked && (stop.fail_at >= 0 || stop.nan_at >= 0)) || (c.confidence_asked && confidence.fail_at >= 0);
}

template <class Run>
void run_case(Tally& tally, Run run, bool each) {
    fuzz::Case c;
    fuzz::fill(c, seed_now);
    try {
        const esbt::EntryModel model = c.model();
        const esbt::Market market = c.market();
        const esbt::Outcome o = run(market, c.plan, model);
        check_outcome(c, o, each);
        if (!each) check_equity(c, o);
        tally.trades += static_cast<std::int64_t>(o.trades.size());
        tally.finer += !c.finer_first.empty() && !o.trades.empty();
        for (const esbt::Trade& t : o.trades) ++tally.reasons[static_cast<int>(t.reason)];
    } catch (const esbt::HookFailed&) {
        require(hooks_may_fail(c), "a hook failed that was not told to");
        ++tally.failed_hooks;
    } catch (const std::overflow_error&) {
        ++tally.too_much_money;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t cases = argc > 1 ? std::atoll(argv[1]) : 20'000;
    const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    Tally tally;
    for (std::int64_t i = 0; i < cases; ++i) {
        seed_now = first + static_cast<std::uint64_t>(i);
        run_case(tally, esbt::simulate, false);
        run_case(tally, esbt::simulate_each, true);
    }
    std::printf("exits by reason:");
    for (int k = 0; k <= static_cast<int>(esbt::Reason::daily_profit); ++k) std::printf(" %lld", static_cast<long long>(tally.reasons[k]));
    std::printf("; %lld runs ended by a hook, %lld by too much money; %lld runs with finer bars\n",
                static_cast<long long>(tally.failed_hooks), static_cast<long long>(tally.too_much_money),
                static_cast<long long>(tally.finer));
    std::printf("%lld cases, %lld trades\n", static_cast<long long>(cases), static_cast<long long>(tally.trades));
    return tally.trades > 0 ? 0 : 1;
}
