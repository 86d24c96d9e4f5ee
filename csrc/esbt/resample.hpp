// Bars of another kind made of whole source bars: by time, volume, dollars, range or session. A new bar begins where the contract or the
// session changes, and where the rule says that the open one is full; a source bar is never split. Past bars alone decide, so a bar that
// has been followed by another never changes. Knows no calendar: session opens come in as a table.
// To add a kind: one rule struct with start() and takes(), one line in find_first.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "esbt/bars.hpp"

namespace esbt::resample {

enum class Kind { time, volume, dollars, range, session };

struct Rule {
    Kind kind;
    std::int64_t amount;  // ns, contracts, ticks * contracts, ticks; unused for sessions. At least 1.
};

struct SessionOpens {
    const std::int32_t* day;      // trade dates, rising
    const std::int64_t* open_ns;  // the scheduled opens
    std::int64_t n;

    std::int64_t of(std::int32_t session) const {
        const std::int32_t* found = std::lower_bound(day, day + n, session);
        if (found == day + n || *found != session) throw std::out_of_range("no session of day " + std::to_string(session));
        return open_ns[found - day];
    }
};

// The scheduled opens of the slots of `width` ns, counted from the session's open.
class Slots {
  public:
    Slots(const BarsView& bars, const SessionOpens& opens, std::int64_t width) : bars_(bars), opens_(opens), width_(width) {}

    std::int64_t open_of(std::int64_t i) {
        if (i == 0 || !known_ || bars_.session[i] != session_) {
            session_ = bars_.session[i];
            open_ = opens_.of(session_);
            known_ = true;
        }
        const std::int64_t since = bars_.ts[i] - open_, left = since % width_;
        return bars_.ts[i] - (left < 0 ? left + width_ : left);
    }

  private:
    const BarsView& bars_;
    SessionOpens opens_;
    std::int64_t width_, open_ = 0;
    std::int32_t session_ = 0;
    bool known_ = false;
};

// Each rule: start(i) opens a bar with source bar i; takes(i) asks whether source bar i still belongs to it, and if so puts it in.
struct ByTime {
    const BarsView& bars;
    std::int64_t width;
    Slots slots;
    std::int64_t end = 0;
    void start(std::int64_t i) { end = slots.open_of(i) + width; }
    bool takes(std::int64_t i) const { return bars.ts[i] < end; }
};

inline std::int64_t contracts(const BarsView& bars, std::int64_t i) { return bars.volume[i]; }

// |close| * volume, at most what an int64 holds.
inline std::int64_t ticks_times_contracts(const BarsView& bars, std::int64_t i) {
    const std::int64_t price = std::abs(static_cast<std::int64_t>(bars.close[i])), most = std::numeric_limits<std::int64_t>::max();
    if (bars.volume[i] < (std::int64_t{1} << 31) || price == 0) return price * bars.volume[i];
    return bars.volume[i] > most / price ? most : price * bars.volume[i];
}

template <std::int64_t (*traded)(const BarsView&, std::int64_t)>
struct ByTraded {
    const BarsView& bars;
    std::int64_t full, left = 0;
    void put(std::int64_t i) { left -= std::min(traded(bars, i), left); }  // never below 0, so no sum can overflow
    void start(std::int64_t i) {
        left = full;
        put(i);
    }
    bool takes(std::int64_t i) {
        if (left == 0) return false;
        put(i);
        return true;
    }
};

struct ByRange {
    const BarsView& bars;
    std::int64_t full, high = 0, low = 0;
    void start(std::int64_t i) {
        high = bars.high[i];
        low = bars.low[i];
    }
    bool takes(std::int64_t i) {
        if (high - low >= full) return false;
        high = std::max<std::int64_t>(high, bars.high[i]);
        low = std::min<std::int64_t>(low, bars.low[i]);
        return true;
    }
};

struct BySession {
    void start(std::int64_t) const {}
    bool takes(std::int64_t) const { return true; }
};

template <class By>
std::vector<std::int64_t> first_rows(const BarsView& b, By by) {
    std::vector<std::int64_t> first;
    for (std::int64_t i = 0; i < b.n; ++i) {
        const bool inside = i > 0 && b.session[i] == b.session[i - 1] && b.segment[i] == b.segment[i - 1];
        if (inside && by.takes(i)) continue;
        first.push_back(i);
        by.start(i);
    }
    first.push_back(b.n);
    return first;
}

// The source row each new bar begins with, and at last the number of source bars: int64[M + 1]. Throws where a session has no open.
inline std::vector<std::int64_t> find_first(const BarsView& b, const Rule& rule, const SessionOpens& opens) {
    switch (rule.kind) {
        case Kind::time:
            return first_rows(b, ByTime{b, rule.amount, Slots(b, opens, rule.amount)});
        case Kind::volume:
            return first_rows(b, ByTraded<contracts>{b, rule.amount});
        case Kind::dollars:
            return first_rows(b, ByTraded<ticks_times_contracts>{b, rule.amount});
        case Kind::range:
            return first_rows(b, ByRange{b, rule.amount});
        case Kind::session:
            return first_rows(b, BySession{});
    }
    throw std::invalid_argument("no such kind of bars");
}

// The columns of the new bars, each as long as there are bars; buys may be null.
struct Columns {
    std::int64_t* ts;
    std::int32_t *open, *high, *low, *close;
    std::int64_t* volume;
    std::int64_t* buys;
};

// Volumes are added, buys too where they are known for every source bar (else -1).
inline void join(const BarsView& b, const std::vector<std::int64_t>& first, const Columns& out) {
    for (std::size_t k = 0; k + 1 < first.size(); ++k) {
        const std::int64_t from = first[k], to = first[k + 1];
        std::int32_t high = b.high[from], low = b.low[from];
        std::int64_t volume = b.volume[from];
        for (std::int64_t i = from + 1; i < to; ++i) {
            high = std::max(high, b.high[i]);
            low = std::min(low, b.low[i]);
            volume += b.volume[i];
        }
        out.ts[k] = b.ts[from];
        out.open[k] = b.open[from];
        out.high[k] = high;
        out.low[k] = low;
        out.close[k] = b.close[to - 1];
        out.volume[k] = volume;
        if (!out.buys) continue;
        const bool known = std::all_of(b.buys + from, b.buys + to, [](std::int64_t x) { return x >= 0; });
        std::int64_t buys = 0;
        for (std::int64_t i = from; known && i < to; ++i) buys += b.buys[i];
        out.buys[k] = known ? buys : -1;
    }
}

// Time and session bars are stamped with their scheduled open. Where the source bar before it opened at or after that (the contract changed
// inside the slot), the bar keeps the open of its first source bar, so that times rise and row `first` is the first at or after `ts`.
inline void stamp(const BarsView& b, const Rule& rule, const SessionOpens& opens, const std::vector<std::int64_t>& first,
                  std::int64_t* ts) {
    if (rule.kind != Kind::time && rule.kind != Kind::session) return;
    Slots slots(b, opens, rule.amount);
    for (std::size_t k = 0; k + 1 < first.size(); ++k) {
        const std::int64_t i = first[k];
        const std::int64_t scheduled = rule.kind == Kind::time ? slots.open_of(i) : opens.of(b.session[i]);
        if (scheduled <= b.ts[i] && (i == 0 || b.ts[i - 1] < scheduled)) ts[k] = scheduled;
    }
}

}  // namespace esbt::resample
