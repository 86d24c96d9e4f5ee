// Random markets through the core's loop, without Python: what must hold of every run is checked, and the sanitizers it is built with
// watch the arithmetic. Usage: fuzz_simulate [cases] [first seed]; prints "N cases, T trades"; a broken law prints the seed of its case.
#include <cstdio>
#include <cstdlib>

#include "random_case.hpp"
#include "run_laws.hpp"

namespace {

constexpr int kReasons = static_cast<int>(esbt::Reason::dynamic_stop) + 1;

struct Tally {
    std::int64_t trades = 0, failed_hooks = 0, too_much_money = 0, finer = 0, expired = 0, reasons[kReasons] = {};
};

bool may_fail(const fuzz::HookState& hook, bool asked, bool nan_too) {
    return asked && (hook.fail_at >= 0 || (nan_too && hook.nan_at >= 0));
}

bool hooks_may_fail(const fuzz::Case& c) {
    return may_fail(c.stop_state, c.stop_asked, true) || may_fail(c.confidence_state, c.confidence_asked, false) ||
           may_fail(c.dynamic_state, c.dynamic_asked, true);
}

template <class Run>
void run_case(Tally& tally, Run run, bool each) {
    fuzz::Case c;
    fuzz::fill(c, fuzz::seed_now);
    try {
        const esbt::EntryModel model = c.model();
        const esbt::Market market = c.market();
        const esbt::Outcome o = run(market, c.plan, model);
        fuzz::check_run(c, o, each);
        if (!each) fuzz::check_equity(c, o);
        tally.trades += static_cast<std::int64_t>(o.trades.size());
        tally.finer += !c.finer_first.empty() && !o.trades.empty();
        tally.expired += o.skipped.expired;
        for (const esbt::Trade& t : o.trades) ++tally.reasons[static_cast<int>(t.reason)];
    } catch (const esbt::HookFailed&) {
        fuzz::require(hooks_may_fail(c), "a hook failed that was not told to");
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
        fuzz::seed_now = first + static_cast<std::uint64_t>(i);
        run_case(tally, esbt::simulate, false);
        run_case(tally, esbt::simulate_each, true);
    }
    std::printf("exits by reason:");
    for (const std::int64_t count : tally.reasons) std::printf(" %lld", static_cast<long long>(count));
    std::printf("; %lld entries expired; %lld runs ended by a hook, %lld by too much money; %lld runs with finer bars\n",
                static_cast<long long>(tally.expired), static_cast<long long>(tally.failed_hooks),
                static_cast<long long>(tally.too_much_money), static_cast<long long>(tally.finer));
    bool all = tally.expired > 0;
    for (const std::int64_t count : tally.reasons) all &= count > 0;
    std::printf("%lld cases, %lld trades\n", static_cast<long long>(cases), static_cast<long long>(tally.trades));
    return cases < 1000 || all ? 0 : 1;  // a thousand cases see every reason, or they are no longer random
}
