// One row through trees of at most 32 leaves (wider ones go in pieces), without a walk: all splits of a tree are asked at once, and each
// that says "right" cuts off the leaves on its left; the first leaf that none has cut off is where the walk would end (QuickScorer,
// Lucchese et al., SIGIR 2015, theorem 1). Here the splits lie tree by tree and the row's ranks in registers, so that a tree is 30
// instructions without a jump. AVX2.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "esbt/forest_cut.hpp"
#include "esbt/forest_ranks.hpp"
#include "esbt/forest_shape.hpp"

namespace esbt {

#if defined(__x86_64__) && defined(__GNUC__)

#define ESBT_ROW [[gnu::target("avx2,popcnt,bmi"), gnu::always_inline]]

class RowTrees {
  public:
    static constexpr std::size_t kLeaves = 32, kMaxSlots = 256, kPieces = 4;

    // A tree of more leaves becomes up to kPieces smaller ones, in each of which the leaves of the others are 0: adding them up gives the
    // same bits. False where that is not enough, or a node has two parents; the whole layout is of no use then.
    bool add(const TreeShape& shape) {
        Cut cut(shape);
        if (!cut.is_tree()) return false;
        for (std::size_t pieces = 1; cut.leaves(0) > kLeaves; ++pieces) {
            const std::size_t part = cut.largest(kLeaves);
            if (pieces == kPieces || part == 0 || !add_piece(shape, cut, part)) return false;
            cut.off(part);
        }
        return add_piece(shape, cut, 0);
    }

    // Sum of the trees' leaves, in their order.
    [[gnu::target("avx2,popcnt,bmi")]] double sum(const Ranks& ranks, const float* x) const {
        alignas(32) std::int8_t rank[kMaxSlots];
        const std::size_t slots = ranks.slots();
        ranks.of_row_avx2(x, rank, 1);
        if (slots <= 16) return sum_of<1>(rank);
        if (slots <= 32) return sum_of<2>(rank);
        if (slots <= 48) return sum_of<3>(rank);
        if (slots <= 64) return sum_of<4>(rank);
        if (slots <= 128) return sum_of<8>(rank);
        return sum_of<16>(rank);
    }

  private:
    // The piece whose leaves are those of node `part`; all others are 0.
    bool add_piece(const TreeShape& shape, const Cut& cut, std::size_t part) {
        Splits split{};
        split.rank.fill(127);  // no rank is greater: never right
        Leaves leaf{};
        std::array<double, kLeaves> value{};
        struct Step {
            std::size_t node;
            std::uint32_t on_left;  // the splits on whose left side it lies
            bool inside;            // of the part
        };
        std::vector<Step> stack{{0, 0, part == 0}};
        std::size_t splits = 0, leaves = 0;
        while (!stack.empty()) {
            const Step at = stack.back();
            stack.pop_back();
            const TreeShape::Node& node = shape.nodes[at.node];
            const bool open = at.inside ? !cut.is_off(at.node) : cut.above(at.node, part);
            if (node.left < 0 || !open) {
                leaf.on_left[lane(leaves)] = at.on_left;
                value[leaves++] = open && at.inside ? node.value : 0.0;
                continue;
            }
            if (node.place.slot >= kMaxSlots) return false;
            split.slot[splits] = static_cast<std::uint8_t>(node.place.slot);
            split.rank[splits] = static_cast<std::int8_t>(node.place.rank - 128);
            const auto left = static_cast<std::size_t>(node.left), right = static_cast<std::size_t>(node.right);
            stack.push_back({right, at.on_left, at.inside || right == part});
            stack.push_back({left, at.on_left | (1U << splits), at.inside || left == part});
            ++splits;
        }
        splits_.push_back(split);
        leaves_.push_back(leaf);
        value_.insert(value_.end(), value.begin(), value.end());
        return true;
    }

    static constexpr std::size_t kChunk = 32;  // trees whose leaves are fetched while their splits are asked

