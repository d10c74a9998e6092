#include "ops/pointwise/special_functions.hpp"

#include <cmath>
#include <limits>

#include "dispatch/error.hpp"

namespace tallow::special {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.14159265358979323846, kSqrtHalf = 0.70710678118654752440;

// exp(-x) I_order(x) for x >= 0: the power series, whose terms are all positive, and beyond 30 Hankel's expansion
// (Abramowitz and Stegun 9.6.10 and 9.7.1).
double scaled_bessel_i(int order, double x) {
  if (x != x) return x;
  if (x == kInf) return 0;
  if (x < 30) {
    const double z = x * x / 4;
    double term = order ? x / 2 : 1, sum = term;
    for (int k = 1; k < 200 && term > sum * 1e-17; ++k) sum += term *= z / (static_cast<double>(k) * (k + order));
    return sum * std::exp(-x);
  }
  const double mu = 4.0 * order * order;
  double term = 1, sum = 1;
  for (int k = 1; k < 40; ++k) {
    const double odd = 2 * k - 1, next = -term * (mu - odd * odd) / (k * 8 * x);
    if (std::fabs(next) < 1e-17 * std::fabs(sum)) break;
    sum += term = next;
  }
  return sum / std::sqrt(2 * kPi * x);
}

// exp(x) K_order(x) for x > 0, by the trapezoid rule on int exp(x - x cosh t) cosh(order t) dt, which converges
// geometrically for such integrands.
double scaled_bessel_k(int order, double x) {
  if (x != x || x < 0) return kNan;
  if (x == 0) return kInf;
  const double top = std::acosh(1 + 750 / x), h = top / 400;
  double sum = 0.5;
  for (int i = 1; i <= 400; ++i) {
    const double t = i * h, half = std::sinh(t / 2);
    sum += std::exp(-2 * x * half * half) * (order ? std::cosh(t) : 1);
  }
  return sum * h;
}

// x^a exp(-x) / gamma(a + 1). Near x = a the terms of the logarithm cancel: it is taken of x / a instead.
double gamma_factor(double a, double x) {
  if (a < 10 || std::fabs(x - a) > 0.4 * a) return std::exp(a * std::log(x) - x - std::lgamma(a + 1));
  const double d = (x - a) / a, correction = 1 / (12 * a) - 1 / (360 * a * a * a) + 1 / (1260 * std::pow(a, 5));  // Stirling's series
  return std::exp(a * (std::log1p(d) - d) - correction) / std::sqrt(2 * kPi * a);
}

// The regularized incomplete gamma function, lower or upper: its power series below a + 1, Legendre's continued fraction
// above, evaluated by Lentz's method (Press et al., "Numerical Recipes", section 6.2).
double incomplete_gamma(double a, double x, bool upper) {
  if (a != a || x != x || a < 0 || x < 0) return kNan;
  if (a == 0) return x > 0 ? !upper : kNan;
  if (x == 0) return upper;
  if (std::isinf(a)) return std::isinf(x) ? kNan : upper;
  if (std::isinf(x)) return !upper;
  if (x < a + 1) {
    double term = 1, sum = 1;
    for (double k = a + 1; term > sum * 1e-17 && k < a + 1e6; ++k) sum += term *= x / k;
    const double lower = gamma_factor(a, x) * sum;
    return upper ? 1 - lower : lower;
  }
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, h = d;
  for (int k = 1; k < 1000000; ++k) {
    const double n = k * (a - k);
    b += 2;
    d = n * d + b, d = 1 / (std::fabs(d) < kTiny ? kTiny : d);
    c = b + n / c, c = std::fabs(c) < kTiny ? kTiny : c;
    h *= d * c;
    if (std::fabs(d * c - 1) < 1e-16) break;
  }
  const double q = gamma_factor(a, x) * a * h;
  return upper ? q : 1 - q;
}

}  // namespace

double igamma(double a, double x) { return incomplete_gamma(a, x, false); }
double igammac(double a, double x) { return incomplete_gamma(a, x, true); }
double bessel_i0e(double x) { return scaled_bessel_i(0, std::fabs(x)); }
double bessel_i1e(double x) { return std::copysign(scaled_bessel_i(1, std::fabs(x)), x); }
double bessel_i0(double x) { return std::isinf(x) ? kInf : bessel_i0e(x) * std::exp(std::fabs(x)); }
double bessel_i1(double x) { return std::isinf(x) ? x : bessel_i1e(x) * std::exp(std::fabs(x)); }
double bessel_k0(double x, bool scaled) { return scaled_bessel_k(0, x) * (scaled ? 1 : std::exp(-x)); }
double bessel_k1(double x, bool scaled) { return scaled_bessel_k(1, x) * (scaled ? 1 : std::exp(-x)); }
double bessel_j0(double x) { return ::j0(x); }
double bessel_j1(double x) { return ::j1(x); }
double bessel_y0(double x) { return x == 0 ? -kInf : x < 0 ? kNan : ::y0(x); }
double bessel_y1(double x) { return x == 0 ? -kInf : x < 0 ? kNan : ::y1(x); }
double spherical_bessel_j0(double x) {
  if (std::isinf(x)) return 0;
  return std::fabs(x) < 1e-4 ? 1 - x * x / 6 : std::sin(x) / x;
}

