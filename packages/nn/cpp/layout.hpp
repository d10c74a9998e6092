// Kernels that treat a tensor as a row of elements keep its layout (channels-last stays channels-last).
#pragma once
#include <algorithm>

#include "common.hpp"

namespace tallow_nn {

// Whether the elements fill their memory without gaps or overlaps, in whatever order of dimensions.
inline bool is_dense(const tl::Tensor& t) {
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

inline bool same_layout(const tl::Tensor& a, const tl::Tensor& b) {
  const tl::Sizes sa = a.sizes(), sb = b.sizes(), ta = a.strides(), tb = b.strides();
  if (!std::equal(sa.begin(), sa.end(), sb.begin(), sb.end())) return false;
  for (size_t d = 0; d < sa.size(); ++d)
    if (sa[d] != 1 && ta[d] != tb[d]) return false;
  return true;
}

inline tl::Tensor empty_strided(tl::Sizes sizes, tl::Sizes strides, TlDtype dtype) {
  TlTensor t;
  tl::check(tl::api()->tensor_empty_strided(sizes.data(), strides.data(), static_cast<int64_t>(sizes.size()), dtype, {TL_CPU, -1}, &t));
  return tl::Tensor::steal(t);
}

// t in the layout of `like` and in `dtype`: t itself where it is that already.
inline tl::Tensor in_layout_of(const tl::Tensor& t, const tl::Tensor& like, TlDtype dtype) {
  if (t.dtype() == dtype && same_layout(t, like)) return t;
  tl::Tensor to = empty_strided(like.sizes(), like.strides(), dtype);
  tl::call<"copy_">(to, t);
  return to;
}

// A result in the layout of an argument where that is dense, else contiguous.
inline void output_like(tl::Call& c, uint32_t i, const tl::Tensor& like, TlDtype dtype) {
  const bool plain = like.contiguous() || !is_dense(like);
  c.output(i, like.sizes(), dtype, like.device(), plain ? nullptr : like.strides().data());
}

inline TlDtype compute_dtype(TlDtype t) { return t == TL_FLOAT64 ? TL_FLOAT64 : TL_FLOAT32; }

// The tensor that a kernel of the compute dtype fills for `out`: out itself where its dtype is that one.
inline tl::Tensor target_for(const tl::Tensor& out) {
  const TlDtype dtype = compute_dtype(out.dtype());
  return out.dtype() == dtype ? out : empty_strided(out.sizes(), out.strides(), dtype);
}
inline void finish(const tl::Tensor& out, const tl::Tensor& from) {
  if (out.get() != from.get()) tl::call<"copy_">(out, from);
}

inline const char* dtype_name(TlDtype t) {
  static const char* names[] = {"Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble",
                                "UInt16", "UInt32", "UInt64", "Float8_e4m3fn", "Float8_e5m2"};
  return names[t];
}

// NotImplementedError unless floating point; `kernel` is the name that torch's message gives.
inline void require_floating(const tl::Tensor& t, const char* kernel) {
  if (!is_floating(t.dtype()))
    throw tl::Error(TL_NOT_IMPLEMENTED_ERROR, "\"" + std::string(kernel) + "\" not implemented for '" + dtype_name(t.dtype()) + "'");
}

}  // namespace tallow_nn
