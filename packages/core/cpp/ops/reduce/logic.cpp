// any, all, equal, allclose.
#include "ops/pointwise/pointwise.hpp"
#include "ops/reduce/engine.hpp"

namespace tallow {
namespace {

using tl::Call;

// Unlike sums, an empty list of dimensions reduces none (torch's rule for any and all).
DimMask truth_mask(const Call& c, int64_t ndim) {
  if (!c.has(1) || !c.ints(1).empty()) return dim_mask(c, 1, ndim);
  DimMask none;
  none.all = ndim == 0;
  return none;
}
void truth_shape(Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType result = t->dtype == DType::UInt8 ? DType::UInt8 : DType::Bool;
  c.output(0, reduced_sizes(t, truth_mask(c, t->ndim), c.boolean(2)), code(result), t->device);
}
template <Reducer R>
void truth_cpu(Call& c) {
  const TensorImpl* t = c.handle(0);
  reduce({R, DType::Bool}, t, truth_mask(c, t->ndim), c.out_handle());
}

// ---------------------------------------------------------------- equal
void equal_cpu(Call& c) {
  const TensorImpl *a = c.handle(0), *b = c.handle(1);
  if (!same_sizes(a->size_span(), b->size_span())) return c.ret_bool(false);
  if (a->numel == 0) return c.ret_bool(true);
  const Tensor same = Tensor::steal(tl::call<"eq">(c.value(0), c.value(1)).take());
  Tensor result = empty({}, DType::Bool);
  reduce({Reducer::All, DType::Bool}, same.get(), dim_mask({}, a->ndim, "equal"), result.get());
  c.ret_bool(*result.ptr<bool>());
}

// ---------------------------------------------------------------- allclose
void allclose_cpu(Call& c) {
  const tl::Tensor close = tl::call<"isclose">(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4));
  const tl::Tensor all = tl::call<"all">(close);
  c.ret_bool(*all.data<bool>());
}

}  // namespace

TL_OPS(logic) {
  tl::def<truth_shape>("any(Tensor self, int[1]? dim=None, bool keepdim=False) -> Tensor", kMethod | kOut | kNoGrad | TL_OP_REDUCTION,
                       "Whether any element over the given dimensions, or over all, is not zero: bool, uint8 for uint8.")
      .cpu<truth_cpu<Reducer::Any>>();
  tl::def<truth_shape>("all(Tensor self, int[1]? dim=None, bool keepdim=False) -> Tensor", kMethod | kOut | kNoGrad | TL_OP_REDUCTION,
                       "Whether all elements over the given dimensions, or over all, are not zero: bool, uint8 for uint8.")
      .cpu<truth_cpu<Reducer::All>>();
  tl::opaque("equal(Tensor self, Tensor other) -> bool", kMethod | kNoGrad, "Whether two tensors have the same shape and the same elements.").cpu<equal_cpu>();
  tl::opaque("allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool", kMethod | kNoGrad,
             "Whether isclose() holds everywhere.")
      .cpu<allclose_cpu>();
}

}  // namespace tallow
