// Ops that gradient rules are written with and that are no business of the core. Hidden, in the namespace autograd.
//
// Most are composite, so that their own gradients follow from the ops they use.
#pragma once
#include "tallow/tallow.hpp"

namespace tl::autograd {

// An op in terms of others, differentiable through them.
template <auto F>
Definition helper(const char* schema) {
  return composite<F>(schema, TL_OP_HIDDEN);
}

// Dimensions from 0, also from the end: the same ones, wrapped and marked. No dims or none given means all.
std::vector<bool> reduced_dims(const TlValue& dim, int64_t ndim);
int64_t wrap(int64_t dim, int64_t ndim);
// Rules only pass what their ops have checked; but any op can be called with anything.
inline void require(bool fits, const char* what) {
  if (!fits) throw Error(TL_VALUE_ERROR, what);
}

void fused_helpers();
void pointwise_helpers();
void reduce_helpers();
void cumulative_helpers();
void shape_helpers();
void view_helpers();
void index_helpers();
void linalg_helpers();
void factor_helpers();
void spectral_helpers();
void sparse_helpers();

inline void register_helpers() {
  fused_helpers(), pointwise_helpers(), reduce_helpers(), cumulative_helpers(), shape_helpers(), view_helpers();
  index_helpers(), linalg_helpers(), factor_helpers(), spectral_helpers(), sparse_helpers();
}

}  // namespace tl::autograd
