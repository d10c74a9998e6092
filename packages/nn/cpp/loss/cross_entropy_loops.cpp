// Compiled once per instruction set. The maximum is subtracted first, so that no exponential overflows; sums run in a fixed
// number of lanes, block by block, and the blocks are added in double: the order is that of the shape alone.
#include "loss/cross_entropy_loops.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

#include <tallow/vec/exp.hpp>
#include <tallow/vec/log.hpp>

namespace tallow_nn::TL_ISA {
namespace {

namespace vec = ::tallow::vec;

constexpr int64_t kBlock = 1024, kLanes = 32, kColumns = 64;

template <class T> constexpr T kLowest = -std::numeric_limits<T>::infinity();

// Halves, quarters, ... of the lanes onto each other: a chain of kLanes additions would take as long as a short row.
template <class T, class F>
T folded(T* lanes, F&& join) {
#pragma GCC unroll 8
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) lanes[k] = join(lanes[k], lanes[k + half]);
  return lanes[0];
}

template <class T>
T largest(const T* x, int64_t n) {
  const auto larger = [](T a, T b) { return b > a ? b : a; };  // a NaN comes back through the sum
  T best = kLowest<T>;
  int64_t i = 0;
  if (n >= kLanes) {
    T lanes[kLanes];
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] = larger(kLowest<T>, x[k]);
    for (i = kLanes; i + kLanes <= n; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] = larger(lanes[k], x[i + k]);
    best = folded(lanes, larger);
  }
  for (; i < n; ++i) best = larger(best, x[i]);
  return best;
}

// Of at most kBlock terms.
template <class T>
double lane_sum(const T* x, int64_t n) {
  double total = 0;
  int64_t i = 0;
  if (n >= kLanes) {
    T lanes[kLanes] = {};
    for (; i + kLanes <= n; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] += x[i + k];
    total = static_cast<double>(folded(lanes, [](T a, T b) { return a + b; }));
  }
  for (; i < n; ++i) total += static_cast<double>(x[i]);
  return total;
}

template <class T>
void row_log_sum_exp(const T* x, int64_t classes, const T* w, T* lse, T* weighted) {
  const T top = largest(x, classes);
  T terms[kBlock];
  double sum = 0, dot = 0;
  for (int64_t j = 0; j < classes; j += kBlock) {
    const int64_t n = classes - j < kBlock ? classes - j : kBlock;
    const T* in = x + j;
    for (int64_t i = 0; i < n; ++i) terms[i] = vec::exp_negative(in[i] - top);
    sum += lane_sum(terms, n);
    if (weighted && w) {
      for (int64_t i = 0; i < n; ++i) terms[i] = in[i] * w[j + i];
      dot += lane_sum(terms, n);
    } else if (weighted) {
      dot += lane_sum(in, n);
    }
  }
  *lse = top + static_cast<T>(vec::log(sum));
  if (weighted) *weighted = static_cast<T>(dot);
}

template <class T>
void row_gradient(const T* x, int64_t classes, const T* w, T lse, CrossEntropyShares<T> s, T* out) {
  if (s.weight == 0)
    for (int64_t j = 0; j < classes; ++j) out[j] = s.softmax * vec::exp_negative(x[j] - lse);
  else if (w)
    for (int64_t j = 0; j < classes; ++j) out[j] = s.softmax * vec::exp_negative(x[j] - lse) - s.weight * w[j];
  else
    for (int64_t j = 0; j < classes; ++j) out[j] = s.softmax * vec::exp_negative(x[j] - lse) - s.weight;
}

// Places next to each other: the inner loops below run over them, class after class. A few classes at a time are copied, since
// their rows are often a power of two apart and would push each other out of the cache; what was summed before is scaled down
// when a larger score appears (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
template <class T, class Count>
void columns_log_sum_exp(const T* x, int64_t classes, int64_t stride, Count count, const T* w, T* lse, T* weighted) {
  constexpr int64_t kClasses = 16;
  T top[kColumns], sum[kColumns] = {}, dot[kColumns] = {}, before[kColumns], some[kClasses][kColumns];
  for (T& v : top) v = kLowest<T>;
  for (int64_t j = 0; j < classes; j += kClasses) {
    const int64_t n = classes - j < kClasses ? classes - j : kClasses;
    for (int64_t i = 0; i < count; ++i) before[i] = top[i];
    for (int64_t k = 0; k < n; ++k) {
      const T* in = x + (j + k) * stride;
      for (int64_t i = 0; i < count; ++i) some[k][i] = in[i], top[i] = in[i] > top[i] ? in[i] : top[i];
    }
    for (int64_t i = 0; i < count; ++i) {
      const T shift = top[i] == kLowest<T> ? T(0) : top[i];
      sum[i] *= vec::exp_negative(before[i] - shift);
      before[i] = shift;
    }
    for (int64_t k = 0; k < n; ++k)
      for (int64_t i = 0; i < count; ++i) sum[i] += vec::exp_negative(some[k][i] - before[i]);
    for (int64_t k = 0; weighted && k < n; ++k) {
      const T share = w ? w[j + k] : T(1);
      for (int64_t i = 0; i < count; ++i) dot[i] += share * some[k][i];
    }
  }
  for (int64_t i = 0; i < count; ++i) lse[i] = top[i] + vec::log(sum[i]);
  for (int64_t i = 0; weighted && i < count; ++i) weighted[i] = dot[i];
}

template <class T, class Count>
void columns_gradient(const T* x, int64_t classes, int64_t stride, Count count, const T* w, const T* lse, const CrossEntropyShares<T>* shares, T* out) {
  T softmax[kColumns], weight[kColumns], shift[kColumns];
  for (int64_t i = 0; i < count; ++i) softmax[i] = shares[i].softmax, weight[i] = shares[i].weight, shift[i] = lse[i];
  for (int64_t j = 0; j < classes; ++j) {
    const T* in = x + j * stride;
    T* to = out + j * stride;
    const T share = w ? w[j] : T(1);
    for (int64_t i = 0; i < count; ++i) to[i] = softmax[i] * vec::exp_negative(in[i] - shift[i]) - weight[i] * share;
  }
}

// f(first, count): whole groups of columns with a constant count, so that their loops unroll.
template <class F>
void by_columns(int64_t count, F&& f) {
  int64_t i = 0;
  for (; i + kColumns <= count; i += kColumns) f(i, std::integral_constant<int64_t, kColumns>());
  if (i < count) f(i, count - i);
}

template <class T>
void log_sum_exp(const T* x, int64_t classes, int64_t stride, int64_t count, const T* w, T* lse, T* weighted) {
  if (stride == 1) return row_log_sum_exp(x, classes, w, lse, weighted);
  by_columns(count, [&](int64_t i, auto n) { columns_log_sum_exp(x + i, classes, stride, n, w, lse + i, weighted ? weighted + i : nullptr); });
}

template <class T>
void gradient(const T* x, int64_t classes, int64_t stride, int64_t count, const T* w, const T* lse, const CrossEntropyShares<T>* shares, T* out) {
  if (stride == 1) return row_gradient(x, classes, w, *lse, *shares, out);
  by_columns(count, [&](int64_t i, auto n) { columns_gradient(x + i, classes, stride, n, w, lse + i, shares + i, out + i); });
}

}  // namespace

extern const CrossEntropyLoops cross_entropy_loops;
const CrossEntropyLoops cross_entropy_loops = {{log_sum_exp<float>, gradient<float>}, {log_sum_exp<double>, gradient<double>}};

}  // namespace tallow_nn::TL_ISA
