// Compiled for each instruction set with TL_ISA = baseline, avx2, avx512. Only this file knows vector widths.
#include "ops/linalg/gemm_tiles.hpp"

#include <cstring>
#include <utility>

#include "vec/isa.hpp"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace tallow::blas::TL_ISA_NS {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kMaxRows = 14;  // 32 registers: 14x2 sums, 2 of B, the broadcast comes from memory
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32, kMaxRows = 6;   // 16 registers: 6x2 sums, 2 of B, 1 broadcast
#else
constexpr int kVectorBytes = 16, kMaxRows = 6;
#endif
constexpr int kMaxVectors = 2;
constexpr int kAhead = 16, kPackAhead = 16;  // steps to prefetch

template <class T> struct Vector {
  static constexpr int width = kVectorBytes / sizeof(T);
  typedef T type __attribute__((vector_size(kVectorBytes)));
  typedef T memory __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
};
template <class T> using Vec = typename Vector<T>::type;

template <class T> inline Vec<T> load(const T* p) { return *reinterpret_cast<const typename Vector<T>::memory*>(p); }
template <class T> inline void store(T* p, Vec<T> v) { *reinterpret_cast<typename Vector<T>::memory*>(p) = v; }
template <class T> inline Vec<T> broadcast(T x) { return x - Vec<T>{}; }

// Written as intrinsics where they exist, so that no compiler flag can split the multiplication from the addition.
#if defined(__AVX512F__)
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return (Vec<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return (Vec<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
#elif defined(__AVX2__)
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return (Vec<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return (Vec<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
#else
template <class V> inline V fma(V a, V b, V c) { return a * b + c; }
#endif
#if defined(__FMA__)
inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
#endif

// ---------------------------------------------------------------- the register tile
// The p-th column of the tile's part of A. Its elements are a row stride apart, packed or not; one pointer serves three
// rows, because base, base + stride and base + 2*stride are addressing modes.
template <class T, int R>
struct Column {
  const T* at[(R + 2) / 3];
  int64_t row, column;
  Column(const T* a, int64_t r, int64_t c) : row(r), column(c) {
#pragma GCC unroll 16
    for (int g = 0; g < (R + 2) / 3; ++g) at[g] = a + 3 * g * r;
  }
  T operator[](int i) const { return i % 3 == 0 ? at[i / 3][0] : i % 3 == 1 ? at[i / 3][row] : at[i / 3][2 * row]; }
  void next() {
#pragma GCC unroll 16
    for (int g = 0; g < (R + 2) / 3; ++g) at[g] += column;
  }
};

template <class T, int R, int NV>
void tile(int64_t k, const T* scales, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t ldb, T* c, int64_t ldc) {
  constexpr int W = Vector<T>::width;
  Vec<T> sum[R][NV];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = Vec<T>{};
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) __builtin_prefetch(c + i * ldc, 1), __builtin_prefetch(c + i * ldc + (NV - 1) * W, 1);
  Column<T, R> column(a, a_row, a_col);
  for (int64_t p = 0; p < k; ++p) {
    Vec<T> row[NV];
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) {
      row[v] = load(b + v * W);
      __builtin_prefetch(b + kAhead * ldb + v * W);  // unpacked rows lie too far apart for the hardware to foresee
    }
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const Vec<T> x = broadcast(column[i]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[i][v] = fma(x, row[v], sum[i][v]);
    }
    column.next();
    b += ldb;
  }
  const Vec<T> scale = broadcast(scales[0]);
  if (scales[1] == T(0)) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) store(c + i * ldc + v * W, scale * sum[i][v]);
  } else {
    const Vec<T> keep = broadcast(scales[1]);
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) {
        T* at = c + i * ldc + v * W;
        store(at, fma(keep, load(at), scale * sum[i][v]));
      }
  }
}

template <class T>
using TileFn = void (*)(int64_t, const T*, const T*, int64_t, int64_t, const T*, int64_t, T*, int64_t);
template <class T, int NV, int... R>
inline TileFn<T> tile_of(int64_t rows, std::integer_sequence<int, R...>) {
  static constexpr TileFn<T> table[] = {tile<T, R + 1, NV>...};
  return table[rows - 1];
}

