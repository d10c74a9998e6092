// Compiled for each instruction set with TL_ISA = baseline, avx2, avx512. Only this file knows vector widths.
#include "ops/linalg/gemm_tiles.hpp"

#include <algorithm>
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
constexpr int kAhead = 16, kPackAhead = 16, kPackedAhead = 32;  // steps to prefetch

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

// sum += a*b. The sums have to stay in their registers: given the choice, the compiler lets them move from step to step,
// and finds one too few.
template <class T> inline Vec<T> accumulate(Vec<T> sum, Vec<T> a, Vec<T> b) {
#if defined(__AVX2__) && defined(__FMA__)
  if constexpr (sizeof(T) == 4) asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  else asm("vfmadd231pd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
#else
  return fma(a, b, sum);
#endif
}

// The first `count` elements, 0 < count < width; zeros behind them. No byte behind them is touched.
template <class T> inline Vec<T> load_part(const T* p, int64_t count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
  else return (Vec<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
#else
  T part[Vector<T>::width] = {};
  std::memcpy(part, p, count * sizeof(T));
  return load(part);
#endif
}
template <class T> inline void store_part(T* p, Vec<T> v, int64_t count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), (__m512)v);
  else _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1), (__m512d)v);
#else
  T part[Vector<T>::width];
  store(part, v);
  std::memcpy(p, part, count * sizeof(T));
#endif
}

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

// The last vector of a row of C has `last` elements.
template <class T, int R, int NV>
inline void finish(const Vec<T> (&sum)[R][NV], const Addend<T>& add, T* c, int64_t ldc, int64_t last) {
  constexpr int W = Vector<T>::width;
  const Vec<T> scale = broadcast(add.alpha), keep = broadcast(add.beta);
  const T* const d = add.data;
  const int64_t ldd = add.row;
  const auto each = [&](auto&& f) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) f(c + i * ldc + v * W, d + i * ldd + v * W, scale * sum[i][v], v + 1 == NV);
  };
  const bool some = add.beta != T(0);
  if (last == W) {
    if (some) each([&](T* to, const T* from, Vec<T> x, bool) { store(to, fma(keep, load(from), x)); });
    else each([&](T* to, const T*, Vec<T> x, bool) { store(to, x); });
  } else if (some) {
    each([&](T* to, const T* from, Vec<T> x, bool end) {
      if (end) store_part(to, fma(keep, load_part(from, last), x), last);
      else store(to, fma(keep, load(from), x));
    });
  } else {
    each([&](T* to, const T*, Vec<T> x, bool end) {
      if (end) store_part(to, x, last);
      else store(to, x);
    });
  }
}

template <class T, int R, int NV>
void tile(int64_t k, const Addend<T>& add, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t ldb, T* c, int64_t ldc, int64_t last) {
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
      for (int v = 0; v < NV; ++v) sum[i][v] = accumulate<T>(sum[i][v], x, row[v]);
    }
    column.next();
    b += ldb;
  }
  finish<T, R, NV>(sum, add, c, ldc, last);
}

// With packed B, and A packed or in rows `a_row` apart. Memory is slower than the sums, so everything is asked for in
// time, and evenly: the tile of C while the sums run, A some steps ahead, and the part of `next` that this tile is to
// bring into the L2 cache.
#if defined(__x86_64__)
#define TL_KEEP(POINTER) asm("" : "+r"(POINTER))  // in its register: the compiler would rather have more of them than there are
#else
#define TL_KEEP(POINTER) POINTER
#endif

template <class T, int R, int NV, bool Rows>
void packed_tile(int64_t k, const Addend<T>& add, const T* a, int64_t a_row, const T* b, T* c, int64_t ldc, int64_t last, const T* next, int64_t step) {
  constexpr int W = Vector<T>::width, U = 4, G = Rows ? (R + 2) / 3 : 1;
  Vec<T> sum[R][NV];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < NV; ++v) sum[i][v] = Vec<T>{};
  const T* at[G];
#pragma GCC unroll 16
  for (int g = 0; g < G; ++g) at[g] = a + 3 * g * a_row;
  const auto steps = [&](auto number) __attribute__((always_inline)) {
    constexpr int count = number;
#pragma GCC unroll 4
    for (int u = 0; u < count; ++u) {
      Vec<T> row[NV];
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) row[v] = load(b + (u * NV + v) * W);
      if constexpr (!Rows) __builtin_prefetch(at[0] + (kPackedAhead + u) * R);
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        const Vec<T> x = broadcast(Rows ? at[i / 3 * Rows][i % 3 * a_row] : at[0][u * R + i]);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) sum[i][v] = accumulate<T>(sum[i][v], x, row[v]);
      }
      if constexpr (Rows)
#pragma GCC unroll 16
        for (int g = 0; g < G; ++g) TL_KEEP(++at[g]);
    }
    if constexpr (!Rows) at[0] += count * R;
    b += count * NV * W;
  };
  const T *row = c, *const end = c + (R - 1) * ldc;
  int64_t p = 0;
  for (; p + U <= k; p += U) {
    __builtin_prefetch(row, 1), __builtin_prefetch(row + (NV - 1) * W, 1);
    row = row == end ? row : row + ldc;
    __builtin_prefetch(next, 0, 2);
    next += step;
    steps(std::integral_constant<int, U>{});
  }
  for (; p < k; ++p) steps(std::integral_constant<int, 1>{});
  finish<T, R, NV>(sum, add, c, ldc, last);
}

