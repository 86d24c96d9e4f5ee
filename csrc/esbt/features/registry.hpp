// The registry: every kind of feature the product knows, family by family. To add a family: a header with add_<family>, one line here.
#pragma once
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/features/averages.hpp"
#include "esbt/features/channels.hpp"
#include "esbt/features/clock.hpp"
#include "esbt/features/kind.hpp"
#include "esbt/features/micro.hpp"
#include "esbt/features/oscillators.hpp"
#include "esbt/features/returns.hpp"
#include "esbt/features/session.hpp"
#include "esbt/features/volatility.hpp"
#include "esbt/features/volume.hpp"

namespace esbt::features {

inline const Kinds& registry() {
    static const Kinds kinds = [] {
        Kinds all;
        add_returns(all);
        add_volume(all);
        add_volatility(all);
        add_averages(all);
        add_channels(all);
        add_oscillators(all);
        add_micro(all);
        add_session(all);
        add_clock(all);
        add_regimes(all);
        return all;
    }();
    return kinds;
}

// A feature with its parameters: what a column of the matrix is.
struct Chosen {
    std::int32_t kind;
    std::vector<double> values;
};

inline const Kind& kind_of(const Chosen& c) {
    if (c.kind < 0 || static_cast<std::size_t>(c.kind) >= registry().size())
        throw std::invalid_argument("no feature has number " + std::to_string(c.kind));
    const Kind& kind = registry()[static_cast<std::size_t>(c.kind)];
    if (c.values.size() != kind.parameters.size()) throw std::invalid_argument(kind.name + " has another number of parameters");
    for (std::size_t k = 0; k < c.values.size(); ++k)
        if (!(c.values[k] >= kind.parameters[k].low && c.values[k] <= kind.parameters[k].high))
            throw std::invalid_argument(kind.name + "'s " + kind.parameters[k].name + " is out of range");
    return kind;
}

inline std::int64_t warm_up_of(const Chosen& c) { return kind_of(c).warm_up(Parameters(c.values)); }

}  // namespace esbt::features
