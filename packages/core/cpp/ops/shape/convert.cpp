// Copies of a tensor: clone, contiguous, and changes of dtype, device and memory format.
#include "ops/shape/shape.hpp"

namespace tallow {
namespace {

Tensor allocate_like(const TensorImpl* t, DType dtype, TlDevice device, int32_t format) {
  if (format == TL_PRESERVE_FORMAT) return empty_like(t, dtype, device);
  return empty_with_format(t->size_span(), dtype, device, format);
}

TlDevice normal(TlDevice d) { return d.type == TL_CPU || d.type == TL_META ? TlDevice{d.type, -1} : d; }
bool same_device(TlDevice a, TlDevice b) { return a.type == b.type && (a.index == b.index || a.index < 0 || b.index < 0); }

void clone_shape(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int32_t format = format_arg(c, 1, TL_PRESERVE_FORMAT);
  check_memory_format(format, t->size_span());
  if (t->contiguous() && (format == TL_PRESERVE_FORMAT || format == TL_CONTIGUOUS_FORMAT)) return c.output(0, t->size_span(), code(t->dtype), t->device);
  Tensor like = allocate_like(t, t->dtype, kMeta, format);
  c.output(0, t->size_span(), code(t->dtype), t->device, like.contiguous() ? nullptr : like->strides());
}

// out[i][k] = t[i] for few k: an expanded innermost dimension, as repeat_interleave makes it.
bool copy_repeats(TensorImpl* out, const TensorImpl* t) {
  const int64_t n = t->ndim;
  if (n < 2 || out->numel == 0 || !out->contiguous() || t->stride(n - 1) != 0 || t->size(n - 1) > 64) return false;
  const int64_t times = t->size(n - 1), row = t->size(n - 2), step = t->stride(n - 2);
  auto run = [&](auto tag) {
    using T = decltype(tag);
    const T* from = t->ptr<T>();
    T* to = out->ptr<T>();
    parallel_for(0, out->numel / (times * row), std::max<int64_t>(1, 32768 / (times * row)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        int64_t rest = r, offset = 0;
        for (int64_t d = n - 2; d-- > 0;) offset += rest % t->size(d) * t->stride(d), rest /= t->size(d);
        T* o = to + r * row * times;
        for (int64_t i = 0; i < row; ++i) {
          const T v = from[offset + i * step];
          for (int64_t k = 0; k < times; ++k) *o++ = v;
        }
      }
    });
  };
  switch (itemsize(t->dtype)) {
    case 1: run(uint8_t{}); break;
    case 2: run(uint16_t{}); break;
    case 4: run(uint32_t{}); break;
    case 8: run(uint64_t{}); break;
    default: return false;
  }
  return true;
}
void clone(tl::Call& c) {
  if (!copy_repeats(c.out_handle(), c.handle(0))) copy_into(c.out_handle(), c.handle(0));
}

void contiguous(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const int32_t format = format_arg(c, 1, TL_CONTIGUOUS_FORMAT);
  TL_CHECK(format != TL_PRESERVE_FORMAT, "preserve memory format is unsupported by the contiguous operator");
  if (has_memory_format(t, format)) c.ret(c.tensor(0));
  else c.ret(tl::call<"clone">(c.value(0), c.value(1)));
}

// _to_copy(self, dtype, device, memory_format): always a copy.
void to_copy(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType dtype = dtype_arg(c, 1, t->dtype);
  const TlDevice device = c.has(2) ? normal(c.device(2)) : t->device;
  const int32_t format = format_arg(c, 3, TL_PRESERVE_FORMAT);
  TL_CHECK_KIND(TL_NOT_IMPLEMENTED_ERROR, !t->is_meta() || device.type == TL_META, "Cannot copy out of meta tensor; no data!");
  Tensor out = allocate_like(t, dtype, device, format);
  if (t->device.type == TL_CPU && device.type == TL_CPU) copy_into(out.get(), t);
  else if (device.type != TL_META) tl::call<"copy_">(out.get(), c.handle(0), c.boolean(4));
  c.ret(std::move(out));
}

void to(tl::Call& c) {
  const TensorImpl* t = c.handle(0);
  const DType dtype = dtype_arg(c, 1, t->dtype);
  const TlDevice device = c.has(2) ? normal(c.device(2)) : t->device;
  const int32_t format = format_arg(c, 5, TL_PRESERVE_FORMAT);
  const bool kept = dtype == t->dtype && same_device(device, t->device) && (format == TL_PRESERVE_FORMAT || has_memory_format(t, format));
  if (kept && !c.boolean(4)) return c.ret(c.tensor(0));
  c.ret(tl::call<"_to_copy">(c.value(0), c.value(1), c.value(2), c.value(5), c.value(3)));
}
void type_as(tl::Call& c) {
  const TensorImpl* o = c.handle(1);
  c.ret(tl::call<"_to">(c.value(0), tl::Dtype{code(o->dtype)}, o->device));
}

TL_OPS(shape_convert) {
  tl::def<clone_shape>("clone(Tensor self, *, memory_format? memory_format=None) -> Tensor", kMethod, "A copy in memory of its own.").cpu<clone>();
  tl::composite<contiguous>("contiguous(Tensor self, *, memory_format? memory_format=contiguous_format) -> Tensor", kMethod | TL_OP_NO_FUNCTION,
                            "The tensor itself if its memory is in this order, otherwise a copy that is.");
  any_device_op<to_copy>("_to_copy(Tensor self, dtype? dtype=None, device? device=None, memory_format? memory_format=None, "
                         "bool non_blocking=False) -> Tensor", TL_OP_HIDDEN | TL_OP_MIXED_DEVICES, "A copy with another dtype, device or layout.");
  tl::composite<to>("_to(Tensor self, dtype? dtype=None, device? device=None, bool non_blocking=False, bool copy=False, "
                    "memory_format? memory_format=None) -> Tensor", TL_OP_HIDDEN | TL_OP_MIXED_DEVICES | TL_OP_ANY_LAYOUT,
                    "The tensor with this dtype, device and layout: itself where it has them already.");
  tl::composite<type_as>("type_as(Tensor self, Tensor other) -> Tensor", kMethod | TL_OP_NO_FUNCTION | TL_OP_MIXED_DEVICES | TL_OP_ANY_LAYOUT,
                         "`self` with the dtype and device of `other`.");
}

}  // namespace
}  // namespace tallow
