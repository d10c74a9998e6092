// Sweeps the error of every function in units in the last place against wider libm results, checks special values.
// Build: g++ -std=c++20 -O3 -fno-math-errno -fno-trapping-math [-mavx2 -mfma | ...] test_math.cpp -o test_math
// `test_math` checks and exits non-zero on failure; `test_math --bench` also times each function on a cached block.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "math.hpp"

namespace v = tallow::vec;

namespace {

int failures = 0;
bool bench = false;

// Distance of got from the exact value, in units in the last place of the exact value's binade.
template <class T, class W> double ulp_error(T got, W want) {
  const T rounded = static_cast<T>(want);
  if (std::isnan(rounded)) return std::isnan(got) ? 0.0 : 1e30;
  if (std::isinf(rounded) || std::isinf(got)) return got == rounded ? 0.0 : 1e30;
  if (rounded == T(0) && got == T(0)) return std::signbit(rounded) == std::signbit(got) ? 0.0 : 1e30;
  int exponent;
  std::frexp(want, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent) - std::numeric_limits<T>::digits;
  return static_cast<double>(std::fabs((static_cast<W>(got) - want) / std::ldexp(W(1), exponent)));
}

template <class T> std::vector<T> inputs(T low, T high) {
  std::vector<T> x;
  using limits = std::numeric_limits<T>;
  for (T s : {T(0), T(1), T(0.5), T(2), T(3), T(4), T(10), T(100), limits::min(), limits::max(), limits::infinity(),
              limits::quiet_NaN(), limits::denorm_min(), limits::epsilon(), T(88.72284), T(-103.98), T(709.78)}) {
    x.push_back(s);
    x.push_back(-s);
  }
  std::mt19937_64 rng(42);
  std::uniform_real_distribution<double> uniform(low, high);
  for (int i = 0; i < 1000000; ++i) x.push_back(static_cast<T>(uniform(rng)));
  for (int i = 0; i < 1000000; ++i) {  // every binade, both signs
    T value;
    const std::uint64_t r = rng();
    std::memcpy(&value, &r, sizeof(T));
    x.push_back(value);
  }
  for (int i = 0; i < 300000; ++i) x.push_back(T(1) + static_cast<T>(std::ldexp(uniform(rng) / high, -(i % 40))));
  return x;
}

template <class T, class F> void apply(F f, const T* __restrict in, T* __restrict out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = f(in[i]);
}

template <class T, class F> void time_block(const char* name, F f, T low, T high) {
  constexpr int n = 16384;
  alignas(64) static T in[n], out[n];
  std::mt19937 rng(1);
  std::uniform_real_distribution<T> uniform(low, high);
  for (auto& x : in) x = uniform(rng);
  double best = 1e30;
  for (int repeat = 0; repeat < 60; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    apply(f, in, out, n);
    best = std::min(best, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  std::printf("%-14s %.3f ns/element (%g)\n", name, best / n, static_cast<double>(out[7]));
}

template <class T, class F, class R> void check(const char* name, double bound, F f, R reference, T low, T high) {
  using W = std::conditional_t<std::is_same_v<T, float>, double, long double>;
  const std::vector<T> x = inputs(low, high);
  std::vector<T> y(x.size());
  apply(f, x.data(), y.data(), x.size());
  double worst = 0;
  T at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = ulp_error<T, W>(y[i], reference(static_cast<W>(x[i])));
    if (e > worst) worst = e, at = x[i];
  }
  const bool ok = worst <= bound;
  failures += !ok;
  std::printf("%s %-10s %-6s max %.4g ulp at %.9g (%a), bound %g\n", ok ? "ok  " : "FAIL", name,
              sizeof(T) == 4 ? "float" : "double", worst, static_cast<double>(at), static_cast<double>(at), bound);
  if (bench) time_block<T>(name, f, low, high);
}

#define CHECK(T, name, bound, low, high, reference)                                        \
  check<T>(                                                                                \
      #name, bound, [](T x) { return v::name(x); }, [](auto x) { return reference; }, T(low), T(high))

#define CHECK_BOTH(name, bound_float, bound_double, low, high, reference) \
  CHECK(float, name, bound_float, low, high, reference);                  \
  CHECK(double, name, bound_double, low, high, reference)

template <class W> W exact_sigmoid(W x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

#define CHECK_QUICK(T, name, bound)                                                                              \
  check<T>(                                                                                                     \
      #name "_quick", bound,                                                                                    \
      [](T x) { return v::name##_quick(std::fabs(x) <= v::trig_quick<T>::limit ? x : T(1)); },                  \
      [](auto x) { return std::name(std::fabs(x) <= v::trig_quick<T>::limit ? x : decltype(x)(1)); }, T(-100), T(100))
void check_quick() {
  CHECK_QUICK(float, sin, 1.8);
  CHECK_QUICK(float, cos, 1.8);
  CHECK_QUICK(float, tan, 2);
  CHECK_QUICK(double, sin, 1.5);
  CHECK_QUICK(double, cos, 1.5);
  CHECK_QUICK(double, tan, 2.5);
}

void report(bool ok, const char* name, const char* what) {
  failures += !ok;
  std::printf("%s %-10s %s\n", ok ? "ok  " : "FAIL", name, what);
}

// Functions of two arguments: random pairs of several kinds, and every pair of special values.
template <class F, class R> void check_pairs(const char* name, double bound, F f, R reference) {
  std::vector<float> x = inputs<float>(-20, 20), y = x;
  std::vector<float> special = inputs<float>(-1, 1);
  special.resize(34);
  std::mt19937 rng(3);
  for (auto& value : y) {
    const int kind = rng() % 4;
    if (kind == 0) value = static_cast<float>(static_cast<int>(rng() % 41) - 20);
    if (kind == 1) value = std::uniform_real_distribution<float>(-40, 40)(rng);
    if (kind == 2) value = x[rng() % x.size()];
  }
  for (float a : special)
    for (float b : special) x.push_back(a), y.push_back(b);
  std::vector<float> z(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) z[i] = f(x[i], y[i]);
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = ulp_error<float, double>(z[i], reference(static_cast<double>(x[i]), static_cast<double>(y[i])));
    if (e > worst) worst = e, at = i;
  }
  const bool ok = worst <= bound;
  failures += !ok;
  std::printf("%s %-10s float  max %.4g ulp at (%.9g, %.9g) = %.9g, bound %g\n", ok ? "ok  " : "FAIL", name, worst,
              static_cast<double>(x[at]), static_cast<double>(y[at]), static_cast<double>(z[at]), bound);
  if (bench) time_block<float>(name, [&](float v) { return f(v, v * 0.7f); }, 0.1f, 10.0f);
}

// Newton's method in long double, from our own double answer.
template <class W> long double exact_erfinv(W x) {
  const double start = v::erfinv(static_cast<double>(x));
  if (!(std::fabs(start) < 1e30) || start == 0) return start;
  long double y = start;
  const long double target = x;
  for (int step = 0; step < 3; ++step) {
    long double residual = std::erf(y) - target;
    if (target > 0.5L) residual = (1 - target) - std::erfc(y);
    if (target < -0.5L) residual = std::erfc(-y) - (1 + target);
    y -= residual / (1.1283791670955125738961589031215451717L * std::exp(-y * y));
  }
  return y;
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

void check_division() {
  const double inf = std::numeric_limits<double>::infinity();
  struct Row {
    double a, b, remainder, floor_divide;
  };
  const Row rows[] = {{5, 3, 2, 1},       {5, -3, -1, -2},     {-5, 3, 1, -2},        {-5, -3, -2, 1},
                      {5, inf, 5, 0},     {-5, inf, inf, -1},  {5, -inf, -inf, -1},   {-5, -inf, -5, 0},
                      {0, 3, 0, 0},       {-0.0, 3, -0.0, -0.0}, {5, 0, std::nan(""), inf}, {-5, 0, std::nan(""), -inf},
                      {7.5, 2.5, 0, 3},   {-7.5, 2, 0.5, -4},  {1, 0.1, std::fmod(1.0, 0.1), 9}};
  bool ok = true;
  for (const Row& r : rows) {
    ok &= same(v::remainder(r.a, r.b), r.remainder);
    ok &= same(v::floor_divide(r.a, r.b), r.floor_divide);
  }
  report(ok, "remainder", "and floor_divide: Python's signs");
}

void check_digamma() {
  const double inf = std::numeric_limits<double>::infinity();
  bool ok = same(v::digamma(0.0), -inf) && same(v::digamma(-0.0), inf) && std::isnan(v::digamma(-1.0)) &&
            same(v::digamma(inf), inf) && std::isnan(v::digamma(-inf)) && std::isnan(v::digamma(std::nan("")));
  ok &= std::fabs(v::digamma(1.0) + 0.57721566490153286061) < 2e-15;
  ok &= std::fabs(v::digamma(0.5) + 1.96351002602142347944) < 2e-15;
  for (double x = -9.7; x < 30; x += 0.31) {
    const double left = v::digamma(x + 1), right = v::digamma(x) + 1 / x;
    ok &= std::fabs(left - right) < 1e-13 * (1 + std::fabs(1 / x) + std::fabs(right));
  }
  report(ok, "digamma", "special values and psi(x + 1) = psi(x) + 1/x");
}

void check_gelu() {
  double worst = 0;
  for (float x = -12; x < 12; x += 0.0007f) {
    const double w = x, exact = w * 0.5 * (1 + std::erf(w * 0.70710678118654752440));
    const double exact_tanh = 0.5 * w * (1 + std::tanh(0.79788456080286535588 * (w + 0.044715 * w * w * w)));
    worst = std::max(worst, std::fabs(v::gelu(x) - exact) / (std::fabs(w) + 1e-30));
    worst = std::max(worst, std::fabs(v::gelu_tanh(x) - exact_tanh) / (std::fabs(w) + 1e-30));
  }
  report(worst < 3e-7, "gelu", "both forms within 3e-7 |x|");
}

// Blocks must give what single calls give to within the bounds, whichever loop they took.
template <class T> void check_blocks() {
  std::vector<T> x = inputs<T>(-50, 50), y(x.size());
  x.resize(x.size() / 2 + 77);  // half of the blocks hold moderate arguments only
  const auto check = [&](const char* name, auto block, auto f) {
    block(x.data(), y.data(), static_cast<long>(x.size()));
    bool close = true;
    for (std::size_t i = 0; i < x.size() && close; ++i) {
      const T exact = f(x[i]);
      close = std::isnan(exact) ? std::isnan(y[i]) : y[i] == exact || std::fabs(y[i] - exact) <= 4 * std::numeric_limits<T>::epsilon() * std::fabs(exact);
    }
    report(close, name, sizeof(T) == 4 ? "float" : "double");
  };
#define CHECK_BLOCK(name) \
  check(#name "_block", [](const T* from, T* to, long n) { v::name##_block(from, to, n); }, [](T t) { return static_cast<T>(std::name(t)); })
  CHECK_BLOCK(sin);
  CHECK_BLOCK(cos);
  CHECK_BLOCK(tan);
  CHECK_BLOCK(exp);
  CHECK_BLOCK(log);
  CHECK_BLOCK(log2);
  CHECK_BLOCK(log10);
  CHECK_BLOCK(sqrt);
#undef CHECK_BLOCK
}

}  // namespace

int main(int argc, char** argv) {
  bench = argc > 1 && std::strcmp(argv[1], "--bench") == 0;
  CHECK_BOTH(exp, 1.2, 1.5, -80, 80, std::exp(x));
  CHECK_BOTH(exp2, 1, 1.5, -120, 120, std::exp2(x));
  CHECK_BOTH(expm1, 2, 2, -10, 89, std::expm1(x));
  CHECK_BOTH(log, 1, 1, 0, 100, std::log(x));
  CHECK_BOTH(log2, 2, 2, 0, 100, std::log2(x));
  CHECK_BOTH(log10, 2, 2, 0, 100, std::log10(x));
  CHECK_BOTH(log1p, 2, 2, -1, 10, std::log1p(x));
  CHECK_BOTH(tanh, 2.5, 2.5, -10, 10, std::tanh(x));
  CHECK_BOTH(sigmoid, 2.5, 2.5, -20, 20, exact_sigmoid(x));
  CHECK(float, erf, 2, -4, 4, std::erf(x));
  CHECK_BOTH(sin, 1.8, 1, -100, 100, std::sin(x));
  CHECK_BOTH(cos, 1.8, 1, -100, 100, std::cos(x));
  CHECK_BOTH(tan, 1, 2.5, -100, 100, std::tan(x));
  check_quick();
  CHECK(double, erf, 3, -6, 6, std::erf(x));
  CHECK(float, erfc, 1, -4, 11, std::erfc(x));
  CHECK_BOTH(asin, 2, 2.5, -1, 1, std::asin(x));
  CHECK_BOTH(acos, 2, 2, -1, 1, std::acos(x));
  CHECK_BOTH(atan, 2, 2, -10, 10, std::atan(x));
  CHECK_BOTH(sinh, 2.5, 2.5, -10, 10, std::sinh(x));
  CHECK_BOTH(cosh, 2.5, 2.5, -10, 10, std::cosh(x));
  CHECK_BOTH(asinh, 3, 3, -10, 10, std::asinh(x));
  CHECK_BOTH(acosh, 3, 3, 1, 10, std::acosh(x));
  CHECK_BOTH(atanh, 3, 3, -1, 1, std::atanh(x));
  CHECK_BOTH(floor, 0, 0, -100, 100, std::floor(x));
  CHECK_BOTH(ceil, 0, 0, -100, 100, std::ceil(x));
  CHECK_BOTH(trunc, 0, 0, -100, 100, std::trunc(x));
  CHECK_BOTH(round, 0, 0, -100, 100, std::rint(x));
  CHECK(float, lgamma, 8, 0, 20, std::lgamma(x));
  CHECK_BOTH(sqrt, 0.501, 0.501, 0, 100, std::sqrt(x));
  CHECK_BOTH(rsqrt, 1.5, 1.5, 0, 100, 1 / std::sqrt(x));
  CHECK_BOTH(erfinv, 4, 2, -1, 1, exact_erfinv(x));
  check_pairs(
      "pow", 1, [](float a, float b) { return v::pow(a, b); }, [](double a, double b) { return std::pow(a, b); });
  check_pairs(
      "atan2", 3, [](float a, float b) { return v::atan2(a, b); }, [](double a, double b) { return std::atan2(a, b); });
  check_division();
  check_digamma();
  check_gelu();
  check_blocks<float>();
  check_blocks<double>();
  std::printf("%d failures\n", failures);
  return failures != 0;
}
