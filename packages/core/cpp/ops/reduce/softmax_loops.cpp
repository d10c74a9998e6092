// Compiled once per instruction set.
//
// The maximum is subtracted first, so every exponent is at most zero: no overflow, and one clamp less in exp. Rows
// longer than a block are summed block by block in double.
#include "ops/reduce/softmax_loops.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vec/isa.hpp"
#include "vec/lanes.hpp"
#include "vec/math.hpp"

namespace tallow::TL_ISA_NS {
namespace {

using namespace lanes;

constexpr int64_t kBlock = 1024;

template <class V> inline V larger(V a, V b) { return a > b ? a : b; }

// A NaN may get lost here: it comes back through the sum of exponentials.
template <class T>
T row_max(const T* x, int64_t n) {
  using V = Vec<T>;
  constexpr int L = Lanes<T>::count;
  if (n < L) {
    T best = -std::numeric_limits<T>::infinity();
    for (int64_t i = 0; i < n; ++i) best = x[i] > best ? x[i] : best;
    return best;
  }
  V best = load(x + n - L);  // the last lanes, which the loops may leave out
  int64_t i = 0;
  if (n >= L * kAccumulators) {
    V a[kAccumulators];
#pragma GCC unroll 8
    for (int k = 0; k < kAccumulators; ++k) a[k] = best;
    for (; i + L * kAccumulators <= n; i += L * kAccumulators) {
#pragma GCC unroll 8
      for (int k = 0; k < kAccumulators; ++k) a[k] = larger(load(x + i + k * L), a[k]);
    }
#pragma GCC unroll 8
    for (int k = 0; k < kAccumulators; ++k) best = larger(best, a[k]);
  }
  for (; i + L <= n; i += L) best = larger(load(x + i), best);
  T lanes[L];
  store(lanes, best);
#pragma GCC unroll 8
  for (int half = L / 2; half; half /= 2)
    for (int k = 0; k < half; ++k) lanes[k] = lanes[k] > lanes[k + half] ? lanes[k] : lanes[k + half];
  return lanes[0];
}

template <class T, class F>
inline __attribute__((always_inline)) double lane_sum(int64_t n, F&& at) {  // sum of at(i), at most kBlock terms
  using V = Vec<T>;
  constexpr int L = Lanes<T>::count;
  V a[2] = {};
  int64_t i = 0;
  double total = 0;
  if (n >= 2 * L) {
    for (; i + 2 * L <= n; i += 2 * L) a[0] += at.vector(i), a[1] += at.vector(i + L);
    T lanes[L];
    store(lanes, a[0] + a[1]);
    for (T v : lanes) total += v;
  }
  for (; i < n; ++i) total += at.scalar(i);
  return total;
}
template <class T> struct Plain {
  const T* x;
  Vec<T> vector(int64_t i) const { return load(x + i); }
  T scalar(int64_t i) const { return x[i]; }
};
template <class T> struct Dot {
  const T *x, *y;
  Vec<T> vector(int64_t i) const { return load(x + i) * load(y + i); }
  double scalar(int64_t i) const { return static_cast<double>(x[i]) * y[i]; }
};

// y[i] = e^(x[i] - m); returns their sum.
template <class T>
double exponentials(const T* __restrict x, T* __restrict y, int64_t n, T m) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = vec::TL_ISA_NS::exp_negative(x[i] - m);
  return lane_sum<T>(n, Plain<T>{y});
}

// The largest element, and the sum of the exponentials after it is subtracted.
template <class T>
double exponential_sum(const T* x, int64_t n, T& m) {
  m = row_max(x, n);
  if (!(m > -std::numeric_limits<T>::infinity() && m < std::numeric_limits<T>::infinity())) {
    bool nan = false;
    for (int64_t i = 0; i < n; ++i) nan |= x[i] != x[i];
    if (nan) return std::numeric_limits<double>::quiet_NaN();
    const T shift = m;
    m = 0;
    return shift > 0 ? static_cast<double>(shift) : 0.0;
  }
  T buffer[kBlock];
  double sum = 0;
  for (int64_t b = 0; b < n; b += kBlock) sum += exponentials(x + b, buffer, std::min(kBlock, n - b), m);
  return sum;
}

template <class T>
void rows(const void* from, void* to, int64_t count, int64_t n, bool log) {
  for (int64_t r = 0; r < count; ++r) {
    const T* x = static_cast<const T*>(from) + r * n;
    T* y = static_cast<T*>(to) + r * n;
    T m = row_max(x, n);
    double sum = 0;
    if (log) {
      T buffer[kBlock];
      for (int64_t b = 0; b < n; b += kBlock) sum += exponentials(x + b, buffer, std::min(kBlock, n - b), m);
      const T shift = static_cast<T>(std::log(sum));
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - m) - shift;
    } else {
      for (int64_t b = 0; b < n; b += kBlock) sum += exponentials(x + b, y + b, std::min(kBlock, n - b), m);
      const T scale = static_cast<T>(1 / sum);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) y[i] *= scale;
    }
  }
}

