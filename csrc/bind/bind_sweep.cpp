// Totals of runs: of one run from its trades, of many plans of one market at once. The layout is shared with numpy.
#include <optional>

#include "esbt/sweep/run.hpp"
#include "inputs.hpp"

namespace esbt::bind {

using TotalsArray = py::array_t<sweep::Totals, py::array::c_style>;

static sweep::Days days_of(const Column<std::int32_t>& day, const BarsView& bars) {
    const std::int32_t* const of_bar = column_of(day, bars.n, "day");
    for (std::int64_t j = 1; j < bars.n; ++j)
        if (of_bar[j] < of_bar[j - 1]) throw std::invalid_argument("day falls at bar " + std::to_string(j));
    return {of_bar, bars.n};
}

static TotalsArray py_totals(const CoreBars& bars, const Column<std::int32_t>& day, const TradeArray& trades, const PlanArray& plan) {
    const BarsView b = bars.view();
    require_in_order(trades, b);
    const sweep::Days days = days_of(day, b);
    TotalsArray out(1);
    const Plan p = one_plan(plan);
    *out.mutable_data() = sweep::Tally(b, days, p, nullptr).of({trades.data(), static_cast<std::size_t>(trades.size())});
    return out;
}

// A position must not live through the end of a day: it ends with its session, so sessions must not outlive days.
static void require_sessions_within(const sweep::Days& days, const BarsView& b) {
    for (const std::int64_t j : days.last)
        if (j + 1 < b.n && b.session[j] == b.session[j + 1] && b.segment[j] == b.segment[j + 1])
            throw std::invalid_argument("day changes within a session, after bar " + std::to_string(j));
}

using Swept = py::typing::Tuple<TotalsArray, py::typing::Optional<py::array_t<std::int64_t>>, py::int_>;

static Swept py_run_lanes(const CoreBars& bars, const Column<std::int32_t>& day, const Column<std::int8_t>& signals,
                          const Column<double>& atr, const PlanArray& plans, const CoreBars* finer,
                          const std::optional<Column<std::int64_t>>& finer_first, const std::optional<Column<std::int64_t>>& fees_e4,
                          const std::optional<Column<std::int32_t>>& slips, bool daily, int threads) {
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    const Market market = market_of(bars, signals, atr, finer, finer_first, fees_e4, slips);
    const std::span<const Plan> lanes(plans.data(), static_cast<std::size_t>(plans.size()));
    for (const Plan& p : lanes) checked(p, market);
    const sweep::Days days = days_of(day, market.bars);
    require_sessions_within(days, market.bars);
    TotalsArray out(plans.size());
    py::object profit = py::none();
    std::int64_t* profit_data = nullptr;
    if (daily) {
        py::array_t<std::int64_t> matrix({plans.size(), static_cast<py::ssize_t>(days.last.size())});
        profit_data = matrix.mutable_data();
        profit = std::move(matrix);
    }
    sweep::Totals* const totals = out.mutable_data();
    std::int64_t stepped = 0;
    {
        py::gil_scoped_release unlock;
        stepped = sweep::run_lanes(market, days, lanes, threads, totals, profit_data);
    }
    return py::make_tuple(out, profit, stepped);
}

void register_sweep(py::module_& m) {
    PYBIND11_NUMPY_DTYPE(Skipped, boundary, atr, confidence, size, in_position, halted, cooldown, max_trades, volume, expired);
    PYBIND11_NUMPY_DTYPE(sweep::Totals, trades, wins, losses, win_run, loss_run, ambiguous, bars_in, won_e4, net_e4, costs_e4, under_days,
                         ruined, sessions, deepest, recovery_days, mean, m2, m3, m4, gain, pain, downside, low, high, ulcer, skipped);
    m.def("totals", &py_totals, py::arg("bars"), py::arg("day"), py::arg("trades"), py::arg("plan"),
          "What the metrics of one run are made of (one record); day: trade date of each bar, as a number that never falls.");
    m.def("run_lanes", &py_run_lanes, py::arg("bars"), py::arg("day"), py::arg("signals"), py::arg("atr"), py::arg("plans"),
          py::arg("finer") = nullptr, py::arg("finer_first") = std::nullopt, py::arg("fees_e4") = std::nullopt,
          py::arg("slips") = std::nullopt, py::arg("daily") = false, py::arg("threads") = 1,
          "Totals of each plan, the P&L of each day (int64[plans, days], 1e-4 USD) where asked for, and how many plans were stepped.");
}

}  // namespace esbt::bind
