// Random bars for the fuzz driver, with finer bars that they are made of, and the source of all its chances. Ranges are those that
// esbt/data/validate.py lets through, their ends included. Knows no plan.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <vector>

#include "esbt/bars.hpp"

namespace fuzz {

constexpr std::int32_t kMaxTicks = (1 << 26) - 1;  // MAX_TICKS of esbt/data/validate.py

// SplitMix64 (Steele, Lea, Flood 2014): the standard library's distributions differ between compilers.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t bits() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::int64_t whole(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(high - low + 1));
    }
    double real(double low, double high) { return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53; }
    bool chance(double p) { return real(0, 1) < p; }
    template <class T>
    T pick(std::initializer_list<T> of) {
        return of.begin()[whole(0, static_cast<std::int64_t>(of.size()) - 1)];
    }

  private:
    std::uint64_t state_;
};

struct Columns {
    std::vector<std::int64_t> ts, volume;
    std::vector<std::int32_t> open, high, low, close, session, segment;

    std::size_t size() const { return ts.size(); }
    esbt::BarsView view() const {
        return {ts.data(),      open.data(),    high.data(),
                low.data(),     close.data(),   volume.data(),
                session.data(), segment.data(), static_cast<std::int64_t>(size())};
    }
};

inline std::int32_t clipped(std::int64_t ticks) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(ticks, -kMaxTicks, kMaxTicks));
}

struct Walk {  // how wide the market is
    std::int64_t width, gap;
};

inline Walk random_walk(Random& r) {
    switch (r.whole(0, 9)) {
        case 0:
            return {0, 0};  // all prices equal
        case 1:
            return {kMaxTicks, 2 * std::int64_t{kMaxTicks}};
        case 2:
            return {40, 100'000};
        default:
            return {r.pick<std::int64_t>({1, 3, 8, 30}), r.pick<std::int64_t>({0, 5, 60})};
    }
}

inline void add_bar(Columns& c, Random& r, std::int32_t open, Walk w, std::int32_t session, std::int32_t segment) {
    const std::int32_t close = clipped(open + r.whole(-w.width, w.width));
    c.ts.push_back(static_cast<std::int64_t>(c.size()) * 60'000'000'000);
    c.open.push_back(open);
    c.close.push_back(close);
    c.high.push_back(clipped(std::max(open, close) + r.whole(0, w.width / 2 + (w.width > 0))));
    c.low.push_back(clipped(std::min(open, close) - r.whole(0, w.width / 2 + (w.width > 0))));
    c.volume.push_back(r.pick<std::int64_t>({0, 1, 7, 1'000, 5'000'000, std::numeric_limits<std::int64_t>::max()}));
    c.session.push_back(session);
    c.segment.push_back(segment);
}

struct Market {
    Columns bars, finer;
    std::vector<std::int64_t> finer_first;  // empty: no finer bars
};

// Finer bars first, bars made of them, so that the two agree; some bars have no finer ones at all.
inline void random_bars(Market& c, Random& r, std::int64_t n) {
    const Walk w = random_walk(r);
    const double new_session = r.pick({0.0, 0.05, 0.3, 1.0}), new_segment = r.pick({0.0, 0.0, 0.05, 1.0});
    std::int32_t price = r.pick<std::int32_t>({0, 16'000, -300, kMaxTicks, -kMaxTicks}), session = 19'000, segment = 0;
    c.finer_first.push_back(0);
    for (std::int64_t j = 0; j < n; ++j) {
        Columns group;
        for (std::int64_t i = r.whole(1, 4); i > 0; --i) {
            add_bar(group, r, price, w, session, segment);
            price = clipped(group.close.back() + (r.chance(0.2) ? r.whole(-w.gap, w.gap) : 0));
        }
        add_bar(c.bars, r, group.open.front(), {0, 0}, session, segment);
        c.bars.close.back() = group.close.back();
        c.bars.high.back() = *std::max_element(group.high.begin(), group.high.end());
        c.bars.low.back() = *std::min_element(group.low.begin(), group.low.end());
        if (!r.chance(0.1)) {
            for (auto column : {&Columns::open, &Columns::high, &Columns::low, &Columns::close, &Columns::session, &Columns::segment})
                (c.finer.*column).insert((c.finer.*column).end(), (group.*column).begin(), (group.*column).end());
            for (auto column : {&Columns::ts, &Columns::volume})
                (c.finer.*column).insert((c.finer.*column).end(), (group.*column).begin(), (group.*column).end());
        }
        c.finer_first.push_back(static_cast<std::int64_t>(c.finer.size()));
        if (r.chance(new_session)) ++session;
        if (r.chance(new_segment)) ++segment;
    }
}

}  // namespace fuzz
