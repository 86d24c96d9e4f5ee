// A tree as the fast layouts (forest_row.hpp, forest_block.hpp) are given it.
#pragma once
#include <cstdint>
#include <vector>

#include "esbt/forest_ranks.hpp"

namespace esbt {

// Nodes before their children, numbers within the tree; a node may have several parents.
struct TreeShape {
    struct Node {
        std::int32_t left, right;  // -1: a leaf
        Ranks::Place place;
        double value;
    };
    std::vector<Node> nodes;
};

}  // namespace esbt
