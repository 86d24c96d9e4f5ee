// One look forward from a signal's entry that answers every exit axis at once: for each distance in ticks, when and where a stop, a target
// or a trailing stop of that distance is first met. A wider level is met no sooner, so each bar only adds the distances it is the first to
// reach: a staircase. The levels and their order are those of exits.hpp. Knows no lane.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "esbt/position.hpp"
#include "esbt/sweep/board.hpp"

namespace esbt::sweep {

// By distance in ticks, from 1 on: the packed exit.
class Stairs {
  public:
    explicit Stairs(std::size_t most) : exits_(most + 2, kNoExit) {}

    void clear() { reached_ = 0; }
    std::int32_t reached() const { return reached_; }

    // Distances up to `distance`, the new ones among them: all to one packed exit, or, with step, each to one more or less per tick.
    void reach(std::int32_t distance, std::int32_t exit_of_zero, std::int32_t step) {
        for (std::int32_t d = reached_ + 1; d <= distance; ++d) exits_[static_cast<std::size_t>(d)] = exit_of_zero + d * step;
        reached_ = std::max(reached_, distance);
    }

    // To be read after `close`: what is at most one beyond the last reached.
    void close() { exits_[static_cast<std::size_t>(reached_) + 1] = kNoExit; }
    const std::int32_t* exits() const { return exits_.data(); }

  private:
    std::vector<std::int32_t> exits_;
    std::int32_t reached_ = 0;
};

// The closes behind an entry, both extremes of those before a bar in one number.
struct Marks {
    static std::int32_t pack(std::int32_t low, std::int32_t high) {
        return static_cast<std::int32_t>((static_cast<std::uint32_t>(low) & 0xffff) | (static_cast<std::uint32_t>(high) << 16));
    }
};

struct Reach {  // the widest distance that any lane asks for; what is off is kFar
    std::int32_t stop, target, trail;
};

class Scan {
  public:
    Scan(const Board& board, bool trails) : board_(board), trails_on_(trails), stops(room(board)), targets(room(board)), trails(room(board)) {}

    // From the entry bar, whose day began with bar `base`, to the end, or to where no lane can still be in. marks: as many as there may be
    // bars. Returns the packed exit at the end, kNoExit where no lane gets there.
    std::int32_t run(std::int32_t side, std::int64_t entry_bar, std::int64_t base, std::int64_t end, const Reach& wanted, std::int32_t* marks) {
        return side > 0 ? run_side<1>(entry_bar, base, end, wanted, marks) : run_side<-1>(entry_bar, base, end, wanted, marks);
    }

    std::int32_t entry = 0;  // times side, slippage included
    std::int64_t behind = 0;  // the first bar not looked at

  private:
    static std::size_t room(const Board& board) { return static_cast<std::size_t>(2 * board.packing.bias + 2); }

    template <std::int32_t Side>
    std::int32_t run_side(std::int64_t j, std::int64_t base, std::int64_t end, const Reach& wanted, std::int32_t* marks) {
        const BarsView& bars = board_.m.bars;
        const std::int32_t* const adverse = Side > 0 ? bars.low : bars.high;
        const std::int32_t* const favourable = Side > 0 ? bars.high : bars.low;
        const std::int32_t slip = board_.how.slippage, through = board_.how.through;
        const Packing& packing = board_.packing;
        const std::int32_t first = Side * bars.open[j];
        entry = first + slip;
        stops.clear();
        targets.clear();
        trails.clear();
        std::int32_t best = first, low_close = 32767, high_close = -32768;
        for (const std::int64_t from = j; j <= end; ++j) {
            *marks++ = Marks::pack(low_close, high_close);
            const std::int32_t open = Side * bars.open[j], low = Side * adverse[j], high = Side * favourable[j];
            const bool lower = entry - low > stops.reached(), higher = high - through - entry > targets.reached() || open - entry > targets.reached();
            const bool fell = trails_on_ && j > from && best - low > trails.reached();
            if (lower | higher | fell) {
                const auto bar = static_cast<std::int32_t>(j - base);
                const bool stop_first = first_inside(open, low, high);
                const std::int32_t stop_place = stop_first ? kInsideFirst : kInsideSecond;
                const std::int32_t target_place = stop_first ? kInsideSecond : kInsideFirst;
                const std::int32_t stop_at_open = packing.pack(bar, kStopAtOpen, open - entry - slip);
                stops.reach(entry - open, stop_at_open, 0);
                stops.reach(entry - low, packing.pack(bar, stop_place, -slip), 1);
                targets.reach(open - entry, packing.pack(bar, kTargetAtOpen, open - entry), 0);
                targets.reach(high - through - entry, packing.pack(bar, target_place, 0), -1);
                if (fell) {
                    trails.reach(best - open, stop_at_open, 0);
                    trails.reach(best - low, packing.pack(bar, stop_place, best - entry - slip), 1);
                }
                if (stops.reached() >= wanted.stop || targets.reached() >= wanted.target || trails.reached() >= wanted.trail) {
                    ++j;
                    break;
                }
            }
            best = std::max(best, high);
            const std::int32_t close = Side * bars.close[j] - entry;
            low_close = std::min(low_close, close);
            high_close = std::max(high_close, close);
        }
        stops.close();
        targets.close();
        trails.close();
        behind = j;
        if (j <= end) return kNoExit;
        return packing.pack(static_cast<std::int32_t>(end - base), kAtClose, Side * bars.close[end] - entry - slip);
    }

    bool first_inside(std::int32_t open, std::int32_t low, std::int32_t high) const {
        switch (board_.how.path) {
            case Path::best:
                return false;
            case Path::nearest:
                return adverse_first({open, high, low, 0});
            default:
                return true;
        }
    }

    const Board& board_;
    const bool trails_on_;

  public:
    Stairs stops, targets, trails;
};

}  // namespace esbt::sweep
