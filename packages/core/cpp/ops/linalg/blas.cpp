#include "ops/linalg/blas.hpp"

#include <complex>
#include <limits>

#include "dispatch/error.hpp"
#include "ops/linalg/gemm_blocks.hpp"
#include "ops/linalg/gemm_plain.hpp"
#include "tensor/half.hpp"
#include "vec/isa.hpp"

namespace tallow::blas {

// One set per compilation of gemm_loops.cpp.
namespace baseline { extern const Tiles<float> float_tiles; extern const Tiles<double> double_tiles; }
namespace avx2 { extern const Tiles<float> float_tiles; extern const Tiles<double> double_tiles; }
namespace avx512 { extern const Tiles<float> float_tiles; extern const Tiles<double> double_tiles; }

namespace {

template <class T> constexpr bool is_complex_v = false;
template <class T> constexpr bool is_complex_v<std::complex<T>> = true;
template <class T> constexpr bool is_half_v = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T> constexpr bool is_tiled_v = std::is_same_v<T, float> || std::is_same_v<T, double>;

bool transposes(char t) { return t == 'T' || t == 'C'; }
bool conjugates(char t) { return t == 'C' || t == 'R'; }
template <class T> Matrix<T> view(const T* a, int64_t ld, char trans) { return transposes(trans) ? Matrix<T>{a, 1, ld} : Matrix<T>{a, ld, 1}; }

// ---------------------------------------------------------------- complex, on OpenBLAS
template <class R> struct Cblas;
using CGemm = void(int order, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int lda, const void* b, int ldb,
                   const void* beta, void* c, int ldc);
template <> struct Cblas<float> { static constexpr const char* gemm = "cblas_cgemm"; };
template <> struct Cblas<double> { static constexpr const char* gemm = "cblas_zgemm"; };

int cblas_code(char t) { return t == 'N' ? 111 : t == 'T' ? 112 : t == 'C' ? 113 : 114; }
bool fits_int(std::initializer_list<int64_t> values) {
  for (int64_t v : values)
    if (v > std::numeric_limits<int>::max()) return false;
  return true;
}

template <class C>
void complex_gemm(char ta, char tb, int64_t m, int64_t n, int64_t k, C alpha, const C* a, int64_t lda, const C* b, int64_t ldb, C beta,
                  C* c, int64_t ldc, bool threads) {
  static CGemm* const call = openblas_function<CGemm>(Cblas<typename C::value_type>::gemm);
  // A call costs about as much as 4000 multiplications. The library refuses rows that overlap (expanded operands).
  const bool plain_rows = lda >= (transposes(ta) ? m : k) && ldb >= (transposes(tb) ? k : n) && ldc >= n;
  if (!call || !plain_rows || m * n * k <= 4096 || !fits_int({k, lda, ldb, ldc}))
    return plain_gemm<C>(m, n, k, alpha, view(a, lda, ta), conjugates(ta), view(b, ldb, tb), conjugates(tb), beta, c, ldc, threads);
  constexpr int64_t kTile = 192;
  const Slivers down(m, kTile, true), across(n, kTile, true);
  auto tiles = [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t i = down.begin(tile / across.count), j = across.begin(tile % across.count);
      const C* ai = a + (transposes(ta) ? i : i * lda);
      const C* bj = b + (transposes(tb) ? j * ldb : j);
      call(101, cblas_code(ta), cblas_code(tb), static_cast<int>(down.length(tile / across.count)),
           static_cast<int>(across.length(tile % across.count)), static_cast<int>(k), &alpha, ai, static_cast<int>(std::max<int64_t>(lda, 1)), bj,
           static_cast<int>(std::max<int64_t>(ldb, 1)), &beta, c + i * ldc + j, static_cast<int>(ldc));
    }
  };
  if (threads) parallel_for(0, down.count * across.count, 1, tiles);
  else tiles(0, down.count * across.count);
}

// ---------------------------------------------------------------- one product
template <class T>
void product(char ta, char tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c,
             int64_t ldc, bool threads) {
  if (m <= 0 || n <= 0) return;
  if constexpr (is_tiled_v<T>) {
    // A product with a vector reads its matrix once: a matter of memory, not of tiles.
    if (n == 1 && k > 0 && (tb == 'N' || tb == 'R' ? ldb : 1) >= 0) {
      const bool t = transposes(ta);
      return gemv<T>(ta, t ? k : m, t ? m : k, alpha, a, lda, b, transposes(tb) ? 1 : ldb, beta, c, ldc);
    }
    if (m == 1 && k > 0) {
      const bool t = transposes(tb);
      return gemv<T>(t ? 'N' : 'T', t ? n : k, t ? k : n, alpha, b, ldb, a, transposes(ta) ? lda : 1, beta, c, 1);
    }
    run_blocks(Product<T, T>{m, n, k, alpha, view(a, lda, ta), view(b, ldb, tb), beta, c, ldc}, threads);
  } else if constexpr (is_half_v<T>) {
    // The sums stay in float until they are complete.
    Scratch<float> sum(m * n);
    const float keep = beta;
    if (keep != 0)
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) sum[i * n + j] = c[i * ldc + j];
    run_blocks(Product<float, T>{m, n, k, alpha, view(a, lda, ta), view(b, ldb, tb), keep, sum, n}, threads);
    auto round = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = T(sum[i * n + j]);
    };
    if (threads) parallel_for(0, m, std::max<int64_t>(1, 65536 / n), round);
    else round(0, m);
  } else if constexpr (is_complex_v<T>) {
    if (k == 0) return scale_rows(m, n, beta, c, ldc);
    complex_gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, threads);
  } else {
    plain_gemm<T>(m, n, k, alpha, view(a, lda, ta), false, view(b, ldb, tb), false, beta, c, ldc, threads);
  }
}

