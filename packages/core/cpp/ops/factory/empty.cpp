// Tensors from sizes alone, or like another tensor.
#include "ops/factory/factory.hpp"
#include "tensor/sparse.hpp"

namespace tallow {
namespace {

void empty(tl::Call& c) {
  const int32_t format = format_arg(c, 5, TL_CONTIGUOUS_FORMAT);
  TL_CHECK(format != TL_PRESERVE_FORMAT, "empty(): memory_format preserve_format has nothing to preserve");
  if (c.has(2) && c.value(2).i == TL_SPARSE_COO)
    return c.ret(empty_sparse(c.ints(0), static_cast<int64_t>(c.ints(0).size()), dtype_arg(c, 1, default_dtype()), device_or_cpu(c, 3)));
  c.ret(empty_with_format(c.ints(0), dtype_arg(c, 1, default_dtype()), device_or_cpu(c, 3), format));
}
void empty_strided(tl::Call& c) {
  c.ret(tallow::empty_strided(c.ints(0), c.ints(1), dtype_arg(c, 2, default_dtype()), device_or_cpu(c, 4)));
}
// The order of the dimensions in memory is `physical_layout`, the outermost first.
void empty_permuted(tl::Call& c) {
  const Sizes size = c.ints(0), layout = c.ints(1);
  const auto n = static_cast<int64_t>(size.size());
  TL_CHECK(layout.size() == size.size(), "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = ", size.size(),
           " is not equal to len(physical_layout) = ", layout.size());
  Dims strides(size.size());
  checked_numel(size);
  uint64_t seen = 0;
  int64_t step = 1;
  for (int64_t i = n; i-- > 0;) {
    const int64_t d = layout[i];
    TL_CHECK(d >= 0 && d < n, "Dimension out of range (expected to be between 0 and ", n - 1, ", but got ", d, " at index ", i, ").  NB: negative dims "
             "not currently supported; file an issue if you want it.");
    TL_CHECK(!(seen >> d & 1), "Duplicate dim not allowed");
    seen |= uint64_t{1} << d;
    strides[d] = step;
    if (size[d] > 1) (void)__builtin_mul_overflow(step, size[d], &step);
  }
  c.ret(tallow::empty_strided(size, strides, dtype_arg(c, 2, default_dtype()), device_or_cpu(c, 4)));
}
void empty_like(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int32_t format = format_arg(c, 5, TL_PRESERVE_FORMAT);
  const DType dtype = dtype_arg(c, 1, t->dtype);
  const TlDevice device = c.has(3) ? device_or_cpu(c, 3) : t->device;
  if (c.has(2) && c.value(2).i == TL_SPARSE_COO) return c.ret(empty_sparse(t->size_span(), t->ndim, dtype, device));
  c.ret(format == TL_PRESERVE_FORMAT ? tallow::empty_like(t, dtype, device) : empty_with_format(t->size_span(), dtype, device, format));
}
void new_empty(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const TlDevice device = c.has(4) ? device_or_cpu(c, 4) : t->device;
  if (c.has(3) && c.value(3).i == TL_SPARSE_COO)
    return c.ret(empty_sparse(c.ints(1), static_cast<int64_t>(c.ints(1).size()), dtype_arg(c, 2, t->dtype), device));
  c.ret(tallow::empty(c.ints(1), dtype_arg(c, 2, t->dtype), device));
}
void new_empty_strided(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  c.ret(tallow::empty_strided(c.ints(1), c.ints(2), dtype_arg(c, 3, t->dtype), c.has(5) ? device_or_cpu(c, 5) : t->device));
}

// The dtype that full() gives a number.
TlValue fill_dtype(const TlValue& dtype, const TlValue& value) {
  if (dtype.tag != TL_NONE) return dtype;
  return tl::pack(tl::Dtype{code(value.tag == TL_TENSOR ? value.tensor->dtype : scalar_dtype(value))});
}

// The first values of a tensor are not yet a change of it.
tl::Tensor fresh(tl::Tensor t) {
  t.get()->storage->version.store(0, std::memory_order_relaxed);
  return t;
}
tl::Tensor filled(tl::Tensor t, const TlValue& value) { return fresh(tl::call<"fill_">(t, value)); }
tl::Tensor zeroed(tl::Tensor t) { return fresh(tl::call<"zero_">(t)); }

void zeros(tl::Call& c) { c.ret(zeroed(tl::call<"empty">(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4)))); }
void ones(tl::Call& c) { c.ret(filled(tl::call<"empty">(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4)), tl::pack(1))); }
void full(tl::Call& c) {
  c.ret(filled(tl::call<"empty">(c.value(0), fill_dtype(c.value(2), c.value(1)), c.value(3), c.value(4), c.value(5)), c.value(1)));
}
tl::Tensor like(tl::Call& c, uint32_t i) {
  return tl::call<"empty_like">(c.value(0), c.value(i), c.value(i + 1), c.value(i + 2), c.value(i + 3), c.value(i + 4));
}
void zeros_like(tl::Call& c) { c.ret(zeroed(like(c, 1))); }
void ones_like(tl::Call& c) { c.ret(filled(like(c, 1), tl::pack(1))); }
void full_like(tl::Call& c) { c.ret(filled(like(c, 2), c.value(1))); }
tl::Tensor new_like(tl::Call& c, uint32_t i) {
  return tl::call<"new_empty">(c.value(0), c.value(1), c.value(i), c.value(i + 1), c.value(i + 2), c.value(i + 3));
}
void new_zeros(tl::Call& c) { c.ret(zeroed(new_like(c, 2))); }
void new_ones(tl::Call& c) { c.ret(filled(new_like(c, 2), tl::pack(1))); }
void new_full(tl::Call& c) { c.ret(filled(new_like(c, 3), c.value(2))); }

