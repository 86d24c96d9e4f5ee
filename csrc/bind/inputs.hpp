// What a run is asked for from Python, checked and in the core's types: market, plan, entry model. Shared by the bindings of the loop and
// of sweeps.
#pragma once
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core_bars.hpp"
#include "esbt/decide.hpp"
#include "esbt/simulate.hpp"

namespace esbt::bind {

using PlanArray = py::array_t<Plan, py::array::c_style>;
using TradeArray = py::array_t<Trade, py::array::c_style>;
using Matrix = py::array_t<float, py::array::c_style>;

// An entry model that owns what it points to.
struct PyEntryModel {
    EntryModel model;
    py::object stop, confidence, dynamic;
    Matrix features;
};

struct Inputs {
    Market market;
    Plan plan;
    EntryModel model;
};

inline const Plan& checked(const Plan& p) {
    const bool resting = p.entry != Entry::market;
    if (p.reverse && (p.latency_bars > 0 || resting))
        throw std::invalid_argument("reverse excludes latency_bars and stop or limit entries");
    if (p.latency_bars < 0) throw std::invalid_argument("latency_bars must not be negative");
    if (p.entry_offset_ticks < 0 || p.entry_bars < 1 || p.entry_through_ticks < 0)
        throw std::invalid_argument("entry_offset_ticks and entry_through_ticks must not be negative, entry_bars at least 1");
    if (!(p.scale1_share >= 0 && p.scale2_share >= 0 && p.scale1_share + p.scale2_share < 1))
        throw std::invalid_argument("the parts' shares must not be negative and add up to less than 1");
    if (std::isfinite(p.scale2_r) && !(p.scale1_r < p.scale2_r)) throw std::invalid_argument("scale1_r must be below scale2_r");
    return p;
}

inline Plan one_plan(const PlanArray& plan) {
    if (plan.size() != 1) throw std::invalid_argument("plan must hold one record");
    return checked(*plan.data());
}

// As the loop makes them. Throws std::invalid_argument for others.
inline void require_in_order(const TradeArray& trades, const BarsView& b) {
    for (py::ssize_t i = 0; i < trades.size(); ++i) {
        const Trade& t = trades.data()[i];
        const bool part = i && t.entry_bar == trades.data()[i - 1].entry_bar;
        const std::int64_t exit_before = i ? trades.data()[i - 1].exit_bar : 0;
        if ((part ? t.exit_bar : t.entry_bar) < exit_before || t.entry_bar < 0 || t.exit_bar < t.entry_bar || t.exit_bar >= b.n)
            throw std::invalid_argument("trades overlap or leave the bars");
    }
}

inline Market market_of(const CoreBars& bars, const Column<std::int8_t>& signals, const Column<double>& atr, const CoreBars* finer,
                        const std::optional<Column<std::int64_t>>& finer_first, const std::optional<Column<std::int64_t>>& fees_e4,
                        const std::optional<Column<std::int32_t>>& slips) {
    Market m;
    m.bars = bars.view();
    const std::int64_t n = m.bars.n;
    m.ends = &bars.ends;
    m.signals = column_of(signals, n, "signals");
    m.atr = column_of(atr, n, "atr");
    if (fees_e4) m.fees_e4 = column_of(*fees_e4, n, "fees_e4");
    if (slips) m.slips = column_of(*slips, n, "slips");
    if (!finer != !finer_first) throw std::invalid_argument("finer and finer_first go together");
    if (!finer) return m;
    m.finer.bars = finer->view();
    const std::int64_t* first = m.finer.first = column_of(*finer_first, n + 1, "finer_first");
    for (std::int64_t j = 0; j < n; ++j)
        if (first[j] < 0 || first[j] > first[j + 1]) throw std::invalid_argument("finer_first must not fall");
    if (first[n] > m.finer.bars.n) throw std::invalid_argument("finer_first points beyond the finer bars");
    return m;
}

// Throws std::invalid_argument for a plan that contradicts itself or asks for finer bars that are not there.
inline const Plan& checked(const Plan& p, const Market& m) {
    if (p.path == Path::finer && !m.finer.first) throw std::invalid_argument("path 'finer' needs finer bars");
    return checked(p);
}

inline Inputs gather(const CoreBars& bars, const Column<std::int8_t>& signals, const Column<double>& atr, const PlanArray& plan,
                     const CoreBars* finer, const std::optional<Column<std::int64_t>>& finer_first, const PyEntryModel* model,
                     const std::optional<Column<std::int64_t>>& fees_e4, const std::optional<Column<std::int32_t>>& slips) {
    Inputs in{market_of(bars, signals, atr, finer, finer_first, fees_e4, slips), one_plan(plan), {}};
    checked(in.plan, in.market);
    if (model) {
        in.model = model->model;
        if (in.model.n_bars != in.market.bars.n) throw std::invalid_argument("the entry model's features have another number of bars");
    }
    return in;
}

}  // namespace esbt::bind
