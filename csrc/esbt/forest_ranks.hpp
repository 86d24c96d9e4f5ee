// A row as ranks: how many of a feature's thresholds lie below its value. A split is then one compare of two bytes, exact as the compare of
// the floats was. One slot holds up to 255 thresholds of one feature; a feature with more, or one whose missing values go where no single
// number would go, has several. Knows thresholds and rows, no trees.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "esbt/forest_keys.hpp"
#include "esbt/target.hpp"

namespace esbt {

// A split of a tree as Ranks is given it: right when the key of the feature's value is greater.
struct SplitKey {
    std::int32_t feature;
    std::int32_t key;
    bool nan_left;
};

class Ranks {
  public:
    struct Place {
        std::uint32_t slot;
        std::uint8_t rank;  // right when the row's rank in the slot is greater
    };

    Ranks() = default;

    // `splits` are all splits of a forest; `places` becomes where each of them looks.
    Ranks(const std::vector<SplitKey>& splits, std::vector<Place>& places) {
        places.resize(splits.size());
        std::vector<std::uint32_t> order(splits.size());
        for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            const SplitKey &s = splits[a], &t = splits[b];
            return s.feature != t.feature ? s.feature < t.feature : s.key < t.key;
        });
        for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
            while (last < order.size() && splits[order[last]].feature == splits[order[first]].feature) ++last;
            add_feature(splits, {order.begin() + static_cast<std::ptrdiff_t>(first), order.begin() + static_cast<std::ptrdiff_t>(last)},
                        places);
        }
    }

    std::size_t slots() const { return feature_.size(); }

    // The row's rank in each slot, less 128 (bytes compare with a sign): slot s goes to to[s * stride].
    void of_row(const float* x, std::int8_t* to, std::size_t stride) const {
        for (std::size_t s = 0; s < slots(); ++s) {
            const std::int32_t* const at = keys_.data() + first_[s] + kBlock;
            const std::int32_t key = key_of(std::bit_cast<std::int32_t>(x[feature_[s]]), nan_key_[s]);
            const std::int32_t* from = at;
            for (std::uint32_t n = count_[s]; n > 0;) {
                const std::uint32_t half = (n + 1) / 2;
                from += (0U - static_cast<std::uint32_t>(from[half - 1] < key)) & half;
                n -= half;
            }
            to[s * stride] = static_cast<std::int8_t>(from - at - 128);
        }
    }

#if defined(__x86_64__) && defined(__GNUC__)
    // The same: which blocks of 16 keys lie below, then which keys of the block in question.
    [[gnu::target("avx2,popcnt"), gnu::always_inline]] void of_row_avx2(const float* x, std::int8_t* to, std::size_t stride) const {
        constexpr std::size_t kAtOnce = 64;
        const std::int32_t *feature = feature_.data(), *nan_key = nan_key_.data(), *const keys = keys_.data();
        const std::uint32_t* first = first_.data();
        for (std::size_t left = slots(); left > 0;) {
            const std::size_t n = std::min(left, kAtOnce);
            std::int32_t mine[kAtOnce];
            for (std::size_t i = 0; i < n; ++i) std::memcpy(mine + i, x + feature[i], sizeof(float));
            for (std::size_t i = 0; i < n; ++i) mine[i] = key_of(mine[i], nan_key[i]);
            for (std::size_t i = 0; i < n; ++i) {
                const __m256i key = _mm256_set1_epi32(mine[i]);
                const std::int32_t* const at = keys + first[i];
                const std::uint32_t blocks = twice_below(at, key);
                to[i * stride] = static_cast<std::int8_t>(blocks * 8 + twice_below(at + kBlock + blocks * 8, key) / 2 - 128);
            }
            feature += n;
            nan_key += n;
            first += n;
            to += n * stride;
            left -= n;
        }
    }
#endif

  private:
    static constexpr std::size_t kBlock = 16, kSlotKeys = 255;

    static std::int32_t key_of(std::int32_t bits, std::int32_t nan_key) {
        const std::int32_t number = -static_cast<std::int32_t>(!ordered::missing(bits));  // masks, for compilers make jumps of choices
        return (ordered::key(bits) & number) | (nan_key & ~number);
    }

#if defined(__x86_64__) && defined(__GNUC__)
    [[gnu::target("avx2,popcnt"), gnu::always_inline]] static std::uint32_t twice_below(const std::int32_t* keys, __m256i key) {
        const __m256i a = _mm256_cmpgt_epi32(key, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys)));
        const __m256i b = _mm256_cmpgt_epi32(key, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys + 8)));
        return static_cast<std::uint32_t>(__builtin_popcount(static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_packs_epi32(a, b)))));
    }
#endif

    // Splits of one feature, ascending by key. One group where a missing value behaves as some number would, else one for each side.
    void add_feature(const std::vector<SplitKey>& splits, const std::vector<std::uint32_t>& order, std::vector<Place>& places) {
        std::int32_t last_right = ordered::kLow, first_left = ordered::kHigh;
        std::vector<std::uint32_t> left, right;
        for (const std::uint32_t i : order) {
            if (splits[i].nan_left)
                first_left = std::min(first_left, splits[i].key);
            else
                last_right = std::max(last_right, splits[i].key);
            (splits[i].nan_left ? left : right).push_back(i);
        }
        if (left.empty() || right.empty() || last_right < first_left)
            return add_group(splits, order, right.empty() ? ordered::kLow : left.empty() ? ordered::kHigh : last_right + 1, places);
        add_group(splits, left, ordered::kLow, places);
        add_group(splits, right, ordered::kHigh, places);
    }

    void add_group(const std::vector<SplitKey>& splits, const std::vector<std::uint32_t>& order, std::int32_t nan_key,
                   std::vector<Place>& places) {
        std::vector<std::int32_t> keys;
        for (const std::uint32_t i : order) {
            if (keys.empty() || splits[i].key != keys.back()) {
                if (keys.size() == kSlotKeys) {
                    add_slot(splits[i].feature, nan_key, keys);
                    keys.clear();
                }
                keys.push_back(splits[i].key);
            }
            places[i] = {static_cast<std::uint32_t>(slots()), static_cast<std::uint8_t>(keys.size() - 1)};
        }
        add_slot(splits[order.front()].feature, nan_key, keys);
    }

    void add_slot(std::int32_t feature, std::int32_t nan_key, const std::vector<std::int32_t>& keys) {
        const std::size_t first = keys_.size(), blocks = keys.size() / kBlock + 1;
        feature_.push_back(feature);
        nan_key_.push_back(nan_key);
        first_.push_back(static_cast<std::uint32_t>(first));
        count_.push_back(static_cast<std::uint32_t>(keys.size()));
        keys_.resize(first + kBlock * (1 + blocks), ordered::kHigh);
        std::copy(keys.begin(), keys.end(), keys_.begin() + static_cast<std::ptrdiff_t>(first + kBlock));
        for (std::size_t b = 0; b < blocks; ++b) keys_[first + b] = keys_[first + kBlock * (2 + b) - 1];
    }

    // Of each slot: its feature, the key whose place a missing value takes, where its keys begin, how many they are.
    std::vector<std::int32_t> feature_, nan_key_;
    std::vector<std::uint32_t> first_, count_;
    std::vector<std::int32_t> keys_;  // 16 pivots (the last key of each block), then blocks of 16, filled up with the largest key
};

}  // namespace esbt
