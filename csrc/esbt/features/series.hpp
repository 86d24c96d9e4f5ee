// What feature kernels read and write: series of doubles, one value a bar, in buffers that keep a little history before the bars at hand.
// Knows no feature.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace esbt::features {

// A number in a key: two numbers have one spelling only if they are the same.
inline std::string exact(double x) {
    char text[40];
    std::snprintf(text, sizeof text, "%a", x);
    return text;
}

// s[i] is the value at bar i of the window; i - k looks k bars back, as far as the graph was told to remember.
struct Series {
    const double* data = nullptr;
    std::int32_t node = -1;
    double operator[](std::int64_t i) const { return data[i]; }
};

// Bars [first, first + count) of the window, all of one contract segment; bar `first` is number `age` of its segment.
struct Span {
    std::int64_t first = 0, count = 0, age = 0;
    std::int64_t end() const { return first + count; }
};

// The buffer behind a series: history, then a window of bars that begins on a cache line, so that vectors of bars straddle none. `fill`
// stands for the values before a segment's first bar.
class Buffer {
  public:
    Buffer(std::int64_t history, std::int64_t window, double fill)
        : history_(history), fill_(fill), values_(static_cast<std::size_t>(history + window + kLine - 1), fill) {
        const auto past = reinterpret_cast<std::uintptr_t>(values_.data() + history) / sizeof(double) % kLine;
        window_ = values_.data() + history + (past ? kLine - static_cast<std::int64_t>(past) : 0);
    }
    Buffer(const Buffer&) = delete;  // window_ points into values_
    Buffer& operator=(const Buffer&) = delete;

    std::int64_t history() const { return history_; }
    double* window() { return window_; }

    // What stands before bar `first` is another segment's.
    void forget(std::int64_t first) { std::fill_n(window_ + first - history_, history_, fill_); }

    // The window's first `count` bars become history.
    void advance(std::int64_t count) {
        std::memmove(window_ - history_, window_ - history_ + count, static_cast<std::size_t>(history_) * sizeof(double));
    }

  private:
    static constexpr std::int64_t kLine = 8;  // doubles
    std::int64_t history_;
    double fill_;
    std::vector<double> values_;
    double* window_;
};

}  // namespace esbt::features
