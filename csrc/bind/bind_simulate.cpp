// The loop, its plan, its trades, and the entry model that may sit in it. Layouts are shared with numpy; esbt/plan.py compares them at
// import.
#include <memory>
#include <optional>
#include <stdexcept>

#include "esbt/equity.hpp"
#include "inputs.hpp"

namespace esbt::bind {

static HookInputs hook_inputs(const py::object& capsule, const std::vector<std::int32_t>& ids, std::int32_t n_features,
                              std::int32_t last_state = kLastEntryState) {
    if (capsule.is_none()) return {};
    const auto* hook = static_cast<const esbt_hook*>(PyCapsule_GetPointer(capsule.ptr(), "esbt_hook"));
    if (!hook) throw py::error_already_set();
    if (hook->version != ESBT_HOOK_VERSION) throw std::invalid_argument("hook of another version: rebuild it against this esbt's hook.h");
    if (hook->n_outputs != 1) throw std::invalid_argument("an entry model's hook must have one output");
    if (hook->n_inputs != static_cast<std::int32_t>(ids.size()))
        throw std::invalid_argument("the hook takes " + std::to_string(hook->n_inputs) + " inputs, " + std::to_string(ids.size()) +
                                    " were named");
    if (ids.size() > kMaxHookInputs) throw std::invalid_argument("a hook may have at most " + std::to_string(kMaxHookInputs) + " inputs");
    for (const std::int32_t id : ids)
        if (id < last_state || id >= n_features)
            throw std::invalid_argument("hook input " + std::to_string(id) + " names no feature and no state");
    return {hook, ids};
}

static PyEntryModel make_entry_model(py::object stop_hook, const std::vector<std::int32_t>& stop_ids, std::pair<double, double> stop_bounds,
                                     py::object confidence_hook, const std::vector<std::int32_t>& confidence_ids,
                                     std::pair<double, double> calibration, double threshold, Matrix features, py::object dynamic_hook,
                                     const std::vector<std::int32_t>& dynamic_ids, std::pair<double, double> dynamic_bounds,
                                     double smoothing, std::int32_t regime_id, std::pair<double, double> regime_bounds, bool loosen) {
    if (features.ndim() != 2) throw std::invalid_argument("features must be float32[F, N]");
    PyEntryModel m{{}, stop_hook, confidence_hook, dynamic_hook, features};
    const auto n_features = static_cast<std::int32_t>(features.shape(0));
    m.model.stop = hook_inputs(stop_hook, stop_ids, n_features);
    m.model.confidence = hook_inputs(confidence_hook, confidence_ids, n_features);
    m.model.stop_low = stop_bounds.first;
    m.model.stop_high = stop_bounds.second;
    m.model.calibration_a = calibration.first;
    m.model.calibration_b = calibration.second;
    m.model.threshold = threshold;
    if (regime_id >= n_features) throw std::invalid_argument("regime_id names no feature");
    m.model.dynamic = {hook_inputs(dynamic_hook, dynamic_ids, n_features, kLastState),
                       dynamic_bounds.first,
                       dynamic_bounds.second,
                       smoothing,
                       regime_id,
                       regime_bounds.first,
                       regime_bounds.second,
                       loosen};
    m.model.features = features.data();
    m.model.n_bars = features.shape(1);
    return m;
}

using Handed = py::typing::Tuple<py::array, py::typing::Dict<py::str, py::int_>>;

static Handed hand_over(Outcome&& outcome) {
    auto held = std::make_unique<std::vector<Trade>>(std::move(outcome.trades));
    const py::capsule owner(held.get(), [](void* p) { delete static_cast<std::vector<Trade>*>(p); });
    const TradeArray trades(static_cast<py::ssize_t>(held->size()), held->data(), owner);
    held.release();
    const Skipped& s = outcome.skipped;
    py::dict skipped;
    skipped["boundary"] = s.boundary;
    skipped["atr"] = s.atr;
    skipped["confidence"] = s.confidence;
    skipped["size"] = s.size;
    skipped["in_position"] = s.in_position;
    skipped["halted"] = s.halted;
    skipped["cooldown"] = s.cooldown;
    skipped["max_trades"] = s.max_trades;
    skipped["volume"] = s.volume;
    skipped["expired"] = s.expired;
    return py::make_tuple(trades, skipped);
}

template <Outcome (*Run)(const Market&, const Plan&, const EntryModel&)>
static Handed py_run(const CoreBars& bars, const Column<std::int8_t>& signals, const Column<double>& atr, const PlanArray& plan,
                     const CoreBars* finer, const std::optional<Column<std::int64_t>>& finer_first, const PyEntryModel* model,
                     const std::optional<Column<std::int64_t>>& fees_e4, const std::optional<Column<std::int32_t>>& slips) {
    const Inputs in = gather(bars, signals, atr, plan, finer, finer_first, model, fees_e4, slips);
    Outcome outcome;
    {
        py::gil_scoped_release unlock;
        outcome = Run(in.market, in.plan, in.model);
    }
    return hand_over(std::move(outcome));
}

static Column<std::int64_t> py_mark_equity(const CoreBars& bars, const TradeArray& trades, const PlanArray& plan) {
    const BarsView b = bars.view();
    require_in_order(trades, b);
    Column<std::int64_t> out(b.n);
    mark_equity(b, trades.data(), trades.size(), one_plan(plan), out.mutable_data());
    return out;
}

void register_simulate(py::module_& m) {
    PYBIND11_NUMPY_DTYPE(Plan, stop_atr, target_r, target_atr, trail_atr, chandelier_atr, break_even_r, risk_fraction, kelly_fraction,
                         payoff, heat_cap, volatility_ref, volatility_target, slippage_atr, volume_share, entry_offset_atr, scale1_r,
                         scale1_share, scale1_stop_r, scale2_r, scale2_share, scale2_stop_r, stop_ticks, target_ticks, trail_ticks,
                         latency_bars, cooldown_bars, max_trades, break_even_offset_ticks, max_bars, slippage_ticks, target_through_ticks,
                         path, entry, entry_offset_ticks, entry_bars, entry_through_ticks, flat_at_close, reverse, sizing, contracts,
                         max_contracts, cash_e4, tick_value_e4, fee_e4, daily_loss_e4, daily_profit_e4);
    PYBIND11_NUMPY_DTYPE(Trade, signal_bar, entry_bar, exit_bar, pnl_e4, costs_e4, entry_costs_e4, confidence, contracts, entry_price,
                         exit_price, stop_distance, target_distance, mae_ticks, mfe_ticks, side, reason, ambiguous, pad);
    m.def("plan_dtype", [] { return py::dtype::of<Plan>(); }, "The core's layout of a plan.");
    m.def("trade_dtype", [] { return py::dtype::of<Trade>(); }, "The core's layout of a trade.");
    m.def(
        "default_plan",
        [] {
            PlanArray plan(1);
            *plan.mutable_data() = Plan{};
            return plan;
        },
        "One plan with the core's defaults.");
    py::class_<PyEntryModel>(m, "EntryModel", "What is learned about an entry, asked through hooks at the signal bar's close.")
        .def(py::init(&make_entry_model), py::arg("stop_hook"), py::arg("stop_ids"), py::arg("stop_bounds"), py::arg("confidence_hook"),
             py::arg("confidence_ids"), py::arg("calibration"), py::arg("threshold"), py::arg("features"),
             py::arg("dynamic_hook") = py::none(), py::arg("dynamic_ids") = std::vector<std::int32_t>{},
             py::arg("dynamic_bounds") = std::pair(0.5, 4.0), py::arg("smoothing") = 1.0, py::arg("regime_id") = -1,
             py::arg("regime_bounds") = std::pair(1.0, 1.0), py::arg("loosen") = false);
    m.def("simulate", &py_run<&simulate>, py::arg("bars"), py::arg("signals"), py::arg("atr"), py::arg("plan"), py::arg("finer") = nullptr,
          py::arg("finer_first") = std::nullopt, py::arg("model") = nullptr, py::arg("fees_e4") = std::nullopt,
          py::arg("slips") = std::nullopt, "Trades (structured array) and the counts of skipped signals of one plan.");
    m.def("simulate_each", &py_run<&simulate_each>, py::arg("bars"), py::arg("signals"), py::arg("atr"), py::arg("plan"),
          py::arg("finer") = nullptr, py::arg("finer_first") = std::nullopt, py::arg("model") = nullptr, py::arg("fees_e4") = std::nullopt,
          py::arg("slips") = std::nullopt,
          "One independent trade per signal, overlaps allowed: what labels are made of. A signal inside an earlier one's trade is counted "
          "as\n"
          "skipped there and traded on its own turn, so these counts are no tally.");
    m.def("mark_equity", &py_mark_equity, py::arg("bars"), py::arg("trades"), py::arg("plan"),
          "Equity at each bar's close, int64[n] in 1e-4 USD.");
}

}  // namespace esbt::bind
