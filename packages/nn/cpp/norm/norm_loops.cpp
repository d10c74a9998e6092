// Compiled once per instruction set.
#include "norm/norm_loops.hpp"

#include <algorithm>
#include <cmath>

#include <tallow/vec/lanes.hpp>

namespace tallow_nn::TL_ISA {
namespace {

using namespace tallow::lanes;

constexpr int64_t kBlock = 4096;  // elements summed in their own precision before they go on in double

// Sums over i in [0, n) of K quantities at once: term(i, s) adds vectors made of the elements from i on to s[0..K), and
// tail(i, r) those of element i to r[0..K). Several chains hide the latency of an addition.
template <class T, int K, class Term, class Tail>
inline __attribute__((always_inline)) void sums(int64_t n, T* result, Term term, Tail tail) {
  constexpr int64_t lanes = Lanes<T>::count, chains = 4;
  Vec<T> s[chains][K] = {};
  int64_t i = 0;
  for (; i + chains * lanes <= n; i += chains * lanes)
    for (int64_t c = 0; c < chains; ++c) term(i + c * lanes, s[c]);
  for (; i + lanes <= n; i += lanes) term(i, s[0]);
  T rest[K] = {};
  for (; i < n; ++i) tail(i, rest);
  for (int k = 0; k < K; ++k) result[k] = fold<T>((s[0][k] + s[1][k]) + (s[2][k] + s[3][k]), [](T a, T b) { return a + b; }) + rest[k];
}

// ---------------------------------------------------------------- runs
template <class T>
inline __attribute__((always_inline)) T sum_of(const T* x, int64_t n) {
  T s[1];
  sums<T, 1>(n, s, [=](int64_t i, Vec<T>* a) { a[0] += load(x + i); }, [=](int64_t i, T* a) { a[0] += x[i]; });
  return s[0];
}

// sum((x - c)^2) and sum(x - c), which tells how far c is from the mean.
template <class T>
inline __attribute__((always_inline)) void centred_sums(const T* x, int64_t n, T c, T* result) {
  sums<T, 2>(
      n, result,
      [=](int64_t i, Vec<T>* a) {
        const Vec<T> d = load(x + i) - c;
        a[0] += d * d, a[1] += d;
      },
      [=](int64_t i, T* a) {
        const T d = x[i] - c;
        a[0] += d * d, a[1] += d;
      });
}

template <class T>
Moments moments(const T* x, int64_t n) {
  Moments all;
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = std::min(kBlock, n - i);
    const T c = sum_of(x + i, m) / static_cast<T>(m);
    T s[2];
    centred_sums(x + i, m, c, s);
    const double off = static_cast<double>(s[1]) / static_cast<double>(m);
    all.join({static_cast<double>(m), static_cast<double>(c) + off, std::max(static_cast<double>(s[0]) - static_cast<double>(s[1]) * off, 0.0)});
  }
  return all;
}

template <class T>
Products products(const T* dy, const T* x, int64_t n, T mean) {
  Products all;
  for (int64_t i = 0; i < n; i += kBlock) {
    const T *g = dy + i, *v = x + i;
    T s[2];
    sums<T, 2>(
        std::min(kBlock, n - i), s,
        [=](int64_t j, Vec<T>* a) {
          const Vec<T> d = load(g + j);
          a[0] += d, a[1] += d * (load(v + j) - mean);
        },
        [=](int64_t j, T* a) { a[0] += g[j], a[1] += g[j] * (v[j] - mean); });
    all.join({s[0], s[1]});
  }
  return all;
}

template <class T>
void apply(const T* x, T* y, int64_t n, T mean, T a, T b) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * a + b;
}

template <class T>
void apply_dx(const T* dy, const T* x, T* dx, int64_t n, T k, T mean, T c1, T c2) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) dx[i] = (k * dy[i] + c1) + (x[i] - mean) * c2;
}

// ---------------------------------------------------------------- columns
// f(first, count) over the columns in tiles whose sums stay in registers: four vectors, then one, then single lanes.
template <class T, class F>
inline __attribute__((always_inline)) void tiles(int64_t columns, F f) {
  constexpr int64_t lanes = Lanes<T>::count;
  int64_t c = 0;
  for (; c + 4 * lanes <= columns; c += 4 * lanes) f(c, std::integral_constant<int64_t, 4>());
  for (; c + lanes <= columns; c += lanes) f(c, std::integral_constant<int64_t, 1>());
  for (; c < columns; ++c) f(c, std::integral_constant<int64_t, 0>());
}

