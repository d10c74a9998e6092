// Changing a tensor's memory in place: resize_, resize_as_, set_.
#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

void resize_to(TensorImpl* t, Sizes sizes, int32_t format) {
  TL_CHECK(format != TL_PRESERVE_FORMAT, "Unsupported memory format preserve_format for resize_");
  check_memory_format(format, sizes);
  resize(t, sizes);
  if (format == TL_CHANNELS_LAST || format == TL_CHANNELS_LAST_3D) {
    const Dims strides = channels_last_strides(sizes), kept(sizes.begin(), sizes.end());
    t->set_shape(kept.data(), strides.data(), static_cast<int64_t>(kept.size()));
  }
}
void resize_(tl::Call& c) {
  resize_to(c.handle(0), c.ints(1), format_arg(c, 2, TL_CONTIGUOUS_FORMAT));
  c.ret(c.tensor(0));
}
void resize_as_(tl::Call& c) {
  const TensorImpl* like = c.handle(1);
  int32_t format = format_arg(c, 2, TL_CONTIGUOUS_FORMAT);
  if (format == TL_PRESERVE_FORMAT)
    format = is_channels_last(like, 4) ? TL_CHANNELS_LAST : is_channels_last(like, 5) ? TL_CHANNELS_LAST_3D : TL_CONTIGUOUS_FORMAT;
  resize_to(c.handle(0), like->size_span(), format);
  c.ret(c.tensor(0));
}

void take_storage(TensorImpl* t, const TensorImpl* from) {
  TL_CHECK(t->dtype == from->dtype, "Could not set tensor of type ", dtype_long_name(from->dtype), " to a tensor of type ", dtype_long_name(t->dtype));
  TL_CHECK(t->device.type == from->device.type, "Attempted to set a tensor on ", device_string(t->device), " to a tensor on ", device_string(from->device));
  from->storage->retain();
  t->storage->release();
  t->storage = from->storage;
}
void set_tensor(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  const TensorImpl* from = c.handle(1);
  take_storage(t, from);
  t->offset = from->offset;
  t->set_shape(from->sizes(), from->strides(), from->ndim);
  c.ret(c.tensor(0));
}
void set_nothing(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  const int64_t none = 0;
  Tensor fresh = empty(Sizes(&none, 1), t->dtype, t->device);
  take_storage(t, fresh.get());
  t->offset = 0;
  t->set_shape(&none, nullptr, 1);
  c.ret(c.tensor(0));
}
void set_part(tl::Call& c) {
  TensorImpl* t = c.handle(0);
  Dims strides(c.ints(4).begin(), c.ints(4).end());
  if (strides.empty()) strides = contiguous_strides(c.ints(3));
  tl::ExcludeKeys below(~kDeviceMask);
  tl::Tensor v = tl::call<"as_strided">(c.value(1), c.value(3), strides, c.value(2));  // checks the bounds
  take_storage(t, v.get());
  t->offset = v.get()->offset;
  t->set_shape(v.get()->sizes(), v.get()->strides(), v.get()->ndim);
  c.ret(c.tensor(0));
}

void is_set_to(tl::Call& c) {
  const TensorImpl* a = c.handle(0);
  const TensorImpl* b = c.handle(1);
  c.ret_bool(a->storage == b->storage && a->offset == b->offset && same_sizes(a->size_span(), b->size_span()) &&
             same_sizes(a->stride_span(), b->stride_span()));
}
void is_same_size(tl::Call& c) { c.ret_bool(same_sizes(c.handle(0)->size_span(), c.handle(1)->size_span())); }

TL_OPS(shape_resize) {
  any_device_op<is_set_to>("is_set_to(Tensor self, Tensor tensor) -> bool", kMethod | TL_OP_NO_FUNCTION | kNoGrad, "Whether both are the same place in the same storage.");
  any_device_op<is_same_size>("is_same_size(Tensor self, Tensor other) -> bool", kMethod | kNoGrad, "Whether the shapes are the same.");
  constexpr uint32_t flags = kMethod | TL_OP_NO_FUNCTION | kNoGrad;
  any_device_op<resize_>("resize_(Tensor(a!) self, int[] size, *, memory_format? memory_format=contiguous_format) -> Tensor", flags,
                         "Another shape for this tensor; its memory grows where needed, new elements are undefined.");
  any_device_op<resize_as_>("resize_as_(Tensor(a!) self, Tensor other, *, memory_format? memory_format=contiguous_format) -> Tensor", kMethod | kNoGrad,
                            "resize_() to the shape of `other`.");
  any_device_op<set_tensor>("set_(Tensor(a!) self, Tensor source) -> Tensor", flags, "Shares the memory, shape and strides of `source` from now on.");
  any_device_op<set_part>("set_.storage(Tensor(a!) self, Tensor source, int storage_offset, int[] size, int[] stride=[]) -> Tensor", flags,
                          "Shares the storage of `source` with these sizes and strides.");
  any_device_op<set_nothing>("set_.nothing(Tensor(a!) self) -> Tensor", flags, "An empty tensor of its own from now on.");
}

}  // namespace
}  // namespace tallow
