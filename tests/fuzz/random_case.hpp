// A random market, plan and entry model for the fuzz driver, from a seed: the same case on every machine. Ranges are those that
// esbt/signals.py, esbt/account.py and esbt/data/validate.py let through, their ends included. To fuzz a new rule: its field in
// `random_plan`.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <vector>

#include "esbt/simulate.hpp"

namespace fuzz {

constexpr std::int32_t kMaxTicks = (1 << 26) - 1;  // MAX_TICKS of esbt/data/validate.py
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// SplitMix64 (Steele, Lea, Flood 2014): the standard library's distributions differ between compilers.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t bits() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::int64_t whole(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(high - low + 1));
    }
    double real(double low, double high) { return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53; }
    bool chance(double p) { return real(0, 1) < p; }
    template <class T>
    T pick(std::initializer_list<T> of) {
        return of.begin()[whole(0, static_cast<std::int64_t>(of.size()) - 1)];
    }

  private:
    std::uint64_t state_;
};

struct Columns {
    std::vector<std::int64_t> ts, volume;
    std::vector<std::int32_t> open, high, low, close, session, segment;

    std::size_t size() const { return ts.size(); }
    esbt::BarsView view() const {
        return {ts.data(),      open.data(),    high.data(),
                low.data(),     close.data(),   volume.data(),
                session.data(), segment.data(), static_cast<std::int64_t>(size())};
    }
};

struct HookState {
    Random random{0};
    std::int64_t calls = 0, fail_at = -1, nan_at = -1;
    double low = -2.0, high = 6.0;
};

// Answers at random; fails or gives NaN at the call it is told to.
inline int answer(void* state, const float* rows, std::int64_t n, double* out) {
    auto& s = *static_cast<HookState*>(state);
    for (std::int64_t i = 0; i < n; ++i) {
        const double read = rows[2 * i] + rows[2 * i + 1];  // both inputs are there to be read
        out[i] = s.calls == s.nan_at ? kNan : s.random.real(s.low, s.high) + (std::isnan(read) ? 0.1 : 0.0);
    }
    return s.calls++ == s.fail_at ? 3 : 0;
}

struct Case {
    Columns bars, finer;
    std::vector<std::int64_t> finer_first, fees_e4;  // empty: none
    std::vector<std::int8_t> signals;
    std::vector<double> atr;
    std::vector<float> features;
    esbt::Ends ends;
    esbt::Plan plan;
    esbt_hook stop_hook{}, confidence_hook{};
    HookState stop_state, confidence_state;
    bool stop_asked = false, confidence_asked = false;
    double threshold = 0.0;

    esbt::Market market() const {
        esbt::Market m;
        m.bars = bars.view();
        m.ends = &ends;
        m.signals = signals.data();
        m.atr = atr.data();
        if (!fees_e4.empty()) m.fees_e4 = fees_e4.data();
        if (!finer_first.empty()) m.finer = {finer.view(), finer_first.data()};
        return m;
    }
    std::int64_t fee_e4(std::int64_t bar) const { return fees_e4.empty() ? plan.fee_e4 : fees_e4[static_cast<std::size_t>(bar)]; }
    esbt::EntryModel model() {
        esbt::EntryModel m;
        if (stop_asked) m.stop = {&stop_hook, {0, esbt::kDrawdown}};
        if (confidence_asked) m.confidence = {&confidence_hook, {esbt::kSide, esbt::kStopAtr}};
        m.stop_low = 0.25;
        m.stop_high = 4.0;
        m.threshold = threshold;
        m.features = features.data();
        m.n_bars = static_cast<std::int64_t>(bars.size());
        return m;
    }
};

inline std::int32_t clipped(std::int64_t ticks) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(ticks, -kMaxTicks, kMaxTicks));
}

struct Walk {  // how wide the market is
    std::int64_t width, gap;
};

