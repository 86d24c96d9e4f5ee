// How a family writes its kinds down: a feature that is one series of the graph, as it stands or in units of ATR. Knows no feature.
#pragma once
#include <cstdint>
#include <functional>
#include <utility>

#include "esbt/features/kind.hpp"

namespace esbt::features {

using Warm = std::function<std::int64_t(const Parameters&)>;

// A feature that is one series of the graph as it stands.
inline void add_series(Kinds& kinds, Kind kind, Warm warm_up, std::function<Series(Build&, const Parameters&)> series) {
    kind.warm_up = std::move(warm_up);
    kind.build = [series](Build& b, const Parameters& p, std::int64_t bars) { b.g.output(bars, series(b, p)); };
    kinds.push_back(std::move(kind));
}

// The same in units of ATR.
inline void add_in_atr(Kinds& kinds, Kind kind, Warm warm_up, std::function<Series(Build&, const Parameters&)> series) {
    kind.unit = "ATR";
    kind.warm_up = std::move(warm_up);
    kind.build = [series](Build& b, const Parameters& p, std::int64_t bars) {
        b.g.output(bars, [](double x, double per) { return x * per; }, series(b, p), b.per_atr());
    };
    kinds.push_back(std::move(kind));
}

}  // namespace esbt::features
