// A small network of dense layers: y = W x + b, ReLU between the layers, one output. Sums are in float64, in one order for a row and a
// block and on every machine (sixteen outputs side by side, each added up input by input), so the answers are the same bits everywhere. A
// NaN stays a NaN, also through ReLU. Knows no Python and no training library.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/target.hpp"

namespace esbt {

class Network {
  public:
    static constexpr std::size_t kMaxWidth = 4096;

    explicit Network(std::size_t n_inputs) : n_inputs_(n_inputs) {
        if (n_inputs < 1 || n_inputs > kMaxWidth) throw std::invalid_argument("a network has 1 to 4096 inputs");
        widest_ = padded(n_inputs);
    }

    // weight: [outputs, inputs] row-major, inputs = the width before. Throws std::invalid_argument for shapes and for what is not finite.
    void add_layer(std::span<const double> weight, std::span<const double> bias) {
        const std::size_t inputs = layers_.empty() ? n_inputs_ : layers_.back().outputs, outputs = bias.size();
        if (outputs < 1 || outputs > kMaxWidth || weight.size() != inputs * outputs)
            throw std::invalid_argument("layer " + std::to_string(layers_.size()) + " must be [1 to 4096, " + std::to_string(inputs) + "]");
        for (const auto& numbers : {weight, bias})
            for (const double v : numbers)
                if (!std::isfinite(v)) throw std::invalid_argument("layer " + std::to_string(layers_.size()) + " is not finite");
        Layer layer{inputs, outputs, weights_.size()};
        weights_.resize(weights_.size() + padded(outputs) * (inputs + 1), 0.0);
        for (std::size_t o = 0; o < outputs; ++o) {
            double* group = weights_.data() + layer.first + o / kLanes * kLanes * (inputs + 1) + o % kLanes;
            group[0] = bias[o];
            for (std::size_t i = 0; i < inputs; ++i) group[(1 + i) * kLanes] = weight[o * inputs + i];
        }
        widest_ = std::max(widest_, padded(outputs));
        layers_.push_back(layer);
    }

    std::size_t n_inputs() const { return n_inputs_; }
    std::size_t n_layers() const { return layers_.size(); }
    bool complete() const { return !layers_.empty() && layers_.back().outputs == 1; }

    // out[n] of n rows, row-major. Needs complete().
    void block(const float* rows, std::int64_t n, double* out) const {
        if (2 * widest_ <= kSmall) {  // on the stack, for a row is asked for in the middle of the loop
            alignas(64) double room[kSmall];
            return run(rows, n, room, out);
        }
        std::vector<double> room(2 * widest_);
        run(rows, n, room.data(), out);
    }

    // The network as a hook: state is the network.
    static int hook_batch(void* state, const float* rows, std::int64_t n, double* out) noexcept {
        try {
            static_cast<const Network*>(state)->block(rows, n, out);
            return 0;
        } catch (...) {  // out of memory on a very wide layer: no exception may cross a C boundary
            return 1;
        }
    }

  private:
    static constexpr std::size_t kLanes = 16, kSmall = 1024;

    struct Layer {
        std::size_t inputs, outputs, first;  // its weights: for each sixteen outputs, their biases, then their weights of input 0, 1, ...
    };

    typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));
    typedef double Two __attribute__((vector_size(16), aligned(8), may_alias));

    static std::size_t padded(std::size_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

    void run(const float* rows, std::int64_t n, double* room, double* out) const {
        if (has_avx2())
            run_avx2(rows, n, room, out);
        else
            run_baseline(rows, n, room, out);
    }

    ESBT_AVX2 void run_avx2(const float* rows, std::int64_t n, double* room, double* out) const { each_row<WideGroup>(rows, n, room, out); }
    void run_baseline(const float* rows, std::int64_t n, double* room, double* out) const { each_row<NarrowGroup>(rows, n, room, out); }

    // Sixteen outputs side by side: four vectors of four, or eight of two. The sums are the same.
    struct WideGroup {
        static constexpr std::size_t kVectors = 4;
        using V = Four;
        Four sum[kVectors];
    };
    struct NarrowGroup {
        static constexpr std::size_t kVectors = 8;
        using V = Two;
        Two sum[kVectors];
    };

    template <class Group>
    [[gnu::always_inline]] void each_row(const float* rows, std::int64_t n, double* room, double* out) const {
        for (std::int64_t r = 0; r < n; ++r, rows += n_inputs_) {
            double *from = room, *to = room + widest_;
            for (std::size_t i = 0; i < n_inputs_; ++i) from[i] = static_cast<double>(rows[i]);
            for (std::size_t l = 0; l < layers_.size(); ++l) {
                layer<Group>(layers_[l], from, to, l + 1 < layers_.size());
                std::swap(from, to);
            }
            out[r] = from[0];
        }
    }

    template <class Group>
    [[gnu::always_inline]] void layer(const Layer& layer, const double* from, double* to, bool relu) const {
        using V = typename Group::V;
        constexpr std::size_t vectors = Group::kVectors, lanes = kLanes / vectors;
        const double* w = weights_.data() + layer.first;
        for (std::size_t o = 0; o < layer.outputs; o += kLanes) {
            Group g;
            for (std::size_t v = 0; v < vectors; ++v, w += lanes) g.sum[v] = *reinterpret_cast<const V*>(w);
            for (std::size_t i = 0; i < layer.inputs; ++i)
                for (std::size_t v = 0; v < vectors; ++v, w += lanes) g.sum[v] += *reinterpret_cast<const V*>(w) * from[i];
            for (std::size_t v = 0; v < vectors; ++v)
                *reinterpret_cast<V*>(to + o + v * lanes) = relu ? (g.sum[v] < 0.0 ? V{} : g.sum[v]) : g.sum[v];
        }
    }

    std::size_t n_inputs_, widest_ = 0;
    std::vector<Layer> layers_;
    std::vector<double> weights_;
};

}  // namespace esbt
