// The extension module: a list of register_* calls and nothing else. To bind something new: one bind_*.cpp, one line here.
#include <pybind11/pybind11.h>

namespace esbt::bind {
void register_forest(pybind11::module_&);
void register_network(pybind11::module_&);
void register_indicators(pybind11::module_&);
void register_simulate(pybind11::module_&);
void register_features(pybind11::module_&);
void register_resample(pybind11::module_&);
void register_sweep(pybind11::module_&);
}  // namespace esbt::bind

PYBIND11_MODULE(_core, m) {
    m.doc() = "esbt's compiled core; the public face is the package esbt.";
    esbt::bind::register_indicators(m);
    esbt::bind::register_simulate(m);
    esbt::bind::register_features(m);
    esbt::bind::register_resample(m);
    esbt::bind::register_sweep(m);
    esbt::bind::register_forest(m);
    esbt::bind::register_network(m);
}
