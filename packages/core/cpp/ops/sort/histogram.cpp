// histc and bincount.
#include <cmath>

#include "ops/sort/lines.hpp"

namespace tallow {
namespace {

using tl::Call;

void histc_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t bins = c.integer(1);
  if (!is_floating(t->dtype)) fail(TL_NOT_IMPLEMENTED_ERROR, "\"histogram_cpu\" not implemented for '", dtype_long_name(t->dtype), "'");
  TL_CHECK(bins > 0, "torch.histogram(): bins must be > 0, but got ", bins, " for dimension 0");
  const int64_t sizes[1] = {bins};
  c.output(0, sizes, code(t->dtype), t->device);
}

template <class T>
void histogram(const T* x, int64_t n, T low, T high, int64_t bins, T* out) {
  std::fill(out, out + bins, T(0));
  for (int64_t i = 0; i < n; ++i) {
    if (!(x[i] >= low && x[i] <= high)) continue;
    const auto at = static_cast<int64_t>((x[i] - low) / (high - low) * static_cast<T>(bins));
    out[std::min(at, bins - 1)] += 1;
  }
}

void histc_cpu(Call& c) {
  TensorImpl* out = c.out_handle();
  const DType compute = dtype_of_compute(compute_type(out->dtype));
  const Tensor x = dense_as(c.handle(0), compute);
  double low = c.number(2), high = c.number(3);
  const int64_t n = x.numel();
  auto run = [&]<class T>() {
    const T* p = x.ptr<T>();
    if (low == high && n > 0) {
      T a = p[0], b = p[0];
      for (int64_t i = 1; i < n; ++i) {
        a = p[i] < a || p[i] != p[i] ? p[i] : a;
        b = p[i] > b || p[i] != p[i] ? p[i] : b;
      }
      low = a, high = b;
    }
    if (low == high) low -= 1, high += 1;
    TL_CHECK(std::isfinite(low) && std::isfinite(high), "torch.histc: range of [", low, ", ", high, "] is not finite");
    TL_CHECK(low < high, "torch.histc: max must be larger than min");
    WorkingOutput result(out, compute);
    histogram<T>(p, n, static_cast<T>(low), static_cast<T>(high), c.integer(1), result.t.ptr<T>());
    result.finish();
  };
  if (compute == DType::Float32) run.template operator()<float>();
  else run.template operator()<double>();
}

template <class W>
Tensor counts_of(const Tensor& x, const W* weights, int64_t bins, DType dtype) {
  const int64_t sizes[1] = {bins};
  Tensor out = empty(sizes, dtype);
  W* o = out.ptr<W>();
  std::fill(o, o + bins, W(0));
  for (int64_t i = 0; i < x.numel(); ++i) o[x.ptr<int64_t>()[i]] += weights ? weights[i] : W(1);
  return out;
}

void bincount_cpu(Call& c) {
  TensorImpl* t = c.handle(0);
  const int64_t minlength = c.integer(2);
  TL_CHECK(minlength >= 0, "minlength should be >= 0");
  if (!is_integral(t->dtype)) fail(TL_NOT_IMPLEMENTED_ERROR, "\"bincount_cpu\" not implemented for '", dtype_long_name(t->dtype), "'");
  const Tensor x = dense_as(t, DType::Int64);
  int64_t bins = minlength;
  bool fits = t->ndim == 1;
  for (int64_t i = 0; fits && i < x.numel(); ++i) {
    const int64_t v = x.ptr<int64_t>()[i];
    fits = v >= 0 && v < INT64_MAX;
    bins = std::max(bins, v + fits);
  }
  TL_CHECK(fits, "bincount only supports 1-d non-negative integral inputs.");
  if (!c.has(1)) return c.ret(counts_of<int64_t>(x, nullptr, bins, DType::Int64));
  TensorImpl* w = c.handle(1);
  TL_CHECK(w->ndim == 1 && w->numel == t->numel, "weights should be 1-d and have the same length as input");
  if (w->dtype == DType::Float32) c.ret(counts_of(x, dense_as(w, DType::Float32).ptr<float>(), bins, DType::Float32));
  else c.ret(counts_of(x, dense_as(w, DType::Float64).ptr<double>(), bins, DType::Float64));
}

}  // namespace

TL_OPS(histogram) {
  tl::def<histc_shape>("histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor", kMethod | kOut | kNoGrad,
                       "How many elements fall into each of `bins` equal parts of [min, max], or of the data's own range where min equals max.")
      .cpu<histc_cpu>();
  tl::opaque("bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor", kMethod | kNoGrad,
             "How often each of 0, 1, 2 ... occurs in a 1-D tensor of integers, or the sum of its weights.")
      .cpu<bincount_cpu>();
}

}  // namespace tallow
