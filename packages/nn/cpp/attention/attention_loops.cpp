// Compiled once per instruction set. The running maximum and sum are those of Milakov and Gimelshein, "Online normalizer
// calculation for softmax", 2018.
#include "attention/attention_loops.hpp"

#include <algorithm>
#include <limits>

#include <tallow/vec/exp.hpp>
#include <tallow/vec/lanes.hpp>

namespace tallow_nn::TL_ISA {
namespace {

using namespace tallow::lanes;

namespace vec = tallow::vec::TL_ISA;
template <class T> constexpr T kLow = -std::numeric_limits<T>::infinity();

// x = scale * x + mask
template <class T>
void scaled(int64_t n, T scale, const T* mask, int64_t step, T* x) {
  if (!mask) {
    for (int64_t j = 0; j < n; ++j) x[j] *= scale;
  } else if (step == 1) {
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) x[j] = scale * x[j] + mask[j];
  } else {
    for (int64_t j = 0; j < n; ++j) x[j] = scale * x[j] + mask[j * step];
  }
}

template <class T>
T maximum(int64_t n, const T* x) {
  constexpr int64_t W = Lanes<T>::count;
  T best = kLow<T>;
  int64_t j = 0;
  if (n >= W) {
    Vec<T> a = load(x), b = a;
    for (; j + 2 * W <= n; j += 2 * W) {
      const Vec<T> u = load(x + j), v = load(x + j + W);
      a = u > a ? u : a, b = v > b ? v : b;
    }
    a = b > a ? b : a;
    best = fold<T>(a, [](T p, T q) { return q > p ? q : p; });
  }
  for (; j < n; ++j) best = x[j] > best ? x[j] : best;
  return best;
}

template <class T>
T total(int64_t n, const T* x) {
  constexpr int64_t W = Lanes<T>::count;
  Vec<T> a{}, b{};
  int64_t j = 0;
  for (; j + 2 * W <= n; j += 2 * W) a += load(x + j), b += load(x + j + W);
  T sum = fold<T>(a + b, [](T p, T q) { return p + q; });
  for (; j < n; ++j) sum += x[j];
  return sum;
}

template <class T>
void exponentials(int64_t n, T shift, T* x) {
#pragma GCC ivdep
  for (int64_t j = 0; j < n; ++j) x[j] = vec::exp_negative(x[j] - shift);
}

template <class T>
void accumulate(int64_t rows, int64_t cols, T scale, MaskTile<T> mask, int64_t seen0, T* scores, int64_t ld, T* top, T* sum, T* factor) {
  for (int64_t r = 0; r < rows; ++r) {
    T* x = scores + r * ld;
    const int64_t n = std::clamp<int64_t>(seen0 + r, 0, cols);
    scaled(n, scale, mask.at ? mask.at + r * mask.row : nullptr, mask.col, x);
    const T before = top[r], now = std::max(before, maximum(n, x));
    const T shift = now == kLow<T> ? T(0) : now;  // nothing seen so far: exponentials are zero
    exponentials(n, shift, x);
    std::fill(x + n, x + cols, T(0));
    factor[r] = vec::exp_negative(before - shift);
    sum[r] = sum[r] * factor[r] + total(n, x);
    top[r] = now;
  }
}

template <class T>
void scale_rows(int64_t rows, int64_t cols, const T* factor, T* out, int64_t ld) {
  for (int64_t r = 0; r < rows; ++r) {
    const T f = factor[r];
    if (f == T(1)) continue;
    T* y = out + r * ld;
    for (int64_t j = 0; j < cols; ++j) y[j] *= f;
  }
}

template <class T>
void weights(int64_t rows, int64_t cols, T scale, MaskTile<T> mask, int64_t seen0, const T* log_sum, T* scores, int64_t ld) {
  for (int64_t r = 0; r < rows; ++r) {
    T* x = scores + r * ld;
    const int64_t n = std::clamp<int64_t>(seen0 + r, 0, cols);
    const T shift = log_sum[r];
    if (mask.at) {
      scaled(n, scale, mask.at + r * mask.row, mask.col, x);
      exponentials(n, shift, x);
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) x[j] = vec::exp_negative(scale * x[j] - shift);
    }
    std::fill(x + n, x + cols, T(0));
  }
}

template <class T>
void score_gradient(int64_t rows, int64_t cols, T scale, const T* delta, const T* weights, T* d_weights, int64_t ld) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* p = weights + r * ld;
    T* d = d_weights + r * ld;
    const T mean = delta[r];
#pragma GCC ivdep
    for (int64_t j = 0; j < cols; ++j) d[j] = scale * p[j] * (d[j] - mean);
  }
}

template <class T>
void row_dots(int64_t rows, int64_t cols, const T* a, int64_t lda, const T* b, int64_t ldb, T* out) {
  constexpr int64_t W = Lanes<T>::count;
  for (int64_t r = 0; r < rows; ++r) {
    const T *x = a + r * lda, *y = b + r * ldb;
    Vec<T> lanes{};
    int64_t j = 0;
    for (; j + W <= cols; j += W) lanes += load(x + j) * load(y + j);
    T sum = fold<T>(lanes, [](T p, T q) { return p + q; });
    for (; j < cols; ++j) sum += x[j] * y[j];
    out[r] = sum;
  }
}

template <class T>
void transpose(int64_t rows, int64_t cols, const T* from, int64_t ld, T* to, int64_t width) {
  constexpr int64_t square = 16;
  for (int64_t j0 = 0; j0 < cols; j0 += square)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = j0; j < std::min(cols, j0 + square); ++j) to[j * width + i] = from[i * ld + j];
}

template <class T>
constexpr AttentionLoops<T> kLoops = {accumulate<T>, scale_rows<T>, weights<T>, score_gradient<T>, row_dots<T>, transpose<T>};

}  // namespace

const AttentionLoops<float> attention_loops_float = kLoops<float>;
const AttentionLoops<double> attention_loops_double = kLoops<double>;

}  // namespace tallow_nn::TL_ISA