// Small products are spread over threads whole; large ones are taken in turn, each on all threads.
template <class T, class At>
void products(char ta, char tb, int64_t m, int64_t n, int64_t k, T alpha, int64_t lda, int64_t ldb, T beta, int64_t ldc, int64_t batch, At&& at) {
  const int64_t work = std::max<int64_t>(1, m * n * std::max<int64_t>(k, 1));
  auto some = [&](int64_t begin, int64_t end, bool threads) {
    for (int64_t i = begin; i < end; ++i) {
      const auto [a, b, c] = at(i);
      product<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, threads);
    }
  };
  if (work > 16 * blocks::kParallelFrom && batch < 16) return some(0, batch, true);
  parallel_for(0, batch, std::max<int64_t>(1, blocks::kParallelFrom / work), [&](int64_t b, int64_t e) { some(b, e, false); });
}

// ---------------------------------------------------------------- matrix times vector, float and double
template <class T>
const T* contiguous(const T* x, int64_t n, int64_t inc, T* room) {
  if (inc == 1) return x;
  for (int64_t i = 0; i < n; ++i) room[i] = x[i * inc];
  return room;
}

template <class T>
void rows_times_vector(int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx, T beta, T* y, int64_t incy) {
  Scratch<T> room(incx == 1 ? 0 : n);
  x = contiguous<T>(x, n, incx, room);
  parallel_for(0, m, std::max<int64_t>(1, 65536 / std::max<int64_t>(n, 1)), [&](int64_t begin, int64_t end) {
    constexpr int64_t kGroup = 64;
    T sums[kGroup];
    for (int64_t i = begin; i < end; i += kGroup) {
      const int64_t rows = std::min(kGroup, end - i);
      tiles<T>().dot_rows(rows, n, a + i * lda, lda, x, sums);
      for (int64_t r = 0; r < rows; ++r) {
        T& out = y[(i + r) * incy];
        out = beta == T(0) ? alpha * sums[r] : alpha * sums[r] + beta * out;
      }
    }
  });
}

template <class T>
void vector_times_rows(int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx, T beta, T* y, int64_t incy) {
  // By long columns, and by rows into partial sums that are added in order.
  constexpr int64_t kChunk = 2048, kPiece = 65536;
  const int64_t pieces = std::clamp<int64_t>(m * std::min(n, kChunk) / (4 * kPiece), 1, 16);
  const Slivers rows(m, ceil_div(m, pieces), false), columns(n, kChunk, false);
  Scratch<T> partial(rows.count * n);
  const int64_t grain = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, rows.size * columns.size));
  parallel_for(0, rows.count * columns.count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t i = rows.begin(p / columns.count), j = columns.begin(p % columns.count), width = columns.length(p % columns.count);
      T* out = partial + (p / columns.count) * n + j;
      std::fill_n(out, width, T(0));
      tiles<T>().add_rows(rows.length(p / columns.count), width, a + i * lda + j, lda, x + i * incx, incx, out);
    }
  });
  for (int64_t j = 0; j < n; ++j) {
    T sum = partial[j];
    for (int64_t r = 1; r < rows.count; ++r) sum += partial[r * n + j];
    T& out = y[j * incy];
    out = beta == T(0) ? alpha * sum : alpha * sum + beta * out;
  }
}

}  // namespace

template <> const Tiles<float>& tiles<float>() {
  static const Tiles<float>& t = TL_FOR_THIS_PROCESSOR(float_tiles);
  return t;
}
template <> const Tiles<double>& tiles<double>() {
  static const Tiles<double>& t = TL_FOR_THIS_PROCESSOR(double_tiles);
  return t;
}

template <class T>
void gemm(char ta, char tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c,
          int64_t ldc) {
  product<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, true);
}

