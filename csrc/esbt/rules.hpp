// Which rules of a plan are on that ask more of the loop than the next touch of a level, the next signal and the next end. Where none is,
// the loop is compiled without them, so that they cost nothing. To add such a rule: a field here, in `any`, and its `on` in simulate.hpp.
#pragma once
#include <cmath>

#include "esbt/day.hpp"
#include "esbt/decide.hpp"
#include "esbt/plan.hpp"

namespace esbt {

struct Rules {
    Rules(const Plan& plan, const EntryModel& model, bool has_slips)
        : moves(std::isfinite(plan.trail_atr) || plan.trail_ticks < kFar || std::isfinite(plan.chandelier_atr) ||
                std::isfinite(plan.break_even_r)),
          parts(std::isfinite(plan.scale1_r) || std::isfinite(plan.scale2_r)),
          resting(plan.entry != Entry::market),
          volume(std::isfinite(plan.volume_share)),
          day(Day(plan).on()),
          limits(Day(plan).limited()),
          dynamic(model.dynamic.ask.hook),
          slips(has_slips) {}

    bool any() const { return moves || parts || resting || volume || day || dynamic || slips; }
    bool each_bar() const { return moves || limits || dynamic; }  // while in position; else quiet bars are skipped

    bool moves, parts, resting, volume, day, limits, dynamic, slips;
};

}  // namespace esbt
