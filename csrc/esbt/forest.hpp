// A forest of decision trees. It takes the branch of the training library on every float32 input, because thresholds are turned into
// integers in the order of the floats (forest_keys.hpp): exact at, below and above the threshold. A missing value (NaN) becomes the
// smallest or the largest integer, by the node's default side. Trees of few leaves have layouts of their own, one for a row, one for a
// block; any tree can be walked: 16-byte nodes, leaves that point at themselves, a fixed number of steps and no jumps. All three end in the
// same leaf and add the leaves in the same order. Knows no Python and no model file formats.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/forest_block.hpp"
#include "esbt/forest_keys.hpp"
#include "esbt/forest_ranks.hpp"
#include "esbt/forest_row.hpp"
#include "esbt/forest_shape.hpp"
#include "esbt/hook.h"
#include "esbt/target.hpp"

namespace esbt {

// What a forest is made of: the nodes of all trees, one tree after the other. Child numbers count from the tree's first node; a node may
// be the child of several others (a categorical split shares its two sides among several compares).
struct ForestArrays {
    std::span<const std::int64_t> tree_start;   // [trees + 1], first node of each tree, then the number of nodes
    std::span<const std::int32_t> feature;      // [nodes], -1 = leaf
    std::span<const double> threshold;          // [nodes], ignored on leaves
    std::span<const std::uint8_t> strict;       // [nodes], 1: left when v < threshold, 0: left when v <= threshold
    std::span<const std::uint8_t> nan_left;     // [nodes], where a missing value goes
    std::span<const std::int32_t> left, right;  // [nodes], ignored on leaves
    std::span<const double> value;              // [nodes], ignored on splits
    std::int32_t n_features = 0;
    double base = 0.0;     // added to the sum of the trees
    bool average = false;  // the mean over trees, not the sum
};

class Forest {
  public:
    static constexpr std::int32_t kMaxFeatures = 1 << 20;

    // Throws std::invalid_argument unless every walk is sure to end inside its own tree and to read inside its row.
    explicit Forest(const ForestArrays& a) : n_features_(a.n_features), base_(a.base) {
        check_sizes(a);
        nodes_.resize(a.feature.size());
        value_.assign(a.value.begin(), a.value.end());
        const std::size_t trees = a.tree_start.size() - 1;
        divisor_ = a.average && trees > 0 ? static_cast<double>(trees) : 1.0;
        for (std::size_t t = 0; t < trees; ++t) trees_.push_back(add_tree(a, t));
        add_layouts(a);
    }

    std::int32_t n_features() const { return n_features_; }
    std::int64_t n_trees() const { return static_cast<std::int64_t>(trees_.size()); }
    std::int64_t n_nodes() const { return static_cast<std::int64_t>(nodes_.size()); }

    // Whether a row is asked all splits of a tree at once, and whether a block goes 128 rows at a time; both false: walks.
    bool fast_row() const { return row_trees_.has_value() && has_avx2(); }
    bool fast_block() const { return block_trees_.has_value(); }

    // Raw margin of one row of n_features floats.
    double row(const float* x) const { return fast_row() ? finish(row_trees_->sum(ranks_, x)) : walk_row(x); }

    // Raw margins of n rows, row-major; equal to row() bit for bit.
    void block(const float* rows, std::int64_t n, double* out) const {
        std::int64_t r = 0;
        if (fast_block() && n >= kFewRows)
            r = choose_block(rows, n, out);
        else if (!fast_row())
            r = walk_block(rows, n, out);
        for (; r < n; ++r) out[r] = row(rows + r * n_features_);
    }

    // The node (counted from its tree's first) where each tree ends for this row: what tests compare with the training library's leaves.
    void leaves(const float* x, std::int32_t* out) const {
        Keys keys(slots());
        encode(x, keys.data);
        for (std::size_t t = 0; t < trees_.size(); ++t) out[t] = static_cast<std::int32_t>(walk_one(keys.data, trees_[t]) - trees_[t].root);
    }

    // The forest as a hook: state is the forest.
    static int hook_batch(void* state, const float* rows, std::int64_t n, double* out) noexcept {
        try {
            static_cast<const Forest*>(state)->block(rows, n, out);
            return 0;
        } catch (...) {  // out of memory on a very wide row: no exception may cross a C boundary
            return 1;
        }
    }

  private:
    static constexpr std::size_t kLanes = 8;  // walks in flight at once: one walk is a chain of loads that waits, eight fill the wait
    static constexpr std::int32_t kLow = ordered::kLow, kHigh = ordered::kHigh;
    static constexpr std::int64_t kRows = BlockTrees::kRows, kFewRows = kRows / 2;  // fewer are not worth a block

