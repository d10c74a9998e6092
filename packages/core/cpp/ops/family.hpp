// What a file of ops includes: the core's tensors, and the registration block.
//
//   TL_OPS(reduce) {
//     tl::def<sum_shape>("sum(Tensor self, ...) -> Tensor", TL_OP_METHOD | TL_OP_OUT).cpu<sum_cpu>();
//     tl::composite<mean>("mean(...) -> Tensor", TL_OP_METHOD);
//   }
//
// A kernel reads `c.handle(i)` (a TlTensorImpl*, a struct inside the core) and writes `c.out_handle(i)`: contiguous, of
// the described shape and dtype, and never the memory of an input.
#pragma once
#include "dispatch/registry.hpp"
#include "dispatch/structured.hpp"
#include "parallel/parallel.hpp"
#include "tallow/tallow.hpp"
#include "tensor/tensor.hpp"

#define TL_OPS(NAME)                                                                             \
  static void tl_ops_##NAME();                                                                   \
  [[maybe_unused]] static const bool tl_ops_registered_##NAME = (tl_ops_##NAME(), true);         \
  static void tl_ops_##NAME()

namespace tallow {

constexpr uint32_t kMethod = TL_OP_METHOD, kInPlace = TL_OP_INPLACE, kOut = TL_OP_OUT, kView = TL_OP_VIEW, kNoGrad = TL_OP_NOT_DIFFERENTIABLE;

inline DType dtype_arg(const tl::Call& c, uint32_t i, DType otherwise) {
  return static_cast<DType>(c.dtype(i, static_cast<TlDtype>(otherwise)));
}
inline TlDtype code(DType t) { return static_cast<TlDtype>(t); }

}  // namespace tallow