template <class T>
using TileFn = void (*)(int64_t, const Addend<T>&, const T*, int64_t, int64_t, const T*, int64_t, T*, int64_t, int64_t);
template <class T>
using PackedFn = void (*)(int64_t, const Addend<T>&, const T*, int64_t, const T*, T*, int64_t, int64_t, const T*, int64_t);
template <class T, class Rows> struct Table;
template <class T, int... R>
struct Table<T, std::integer_sequence<int, R...>> {
  static constexpr TileFn<T> tiles[2][kMaxRows] = {{tile<T, R + 1, 1>...}, {tile<T, R + 1, 2>...}};
  static constexpr PackedFn<T> packed[2][kMaxRows] = {{packed_tile<T, R + 1, 1, false>...}, {packed_tile<T, R + 1, 2, false>...}};
  static constexpr PackedFn<T> rows[2][kMaxRows] = {{packed_tile<T, R + 1, 1, true>...}, {packed_tile<T, R + 1, 2, true>...}};
};
template <class T> using Tables = Table<T, std::make_integer_sequence<int, kMaxRows>>;

template <class T>
void multiply(int64_t m, int64_t n, int64_t k, const Addend<T>& add, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t ldb, T* c, int64_t ldc) {
  constexpr int W = Vector<T>::width;
  const bool wide = n > W;
  Tables<T>::tiles[wide][m - 1](k, add, a, a_row, a_col, b, ldb, c, ldc, wide ? n - W : n);
}

// Every fourth step asks for a part of `next`.
template <class T>
int64_t stride_of(int64_t bytes, int64_t k) { return bytes / static_cast<int64_t>(sizeof(T)) * 4 / std::max<int64_t>(k, 1); }
template <class T>
void multiply_packed(int64_t m, int64_t n, int64_t k, const Addend<T>& add, const T* a, const T* b, T* c, int64_t ldc, const T* next, int64_t bytes) {
  constexpr int W = Vector<T>::width;
  const bool wide = n > W;
  Tables<T>::packed[wide][m - 1](k, add, a, 0, b, c, ldc, wide ? n - W : n, next, stride_of<T>(bytes, k));
}
template <class T>
void multiply_rows(int64_t m, int64_t n, int64_t k, const Addend<T>& add, const T* a, int64_t a_row, const T* b, T* c, int64_t ldc, const T* next,
                   int64_t bytes) {
  constexpr int W = Vector<T>::width;
  const bool wide = n > W;
  Tables<T>::rows[wide][m - 1](k, add, a, a_row, b, c, ldc, wide ? n - W : n, next, stride_of<T>(bytes, k));
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
  if (line == 1) {
    // A last vector that is not whole spills zeros into the following step's place, which is filled next.
    const int64_t whole = lines / W * W;
    for (int64_t p = 0; p < steps; ++p) {
      const T* from = src + p * step;
      T* to = out + p * width;
      for (int64_t g = 0; g < whole; g += W) {
        __builtin_prefetch(from + kPackAhead * step + g);
        store(to + g, load(from + g));
      }
      if (whole < lines) {
        __builtin_prefetch(from + kPackAhead * step + whole);
        store(to + whole, load_part(from + whole, lines - whole));
      }
    }
  } else if (step == 1) {
    // Squares of W x W are transposed in registers. The last lines go first: their vectors spill into the start of the
    // following step, which the first lines overwrite.
    for (int64_t p = 0; p < steps; p += W) {
      const int64_t some = std::min<int64_t>(W, steps - p);
      for (int64_t g = (width - 1) / W * W; g >= 0; g -= W) {
        Vec<T> r[W];
#pragma GCC unroll 16
        for (int i = 0; i < W; ++i) {
          const T* from = src + (g + i) * line + p;
          __builtin_prefetch(from + kPackAhead / 4 * W);
          r[i] = g + i >= lines ? Vec<T>{} : some == W ? load(from) : load_part(from, some);
        }
        transpose<T, W / 2>(r);
#pragma GCC unroll 16
        for (int q = 0; q < W; ++q)
          if (q < some) store(out + (p + q) * width + g, r[q]);
      }
    }
  } else {
    for (int64_t p = 0; p < steps; ++p) {
      for (int64_t i = 0; i < lines; ++i) out[p * width + i] = src[i * line + p * step];
      for (int64_t i = lines; i < width; ++i) out[p * width + i] = T(0);
    }
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
constexpr Tiles<T> kTiles = {kMaxRows, kMaxVectors * Vector<T>::width, Vector<T>::width, pack<T>, multiply<T>, multiply_packed<T>, multiply_rows<T>,
                             dot_rows<T>, add_rows<T>};

}  // namespace

extern const Tiles<float> float_tiles;
extern const Tiles<double> double_tiles;
const Tiles<float> float_tiles = kTiles<float>;
const Tiles<double> double_tiles = kTiles<double>;

}  // namespace tallow::blas::TL_ISA_NS
