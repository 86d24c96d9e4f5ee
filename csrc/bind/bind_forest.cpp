#include <pybind11/pybind11.h>

namespace esbt::bind {
void register_forest(pybind11::module_& m) { (void)m; }
}  // namespace esbt::bind
