// What one look forward from a signal's entry finds, for every exit axis at once: for each distance in ticks, when and where a stop, a
// target or a trailing stop of that distance is first met. A wider level is met no sooner, so each bar only adds the distances it is the
// first to reach: a staircase. The look itself is in scan.inc. Knows no lane.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "esbt/sweep/board.hpp"

namespace esbt::sweep {

// The lowest and the highest close behind an entry, in ticks from it, in one number.
inline std::int32_t pack_marks(std::int32_t low, std::int32_t high) {
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(low) & 0xffff) | (static_cast<std::uint32_t>(high) << 16));
}

// A packed exit, and above it the marks of the bars before it: what is added to the exit leaves the marks as they are.
using Way = std::int64_t;
inline Way way(std::int32_t exit, std::int32_t marks) {
    return static_cast<Way>((static_cast<std::uint64_t>(static_cast<std::uint32_t>(marks)) << 32) | static_cast<std::uint32_t>(exit));
}
constexpr Way kNoWay = kNoExit;

// By distance in ticks, from 1 on: the way out.
class Stairs {
  public:
    explicit Stairs(std::int32_t widest) : ways_(static_cast<std::size_t>(widest) + 2 + kAtOnce, kNoWay) {}

    void clear() { reached_ = 0; }
    std::int32_t reached() const { return reached_; }

    // All distances up to `distance` that were not reached before: each the way of zero plus `step` a tick. The first few are written
    // unasked: what lies beyond is written again before it is read.
    void reach(std::int32_t distance, Way of_zero, std::int32_t step) {
        Way* const next = ways_.data() + reached_ + 1;
        const Way first = of_zero + Way{reached_ + 1} * step;
        for (std::int32_t d = 0; d < kAtOnce; ++d) next[d] = first + d * step;
        for (std::int32_t d = kAtOnce; d < distance - reached_; ++d) next[d] = first + Way{d} * step;
        reached_ = std::max(reached_, distance);
    }

    // Then what is one beyond the last reached, for all that is wider, may be read too.
    void close() { ways_[static_cast<std::size_t>(reached_) + 1] = kNoWay; }
    const Way* ways() const { return ways_.data(); }

  private:
    static constexpr std::int32_t kAtOnce = 4;
    std::vector<Way> ways_;
    std::int32_t reached_ = 0;
};

struct Reach {  // the widest distance that any lane asks for; what is off is kFar
    std::int32_t stop, target, trail;
};

struct Stretch {                    // of bars to look at
    std::int64_t base, entry, end;  // the day's first, the first and the last to look at
};

struct Scan {
    Scan(const Board& b, bool trailing)
        : board(b),
          trails_on(trailing),
          stops(2 * b.packing.bias),
          targets(2 * b.packing.bias),
          trails(2 * b.packing.bias),
          marks(static_cast<std::size_t>(b.longest)) {}

    void clear() {
        stops.clear();
        targets.clear();
        trails.clear();
    }

    void close(std::int64_t first_not_seen) {
        stops.close();
        targets.close();
        trails.close();
        behind = first_not_seen;
    }

    bool stop_first(std::int32_t open, std::int32_t low, std::int32_t high) const {
        if (board.how.path == Path::nearest) return adverse_first({open, high, low, 0});
        return board.how.path != Path::best;
    }

    Way way_at_close(std::int64_t j, const Stretch& at, std::int32_t side) const {
        const std::int32_t price = side * board.m.bars.close[j] - entry - board.how.slippage;
        return way(board.packing.pack(static_cast<std::int32_t>(j - at.base), kAtClose, price),
                   marks[static_cast<std::size_t>(j - at.entry)]);
    }

    const Board& board;
    const bool trails_on;
    Stairs stops, targets, trails;
    std::vector<std::int32_t> marks;  // by bar from the entry on, where a time limit may end
    std::int32_t entry = 0;           // times side, slippage included
    std::int64_t behind = 0;          // the first bar not looked at
};

}  // namespace esbt::sweep