    double walk_row(const float* x) const {
        Keys keys(slots());
        encode(x, keys.data);
        std::size_t t = 0;
        double sum = 0.0;
        for (; t + kLanes <= trees_.size(); t += kLanes) {
            const std::int32_t* at[kLanes];
            std::uint32_t node[kLanes];
            std::int32_t steps = 0;
            for (std::size_t i = 0; i < kLanes; ++i) {
                at[i] = keys.data;
                node[i] = trees_[t + i].root;
                steps = std::max(steps, trees_[t + i].depth);
            }
            walk(at, node, steps);
            for (std::size_t i = 0; i < kLanes; ++i) sum += value_[node[i]];
        }
        for (; t < trees_.size(); ++t) sum += value_[walk_one(keys.data, trees_[t])];
        return finish(sum);
    }

    // Rows taken, from the first on: all but the last few.
    std::int64_t walk_block(const float* rows, std::int64_t n, double* out) const {
        std::int64_t r = 0;
        Keys keys(slots() * kLanes);
        for (; r + static_cast<std::int64_t>(kLanes) <= n; r += kLanes) {
            const std::int32_t* at[kLanes];
            double sum[kLanes] = {};
            for (std::size_t i = 0; i < kLanes; ++i) {
                at[i] = keys.data + i * slots();
                encode(rows + (r + static_cast<std::int64_t>(i)) * n_features_, keys.data + i * slots());
            }
            for (const Tree& tree : trees_) {
                std::uint32_t node[kLanes];
                std::fill_n(node, kLanes, tree.root);
                walk(at, node, tree.depth);
                for (std::size_t i = 0; i < kLanes; ++i) sum[i] += value_[node[i]];
            }
            for (std::size_t i = 0; i < kLanes; ++i) out[r + static_cast<std::int64_t>(i)] = finish(sum[i]);
        }
        return r;
    }

    // Rows taken, from the first on. A last block that is not full is filled up with its first row, unless it is nearly empty.
    std::int64_t choose_block(const float* rows, std::int64_t n, double* out) const {
        struct alignas(64) Line {
            std::int8_t bytes[64];
        };
        std::vector<Line> scratch(block_trees_->scratch(ranks_) / sizeof(Line));
        std::int8_t* const bytes = scratch.data()->bytes;
        block_trees_->prepare(bytes);
        alignas(64) double sum[kRows];
        std::int64_t r = 0;
        for (; n - r >= kFewRows; r += std::min(kRows, n - r)) {
            const auto row_at = [&](std::size_t i) {
                const auto at = static_cast<std::int64_t>(i);
                return rows + (at < n - r ? r + at : r) * n_features_;
            };
            block_trees_->sums(ranks_, row_at, bytes, sum);
            for (std::int64_t i = 0; i < std::min(kRows, n - r); ++i) out[r + i] = finish(sum[i]);
        }
        return r;
    }

    struct Node {
        std::int32_t key;  // right when the slot's key is greater
        std::uint32_t slot;
        std::uint32_t left, turn;  // left child from the forest's first node; left ^ turn is the right one

        // Arithmetic instead of a choice: compilers make a jump of a choice, and half of these would be guessed wrong.
        std::uint32_t next(const std::int32_t* keys) const { return left ^ (turn & (0U - static_cast<std::uint32_t>(keys[slot] > key))); }
    };
    static_assert(sizeof(Node) == 16);

    struct Tree {
        std::uint32_t root;
        std::int32_t depth;  // steps of the longest walk
    };

    // Room for the keys of a row or block: on the stack where it fits, for a row is asked for in the middle of the loop.
    struct Keys {
        static constexpr std::size_t kSmall = 2048;
        std::int32_t small[kSmall];
        std::vector<std::int32_t> large;
        std::int32_t* data;
        explicit Keys(std::size_t n) : data(small) {
            if (n <= kSmall) return;
            large.resize(n);
            data = large.data();
        }
        Keys(const Keys&) = delete;
        Keys& operator=(const Keys&) = delete;
    };

    std::size_t slots() const { return 2 * static_cast<std::size_t>(n_features_); }
    double finish(double sum) const { return sum / divisor_ + base_; }

    // A row twice over: first with NaN as the smallest key (for nodes that send it left), then as the largest.
    void encode(const float* x, std::int32_t* keys) const {
        for (std::int32_t f = 0; f < n_features_; ++f) {
            const std::int32_t bits = std::bit_cast<std::int32_t>(x[f]);
            const bool missing = (bits & 0x7fffffff) > 0x7f800000;
            const std::int32_t k = ordered::key(bits);
            keys[f] = missing ? kLow : k;
            keys[n_features_ + f] = missing ? kHigh : k;
        }
    }

    void walk(const std::int32_t* const (&at)[kLanes], std::uint32_t (&node)[kLanes], std::int32_t steps) const {
        const Node* nodes = nodes_.data();
        for (; steps > 0; --steps)
            for (std::size_t i = 0; i < kLanes; ++i) node[i] = nodes[node[i]].next(at[i]);
    }

    std::uint32_t walk_one(const std::int32_t* keys, const Tree& tree) const {
        std::uint32_t node = tree.root;
        for (std::int32_t s = 0; s < tree.depth; ++s) node = nodes_[node].next(keys);
        return node;
    }

