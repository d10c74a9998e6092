// Matrix products on raw memory, row-major, with results that do not depend on the number of threads.
//
// float and double run on our own tiles (gemm_tiles.hpp), half precision in float on the same, complex numbers on
// OpenBLAS where it is installed, integers in wrapping arithmetic of their own width.
#pragma once
#include <cstdint>

#include "ops/linalg/openblas.hpp"

namespace tallow::blas {

// 'N': as it is, 'T': transposed, 'C': conjugate transposed, 'R': conjugated.
//
// C = alpha*op(A)*op(B) + beta*C, op(A) m x k, op(B) k x n. lda, ldb, ldc are the distances between stored rows.
// C is not read where beta is 0. k = 0 gives beta*C.
// T: float, double, complex of both, Half, BFloat16, int8..int64, uint8.
template <class T>
void gemm(char transA, char transB, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b,
          int64_t ldb, T beta, T* c, int64_t ldc);
// C = alpha*op(A)*op(B) + beta*row for every row of C, which is only written: a linear layer in one pass.
template <class T>
void gemm_row(char transA, char transB, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b,
              int64_t ldb, T beta, const T* row, T* c, int64_t ldc);

// `batch` products, operands `stride` elements apart (0: the same one for all; C's must not overlap).
template <class T>
void gemm_batch(char transA, char transB, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, int64_t stride_a,
                const T* b, int64_t ldb, int64_t stride_b, T beta, T* c, int64_t ldc, int64_t stride_c, int64_t batch);
// Likewise, from arrays of pointers.
template <class T>
void gemm_batch(char transA, char transB, int64_t m, int64_t n, int64_t k, T alpha, const T* const* a, int64_t lda,
                const T* const* b, int64_t ldb, T beta, T* const* c, int64_t ldc, int64_t batch);

// y = alpha*op(A)*x + beta*y; A is stored m x n.
template <class T>
void gemv(char trans, int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx, T beta, T* y, int64_t incy);

// sum of x[i]*y[i]; the second form conjugates x.
template <class T> T dot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy);
template <class T> T vdot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy);

}  // namespace tallow::blas
