// How a wide tree is cut into pieces for a layout of few leaves (forest_row.hpp). A piece keeps the leaves under one node, the splits on
// the way down to it, and a leaf of 0 wherever the way is left; what is cut off is a leaf of 0 to the pieces that follow. Knows no layout.
#pragma once
#include <cstddef>
#include <vector>

#include "esbt/forest_shape.hpp"

namespace esbt {

class Cut {
  public:
    explicit Cut(const TreeShape& shape) : parent_(shape.nodes.size(), 0), depth_(shape.nodes.size(), 0), leaves_(shape.nodes.size(), 1) {
        off_.assign(shape.nodes.size(), 0);
        for (std::size_t i = 0; i < shape.nodes.size(); ++i) {
            if (shape.nodes[i].left < 0 || (i > 0 && depth_[i] == 0)) continue;  // a leaf, or no way leads here
            for (const std::int32_t child : {shape.nodes[i].left, shape.nodes[i].right}) {
                const auto c = static_cast<std::size_t>(child);
                is_tree_ = is_tree_ && depth_[c] == 0;  // parents come first: whoever has a depth has a parent
                parent_[c] = i;
                depth_[c] = depth_[i] + 1;
            }
        }
        for (std::size_t i = shape.nodes.size(); i-- > 0;)
            if (shape.nodes[i].left >= 0)
                leaves_[i] =
                    leaves_[static_cast<std::size_t>(shape.nodes[i].left)] + leaves_[static_cast<std::size_t>(shape.nodes[i].right)];
    }

    // Whether every node has one parent; nothing else may be asked where not.
    bool is_tree() const { return is_tree_; }
    std::size_t leaves(std::size_t node) const { return leaves_[node]; }
    bool is_off(std::size_t node) const { return off_[node] != 0; }

    // Whether `node` lies on the way from the root to `part`, which is not the root.
    bool above(std::size_t node, std::size_t part) const {
        while (depth_[part] > depth_[node]) part = parent_[part];
        return part == node;
    }

    // The node with the most leaves whose piece has no more than `most`, 0 where there is none of two or more.
    std::size_t largest(std::size_t most) const {
        std::size_t best = 0;
        for (std::size_t i = 1; i < leaves_.size(); ++i)
            if (depth_[i] > 0 && !hidden(i) && leaves_[i] > 1 && leaves_[i] + depth_[i] <= most &&
                (best == 0 || leaves_[i] > leaves_[best]))
                best = i;
        return best;
    }

    // Cuts the node's leaves off: it is a leaf of 0 from now on.
    void off(std::size_t node) {
        const std::size_t fewer = leaves_[node] - 1;
        for (std::size_t i = node; i != 0; i = parent_[i]) leaves_[i] -= fewer;
        leaves_[0] -= fewer;
        off_[node] = 1;
    }

  private:
    bool hidden(std::size_t node) const {
        for (; node != 0; node = parent_[node])
            if (off_[node]) return true;
        return false;
    }

    std::vector<std::size_t> parent_, depth_, leaves_;
    std::vector<char> off_;
    bool is_tree_ = true;
};

}  // namespace esbt