    static void check_sizes(const ForestArrays& a) {
        const std::size_t n = a.feature.size();
        if (a.n_features < 1 || a.n_features > kMaxFeatures)
            throw std::invalid_argument("a forest needs 1 to " + std::to_string(kMaxFeatures) + " features, got " +
                                        std::to_string(a.n_features));
        for (const std::size_t size :
             {a.threshold.size(), a.strict.size(), a.nan_left.size(), a.left.size(), a.right.size(), a.value.size()})
            if (size != n) throw std::invalid_argument("the node arrays of a forest differ in length");
        if (n > static_cast<std::size_t>(kHigh)) throw std::invalid_argument("a forest has more than 2^31 nodes");
        if (a.tree_start.empty() || a.tree_start.front() != 0 || a.tree_start.back() != static_cast<std::int64_t>(n))
            throw std::invalid_argument("tree_start must run from 0 to the number of nodes");
        if (!std::isfinite(a.base)) throw std::invalid_argument("the base score is not a finite number");
    }

    Tree add_tree(const ForestArrays& a, std::size_t t) {
        const std::int64_t first = a.tree_start[t], size = a.tree_start[t + 1] - first;
        const std::string where = "tree " + std::to_string(t);
        if (size < 1 || a.tree_start[t + 1] > static_cast<std::int64_t>(a.feature.size()))
            throw std::invalid_argument(where + " has no nodes or runs past the end");
        std::vector<std::int32_t> depth(static_cast<std::size_t>(size), 0);
        for (std::int64_t i = size - 1; i >= 0; --i) {
            const auto g = static_cast<std::size_t>(first + i);
            const auto self = static_cast<std::uint32_t>(g);
            if (a.feature[g] == -1) {
                if (!std::isfinite(a.value[g])) throw std::invalid_argument(where + ": a leaf value is not a finite number");
                nodes_[g] = {kHigh, 0, self, 0};
                continue;
            }
            if (a.feature[g] < 0 || a.feature[g] >= a.n_features)
                throw std::invalid_argument(where + ": feature " + std::to_string(a.feature[g]) + " is not one of " +
                                            std::to_string(a.n_features));
            if (std::isnan(a.threshold[g])) throw std::invalid_argument(where + ": a threshold is NaN");
            for (const std::int32_t child : {a.left[g], a.right[g]})
                if (child <= i || child >= size)
                    throw std::invalid_argument(where + ": child " + std::to_string(child) + " of node " + std::to_string(i) +
                                                " must come after it and before " + std::to_string(size));
            const auto l = static_cast<std::size_t>(a.left[g]), r = static_cast<std::size_t>(a.right[g]);
            depth[static_cast<std::size_t>(i)] = 1 + std::max(depth[l], depth[r]);
            const std::int32_t slot = a.nan_left[g] ? a.feature[g] : a.n_features + a.feature[g];
            const auto to_left = static_cast<std::uint32_t>(first + a.left[g]), to_right = static_cast<std::uint32_t>(first + a.right[g]);
            nodes_[g] = {ordered::threshold_key(a.threshold[g], a.strict[g] != 0), static_cast<std::uint32_t>(slot), to_left,
                         to_left ^ to_right};
        }
        return {static_cast<std::uint32_t>(first), depth[0]};
    }

    // Each layout takes the whole forest or stays away.
    void add_layouts(const ForestArrays& a) {
        std::vector<SplitKey> splits;
        for (std::size_t g = 0; g < nodes_.size(); ++g)
            if (a.feature[g] >= 0) splits.push_back({a.feature[g], nodes_[g].key, a.nan_left[g] != 0});
        std::vector<Ranks::Place> places;
        ranks_ = Ranks(splits, places);
        row_trees_.emplace();
        block_trees_.emplace();
        auto place = places.begin();
        TreeShape shape;
        for (std::size_t t = 0; t < trees_.size() && (row_trees_ || block_trees_); ++t) {
            shape.nodes.clear();
            for (auto g = static_cast<std::size_t>(a.tree_start[t]); g < static_cast<std::size_t>(a.tree_start[t + 1]); ++g)
                shape.nodes.push_back(a.feature[g] < 0 ? TreeShape::Node{-1, -1, {}, value_[g]}
                                                       : TreeShape::Node{a.left[g], a.right[g], *place++, 0.0});
            if (row_trees_ && !row_trees_->add(shape)) row_trees_.reset();
            if (block_trees_ && !block_trees_->add(shape)) block_trees_.reset();
        }
    }

    std::int32_t n_features_;
    double base_, divisor_ = 1.0;
    std::vector<Node> nodes_;
    std::vector<double> value_;
    std::vector<Tree> trees_;
    Ranks ranks_;
    std::optional<RowTrees> row_trees_;
    std::optional<BlockTrees> block_trees_;
};

}  // namespace esbt
