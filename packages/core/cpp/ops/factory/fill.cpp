// Writing values: fill_, zero_, copy_.
#include <cstring>

#include "ops/factory/factory.hpp"

namespace tallow {
namespace {

void fill_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  const TlValue& v = c.value(1);
  if (v.tag == TL_TENSOR) {
    TL_CHECK(v.tensor->ndim == 0, "fill_ only supports 0-dimension value tensor but got tensor with ", v.tensor->ndim, " dimensions.");
    copy_safely(t, v.tensor);
  } else {
    TL_CHECK(!(v.tag == TL_COMPLEX && !is_complex(t->dtype)), "value cannot be converted to type ", dtype_name(t->dtype),
             " without overflow");
    fill(t, v);
  }
  c.ret(Tensor::share(t));
}

void fill_copy(tl::Call& c) { c.ret(tl::call<"fill_">(tl::call<"clone">(c.value(0)), c.value(1))); }

void zero_(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  if (!t->is_meta() && t->numel) {
    const int64_t bytes = t->numel * itemsize(t->dtype);
    if (is_dense(t) && bytes <= (1 << 20)) {
      std::memset(t->data(), 0, static_cast<size_t>(bytes));
    } else if (is_dense(t)) {
      char* p = t->ptr<char>();
      parallel_for(0, bytes, 1 << 20, [p](int64_t b, int64_t e) { std::memset(p + b, 0, static_cast<size_t>(e - b)); });
    } else {
      fill(t, tl::pack(0));
    }
  }
  c.ret(Tensor::share(t));
}

void copy_(tl::Call& c) {
  TensorImpl* dst = c.handle(0);
  const TensorImpl* src = c.handle(1);
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, dst->is_meta() || !src->is_meta(), "Cannot copy out of meta tensor; no data!");
  if (!same_sizes(dst->size_span(), src->size_span())) {
    const int64_t lead = dst->ndim - src->ndim;
    for (int64_t d = 0; d < src->ndim; ++d) {
      const bool fits = lead + d >= 0 && (src->size(d) == 1 || src->size(d) == dst->size(lead + d));
      TL_CHECK(fits || (lead + d < 0 && src->size(d) == 1), "The size of tensor a (", lead + d >= 0 ? dst->size(lead + d) : 1,
               ") must match the size of tensor b (", src->size(d), ") at non-singleton dimension ", lead + d >= 0 ? lead + d : d,
               "; copy_ of ", to_string(src->size_span()), " into ", to_string(dst->size_span()));
    }
  }
  check_no_internal_overlap(dst, "copy_");
  if (dst->storage == src->storage) check_no_overlap(dst, src, "copy_", true);
  if (src->ndim > dst->ndim) {  // leading dimensions of size 1
    const int64_t extra = src->ndim - dst->ndim;
    Tensor narrow = make_alias(src, src->size_span().subspan(extra), src->stride_span().subspan(extra), src->offset, src->dtype);
    copy_safely(dst, narrow.get());
  } else {
    copy_safely(dst, src);
  }
  c.ret(Tensor::share(dst));
}

TL_OPS(factory_fill) {
  tl::opaque("fill_(Tensor(a!) self, Tensor|Scalar value) -> Tensor", kMethod, "Sets every element to `value`, a number or a 0-dim tensor.")
      .cpu<fill_>().on<fill_>(TL_KEY_META);
  tl::composite<fill_copy>("fill(Tensor self, Tensor|Scalar value) -> Tensor", 0, "A tensor like `self` with every element `value`.");
  tl::opaque("zero_(Tensor(a!) self) -> Tensor", kMethod, "Sets every element to zero.").cpu<zero_>().on<zero_>(TL_KEY_META);
  tl::opaque("copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor", kMethod | TL_OP_NO_FUNCTION | TL_OP_MIXED_DEVICES,
             "Copies `src` into this tensor: broadcasts, casts, crosses devices.")
      .cpu<copy_>().on<copy_>(TL_KEY_META);
}

}  // namespace
}  // namespace tallow
