// Binds the network: folded layers in, answers out, and the two addresses of which esbt.hooks makes a hook. Shapes with names and the
// folding of batch norm are esbt/network.py.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <utility>
#include <vector>

#include "esbt/network.hpp"

namespace py = pybind11;

namespace esbt::bind {
namespace {

using Numbers = py::array_t<double, py::array::c_style>;
using Rows = py::array_t<float, py::array::c_style>;

std::span<const double> view(const Numbers& a) { return {a.data(), static_cast<std::size_t>(a.size())}; }

Network make(std::int64_t n_inputs, const std::vector<std::pair<Numbers, Numbers>>& layers) {
    Network network(static_cast<std::size_t>(n_inputs));
    for (const auto& [weight, bias] : layers) network.add_layer(view(weight), view(bias));
    if (!network.complete()) throw std::invalid_argument("a network's last layer must have one output");
    return network;
}

}  // namespace

void register_network(py::module_& m) {
    py::class_<Network>(m, "Network", "Dense layers with ReLU between; see esbt.Network.")
        .def(py::init(&make), py::arg("n_inputs"), py::arg("layers"), "layers: pairs of float64[outputs, inputs] and float64[outputs].")
        .def_property_readonly("n_inputs", &Network::n_inputs)
        .def_property_readonly("n_layers", &Network::n_layers)
        .def_property_readonly("state_address", [](const Network& n) { return reinterpret_cast<std::uintptr_t>(&n); })
        .def_property_readonly("batch_address", [](const Network&) { return reinterpret_cast<std::uintptr_t>(&Network::hook_batch); })
        .def(
            "predict",
            [](const Network& network, const Rows& x) {
                if (x.ndim() != 2 || x.shape(1) != static_cast<py::ssize_t>(network.n_inputs()))
                    throw std::invalid_argument("X must be float32[n, " + std::to_string(network.n_inputs()) + "]");
                py::array_t<double> out(x.shape(0));
                const float* in = x.data();
                double* to = out.mutable_data();
                const std::int64_t n = x.shape(0);
                {
                    py::gil_scoped_release free;
                    network.block(in, n, to);
                }
                return out;
            },
            py::arg("x").noconvert(), "Outputs float64[n] of X float32[n, n_inputs].");
}

}  // namespace esbt::bind
