// What one look forward from a signal's entry finds, for every exit axis at once: for each distance in ticks, when and where a stop, a
// target or a trailing stop of that distance is first met. A wider level is met no sooner, so each bar only adds the distances it is the
// first to reach: a staircase. The look itself is in scan.inc. Knows no lane.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "esbt/sweep/board.hpp"

namespace esbt::sweep {

// By distance in ticks, from 1 on: the packed exit.
class Stairs {
  public:
    explicit Stairs(std::int32_t widest) : exits_(static_cast<std::size_t>(widest) + 2, kNoExit) {}

    void clear() { reached_ = 0; }
    std::int32_t reached() const { return reached_; }

    // All distances up to `distance` that were not reached before: each to the packed exit of zero plus `step` a tick.
    void reach(std::int32_t distance, std::int32_t exit_of_zero, std::int32_t step) {
        for (std::int32_t d = reached_ + 1; d <= distance; ++d) exits_[static_cast<std::size_t>(d)] = exit_of_zero + d * step;
        reached_ = std::max(reached_, distance);
    }

    // Then what is one beyond the last reached, for all that is wider, may be read too.
    void close() { exits_[static_cast<std::size_t>(reached_) + 1] = kNoExit; }
    const std::int32_t* exits() const { return exits_.data(); }

  private:
    std::vector<std::int32_t> exits_;
    std::int32_t reached_ = 0;
};

// The lowest and the highest close behind an entry, in ticks from it, in one number.
inline std::int32_t pack_marks(std::int32_t low, std::int32_t high) {
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(low) & 0xffff) | (static_cast<std::uint32_t>(high) << 16));
}

struct Reach {  // the widest distance that any lane asks for; what is off is kFar
    std::int32_t stop, target, trail;
};

struct Stretch {                    // of bars to look at
    std::int64_t base, entry, end;  // the day's first, the first and the last to look at
};

struct Scan {
    Scan(const Board& b, bool trailing)
        : board(b), trails_on(trailing), stops(2 * b.packing.bias), targets(2 * b.packing.bias), trails(2 * b.packing.bias) {}

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

    std::int32_t exit_at_close(std::int64_t j, std::int64_t base, std::int32_t side) const {
        return board.packing.pack(static_cast<std::int32_t>(j - base), kAtClose, side * board.m.bars.close[j] - entry - board.how.slippage);
    }

    const Board& board;
    const bool trails_on;
    Stairs stops, targets, trails;
    std::int32_t entry = 0;   // times side, slippage included
    std::int64_t behind = 0;  // the first bar not looked at
};

}  // namespace esbt::sweep