    struct alignas(64) Splits {
        std::array<std::uint8_t, kLeaves> slot;
        std::array<std::int8_t, kLeaves> rank;  // less 128, as the row's, for bytes compare with a sign
    };
    struct alignas(64) Leaves {
        std::array<std::uint32_t, kLeaves> on_left;  // of each leaf, the splits on whose left side it lies
    };

    // Where leaf i lies so that packing four vectors of compares puts it at bit i.
    static std::size_t lane(std::size_t i) { return i % 16 / 4 * 8 + i % 4 + i / 16 * 4; }

    // The row's rank in each of the tree's slots. A shuffle takes 16 of them; the slot's high bits choose among the shuffles. `low` is the
    // slot without its highest bit, which would make a shuffle give 0.
    template <std::size_t K>
    ESBT_ROW static __m256i look_up(const __m256i* table, __m256i slot, __m256i low) {
        if constexpr (K == 1) {
            return _mm256_shuffle_epi8(table[0], low);
        } else if constexpr (K == 3) {
            return _mm256_blendv_epi8(look_up<2>(table, slot, low), _mm256_shuffle_epi8(table[2], low), _mm256_slli_epi16(slot, 2));
        } else {
            constexpr std::size_t half = K / 2;
            constexpr int bit = half == 1 ? 4 : half == 2 ? 5 : half == 4 ? 6 : 7;
            return _mm256_blendv_epi8(look_up<half>(table, slot, low), look_up<half>(table + half, slot, low),
                                      _mm256_slli_epi16(slot, 7 - bit));
        }
    }

    template <std::size_t K>
    ESBT_ROW double sum_of(const std::int8_t* rank) const {
        __m256i table[K];
        for (std::size_t k = 0; k < K; ++k)
            table[k] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(rank + 16 * k)));
        const __m256i zero = _mm256_setzero_si256();
        std::uint32_t right[kChunk];  // of each tree, which splits say "right"
        double sum = 0.0;
        for (std::size_t first = 0; first < splits_.size(); first += kChunk) {
            const std::size_t n = std::min(kChunk, splits_.size() - first);
            for (std::size_t t = 0; t < n; ++t) {
                const Splits& s = splits_[first + t];
                _mm_prefetch(reinterpret_cast<const char*>(leaves_.data() + first + t), _MM_HINT_T0);
                _mm_prefetch(reinterpret_cast<const char*>(leaves_.data() + first + t) + 64, _MM_HINT_T0);
                const __m256i slot = load(s.slot.data());
                const __m256i mine = look_up<K>(table, slot, K < 16 ? slot : _mm256_and_si256(slot, _mm256_set1_epi8(0x7f)));
                right[t] = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi8(mine, load(s.rank.data()))));
            }
            for (std::size_t t = 0; t < n; ++t) {
                const std::uint32_t* on_left = leaves_[first + t].on_left.data();
                _mm_prefetch(reinterpret_cast<const char*>(splits_.data() + first + t) + sizeof(Splits) * kChunk, _MM_HINT_T0);
                const __m256i said = _mm256_set1_epi32(static_cast<int>(right[t]));
                __m256i cut[4];  // packing keeps what is not 0 from becoming 0
                for (std::size_t q = 0; q < 4; ++q) cut[q] = _mm256_and_si256(said, load(on_left + 8 * q));
                const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(cut[0], cut[1]), _mm256_packs_epi32(cut[2], cut[3]));
                const auto open = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(packed, zero)));
                sum += value_[kLeaves * (first + t) + static_cast<std::size_t>(__builtin_ctz(open))];
            }
        }
        return sum;
    }

    ESBT_ROW static __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

    std::vector<Splits> splits_;
    std::vector<Leaves> leaves_;
    std::vector<double> value_;  // of 32 leaves a tree
};
#undef ESBT_ROW

#else

class RowTrees {  // no such layout on this machine: takes no tree
  public:
    bool add(const TreeShape&) { return false; }
    double sum(const Ranks&, const float*) const { return 0.0; }
};

#endif

}  // namespace esbt
