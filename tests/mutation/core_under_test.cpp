// The only file that includes what is mutated.
#include "core_under_test.hpp"

#include "esbt/equity.hpp"
#include "esbt/simulate.hpp"

namespace mutation {

Answer run(const Given& given, bool each) {
    const esbt::Ends ends = esbt::find_ends(given.bars);
    esbt::Market market;
    market.bars = given.bars;
    market.ends = &ends;
    market.signals = given.signals;
    market.atr = given.atr;
    market.fees_e4 = given.fees_e4;
    market.slips = given.slips;
    market.finer = {given.finer, given.finer_first};
    const ModelNumbers& numbers = given.numbers;
    esbt::EntryModel model;
    model.stop = {given.stop.hook, given.stop.ids};
    model.confidence = {given.confidence.hook, given.confidence.ids};
    model.stop_low = numbers.stop_low;
    model.stop_high = numbers.stop_high;
    model.calibration_a = numbers.calibration_a;
    model.calibration_b = numbers.calibration_b;
    model.threshold = numbers.threshold;
    model.dynamic.ask = {given.dynamic.hook, given.dynamic.ids};
    model.dynamic.low = numbers.dynamic_low;
    model.dynamic.high = numbers.dynamic_high;
    model.dynamic.smoothing = numbers.smoothing;
    if (numbers.regime_asked) model.dynamic.regime = 1;  // row of the features
    model.dynamic.regime_low = numbers.regime_low;
    model.dynamic.regime_high = numbers.regime_high;
    model.dynamic.loosen = numbers.loosen != 0;
    model.features = given.features;
    model.n_bars = given.bars.n;
    try {
        esbt::Outcome o = each ? esbt::simulate_each(market, given.plan, model) : esbt::simulate(market, given.plan, model);
        return {false, o.trades, o.skipped};
    } catch (const std::overflow_error&) {
        return {true, {}, {}};
    }
}

std::vector<std::int64_t> equity(const Given& given, const std::vector<esbt::Trade>& trades) {
    std::vector<std::int64_t> out(static_cast<std::size_t>(given.bars.n), -1);
    esbt::mark_equity(given.bars, trades.data(), static_cast<std::int64_t>(trades.size()), given.plan, out.data());
    return out;
}

}  // namespace mutation
