// var, std, var_mean, std_mean.
#include <cmath>

#include "ops/pointwise/pointwise.hpp"
#include "ops/reduce/engine.hpp"

namespace tallow {
namespace {

using tl::Call;

// Accumulators become pairs (sum of squared deviations, mean).
void finish_pairs(const void* acc, int64_t n, char* out, const void*) {
  const auto* a = static_cast<const Moments*>(acc);
  auto* o = reinterpret_cast<c128*>(out);
  for (int64_t i = 0; i < n; ++i) o[i] = a[i].n > 0 ? c128(a[i].m2, a[i].mean) : c128(0, NAN);
}

Tensor pairs_of(const TensorImpl* t, const DimMask& mask, DType compute) {
  Reduction r{Reducer::Moments, compute};
  r.finish = finish_pairs;
  Tensor pairs = empty(reduced_sizes(t, mask, false), DType::Complex128);
  reduce(r, t, mask, pairs.get());
  return pairs;
}

// The real (0) or imaginary (1) parts of a complex tensor, in place.
Tensor part_of(const TensorImpl* t, int part) {
  Dims strides(t->stride_span().begin(), t->stride_span().end());
  for (int64_t& s : strides) s *= 2;
  return make_alias(t, t->size_span(), strides, t->offset * 2 + part, to_real(t->dtype));
}

// Column 0 (deviations) or 1 (mean) of the pairs, into every `step`-th element from `out` on.
void write(const c128* pairs, int column, int64_t n, char* out, DType dtype, int64_t step) {
  cast_fn(DType::Float64, dtype)(reinterpret_cast<const char*>(pairs) + 8 * column, 16, out, step * itemsize(dtype), n);
}

void moments(const Call& c, bool root, TensorImpl* var, TensorImpl* mean) {
  const TensorImpl* t = c.handle(0);
  const DimMask mask = dim_mask(c, 1, t->ndim);
  const double divisor = std::max(0.0, static_cast<double>(reduced_count(t, mask)) - c.number(2, 1));
  const bool complex = is_complex(t->dtype);
  const DType compute = compute_dtype(to_real(t->dtype));
  Tensor pairs = pairs_of(complex ? part_of(t, 0).get() : t, mask, compute);
  const int64_t n = pairs.numel();
  auto* p = pairs.ptr<c128>();
  if (complex) {
    const DType real = to_real(t->dtype);
    const Tensor imag = pairs_of(part_of(t, 1).get(), mask, compute);
    if (mean) {
      write(p, 1, n, mean->ptr<char>(), real, 2);
      write(imag.ptr<c128>(), 1, n, mean->ptr<char>() + itemsize(real), real, 2);
    }
    for (int64_t i = 0; i < n; ++i) p[i] += imag.ptr<c128>()[i];
  } else if (mean) {
    write(p, 1, n, mean->ptr<char>(), mean->dtype, 1);
  }
  for (int64_t i = 0; i < n; ++i) {
    const double v = p[i].real() / divisor;
    p[i] = root ? std::sqrt(v) : v;
  }
  write(p, 0, n, var->ptr<char>(), var->dtype, 1);
}

template <bool WithMean>
void moments_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const std::string& op = c.op()->schema.name;
  TL_CHECK(is_inexact(t->dtype), WithMean ? op.c_str() : "std and var", " only support floating point and complex dtypes");
  const Dims sizes = reduced_sizes(t, dim_mask(c, 1, t->ndim), c.boolean(3));
  c.output(0, sizes, code(to_real(t->dtype)), t->device);
  if (WithMean) c.output(1, sizes, code(t->dtype), t->device);
}
template <bool Root>
void one_cpu(Call& c) { moments(c, Root, c.out_handle(), nullptr); }
template <bool Root>
void two_cpu(Call& c) { moments(c, Root, c.out_handle(0), c.out_handle(1)); }

// The older spellings: unbiased=True is correction=1.
template <tl::Name N, uint32_t R>
void with_dim(Call& c) {
  const int64_t correction = c.boolean(2, true);
  if constexpr (R == 1) {
    c.ret(tl::call<N>(c.value(0), c.value(1), correction, c.value(3)));
  } else {
    auto r = tl::call<N, 2>(c.value(0), c.value(1), correction, c.value(3));
    c.ret(r[0], 0), c.ret(r[1], 1);
  }
}
template <tl::Name N, uint32_t R>
void without_dim(Call& c) {
  const int64_t correction = c.boolean(1, true);
  if constexpr (R == 1) {
    c.ret(tl::call<N>(c.value(0), nullptr, correction));
  } else {
    auto r = tl::call<N, 2>(c.value(0), nullptr, correction);
    c.ret(r[0], 0), c.ret(r[1], 1);
  }
}

}  // namespace

TL_OPS(moments) {
#define TL_MOMENTS(NAME, FLAGS, RESULT, N, SHAPE, KERNEL, DOC)                                                                           \
  tl::def<SHAPE>(NAME ".correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> " RESULT,          \
                 kMethod | (FLAGS) | TL_OP_REDUCTION, DOC " The sum of squared deviations is divided by N - correction (default 1).")   \
      .cpu<KERNEL>();                                                                                                                    \
  tl::composite<with_dim<NAME ".correction", N>>(NAME ".dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> " RESULT, \
                                                 kMethod | (FLAGS), DOC " unbiased=True divides by N - 1, False by N.");                 \
  tl::composite<without_dim<NAME ".correction", N>>(NAME "(Tensor self, bool unbiased=True) -> " RESULT, kMethod,                        \
                                                    DOC " unbiased=True divides by N - 1, False by N.");
  TL_MOMENTS("var", kOut, "Tensor", 1, moments_shape<false>, one_cpu<false>, "The variance over the given dimensions, or over all.")
  TL_MOMENTS("std", kOut, "Tensor", 1, moments_shape<false>, one_cpu<true>, "The standard deviation over the given dimensions, or over all.")
  TL_MOMENTS("var_mean", 0, "(Tensor, Tensor)", 2, moments_shape<true>, two_cpu<false>, "Variance and mean over the given dimensions, or over all.")
  TL_MOMENTS("std_mean", 0, "(Tensor, Tensor)", 2, moments_shape<true>, two_cpu<true>, "Standard deviation and mean over the given dimensions, or over all.")
#undef TL_MOMENTS
}

}  // namespace tallow
