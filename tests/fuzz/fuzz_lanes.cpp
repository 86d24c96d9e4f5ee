// Random plans of random markets through the sweep engine, without Python: each lane's totals and daily P&L are those of its own run, and
// those are what trades and equity say. Usage: fuzz_lanes [cases] [first seed]; a broken law prints the seed of its case. The machine's
// best target runs, or that of ESBT_TARGET.
#include <cstdio>
#include <cstdlib>

#include "esbt/sweep/run.hpp"
#include "lane_case.hpp"
#include "lane_laws.hpp"

namespace {

using esbt::sweep::Totals;

struct Seen {
    std::int64_t lanes = 0, trades = 0, dense = 0, dense_trades = 0, stepped = 0, spilled = 0, ruined = 0, too_much_money = 0;
    std::int64_t by_axis[fuzz::kAxes] = {};  // lanes of dense classes in which an axis moved something
};

bool same_number(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

bool same(Totals a, Totals b) {
    for (auto number : {&Totals::deepest, &Totals::recovery_days, &Totals::mean, &Totals::m2, &Totals::m3, &Totals::m4, &Totals::gain,
                        &Totals::pain, &Totals::downside, &Totals::low, &Totals::high, &Totals::ulcer}) {
        if (!same_number(a.*number, b.*number)) return false;
        a.*number = b.*number = 0.0;
    }
    static_assert(sizeof(Totals) % sizeof(std::int64_t) == 0);
    return std::memcmp(&a, &b, sizeof a) == 0;  // whole numbers, no padding
}

// Of a lane whose legs are free: whether the kernel begins it.
bool begins_dense(const esbt::Market& m, const esbt::sweep::Days& days, const esbt::Plan& p) {
    if (!esbt::sweep::has_free_legs(p, m.fees_e4, m.slips)) return false;
    return esbt::sweep::Dense::fits(esbt::sweep::Board(m, days, esbt::sweep::entering(p)), p);
}

void run_case(Seen& seen) {
    fuzz::LaneCase c;
    fuzz::fill_lanes(c, fuzz::seed_now);
    const esbt::Market m = c.market();
    const esbt::sweep::Days days(c.bars.session.data(), m.bars.n);
    const auto n_days = days.last.size(), n = c.plans.size();
    std::vector<Totals> out(n), alone(n);
    std::vector<std::int64_t> daily(n * n_days, -1), own(n_days);
    bool too_much = false;
    std::int64_t stepped = 0;
    try {
        stepped = esbt::sweep::run_lanes(m, days, c.plans, c.threads, out.data(), daily.data());
    } catch (const std::overflow_error&) {
        too_much = true;
    }
    bool any_too_much = false, moved = false;
    std::int64_t begun = 0, begun_trades = 0;
    for (std::size_t k = 0; k < n; ++k) {
        const esbt::Plan& p = c.plans[k];
        fuzz::require(!c.free || esbt::sweep::has_free_legs(p, m.fees_e4, m.slips), "legs are free where no rule ties them");
        try {
            const esbt::Outcome o = esbt::simulate(m, p);
            alone[k] = esbt::sweep::Tally(m.bars, days, p, own.data()).of(o.trades);
            alone[k].skipped = o.skipped;
            if (too_much) continue;
            fuzz::require(same(out[k], alone[k]), "a lane's totals are those of its own run");
            fuzz::require(std::equal(own.begin(), own.end(), daily.begin() + static_cast<std::ptrdiff_t>(k * n_days)),
                          "a lane's daily P&L is that of its own run");
            fuzz::check_totals(c, p, o.trades, out[k], own.data());
        } catch (const std::overflow_error&) {
            any_too_much = true;
            continue;
        }
        seen.trades += alone[k].trades;
        seen.ruined += alone[k].ruined;
        moved |= alone[k].trades > 0 && !same(alone[k], alone[0]);
        if (begins_dense(m, days, p)) ++begun, begun_trades += alone[k].trades;
    }
    fuzz::require(too_much == any_too_much, "a sweep is refused where a lane's own run is");
    seen.lanes += static_cast<std::int64_t>(n);
    seen.too_much_money += too_much;
    if (too_much) return;
    const auto dense = static_cast<std::int64_t>(n) - stepped;
    fuzz::require(dense <= begun, "only what fits is run densely");
    seen.stepped += stepped;
    seen.spilled += begun - dense;
    seen.dense += dense;
    seen.dense_trades += dense == begun ? begun_trades : 0;
    for (const int axis : c.axes) seen.by_axis[axis] += moved && (dense || axis >= fuzz::kCoupled);
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t cases = argc > 1 ? std::atoll(argv[1]) : 4'000;
    const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    Seen seen;
    for (std::int64_t i = 0; i < cases; ++i) {
        fuzz::seed_now = first + static_cast<std::uint64_t>(i);
        run_case(seen);
    }
    std::printf("cases that moved, by axis:");
    bool all = seen.spilled > 0 && seen.ruined > 0 && seen.too_much_money > 0 && seen.stepped > 0 && seen.dense_trades > 0;
    for (const std::int64_t count : seen.by_axis) {
        std::printf(" %lld", static_cast<long long>(count));
        all &= count > 0;
    }
    std::printf(
        "\n%lld cases, %lld lanes (%lld dense, %lld stepped, %lld of them spilled; %lld ruined; %lld cases of too much money), "
        "%lld trades (%lld dense)\n",
        static_cast<long long>(cases), static_cast<long long>(seen.lanes), static_cast<long long>(seen.dense),
        static_cast<long long>(seen.stepped), static_cast<long long>(seen.spilled), static_cast<long long>(seen.ruined),
        static_cast<long long>(seen.too_much_money), static_cast<long long>(seen.trades), static_cast<long long>(seen.dense_trades));
    return cases < 1000 || all ? 0 : 1;  // a thousand cases see all of it, or they are no longer random
}
