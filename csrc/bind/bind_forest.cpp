// Binds the forest: arrays in, margins out, and the two addresses of which esbt.hooks makes a hook. The shapes are checked here, the
// structure in the core. Readers of models are esbt/forest.py.
#include <pybind11/gil_safe_call_once.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "esbt/forest.hpp"

namespace py = pybind11;

namespace esbt::bind {
namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;
using Rows = Array<float>;

template <class T>
std::span<const T> view(const Array<T>& a, const char* name) {
    if (a.ndim() != 1) throw std::invalid_argument(std::string(name) + " must have one dimension");
    return {a.data(), static_cast<std::size_t>(a.size())};
}

Forest make(const Array<std::int64_t>& tree_start, const Array<std::int32_t>& feature, const Array<double>& threshold,
            const Array<std::uint8_t>& strict, const Array<std::uint8_t>& nan_left, const Array<std::int32_t>& left,
            const Array<std::int32_t>& right, const Array<double>& value, std::int32_t n_features, double base, bool average) {
    ForestArrays a;
    a.tree_start = view(tree_start, "tree_start");
    a.feature = view(feature, "feature");
    a.threshold = view(threshold, "threshold");
    a.strict = view(strict, "strict");
    a.nan_left = view(nan_left, "nan_left");
    a.left = view(left, "left");
    a.right = view(right, "right");
    a.value = view(value, "value");
    a.n_features = n_features;
    a.base = base;
    a.average = average;
    return Forest(a);
}

// numpy's own descriptor of float32 in the machine's byte order: there is one, and it lives as long as numpy.
const py::object& float32() {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> storage;
    return storage.call_once_and_store_result([]() -> py::object { return py::dtype::of<float>(); }).get_stored();
}

void check_rows(const Forest& f, const Rows& x) {
    if (x.ndim() != 2 || x.shape(1) != f.n_features())
        throw std::invalid_argument("X must be float32[n, " + std::to_string(f.n_features()) + "]");
}

}  // namespace

void register_forest(py::module_& m) {
    py::class_<Forest>(m, "Forest", "Trees as flat arrays; see esbt.Forest for the reader of models.")
        .def(py::init(&make), py::kw_only(), py::arg("tree_start").noconvert(), py::arg("feature").noconvert(),
             py::arg("threshold").noconvert(), py::arg("strict").noconvert(), py::arg("nan_left").noconvert(), py::arg("left").noconvert(),
             py::arg("right").noconvert(), py::arg("value").noconvert(), py::arg("n_features"), py::arg("base") = 0.0,
             py::arg("average") = false)
        .def_property_readonly("n_features", &Forest::n_features)
        .def_property_readonly("n_trees", &Forest::n_trees)
        .def_property_readonly("n_nodes", &Forest::n_nodes)
        .def_property_readonly("fast_row", &Forest::fast_row, "A row is asked all splits of a tree at once; else it walks.")
        .def_property_readonly("fast_block", &Forest::fast_block, "A block goes 128 rows at a time; else it walks.")
        .def_property_readonly("state_address", [](const Forest& f) { return reinterpret_cast<std::uintptr_t>(&f); })
        .def_property_readonly("batch_address", [](const Forest&) { return reinterpret_cast<std::uintptr_t>(&Forest::hook_batch); })
        .def(
            "predict",
            [](const Forest& f, const Rows& x) {
                check_rows(f, x);
                py::array_t<double> out(x.shape(0));
                const float* in = x.data();
                double* to = out.mutable_data();
                const std::int64_t n = x.shape(0);
                {
                    py::gil_scoped_release free;
                    f.block(in, n, to);
                }
                return out;
            },
            py::arg("x").noconvert(), "Raw margins float64[n] of X float32[n, n_features].")
        .def(
            "row",
            [](const Forest& f, const py::handle& x) {  // checked by hand: a conversion costs as much as a small forest
                if (!py::isinstance<py::array>(x)) throw py::type_error("x must be a numpy array");
                const auto row = py::reinterpret_borrow<py::array>(x);
                if (!row.dtype().is(float32()) || row.ndim() != 1 || row.shape(0) != f.n_features() ||
                    (row.flags() & py::array::c_style) == 0)
                    throw std::invalid_argument("x must be float32[" + std::to_string(f.n_features()) + "], one after the other");
                return f.row(static_cast<const float*>(row.data()));
            },
            py::arg("x"), "Raw margin of one row float32[n_features].")
        .def(
            "leaves",
            [](const Forest& f, const Rows& x) {
                check_rows(f, x);
                py::array_t<std::int32_t> out({x.shape(0), static_cast<py::ssize_t>(f.n_trees())});
                for (py::ssize_t r = 0; r < x.shape(0); ++r) f.leaves(x.data(r, 0), out.mutable_data() + r * f.n_trees());
                return out;
            },
            py::arg("x").noconvert(), "Node where each tree ends, int32[n, n_trees], counted from the tree's first node.");
}

}  // namespace esbt::bind
