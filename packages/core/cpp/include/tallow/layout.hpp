// Kernels that treat a tensor as a row of elements, in whatever order of dimensions: they keep the layout of what they get
// (channels-last stays channels-last).
#pragma once
#include "tallow/tallow.hpp"

namespace tl {

// Whether the elements fill their memory without gaps or overlaps, in whatever order of dimensions.
inline bool is_dense(const Tensor& t) {
  const TlTensorInfo i = t.info();
  if (i.flags & TL_TENSOR_CONTIGUOUS) return true;
  std::vector<std::pair<int64_t, int64_t>> steps;
  for (int64_t d = 0; d < i.ndim; ++d)
    if (i.sizes[d] != 1) steps.emplace_back(i.strides[d], i.sizes[d]);
  std::sort(steps.begin(), steps.end());
  int64_t expected = 1;
  for (const auto& [stride, size] : steps) {
    if (stride != expected) return false;
    expected *= size;
  }
  return true;
}

inline bool same_layout(const Tensor& a, const Tensor& b) {
  const Sizes sa = a.sizes(), sb = b.sizes(), ta = a.strides(), tb = b.strides();
  if (!std::equal(sa.begin(), sa.end(), sb.begin(), sb.end())) return false;
  for (size_t d = 0; d < sa.size(); ++d)
    if (sa[d] != 1 && ta[d] != tb[d]) return false;
  return true;
}

inline Tensor empty_strided(Sizes sizes, Sizes strides, TlDtype dtype) {
  TlTensor t;
  check(api()->tensor_empty_strided(sizes.data(), strides.data(), static_cast<int64_t>(sizes.size()), dtype, {TL_CPU, -1}, &t));
  return Tensor::steal(t);
}

// t in the layout of `like` and in `dtype`: t itself where it is that already.
inline Tensor in_layout_of(const Tensor& t, const Tensor& like, TlDtype dtype) {
  if (t.dtype() == dtype && same_layout(t, like)) return t;
  Tensor to = empty_strided(like.sizes(), like.strides(), dtype);
  call<"copy_">(to, t);
  return to;
}

// A result in the layout of an argument where that is dense, else contiguous.
inline void output_like(Call& c, uint32_t i, const Tensor& like, TlDtype dtype) {
  const bool plain = like.contiguous() || !is_dense(like);
  c.output(i, like.sizes(), dtype, like.device(), plain ? nullptr : like.strides().data());
}

}  // namespace tl
