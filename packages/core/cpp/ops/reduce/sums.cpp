// sum, nansum, mean, nanmean, prod, count_nonzero.
#include "ops/pointwise/pointwise.hpp"
#include "ops/reduce/engine.hpp"

namespace tallow {
namespace {

using tl::Call;

void shape(Call& c, DType result, uint32_t dim = 1, uint32_t keepdim = 2) {
  const TensorImpl* t = c.handle(0);
  if (!c.has(dim) && !c.boolean(keepdim)) return c.output(0, {}, code(result), t->device);
  c.output(0, reduced_sizes(t, dim_mask(c, dim, t->ndim), c.boolean(keepdim)), code(result), t->device);
}

// ---------------------------------------------------------------- sum
DType sum_dtype(const Call& c) {
  const DType t = c.handle(0)->dtype;
  return dtype_arg(c, 3, is_integral(t, true) ? DType::Int64 : t);
}
void sum_shape(Call& c) { shape(c, sum_dtype(c)); }

void run_sum(Call& c, Reducer reducer) {
  const TensorImpl* t = c.handle(0);
  Reduction r{reducer, compute_dtype(sum_dtype(c))};
  if (t->dtype == DType::Bool && r.compute == DType::Int64) r.reducer = Reducer::Count, r.compute = DType::Bool;
  reduce(r, t, dim_mask(c, 1, t->ndim), c.out_handle());
}
void sum_cpu(Call& c) { run_sum(c, Reducer::Sum); }

void nansum_shape(Call& c) {
  TL_CHECK(!is_complex(c.handle(0)->dtype), "nansum on CPU does not support complex inputs");
  sum_shape(c);
}
void nansum_cpu(Call& c) { run_sum(c, is_floating(sum_dtype(c)) ? Reducer::NanSum : Reducer::Sum); }

// ---------------------------------------------------------------- mean
DType mean_dtype(const Call& c) {
  const DType given = c.handle(0)->dtype, t = dtype_arg(c, 3, given);
  TL_CHECK(is_inexact(t), "mean(): could not infer output dtype. ", c.has(3) ? "Optional" : "Input",
           " dtype must be either a floating point or complex dtype. Got: ", dtype_long_name(t));
  return t;
}
void mean_shape(Call& c) { shape(c, mean_dtype(c)); }

struct MeanContext {
  double count;
  DType out;
};
template <class Acc>
void finish_mean(const void* acc, int64_t n, char* out, const void* context) {
  const auto& m = *static_cast<const MeanContext*>(context);
  const auto* a = static_cast<const Acc*>(acc);
  const CastFn cast = cast_fn(dtype_of<Acc>::value, m.out);
  Acc means[256];
  for (int64_t i = 0; i < n; i += 256) {
    const int64_t k = std::min<int64_t>(256, n - i);
    for (int64_t j = 0; j < k; ++j) means[j] = a[i + j] / m.count;
    cast(reinterpret_cast<const char*>(means), sizeof(Acc), out + i * itemsize(m.out), itemsize(m.out), k);
  }
}
void mean_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  const DimMask mask = dim_mask(c, 1, t->ndim);
  const MeanContext m{static_cast<double>(reduced_count(t, mask)), c.out_handle()->dtype};
  Reduction r{Reducer::Sum, compute_dtype(mean_dtype(c))};
  r.finish = is_complex(r.compute) ? finish_mean<c128> : finish_mean<double>;
  r.context = &m;
  reduce(r, t, mask, c.out_handle());
}

// Sum of what is a number, over how many there are.
void nanmean(Call& c) {
  const Tensor t = Tensor::share(c.handle(0));
  TL_CHECK(is_inexact(t.dtype()), "nanmean(): expected input to have floating point or complex dtype but got ", dtype_long_name(t.dtype()));
  const tl::Tensor self = c.tensor(0);
  const tl::Tensor numbers = tl::call<"eq">(self, self);
  const tl::Tensor count = tl::call<"sum">(numbers, c.value(1), c.value(2));
  const tl::Tensor total = tl::call<"nansum">(self, c.value(1), c.value(2), c.value(3));
  c.ret(tl::call<"div">(total, count));
}

// ---------------------------------------------------------------- prod
void prod_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType result = dtype_arg(c, 3, is_integral(t->dtype, true) ? DType::Int64 : t->dtype);
  if (!c.has(1)) return shape(c, result);
  const int64_t dim[1] = {c.integer(1)};
  c.output(0, reduced_sizes(t, dim_mask(dim, t->ndim, "prod"), c.boolean(2)), code(result), t->device);
}
void prod_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType result = dtype_arg(c, 3, is_integral(t->dtype, true) ? DType::Int64 : t->dtype);
  const int64_t dim[1] = {c.integer(1)};
  reduce({Reducer::Prod, compute_dtype(result)}, t, dim_mask(c.has(1) ? Sizes(dim) : Sizes(), t->ndim, "prod"), c.out_handle());
}

// ---------------------------------------------------------------- count_nonzero
void count_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  c.output(0, reduced_sizes(t, dim_mask(c, 1, t->ndim), false), TL_INT64, t->device);
}
void count_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  reduce({Reducer::Count, DType::Bool}, t, dim_mask(c, 1, t->ndim), c.out_handle());
}

}  // namespace

TL_OPS(sums) {
  tl::def<sum_shape>("sum(Tensor self, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kMethod | kOut | TL_OP_REDUCTION,
                     "The sum over the given dimensions, or over all. Integers and bool are summed in int64 unless dtype says otherwise.")
      .cpu<sum_cpu>();
  tl::def<nansum_shape>("nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kMethod | kOut | TL_OP_REDUCTION,
                        "The sum over the given dimensions, or over all, with NaN counted as zero.")
      .cpu<nansum_cpu>();
  tl::def<mean_shape>("mean(Tensor self, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kMethod | kOut | TL_OP_REDUCTION,
                      "The mean over the given dimensions, or over all. The input, or dtype, must be floating point or complex.")
      .cpu<mean_cpu>();
  tl::composite<nanmean>("nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kMethod | kOut,
                         "The mean of the elements that are not NaN.");
  tl::def<prod_shape>("prod(Tensor self, int? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", kMethod | kOut | TL_OP_REDUCTION,
                      "The product over one dimension, or over all. Integers and bool are multiplied in int64 unless dtype says otherwise.")
      .cpu<prod_cpu>();
  tl::def<count_shape>("count_nonzero(Tensor self, int[1]? dim=None) -> Tensor", kMethod | kNoGrad,
                       "How many elements over the given dimensions, or over all, are not zero: int64.")
      .cpu<count_cpu>();
}

}  // namespace tallow
