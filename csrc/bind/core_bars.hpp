// Bars held from Python: keeps the numpy arrays alive and lends their pointers to the core. Checks shapes, not market rules (esbt.data
// does).
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "esbt/agenda.hpp"
#include "esbt/bars.hpp"

namespace esbt::bind {

namespace py = pybind11;

template <class T>
using Column = py::array_t<T, py::array::c_style>;

template <class T>
const T* column_of(const Column<T>& a, py::ssize_t n, const char* name) {
    if (a.ndim() != 1 || a.shape(0) != n)
        throw std::invalid_argument(std::string(name) + " must be one-dimensional with " + std::to_string(n) + " values");
    return a.data();
}

struct CoreBars {
    Column<std::int64_t> ts;
    Column<std::int32_t> open, high, low, close;
    Column<std::int64_t> volume;
    Column<std::int32_t> session, segment;
    std::optional<Column<std::int64_t>> buys;
    Ends ends;

    BarsView view() const {
        const py::ssize_t n = ts.size();
        return {column_of(ts, n, "ts"),
                column_of(open, n, "open"),
                column_of(high, n, "high"),
                column_of(low, n, "low"),
                column_of(close, n, "close"),
                column_of(volume, n, "volume"),
                column_of(session, n, "session"),
                column_of(segment, n, "segment"),
                n,
                buys ? column_of(*buys, n, "buys") : nullptr};
    }
};

}  // namespace esbt::bind