void scalar_tensor(tl::Call& c) {
  const tl::Dims none;
  const TlValue dtype = c.has(1) ? c.value(1) : tl::pack(tl::Dtype{code(default_dtype())});
  c.ret(filled(tl::call<"empty">(none, dtype, c.value(2), c.value(3), c.value(4)), c.value(0)));
}

// out= forms keep the dtype of what they are given.
void check_out(const tl::Call& c, uint32_t dtype, const TensorImpl* out) {
  TL_CHECK(!c.has(dtype) || dtype_arg(c, dtype, out->dtype) == out->dtype, "dtype ", dtype_name(dtype_arg(c, dtype, out->dtype)),
           " does not match dtype of out parameter (", dtype_name(out->dtype), ")");
}
void empty_out(tl::Call& c) {
  check_out(c, 1, c.handle(6));
  resize(c.handle(6), c.ints(0));
  c.ret(c.tensor(6));
}
void zeros_out(tl::Call& c) {
  check_out(c, 1, c.handle(5));
  resize(c.handle(5), c.ints(0));
  c.ret(tl::call<"zero_">(c.value(5)));
}
void ones_out(tl::Call& c) {
  check_out(c, 1, c.handle(5));
  resize(c.handle(5), c.ints(0));
  c.ret(tl::call<"fill_">(c.value(5), 1));
}
void full_out(tl::Call& c) {
  check_out(c, 2, c.handle(6));
  resize(c.handle(6), c.ints(0));
  c.ret(tl::call<"fill_">(c.value(6), c.value(1)));
}

#define LIKE TL_OPTIONS ", memory_format? memory_format=None) -> Tensor"
#define NEW TL_OPTIONS ") -> Tensor"
#define OUT TL_OPTIONS ", Tensor(a!) out) -> Tensor"
constexpr uint32_t kNew = kMethod | TL_OP_NO_FUNCTION | kFactory;

TL_OPS(factory_empty) {
  any_device_op<empty>("empty(int[] size, " LIKE, kFactory, "A tensor of this shape, its contents undefined.");
  any_device_op<empty_strided>("empty_strided(int[] size, int[] stride, " NEW, kFactory, "A tensor of this shape and strides, its contents undefined.");
  any_device_op<empty_permuted>("empty_permuted(int[] size, int[] physical_layout, " NEW, kFactory,
                                "Undefined contents; `physical_layout` orders the dimensions in memory, outermost first.");
  any_device_op<empty_like>("empty_like(Tensor self, " LIKE, kFactory, "Undefined contents in the shape, dtype, device and layout of `self`.");
  any_device_op<new_empty>("new_empty(Tensor self, int[] size, " NEW, kNew, "Undefined contents of this shape, dtype and device as `self`.");
  any_device_op<new_empty_strided>("new_empty_strided(Tensor self, int[] size, int[] stride, " NEW, kNew,
                                   "Undefined contents of this shape and strides, dtype and device as `self`.");
  tl::composite<zeros>("zeros(int[] size, " NEW, kFactory, "Zeros of this shape.");
  tl::composite<ones>("ones(int[] size, " NEW, kFactory, "Ones of this shape.");
  tl::composite<full>("full(int[] size, Scalar fill_value, " NEW, kFactory, "`fill_value` everywhere; it also gives the dtype if none is named.");
  tl::composite<full>("full.Tensor(int[] size, Tensor fill_value, " NEW, kFactory, "full() of a 0-dim tensor.");
  tl::composite<zeros_like>("zeros_like(Tensor self, " LIKE, kFactory | TL_OP_ANY_LAYOUT, "Zeros in the shape, dtype and device of `self`.");
  tl::composite<ones_like>("ones_like(Tensor self, " LIKE, kFactory, "Ones in the shape, dtype and device of `self`.");
  tl::composite<full_like>("full_like(Tensor self, Tensor|Scalar fill_value, " LIKE, kFactory, "`fill_value` in the shape, dtype and device of `self`.");
  tl::composite<new_zeros>("new_zeros(Tensor self, int[] size, " NEW, kNew | TL_OP_ANY_LAYOUT, "Zeros of this shape, dtype and device as `self`.");
  tl::composite<new_ones>("new_ones(Tensor self, int[] size, " NEW, kNew, "Ones of this shape, dtype and device as `self`.");
  tl::composite<new_full>("new_full(Tensor self, int[] size, Tensor|Scalar fill_value, " NEW, kNew,
                          "`fill_value` in this shape, dtype and device as `self`.");
  tl::composite<scalar_tensor>("scalar_tensor(Scalar s, " NEW, kFactory, "A 0-dim tensor of the default dtype.");
  tl::composite<empty_out>("empty.out(int[] size, " TL_OPTIONS ", memory_format? memory_format=None, Tensor(a!) out) -> Tensor", kFactory);
  tl::composite<zeros_out>("zeros.out(int[] size, " OUT, kFactory);
  tl::composite<ones_out>("ones.out(int[] size, " OUT, kFactory);
  tl::composite<full_out>("full.out(int[] size, Tensor|Scalar fill_value, " OUT, kFactory);
}
#undef LIKE
#undef NEW
#undef OUT

}  // namespace
}  // namespace tallow
