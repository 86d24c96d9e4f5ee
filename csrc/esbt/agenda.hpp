// The agenda: the bars at which something may happen that does not depend on prices, as sorted bar numbers: signals, and ends of sessions
// and contracts. Lets the loop go from one to the next instead of asking every bar. Knows no position.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "esbt/bars.hpp"

namespace esbt {

using BarNumbers = std::vector<std::int64_t>;

struct Ends {            // of bars, found once for all runs on them
    BarNumbers segment;  // bars that end a contract, the last bar of all included
    BarNumbers session;  // bars that end a session; a contract's end is one
};

inline Ends find_ends(const BarsView& b) {
    Ends ends;
    for (std::int64_t j = 0; j < b.n; ++j) {
        const bool last = j + 1 == b.n || b.segment[j] != b.segment[j + 1];
        if (last) ends.segment.push_back(j);
        if (last || b.session[j] != b.session[j + 1]) ends.session.push_back(j);
    }
    return ends;
}

inline BarNumbers find_signals(const std::int8_t* signals, std::int64_t n) {
    static_assert(std::endian::native == std::endian::little, "the first bar of a word is its lowest byte");
    BarNumbers found;
    std::int64_t j = 0;
    for (std::uint64_t eight; j + 8 <= n; j += 8) {
        std::memcpy(&eight, signals + j, 8);
        while (eight) {
            const int byte = std::countr_zero(eight) / 8;
            found.push_back(j + byte);
            eight &= ~(std::uint64_t{0xff} << (8 * byte));
        }
    }
    for (; j < n; ++j)
        if (signals[j]) found.push_back(j);
    return found;
}

// The first number at or after a bar; cheap when asked in rising order.
class Cursor {
  public:
    explicit Cursor(const BarNumbers& numbers) : numbers_(numbers) {}

    std::int64_t at_or_after(std::int64_t bar) {
        if (i_ > 0 && numbers_[i_ - 1] >= bar)
            i_ = static_cast<std::size_t>(std::lower_bound(numbers_.begin(), numbers_.begin() + static_cast<std::ptrdiff_t>(i_), bar) -
                                          numbers_.begin());
        while (i_ < numbers_.size() && numbers_[i_] < bar) ++i_;
        return i_ < numbers_.size() ? numbers_[i_] : std::numeric_limits<std::int64_t>::max();
    }

    // The number `count` places after the one last found, or the last of all.
    std::int64_t ahead(std::size_t count) const { return numbers_[std::min(i_ + count, numbers_.size() - 1)]; }

  private:
    const BarNumbers& numbers_;
    std::size_t i_ = 0;
};

}  // namespace esbt