// A vector, or for the last columns a single element.
template <class T, int64_t N> struct LaneOf { typedef Vec<T> type; };
template <class T> struct LaneOf<T, 0> { typedef T type; };
template <class V, class T> inline __attribute__((always_inline)) V take(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
void column_moments(const T* x, int64_t rows, int64_t columns, Moments* m) {
  if (rows == 0) return;
  tiles<T>(columns, [&]<int64_t N>(int64_t c, std::integral_constant<int64_t, N>) {
    using V = typename LaneOf<T, N>::type;
    constexpr int64_t count = N ? N : 1, lanes = N ? Lanes<T>::count : 1;
    V sum[count] = {}, square[count] = {}, off[count] = {};
    const T* from = x + c;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < count; ++j) sum[j] += take<V>(from + r * columns + j * lanes);
    for (int64_t j = 0; j < count; ++j) sum[j] /= static_cast<T>(rows);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < count; ++j) {
        const V d = take<V>(from + r * columns + j * lanes) - sum[j];
        square[j] += d * d, off[j] += d;
      }
    T means[count * lanes], squares[count * lanes], offs[count * lanes];
    std::memcpy(means, sum, sizeof sum), std::memcpy(squares, square, sizeof square), std::memcpy(offs, off, sizeof off);
    for (int64_t j = 0; j < count * lanes; ++j) {
      const double n = static_cast<double>(rows), shift = static_cast<double>(offs[j]) / n;
      m[c + j].join({n, static_cast<double>(means[j]) + shift, std::max(static_cast<double>(squares[j]) - static_cast<double>(offs[j]) * shift, 0.0)});
    }
  });
}

template <class T>
void column_products(const T* dy, const T* x, int64_t rows, int64_t columns, const T* mean, Products* p) {
  tiles<T>(columns, [&]<int64_t N>(int64_t c, std::integral_constant<int64_t, N>) {
    using V = typename LaneOf<T, N>::type;
    constexpr int64_t count = N ? N : 1, lanes = N ? Lanes<T>::count : 1;
    V m[count], s[count] = {}, q[count] = {};
    for (int64_t j = 0; j < count; ++j) m[j] = take<V>(mean + c + j * lanes);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < count; ++j) {
        const V g = take<V>(dy + r * columns + c + j * lanes);
        s[j] += g, q[j] += g * (take<V>(x + r * columns + c + j * lanes) - m[j]);
      }
    T first[count * lanes], second[count * lanes];
    std::memcpy(first, s, sizeof s), std::memcpy(second, q, sizeof q);
    for (int64_t j = 0; j < count * lanes; ++j) p[c + j].join({first[j], second[j]});
  });
}

template <class T>
void column_apply(const T* x, T* y, int64_t rows, int64_t columns, const T* mean, const T* a, const T* b) {
  for (int64_t r = 0; r < rows; ++r) {
#pragma GCC ivdep
    for (int64_t c = 0; c < columns; ++c) y[r * columns + c] = (x[r * columns + c] - mean[c]) * a[c] + b[c];
  }
}

template <class T>
void column_apply_dx(const T* dy, const T* x, T* dx, int64_t rows, int64_t columns, const T* k, const T* mean, const T* c1, const T* c2) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t at = r * columns;
#pragma GCC ivdep
    for (int64_t c = 0; c < columns; ++c) dx[at + c] = (k[c] * dy[at + c] + c1[c]) + (x[at + c] - mean[c]) * c2[c];
  }
}

// ---------------------------------------------------------------- rows
// f(first, end) on blocks of a row, while the same block of the next row comes into the cache: a row takes several passes,
// and memory would rest during all but the first.
template <class T, class F, class... P>
inline __attribute__((always_inline)) void row_blocks(int64_t columns, bool last, F f, const P*... rows) {
  constexpr int64_t block = 128, line = 64 / static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < columns; i += block) {
    const int64_t end = std::min(columns, i + block);
    if (!last)
      for (int64_t j = i; j < end; j += line) (__builtin_prefetch(rows + columns + j), ...);
    f(i, end);
  }
}

