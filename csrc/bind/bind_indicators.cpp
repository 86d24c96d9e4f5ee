// Bars, ATR and crossings.
#include <pybind11/stl.h>

#include <stdexcept>
#include <utility>

#include "core_bars.hpp"
#include "esbt/indicators.hpp"

namespace esbt::bind {

static void require_period(std::int32_t period, const char* name) {
    if (period < 1) throw std::invalid_argument(std::string(name) + " must be at least 1, got " + std::to_string(period));
}

static Column<double> py_wilder_atr(const CoreBars& bars, std::int32_t period) {
    require_period(period, "period");
    const BarsView b = bars.view();
    Column<double> out(b.n);
    double* data = out.mutable_data();
    py::gil_scoped_release unlock;
    wilder_atr(b, period, data);
    return out;
}

static Column<std::int8_t> py_ema_crossings(const CoreBars& bars, std::int32_t fast, std::int32_t slow, std::int32_t warm_bars) {
    require_period(fast, "fast");
    require_period(slow, "slow");
    const BarsView b = bars.view();
    Column<std::int8_t> out(b.n);
    std::int8_t* data = out.mutable_data();
    py::gil_scoped_release unlock;
    ema_crossings(b, {fast, slow, warm_bars}, data);
    return out;
}

void register_indicators(py::module_& m) {
    py::class_<CoreBars>(m, "CoreBars", "Bars as the core reads them: whole ticks, borrowed from the arrays given.")
        .def(py::init([](Column<std::int64_t> ts, Column<std::int32_t> open, Column<std::int32_t> high, Column<std::int32_t> low,
                         Column<std::int32_t> close, Column<std::int64_t> volume, Column<std::int32_t> session,
                         Column<std::int32_t> segment, std::optional<Column<std::int64_t>> buys) {
                 CoreBars b{ts, open, high, low, close, volume, session, segment, std::move(buys), {}};
                 b.ends = find_ends(b.view());
                 return b;
             }),
             py::arg("ts"), py::arg("open"), py::arg("high"), py::arg("low"), py::arg("close"), py::arg("volume"), py::arg("session"),
             py::arg("segment"), py::arg("buys") = std::nullopt)
        .def("__len__", [](const CoreBars& b) { return b.ts.size(); });
    m.def("wilder_atr", &py_wilder_atr, py::arg("bars"), py::arg("period"), "Wilder's ATR in ticks, float64[n], NaN while warming up.");
    m.def("ema_crossings", &py_ema_crossings, py::arg("bars"), py::arg("fast"), py::arg("slow"), py::arg("warm_bars"),
          "Crossings of two EMAs, int8[n] in {-1, 0, +1}, known at each bar's close.");
}

}  // namespace esbt::bind
