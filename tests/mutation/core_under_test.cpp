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
    const std::int32_t bar = numbers.regime_asked ? 1 : 0;  // row of the features: the regime comes first
    model.stop = {given.stop, {bar, esbt::kSide, esbt::kStopAtr, esbt::kDrawdown}};
    model.confidence = {given.confidence, model.stop.ids};
    model.stop_low = numbers.stop_low;
    model.stop_high = numbers.stop_high;
    model.calibration_a = numbers.calibration_a;
    model.calibration_b = numbers.calibration_b;
    model.threshold = numbers.threshold;
    model.dynamic.ask = {given.dynamic, model.stop.ids};
    for (const esbt::StateInput id : {esbt::kBarsHeld, esbt::kOpenAtr, esbt::kMaeAtr, esbt::kMfeAtr, esbt::kStopNowAtr})
        model.dynamic.ask.ids.push_back(id);
    model.dynamic.low = numbers.dynamic_low;
    model.dynamic.high = numbers.dynamic_high;
    model.dynamic.smoothing = numbers.smoothing;
    model.dynamic.regime = bar - 1;  // -1: none
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
