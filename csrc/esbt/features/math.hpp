// Functions of doubles that compilers can vectorise and that give the same bits on every machine: a natural logarithm, a normal
// distribution, a hyperbolic tangent. Knows no series.
#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace esbt::features {

// By value, unlike the standard library's, which keep loops from being vectorised.
inline double larger(double a, double b) { return a < b ? b : a; }
inline double smaller(double a, double b) { return b < a ? b : a; }
inline double within(double x, double low, double high) { return larger(smaller(x, high), low); }

// ln(x) for x >= 1, within 2 units in the last place: x = 2^k * m with m about 1, and ln(m) = 2 artanh((m - 1) / (m + 1)) as a series.
inline double natural_log(double x) {
    constexpr double ln2 = 0.693147180559945309417232121458;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    double k = std::bit_cast<double>((bits >> 52) | 0x4330000000000000ULL) - 4503599627370496.0 - 1023.0;  // the exponent, as a double
    double m = std::bit_cast<double>((bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL);
    const bool large = m > 1.4142135623730951;
    m = large ? 0.5 * m : m;
    k = large ? k + 1.0 : k;
    const double z = (m - 1.0) / (m + 1.0), s = z * z;
    double p = 1.0 / 17.0 * s + 1.0 / 15.0;  // written out, so that loops around it stay loops of bars
    p = p * s + 1.0 / 13.0;
    p = p * s + 1.0 / 11.0;
    p = p * s + 1.0 / 9.0;
    p = p * s + 1.0 / 7.0;
    p = p * s + 1.0 / 5.0;
    p = p * s + 1.0 / 3.0;
    p = p * s + 1.0;
    return k * ln2 + 2.0 * z * p;
}

// The same of whole numbers below 2^31 that come again and again, as prices do: looked up where a number was seen last in its place.
class LogTable {
  public:
    double of(double x) {
        const auto number = static_cast<std::int32_t>(x);
        Entry& e = entries_[static_cast<std::uint32_t>(number) % kEntries];
        if (e.number != number) [[unlikely]]
            e = {natural_log(x), number};
        return e.log;
    }

  private:
    static constexpr std::size_t kEntries = 1024;
    struct Entry {
        double log = 0.0;
        std::int32_t number = 0;
    };
    std::array<Entry, kEntries> entries_{};
};

// 2 * Phi(x) - 1 = erf(x / sqrt(2)); Abramowitz and Stegun 1964, 7.1.28, error below 3e-7.
inline double two_sided_normal(double x) {
    const double a = std::abs(x) * 0.70710678118654752440;
    const double p =
        1.0 + a * (0.0705230784 + a * (0.0422820123 + a * (0.0092705272 + a * (0.0001520143 + a * (0.0002765672 + a * 0.0000430638)))));
    const double p2 = p * p, p4 = p2 * p2, p8 = p4 * p4;
    return std::copysign(1.0 - 1.0 / (p8 * p8), x);
}

// tanh(x), error below 1e-8 for |x| < 6 and of 2e-5 beyond: Lambert's continued fraction of x / 4, doubled twice.
inline double hyperbolic_tangent(double x) {
    const double y = 0.25 * (x > 6.0 ? 6.0 : (x < -6.0 ? -6.0 : x)), s = y * y;
    double t = y * (135135.0 + s * (17325.0 + s * (378.0 + s))) / (135135.0 + s * (62370.0 + s * (3150.0 + s * 28.0)));
    t = 2.0 * t / (1.0 + t * t);
    return 2.0 * t / (1.0 + t * t);
}

}  // namespace esbt::features
