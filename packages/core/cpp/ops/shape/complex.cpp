// Complex tensors as pairs of real ones, and back.
#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

Tensor retyped(const TensorImpl* t, const ShapeBuffer& s, int64_t offset, DType dtype) {
  Tensor v = make_alias(t, {s.sizes, s.n}, {s.strides, s.n}, offset, dtype);
  TensorImpl* root = t->base ? t->base : const_cast<TensorImpl*>(t);
  root->retain();
  v->base = root;
  return v;
}

void view_as_real(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(is_complex(t->dtype), "view_as_real is only supported for complex tensors");
  ShapeBuffer s;
  for (int d = 0; d < t->ndim; ++d) s.push(t->size(d), t->stride(d) * 2);
  s.push(2, 1);
  c.ret(retyped(t, s, t->offset * 2, to_real(t->dtype)));
}

void view_as_complex(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  TL_CHECK(t->dtype == DType::Float32 || t->dtype == DType::Float64, "view_as_complex is only supported for float and double tensors, but got a tensor "
           "of scalar type: ", dtype_long_name(t->dtype));
  TL_CHECK(t->ndim, "Input tensor must have one or more dimensions");
  const int64_t last = t->ndim - 1;
  TL_CHECK(t->size(last) == 2, "Tensor must have a last dimension of size 2");
  TL_CHECK(t->stride(last) == 1, "Tensor must have a last dimension with stride 1");
  TL_CHECK(t->offset % 2 == 0, "Tensor must have a storage_offset divisible by 2");
  ShapeBuffer s;
  for (int64_t d = 0; d < last; ++d) {
    TL_CHECK(t->stride(d) % 2 == 0 || t->size(d) <= 1, "Tensor must have a stride divisible by 2 for all but last dimension");
    s.push(t->size(d), t->stride(d) / 2);
  }
  c.ret(retyped(t, s, t->offset / 2, to_complex(t->dtype)));
}

void real(tl::Call& c) {
  if (!is_complex(c.handle(0)->dtype)) return c.ret(c.tensor(0));
  c.ret(tl::call<"select">(tl::call<"view_as_real">(c.value(0)), -1, 0));
}
void imag(tl::Call& c) {
  TL_CHECK(is_complex(c.handle(0)->dtype), "imag is not implemented for tensors with non-complex dtypes.");
  c.ret(tl::call<"select">(tl::call<"view_as_real">(c.value(0)), -1, 1));
}
void conj(tl::Call& c) {
  if (!is_complex(c.handle(0)->dtype)) return c.ret(c.tensor(0));
  c.ret(tl::call<"conj_physical">(c.value(0)));
}
void complex(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  const TensorImpl* b = c.handle(1);
  TL_CHECK(is_floating(a->dtype) && is_floating(b->dtype), "Expected both inputs to be Half, Float or Double tensors but got ", dtype_long_name(a->dtype),
           " and ", dtype_long_name(b->dtype));
  TL_CHECK(a->dtype == b->dtype, "Expected object of scalar type ", dtype_long_name(a->dtype), " but got scalar type ", dtype_long_name(b->dtype),
           " for second argument");
  const Dims shape = broadcast_sizes(a->size_span(), b->size_span());
  tl::Tensor re = tl::call<"expand">(c.value(0), shape), im = tl::call<"expand">(c.value(1), shape);
  c.ret(tl::call<"view_as_complex">(tl::call<"stack">(std::vector<tl::Tensor>{re, im}, -1)));
}
void polar(tl::Call& c) {
  TL_CHECK(is_floating(c.handle(0)->dtype) && is_floating(c.handle(1)->dtype), "Expected both inputs to be Half, Float or Double tensors but got ",
           dtype_long_name(c.handle(0)->dtype), " and ", dtype_long_name(c.handle(1)->dtype));
  TL_CHECK(c.handle(0)->dtype == c.handle(1)->dtype, "Expected object of scalar type ", dtype_long_name(c.handle(0)->dtype), " but got scalar type ",
           dtype_long_name(c.handle(1)->dtype), " for second argument");
  c.ret(tl::call<"complex">(tl::call<"mul">(c.value(0), tl::call<"cos">(c.value(1))), tl::call<"mul">(c.value(0), tl::call<"sin">(c.value(1)))));
}
void itself(tl::Call& c) { c.ret(c.tensor(0)); }
void no(tl::Call& c) { c.ret_bool(false); }

TL_OPS(shape_complex) {
  view_op<view_as_real>("view_as_real(Tensor self) -> Tensor", 0, "A complex tensor as pairs (real, imaginary): a new last dimension of size 2.");
  view_op<view_as_complex>("view_as_complex(Tensor self) -> Tensor", 0, "Pairs in the last dimension as complex numbers.");
  tl::composite<real>("real(Tensor self) -> Tensor", 0, "The real part, a view; real tensors are returned as they are.");
  tl::composite<imag>("imag(Tensor self) -> Tensor", 0, "The imaginary part of a complex tensor, a view.");
  tl::composite<conj>("conj(Tensor self) -> Tensor", kMethod | TL_OP_ANY_LAYOUT, "The complex conjugate, computed; real tensors are returned as they are.");
  tl::composite<complex>("complex(Tensor real, Tensor imag) -> Tensor", kOut, "Complex numbers from real and imaginary parts of one dtype.");
  tl::composite<polar>("polar(Tensor abs, Tensor angle) -> Tensor", kOut, "Complex numbers from absolute values and angles.");
  tl::composite<itself>("resolve_conj(Tensor self) -> Tensor", kMethod, "The tensor itself: conjugates are never pending here.");
  tl::composite<itself>("resolve_neg(Tensor self) -> Tensor", kMethod, "The tensor itself: negations are never pending here.");
  tl::composite<no>("is_conj(Tensor self) -> bool", kMethod | kNoGrad, "False: conjugates are computed at once.");
  tl::composite<no>("is_neg(Tensor self) -> bool", kMethod | kNoGrad, "False: negations are computed at once.");
}

}  // namespace
}  // namespace tallow