// Through Bessel functions of order 1/3 (Abramowitz and Stegun 10.4.14 and 10.4.15); the Maclaurin series near 0.
double airy_ai(double x) {
  if (x != x) return x;
  if (std::isinf(x)) return x > 0 ? 0 : kNan;
  if (std::fabs(x) < 1) {
    const double z = x * x * x;
    double f = 1, g = x, a = 1, b = x;
    for (int k = 1; k < 20; ++k) {
      a *= z / ((3 * k - 1) * (3.0 * k)), b *= z / ((3 * k) * (3.0 * k + 1));
      f += a, g += b;
    }
    return 0.355028053887817239 * f - 0.258819403792806798 * g;
  }
  const double size = std::fabs(x), argument = 2.0 / 3 * size * std::sqrt(size);
  if (x > 0) return argument > 700 ? 0 : std::sqrt(size / 3) / kPi * std::cyl_bessel_k(1.0 / 3, argument);
  // J of order -1/3 from J and Y of order 1/3
  const double j = std::cyl_bessel_j(1.0 / 3, argument), y = std::cyl_neumann(1.0 / 3, argument);
  return std::sqrt(size) / 3 * (j + 0.5 * j - std::sqrt(3.0) / 2 * y);
}

// The product while erfc has digits, a continued fraction (Abramowitz and Stegun 7.1.14) beyond.
double erfcx(double x) {
  if (x < 5) return x < -27 ? kInf : std::exp(x * x) * std::erfc(x);
  double f = x;
  for (int k = 60; k > 0; --k) f = x + 0.5 * k / f;
  return 1 / (f * std::sqrt(kPi));
}
double entr(double x) { return x != x ? x : x > 0 ? -x * std::log(x) : x == 0 ? 0 : -kInf; }
double ndtr(double x) { return 0.5 * std::erfc(-x * kSqrtHalf); }
double log_ndtr(double x) {
  if (x < -1) return std::log(0.5 * erfcx(-x * kSqrtHalf)) - 0.5 * x * x;
  return std::log1p(-0.5 * std::erfc(x * kSqrtHalf));
}

// Newton's method on the logarithm of the distribution function, which is concave.
double ndtri(double p) {
  if (!(p >= 0 && p <= 1)) return kNan;
  if (p == 0 || p == 1) return p ? kInf : -kInf;
  if (p > 0.5) return -ndtri(1 - p);
  const double target = std::log(p);
  double x = p > 0.1 ? 2.5 * (p - 0.5) : -std::sqrt(-2 * target);
  for (int i = 0; i < 40; ++i) {
    const double step = (log_ndtr(x) - target) * std::sqrt(kPi / 2) * erfcx(-x * kSqrtHalf);
    x -= step;
    if (std::fabs(step) <= 1e-16 * std::fabs(x)) break;
  }
  return x;
}

// Hurwitz's zeta function by Euler and Maclaurin's formula (Abramowitz and Stegun 23.1.30).
double zeta(double x, double q) {
  if (x != x || q != q) return kNan;
  if (x == 1) return kInf;
  if (x < 1) return kNan;
  if (q <= 0) {
    if (q == std::floor(q)) return kInf;
    if (x != std::floor(x)) return kNan;
  }
  double sum = 0;
  for (; q < 10; q += 1) sum += std::pow(q, -x);
  if (q == kInf) return sum;
  double power = std::pow(q, -x);
  sum += power * q / (x - 1) + 0.5 * power;
  // B(2k) / (2k)!
  static constexpr double c[] = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160, -691.0 / 1307674368000.0,
                                 1.0 / 74724249600.0, -3617.0 / 10670622842880000.0};
  double factor = x;
  power /= q;
  for (int k = 0; k < 8; ++k) {
    sum += c[k] * factor * power;
    factor *= (x + 2 * k + 1) * (x + 2 * k + 2);
    power /= q * q;
  }
  return sum;
}
double polygamma(int64_t n, double x) {
  TL_CHECK(n >= 0, "polygamma(n, x) does not support negative n.");
  const double sign = n % 2 ? 1 : -1;
  return sign * std::exp(std::lgamma(static_cast<double>(n) + 1)) * zeta(static_cast<double>(n) + 1, x);
}
double xlog1py(double x, double y) { return y != y ? y : x == 0 ? 0 : x * std::log1p(y); }

double polynomial(Polynomial kind, double x, double degree) {
  const auto n = static_cast<int64_t>(degree);
  if (n < 0) return 0;
  double before = 1, now = 0;
  switch (kind) {
    case Polynomial::ChebyshevT: case Polynomial::HermiteHe: case Polynomial::Legendre: now = x; break;
    case Polynomial::ChebyshevU: case Polynomial::Hermite: now = 2 * x; break;
    case Polynomial::ChebyshevV: now = 2 * x - 1; break;
    case Polynomial::ChebyshevW: now = 2 * x + 1; break;
    case Polynomial::Laguerre: now = 1 - x; break;
  }
  if (n == 0) return before;
  for (int64_t k = 1; k < n && now == now; ++k) {
    const auto m = static_cast<double>(k);
    double next = 0;
    switch (kind) {
      case Polynomial::HermiteHe: next = x * now - m * before; break;
      case Polynomial::Hermite: next = 2 * x * now - 2 * m * before; break;
      case Polynomial::Laguerre: next = ((2 * m + 1 - x) * now - m * before) / (m + 1); break;
      case Polynomial::Legendre: next = ((2 * m + 1) * x * now - m * before) / (m + 1); break;
      default: next = 2 * x * now - before;
    }
    before = now, now = next;
  }
  return now;
}

}  // namespace tallow::special