inline Walk random_walk(Random& r) {
    switch (r.whole(0, 9)) {
        case 0:
            return {0, 0};  // all prices equal
        case 1:
            return {kMaxTicks, 2 * std::int64_t{kMaxTicks}};
        case 2:
            return {40, 100'000};
        default:
            return {r.pick<std::int64_t>({1, 3, 8, 30}), r.pick<std::int64_t>({0, 5, 60})};
    }
}

inline void add_bar(Columns& c, Random& r, std::int32_t open, Walk w, std::int32_t session, std::int32_t segment) {
    const std::int32_t close = clipped(open + r.whole(-w.width, w.width));
    c.ts.push_back(static_cast<std::int64_t>(c.size()) * 60'000'000'000);
    c.open.push_back(open);
    c.close.push_back(close);
    c.high.push_back(clipped(std::max(open, close) + r.whole(0, w.width / 2 + (w.width > 0))));
    c.low.push_back(clipped(std::min(open, close) - r.whole(0, w.width / 2 + (w.width > 0))));
    c.volume.push_back(r.pick<std::int64_t>({0, 1, 7, 1'000, 5'000'000, std::numeric_limits<std::int64_t>::max()}));
    c.session.push_back(session);
    c.segment.push_back(segment);
}

// Finer bars first, bars made of them, so that the two agree; some bars have no finer ones at all.
inline void random_bars(Case& c, Random& r) {
    const std::int64_t n = r.pick<std::int64_t>({1, 2, 5, 9, r.whole(1, 40), r.whole(20, 150)});
    const Walk w = random_walk(r);
    const double new_session = r.pick({0.0, 0.05, 0.3, 1.0}), new_segment = r.pick({0.0, 0.0, 0.05, 1.0});
    std::int32_t price = r.pick<std::int32_t>({0, 16'000, -300, kMaxTicks, -kMaxTicks}), session = 19'000, segment = 0;
    c.finer_first.push_back(0);
    for (std::int64_t j = 0; j < n; ++j) {
        Columns group;
        for (std::int64_t i = r.whole(1, 4); i > 0; --i) {
            add_bar(group, r, price, w, session, segment);
            price = clipped(group.close.back() + (r.chance(0.2) ? r.whole(-w.gap, w.gap) : 0));
        }
        add_bar(c.bars, r, group.open.front(), {0, 0}, session, segment);
        c.bars.close.back() = group.close.back();
        c.bars.high.back() = *std::max_element(group.high.begin(), group.high.end());
        c.bars.low.back() = *std::min_element(group.low.begin(), group.low.end());
        if (!r.chance(0.1)) {
            for (auto column : {&Columns::open, &Columns::high, &Columns::low, &Columns::close, &Columns::session, &Columns::segment})
                (c.finer.*column).insert((c.finer.*column).end(), (group.*column).begin(), (group.*column).end());
            for (auto column : {&Columns::ts, &Columns::volume})
                (c.finer.*column).insert((c.finer.*column).end(), (group.*column).begin(), (group.*column).end());
        }
        c.finer_first.push_back(static_cast<std::int64_t>(c.finer.size()));
        if (r.chance(new_session)) ++session;
        if (r.chance(new_segment)) ++segment;
    }
}

inline void random_signals(Case& c, Random& r) {
    const double busy = r.pick({0.02, 0.3, 1.0}), warm = r.pick({0.0, 0.0, 0.05, 0.5});
    const double scale = r.pick({1.0, 6.0, 1e3, 1e12, 1e300, 1e-300});
    for (std::size_t j = 0; j < c.bars.size(); ++j) {
        c.signals.push_back(r.chance(busy) ? r.pick<std::int8_t>({1, -1}) : std::int8_t{0});
        c.atr.push_back(r.chance(warm) ? kNan : r.chance(0.05) ? 0.0 : r.real(0.0, 2.0) * scale);
        c.features.push_back(r.chance(0.1) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(r.real(-1, 1)));
    }
}

// A positive setting: off, at an end of its range, or of a size that does something.
inline double positive(Random& r, double usual, double off = esbt::kOff) {
    switch (r.whole(0, 9)) {
        case 0:
            return r.pick({5e-324, 1e-9, 1e9, std::numeric_limits<double>::max()});
        case 1:
        case 2:
        case 3:
        case 4:
            return off;
        default:
            return r.real(0.1, 2.0) * usual;
    }
}

inline std::int32_t ticks(Random& r, std::int32_t low, std::int32_t usual, std::int32_t high, std::int32_t off) {
    const auto some = static_cast<std::int32_t>(r.whole(low, usual));
    return r.chance(0.5) ? off : r.pick({low, some, some, some, high});
}

inline double fraction(Random& r) { return r.pick({5e-324, 0.01, r.real(0.001, 0.2), 1.0}); }

inline esbt::Plan random_plan(Random& r, bool confidence_asked) {
    esbt::Plan p;
    p.stop_atr = positive(r, 2.0);
    p.target_r = positive(r, 2.0);
    p.target_atr = positive(r, 3.0);
    p.trail_atr = positive(r, 2.0);
    p.chandelier_atr = positive(r, 3.0);
    p.break_even_r = positive(r, 1.0);
    p.stop_ticks = ticks(r, 1, 40, 1'000'000, esbt::kFar);
    p.target_ticks = ticks(r, 1, 60, 1'000'000, esbt::kFar);
    p.trail_ticks = ticks(r, 1, 40, 1'000'000, esbt::kFar);
    if (!std::isfinite(p.stop_atr) && p.stop_ticks == esbt::kFar) p.target_r = esbt::kOff;
    p.break_even_offset_ticks = ticks(r, -100'000, 100'000, 100'000, static_cast<std::int32_t>(r.whole(-5, 5)));
    p.max_bars = ticks(r, 1, 20, 1'000'000, esbt::kNever);
    p.latency_bars = ticks(r, 0, 4, 100'000, 0);
    p.cooldown_bars = ticks(r, 0, 10, 1'000'000, 0);
    p.max_trades = ticks(r, 1, 4, 1'000'000, esbt::kNever);
    p.slippage_ticks = ticks(r, 0, 3, 100'000, 1);
    p.slippage_atr = r.pick({0.0, 0.0, 0.05, 100.0});
    p.target_through_ticks = ticks(r, 0, 3, 100'000, 0);
    p.volume_share = r.chance(0.6) ? esbt::kOff : fraction(r);
    p.path = r.pick({esbt::Path::worst, esbt::Path::best, esbt::Path::nearest, esbt::Path::finer});
    p.flat_at_close = r.chance(0.5);
    p.reverse = p.latency_bars == 0 && r.chance(0.4);
    p.cash_e4 = r.pick<std::int64_t>({1, 1'000'000'000, 1'000'000'000, 10'000'000'000'000'000});
    p.tick_value_e4 = r.pick<std::int64_t>({1, 5'000, 125'000, 125'000, 10'000'000});
    p.fee_e4 = r.pick<std::int64_t>({0, 22'500, 22'500, 1'000'000'000});
    p.daily_loss_e4 = r.chance(0.6) ? esbt::kNoLimit : r.pick<std::int64_t>({1, 5'000'000, 1'000'000'000'000'000});
    p.daily_profit_e4 = r.chance(0.6) ? esbt::kNoLimit : r.pick<std::int64_t>({1, 5'000'000, 1'000'000'000'000'000});
    p.contracts = r.pick<std::int32_t>({1, 1, 3, 1'000'000});
    p.max_contracts = r.pick<std::int32_t>({1, 50, 1'000'000});
    p.risk_fraction = fraction(r);
    p.kelly_fraction = fraction(r);
    p.payoff = positive(r, 1.5, 1.0);
    p.heat_cap = fraction(r);
    p.volatility_ref = positive(r, 0.001);
    p.volatility_target = fraction(r);
    const bool stops = std::isfinite(p.stop_atr) || p.stop_ticks < esbt::kFar;
    const auto sizing = r.pick({esbt::Sizing::fixed, esbt::Sizing::risk, esbt::Sizing::kelly, esbt::Sizing::volatility});
    const bool allowed = sizing == esbt::Sizing::risk ? stops : sizing == esbt::Sizing::kelly ? stops && confidence_asked : true;
    p.sizing = allowed ? sizing : esbt::Sizing::fixed;
    return p;
}

inline HookState random_hook(Random& r) {
    HookState s;
    s.random = Random(r.bits());
    if (r.chance(0.1)) s.fail_at = r.whole(0, 8);
    if (r.chance(0.1)) s.nan_at = r.whole(0, 8);
    if (r.chance(0.2)) s.low = -1e308, s.high = 0.7e308;
    return s;
}

// Fills a case in place: the hooks point into it, so it must not move.
inline void fill(Case& c, std::uint64_t seed) {
    Random r(seed);
    random_bars(c, r);
    random_signals(c, r);
    c.ends = esbt::find_ends(c.bars.view());
    c.stop_asked = r.chance(0.3);
    c.confidence_asked = r.chance(0.4);
    c.threshold = r.pick({0.0, 0.3, 0.6});
    c.stop_state = random_hook(r);
    c.confidence_state = random_hook(r);
    c.stop_hook = {ESBT_HOOK_VERSION, 2, 1, 0, &c.stop_state, answer};
    c.confidence_hook = {ESBT_HOOK_VERSION, 2, 1, 0, &c.confidence_state, answer};
    c.plan = random_plan(r, c.confidence_asked);
    if (r.chance(0.3))
        for (std::size_t j = 0; j < c.bars.size(); ++j) c.fees_e4.push_back(r.whole(0, c.plan.fee_e4));  // a plan's fee is the highest
    if (c.plan.path != esbt::Path::finer && r.chance(0.5)) c.finer_first.clear();
}

}  // namespace fuzz