// What rounding `total` to s lost. Where one weight is nearly 1, its g - s is of the size of this rounding.
template <class T>
T rounded_off(double total, T s) {
  return std::isfinite(s) ? static_cast<T>(total - static_cast<double>(s)) : T(0);
}

template <class T>
void backward_rows(const void* grad, const void* result, void* to, int64_t count, int64_t n, bool log) {
  for (int64_t r = 0; r < count; ++r) {
    const T* g = static_cast<const T*>(grad) + r * n;
    const T* y = static_cast<const T*>(result) + r * n;
    T* dx = static_cast<T*>(to) + r * n;
    double total = 0;
    for (int64_t b = 0; b < n; b += kBlock) {
      const int64_t m = std::min(kBlock, n - b);
      total += log ? lane_sum<T>(m, Plain<T>{g + b}) : lane_sum<T>(m, Dot<T>{g + b, y + b});
    }
    const T s = static_cast<T>(total);
    if (log) {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) dx[i] = g[i] - vec::TL_ISA_NS::exp(y[i]) * s;
    } else {
      const T rest = rounded_off(total, s);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) dx[i] = ((g[i] - s) - rest) * y[i];
    }
  }
}

template <class T>
void columns(const void* from, void* to, int64_t n, int64_t stride, int64_t width, bool log) {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  T m[kSoftmaxColumns], part[kSoftmaxColumns];
  double sum[kSoftmaxColumns];
  std::fill(m, m + width, -std::numeric_limits<T>::infinity());
  std::fill(sum, sum + width, 0.0);
  for (int64_t r = 0; r < n; ++r)
    for (int64_t c = 0; c < width; ++c) m[c] = x[r * stride + c] > m[c] ? x[r * stride + c] : m[c];
  for (int64_t r = 0; r < n;) {
    std::fill(part, part + width, T(0));
    for (const int64_t end = std::min(n, r + 64); r < end; ++r)
#pragma GCC ivdep
      for (int64_t c = 0; c < width; ++c) {
        const T e = vec::TL_ISA_NS::exp_negative(x[r * stride + c] - m[c]);
        if (!log) y[r * stride + c] = e;
        part[c] += e;
      }
    for (int64_t c = 0; c < width; ++c) sum[c] += part[c];
  }
  for (int64_t c = 0; c < width; ++c) part[c] = static_cast<T>(log ? std::log(sum[c]) : 1 / sum[c]);
  for (int64_t r = 0; r < n; ++r) {
    T* o = y + r * stride;
    if (log) {
#pragma GCC ivdep
      for (int64_t c = 0; c < width; ++c) o[c] = (x[r * stride + c] - m[c]) - part[c];
    } else {
#pragma GCC ivdep
      for (int64_t c = 0; c < width; ++c) o[c] *= part[c];
    }
  }
}

template <class T>
void backward_columns(const void* grad, const void* result, void* to, int64_t n, int64_t stride, int64_t width, bool log) {
  const T* g = static_cast<const T*>(grad);
  const T* y = static_cast<const T*>(result);
  T* dx = static_cast<T*>(to);
  T part[kSoftmaxColumns];
  double sum[kSoftmaxColumns];
  std::fill(sum, sum + width, 0.0);
  for (int64_t r = 0; r < n; ++r)
#pragma GCC ivdep
    for (int64_t c = 0; c < width; ++c) {
      const double weight = log ? 1 : y[r * stride + c];
      sum[c] += g[r * stride + c] * weight;
    }
  T rest[kSoftmaxColumns];
  for (int64_t c = 0; c < width; ++c) part[c] = static_cast<T>(sum[c]), rest[c] = rounded_off(sum[c], part[c]);
  for (int64_t r = 0; r < n; ++r) {
    const int64_t at = r * stride;
    if (log) {
#pragma GCC ivdep
      for (int64_t c = 0; c < width; ++c) dx[at + c] = g[at + c] - vec::TL_ISA_NS::exp(y[at + c]) * part[c];
    } else {
#pragma GCC ivdep
      for (int64_t c = 0; c < width; ++c) dx[at + c] = ((g[at + c] - part[c]) - rest[c]) * y[at + c];
    }
  }
}

template <class T>
void log_sum(const void* from, void* to, int64_t count, int64_t n) {
  for (int64_t r = 0; r < count; ++r) {
    T m;
    const double sum = exponential_sum(static_cast<const T*>(from) + r * n, n, m);
    static_cast<T*>(to)[r] = static_cast<T>(std::log(sum) + m);
  }
}

template <class T>
constexpr SoftmaxLoops loops() {
  return {rows<T>, backward_rows<T>, columns<T>, backward_columns<T>, log_sum<T>};
}

}  // namespace

const SoftmaxLoops* softmax_loops() {
  static const SoftmaxLoops l[] = {loops<float>(), loops<double>()};
  return l;
}

}  // namespace tallow::TL_ISA_NS
