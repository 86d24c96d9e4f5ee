// Returns of sessions, summed up as they come: mean and central moments, gains and pains, depth below the peak of session closes. One lane
// or several side by side (F: double, or a vector of doubles) take the same steps in the same order, so their bits are the same. Knows no
// trades.
#pragma once
#include <limits>

namespace esbt::sweep {

// Numbers of the n-th session, the same for every lane.
struct Nth {
    explicit Nth(double n) : inverse(1.0 / n), before(n - 1.0), skew(n - 2.0), tails(n * n - 3.0 * n + 3.0) {}
    double inverse, before, skew, tails;
};

template <class F>
struct Moments {
    F equity, peak;          // the last session's close, the highest so far: USD
    F mean, m2, m3, m4;      // of returns: the mean, sums of powers of the distance to it
    F gain, pain, downside;  // sums of returns above zero, of those below (positive), of the squares of those below
    F low, high;             // extremes of returns
    F ulcer;                 // sum of squared depths

    static Moments start(const F& cash) {
        const F zero = cash - cash;
        return {cash,
                cash,
                zero,
                zero,
                zero,
                zero,
                zero,
                zero,
                zero,
                zero + std::numeric_limits<double>::infinity(),
                zero - std::numeric_limits<double>::infinity(),
                zero};
    }

    // Central moments by Pebay 2008, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
    // moments", equations 2.1 and 3.1 with one new value. close: equity at the session's last bar, USD.
    [[gnu::always_inline]] void push(const F& close, const Nth& nth) {
        const F zero = close - close;
        const F r = (close - equity) / equity;
        equity = close;
        const F delta = r - mean, step = delta * nth.inverse, square = step * step, both = delta * step * nth.before;
        mean += step;
        m4 += both * square * nth.tails + 6.0 * square * m2 - 4.0 * step * m3;
        m3 += both * step * nth.skew - 3.0 * step * m2;
        m2 += both;
        const F up = r > zero ? r : zero, down = r < zero ? -r : zero;
        gain += up;
        pain += down;
        downside += down * down;
        low = r < low ? r : low;
        high = r > high ? r : high;
        peak = close > peak ? close : peak;
        const F depth = 1.0 - close / peak;
        ulcer += depth * depth;
    }
};

}  // namespace esbt::sweep
