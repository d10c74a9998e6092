// The inner kernels of matrix multiplication: one small tile of C held in registers.
//
// gemm_loops.cpp is compiled once per instruction set (TL_ISA); tiles<T>() gives the set for this processor.
// Every element of a product is the sum of a[i][p]*b[p][j] in the order of p, fused where the set fuses, whatever tile it
// falls into: results depend neither on threads nor on where a matrix is cut.
#pragma once
#include <cstdint>

namespace tallow::blas {

// C = alpha*A*B + beta*D for the tile's part of D, whose rows are `row` apart (0: the same one for all). D may be C.
template <class T>
struct Addend {
  T alpha, beta;
  const T* data;
  int64_t row;
};

template <class T>
struct Tiles {
  int rows;     // the largest tile: rows x cols
  int cols;
  int vector;   // elements per vector

  // out[p*width + i] = src[i*line_stride + p*step_stride] for i < lines, p < steps; zero for lines <= i < width.
  // `out` has room for steps*width + 2*vector elements: the rest of a vector may be overwritten.
  void (*pack)(const T* src, int64_t line_stride, int64_t step_stride, int64_t lines, int64_t steps, int64_t width, T* out);

  // A tile of m <= rows by n <= cols of C; the addend is not read where beta is 0. A has strides. Rows of B are contiguous
  // and are read in whole vectors.
  void (*multiply)(int64_t m, int64_t n, int64_t k, const Addend<T>& add, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t ldb, T* c,
                   int64_t ldc);
  // Likewise for operands that are packed with the widths m and n, the latter rounded up to whole vectors. The `bytes`
  // at `next` are brought into the cache on the way.
  void (*multiply_packed)(int64_t m, int64_t n, int64_t k, const Addend<T>& add, const T* a, const T* b, T* c, int64_t ldc, const T* next,
                          int64_t bytes);
  // Likewise for contiguous rows of A that are `a_row` apart.
  void (*multiply_rows)(int64_t m, int64_t n, int64_t k, const Addend<T>& add, const T* a, int64_t a_row, const T* b, T* c, int64_t ldc, const T* next,
                        int64_t bytes);

  // out[i] = sum over p of a[i*lda + p]*x[p], for `rows` rows.
  void (*dot_rows)(int64_t rows, int64_t k, const T* a, int64_t lda, const T* x, T* out);
  // y[j] += sum over i < rows of x[i*incx]*a[i*lda + j]
  void (*add_rows)(int64_t rows, int64_t n, const T* a, int64_t lda, const T* x, int64_t incx, T* y);
};

template <class T> const Tiles<T>& tiles();  // T: float, double

}  // namespace tallow::blas