template <class T>
void multiply(int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t ldb,
              T beta, T* c, int64_t ldc) {
  constexpr int W = Vector<T>::width;
  constexpr auto all = std::make_integer_sequence<int, kMaxRows>{};
  const bool wide = n > W;
  const TileFn<T> f = wide ? tile_of<T, 2>(m, all) : tile_of<T, 1>(m, all);
  const T scales[2] = {alpha, beta};  // in memory: the loop needs every register
  const int64_t full = wide ? 2 * W : W;
  if (n == full) return f(k, scales, a, a_row, a_col, b, ldb, c, ldc);
  alignas(64) T whole[kMaxRows * kMaxVectors * W];
  if (beta != T(0))
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < full; ++j) whole[i * full + j] = j < n ? c[i * ldc + j] : T(0);
  f(k, scales, a, a_row, a_col, b, ldb, whole, full);
  for (int64_t i = 0; i < m; ++i) std::memcpy(c + i * ldc, whole + i * full, n * sizeof(T));
}

// ---------------------------------------------------------------- packing
// One stage of a transposition: blocks of S lanes change places between two vectors.
template <class T, int S, bool High, int... L>
inline Vec<T> exchange(Vec<T> a, Vec<T> b, std::integer_sequence<int, L...>) {
  constexpr int W = Vector<T>::width;
  if constexpr (High) return __builtin_shufflevector(a, b, ((L & S) ? W + L : (L ^ S))...);
  else return __builtin_shufflevector(a, b, ((L & S) ? W + (L ^ S) : L)...);
}
template <class T, int S>
inline void transpose(Vec<T> (&r)[Vector<T>::width]) {
  constexpr int W = Vector<T>::width;
  constexpr auto lanes = std::make_integer_sequence<int, W>{};
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i)
    if (!(i & S)) {
      const Vec<T> low = exchange<T, S, false>(r[i], r[i + S], lanes), high = exchange<T, S, true>(r[i], r[i + S], lanes);
      r[i] = low, r[i + S] = high;
    }
  if constexpr (S > 1) transpose<T, S / 2>(r);
}

template <class T>
void pack(const T* src, int64_t line, int64_t step, int64_t lines, int64_t steps, int64_t width, T* out) {
  constexpr int W = Vector<T>::width;
  if (line == 1 && lines % W == 0 && lines == width) {
    for (int64_t p = 0; p < steps; ++p)
      for (int64_t i = 0; i < lines; i += W) {
        __builtin_prefetch(src + (p + kPackAhead) * step + i);
        store(out + p * width + i, load(src + p * step + i));
      }
    return;
  }
  int64_t p = 0;
  // Whole vectors may read past a step's lines, which is still inside the matrix except in the last step, and spill
  // into the following step's place, which is filled next.
  if (line == 1 && lines == width && step >= W)
    for (; p + 1 < steps; ++p)
      for (int64_t g = (lines - 1) / W * W; g >= 0; g -= W) {
        __builtin_prefetch(src + (p + kPackAhead) * step + g);
        store(out + p * width + g, load(src + p * step + g));
      }
  if (step == 1 && line != 1) {
    // Squares of W x W are transposed in registers. The last lines go first: their vectors spill into the start of the
    // following step, which the first lines overwrite.
    for (; p + W <= steps; p += W)
      for (int64_t g = (width - 1) / W * W; g >= 0; g -= W) {
        Vec<T> r[W];
#pragma GCC unroll 16
        for (int i = 0; i < W; ++i) {
          __builtin_prefetch(src + (g + i) * line + p + kPackAhead / 4 * W);
          r[i] = g + i < lines ? load(src + (g + i) * line + p) : Vec<T>{};
        }
        transpose<T, W / 2>(r);
#pragma GCC unroll 16
        for (int q = 0; q < W; ++q) store(out + (p + q) * width + g, r[q]);
      }
  }
  for (; p < steps; ++p) {
    for (int64_t i = 0; i < lines; ++i) out[p * width + i] = src[i * line + p * step];
    for (int64_t i = lines; i < width; ++i) out[p * width + i] = T(0);
  }
}

