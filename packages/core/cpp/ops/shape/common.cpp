#include <algorithm>

#include "ops/shape/shape.hpp"

namespace tallow {

Dims infer_size(Sizes shape, int64_t numel) {
  Dims out(shape.begin(), shape.end());
  int64_t known = 1;
  int hole = -1;
  bool overflow = false;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == -1) {
      TL_CHECK(hole < 0, "only one dimension can be inferred");
      hole = static_cast<int>(i);
    } else {
      TL_CHECK(out[i] >= 0, "invalid shape dimension ", out[i], " at index ", i, " of shape ", to_string(shape));
      overflow |= __builtin_mul_overflow(known, out[i], &known);
    }
  }
  if (std::find(out.begin(), out.end(), 0) != out.end()) known = 0, overflow = false;
  if (!overflow && hole >= 0 && known != 0 && numel % known == 0) {
    out[hole] = numel / known;
    return out;
  }
  TL_CHECK(!(hole >= 0 && known == 0 && numel == 0), "cannot reshape tensor of 0 elements into shape ", to_string(shape),
           " because the unspecified dimension size -1 can be any value and is ambiguous");
  TL_CHECK(!overflow && hole < 0 && known == numel, "shape '", to_string(shape), "' is invalid for input of size ", numel);
  return out;
}

bool view_strides(const TensorImpl* t, Sizes shape, int64_t* strides) {
  const auto n = static_cast<int64_t>(shape.size());
  if (t->contiguous() || t->numel == 0) {
    int64_t step = 1;
    for (int64_t i = n; i-- > 0;) strides[i] = step, step *= std::max<int64_t>(shape[i], 1);
    if (t->numel == 0 && same_sizes(shape, t->size_span())) std::copy_n(t->strides(), n, strides);
    return true;
  }
  // Dimensions of t that run on into each other form a block; the view may cut up a block, never cross two.
  int64_t v = n - 1;
  int64_t block = 1, filled = 1;
  int64_t base = t->ndim ? t->stride(t->ndim - 1) : 1;
  for (int64_t d = t->ndim; d-- > 0;) {
    block *= t->size(d);
    const bool ends = d == 0 || (t->size(d - 1) != 1 && t->stride(d - 1) != block * base);
    if (!ends) continue;
    while (v >= 0 && (filled < block || shape[v] == 1)) {
      strides[v] = filled * base;
      filled *= shape[v--];
    }
    if (filled != block) return false;
    if (d > 0) base = t->stride(d - 1), block = filled = 1;
  }
  return v == -1;
}

void check_memory_format(int32_t format, Sizes sizes) {
  if (format == TL_CHANNELS_LAST) TL_CHECK(sizes.size() == 4, "required rank 4 tensor to use channels_last format");
  if (format == TL_CHANNELS_LAST_3D) TL_CHECK(sizes.size() == 5, "required rank 5 tensor to use channels_last_3d format");
}

bool has_memory_format(const TensorImpl* t, int32_t format) {
  switch (format) {
    case TL_CHANNELS_LAST: return is_channels_last(t, 4);
    case TL_CHANNELS_LAST_3D: return is_channels_last(t, 5);
    default: return t->contiguous();
  }
}

Tensor empty_with_format(Sizes sizes, DType dtype, TlDevice device, int32_t format) {
  check_memory_format(format, sizes);
  if (format == TL_CHANNELS_LAST || format == TL_CHANNELS_LAST_3D) {
    checked_numel(sizes, itemsize(dtype));
    return empty_strided(sizes, channels_last_strides(sizes), dtype, device);
  }
  return empty(sizes, dtype, device);
}

bool may_alias(const TensorImpl* dst, const TensorImpl* src) {
  if (dst->storage != src->storage || dst->numel == 0 || src->numel == 0 || dst->is_meta()) return false;
  auto bounds = [](const TensorImpl* t) {
    int64_t last = 0;
    for (int d = 0; d < t->ndim; ++d) last += (t->size(d) - 1) * t->stride(d);
    const int64_t item = itemsize(t->dtype);
    return std::pair(t->offset * item, (t->offset + last + 1) * item);
  };
  const auto [a, b] = bounds(dst);
  const auto [c, d] = bounds(src);
  return a < d && c < b;
}

void copy_safely(TensorImpl* dst, const TensorImpl* src) {
  const bool same = dst->dtype == src->dtype && dst->offset == src->offset && same_sizes(dst->size_span(), src->size_span()) &&
                    std::equal(dst->strides(), dst->strides() + dst->ndim, src->strides());
  if (!may_alias(dst, src)) return copy_into(dst, src);
  if (same) return;
  Tensor temp = empty(src->size_span(), src->dtype, src->device);
  copy_into(temp.get(), src);
  copy_into(dst, temp.get());
}

}  // namespace tallow
