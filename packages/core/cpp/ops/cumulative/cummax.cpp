// cummax, cummin, logcumsumexp.
#include <cmath>
#include <limits>

#include "ops/cumulative/scan.hpp"

namespace tallow {
namespace {

using tl::Call;

// f(base, stride): one line of the scan.
template <class F>
void each_line(const ScanShape& s, F f) {
  parallel_for(0, s.outer * s.inner, std::max<int64_t>(1, 32768 / s.n), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) f(i / s.inner * s.n * s.inner + i % s.inner, s.inner);
  });
}

// ---------------------------------------------------------------- cummax, cummin
void extremum_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  wrap_dim(c.integer(1), t->ndim);
  if (is_complex(t->dtype))
    fail(TL_NOT_IMPLEMENTED_ERROR, "\"", c.op()->schema.name, "_cpu\" not implemented for '", dtype_long_name(t->dtype), "'");
  c.output(0, t->size_span(), code(t->dtype), t->device);
  c.output(1, t->size_span(), TL_INT64, t->device);
}
// Of equal elements the last one counts; from the first NaN on, the latest NaN.
template <bool Max, class T>
void extremum(const T* x, T* values, int64_t* indices, const ScanShape& s) {
  each_line(s, [&](int64_t base, int64_t stride) {
    T best = x[base];
    int64_t at = 0;
    for (int64_t k = 0; k < s.n; ++k) {
      const T v = x[base + k * stride];
      if (v != v || (best == best && (Max ? v >= best : v <= best))) best = v, at = k;
      values[base + k * stride] = best;
      indices[base + k * stride] = at;
    }
  });
}
template <bool Max>
void extremum_cpu(Call& c) {
  TensorImpl* out = c.out_handle(0);
  if (out->numel == 0) return;
  const ComputeType ct = compute_type(out->dtype);
  const DType compute = dtype_of_compute(ct);
  const Tensor x = dense_as(c.handle(0), compute);
  WorkingOutput y(out, compute);
  auto* indices = c.out_handle(1)->ptr<int64_t>();
  const ScanShape s(x.get(), wrap_dim(c.integer(1), x.ndim()));
  if (ct == kF32) extremum<Max>(x.ptr<float>(), y.t.ptr<float>(), indices, s);
  else if (ct == kF64) extremum<Max>(x.ptr<double>(), y.t.ptr<double>(), indices, s);
  else extremum<Max>(x.ptr<int64_t>(), y.t.ptr<int64_t>(), indices, s);
  y.finish();
}

// ---------------------------------------------------------------- logcumsumexp
void logcumsumexp_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  wrap_dim(c.integer(1), t->ndim);
  if (!is_inexact(t->dtype)) fail(TL_NOT_IMPLEMENTED_ERROR, "\"logcumsumexp_out_cpu\" not implemented for '", dtype_long_name(t->dtype), "'");
  c.output(0, t->size_span(), code(t->dtype), t->device);
}
double log_add(double a, double b) {
  const double high = a < b || b != b ? b : a, low = a < b || b != b ? a : b;
  if (high != high || low != low) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(high) && high == low) return high;
  return high + std::log1p(std::exp(low - high));
}
c128 log_add(c128 a, c128 b) {
  if (a.real() == -std::numeric_limits<double>::infinity()) return b;
  const c128 high = a.real() < b.real() ? b : a, low = a.real() < b.real() ? a : b;
  return high + std::log(c128(1) + std::exp(low - high));
}
template <class A, class T>
void logcumsumexp(const T* x, T* y, const ScanShape& s) {
  each_line(s, [&](int64_t base, int64_t stride) {
    A acc = A(x[base]);
    y[base] = x[base];
    for (int64_t k = 1; k < s.n; ++k) {
      acc = log_add(acc, A(x[base + k * stride]));
      y[base + k * stride] = T(acc);
    }
  });
}
void logcumsumexp_cpu(Call& c) {
  TensorImpl* out = c.out_handle();
  if (out->numel == 0) return;
  const ComputeType ct = compute_type(out->dtype);
  const DType compute = dtype_of_compute(ct);
  const Tensor x = dense_as(c.handle(0), compute);
  WorkingOutput y(out, compute);
  const ScanShape s(x.get(), wrap_dim(c.integer(1), x.ndim()));
  switch (ct) {
    case kF32: logcumsumexp<double>(x.ptr<float>(), y.t.ptr<float>(), s); break;
    case kF64: logcumsumexp<double>(x.ptr<double>(), y.t.ptr<double>(), s); break;
    case kC64: logcumsumexp<c128>(x.ptr<c64>(), y.t.ptr<c64>(), s); break;
    default: logcumsumexp<c128>(x.ptr<c128>(), y.t.ptr<c128>(), s);
  }
  y.finish();
}

}  // namespace

TL_OPS(cummax) {
  tl::def<extremum_shape>("cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)", kMethod | kOut,
                          "The largest element so far along dim, and its position: the last of equal ones.")
      .cpu<extremum_cpu<true>>();
  tl::def<extremum_shape>("cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)", kMethod | kOut,
                          "The smallest element so far along dim, and its position: the last of equal ones.")
      .cpu<extremum_cpu<false>>();
  tl::def<logcumsumexp_shape>("logcumsumexp(Tensor self, int dim) -> Tensor", kMethod | kOut,
                              "The logarithm of running sums of exponentials along dim, without overflow.")
      .cpu<logcumsumexp_cpu>();
}

}  // namespace tallow
