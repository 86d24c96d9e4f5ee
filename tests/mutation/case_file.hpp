// Reads the case file that cases.py writes, one case at a time: blocks of an int64 count of bytes and the bytes.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core_under_test.hpp"

namespace mutation {

class Blocks {
  public:
    explicit Blocks(const char* path) : file_(std::fopen(path, "rb")) {
        if (!file_) fail("no such file");
    }
    ~Blocks() { std::fclose(file_); }
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;

    bool more() {
        const int c = std::getc(file_);
        if (c != EOF) std::ungetc(c, file_);
        return c != EOF;
    }

    template <class T>
    std::vector<T> next() {
        std::int64_t bytes = 0;
        read(&bytes, sizeof bytes);
        if (bytes % static_cast<std::int64_t>(sizeof(T)) != 0) fail("a block is no whole number of records: written for another core?");
        std::vector<T> block(static_cast<std::size_t>(bytes) / sizeof(T));
        read(block.data(), static_cast<std::size_t>(bytes));
        return block;
    }

    template <class T>
    T one() {
        const std::vector<T> block = next<T>();
        if (block.size() != 1) fail("one record expected: written for another core?");
        return block[0];
    }

  private:
    [[noreturn]] static void fail(const char* what) {
        std::fprintf(stderr, "case file: %s\n", what);
        std::exit(2);
    }
    void read(void* to, std::size_t bytes) {
        if (bytes && std::fread(to, 1, bytes, file_) != bytes) fail("cut short");
    }
    std::FILE* file_;
};

struct Columns {
    std::vector<std::int32_t> open, high, low, close, session, segment;
    std::vector<std::int64_t> volume;

    explicit Columns(Blocks& in)
        : open(in.next<std::int32_t>()),
          high(in.next<std::int32_t>()),
          low(in.next<std::int32_t>()),
          close(in.next<std::int32_t>()),
          session(in.next<std::int32_t>()),
          segment(in.next<std::int32_t>()),
          volume(in.next<std::int64_t>()) {}

    esbt::BarsView view() const {
        return {nullptr,        open.data(),    high.data(),
                low.data(),     close.data(),   volume.data(),
                session.data(), segment.data(), static_cast<std::int64_t>(open.size())};
    }
};

// What a stage of the twin's model was asked and what it said, in order; the core must ask the same.
struct Tape {
    std::vector<float> asked;
    std::vector<double> said;
    std::size_t played = 0;

    explicit Tape(Blocks& in) : asked(in.next<float>()), said(in.next<double>()) {}

    static int play(void* state, const float* row, std::int64_t n, double* out) {
        auto& t = *static_cast<Tape*>(state);
        if (n != 1 || t.played == t.said.size()) return 1;
        const std::size_t width = t.asked.size() / t.said.size();
        if (std::memcmp(row, t.asked.data() + width * t.played, width * sizeof(float)) != 0) return 1;
        *out = t.said[t.played++];
        return 0;
    }
    bool at_end() const { return played == said.size(); }
    esbt_hook hook() {
        return {ESBT_HOOK_VERSION, said.empty() ? 0 : static_cast<std::int32_t>(asked.size() / said.size()), 1, 0, this, play};
    }
};

struct Tapes {
    Tape stop, confidence, dynamic;
    explicit Tapes(Blocks& in) : stop(in), confidence(in), dynamic(in) {}
    bool at_end() const { return stop.at_end() && confidence.at_end() && dynamic.at_end(); }
};

struct Expected {
    Tapes tapes;
    std::vector<esbt::Trade> trades;
    explicit Expected(Blocks& in) : tapes(in), trades(in.next<esbt::Trade>()) {}
};

struct Case {
    std::string name;
    esbt::Plan plan;
    Columns bars;
    std::vector<std::int8_t> signals;
    std::vector<double> atr;
    std::vector<std::int64_t> fees_e4;  // empty: none
    std::vector<std::int32_t> slips;    // empty: none
    Columns finer;
    std::vector<std::int64_t> finer_first;  // empty: none
    std::vector<ModelNumbers> model;        // one, or empty: none
    std::vector<float> features;            // row 0: the bar's number; row 1: a regime
    bool refused, has_each, refused_each;
    Expected run;
    esbt::Skipped skipped;
    Expected each;

    explicit Case(Blocks& in)
        : name(text(in)),
          plan(in.one<esbt::Plan>()),
          bars(in),
          signals(in.next<std::int8_t>()),
          atr(in.next<double>()),
          fees_e4(in.next<std::int64_t>()),
          slips(in.next<std::int32_t>()),
          finer(in),
          finer_first(in.next<std::int64_t>()),
          model(in.next<ModelNumbers>()),
          features(in.next<float>()),
          refused(in.one<std::int64_t>() != 0),
          has_each(in.one<std::int64_t>() != 0),
          refused_each(in.one<std::int64_t>() != 0),
          run(in),
          skipped(in.one<esbt::Skipped>()),
          each(in) {}

  private:
    static std::string text(Blocks& in) {
        const std::vector<char> name = in.next<char>();
        return {name.begin(), name.end()};
    }
};

}  // namespace mutation
