// The feature matrix and its registry, for esbt/features. Names are checked in Python; here a feature is its number in the registry.
#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "core_bars.hpp"
#include "esbt/features.hpp"

namespace esbt::bind {

using FeatureWords = std::tuple<std::string, std::string, std::int32_t, std::string>;

static std::vector<FeatureWords> feature_registry() {
    std::vector<FeatureWords> words;
    for (const features::FeatureRow& row : features::registry()) words.emplace_back(row.name, row.unit, row.warm_up, row.formula);
    return words;
}

static py::array_t<float> compute_features(const CoreBars& bars, const std::vector<std::int32_t>& ids) {
    const auto known = static_cast<std::int32_t>(features::registry().size());
    for (const std::int32_t id : ids)
        if (id < 0 || id >= known) throw std::invalid_argument("no feature has number " + std::to_string(id));
    const BarsView view = bars.view();
    py::array_t<float> matrix({static_cast<py::ssize_t>(ids.size()), static_cast<py::ssize_t>(view.n)});
    float* out = matrix.mutable_data();
    {
        py::gil_scoped_release release;
        features::compute(view, ids, out);
    }
    return matrix;
}

void register_features(py::module_& m) {
    m.def("feature_registry", &feature_registry, "list of (name, unit, warm_up bars, formula), in the order of feature numbers");
    m.def("compute_features", &compute_features, py::arg("bars"), py::arg("ids"),
          "float32[len(ids), N]: row k is feature number ids[k], NaN while it warms up in each segment");
}

}  // namespace esbt::bind
