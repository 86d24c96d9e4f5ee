// Plays the case file of case_file.py to the core and compares: trades and skipped signals with the twin's, equity with a formula of its
// own, each signal alone with the twin's trades of it. Usage: run_cases CASES [--all]; exits 0 if all agree, else prints the first case
// that does not, or all.
#include <cmath>
#include <stdexcept>

#include "case_file.hpp"

namespace {

using mutation::Case;
using mutation::Given;

bool same(esbt::Trade a, esbt::Trade b) {
    if (std::isnan(a.confidence) && std::isnan(b.confidence)) a.confidence = b.confidence = 0.0;
    return std::memcmp(&a, &b, sizeof a) == 0;
}

bool same(const std::vector<esbt::Trade>& a, const std::vector<esbt::Trade>& b) {
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
        if (!same(a[i], b[i])) return false;
    return a.size() == b.size();
}

// Cash, what closed trades made, and what open ones are worth at the bar's close with their entry's fees paid; bar by bar from nothing.
bool equity_holds(const Case& c, const Given& given) {
    const std::vector<std::int64_t> marked = mutation::equity(given, c.run.trades);
    for (std::int64_t j = 0; j < given.bars.n; ++j) {
        std::int64_t expected = given.plan.cash_e4;
        for (const esbt::Trade& t : c.run.trades) {
            if (t.exit_bar <= j) {
                expected += t.pnl_e4;
            } else if (t.entry_bar <= j) {
                const std::int64_t ticks = std::int64_t{t.side} * (given.bars.close[j] - t.entry_price);
                expected += t.contracts * (ticks * given.plan.tick_value_e4) - t.entry_costs_e4;
            }
        }
        if (marked[static_cast<std::size_t>(j)] != expected) return false;
    }
    return true;
}

Given given_of(const Case& c) {
    Given g;
    g.bars = c.bars.view();
    g.signals = c.signals.data();
    g.atr = c.atr.data();
    if (!c.fees_e4.empty()) g.fees_e4 = c.fees_e4.data();
    if (!c.slips.empty()) g.slips = c.slips.data();
    if (!c.finer_first.empty()) {
        g.finer = c.finer.view();
        g.finer_first = c.finer_first.data();
    }
    g.plan = c.plan;
    g.features = c.features.data();
    return g;
}

mutation::Answer asked(const Case& c, Given g, mutation::Tapes& tapes, bool each) {
    const esbt_hook stop = tapes.stop.hook(), confidence = tapes.confidence.hook(), dynamic = tapes.dynamic.hook();
    if (!c.model.empty()) {
        g.numbers = c.model[0];
        if (g.numbers.stop_asked) g.stop = &stop;
        if (g.numbers.confidence_asked) g.confidence = &confidence;
        if (g.numbers.dynamic_asked) g.dynamic = &dynamic;
    }
    return mutation::run(g, each);
}

bool agrees(Case& c) {
    const Given given = given_of(c);
    const mutation::Answer ran = asked(c, given, c.run.tapes, false);
    if (ran.refused != c.refused) return false;
    if (!c.refused) {
        if (!same(ran.trades, c.run.trades) || std::memcmp(&ran.skipped, &c.skipped, sizeof c.skipped) != 0) return false;
        if (!c.run.tapes.at_end() || !equity_holds(c, given)) return false;
    }
    if (!c.has_each) return true;
    const mutation::Answer each = asked(c, given, c.each.tapes, true);
    return each.refused == c.refused_each && (c.refused_each || (same(each.trades, c.each.trades) && c.each.tapes.at_end()));
}

// Whether the case agrees. A core that asks its hook what the twin never did does not.
bool held(Case& c) {
    try {
        return agrees(c);
    } catch (const std::runtime_error&) {
        return false;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool all = argc == 3 && std::strcmp(argv[2], "--all") == 0;
    if (argc != 2 && !all) return 2;
    mutation::Blocks in(argv[1]);
    long long agreed = 0, other = 0;
    while (in.more()) {
        Case c(in);
        if (held(c)) {
            ++agreed;
            continue;
        }
        ++other;
        std::printf("%s\n", c.name.c_str());
        if (!all) return 1;
    }
    if (other) return 1;
    std::printf("%lld cases agree\n", agreed);
    return agreed > 0 ? 0 : 2;
}
