// What a feature is to the registry: its name, parameters, words for the reader, warm-up, and how it is built. Knows no feature.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "esbt/features/build.hpp"

namespace esbt::features {

// Values of a feature's parameters, in the order it declares them.
class Parameters {
  public:
    explicit Parameters(std::vector<double> values) : values_(std::move(values)) {}
    double real(std::size_t k) const { return values_[k]; }
    std::int64_t operator[](std::size_t k) const { return static_cast<std::int64_t>(values_[k]); }
    std::string key() const {
        std::string text;
        for (const double v : values_) text += ":" + exact(v);
        return text;
    }

  private:
    std::vector<double> values_;
};

struct Parameter {
    std::string name{};
    double initial;  // where the user gives none
    double low, high;
    bool whole = true;
};

struct Kind {
    std::string name{};
    std::string group{};
    std::vector<Parameter> parameters{};
    std::string unit{};
    std::string formula{};
    std::string source{};                                                  // where the formula is from
    std::vector<std::vector<double>> standard{};                           // parameter values in the default set; {{}} for one without any
    std::function<std::int64_t(const Parameters&)> warm_up{};              // bars of a segment without a value
    std::function<void(Build&, const Parameters&, std::int64_t)> build{};  // asks for one output, with that warm-up
};

using Kinds = std::vector<Kind>;

}  // namespace esbt::features
