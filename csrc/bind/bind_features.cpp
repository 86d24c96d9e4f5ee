// The feature matrix, the stream of features bar by bar, and their registry, for esbt/features. Names are read in Python; here a feature is
// its number in the registry and the values of its parameters.
#include <pybind11/stl.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "core_bars.hpp"
#include "esbt/features.hpp"

namespace esbt::bind {

using features::Chosen;
using Named = std::pair<std::int32_t, std::vector<double>>;

static std::vector<Chosen> chosen_of(const std::vector<Named>& columns) {
    std::vector<Chosen> chosen;
    for (const auto& [kind, values] : columns) {
        chosen.push_back({kind, values});
        features::kind_of(chosen.back());  // throws where there is no such feature
    }
    return chosen;
}

static py::list feature_registry() {
    py::list kinds;
    for (const features::Kind& kind : features::registry()) {
        py::list parameters;
        for (const features::Parameter& p : kind.parameters) parameters.append(py::make_tuple(p.name, p.initial, p.low, p.high, p.whole));
        py::dict row;
        row["name"] = kind.name;
        row["group"] = kind.group;
        row["parameters"] = parameters;
        row["unit"] = kind.unit;
        row["formula"] = kind.formula;
        row["source"] = kind.source;
        row["standard"] = py::cast(kind.standard);
        kinds.append(row);
    }
    return kinds;
}

static py::array_t<float> compute_features(const CoreBars& bars, const std::vector<Named>& columns, int threads) {
    const std::vector<Chosen> chosen = chosen_of(columns);
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    const BarsView view = bars.view();
    py::array_t<float> matrix({static_cast<py::ssize_t>(chosen.size()), static_cast<py::ssize_t>(view.n)});
    float* out = matrix.mutable_data();
    {
        py::gil_scoped_release release;
        features::compute(view, chosen, threads, out);
    }
    return matrix;
}

// A stream and the one bar it is given.
class PyStream {
  public:
    explicit PyStream(const std::vector<Named>& columns) : n_(columns.size()), stream_(chosen_of(columns)) {}

    py::array_t<float> push(std::int64_t ts, std::int32_t open, std::int32_t high, std::int32_t low, std::int32_t close,
                            std::int64_t volume, std::int32_t session, std::int32_t segment, std::int64_t buys) {
        const BarsView bar{&ts, &open, &high, &low, &close, &volume, &session, &segment, 1, &buys};
        py::array_t<float> values(static_cast<py::ssize_t>(n_));
        stream_.push(bar, values.mutable_data());
        return values;
    }

    // All bars of a run, one after another: what batch = stream is tested with, and what a push costs without Python around it.
    py::array_t<float> replay(const CoreBars& bars) {
        const BarsView view = bars.view();
        py::array_t<float> matrix({static_cast<py::ssize_t>(view.n), static_cast<py::ssize_t>(n_)});
        float* out = matrix.mutable_data();
        {
            py::gil_scoped_release release;
            for (std::int64_t i = 0; i < view.n; ++i)
                stream_.push({view.ts + i, view.open + i, view.high + i, view.low + i, view.close + i, view.volume + i, view.session + i,
                              view.segment + i, 1, view.buys ? view.buys + i : nullptr},
                             out + i * static_cast<std::int64_t>(n_));
        }
        return matrix;
    }

  private:
    std::size_t n_;
    features::Stream stream_;
};

void register_features(py::module_& m) {
    m.def("feature_registry", &feature_registry,
          "list of {name, group, parameters: [(name, initial, low, high, whole)], unit, formula, source, standard}, by feature number");
    m.def(
        "feature_warm_up", [](std::int32_t kind, const std::vector<double>& values) { return features::warm_up_of({kind, values}); },
        py::arg("kind"), py::arg("values"), "bars of each contract segment without a value");
    m.def("compute_features", &compute_features, py::arg("bars"), py::arg("columns"), py::arg("threads") = 1,
          "float32[len(columns), N]: row k is columns[k] = (feature number, parameter values), NaN while it warms up in each segment");
    py::class_<PyStream>(m, "FeatureStream", "Features bar by bar, with the bits of the batch.")
        .def(py::init<const std::vector<Named>&>(), py::arg("columns"))
        .def("push", &PyStream::push, py::arg("ts"), py::arg("open"), py::arg("high"), py::arg("low"), py::arg("close"), py::arg("volume"),
             py::arg("session"), py::arg("segment"), py::arg("buys") = -1, "float32[F]: the values at this closed bar")
        .def("replay", &PyStream::replay, py::arg("bars"), "float32[N, F]: push every bar of a run");
}

}  // namespace esbt::bind