// ---------------------------------------------------------------- matrix times vector
template <class T> inline T total(Vec<T> v) {
  constexpr int W = Vector<T>::width;
  T lanes[W];
  store(lanes, v);
  for (int s = W / 2; s; s /= 2)
    for (int i = 0; i < s; ++i) lanes[i] += lanes[i + s];
  return lanes[0];
}

// R rows at once, U vectors of each. Which rows run together does not change a row's sum: R only shares loads of x.
template <class T, int R>
void dot_group(int64_t k, const T* a, int64_t lda, const T* x, T* out) {
  constexpr int W = Vector<T>::width, U = 4;
  Vec<T> sum[R][U];
  for (int i = 0; i < R; ++i)
    for (int u = 0; u < U; ++u) sum[i][u] = Vec<T>{};
  int64_t p = 0;
  for (; p + U * W <= k; p += U * W)
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const Vec<T> xv = load(x + p + u * W);
#pragma GCC unroll 4
      for (int i = 0; i < R; ++i) sum[i][u] = fma(load(a + i * lda + p + u * W), xv, sum[i][u]);
    }
  for (; p + W <= k; p += W)
    for (int i = 0; i < R; ++i) sum[i][0] = fma(load(a + i * lda + p), load(x + p), sum[i][0]);
  for (int i = 0; i < R; ++i) {
    T tail = T(0);
    for (int64_t q = p; q < k; ++q) tail += a[i * lda + q] * x[q];
    out[i] = total<T>((sum[i][0] + sum[i][1]) + (sum[i][2] + sum[i][3])) + tail;
  }
}
template <class T>
void dot_rows(int64_t rows, int64_t k, const T* a, int64_t lda, const T* x, T* out) {
  constexpr int R = kVectorBytes == 64 ? 4 : 2;
  int64_t i = 0;
  for (; i + R <= rows; i += R) dot_group<T, R>(k, a + i * lda, lda, x, out + i);
  for (; i < rows; ++i) dot_group<T, 1>(k, a + i * lda, lda, x, out + i);
}

template <class T>
void add_rows(int64_t rows, int64_t n, const T* a, int64_t lda, const T* x, int64_t incx, T* y) {
  constexpr int W = Vector<T>::width, G = 4;
  int64_t i = 0;
  for (; i + G <= rows; i += G) {
    const T *r0 = a + i * lda, *r1 = r0 + lda, *r2 = r1 + lda, *r3 = r2 + lda;
    const Vec<T> x0 = broadcast(x[i * incx]), x1 = broadcast(x[(i + 1) * incx]), x2 = broadcast(x[(i + 2) * incx]), x3 = broadcast(x[(i + 3) * incx]);
    int64_t j = 0;
    for (; j + W <= n; j += W)
      store(y + j, fma(load(r3 + j), x3, fma(load(r2 + j), x2, fma(load(r1 + j), x1, fma(load(r0 + j), x0, load(y + j))))));
    for (; j < n; ++j) y[j] = fma(r3[j], T(x3[0]), fma(r2[j], T(x2[0]), fma(r1[j], T(x1[0]), fma(r0[j], T(x0[0]), y[j]))));
  }
  for (; i < rows; ++i) {
    const T* r = a + i * lda;
    const Vec<T> xi = broadcast(x[i * incx]);
    int64_t j = 0;
    for (; j + W <= n; j += W) store(y + j, fma(load(r + j), xi, load(y + j)));
    for (; j < n; ++j) y[j] = fma(r[j], T(xi[0]), y[j]);
  }
}

template <class T>
constexpr Tiles<T> kTiles = {kMaxRows, kMaxVectors * Vector<T>::width, Vector<T>::width, pack<T>, multiply<T>, dot_rows<T>, add_rows<T>};

}  // namespace

extern const Tiles<float> float_tiles;
extern const Tiles<double> double_tiles;
const Tiles<float> float_tiles = kTiles<float>;
const Tiles<double> double_tiles = kTiles<double>;

}  // namespace tallow::blas::TL_ISA_NS