template <class T>
void rows_forward(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd, int64_t rows, int64_t columns, double eps) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    Moments m;
    if (mean) {
      m = moments(x, columns);
    } else {
      for (int64_t i = 0; i < columns; i += kBlock) {
        T s[2];
        centred_sums(x + i, std::min(kBlock, columns - i), T(0), s);
        m.m2 += static_cast<double>(s[0]);
      }
      m.count = static_cast<double>(columns);
    }
    const T c = static_cast<T>(m.mean), s = static_cast<T>(1 / std::sqrt(m.variance() + eps));
    if (mean) mean[r] = c;
    rstd[r] = s;
    row_blocks<T>(
        columns, r + 1 == rows,
        [=](int64_t first, int64_t end) {
          if (weight && bias) {
#pragma GCC ivdep
            for (int64_t i = first; i < end; ++i) y[i] = (x[i] - c) * s * weight[i] + bias[i];
          } else if (weight) {
#pragma GCC ivdep
            for (int64_t i = first; i < end; ++i) y[i] = (x[i] - c) * s * weight[i];
          } else {
#pragma GCC ivdep
            for (int64_t i = first; i < end; ++i) y[i] = (x[i] - c) * s + (bias ? bias[i] : T(0));
          }
        },
        x, y);
  }
}

// dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy weight and xhat = (x - mean) rstd.
template <class T, bool Weight, bool Sums>
void rows_backward(const T* __restrict dy, const T* __restrict x, const T* __restrict weight, const T* mean, const T* rstd, T* __restrict dx,
                   T* __restrict dweight, T* __restrict dbias, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, dy += columns, x += columns, dx += columns) {
    const T c = mean ? mean[r] : T(0), s = rstd[r];
    double first = 0, second = 0;
    for (int64_t b = 0; b < columns; b += kBlock) {
      T part[2];
      const T *g = dy + b, *v = x + b, *w = weight + (Weight ? b : 0);
      sums<T, 2>(
          std::min(kBlock, columns - b), part,
          [=](int64_t i, Vec<T>* a) {
            Vec<T> d = load(g + i);
            if constexpr (Weight) d *= load(w + i);
            a[0] += d, a[1] += d * (load(v + i) - c);
          },
          [=](int64_t i, T* a) {
            const T d = Weight ? g[i] * w[i] : g[i];
            a[0] += d, a[1] += d * (v[i] - c);
          });
      first += part[0], second += part[1];
    }
    const double n = static_cast<double>(columns);
    const T c1 = mean ? static_cast<T>(-first / n) * s : T(0), c2 = static_cast<T>(-second / n) * s * s * s;
    row_blocks<T>(
        columns, r + 1 == rows,
        [=](int64_t first_column, int64_t end) {
#pragma GCC ivdep
          for (int64_t i = first_column; i < end; ++i) {
            const T g = dy[i], d = x[i] - c;
            dx[i] = (s * (Weight ? g * weight[i] : g) + c1) + d * c2;
            if constexpr (Sums) dweight[i] += g * d * s, dbias[i] += g;
          }
        },
        dy, x, dx);
  }
}

template <class T>
void rows_dx(const T* dy, const T* x, const T* weight, const T* mean, const T* rstd, T* dx, T* dweight, T* dbias, int64_t rows, int64_t columns) {
  const auto run = weight ? (dweight ? rows_backward<T, true, true> : rows_backward<T, true, false>)
                          : (dweight ? rows_backward<T, false, true> : rows_backward<T, false, false>);
  run(dy, x, weight, mean, rstd, dx, dweight, dbias, rows, columns);
}

template <class T>
constexpr NormLoopsOf<T> table_of() {
  return {moments<T>, products<T>, apply<T>, apply_dx<T>, column_moments<T>, column_products<T>, column_apply<T>, column_apply_dx<T>,
          rows_forward<T>, rows_dx<T>};
}

}  // namespace

extern const NormLoops norm_loops;
const NormLoops norm_loops{table_of<float>(), table_of<double>()};

}  // namespace tallow_nn::TL_ISA
