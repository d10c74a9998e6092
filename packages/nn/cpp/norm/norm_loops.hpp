// Inner loops of the normalisations.
#pragma once
#include <cstdint>

#include <tallow/loops.hpp>

namespace tallow_nn {

// Count, mean and sum of squared distances from the mean. Pieces are joined as by Chan, Golub and LeVeque, "Updating
// formulae and a pairwise algorithm for computing sample variances", 1979.
struct Moments {
  double count = 0, mean = 0, m2 = 0;
  void join(const Moments& o) {
    if (o.count == 0) return;
    const double n = count + o.count, d = o.mean - mean;
    mean += d * (o.count / n);
    m2 += o.m2 + d * d * (count * o.count / n);
    count = n;
  }
  double variance() const { return m2 / count; }
};

// sum(dy) and sum(dy * (x - mean)).
struct Products {
  double dy = 0, dyx = 0;
  void join(const Products& o) { dy += o.dy, dyx += o.dyx; }
};

template <class T>
struct NormLoopsOf {
  // Runs of n neighbouring elements with one set of coefficients.
  Moments (*moments)(const T* x, int64_t n);
  Products (*products)(const T* dy, const T* x, int64_t n, T mean);
  void (*apply)(const T* x, T* y, int64_t n, T mean, T a, T b);                         // (x - mean) a + b
  void (*apply_dx)(const T* dy, const T* x, T* dx, int64_t n, T k, T mean, T c1, T c2);  // k dy + (x - mean) c2 + c1
  // Rows of `columns` elements with one set of coefficients per column.
  void (*column_moments)(const T* x, int64_t rows, int64_t columns, Moments* m);
  void (*column_products)(const T* dy, const T* x, int64_t rows, int64_t columns, const T* mean, Products* p);
  void (*column_apply)(const T* x, T* y, int64_t rows, int64_t columns, const T* mean, const T* a, const T* b);
  void (*column_apply_dx)(const T* dy, const T* x, T* dx, int64_t rows, int64_t columns, const T* k, const T* mean, const T* c1, const T* c2);
  // Rows with statistics of their own, and a weight and bias (or null) per column. RMS norm has no mean: null.
  void (*rows)(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd, int64_t rows, int64_t columns, double eps);
  // Adds to dweight and dbias, each null or of `columns` elements.
  void (*rows_dx)(const T* dy, const T* x, const T* weight, const T* mean, const T* rstd, T* dx, T* dweight, T* dbias, int64_t rows, int64_t columns);
};

struct NormLoops {
  NormLoopsOf<float> f32;
  NormLoopsOf<double> f64;
};
TL_LOOPS(NormLoops, norm_loops)

template <class T> const NormLoopsOf<T>& norm_loops_of();
template <> inline const NormLoopsOf<float>& norm_loops_of() { return norm_loops().f32; }
template <> inline const NormLoopsOf<double>& norm_loops_of() { return norm_loops().f64; }

}  // namespace tallow_nn
