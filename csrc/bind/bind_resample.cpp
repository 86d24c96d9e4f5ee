// Resampling, for esbt/data/resample.py: words and units are checked there; a kind of bars is a word here, an amount its whole number.
#include <pybind11/stl.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "core_bars.hpp"
#include "esbt/resample.hpp"

namespace esbt::bind {

using resample::Kind;

static Kind kind_of(const std::string& word) {
    static const std::map<std::string, Kind> kinds = {{"minutes", Kind::time},
                                                      {"volume", Kind::volume},
                                                      {"dollars", Kind::dollars},
                                                      {"range_ticks", Kind::range},
                                                      {"session", Kind::session}};
    const auto found = kinds.find(word);
    if (found == kinds.end()) throw std::invalid_argument("no such kind of bars: " + word);
    return found->second;
}

static py::dict py_resample(const CoreBars& bars, const std::string& kind, std::int64_t amount, const Column<std::int32_t>& session_day,
                            const Column<std::int64_t>& session_open) {
    const BarsView b = bars.view();
    const resample::Rule rule{kind_of(kind), amount};
    if (amount < 1) throw std::invalid_argument("amount must be at least 1, got " + std::to_string(amount));
    const py::ssize_t days = session_day.size();
    const resample::SessionOpens opens{session_day.data(), column_of(session_open, days, "session_open"), days};
    std::vector<std::int64_t> rows;
    {
        py::gil_scoped_release unlock;
        rows = resample::find_first(b, rule, opens);
    }
    const auto n = static_cast<py::ssize_t>(rows.size()) - 1;
    Column<std::int64_t> first(n + 1), ts(n), volume(n), buys(b.buys ? n : 0);
    Column<std::int32_t> open(n), high(n), low(n), close(n);
    std::copy(rows.begin(), rows.end(), first.mutable_data());
    const resample::Columns out{ts.mutable_data(),
                                open.mutable_data(),
                                high.mutable_data(),
                                low.mutable_data(),
                                close.mutable_data(),
                                volume.mutable_data(),
                                b.buys ? buys.mutable_data() : nullptr};
    {
        py::gil_scoped_release unlock;
        resample::join(b, rows, out);
        resample::stamp(b, rule, opens, rows, out.ts);
    }
    py::dict columns;
    columns["first"] = first;
    columns["ts"] = ts;
    columns["open"] = open;
    columns["high"] = high;
    columns["low"] = low;
    columns["close"] = close;
    columns["volume"] = volume;
    if (b.buys) columns["buys"] = buys;
    return columns;
}

void register_resample(py::module_& m) {
    m.def(
        "resample", &py_resample, py::arg("bars"), py::arg("kind"), py::arg("amount"), py::arg("session_day"), py::arg("session_open"),
        "Columns of the bars that whole source bars make: first int64[M + 1], ts, open, high, low, close, volume, and buys where the bars\n"
        "have them. kind: minutes (amount in ns), volume, dollars (amount in ticks * contracts), range_ticks, session.");
}

}  // namespace esbt::bind
