// amax, amin, aminmax, and max and min over everything or against another tensor.
#include "ops/pointwise/pointwise.hpp"
#include "ops/reduce/engine.hpp"

namespace tallow {
namespace {

using tl::Call;

void refuse_complex(const TensorImpl* t, const char* kernel) {
  if (is_complex(t->dtype)) fail(TL_NOT_IMPLEMENTED_ERROR, "\"", kernel, "\" not implemented for '", dtype_long_name(t->dtype), "'");
}

void check_not_empty(const TensorImpl* t, Sizes dims, const DimMask& mask, const char* op) {
  if (t->numel > 0) return;
  TL_CHECK(!dims.empty(), op, "(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.");
  for (int d = 0; d < t->ndim; ++d)
    TL_CHECK_INDEX(!mask.reduced[d] || t->size(d) > 0, op, "(): Expected reduction dim ", d, " to have non-zero size.");
}

// The largest truth value is whether any is true.
Reduction extremum(Reducer r, DType t) {
  if (t == DType::Bool) return {r == Reducer::Max ? Reducer::Any : Reducer::All, t};
  return {r, compute_dtype(t)};
}

// ---------------------------------------------------------------- amax, amin
void extremum_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const char* op = c.op()->schema.name.c_str();
  const DimMask mask = dim_mask(c, 1, t->ndim);
  check_not_empty(t, c.ints(1), mask, op);
  refuse_complex(t, op[2] == 'a' ? "max_values_cpu" : "min_values_cpu");
  c.output(0, reduced_sizes(t, mask, c.boolean(2)), code(t->dtype), t->device);
}
template <Reducer R>
void extremum_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  reduce(extremum(R, t->dtype), t, dim_mask(c, 1, t->ndim), c.out_handle());
}

// ---------------------------------------------------------------- max(), min()
void total_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const char* op = c.op()->schema.name.c_str();
  check_not_empty(t, {}, {}, op);
  refuse_complex(t, op[1] == 'a' ? "max_all" : "min_all");
  c.output(0, {}, code(t->dtype), t->device);
}
template <Reducer R>
void total_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  reduce(extremum(R, t->dtype), t, dim_mask({}, t->ndim, ""), c.out_handle());
}

// ---------------------------------------------------------------- aminmax
void aminmax_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  refuse_complex(t, "aminmax_cpu");
  if (!c.has(1)) {
    TL_CHECK(t->numel > 0, "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
    const Dims sizes(c.boolean(2) ? t->ndim : 0, 1);
    for (uint32_t i = 0; i < 2; ++i) c.output(i, sizes, code(t->dtype), t->device);
    return;
  }
  const int64_t dim = wrap_dim(c.integer(1), t->ndim);
  TL_CHECK_INDEX(t->ndim == 0 || t->size(dim) > 0, "aminmax: Expected reduction dim ", dim, " to have non-zero size.");
  const int64_t dims[1] = {dim};
  const Dims sizes = reduced_sizes(t, dim_mask(dims, t->ndim, "aminmax"), c.boolean(2));
  for (uint32_t i = 0; i < 2; ++i) c.output(i, sizes, code(t->dtype), t->device);
}
void aminmax_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  const int64_t dims[1] = {c.integer(1)};
  const DimMask mask = dim_mask(c.has(1) ? Sizes(dims) : Sizes(), t->ndim, "aminmax");
  reduce(extremum(Reducer::Min, t->dtype), t, mask, c.out_handle(0));
  reduce(extremum(Reducer::Max, t->dtype), t, mask, c.out_handle(1));
}

void max_other(Call& c) { c.ret(tl::call<"maximum">(c.value(0), c.value(1))); }
void min_other(Call& c) { c.ret(tl::call<"minimum">(c.value(0), c.value(1))); }

}  // namespace

void register_max_dim();  // arg_extrema.cpp: overloads of one name are tried in order of registration

TL_OPS(extrema) {
  tl::def<extremum_shape>("amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kMethod | kOut | TL_OP_REDUCTION,
                          "The largest element over the given dimensions, or over all; NaN if there is one. Equal maxima share the gradient.")
      .cpu<extremum_cpu<Reducer::Max>>();
  tl::def<extremum_shape>("amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kMethod | kOut | TL_OP_REDUCTION,
                          "The smallest element over the given dimensions, or over all; NaN if there is one. Equal minima share the gradient.")
      .cpu<extremum_cpu<Reducer::Min>>();
  tl::def<aminmax_shape>("aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)", kMethod | kOut | TL_OP_REDUCTION,
                         "The smallest and the largest element over one dimension, or over all.")
      .cpu<aminmax_cpu>();
  tl::def<total_shape>("max(Tensor self) -> Tensor", kMethod | kOut | TL_OP_REDUCTION, "The largest element; NaN if there is one.")
      .cpu<total_cpu<Reducer::Max>>();
  tl::def<total_shape>("min(Tensor self) -> Tensor", kMethod | kOut | TL_OP_REDUCTION, "The smallest element; NaN if there is one.")
      .cpu<total_cpu<Reducer::Min>>();
  tl::composite<max_other>("max.other(Tensor self, Tensor other) -> Tensor", kMethod | kOut, "The larger element of two tensors: maximum().");
  tl::composite<min_other>("min.other(Tensor self, Tensor other) -> Tensor", kMethod | kOut, "The smaller element of two tensors: minimum().");
  register_max_dim();  // last: an integer tensor of one element would pass for a dim
}

}  // namespace tallow
