// Dtypes that kernels compute in, and the tensors that they fill.
#pragma once
#include <tallow/layout.hpp>

#include "common.hpp"

namespace tallow_nn {

using tl::empty_strided, tl::in_layout_of, tl::is_dense, tl::output_like, tl::same_layout;

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
