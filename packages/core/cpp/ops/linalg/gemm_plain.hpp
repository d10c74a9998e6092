// Matrix multiplication for the types without tiles: integers (wrapping) and complex numbers without OpenBLAS.
#pragma once
#include <complex>
#include <type_traits>

#include "ops/linalg/gemm_blocks.hpp"

namespace tallow::blas {

// Integer overflow wraps, as everywhere in tensors; int16 operands must not overflow int on promotion either.
template <class T> T plain_multiply(T a, T b) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else return a * b;
}
// The textbook product: the standard library's repairs infinities, which costs a call and which BLAS does not do either.
template <class R> std::complex<R> plain_multiply(std::complex<R> a, std::complex<R> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
template <class T> T plain_add(T a, T b) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else return a + b;
}
template <class T> T conjugate_if([[maybe_unused]] bool yes, T x) { return x; }
template <class R> std::complex<R> conjugate_if(bool yes, std::complex<R> x) { return yes ? std::conj(x) : x; }

namespace plain {
constexpr int64_t kRows = 16, kColumns = 256, kDepth = 64;  // of a tile
}

template <class T>
void plain_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, bool conj_a, Matrix<T> b, bool conj_b, T beta, T* c, int64_t ldc,
                bool threads) {
  using namespace plain;
  const Slivers down(m, kRows, false), across(n, kColumns, false);
  auto tiles = [&](int64_t begin, int64_t end) {
    T block[kDepth * kColumns];  // of B, so that its rows are contiguous
    T sum[kRows * kColumns];
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t i0 = down.begin(tile % down.count), rows = down.length(tile % down.count);
      const int64_t j0 = across.begin(tile / down.count), columns = across.length(tile / down.count);
      std::fill_n(sum, rows * kColumns, T(0));
      for (int64_t p0 = 0; p0 < k; p0 += kDepth) {
        const int64_t depth = std::min(kDepth, k - p0);
        for (int64_t p = 0; p < depth; ++p)
          for (int64_t j = 0; j < columns; ++j) block[p * kColumns + j] = conjugate_if(conj_b, b.data[(p0 + p) * b.row + (j0 + j) * b.col]);
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t p = 0; p < depth; ++p) {
            const T x = conjugate_if(conj_a, a.data[(i0 + i) * a.row + (p0 + p) * a.col]);
            const T* from = block + p * kColumns;
            T* to = sum + i * kColumns;
            for (int64_t j = 0; j < columns; ++j) to[j] = plain_add(to[j], plain_multiply(x, from[j]));
          }
      }
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          T& out = c[(i0 + i) * ldc + j0 + j];
          const T value = plain_multiply(alpha, sum[i * kColumns + j]);
          out = beta == T(0) ? value : plain_add(value, plain_multiply(beta, out));
        }
    }
  };
  const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, kRows * std::min(n, kColumns) * k));
  if (threads) parallel_for(0, down.count * across.count, grain, tiles);
  else tiles(0, down.count * across.count);
}

}  // namespace tallow::blas
