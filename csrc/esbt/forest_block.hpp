// 128 rows at once through trees of at most 256 leaves: from the last split to the first, each split chooses, row by row, between
// the leaves that its two sides have come to. Bytes of ranks and bytes of leaf numbers, no jump depends on a row. Splits may share
// children. The same source is compiled for the plain machine and for AVX2.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "esbt/forest_ranks.hpp"
#include "esbt/forest_shape.hpp"
#include "esbt/target.hpp"

namespace esbt {

class BlockTrees {
  public:
    static constexpr std::size_t kRows = 128;

    // False where the tree has too many leaves or splits, or the forest too many slots; nothing is added then.
    bool add(const TreeShape& shape) {
        std::vector<std::uint16_t> at(shape.nodes.size());
        std::vector<double> value;
        std::vector<Split> splits;
        for (std::size_t i = shape.nodes.size(); i-- > 0;) {
            const TreeShape::Node& node = shape.nodes[i];
            if (node.left < 0) {
                if (value.size() == kLeaves) return false;
                at[i] = static_cast<std::uint16_t>(value.size());
                value.push_back(node.value);
                continue;
            }
            if (splits.size() == kMaxSplits || node.place.slot >= kMaxSlots) return false;
            at[i] = static_cast<std::uint16_t>(kLeaves + splits.size());
            const auto offset = [](std::size_t row) { return static_cast<std::uint16_t>(row * kRows); };
            splits.push_back({offset(node.place.slot), offset(at[static_cast<std::size_t>(node.left)]),
                              offset(at[static_cast<std::size_t>(node.right)]), static_cast<std::int8_t>(node.place.rank - 128)});
        }
        trees_.push_back({splits_.size(), splits.size(), value_.size()});
        splits_.insert(splits_.end(), splits.begin(), splits.end());
        value_.insert(value_.end(), value.begin(), value.end());
        leaves_ = std::max(leaves_, value.size());
        max_splits_ = std::max(max_splits_, splits.size());
        return true;
    }

    // Bytes of scratch that `sums` needs.
    std::size_t scratch(const Ranks& ranks) const { return kRows * (kLeaves + max_splits_ + ranks.slots()); }

    // Once before any `sums` with this scratch.
    void prepare(std::int8_t* scratch) const {
        for (std::size_t leaf = 0; leaf < leaves_; ++leaf) std::memset(scratch + kRows * leaf, static_cast<int>(leaf), kRows);
    }

    // sum[128]: of the trees' leaves, in their order, of 128 rows; x(r) is where row r begins.
    template <class RowAt>
    void sums(const Ranks& ranks, const RowAt& x, std::int8_t* scratch, double* sum) const {
        if (has_avx2())
            sums_avx2(ranks, x, scratch, sum);
        else
            sums_baseline(ranks, x, scratch, sum);
    }

  private:
    static constexpr std::size_t kLeaves = 256, kMaxSplits = 65536 / kRows - kLeaves, kMaxSlots = 65536 / kRows;

    struct Split {
        std::uint16_t slot;         // where in the ranks
        std::uint16_t left, right;  // where in the scratch: leaf numbers, then the splits before this one
        std::int8_t rank;           // less 128, as the rows'
    };
    static_assert(sizeof(Split) == 8);

    struct Tree {
        std::size_t first, splits, value;
    };

    template <class RowAt>
    [[gnu::target("avx2,popcnt")]] void sums_avx2(const Ranks& ranks, const RowAt& x, std::int8_t* scratch, double* sum) const {
        std::int8_t* const rank = scratch + kRows * (kLeaves + max_splits_);
        for (std::size_t r = 0; r < kRows; ++r) ranks.of_row_avx2(x(r), rank + r, kRows);
        choose<Wide>(rank, scratch, sum);
    }

    template <class RowAt>
    void sums_baseline(const Ranks& ranks, const RowAt& x, std::int8_t* scratch, double* sum) const {
        std::int8_t* const rank = scratch + kRows * (kLeaves + max_splits_);
        for (std::size_t r = 0; r < kRows; ++r) ranks.of_row(x(r), rank + r, kRows);
        choose<Narrow>(rank, scratch, sum);
    }

    // Scratch and sums begin at a multiple of 64 bytes.
    typedef std::int8_t Wide __attribute__((vector_size(32), may_alias));
    typedef std::int8_t Narrow __attribute__((vector_size(16), may_alias));
    typedef double Four __attribute__((vector_size(32), may_alias));

    template <class V>
    [[gnu::always_inline]] void choose(const std::int8_t* rank, std::int8_t* scratch, double* sum) const {
        std::fill_n(sum, kRows, 0.0);
        for (const Tree tree : trees_) {
            std::int8_t* to = scratch + kRows * kLeaves;
            const std::int8_t* leaf = scratch;
            const Split* const end = splits_.data() + tree.first + tree.splits;
            for (const Split* split = end - tree.splits; split != end; ++split, to += kRows) {
                const std::int8_t *mine = rank + split->slot, *left = scratch + split->left, *right = scratch + split->right;
                const std::int8_t limit = split->rank;
                for (std::size_t r = 0; r < kRows; r += sizeof(V)) {
                    const auto at = [r](const std::int8_t* p) -> const V& { return *reinterpret_cast<const V*>(p + r); };
                    *reinterpret_cast<V*>(to + r) = at(mine) > limit ? at(right) : at(left);
                }
                leaf = to;
            }
            const double* const value = value_.data() + tree.value;
            for (std::size_t r = 0; r < kRows; r += 4) {
                const auto of = [&](std::size_t i) { return value[static_cast<std::uint8_t>(leaf[r + i])]; };
                *reinterpret_cast<Four*>(sum + r) += Four{of(0), of(1), of(2), of(3)};
            }
        }
    }

    std::vector<Tree> trees_;
    std::vector<Split> splits_;
    std::vector<double> value_;
    std::size_t leaves_ = 0, max_splits_ = 0;
};

}  // namespace esbt
