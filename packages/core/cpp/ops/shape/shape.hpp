// What the shape ops share: registering a view, inferring sizes, strides of a view.
#pragma once
#include "ops/family.hpp"

namespace tallow {

// A view touches no data: one function serves every device.
template <auto F>
tl::Definition view_op(const char* schema, uint32_t flags = kMethod, const char* doc = nullptr) {
  return tl::opaque(schema, kView | flags, doc).cpu<F>().template on<F>(TL_KEY_META).template on<F>(TL_KEY_CUDA);
}
// Likewise for ops that change only what a tensor says about its memory, or make it without a look at other data.
template <auto F>
tl::Definition any_device_op(const char* schema, uint32_t flags, const char* doc = nullptr) {
  return tl::opaque(schema, flags, doc).cpu<F>().template on<F>(TL_KEY_META).template on<F>(TL_KEY_CUDA);
}

// Sizes and strides under construction, on the stack.
struct ShapeBuffer {
  int64_t sizes[64], strides[64];
  size_t n = 0;
  void push(int64_t size, int64_t stride) {
    TL_CHECK(n < 64, "a tensor has at most 64 dimensions");
    sizes[n] = size, strides[n++] = stride;
  }
  Tensor view(const TensorImpl* t, int64_t offset) const { return make_view(t, {sizes, n}, {strides, n}, offset); }
};

// `shape` with its one -1 replaced by what makes `numel` elements.
Dims infer_size(Sizes shape, int64_t numel);
// The strides that show t's memory as `shape`, or nothing where that takes a copy.
bool view_strides(const TensorImpl* t, Sizes shape, int64_t* strides);

inline int32_t format_arg(const tl::Call& c, uint32_t i, int32_t otherwise) { return static_cast<int32_t>(c.integer(i, otherwise)); }
void check_memory_format(int32_t format, Sizes sizes);
bool has_memory_format(const TensorImpl* t, int32_t format);
Tensor empty_with_format(Sizes sizes, DType dtype, TlDevice device, int32_t format);

// Whether a write to `dst` could change what is later read from `src`.
bool may_alias(const TensorImpl* dst, const TensorImpl* src);

// copy_ with a temporary where source and destination share memory.
void copy_safely(TensorImpl* dst, const TensorImpl* src);

// Row-major copy, or the tensor itself.
inline Tensor contiguous(const TensorImpl* t) {
  if (t->contiguous()) return Tensor::share(const_cast<TensorImpl*>(t));
  Tensor out = empty(t->size_span(), t->dtype, t->device);
  copy_into(out.get(), t);
  return out;
}

}  // namespace tallow
