// What a feature kernel is given: one closed bar, seen from inside its contract segment, and nothing later. Prices are whole ticks relative
// to the segment's first close, so shifted prices give the same values to the last bit. Also the walker that makes such bars, in blocks
// small enough to stay in cache while every kernel reads them. Knows no kernel.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "esbt/bars.hpp"
#include "esbt/features/parts.hpp"
#include "esbt/indicators.hpp"

namespace esbt::features {

struct FeatureBar {
    std::int64_t ts = 0;                                  // ns UTC, bar open
    std::int64_t age = 0;                                 // bars of this segment before this one
    double volume = 0.0;                                  // contracts
    double atr = 0.0;                                     // Wilder's ATR(14), ticks, NaN for the first 13 bars of a segment
    double price = 0.0;                                   // |close| itself, ticks: the one field that feels a shift of prices
    std::int32_t open = 0, high = 0, low = 0, close = 0;  // ticks above the segment's first close
    std::int32_t close_before = 0;                        // of the bar before; the first bar's is its own close
    std::int32_t true_range = 0;                          // ticks
    bool session_start = false;                           // first bar of a session, or of the segment

    // A distance in ATR units. An ATR below one tick counts as one tick: markets do not move by less, and a flat market divides by no zero.
    double in_atr(double ticks) const { return ticks / std::max(atr, 1.0); }
};

class BarWalker {
  public:
    static constexpr std::int64_t kBlock = 256;

    explicit BarWalker(const BarsView& bars) : b_(bars) {}

    // The next bars in order, at most kBlock; empty at the end. The span holds until the next call.
    std::span<const FeatureBar> next() {
        const std::int64_t count = std::min(kBlock, b_.n - at_);
        for (std::int64_t k = 0; k < count; ++k) block_[static_cast<std::size_t>(k)] = look(at_ + k);
        at_ += count;
        return {block_.data(), static_cast<std::size_t>(count)};
    }

  private:
    FeatureBar look(std::int64_t i) {
        const bool first = starts_segment(b_, i);
        if (first) {
            age_ = 0;
            anchor_ = b_.close[i];
            atr_ = {};
        }
        FeatureBar f;
        f.ts = b_.ts[i];
        f.age = age_++;
        f.volume = static_cast<double>(b_.volume[i]);
        f.true_range = true_range_ticks(b_, i, first);
        f.atr = atr_.push(f.true_range);
        f.price = std::abs(static_cast<double>(b_.close[i]));
        f.open = b_.open[i] - anchor_;
        f.high = b_.high[i] - anchor_;
        f.low = b_.low[i] - anchor_;
        f.close = b_.close[i] - anchor_;
        f.close_before = first ? f.close : b_.close[i - 1] - anchor_;
        f.session_start = first || b_.session[i] != b_.session[i - 1];
        return f;
    }

    BarsView b_;
    std::int64_t at_ = 0, age_ = 0;
    std::int32_t anchor_ = 0;
    WilderMean<14> atr_;
    std::array<FeatureBar, kBlock> block_;
};

}  // namespace esbt::features