template <class T>
void gemm_row(char ta, char tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, const T* row, T* c,
              int64_t ldc) {
  if constexpr (is_tiled_v<T>)
    if (m > 1 && n > 1)
      return run_blocks(Product<T, T>{m, n, k, alpha, view(a, lda, ta), view(b, ldb, tb), beta, c, ldc, row}, true);
  for (int64_t i = 0; i < m; ++i) std::copy_n(row, n, c + i * ldc);
  gemm<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
void gemm_batch(char ta, char tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, int64_t sa, const T* b, int64_t ldb,
                int64_t sb, T beta, T* c, int64_t ldc, int64_t sc, int64_t batch) {
  struct Operands { const T* a; const T* b; T* c; };
  products<T>(ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, batch, [&](int64_t i) { return Operands{a + i * sa, b + i * sb, c + i * sc}; });
}

template <class T>
void gemm_batch(char ta, char tb, int64_t m, int64_t n, int64_t k, T alpha, const T* const* a, int64_t lda, const T* const* b, int64_t ldb,
                T beta, T* const* c, int64_t ldc, int64_t batch) {
  struct Operands { const T* a; const T* b; T* c; };
  products<T>(ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, batch, [&](int64_t i) { return Operands{a[i], b[i], c[i]}; });
}

template <class T>
void gemv(char trans, int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx, T beta, T* y, int64_t incy) {
  const bool t = transposes(trans);
  const int64_t rows = t ? n : m, depth = t ? m : n;
  if (rows <= 0) return;
  if constexpr (is_tiled_v<T>) {
    if (depth <= 0) return scale_rows(rows, int64_t{1}, beta, y, incy);
    if (t) vector_times_rows(m, n, alpha, a, lda, x, incx, beta, y, incy);
    else rows_times_vector(m, n, alpha, a, lda, x, incx, beta, y, incy);
  } else {
    product<T>(trans, 'N', rows, 1, depth, alpha, a, lda, x, incx, beta, y, incy, true);
  }
}

namespace {
// Sums of blocks of fixed length, added in order.
template <bool Conjugate, class T>
T blocked_dot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) {
  using Sum = std::conditional_t<is_half_v<T>, float, T>;
  constexpr int64_t kBlock = 32768;
  if (n <= 0) return T(Sum(0));
  const int64_t count = ceil_div(n, kBlock);
  Scratch<Sum> sums(count);
  parallel_for(0, count, 2, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t from = p * kBlock, length = std::min(kBlock, n - from);
      const T *xp = x + from * incx, *yp = y + from * incy;
      if constexpr (is_tiled_v<T>) {
        if (incx == 1 && incy == 1) {
          tiles<T>().dot_rows(1, length, xp, length, yp, sums + p);
          continue;
        }
      }
      Sum sum(0);
      for (int64_t i = 0; i < length; ++i) {
        Sum left = Sum(xp[i * incx]);
        if constexpr (Conjugate && is_complex_v<T>) left = std::conj(left);
        sum = plain_add(sum, plain_multiply(left, Sum(yp[i * incy])));
      }
      sums[p] = sum;
    }
  });
  Sum sum = sums[0];
  for (int64_t p = 1; p < count; ++p) sum = plain_add(sum, sums[p]);
  return T(sum);
}
}  // namespace

template <class T> T dot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) { return blocked_dot<false>(n, x, incx, y, incy); }
template <class T> T vdot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) { return blocked_dot<true>(n, x, incx, y, incy); }

#define TL_BLAS_FOR(T)                                                                                                                      \
  template void gemm<T>(char, char, int64_t, int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, T*, int64_t);                  \
  template void gemm_row<T>(char, char, int64_t, int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, const T*, T*, int64_t);      \
  template void gemm_batch<T>(char, char, int64_t, int64_t, int64_t, T, const T*, int64_t, int64_t, const T*, int64_t, int64_t, T, T*,    \
                              int64_t, int64_t, int64_t);                                                                                 \
  template void gemm_batch<T>(char, char, int64_t, int64_t, int64_t, T, const T* const*, int64_t, const T* const*, int64_t, T, T* const*, \
                              int64_t, int64_t);                                                                                          \
  template void gemv<T>(char, int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, T*, int64_t);                                 \
  template T dot<T>(int64_t, const T*, int64_t, const T*, int64_t);                                                                       \
  template T vdot<T>(int64_t, const T*, int64_t, const T*, int64_t);
TL_BLAS_FOR(float)
TL_BLAS_FOR(double)
TL_BLAS_FOR(std::complex<float>)
TL_BLAS_FOR(std::complex<double>)
TL_BLAS_FOR(Half)
TL_BLAS_FOR(BFloat16)
TL_BLAS_FOR(uint8_t)
TL_BLAS_FOR(int8_t)
TL_BLAS_FOR(int16_t)
TL_BLAS_FOR(int32_t)
TL_BLAS_FOR(int64_t)

}  // namespace tallow::blas
